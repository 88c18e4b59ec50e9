"""Whatever people keep data in, as arrays."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from backlit.data.arrow import is_arrow, of_arrow
from backlit.data.textual import array_of
from backlit.errors import InputError, ShapeError

FEW = 1024  # numbers
GAPS = "drop such rows or fill them in (preparation=bl.data.FillGaps().fit(x) does)"


def as_arrays(
    x: Any, keep_integers: bool = False, dtype: str | np.dtype | None = "float32"
) -> tuple[np.ndarray, list[str] | None]:
    """Inputs as an array of numbers, and the columns' names if there are any.

    Parameters
    ----------
    x : array, nested lists, data frame (pandas, polars, pyarrow, ...) or dict of columns
        With one row an example. PyTorch's, JAX's and Arrow's arrays are taken, too, and all that speak DLPack.
    keep_integers : bool
        Leave whole numbers as they are (indices for an embedding).
    dtype : str, numpy.dtype or None
        Type of the result otherwise; None leaves floating-point numbers as they are.
        An array of this type isn't copied, whoever's it is.

    Returns
    -------
    array (rows, ...), list of str or None

    Raises
    ------
    InputError
        If something isn't a number, or is missing, infinite or too large for `dtype`: row and column are named.
    ShapeError
        If rows have different lengths.

    Examples
    --------
    >>> as_arrays({"a": [1, 2], "b": [3, 4]})[0].tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    if type(x) is np.ndarray and x.ndim and x.dtype == dtype and x.dtype.kind == "f" and _is_finite(x):
        return x, None  # as most are; of one row every microsecond counts
    names: list[str] | None = None
    if isinstance(x, Sequence) and not isinstance(x, (list, tuple, str, bytes)):
        x = list(x)  # another library's list, such as a column of Hugging Face's
    columns = columns_of(x)
    if columns is not None:
        x, names = _stacked(columns)
    elif not isinstance(x, (np.ndarray, list, tuple)) and not hasattr(x, "__array_namespace__"):
        x = _unnamed(x)
    if _is_masked(x) and x.mask.any():
        raise InputError(
            f"x: row {np.argwhere(x.mask)[0][0]} has a masked value; drop such rows or fill them in (x.filled(...))"
        )
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise ShapeError(
            "x has rows of different lengths; every row needs the same columns; sequences of different length are "
            f"filled up by bl.pad_sequences(x) ({error})"
        ) from error
    if array.ndim == 0:
        raise ShapeError(f"x must hold rows, got the single value {x!r:.50}")
    if array.dtype.kind not in "fiub":
        raise _not_a_number(array, names)
    if keep_integers and array.dtype.kind in "iu":
        return array, names
    original = array
    if dtype is not None or array.dtype.kind != "f":
        with np.errstate(over="ignore"):  # told below, by row and column
            array = array.astype("float64" if dtype is None else dtype, copy=False)
    if not _is_finite(array) and not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0]
        value = original[tuple(where)]
        problem = f"{value}, too large for {array.dtype}" if np.isfinite(value) else str(value)
        raise InputError(
            f"x: row {where[0]}{_column(where, names)} is {'missing (NaN)' if np.isnan(value) else problem}; "
            f"{'scale the column' if np.isfinite(value) else GAPS}"
        )
    return array, names


def _is_masked(x: Any) -> bool:
    """Whether it is a masked array; whoever made one has imported `numpy.ma`, which takes 15 ms."""
    kind = getattr(sys.modules.get("numpy.ma"), "MaskedArray", None)  # another thread may be at importing it
    return kind is not None and isinstance(x, kind)


def _is_finite(array: np.ndarray) -> bool:
    """Whether the sum of all numbers is finite, as of finite ones it is unless they are huge: no temporary array.

    Few numbers are asked one by one: to keep NumPy from warning of a sum takes longer than they do.
    """
    if array.size <= FEW:
        return bool(np.isfinite(array).all())
    with np.errstate(all="ignore"):
        return math.isfinite(array.sum(dtype=np.float64))


def _column(where: Any, names: list[str] | None) -> str:
    if len(where) < 2:
        return ""
    return f", column {names[where[1]]!r}" if names else f", column {where[1]}"


def columns_of(x: Any) -> dict[str, np.ndarray] | None:
    """The columns of a data frame, of a dict of columns or of a list of dicts, by name; None for what has no names.

    >>> columns_of([{"a": 1, "b": 2}, {"b": 4, "a": 3}])
    {'a': array([1, 3]), 'b': array([2, 4])}
    """
    if isinstance(x, dict):
        return {str(name): np.asarray(column) for name, column in x.items()}
    if isinstance(x, (list, tuple)) and x and all(isinstance(row, dict) for row in x):
        return {name: column.to_numpy() for name, column in _of_rows(x).items()}
    if isinstance(x, (np.ndarray, list, tuple)) or hasattr(x, "__array_namespace__"):
        return None
    import narwhals as nw

    try:
        native = nw.from_native(x, allow_series=True, eager_only=True, pass_through=True)
        if not isinstance(native, nw.DataFrame):
            return None
        # By place: pandas' columns may be called 0, 1, ..., which narwhals takes for rows.
        columns = list(zip(map(str, native.columns), native.iter_columns(), strict=True))
    except nw.exceptions.DuplicateError as error:
        raise InputError(f"x has two columns of one name; give each a name of its own ({error})") from error
    return {name: column.to_numpy() for name, column in columns}


def some_rows(x: Any, rows: np.ndarray) -> Any:
    """Some rows, by number, of whatever people keep data in; a data frame stays one.

    >>> some_rows([[1], [2], [3]], np.array([0, 2])), some_rows({"a": [1, 2]}, np.array([1]))
    ([[1], [3]], {'a': array([2])})
    """
    if isinstance(x, dict):
        return {name: np.asarray(column)[rows] for name, column in x.items()}
    if isinstance(x, (list, tuple)):
        return [x[row] for row in rows]
    import narwhals as nw

    try:
        return nw.from_native(x, allow_series=True, eager_only=True)[rows.tolist()].to_native()
    except TypeError:
        return x[rows]


def _of_rows(rows: Any) -> dict[str, Any]:
    from backlit.data.files.values import frame

    table = frame(rows)
    return {name: table[name] for name in table.columns}


def as_targets(y: Any) -> np.ndarray:
    """Targets as an array, (rows, ...), none of them missing or infinite.

    Parameters
    ----------
    y : array, list, series or data frame
        Numbers, classes by name, or truth values.

    Raises
    ------
    InputError
        If a target is missing, masked or infinite; its row is named, counted from 0.

    Examples
    --------
    >>> as_targets([0.5, 1.5]).tolist()
    [0.5, 1.5]
    """
    if _is_masked(y):
        if np.ma.getmaskarray(y).any():
            raise _no_target(np.argwhere(np.ma.getmaskarray(y))[0], "masked")
        y = y.data
    values = array_of(y)
    if values.dtype.kind in "cmM":
        kind = "complex numbers" if values.dtype.kind == "c" else "dates or times"
        raise InputError(f"targets: {kind} can't be learned as they are; make them numbers, or classes by astype(str)")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        place = np.argwhere(~np.isfinite(values))[0]
        raise _no_target(place, "missing (NaN)" if np.isnan(values[tuple(place)]) else "infinite")
    if values.dtype.kind == "O":
        for place, value in np.ndenumerate(values):
            if value is None or type(value).__name__ in ("NAType", "NaTType"):
                raise _no_target(place, f"missing ({value})")
            if isinstance(value, float) and not np.isfinite(value):
                raise _no_target(place, "missing (NaN)" if np.isnan(value) else "infinite")
        if values.size and all(isinstance(value, Real) and not isinstance(value, bool) for value in values.flat):
            numbers = np.array(values.tolist())
            return numbers if numbers.dtype.kind in "fiu" else values  # whole numbers beyond 64 bits stay what they are
    return values


def _no_target(place: Any, problem: str) -> InputError:
    row, column = (*place, 0)[0], f", column {place[1]}" if len(place) > 1 else ""
    return InputError(f"targets: row {row}{column} is {problem}; drop such rows, or fill them in")


def _stacked(columns: dict[str, np.ndarray]) -> tuple[np.ndarray, list[str]]:
    names = list(columns)
    if not names:
        raise ShapeError("x has no columns")
    for name, column in columns.items():
        if column.ndim != 1:
            raise ShapeError(f"column {name!r} must hold one value a row, got shape {column.shape}")
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ShapeError(f"columns have different lengths: {lengths}")
    for name, column in columns.items():
        if column.dtype.kind not in "fiub":
            raise _not_a_number(column[:, None], [name])
    if len(columns) == 1:
        return columns[names[0]][:, None], names  # the same memory
    return np.stack(list(columns.values()), axis=1), names


def _unnamed(x: Any) -> np.ndarray:
    """A series, or another library's array: the same memory, if it lies in one piece where NumPy can reach it."""
    if is_arrow(x):
        return of_arrow(x)
    import narwhals as nw

    try:
        values: np.ndarray = nw.from_native(x, series_only=True).to_numpy()
    except TypeError as error:
        if hasattr(x, "__array__"):
            return _array_of(x)
        if hasattr(x, "__dlpack__"):
            return _of_dlpack(x)
        raise InputError(
            f"x must be an array, nested lists, a data frame or a dict of columns, got {type(x).__name__}{_remedy(x)}"
        ) from error
    return values


def _array_of(x: Any) -> np.ndarray:
    """Another library's array, if it gives itself away."""
    try:
        return np.asarray(x)
    except (RuntimeError, TypeError, ValueError) as error:
        raise InputError(f"x can't be read as an array: {error}") from error


def _of_dlpack(x: Any) -> np.ndarray:
    """The array of a library that NumPy knows nothing of, through DLPack."""
    try:
        return np.from_dlpack(x)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(f"x can't be read through DLPack: {error}; bring it into the host's memory first") from error


def _remedy(x: Any) -> str:
    """What makes an array or a data frame of something that nearly is one."""
    for method in ("toarray", "collect"):  # sparse matrices, lazy frames
        if hasattr(x, method):
            return f"; call its {method}() first"
    return ""


def _not_a_number(array: np.ndarray, names: list[str] | None) -> InputError:
    """Names the first value that isn't a number."""
    if array.dtype.kind in "OSU":
        for where, value in np.ndenumerate(array):
            at = f"x: row {where[0]}{_column(where, names)} is"
            if value is None or type(value).__name__ in ("NAType", "NaTType"):
                return InputError(f"{at} missing ({value}); drop such rows or fill them in")
            try:
                float(value)
            except (TypeError, ValueError):
                return InputError(
                    f"{at} {value!r}, no number; encode text as numbers (backlit.data.Labels, one_hot), "
                    "or read the table with backlit.data.TablePreparation"
                )
    column = f" column {names[0]!r}" if names else ""
    if array.dtype.kind in "mM":
        return InputError(f"x:{column} holds dates or times, no numbers; turn them into days since a date, say")
    return InputError(f"x:{column} holds values of type {array.dtype}; make them numbers first, with .astype(float)")
