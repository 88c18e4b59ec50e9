"""Classes as people name them, and as losses count them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from backlit.data.textual import array_of, as_texts, is_text
from backlit.errors import InputError, ShapeError, UnknownNameError
from backlit.schema import fitted


class UnseenError(UnknownNameError):
    """A class that training didn't have: in which row (from 0), and what is wrong with it."""

    def __init__(self, row: int, what: str) -> None:
        super().__init__(f"targets: row {row} {what}")
        self.row, self.what = row, what


@dataclass(frozen=True)
class Labels:
    """Classes in order; class i is encoded as i.

    Examples
    --------
    >>> labels = Labels.fit(["dog", "cat", "dog"])
    >>> labels.classes, labels.encode(["dog", "cat"]).tolist(), labels.decode([1, 0]).tolist()
    (('cat', 'dog'), [1, 0], ['dog', 'cat'])
    """

    classes: tuple[Any, ...]

    @classmethod
    def fit(cls, y: Any) -> Labels:
        """The distinct values (rows,), sorted. Numbers and booleans stay what they are; a mixture is taken as text.

        Raises
        ------
        InputError
            If a label is missing or infinite, or there is none at all.
        ShapeError
            If there isn't one label a row.
        """
        distinct = np.unique(_values(y)).tolist()
        if not distinct:
            raise InputError("targets: there are no rows to learn classes from")
        return cls(tuple(int(v) if isinstance(v, float) and v.is_integer() else v for v in distinct))

    def encode(self, y: Any) -> np.ndarray:
        """Class numbers, int64 (rows,).

        Raises
        ------
        UnknownNameError
            If a label isn't among the classes; it is named with its row.
        InputError
            If a label is missing.
        """
        values = _values(y)
        if self.are_texts:
            return self._of_texts(values)
        if is_text(values) and len(values):
            raise self._unseen(values, 0)
        classes = np.array(self.classes)
        order = np.argsort(classes)
        places = np.clip(np.searchsorted(classes[order], values), 0, len(classes) - 1)
        codes = order[places]
        wrong = classes[codes] != values
        if wrong.any():
            raise self._unseen(values, int(wrong.argmax()))
        return codes

    @cached_property
    def are_texts(self) -> bool:
        """Whether the classes are texts, and not numbers or truth values."""
        return all(isinstance(label, str) for label in self.classes)

    @cached_property
    def _array(self) -> np.ndarray:
        return np.array(self.classes)

    def _of_texts(self, values: np.ndarray) -> np.ndarray:
        places = {label: place for place, label in enumerate(self.classes)}
        distinct, inverse = np.unique(values, return_inverse=True)
        texts = distinct.tolist() if is_text(values) else list(map(_text, distinct.tolist()))
        codes = np.array([places.get(text, -1) for text in texts], dtype=np.int64)[inverse]
        if (codes < 0).any():
            raise self._unseen(values, int((codes < 0).argmax()))
        return codes

    def _unseen(self, values: np.ndarray, row: int) -> InputError:
        (label,) = values[row : row + 1].tolist()
        class_list = ", ".join(map(repr, self.classes[:10])) + (", …" if len(self.classes) > 10 else "")
        return UnseenError(row, f"has class {label!r}, which training didn't have: {class_list}")

    def decode(self, codes: Any) -> np.ndarray:
        """Classes of class numbers."""
        return self.at(_codes(codes, len(self.classes)))

    def at(self, codes: np.ndarray) -> np.ndarray:
        """Classes of class numbers that are known to be some."""
        return as_texts(self.classes, codes) if self.are_texts else self._array[codes]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"classes": list(self.classes)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Labels:
        """The inverse of `to_dict`."""
        classes: tuple[str | bool | int | float, ...] = fitted(
            tuple[str | bool | int | float, ...], data.get("classes"), "classes"
        )
        if not classes or len({type(name) is str for name in classes}) > 1 or len(set(classes)) < len(classes):
            raise InputError("classes must be different texts, or different numbers")
        return cls(classes)


def one_hot(codes: Any, classes: int | Sequence[Any], dtype: str = "float32") -> np.ndarray:
    """A row of zeros with a one at each code: (rows,) -> (rows, classes).

    >>> one_hot([1, 0], 2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    count = classes if isinstance(classes, int) else len(classes)
    codes = _codes(codes, count)
    result = np.zeros((*codes.shape, count), dtype=dtype)
    np.put_along_axis(result, codes[..., None], 1, axis=-1)
    return result


def _codes(codes: Any, count: int) -> np.ndarray:
    """Class numbers, each from 0 to count - 1."""
    codes = np.asarray(codes)
    if codes.dtype.kind not in "iub" and codes.size:
        raise InputError(f"class numbers must be whole numbers, got {codes.dtype}; Labels.encode makes them of names")
    codes = codes.astype(np.int64)
    wrong = (codes < 0) | (codes >= count)
    if wrong.any():
        row = int(np.argwhere(wrong)[0][0]) if codes.ndim else 0
        raise InputError(f"row {row} has class number {codes[wrong][0]}, but there are {count} classes (from 0)")
    return codes


def _values(y: Any) -> np.ndarray:
    """Labels as an array of booleans, numbers or text, none of them missing."""
    values = array_of(y)
    if values.ndim != 1:
        raise ShapeError(f"targets: expected one class a row, shape (rows,), got {values.shape}")
    if values.dtype.kind == "O":
        return _plain(values)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise _bad(int(np.isfinite(values).argmin()), values)
    return values if values.dtype.kind in "biufU" else values.astype(str)


def _plain(values: np.ndarray) -> np.ndarray:
    """Python objects as booleans or numbers, if all are, or as text."""
    if is_text(values):
        return values
    for row, value in enumerate(values):
        if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:
            raise _bad(row, values)
    kinds = {type(value) for value in values}
    if kinds <= {bool, np.bool_}:
        return values.astype(bool)
    if all(issubclass(kind, (int, float, np.integer, np.floating)) and kind is not bool for kind in kinds):
        numbers = np.array(values.tolist())
        return as_texts([str(value) for value in values]) if numbers.dtype.kind == "O" else _values(numbers)  # 10**30
    return as_texts([_text(value) for value in values])


def _text(value: Any) -> str:
    """A whole number is written without a point, whether it came as 1 or 1.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _bad(row: int, values: np.ndarray) -> InputError:
    infinite = isinstance(values[row], (float, np.floating)) and np.isinf(values[row])
    return InputError(f"targets: row {row} is {'infinite' if infinite else 'missing'}; drop such rows")
