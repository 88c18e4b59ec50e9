"""Formats of machine-learning programs: Weka's ARFF, libsvm's sparse rows."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import numpy as np

from backlit import bounds
from backlit.data.files.values import series
from backlit.errors import InputError

NOMINAL = re.compile(rb"^[ \t]*@attribute\b[^{\n]*\{([^}\n]*)", re.IGNORECASE | re.MULTILINE)


def arff(data: bytes, path: Path, part: str | None = None) -> tuple[Any, list[str]]:
    """An ARFF file's frame, read by SciPy."""
    import polars as pl
    from scipy.io.arff import ArffError, loadarff

    longest = max((len(word) for words in NOMINAL.findall(data) for word in words.split(b",")), default=0)
    size = longest * data.count(b"\n")  # SciPy gives every cell the room of the longest word
    bounds.require("unpacked", size, f"{path} unpacks to", bounds.TIMES * len(data))
    limit = csv.field_size_limit()  # SciPy raises it for the whole process
    try:
        rows, about = loadarff(io.StringIO(data.decode()))
    except (ArffError, NotImplementedError, ValueError, StopIteration, IndexError, TypeError) as error:
        raise InputError(f"{path} can't be read as ARFF: {error or type(error).__name__}") from error
    finally:
        csv.field_size_limit(limit)
    columns = []
    for name in about.names():
        values = rows[name]
        if values.dtype.kind == "S":
            words = [value.decode() for value in values]
            columns.append(pl.Series(name, [None if word == "?" else word for word in words], dtype=pl.String))
        elif values.dtype.kind == "M":
            columns.append(pl.Series(name, values))
        else:
            numbers = [None if np.isnan(value) else value for value in values.tolist()]
            whole = all(value is None or (float(value).is_integer() and abs(value) < 2**53) for value in numbers)
            columns.append(series(name, [v if v is None or not whole else int(v) for v in numbers]))
    return pl.DataFrame(columns), []


def libsvm(data: bytes, path: Path, part: str | None = None) -> tuple[Any, list[str]]:
    """A frame of libsvm's rows, read by scikit-learn: ``target``, then ``x1``, ``x2``, ...; what isn't there is 0."""
    import polars as pl
    from sklearn.datasets import load_svmlight_file

    try:
        x, y = load_svmlight_file(io.BytesIO(data))
    except (ValueError, IndexError, OverflowError) as error:
        raise InputError(
            f"{path} can't be read as libsvm's rows: {error}; expected lines such as 1 1:0.5 7:2"
        ) from error
    bounds.require("columns", x.shape[1], f"{path} has")
    bounds.require("cells", x.shape[0] * x.shape[1], f"{path} is written out to", len(data))
    whole = bool((y == np.round(y)).all() and np.abs(y).max(initial=0) < 2**53)
    columns = {"target": y.astype(np.int64) if whole else y}
    dense = x.toarray()
    return pl.DataFrame(columns | {f"x{place}": dense[:, place - 1] for place in range(1, x.shape[1] + 1)}), []
