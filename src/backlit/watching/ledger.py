"""The ledger of a training that goes on elsewhere: losses and scores by epoch, and some of its rows."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.train.callbacks import History


@dataclass
class _Sums:
    """Of one pass over rows: losses, and what accuracy or R² are made of."""

    loss: float = 0.0
    rows: int = 0
    scored: int = 0
    right: float = 0.0
    left: float = 0.0  # Σ (y - output)²
    total: float = 0.0
    squares: float = 0.0


@dataclass
class Rows:
    """Rows remembered of a training, with their targets, up to so many numbers."""

    most: int = 0
    x: list[np.ndarray] = field(default_factory=list)
    y: list[np.ndarray] = field(default_factory=list)
    kept: int = 0
    seen: int = 0

    def wants(self) -> bool:
        """Whether there is room for more."""
        return self.kept < self.most

    def add(self, x: np.ndarray | None, y: np.ndarray) -> None:
        """A batch, of which as many rows are kept as there is room for."""
        room = self.most - self.kept
        if x is not None:
            self.x.append(x[:room])
        self.y.append(y[:room])
        self.kept += min(room, len(y))

    def together(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Inputs and targets; None for what isn't known, or isn't of one shape in all batches."""
        return _joined(self.x), _joined(self.y)


def _joined(parts: list[np.ndarray]) -> np.ndarray | None:
    if not parts or len({part.shape[1:] for part in parts}) > 1:
        return None
    return np.concatenate(parts)


class Ledger:
    """What is written down while someone else trains.

    Attributes
    ----------
    history : History
        Closed epochs, as `backlit.fit` tells them.
    rows : int
        In an epoch, as far as one was seen whole.
    """

    def __init__(self) -> None:
        self.history = History()
        self.rows = 0
        self._open = {"": _Sums(), "val_": _Sums()}
        self._began = time.perf_counter()

    @property
    def epoch(self) -> int:
        """How many epochs are over."""
        return len(self.history)

    @property
    def begun(self) -> bool:
        """Whether the open epoch has seen training rows."""
        return self._open[""].rows > 0

    def loss(self, part: str, value: float, rows: int) -> None:
        """The mean loss of some rows; `part` is "" for training rows and "val_" for others."""
        sums = self._open[part]
        sums.loss += value * rows
        sums.rows += rows

    def outputs(self, part: str, kind: str, output: np.ndarray, target: np.ndarray, middle: float = 0.0) -> None:
        """Outputs beside their targets, for accuracy or R²; of scores for two classes, `middle` parts them."""
        sums = self._open[part]
        if kind == "class" and output.ndim == target.ndim + 1:
            counts = target >= 0
            sums.right += float((output.argmax(axis=-1) == target)[counts].sum())
            sums.scored += int(counts.sum())
        elif kind == "binary" and output.size == target.size:
            sums.right += float(((output.reshape(-1) > middle) == (target.reshape(-1) > 0.5)).sum())
            sums.scored += target.size
        elif kind == "number" and output.size == target.size:
            y = target.reshape(-1).astype(np.float64)
            sums.left += float(np.square(y - output.reshape(-1)).sum())
            sums.total += float(y.sum())
            sums.squares += float(np.square(y).sum())
            sums.scored += y.size

    def fresh(self, part: str) -> None:
        """A new pass over a part: what was summed up of it is left."""
        self._open[part] = _Sums()

    def close(self, kind: str) -> None:
        """An epoch is over; nothing happens if no row was trained on in it."""
        if not self.begun:
            return
        now = time.perf_counter()
        record: dict[str, Any] = {"epoch": self.epoch + 1}
        for part, sums in self._open.items():
            if not sums.rows and not sums.scored:
                continue
            if sums.rows:
                record[f"{part}loss"] = sums.loss / sums.rows
            score = _score(sums, kind)
            if score is not None:
                record[f"{part}{'r2' if kind == 'number' else 'accuracy'}"] = score
        record["seconds"] = now - self._began
        self.rows = max(self.rows, self._open[""].rows)
        self.history.append(record)
        self._open = {"": _Sums(), "val_": _Sums()}
        self._began = now


def _score(sums: _Sums, kind: str) -> float | None:
    if not sums.scored or kind not in ("class", "binary", "number"):
        return None
    if kind != "number":
        return sums.right / sums.scored
    spread = sums.squares - sums.total**2 / sums.scored
    return 1 - sums.left / spread if spread > 0 and math.isfinite(sums.left) else None
