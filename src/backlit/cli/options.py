"""Options of commands as they're declared once, with help text, range and default, in `Options` of the workflow."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import typer

from backlit.errors import InputError
from backlit.settings import Range
from backlit.tasks.options import Options

FIELDS = {field.name: field for field in dataclasses.fields(Options)}
UNITS = {"s": 1, "m": 60, "h": 3600}


def declared(name: str, *flags: str, panel: str | None = None) -> Any:
    """A typer option made from the declaration of a field: what it is, its range, its default."""
    field = FIELDS[name]
    default = field.default
    tail = "; by default chosen by the data's size." if default is None else "."
    help_text = f"{field.metadata['help']}, {span(field.metadata['range'])}{tail}"
    return typer.Option(*flags, help=help_text, rich_help_panel=panel, show_default=default is not None)


def span(limits: Range) -> str:
    """A range in words: "from 1", "above 0", "from 0 to below 1"."""
    start = f"{'above' if limits.open_low else 'from'} {limits.low:g}"
    if math.isinf(limits.high):
        return start
    return f"{start} to {'below ' if limits.open_high else ''}{limits.high:g}"


def seconds(text: str | float | None) -> float | None:
    """A duration: "90", "90s", "5m", "1.5h"."""
    if text is None or isinstance(text, (int, float)):
        return text
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text, re.ASCII)
    if not found:
        raise InputError(f"--time-limit {text}: expected a duration such as 90s, 5m or 1.5h")
    return float(found[1]) * UNITS[found[2] or "s"]


def height_and_width(text: str | list[int] | None) -> tuple[int, int] | None:
    """A picture's size: "32", "32x48"."""
    if text is None or not isinstance(text, str):
        return None if text is None else (text[0], text[-1])
    found = re.fullmatch(r"\s*([1-9]\d{0,4})(?:\s*[x×]\s*([1-9]\d{0,4}))?\s*", text, re.ASCII)
    if not found:
        raise InputError(f"--size {text}: expected a number of pixels such as 32, or height and width such as 32x48")
    return int(found[1]), int(found[2] or found[1])


def shares(text: str | list[float] | tuple[float, ...] | None) -> tuple[float, ...] | None:
    """Parts of a split: "70/15/15" or "0.7,0.15,0.15"."""
    if text is None or not isinstance(text, str):
        return None if text is None else tuple(text)
    try:
        parts = [float(part) for part in re.split(r"[/,]", text)]
    except ValueError:
        parts = []
    total = sum(parts)
    if len(parts) not in (2, 3) or min(parts) <= 0:
        raise InputError(f"--split {text}: expected shares of training, validation and test rows such as 70/15/15")
    return tuple(part / total for part in parts)


def kinds(text: str | dict[str, str] | None) -> dict[str, str]:
    """What the user says of columns: "zip=category,id=drop", or a TOML file with such lines."""
    import tomllib
    from pathlib import Path

    if text is None or isinstance(text, dict):
        return dict(text or {})
    if text.endswith(".toml"):
        try:
            found = tomllib.loads(Path(text).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"--columns {text} can't be read: {error}") from error
        found = found.get("columns", found)
        if not isinstance(found, dict) or not all(isinstance(kind, str) for kind in found.values()):
            raise InputError(f'--columns {text}: expected lines such as zip = "category"')
        return found
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    wrong = next((name for name, equals, kind in pairs if not (name.strip() and equals and kind.strip())), None)
    if wrong is not None or not pairs:
        raise InputError(f"--columns {text}: expected pairs such as zip=category,id=drop")
    return {name.strip(): kind.strip() for name, _, kind in pairs}
