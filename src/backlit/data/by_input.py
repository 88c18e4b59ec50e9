"""ByInput: a preparation for each input of a network that takes several by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.named import NamedColumns
from backlit.data.preparation import Preparation, describe, preparation_of, restore
from backlit.errors import InputError, about


@dataclass(frozen=True)
class ByInput(Preparation):
    """What prepares each input, by its name; inputs that it leaves out are taken as they are.

    Parameters
    ----------
    inputs : dict of name to preparation

    Examples
    --------
    >>> import backlit as bl
    >>> scaled = ByInput({"meta": bl.data.Standardize().fit([[1.0], [3.0]])})
    >>> scaled.apply({"meta": np.array([[3.0]]), "image": np.zeros((1, 2, 2))})["meta"].tolist()
    [[1.0]]
    """

    inputs: dict[str, Any]

    @classmethod
    def learn(cls, x: Any) -> ByInput | None:
        """The names of the columns of each input that is a data frame; None if none is."""
        if not isinstance(x, Mapping):
            return None
        found = {str(name): _columns(part) for name, part in x.items()}
        kept = {name: columns for name, columns in found.items() if columns is not None}
        return cls(kept) if kept else None

    def apply(self, raw: Any) -> Any:
        """Each input as its preparation makes it."""
        if not isinstance(raw, Mapping):
            return raw  # whoever knows the network's inputs says what is missing
        unknown = [name for name in self.inputs if name not in raw]
        if unknown:
            raise InputError(f"preparation is for the input {unknown[0]!r}, but x has {', '.join(map(repr, raw))}")
        made = dict(raw)
        for name, preparation in self.inputs.items():
            with about(f"input {name!r}"):
                made[name] = preparation_of(preparation).apply(raw[name])
        return made

    def unseen(self, raw: Any) -> dict[str, int]:
        """How many rows have something that training didn't have, by input and column."""
        return {
            f"{name}/{column}": count
            for name, preparation in self.inputs.items()
            for column, count in preparation_of(preparation).unseen(raw[name]).items()
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"inputs": {name: describe(preparation) for name, preparation in self.inputs.items()}}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ByInput:
        """The inverse of `to_dict`."""
        inputs = data.get("inputs")
        if not isinstance(inputs, dict) or not all(isinstance(one, dict) for one in inputs.values()):
            raise InputError("a preparation by input needs that of each, under 'inputs'")
        return cls({name: restore(one) for name, one in inputs.items()})


def _columns(part: Any) -> NamedColumns | None:
    """The columns of a data frame; arrays, lists and series have no names."""
    return None if isinstance(part, (np.ndarray, list, tuple)) else NamedColumns.learn(part)
