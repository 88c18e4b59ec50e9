"""Preparation: what stands between raw input and a network's arrays, and what everyone may ask of it."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from backlit.data.frames import as_targets
from backlit.errors import InputError, unknown
from backlit.schema import fitted

# Where each kind that a run's files may name is defined: no other module is ever imported on a file's word.
HOMES = {
    "TablePreparation": "backlit.data.table",
    "Texts": "backlit.data.text",
    "Pictures": "backlit.data.pictures",
    "Clips": "backlit.data.pictures",
    "TextColumn": "backlit.data.text",
    "FromColumn": "backlit.data.from_column",
    "SeriesPreparation": "backlit.data.series",
    "NamedColumns": "backlit.data.named",
    "OnnxSteps": "backlit.data.onnx_steps",
    "Transformer": "backlit.data.transformers",
    "ByInput": "backlit.data.by_input",
    "FillGaps": "backlit.data.gaps",
    "Standardize": "backlit.data.scaling",
    "MinMax": "backlit.data.scaling",
    "Center": "backlit.data.scaling",
}


class Preparation(ABC):
    """Turns raw input into arrays, and says what else there is to know of raw input; immutable, saved with the run.

    A kind answers what concerns it; the answers here are those of input that needs nothing more. To be saved, a kind is
    listed in `HOMES`.

    Attributes
    ----------
    formats : mapping of column to format
        How a file's text became values: files to come are read alike.
    strange : str
        What `unseen` counts, in a sentence.
    """

    strange: ClassVar[str] = "a level"
    formats: Mapping[str, str] = MappingProxyType({})

    @abstractmethod
    def apply(self, raw: Any) -> np.ndarray:
        """Inputs (rows, ...) of raw input."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `from_dict` is the inverse."""

    @classmethod
    @abstractmethod
    def from_dict(cls, data: dict[str, Any]) -> Preparation:
        """The preparation that `to_dict` described."""

    def relative(self, raw: Any, y: Any) -> np.ndarray:
        """Targets as the network learns them, beside what the raw input tells by itself; none of them missing."""
        return as_targets(y)

    def absolute(self, raw: Any, predicted: np.ndarray) -> np.ndarray:
        """What the network says, in the targets' own unit: the inverse of `relative`."""
        return predicted

    def in_words(self, decoded: np.ndarray) -> np.ndarray:
        """Predictions as the raw data calls them, where that isn't what the network learned from."""
        return decoded

    def trimmed(self, raw: Any, steps: np.ndarray) -> Any:
        """Predictions for each step (rows, time), without those of padding."""
        return steps

    def unseen(self, raw: Any) -> dict[str, int]:
        """How many rows have something that training didn't have, by column."""
        return {}

    def rows(self) -> list[dict[str, Any]]:
        """One dict a column: "column", "kind", "done", "missing" (share), "inputs" (how many); none without columns."""
        return []

    def places(self) -> list[tuple[str, slice]]:
        """The columns in use, each with its place among the inputs; none without columns."""
        return []

    @property
    def whole(self) -> bool | None:
        """Whether no sequence that was learned from is cut off; None where that isn't known."""
        return None

    @property
    def embedded(self) -> tuple[int, ...]:
        """For each column whose codes are the last inputs, how many vectors are to be learned."""
        return ()

    @property
    def target_names(self) -> tuple[str, ...]:
        """The columns that are predicted, if raw input has columns."""
        return ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns that are looked at, if raw input has columns."""
        return ()


class Foreign(Preparation):
    """An object of the user's own that has ``apply(raw) -> array`` and nothing else; can't be saved."""

    def __init__(self, transform: Any) -> None:
        self.transform = transform

    def apply(self, raw: Any) -> np.ndarray:
        """What the object makes of raw input."""
        return self.transform.apply(raw)

    def to_dict(self) -> dict[str, Any]:
        """Refused: no file could tell what the object does."""
        raise InputError(
            f"a run prepared by {type(self.transform).__name__} can't be saved; known preparations: {', '.join(HOMES)}"
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Preparation:
        """Refused, as `to_dict` is."""
        raise InputError("a preparation of one's own isn't written in any file")


class AsItIs(Preparation):
    """Raw input that is an array already, or becomes one as it stands."""

    def apply(self, raw: Any) -> Any:
        """The input itself."""
        return raw

    def to_dict(self) -> dict[str, Any]:
        """Nothing is to be told."""
        return {}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Preparation:
        """The inverse of `to_dict`."""
        return cls()


AS_IT_IS = AsItIs()


def preparation_of(preparation: Any) -> Preparation:
    """What `fit` was given as its preparation, with all answers.

    It was nothing, a `Preparation`, an object with `apply`, or a fitted transformer of scikit-learn.

    >>> preparation_of(None).rows()
    []
    """
    if preparation is None:
        return AS_IT_IS
    if isinstance(preparation, Preparation):
        return preparation
    if not callable(getattr(preparation, "apply", None)):
        foreign: Preparation = importlib.import_module(HOMES["Transformer"]).transformer_of(preparation)
        return foreign
    return Foreign(preparation)


def describe(preparation: Any) -> dict[str, Any] | None:
    """A preparation as plain data, with its kind; None for none.

    Raises
    ------
    InputError
        If it isn't one of those in `HOMES`.
    """
    if preparation is None:
        return None
    kind = type(preparation).__name__
    if kind not in HOMES:
        return (
            describe(preparation_of(preparation))
            if hasattr(preparation, "transform")
            else Foreign(preparation).to_dict()
        )
    return {"kind": kind, **preparation.to_dict()}


def restore(data: dict[str, Any] | None) -> Preparation | None:
    """The inverse of `describe`."""
    if data is None:
        return None
    rest = dict(data)
    kind = fitted(str, rest.pop("kind", None), "the kind of preparation")
    if kind not in HOMES:
        raise unknown("kind of preparation", kind, HOMES)
    preparation_class: type[Preparation] = getattr(importlib.import_module(HOMES[kind]), kind)
    return preparation_class.from_dict(rest)
