"""A run that writes or tags, on a file: its inputs, what it makes of them, and how good that is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backlit import data
from backlit.data.from_column import FromColumn, texts_in
from backlit.data.pictures import pictures_in, shown
from backlit.data.pictures.folder import SUFFIXES
from backlit.data.preparation import preparation_of
from backlit.data.text import Symbols
from backlit.data.text.tagged import is_tagged, read_tagged
from backlit.data.textual import as_texts
from backlit.errors import InputError
from backlit.tasks.judge.scores import best_guess, judge
from backlit.tasks.judge.written import SHOWN, judge_texts, usual_text
from backlit.train.judgement import Example, Judgement


@dataclass(frozen=True, eq=False)
class PairsFile:
    """What a file holds for a run.

    Attributes
    ----------
    source : Source
        Its table; of pictures and of tagged sentences one that was made of them.
    inputs : array (rows, ...)
    values : list
        The inputs as people know them.
    tags : list of list of str, optional
        Of a file of tagged sentences.
    notes : list of str
    """

    source: data.Source
    inputs: np.ndarray
    values: list[Any]
    tags: list[list[str]] | None
    notes: list[str]


def pairs_file(run: Any, paths: list[Path], *, keep_text: bool = False) -> PairsFile:
    """A table, a file of tagged sentences, or pictures, read for a run.

    Raises
    ------
    InputError
        If there isn't what the run reads.
    """
    import polars as pl

    preparation = run.preparation
    pictured = isinstance(preparation, FromColumn) and preparation.takes_pictures
    if pictured and (len(paths) > 1 or paths[0].is_dir() or _is_picture(paths[0])):
        files = [file for path in paths for file in (pictures_in(path) if path.is_dir() else [path])]
        names = [shown(file) for file in files]
        source = data.Source(pl.DataFrame({"picture": names}), Path("pictures"), "csv", separator=",")
        return PairsFile(source, preparation.inner.apply(files), names, None, [])
    if len(paths) > 1:
        raise InputError(f"the run takes one table at a time, got {len(paths)} files")
    path = paths[0]
    if is_tagged(path):
        sentences, tags, notes = read_tagged(path)
        source = data.Source(pl.DataFrame({"words": [" ".join(s) for s in sentences]}), path, "csv", separator=",")
        reading = _reading(run, source)
        return PairsFile(source, reading.apply(source.frame), list(source.frame["words"]), tags, notes)
    source = data.read_source(path, formats=preparation_of(preparation).formats, keep_text=keep_text)
    reading = _reading(run, source)
    absent = [name for name in reading.columns if name not in source.frame.columns]
    if absent:
        raise InputError(
            f"{path} has no column {absent[0]!r}, which the run reads; it has {_some(source.frame.columns)}"
        )
    cells = reading.cells(source.frame, path.parent)
    values = [shown(cell) if isinstance(cell, Path) else cell for cell in cells]
    notes = [
        f"column {name!r}: {count} rows have {reading.strange} that training didn't have"
        for name, count in reading.unseen(source.frame).items()
    ]
    return PairsFile(source, reading.prepared(cells), values, None, notes)


def _reading(run: Any, source: data.Source) -> FromColumn:
    """How the run reads a table; what was trained without one reads the first column."""
    preparation = run.preparation
    columns = getattr(preparation, "columns", ()) or (source.frame.columns[0],)
    inner = preparation.inner if isinstance(preparation, FromColumn) else preparation
    return FromColumn(inner, tuple(columns), getattr(preparation, "target", ()), preparation_of(preparation).formats)


def made(run: Any, inputs: np.ndarray) -> list[Any]:
    """What a run makes of prepared inputs: a text, a class, or a list of tags for each."""
    decoded = run.targets.decode(run.forward(inputs))
    if decoded.ndim == 1:
        return list(decoded.tolist())
    lengths = (inputs != 0).sum(axis=1)
    return [row[:length] for row, length in zip(decoded.tolist(), lengths.tolist(), strict=True)]


def pairs_of_text(run: Any, text: str) -> list[Any]:
    """What a run makes of one text, which is read as a table's cell is."""
    import polars as pl

    frame = pl.DataFrame({"text": [text]})
    preparation = run.preparation
    inner = preparation.inner if isinstance(preparation, FromColumn) else preparation
    return made(run, FromColumn(inner, ("text",)).apply(frame))


def judge_pairs(run: Any, path: Path, target: list[str] | None = None) -> tuple[Judgement, list[str]]:
    """How good the run is on a file that has what should be written, or the tags, too."""
    file = pairs_file(run, [path])
    writes = run.targets.kind == "text"
    if file.tags is not None:
        truth: list[Any] = file.tags
    else:
        truth = _truth(run, file, path, target)
    given = [value if isinstance(value, str) else " ".join(value) for value in file.values]
    full = [row for row, one in enumerate(truth) if len(one)]
    if not full:
        raise InputError(f"{path}: no row has a target")
    notes = list(file.notes)
    if len(full) < len(truth):
        notes.append(f"{len(truth) - len(full)} rows have no target and aren't judged")
    inputs, truth, given = file.inputs[full], [truth[row] for row in full], [given[row] for row in full]
    if writes:
        guess = Judgement.of(run.judgement).guess
        y = as_texts(truth)
        return judge_texts(run, inputs, y, usual_text(y) if guess is None else str(guess.text), given), notes
    if len(run.network.output_shape) == 1:
        y = np.array(truth)
        guess = Judgement.of(run.judgement).guess or best_guess(run, "classification", y)
        return judge(run, "classification", guess, run.forward(inputs), y), notes
    return _judge_tags(run, inputs, truth, given, path), notes


def _truth(run: Any, file: PairsFile, path: Path, target: list[str] | None) -> list[Any]:
    """What should be made of each row, as the file has it."""
    names = tuple(target or ()) or preparation_of(run.preparation).target_names
    if len(names) != 1:
        raise InputError(f"say which column of {path} holds what should be made of each row: --target COLUMN")
    if names[0] not in file.source.frame.columns:
        raise InputError(
            f"{path} has no column {names[0]!r} to judge by; name it with --target if it is called otherwise"
        )
    cells = texts_in(file.source.frame, names)
    if len(run.network.output_shape) == 1 or run.targets.kind == "text":
        return cells
    inner = getattr(run.preparation, "inner", run.preparation)
    apart = isinstance(inner.tokenizer, Symbols)
    return [cell.split() if apart or " " in cell else list(cell) for cell in cells]


def _judge_tags(run: Any, inputs: np.ndarray, truth: list[list[str]], given: list[str], path: Path) -> Judgement:
    """Share of tags, and of whole rows, that are right."""
    written = made(run, inputs)
    hits: list[list[bool]] = []
    for row, (tags, own) in enumerate(zip(truth, written, strict=True), 1):
        if len(tags) < len(own):
            raise InputError(f"{path}, row {row}: {len(own)} words and {len(tags)} tags; each word needs one")
        hits.append([tag == mine for tag, mine in zip(tags, own, strict=False)] + [False] * (len(tags) - len(own)))
    flat = [hit for row_hits in hits for hit in row_hits]
    scores = {"accuracy": float(np.mean(flat)), "sequence_accuracy": float(np.mean([all(row) for row in hits]))}
    examples = tuple(
        Example(one, " ".join(tags), " ".join(own))
        for one, tags, own in list(zip(given, truth, written, strict=True))[:SHOWN]
    )
    return Judgement(task="tags", rows=len(truth), scores=scores, examples=examples)


def columns_of(file: PairsFile, run: Any) -> dict[str, list[Any]]:
    """The column to add to a file: what the run makes of each row; of tags with spaces between them."""
    return {"prediction": [one if not isinstance(one, list) else " ".join(one) for one in made(run, file.inputs)]}


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _some(names: list[str]) -> str:
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
