"""All CSV files below some folders, read as pandas reads them: differences are listed by kind.

    python -m benchmarks.reading FOLDER [FOLDER ...] [--most BYTES]

Values of numbers must be equal; a column that only one of the two takes for numbers is listed with the format in which
it was read (pandas knows no units, percent signs, thousands or limits, and fewer words for missing values), as are
tables of another shape and files that only one of the two can read.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from backlit.data import read_source
from backlit.errors import InputError

MOST = 5_000_000
ENDINGS = ("*.csv", "*.tsv", "*.csv.gz", "*.csv.bz2", "*.csv.xz")


def differences(path: Path) -> list[tuple[str, str]]:
    """What Backlit and pandas make of a file that isn't the same: kinds of difference, and where."""
    import pandas as pd

    try:
        ours = read_source(path)
    except InputError as error:
        return [("refused", str(error).removeprefix(str(path)))]
    try:
        theirs = pd.read_csv(path, sep=ours.separator, encoding=ours.encoding, low_memory=False)
    except (ValueError, UnicodeError) as error:
        return [("refused by pandas", str(error))]
    if theirs.shape != ours.frame.shape:
        return [("shape", f"{ours.frame.shape}, by pandas {theirs.shape}: {'; '.join(ours.notes)}")]
    return [
        (kind, f"{column.name!r}, read as {ours.formats[column.name]}")
        for place, column in enumerate(ours.frame.get_columns())
        if (kind := _differs(column, theirs.iloc[:, place])) is not None
    ]


def _differs(ours: Any, theirs: Any) -> str | None:
    import pandas as pd
    import polars as pl

    numeric = pd.api.types.is_numeric_dtype(theirs) and not pd.api.types.is_bool_dtype(theirs)
    if numeric != ours.dtype.is_numeric():
        if ours.null_count() == len(ours):
            return None
        return "numbers for pandas alone" if numeric else "numbers for Backlit alone"
    if numeric and not np.array_equal(theirs.to_numpy(float), ours.cast(pl.Float64).to_numpy(), equal_nan=True):
        return "values"
    return None


def main() -> None:
    """Read all files and print what differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--most", type=int, default=MOST, help="leave out files of more bytes", metavar="BYTES")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # pandas' own about types that change
    found = sorted({path for folder in given.folders for ending in ENDINGS for path in folder.rglob(ending)})
    # "._a.csv" isn't a table, but what a Mac notes beside a.csv
    files = [path for path in found if path.stat().st_size <= given.most and not path.name.startswith("._")]
    counts: Counter[str] = Counter()
    for path in files:
        for kind, where in differences(path):
            counts[kind] += 1
            print(f"{kind:26} {path}: {where}")
    print(
        f"{len(files)} files; "
        + (", ".join(f"{kind} {count}" for kind, count in counts.most_common()) or "no difference")
    )


if __name__ == "__main__":
    main()
