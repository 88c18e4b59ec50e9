"""Tables read as streams by the command: trained, judged, kept, gone on with."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import backlit as bl
from backlit.cli import predict, predict_streamed
from backlit.cli.main import app
from backlit.data.streams import table
from backlit.report import inside
from backlit.report.description import described
from backlit.tasks import streamed
from backlit.tasks.choose import task_of
from backlit.tasks.judge import counts, in_blocks
from backlit.tasks.options import Call, Options
from backlit.tasks.pictures import PicturesTask
from backlit.tasks.streamed import StreamedTask, wants_stream

ROWS = 900


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three parts of a table: numbers, a category, a target of classes and one of numbers."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("streamed") / "parts"
    folder.mkdir()
    for part in range(3):
        x, colour = rng.normal(size=(ROWS // 3, 3)), rng.choice(["red", "green"], ROWS // 3)
        level = x @ [1.0, 2.0, -1.0] + 2 * (colour == "red")
        pl.DataFrame({
            **{f"x{i}": x[:, i] for i in range(3)}, "colour": colour,
            "kind": np.where(level > 1, "high", "low"), "price": 100 + 10 * level,
        }).write_parquet(folder / f"{part}.parquet")  # fmt: skip
    return folder


def told(arguments: list[Any]) -> Any:
    """What the command says as JSON."""
    done = CliRunner().invoke(app, [*map(str, arguments), "--json", "--no-report", "--quiet"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_a_pattern_trains_and_is_judged_on_its_own_part(folder: Path, tmp_path: Path) -> None:
    said = told([
        "train", folder / "*.parquet", "--target", "kind", "--columns", "price=drop", "--network", "mlp:16",
        "--epochs", 12, "--lr", 0.01, "--out", tmp_path / "run",
    ])  # fmt: skip
    judgement = said["judgement"]
    assert judgement["scores"]["accuracy"] > 0.9
    assert judgement["judged_on"] == "test"
    assert sum(judgement["parts"].values()) == ROWS
    assert "read as a stream, 900 rows in 3 files" in judgement["notes"][0]
    run = bl.load(tmp_path / "run")
    assert run.settings["streamed_rows"] == judgement["parts"]["training"]
    frame = pl.read_parquet(folder / "0.parquet")
    assert np.mean(run.predict(frame) == frame["kind"].to_numpy()) > 0.9
    again = told(["train", "--config", tmp_path / "run" / "config.toml", "--out", tmp_path / "again"])
    assert again["judgement"]["scores"] == judgement["scores"]


def trained(folder: Path, target: str, **more: Any) -> Any:
    task = StreamedTask(target=target, columns={"price" if target == "kind" else "kind": "drop"})
    options = Options(network="mlp:8", epochs=3, **more)
    return bl.Run.of(task.train(task.read(folder), options, Call(progress=False)))


@pytest.mark.parametrize("target", ["kind", "price"])
def test_judged_by_sums_as_by_all_rows_at_once(folder: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trained(folder, target).judgement
    monkeypatch.setattr(in_blocks, "KEPT", 40)
    summed = trained(folder, target).judgement
    assert any("scores" in note and "40 of the" in note for note in summed.notes)
    assert summed.rows == whole.rows
    assert summed.scores == pytest.approx(whole.scores)
    if target == "kind":
        assert summed.confusion == whole.confusion
        assert summed.baseline == pytest.approx(whole.baseline)
        assert summed.classes == whole.classes


def test_of_very_many_classes_no_pairs_are_counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = trained(folder, "kind").judgement
    monkeypatch.setattr(counts, "MOST_PAIRED", 1)
    monkeypatch.setattr(inside, "MOST_CLASSES", 1)
    monkeypatch.setattr(in_blocks, "OUTPUTS", 40 * len(whole.classes))
    monkeypatch.setattr(in_blocks, "FEWEST", 1)
    run = trained(folder, "kind")
    assert any(" 40 of the" in note for note in run.judgement.notes)
    assert run.judgement.confusion is None
    assert run.judgement.classes == whole.classes
    assert run.judgement.scores == pytest.approx(whole.scores)
    run.save(tmp_path / "run")
    assert "<html" in run.report()
    assert bl.load(tmp_path / "run").judgement.confusion is None
    with pytest.raises(bl.InputError, match="no confusion matrix: only runs that predict classes, up to 1,000, have"):
        bl.plots.confusion(run.judgement)


def test_the_worst_mistakes_are_those_of_all_rows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, seen = in_blocks.predicted, []

    def in_sevens(run: Any, stream: Any) -> Any:
        for outputs, y, x in whole(run, stream):
            seen.append((run.targets.decode(outputs), y))
            for start in range(0, len(y), 7):
                rows = slice(start, start + 7)
                yield outputs[rows], y[rows], x[rows]

    monkeypatch.setattr(in_blocks, "predicted", in_sevens)
    mistakes = trained(folder, "price").judgement.mistakes
    off = np.concatenate([np.abs(called - y) for called, y in seen[: len(seen) // 2]])  # then come validation rows
    assert [row.off for row in mistakes.rows] == pytest.approx(np.sort(off)[::-1][:10].tolist())
    assert mistakes.columns == ("x0", "x1", "x2", "colour")
    assert all(abs(row.truth - row.called) == pytest.approx(row.off) for row in mistakes.rows)


def test_no_advice_that_a_stream_refuses(folder: Path) -> None:
    judgement = trained(folder, "kind").judgement
    off = judgement.replace(calibration={**judgement.calibration, "error": 0.4})
    advice = described(off).calibration.advice.within("en")
    assert "a run on a part of the data that fits into memory can be calibrated (--calibrate)" in advice
    assert "--calibrate may mend it" in described(off.replace(streamed=None)).calibration.advice.within("en")


def test_long_passes_are_divided_into_epochs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "EPOCH", 5)
    run = trained(folder, "price", batch_size=32)
    updates = -(-run.judgement.parts["training"] // 32)
    parts = -(-updates // 5)
    assert len(run.history) == 3 * parts
    assert any(f"1/{parts} of a pass" in note for note in run.judgement.notes)


def test_epochs_are_compared_by_a_sample_of_many_validation_rows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "HELD", 30)
    run = trained(folder, "kind")
    rows = run.judgement.parts["validation"]
    assert f"epochs are compared by a sample of 30 of the {rows} validation rows" in run.judgement.notes
    assert run.history[-1]["val_accuracy"] * 30 == pytest.approx(round(run.history[-1]["val_accuracy"] * 30))


def test_rows_that_are_held_are_bounded_by_their_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "HELD_BYTES", 1000)
    run = trained(folder, "kind")
    note = next(note for note in run.judgement.notes if "epochs are compared by a sample" in note)
    assert 10 <= int(note.split("sample of ")[1].split()[0]) <= 100


REFUSED = {
    "full": (["--batch-size", "full"], "--batch-size full takes all rows at once, which a stream never has"),
    "calibrate": (["--calibrate"], "--calibrate needs all validation rows at once, which a stream never has"),
    "exact": (["--optimizer", "least_squares"], "optimizer 'least_squares' needs all rows at once"),
    "test": (["--test", "other.csv"], "--test names a file of its own; of a stream a share of the rows is judged on"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_options_that_need_all_rows_are_refused_by_name(case: str, folder: Path) -> None:
    options, message = REFUSED[case]
    done = CliRunner().invoke(app, ["train", str(folder / "*.parquet"), "--target", "kind", "--quiet", *options])
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())


def test_a_stream_needs_a_target_and_no_standard_input(folder: Path) -> None:
    done = CliRunner().invoke(app, ["train", str(folder / "*.parquet")])
    assert "say which column to predict: --target COLUMN (it is read as a stream)" in " ".join(done.output.split())
    with pytest.raises(bl.InputError, match="standard input can't be a stream"):
        StreamedTask(target="kind").read("-")


def test_what_is_read_as_a_stream_by_itself(folder: Path, tmp_path: Path) -> None:
    small = folder / "0.parquet"
    assert not wants_stream(str(small), asked=False)
    assert wants_stream(str(small), asked=True)
    assert wants_stream(str(folder), asked=False)
    assert wants_stream(str(folder / "*.parquet"), asked=False)
    assert not wants_stream(str(tmp_path), asked=False)
    with bl.limits(memory=1000):
        assert wants_stream(str(small), asked=False)


def test_a_folder_of_pictures_is_one_whatever_table_is_beside_them(tmp_path: Path) -> None:
    for name in ("cat/1.PNG", "dog/2.png", "labels.csv", "metadata.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert not wants_stream(str(tmp_path), asked=False)
    task, _ = task_of({"data": tmp_path})
    assert isinstance(task, PicturesTask)


def test_folders_that_name_a_column_and_packed_text_are_streams(tmp_path: Path) -> None:
    for name in ("a/year=2024/x.parquet", "b/x.csv.gz", "c/_hidden.csv", "c/notes.txt", "c/x.xlsx"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * 2000)
    assert [wants_stream(str(tmp_path / name), asked=False) for name in "abc"] == [True, True, False]
    assert not wants_stream(str(tmp_path / "b" / "x.csv.gz"), asked=False)
    with bl.limits(memory=1000):
        assert wants_stream(str(tmp_path / "b" / "x.csv.gz"), asked=False)
        assert not wants_stream(str(tmp_path / "c" / "x.xlsx"), asked=False)


WHOLE = {
    "in UTF-16": ("utf-16", "\n", [], "told.csv"),
    "lines that end in \\r": ("utf-8", "\r", [], "told.csv"),
    "as one object": ("utf-8", "\n", ["--json"], None),
    "as a JSON file": ("utf-8", "\n", [], "told.json"),
}


@pytest.mark.parametrize("case", WHOLE)
def test_files_that_fit_into_memory_are_read_whole_where_pieces_cant_be(
    case: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict_streamed, "LEAST", 10)
    encoding, newline, options, out = WHOLE[case]
    trained(folder, "kind").save(tmp_path / "run")
    lines = ["x0,x1,x2,colour", "1.5,0,1,red", "0,2,1,green", ""]
    (tmp_path / "a.csv").write_bytes(newline.join(lines).encode(encoding))
    asked = [str(tmp_path / "run"), str(tmp_path / "a.csv"), *options]
    done = CliRunner().invoke(app, ["predict", *asked, *(["--out", str(tmp_path / out)] if out else [])])
    assert done.exit_code == 0, done.output
    assert "read as a stream" not in done.output
    assert (json.loads(done.stdout)["rows"] == 2) if out is None else (tmp_path / out).exists()
    with bl.limits(memory=10):  # beyond memory it's refused as before
        assert predict_streamed.is_streamed(bl.load(tmp_path / "run"), [tmp_path / "a.csv"], None, True)


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl", "csv.gz"])
def test_predictions_for_several_files_are_those_for_each_row(folder: Path, tmp_path: Path, ending: str) -> None:
    trained(folder, "kind").save(tmp_path / "run")
    done = CliRunner().invoke(
        app, ["predict", str(tmp_path / "run"), str(folder / "*.parquet"), "--out", str(tmp_path / f"told.{ending}")]
    )
    assert done.exit_code == 0, done.output
    assert "900 predictions written to" in done.output
    whole = pl.concat(pl.read_parquet(folder / f"{part}.parquet") for part in range(3))
    readers = {"parquet": pl.read_parquet, "jsonl": pl.read_ndjson}
    told = readers.get(ending, pl.read_csv)(tmp_path / f"told.{ending}")
    assert told.height == ROWS
    assert told["prediction"].to_list() == bl.load(tmp_path / "run").predict(whole).tolist()
    assert told["price"].to_list() == pytest.approx(whole["price"].to_list())


def test_no_more_than_a_piece_is_held(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the stream is: of one piece nothing is left when the next but one is read."""
    trained(folder, "kind").save(tmp_path / "run")
    monkeypatch.setattr(table, "FEWEST", 1)
    monkeypatch.setattr(table, "MOST", 30)
    whole, pieces, alive = predict.predictions, [], []

    def watched(run: Any, frame: Any, level: float) -> Any:
        pieces.append(weakref.ref(frame))
        alive.append(sum(piece().height for piece in pieces if piece() is not None))
        return whole(run, frame, level)

    monkeypatch.setattr(predict, "predictions", watched)
    done = CliRunner().invoke(
        app, ["predict", str(tmp_path / "run"), str(folder / "*.parquet"), "--out", str(tmp_path / "told.csv")]
    )
    assert done.exit_code == 0, done.output
    assert pl.read_csv(tmp_path / "told.csv").height == ROWS
    assert len(pieces) >= ROWS // 30
    assert max(alive) <= 2 * 30


def test_the_output_may_be_none_of_the_files_of_a_pattern(folder: Path, tmp_path: Path) -> None:
    trained(folder, "kind").save(tmp_path / "run")
    before = (folder / "0.parquet").read_bytes()
    for data in (folder, folder / "*.parquet"):
        asked = ["predict", str(tmp_path / "run"), str(data), "--out", str(folder / "0.parquet")]
        done = CliRunner().invoke(app, asked)
        assert done.exit_code == 2
        assert "is the input itself; name another file" in " ".join(done.output.split())
        assert (folder / "0.parquet").read_bytes() == before


def test_cells_of_text_are_written_as_they_stand(folder: Path, tmp_path: Path) -> None:
    trained(folder, "kind").save(tmp_path / "run")
    lines = ["code;x0;x1;x2;colour", '007;1.50;0;1e0;"red"', "010;0;2;1;green"]
    for part in ("a", "b"):
        (tmp_path / f"{part}.csv").write_text("\n".join(lines) + "\n")
    done = CliRunner().invoke(app, ["predict", str(tmp_path / "run"), str(tmp_path / "a.csv"), str(tmp_path / "b.csv")])
    assert done.exit_code == 0, done.output
    written = done.stdout.splitlines()
    assert written[0] == "code;x0;x1;x2;colour;prediction;probability_high;probability_low"
    assert [line.rsplit(";", 3)[0] for line in written[1:]] == ["007;1.50;0;1e0;red", "010;0;2;1;green"] * 2


def test_json_isnt_for_streams(folder: Path, tmp_path: Path) -> None:
    trained(folder, "kind").save(tmp_path / "run")
    for options, message in (
        (["--json"], "--json and --skip-broken aren't for tables that are read as a stream: name a file, --out"),
        (["--out", str(tmp_path / "told.json")], "a table that is read as a stream isn't written as json: name a .csv"),
        ([], "parquet isn't text that goes to standard output in parts; name a file, --out"),
    ):
        done = CliRunner().invoke(app, ["predict", str(tmp_path / "run"), str(folder / "*.parquet"), *options])
        assert done.exit_code == 2
        assert message in " ".join(done.output.split())


@pytest.mark.slow
def test_two_processes_train_on_a_stream_by_the_command(folder: Path, tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "backlit", "train", str(folder / "*.parquet"), "--target", "kind", "--epochs", "12",
        "--network", "mlp:8", "--lr", "0.02", "--columns", "price=drop", "--out", str(tmp_path / "run"), "--quiet",
        "--no-report", "--processes", "2",
    ]  # fmt: skip
    subprocess.run(command, check=True)
    run = bl.load(tmp_path / "run")
    assert run.judgement.rows == run.judgement.parts["test"]
    assert run.judgement.scores["accuracy"] > 0.9


@pytest.mark.slow
def test_a_killed_run_goes_on(folder: Path, tmp_path: Path) -> None:
    """With the numbers of one that was left alone."""
    command = [
        sys.executable, "-m", "backlit", "train", str(folder / "*.parquet"), "--target", "kind", "--network", "mlp:8",
        "--columns", "price=drop", "--quiet", "--no-report", "--patience", "0",
    ]  # fmt: skip
    long = [*command, "--epochs", "100000", "--out", str(tmp_path / "run")]
    running = subprocess.Popen(long)
    progress = tmp_path / "run"
    while running.poll() is None and not _epochs_of(progress):
        time.sleep(0.05)
    running.kill()
    assert running.wait() == -signal.SIGKILL
    done = _epochs_of(progress)
    said = told([*command[3:], "--epochs", done + 3, "--out", progress, "--resume"])
    whole = told([*command[3:], "--epochs", done + 3, "--out", tmp_path / "whole"])
    assert said["judgement"]["scores"] == whole["judgement"]["scores"]
    assert len(bl.load(progress).history) == done + 3
    assert [line["loss"] for line in bl.load(progress).history] == [
        line["loss"] for line in bl.load(tmp_path / "whole").history
    ]


def _epochs_of(folder: Path) -> int:
    """How many epochs a run's folder tells of, while it is being written."""
    try:
        return len(bl.load(folder).history)
    except (bl.BacklitError, OSError):
        return 0
