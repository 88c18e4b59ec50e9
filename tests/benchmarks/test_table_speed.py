"""The file of the race, and a race over a few rows."""

import polars as pl
import pytest

from benchmarks import table_speed


@pytest.fixture
def path(tmp_path):
    path = str(tmp_path / "table.csv")
    table_speed.write_csv(path, 4000)
    return path


def test_the_file_is_what_it_is_said_to_be(path, tmp_path):
    frame = pl.read_csv(path, try_parse_dates=True)
    kinds = [str(kind) for kind in frame.dtypes]
    assert frame.shape == (4000, 31)
    assert (kinds.count("Float64"), kinds.count("String"), kinds.count("Date")) == (20, 10, 1)
    missing = [count / 4000 for count in frame.null_count().row(0)]
    assert missing[:5] == pytest.approx([0.05] * 5, abs=0.015)
    assert not any(missing[5:])
    assert [frame[f"category {i}"].n_unique() for i in range(8)] == list(table_speed.LEVELS)
    assert frame["shop"].n_unique() > 0.98 * table_speed.SHOPS
    assert 0.4 < (frame["y"] == "yes").mean() < 0.6

    again = tmp_path / "again.csv"
    table_speed.write_csv(str(again), 4000)
    assert pl.read_csv(again, try_parse_dates=True).equals(frame)


def test_pytorch_learns_without_a_warning(path, monkeypatch):
    monkeypatch.setattr(table_speed, "BATCH", 32)
    monkeypatch.setattr(table_speed, "RATE", 0.01)
    assert table_speed.pytorch(path) > 0.6  # guessing has 0.5, and 600 rows a standard error of 0.02


@pytest.mark.slow
def test_every_contestant_reports_from_a_process_of_its_own():
    text = table_speed.main(["--rows", "4000", "--rounds", "1"])
    rows = [[cell.strip() for cell in line.split("|")] for line in text.splitlines()]
    found = {row[1]: row[2:9] for row in rows if len(row) > 5 and row[1] in table_speed.CONTESTANTS}
    assert set(found) == {"backlit", "pandas + PyTorch"}
    for seconds, _, fastest, cpu, _, peak, accuracy in found.values():
        assert seconds == fastest  # of one round
        assert float(cpu) > 0
        assert 100 < float(peak) < 4000
        assert 0.4 < float(accuracy) < 1


def test_wrong_options_are_refused():
    for wrong in (["--rows", "0"], ["--rounds", "x"], ["--only", "keras"]):
        with pytest.raises(SystemExit, match="2"):
            table_speed.main(wrong)
