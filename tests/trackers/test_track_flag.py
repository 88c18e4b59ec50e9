"""`backlit train --track`."""

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from backlit.cli.main import main


@pytest.fixture
def train(place, monkeypatch, capsys):
    rows = "\n".join(f"{i},{3 * i + 1}" for i in range(60))
    (place / "line.csv").write_text(f"a,b\n{rows}\n", encoding="utf-8")

    def run(*more):
        quick = ("--engine", "numpy", "--ensemble", "1", "--epochs", "2", "--no-report", "-q", "--out", "runs/line")
        monkeypatch.setattr("sys.argv", ["backlit", "train", "line.csv", "--target", "b", *quick, *more])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code or 0, capsys.readouterr().err

    return run


def test_the_command_tells_a_tracker(train, place):
    status, said = train("--track", "tensorboard:tb")
    assert status == 0, said
    found = EventAccumulator(str(place / "tb" / "line")).Reload()
    assert len(found.Scalars("loss")) == 2
    assert found.Scalars("test_rmse")
    assert "track" not in (place / "runs" / "line" / "config.toml").read_text(encoding="utf-8")


def test_an_unknown_tracker_is_told_before_training(train, place):
    status, said = train("--track", "tensorbord")
    assert (status, "did you mean 'tensorboard'" in said) == (2, True)
    assert not (place / "runs" / "line").exists()
