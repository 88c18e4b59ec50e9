"""The type of an operation's result: one rule, in both engines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def promoted(value: Any, numbers: Sequence[Any], again: Callable[[np.dtype], Any]) -> Any:
    """A floating-point result in the type that its inputs ask for.

    Floating-point inputs decide, the widest of them; whole numbers and booleans beside them widen nothing, as in
    PyTorch. Where there are only those, the result is float64. (Alone, NumPy makes float64 of int32 and float32, and
    float16 of the exponential of an int8; JAX makes float32 of an int32 divided by 3.)

    Parameters
    ----------
    value : array
        As the array library made it.
    numbers : sequence of arrays and Python numbers
        The inputs that are computed with, not those that only choose (places, conditions, classes).
    again : callable
        ``again(dtype)`` computes the value from whole numbers that were made that type first.

    Examples
    --------
    >>> x = np.array([1, 2], dtype="int8")
    >>> promoted(np.sqrt(x), [x], lambda dtype: np.sqrt(x.astype(dtype))).dtype
    dtype('float64')
    """
    types = [getattr(number, "dtype", None) for number in numbers]
    floats = [dtype for dtype in types if dtype is not None and dtype.kind == "f"]
    if not floats:
        return again(np.dtype("float64"))  # in any case: on the way -x of unsigned numbers may have wrapped
    wanted = np.result_type(*floats)
    return value if value.dtype == wanted else value.astype(wanted)


def is_whole(number: Any) -> bool:
    """Whether it is an array of whole numbers or booleans."""
    dtype = getattr(number, "dtype", None)
    return dtype is not None and dtype.kind in "iub"
