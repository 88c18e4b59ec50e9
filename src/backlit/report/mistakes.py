"""Errors worth looking at: rows or pictures that a judgement names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backlit.report.figures import thumbnail
from backlit.report.numerals import percent, short


def mistakes(run: Any) -> dict[str, Any] | None:
    """Rows that were most confidently wrong or farthest off; None where the judgement has none to tell of.

    Returns
    -------
    dict
        "kind" ("classification" or "regression"), "rows" (dicts: name, picture, truth, called, number, cells) and
        "columns" (names of the cells).
    """
    judgement = run.judgement or {}
    if "worst" in judgement:
        return {"kind": "classification", "columns": [], "rows": [_file(run, row) for row in judgement["worst"]]}
    found = judgement.get("errors")
    if found is None:
        return None
    kind = "regression" if judgement.get("task") == "regression" else "classification"
    form = short if kind == "regression" else percent
    rows = [
        {
            "name": None,
            "picture": thumbnail(row["pixels"]) if "pixels" in row else None,
            "truth": short(row["truth"]),
            "called": short(row["called"]),
            "number": form(row["off" if kind == "regression" else "probability"]),
            "cells": [short(cell) if cell is not None else "" for cell in row.get("cells", ())],
        }
        for row in found["rows"]
    ]
    return {"kind": kind, "columns": found.get("columns", []), "rows": rows}


def _file(run: Any, row: dict[str, Any]) -> dict[str, Any]:
    """A picture that is named by its file, shown if the file is still there."""
    folder = (run.config or {}).get("data")
    inside = folder is not None and not Path(row["name"]).is_absolute() and ".." not in Path(row["name"]).parts
    return {
        "name": row["name"],
        "picture": thumbnail(Path(folder) / row["name"]) if inside and folder else None,
        "truth": row["class"],
        "called": row["called"],
        "number": percent(row["probability"]),
        "cells": [],
    }
