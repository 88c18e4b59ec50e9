"""Table files as data frames; whatever is wrong with a file is told by name and row."""

from __future__ import annotations

import csv
import io
import re
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
    try:
        _check(path)
        separator, names, count = _scan(path)
    except UnicodeDecodeError as error:
        raise InputError(f"{path} isn't UTF-8 text (line {_undecodable(path)}); save it as UTF-8 CSV") from error
    except csv.Error as error:
        raise InputError(f"{path} can't be read as CSV: {error}; is it a text file with a header?") from error
    except OSError as error:
        raise InputError(f"{path} can't be read: {error}") from error
    _check_names(path, names)
    if not count:
        raise InputError(f"{path} has a header but no rows")
    frame = _tidy(_parse(path, separator, (count, len(names))))
    return frame.rename(dict(zip(frame.columns, (name.strip() for name in names), strict=True)))


def _check(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a folder; expected a CSV file")
    if not path.exists():
        folder = path.parent
        near = get_close_matches(path.name, [p.name for p in folder.iterdir()], n=1) if folder.is_dir() else []
        raise InputError(f"there is no file {path}" + (f"; did you mean {folder / near[0]}?" if near else ""))
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty")


def _scan(path: Path) -> tuple[str, list[str], int]:
    """Separator, names and number of rows; a row of another length is refused by its line."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = file.readline()
        if "\0" in header:
            raise InputError(f"{path} isn't UTF-8 text (zero bytes in line 1); save it as UTF-8 CSV")
        if not header.strip():
            raise InputError(f"{path} starts with an empty line; the first line must name the columns")
        separator = max(",\t;", key=re.sub(r'"[^"]*"', "", header).count)
        file.seek(0)
        rows = csv.reader(file, delimiter=separator, strict=True)
        names = next(rows)
        count = 0
        for row in rows:
            if row and len(row) != len(names):
                raise InputError(
                    f"{path}, line {rows.line_num}: {len(row)} values, but the header has {len(names)} columns; "
                    "mend the line, or quote values that hold the separator"
                )
            count += bool(row)
    return separator, names, count


def _parse(path: Path, separator: str, shape: tuple[int, int]) -> Any:
    """Polars' reading, if it finds as many rows and columns as there are.

    Empty lines, quotes inside of values and old line ends trip it; Python's reader takes them and writes them plainly.
    """
    import polars as pl

    def parse(source: Any) -> Any:
        # Without glob: a star in a file's name is a star.
        return pl.read_csv(source, separator=separator, null_values=MISSING, infer_schema_length=None, glob=False)

    try:
        frame = parse(path)
        if frame.shape == shape:
            return frame
    except (pl.exceptions.PolarsError, OSError):
        pass
    try:
        frame = parse(_plainly(path, separator))
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{path} can't be read as CSV: {str(error).splitlines()[0]}") from error
    if frame.shape != shape:
        raise InputError(f"{path} can't be read as CSV: {shape[0]} rows, of which only {frame.height} make sense")
    return frame


def _plainly(path: Path, separator: str) -> io.BytesIO:
    text = io.StringIO()
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, delimiter=separator, strict=True)
        csv.writer(text, delimiter=separator, lineterminator="\n").writerows(row for row in rows if row)
    return io.BytesIO(text.getvalue().encode())


def _tidy(frame: Any) -> Any:
    """Text without spaces around it; what then is missing or a column of numbers becomes that."""
    import polars as pl

    columns = []
    for column in frame.get_columns():
        if column.dtype == pl.String:
            stripped = column.str.strip_chars()
            if (stripped != column).any():
                column = stripped.set(stripped.is_in(MISSING), None)
                numbers = column.cast(pl.Float64, strict=False)
                column = numbers if numbers.null_count() == column.null_count() else column
        columns.append(column)
    return pl.DataFrame(columns)


def _undecodable(path: Path) -> int:
    """The first line that isn't UTF-8."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 1


def _check_names(path: Path, names: list[str]) -> None:
    seen: set[str] = set()
    for i, name in enumerate(names):
        name = name.strip()
        if not name:
            raise InputError(f"{path}: column {i + 1} has no name in the header")
        if name in seen:
            raise InputError(f"{path}: two columns are called {name!r}; give each a name of its own")
        seen.add(name)
