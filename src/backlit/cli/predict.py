"""`backlit predict`: a run's predictions for the rows of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from backlit.run import Run

NAME = "predict"
MANY = 100  # classes, above which a row gets the probability of its prediction alone: a megabyte would become hundreds
EXAMPLES = (
    "Examples:\n\nbacklit predict runs/houses new.csv --out predictions.csv\n\n"
    "backlit predict runs/pictures new.png pictures/dark\n\n"
    "backlit predict runs/dates new.csv --out written.csv"
)


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN")],
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Table with the input columns, in any order; for time series, the past; tagged sentences (.conll); or "
            "pictures, and folders of them.",
            metavar="FILE",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write the file with predictions here instead of to standard output.")
    ] = None,
    level: Annotated[
        float, typer.Option(help="Probability with which an interval of numbers holds the truth, between 0 and 1.")
    ] = 0.9,
    skip_broken: Annotated[
        bool, typer.Option("--skip-broken", help="Leave out pictures that can't be read, and say so.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Predict for each row of a file: for classes the probability of each, for numbers an interval.

    Of more than 100 classes only the predicted one gets its probability. Time series are continued: a row for each
    step after the file's last, with its time. What writes or tags adds a text, or the tags with spaces between them.
    Large tables, several files, folders and patterns ('parts/*.parquet') are read and written block by block.
    """
    import polars as pl

    import backlit as bl
    from backlit.cli import output, predict_streamed
    from backlit.data.files import writing
    from backlit.data.preparation import preparation_of
    from backlit.data.table.placing import placed
    from backlit.errors import InputError
    from backlit.tasks import apply

    loaded = bl.load(run)
    if apply.takes_pictures(loaded):
        _pictures(loaded, files, out, skip_broken, as_json)
        return
    if apply.reads_pairs(loaded):
        _made(loaded, files, out, as_json)
        return
    if predict_streamed.is_streamed(loaded, files, out, whole=as_json or skip_broken):
        _check(out, predict_streamed.meant(files))
        if as_json or skip_broken:
            raise InputError("--json and --skip-broken aren't for tables that are read as a stream: name a file, --out")
        predict_streamed.predict(loaded, files, out, lambda frame: predictions(loaded, frame, level))
        return
    if len(files) > 1:
        raise InputError(f"the run takes one table at a time, got {len(files)} files")
    if skip_broken:
        raise InputError(f"--skip-broken is for pictures; {run} was trained on rows of numbers")
    file = files[0]
    continued = apply.is_forecaster(loaded)
    source = apply.source_for(loaded, file, keep_text=True)
    _check(out, [file])
    if continued:
        _continue(loaded, source, out, level, as_json)
        return
    with placed(file, source.formats):
        columns = predictions(loaded, apply.inputs_of(loaded, source.frame, file), level)
    preparation = preparation_of(loaded.preparation)
    for name, count in preparation.unseen(source.frame).items():
        output.note(f"column {name!r}: {count} rows have {preparation.strange} that training didn't have")
    if as_json:
        output.emit({"rows": source.frame.height, **columns})
        return
    added = pl.DataFrame({name: pl.Series(values) for name, values in columns.items()})
    writing.write(added, out, source)
    if out is not None:
        output.note(f"{source.frame.height} predictions written to {out}")


def _check(out: Path | None, files: list[Path]) -> None:
    """Refuse a file that can't be written, before any work is done for it."""
    from backlit.errors import InputError

    if out is not None and out.is_dir():
        raise InputError(f"--out {out} is a folder; name a file")
    if out is not None and not out.parent.is_dir():
        raise InputError(f"--out {out}: there is no folder {out.parent}")
    if out is not None and out.exists() and any(file.exists() and out.samefile(file) for file in files):
        raise InputError(f"--out {out} is the input itself; name another file, so that nothing is lost")


def _made(run: Run, files: list[Path], out: Path | None, as_json: bool) -> None:
    """A text, or tags, for each row of a table, picture or sentence."""
    import polars as pl

    from backlit.cli import output
    from backlit.data.files import writing
    from backlit.tasks import apply_pairs

    _check(out, files)
    file = apply_pairs.pairs_file(run, files, keep_text=True)
    for sentence in file.notes:
        output.note(sentence)
    columns = apply_pairs.columns_of(file, run)
    if as_json:
        output.emit({"rows": len(file.values), **columns})
        return
    writing.write(pl.DataFrame(columns), out, file.source)
    if out is not None:
        output.note(f"{len(file.values)} predictions written to {out}")


def _pictures(run: Run, files: list[Path], out: Path | None, skip_broken: bool, as_json: bool) -> None:
    """A row for each picture: file, prediction, probabilities."""
    from backlit.cli import output
    from backlit.data.pictures import Clips, pictures_in, read_as, shown

    _check(out, files)
    if isinstance(run.preparation, Clips) or files[0].suffix.lower() == ".npz":
        _clips(run, files, out, as_json)
        return
    paths = [path for file in files for path in (pictures_in(file) if file.is_dir() else [file])]
    with output.stages(as_json) as stage:
        album = read_as(run.preparation.form, paths, skip_broken=skip_broken, progress=stage)
    for path, why in album.broken:
        output.note(f"picture {shown(path)}: {why}; it is left out")
    _table({"picture": [shown(paths[i]) for i in album.kept]}, predictions(run, album.pixels, 0.9), out, as_json)


def _clips(run: Run, files: list[Path], out: Path | None, as_json: bool) -> None:
    """A row for each clip, or for each row of an archive of arrays."""
    import numpy as np

    from backlit.data.pictures import shown
    from backlit.data.pictures.arrays import read_arrays
    from backlit.data.pictures.clips import clips_under

    if files[0].suffix.lower() == ".npz":
        pixels = run.preparation.apply(read_arrays(files[0], labelled=False)[0])
        names = [f"row {row}" for row in range(1, len(pixels) + 1)]
    else:
        found = [clip for file in files for clip in clips_under(file)]
        names = [shown(path) for path, _ in found]
        pixels = np.stack([run.preparation.of(frames) for _, frames in found])
    _table({"clip": names}, predictions(run, pixels, 0.9), out, as_json)


def _table(names: dict[str, list[str]], columns: dict[str, list[Any]], out: Path | None, as_json: bool) -> None:
    """Names with what is predicted for each, in the format that the file's name says."""
    import polars as pl

    from backlit.cli import output
    from backlit.data.files import Source, writing

    (rows,) = names.values()
    if as_json:
        output.emit({"rows": len(rows), **names, **columns})
        return
    suffix = "" if out is None else out.suffix.lower().lstrip(".")
    kind = suffix if suffix in ("tsv", "jsonl", "parquet", "arrow") else "csv"
    source = Source(pl.DataFrame(names), Path("pictures"), kind, separator="\t" if kind == "tsv" else ",")
    writing.write(pl.DataFrame({name: pl.Series(values) for name, values in columns.items()}), out, source)
    if out is not None:
        output.note(f"{len(rows)} predictions written to {out}")


def _continue(run: Run, source: Any, out: Path | None, level: float, as_json: bool) -> None:
    """What comes after each series' end, in the file's format."""
    import dataclasses

    import polars as pl

    from backlit.cli import output
    from backlit.data.files import writing
    from backlit.data.files.zones import at_home
    from backlit.tasks.series import forecast

    frame = at_home(source.frame, run.preparation.time, source.formats)
    windows = run.preparation.windows(frame)
    for sentence in windows.grid.notes:
        output.note(sentence)
    for name, count in run.preparation.unseen(windows).items():
        what = "are of a series" if name == run.preparation.series else "have a level"
        output.note(f"column {name!r}: {count} rows {what} that training didn't have")
    ahead = forecast(run, windows, level)
    numbers = [name for name in ("prediction", "lower", "upper") if name in ahead.columns]
    short = ahead.with_columns(pl.Series(name, _short(ahead[name].to_numpy())).fill_nan(None) for name in numbers)
    times = [name for name in short.columns if name not in numbers]
    written = writing.as_written(short[times], source.formats, source.text)
    if as_json:
        output.emit(
            {"rows": short.height, **written.to_dict(as_series=False), **short[numbers].to_dict(as_series=False)}
        )
        return
    writing.write(short, out, dataclasses.replace(source, frame=short[times], text=written))
    if out is not None:
        output.note(f"{short.height} predictions written to {out}")


def predictions(run: Run, inputs: Any, level: float) -> dict[str, list[Any]]:
    """Columns to add: predictions, and probabilities or bounds."""
    from backlit.data.preparation import preparation_of

    outputs = run.outputs(inputs)  # once, for predictions, probabilities and bounds
    decoded = run.targets.decode(outputs)
    preparation = preparation_of(run.preparation)
    predicted, names = _short(preparation.in_words(decoded)), preparation.target_names
    if len(names) < 2:
        columns = {"prediction": predicted.tolist()}
    else:
        columns = {f"prediction_{name}": predicted[:, i].tolist() for i, name in enumerate(names)}
    if run.classes and run.loss.activation is not None:
        chances = _short(run.targets.probabilities(outputs, run.loss.activation))
        if len(run.classes) > MANY:
            return columns | {"probability": chances.max(axis=1).tolist()}
        return columns | {f"probability_{name}": chances[:, i].tolist() for i, name in enumerate(run.classes)}
    if len(names) > 1 and run.targets.kind == "multi_label":
        chances = _short(run.targets.probabilities(outputs, run.loss.activation))
        return columns | {f"probability_{name}": chances[:, i].tolist() for i, name in enumerate(names)}
    if run.intervals is not None:
        low, high = (_short(bound).reshape(len(predicted), -1) for bound in run.intervals.around(decoded, level))
        for i, name in enumerate(names if len(names) > 1 else [""]):
            tail = f"_{name}" if name else ""
            columns |= {f"lower{tail}": low[:, i].tolist(), f"upper{tail}": high[:, i].tolist()}
    return columns


def _short(values: Any) -> Any:
    """Numbers to the seven digits that single precision knows."""
    import numpy as np

    if values.dtype.kind != "f":
        return values
    return np.array([float(f"{value:.7g}") for value in values.ravel().tolist()]).reshape(values.shape)
