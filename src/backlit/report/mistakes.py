"""Errors worth looking at: rows or pictures that a judgement names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backlit.report.figures import thumbnail
from backlit.report.numerals import percent, short
from backlit.train.judgement import Judgement, Mistake


def mistakes(run: Any) -> dict[str, Any] | None:
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
    rows = [_row(run, mistake) for mistake in judgement.mistakes.rows]
    return {"kind": kind, "columns": list(judgement.mistakes.columns), "rows": rows}


def _row(run: Any, mistake: Mistake) -> dict[str, Any]:
    """A row as the page shows it: by what there is to see of it, or a picture's file, if that is still there."""
    picture = None if mistake.pixels is None else thumbnail(mistake.pixels)
    return {
        "name": mistake.name,
        "picture": picture if mistake.name is None else _file(run, mistake.name),
        "truth": short(mistake.truth),
        "called": short(mistake.called),
        "number": percent(mistake.probability) if mistake.off is None else short(mistake.off),
        "cells": ["" if cell is None else short(cell) for cell in mistake.cells or ()],
    }


def _file(run: Any, name: str) -> str | None:
    """A picture's file, small, unless it is gone or lies elsewhere than in the folder that was trained on."""
    folder = (run.config or {}).get("data")
    if not folder or Path(name).is_absolute() or ".." in Path(name).parts:
        return None
    return thumbnail(Path(folder) / name)
