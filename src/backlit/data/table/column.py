"""Column: how one column of a table becomes inputs of a network, learned from training rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from backlit.data.table.values import CellError
from backlit.errors import unknown
from backlit.languages import Template
from backlit.schema import fitted, parts
from backlit.settings import check, option


@dataclass(frozen=True)
class Column:
    """Base of all kinds of column: plain data that `learn` finds in the training rows and `apply` uses.

    Attributes
    ----------
    name : str
    missing : float
        Share of the training rows without a value.
    """

    name: str
    missing: float = option(0.0, low=0.0, high=1.0)

    classes: ClassVar[dict[str, type[Column]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Column.classes[cls.__name__] = cls

    def __post_init__(self) -> None:
        """Check what is declared with a range."""
        check(self)

    @property
    def kind(self) -> str:
        """What sort of column it is, in a word or two."""
        raise NotImplementedError

    @property
    def done(self) -> str:
        """What is done with it, in a few words."""
        raise NotImplementedError

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs that it becomes."""
        return ()

    @property
    def rows_to_learn(self) -> int:
        """Rows of the embedding that its codes stand for; 0 for columns that become numbers."""
        return 0

    def apply(self, column: Any) -> np.ndarray:
        """A polars column as float32 (rows, len(inputs))."""
        return np.empty((len(column), 0), np.float32)

    def unseen(self, column: Any) -> int:
        """How many rows have a level that training didn't have."""
        del column
        return 0

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"column": type(self).__name__, **asdict(self)}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Column:
        """The inverse of `to_dict`."""
        rest = dict(data)
        kind = Column.classes.get(name := fitted(str, rest.pop("column", None), "the kind of column"))
        if kind is None:
            raise unknown("kind of column", name, Column.classes)
        return kind(**parts(kind, rest))


MARKED = Template("missing marked", "결측 표시")
LEFT_OUT = Template("left out: {note}", "제외: {note}")


@dataclass(frozen=True)
class LeftOut(Column):
    """A column that the network doesn't see, and why."""

    what: str = "left out"
    note: str = ""

    @property
    def kind(self) -> str:
        return self.what

    @property
    def done(self) -> str:
        return LEFT_OUT.say(note=self.note)


def absent(values: np.ndarray) -> np.ndarray:
    """The 0/1 input that tells where a value is missing."""
    return np.isnan(values).astype(np.float32)


def joined(parts: list[np.ndarray]) -> np.ndarray:
    """Inputs (rows,) side by side: (rows, inputs)."""
    return np.stack(parts, axis=1).astype(np.float32, copy=False)


def checked(name: str, values: np.ndarray, scaled: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Scaled values as float32; one that float32 can't hold is told by its row."""
    with np.errstate(over="ignore", invalid="ignore"):
        result = scaled(values).astype(np.float32)
    if not np.isfinite(result).all():
        row = int(np.isfinite(result).argmin())
        raise CellError(name, row, f": {values[row]:g} is far too large beside the training's")
    return result
