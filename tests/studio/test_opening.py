"""A studio that begins with a run's folder: its network as it was left, on its data."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import backlit as bl
from backlit.cli.main import app
from backlit.errors import InputError
from backlit.graph import tree
from backlit.studio.answers import answer
from backlit.studio.opening import beginning
from backlit.studio.sharing import link_of, python
from backlit.studio.state import State


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a file and the run on it are."""
    folder = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(0)
    rows = "".join(f"{a:.3f},{b:.3f},{'yes' if a > b else 'no'}\n" for a, b in rng.normal(size=(60, 2)))
    (folder / "a.csv").write_text("a,b,bought\n" + rows)
    words = [
        "train",
        str(folder / "a.csv"),
        "--target",
        "bought",
        "--epochs",
        "2",
        "--network",
        "mlp:4",
        "--ensemble",
        "1",
    ]
    result = CliRunner().invoke(app, [*words, "--engine", "numpy", "--out", str(folder / "run"), "-q", "--no-report"])
    assert result.exit_code == 0, result.output
    return folder


def test_a_run_of_a_table_opens_with_its_weights_and_its_data(folder: Path) -> None:
    run = bl.load(folder / "run")
    session = beginning(folder / "run", None)()
    timeline = session.first.timeline
    assert timeline.network.architecture == run.network.architecture
    for one, other in zip(tree.leaves(timeline.network.params), tree.leaves(run.network.params), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (timeline.rows.columns, timeline.rows.classes) == (["a", "b"], ["no", "yes"])
    assert timeline.rows.x.shape == (60, 2)
    told = answer(session, {"type": "step", "updates": 2})[0].message
    assert told["at"]["update"] == 2
    assert str(folder) not in python(timeline)  # no path of this machine


def test_a_run_that_the_studio_cannot_show_is_told(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
    bl.fit(bl.Linear(1), x, x[:, 0], epochs=1, engine="numpy", progress=False).save(tmp_path / "run")
    with pytest.raises(InputError, match="doesn't tell which data it was trained on; the studio opens runs of backlit"):
        beginning(tmp_path / "run", None)
    wide = bl.Sequential(bl.Linear(8000), bl.Linear(1))
    bl.fit(wide, x, x[:, 0], epochs=1, engine="numpy", progress=False).save(tmp_path / "wide")
    with pytest.raises(InputError, match="40,001 weights are too many for the studio, which takes 20,000"):
        beginning(tmp_path / "wide", None)
    two = bl.Wired({"a": bl.Linear(1), "b": bl.Linear(1)}, (("input", "a"), ("input", "b")), outputs=("a", "b"))
    outcomes = {"a": x[:, 0], "b": x[:, 1]}
    bl.fit(two, x, outcomes, epochs=1, engine="numpy", progress=False).save(tmp_path / "two")
    with pytest.raises(InputError, match="the studio shows networks of one input that learn classes or numbers"):
        beginning(tmp_path / "two", None)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"name": "file", "file": "file1", "target": "a"}, "the state is of a file that was dropped, which it doesn't"),
        ({"name": "points", "points": [[0, 0, 0]]}, "points"),
    ],
)
def test_a_state_that_no_session_can_be_made_of_is_told_before_the_server_starts(
    data: dict[str, object], text: str
) -> None:
    link = link_of(State.from_dict({"data": data}))
    with pytest.raises(InputError, match=text):
        beginning(None, link)
    result = CliRunner().invoke(app, ["studio", "--no-browser", "--state", link])
    assert result.exit_code == 2
    assert text in " ".join(result.output.split())
