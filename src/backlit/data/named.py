"""NamedColumns: a data frame's columns are found by their names, in whatever order they come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backlit.data.frames import columns_of
from backlit.data.preparation import Preparation
from backlit.data.table.values import some
from backlit.errors import InputError, unknown
from backlit.schema import parts


@dataclass(frozen=True)
class NamedColumns(Preparation):
    """The columns that a network was trained on, by name.

    Other columns are ignored. An array has no names: its columns count as they stand.

    Attributes
    ----------
    names : tuple of str

    Examples
    --------
    >>> named = NamedColumns.learn({"a": [1.0], "b": [2.0]})
    >>> list(named.apply({"b": [4.0], "extra": [5.0], "a": [3.0]}).values())
    [array([3.]), array([4.])]
    """

    names: tuple[str, ...]

    @classmethod
    def learn(cls, x: Any) -> NamedColumns | None:
        """The names of inputs' columns; None for inputs without names."""
        columns = columns_of(x)
        return None if columns is None else cls(tuple(columns))

    def apply(self, raw: Any) -> Any:
        """The learned columns, in their order, as a dict; what has no names as it is.

        Raises
        ------
        InputError
            If a column is missing; the nearest is named.
        """
        columns = columns_of(raw)
        if columns is None:
            return raw
        for name in self.names:
            if name not in columns:
                raise InputError(
                    f"the network was trained on the columns {some(self.names)}: {unknown('column', name, columns)}"
                )
        return {name: columns[name] for name in self.names}

    @property
    def column_names(self) -> tuple[str, ...]:
        return self.names

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"names": list(self.names)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> NamedColumns:
        """The inverse of `to_dict`."""
        return cls(**parts(cls, data))
