r"""Texts as arrays that take no more memory than the texts do.

NumPy's own type of text gives each the room of the longest, and drops zero characters at its end: one class of 20,000
characters in a million rows takes 80 gigabytes, and "a" and "a\0" are one. Where that matters, arrays hold Python's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

SMALL = 1 << 24  # bytes that no one minds
TIMES, USUAL = 16, 64  # the room that texts of usual lengths may take, in bytes a character, and what is usual


def as_texts(texts: Sequence[str], places: np.ndarray | None = None) -> np.ndarray:
    """Texts as an array: NumPy's text where that is small and exact, Python's otherwise.

    Parameters
    ----------
    texts : list of str
    places : int array, optional
        Take these of them: ``texts[places]``.

    Examples
    --------
    >>> as_texts(["a", "b"], np.array([1, 0, 1])).tolist()
    ['b', 'a', 'b']
    >>> as_texts(["a", "x" * 10**6] * 1000).dtype
    dtype('O')
    """
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    usual = np.minimum(lengths, USUAL) if places is None else np.minimum(lengths, USUAL)[places]
    exact = not any(text.endswith("\0") for text in texts)
    if exact and 4 * int(lengths.max(initial=1)) * max(len(texts), usual.size) <= SMALL + TIMES * int(usual.sum()):
        array = np.array(texts, dtype=str)
    else:
        array = np.empty(len(texts), dtype=object)
        array[:] = texts
    return array if places is None else array[places]


def array_of(values: Any) -> np.ndarray:
    """As `numpy.asarray`, but for lists and series with texts: `as_texts`, or as they are if not all are texts."""
    if type(values).__module__.startswith("polars") and str(getattr(values, "dtype", "")) in ("String", "Categorical"):
        values = values.to_list()  # as an array it would have the room of the longest text
    if not isinstance(values, (list, tuple)) or not any(isinstance(value, str) for value in values):
        return np.asarray(values)
    if all(isinstance(value, str) for value in values):
        return as_texts(list(values))
    array = np.empty(len(values), dtype=object)  # what is missing must not become the text "nan"
    array[:] = values
    return array


def is_text(array: np.ndarray) -> bool:
    """Whether an array holds texts."""
    if array.dtype.kind == "O":
        return array.size > 0 and all(isinstance(value, str) for value in array.flat)
    return array.dtype.kind == "U"
