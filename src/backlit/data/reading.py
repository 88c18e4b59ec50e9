"""Table files as data frames; whatever is wrong with a file is told by name and row."""

from __future__ import annotations

import csv
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from backlit.errors import InputError

MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "None", "?"]


def read(path: str | Path) -> Any:
    """A CSV or TSV file with a header as a polars DataFrame.

    Parameters
    ----------
    path : path
        UTF-8 text, values separated by commas, tabs or semicolons (told from the header); empty cells, NA, N/A, NaN,
        null and ? are missing.

    Returns
    -------
    polars.DataFrame
        Columns of numbers, booleans or text.

    Raises
    ------
    InputError
        If the file is missing, a folder, empty, not text, has no rows, or a row of another length (its line is named).
    """
    path = Path(path)
    _check(path)
    try:
        separator, names, count = _scan(path)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} isn't UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8 CSV"
        ) from error
    except csv.Error as error:
        raise InputError(f"{path} can't be read as CSV: {error}; is it a text file with a header?") from error
    except OSError as error:
        raise InputError(f"{path} can't be read: {error}") from error
    _check_names(path, names)
    if not count:
        raise InputError(f"{path} has a header but no rows")
    return _parse(path, separator)


def _scan(path: Path) -> tuple[str, list[str], int]:
    """Separator, names and number of rows; a row of another length is refused by its line."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = file.readline()
        separator = max(",\t;", key=header.count)
        file.seek(0)
        rows = csv.reader(file, delimiter=separator, strict=True)
        names = next(rows, [])
        count = 0
        for row in rows:
            if row and len(row) != len(names):
                raise InputError(
                    f"{path}, line {rows.line_num}: {len(row)} values, but the header has {len(names)} columns; "
                    "mend the line, or quote values that hold the separator"
                )
            count += bool(row)
    return separator, names, count


def _parse(path: Path, separator: str) -> Any:
    import polars as pl

    try:
        frame = pl.read_csv(path, separator=separator, null_values=MISSING, infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{path} can't be read as CSV: {str(error).splitlines()[0]}") from error
    text = [name for name in frame.columns if frame[name].dtype == pl.String]
    return frame.with_columns(pl.col(text).str.strip_chars())


def _check(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a folder; expected a CSV file")
    if not path.exists():
        folder = path.parent
        near = get_close_matches(path.name, [p.name for p in folder.iterdir()], n=1) if folder.is_dir() else []
        raise InputError(f"there is no file {path}" + (f"; did you mean {folder / near[0]}?" if near else ""))
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty")


def _check_names(path: Path, names: list[str]) -> None:
    for i, name in enumerate(names):
        if "\0" in name:
            raise InputError(f"{path} isn't text: its header holds zero bytes")
        if not name.strip():
            raise InputError(f"{path}: column {i + 1} has no name in the header")
        if name in names[:i]:
            raise InputError(f"{path}: two columns are called {name!r}; give each a name of its own")
