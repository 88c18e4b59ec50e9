"""Classes as people name them, and as losses count them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError, UnknownNameError


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
        """The distinct values, sorted.

        Raises
        ------
        InputError
            If a label is missing.
        """
        values = np.asarray(y)
        if values.dtype.kind == "f" and np.isnan(values).any():
            raise InputError(f"targets: row {int(np.isnan(values).argmax())} is missing (NaN); drop such rows")
        if values.dtype.kind == "O":
            missing = [i for i, value in enumerate(values) if value is None or value != value]
            if missing:
                raise InputError(f"targets: row {missing[0]} is missing; drop such rows")
            values = np.array([str(value) for value in values])
        found = np.unique(values).tolist()
        return cls(tuple(int(v) if isinstance(v, float) and v.is_integer() else v for v in found))

    def encode(self, y: Any) -> np.ndarray:
        """Class numbers, int64 (rows,)."""
        values = np.asarray(y)
        known = np.array(self.classes)
        if values.dtype.kind == "O":
            values = np.array([str(value) for value in values])
        if (values.dtype.kind in "US") != (known.dtype.kind in "US"):
            values = values.astype(str) if known.dtype.kind in "US" else values
        if values.dtype.kind in "US" and known.dtype.kind not in "US":
            raise self._unseen(values, 0)
        order = np.argsort(known)
        places = np.clip(np.searchsorted(known[order], values), 0, len(known) - 1)
        codes = order[places]
        wrong = known[codes] != values
        if wrong.any():
            raise self._unseen(values, int(wrong.argmax()))
        return codes

    def _unseen(self, values: np.ndarray, row: int) -> InputError:
        shown = ", ".join(map(repr, self.classes[:10])) + (", …" if len(self.classes) > 10 else "")
        return UnknownNameError(
            f"targets: row {row} has class {values[row].item()!r}, which training didn't have: {shown}"
        )

    def decode(self, codes: Any) -> np.ndarray:
        """Classes of class numbers."""
        return np.array(self.classes)[np.asarray(codes)]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"classes": list(self.classes)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Labels:
        """The inverse of `to_dict`."""
        return cls(tuple(data["classes"]))


def one_hot(codes: Any, classes: int | Sequence[Any], dtype: str = "float32") -> np.ndarray:
    """A row of zeros with a one at each code: (rows,) -> (rows, classes).

    >>> one_hot([1, 0], 2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    count = classes if isinstance(classes, int) else len(classes)
    return np.eye(count, dtype=dtype)[np.asarray(codes)]
