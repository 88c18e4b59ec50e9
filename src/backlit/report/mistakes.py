"""Errors worth looking at: rows or pictures that a judgement names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backlit.report.figures import thumbnail
from backlit.report.numerals import percent, short
from backlit.train.judgement import Judgement, Mistake


def mistakes(run: Any, pictures: Path | None = None) -> dict[str, Any] | None:
    """Rows that were most confidently wrong or farthest off; None where the judgement has none to tell of.

    Returns
    -------
    dict
        "kind" ("classification" or "regression"), "rows" (dicts: name, picture, truth, called, number, cells) and
        "columns" (names of the cells).
    """
    judgement = Judgement.of(run.judgement)
    if judgement.mistakes is None:
        return None
    kind = "regression" if judgement.task == "regression" and not judgement.mistakes.named else "classification"
    rows = [_row(mistake, _folder(run) if pictures is None else pictures) for mistake in judgement.mistakes.rows]
    return {"kind": kind, "columns": list(judgement.mistakes.columns), "rows": rows}


def _row(mistake: Mistake, folder: Path | None) -> dict[str, Any]:
    """A row as the page shows it: by what there is to see of it, or a picture's file, if that is still there."""
    picture = None if mistake.pixels is None else thumbnail(mistake.pixels)
    return {
        "name": mistake.name,
        "picture": picture if mistake.name is None else _file(folder, mistake.name),
        "truth": short(mistake.truth),
        "called": short(mistake.called),
        "number": percent(mistake.probability) if mistake.off is None else short(mistake.off),
        "cells": ["" if cell is None else short(cell) for cell in mistake.cells or ()],
    }


def _folder(run: Any) -> Path | None:
    """The folder that was trained on, if this process did so: what a strange run's files name isn't opened."""
    data = (run.config or {}).get("data") if run.recipe is not None else None
    return Path(data) if data else None


def _file(folder: Path | None, name: str) -> str | None:
    """A picture's file, small, unless it is gone or lies elsewhere than in the folder, links followed."""
    if folder is None or not (folder / name).resolve().is_relative_to(folder.resolve()):
        return None
    return thumbnail(folder / name)
