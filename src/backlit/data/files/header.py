"""Names for columns, each of its own, and what is empty at a table's right and lower edge left out."""

from __future__ import annotations

import itertools
import re
from typing import Any

from backlit.data.files.formats import PLAIN
from backlit.languages import Template

UNIT = re.compile(r"[\[(]?[^\W\d]?[^\d\s,;]{0,14}[\])]?|[\[(].{1,20}[\])]")  # kg, [m/s], (°C), %, -
FEWEST = 3  # numbers below a unit
UNITS = Template(
    "the first row holds units and is left out ({units})", "첫 행은 단위이므로 데이터에서 뺐습니다({units})."
)


def name_columns(frame: Any, header: list[str], named: bool = True) -> tuple[Any, list[str]]:
    """The frame with the header's names; unnamed columns and second ones of a name get new ones.

    Parameters
    ----------
    frame : polars.DataFrame
    header : list of str
    named : bool
        Whether the header stands in the file.

    Returns
    -------
    polars.DataFrame, list of str
        What was done, in sentences.
    """
    notes: list[str] = []
    names: list[str] = []
    used_names = {name.strip() for name in header}
    first: dict[str, int] = {}
    for place, title in enumerate(header, 1):
        name = title.strip()
        if not name:
            name = free_name(f"column_{place}", used_names)
            notes.append(f"column {place} has no name in the header: called {name!r}")
        elif name in first:
            fresh = free_name(name, used_names)
            notes.append(f"column {place} has the name of column {first[name]}, {name!r}: called {fresh!r}")
            name = fresh
        else:
            first[name] = place
        names.append(name)
    if named and _looks_like_data(names):
        preview = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        notes.append(
            f"the first line looks like data ({preview}), but is taken for the columns' names; "
            "if the file has none, read it with header=False (--no-header)"
        )
    words = len(names[0].split())
    if len(names) == 1 and words > 1 and all(len(str(cell).split()) == words for cell in frame[:100].to_series()):
        notes.append(
            f"{names[0]!r} is one column; if spaces separate its values, read it with separator=' ' (--separator ' ')"
        )
    return frame.rename(dict(zip(frame.columns, names, strict=True))), notes


def without_units(frame: Any) -> tuple[Any, list[str]]:
    """The frame without a first row of units: in two columns at least, words such as kg above nothing but numbers."""
    import polars as pl

    if frame.height <= FEWEST or any(column.dtype != pl.String for column in frame.get_columns()):
        return frame, []
    first = [(column[0] or "").strip() for column in frame.get_columns()]
    if not any(first) or not all(UNIT.fullmatch(cell) for cell in first):
        return frame, []
    measured = [
        f"{column.name} in {cell.strip('[]()')}"
        for column, cell in zip(frame.get_columns(), first, strict=True)
        if cell and not PLAIN.fits(cell) and _are_numbers(column[1:])
    ]
    if len(measured) < 2 and not (measured and all(cell[:1] in "[(" for cell in first if cell)):
        return frame, []
    return frame[1:], [UNITS.say(units=", ".join(measured[:10]))]


def _are_numbers(column: Any) -> bool:
    cells = [cell.strip() for cell in column.drop_nulls().head(200).to_list()]
    return len(cells) >= FEWEST and all(map(PLAIN.fits, cells))


def _looks_like_data(names: list[str]) -> bool:
    """Whether all names are numbers, and don't just count the columns, or one has decimals."""
    if any("." in name and PLAIN.fits(name) for name in names):
        return True
    if not all(PLAIN.fits(name) or name.startswith("column_") for name in names):
        return False
    numbers = [float(name) for name in names if PLAIN.fits(name)]
    return bool(numbers) and (len(numbers) == 1 or any(b - a != 1 for a, b in itertools.pairwise(numbers)))


def free_name(name: str, used_names: set[str]) -> str:
    """The name, or the first of name_2, name_3, ... that isn't taken; it then is."""
    stem, number = name, 1
    while name in used_names:
        number += 1
        name = f"{stem}_{number}"
    used_names.add(name)
    return name


def trim(frame: Any, header: list[str]) -> tuple[Any, list[str], list[str]]:
    """Frame and header without the unnamed empty columns at the right and the empty rows at the end.

    Returns
    -------
    polars.DataFrame, list of str, list of str
        Frame, header, and what was done, in sentences.
    """
    notes = []
    width = frame.width
    while width > 1 and not header[width - 1].strip() and not _filled(frame[:, width - 1]).any():
        width -= 1
    if width < frame.width:
        notes.append(f"{_count(frame.width - width, 'empty column')} at the right left out")
        frame = frame[:, :width]
    if frame.height and not any(_filled(column[-1:]).any() for column in frame.get_columns()):
        filled = sum(_filled(column).cast(int) for column in frame.get_columns()) > 0
        last = int(filled.arg_true().max() if filled.any() else -1)
        notes.append(f"{_count(frame.height - last - 1, 'empty row')} at the end left out")
        frame = frame[: last + 1]
    return frame, header[:width], notes


def _filled(column: Any) -> Any:
    import polars as pl

    return (column.str.strip_chars() != "").fill_null(False) if column.dtype == pl.String else column.is_not_null()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number > 1)}"
