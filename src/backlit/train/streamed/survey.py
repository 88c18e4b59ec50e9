"""What has to be known of a stream before training: how many rows, which classes, and some rows to look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.data.frames import some_rows
from backlit.errors import BacklitError, InputError
from backlit.nn.metrics import CLASSES
from backlit.train.streamed.passes import Passes
from backlit.train.streamed.reader import Alike, Reader, Rows, blocks_of, reading, together, unpacked
from backlit.train.streamed.tallies import Sample

KEPT = 4096  # rows that are kept aside: probes, the doctor and simple models look at them
LEARNED = ("class", "binary")  # kinds of target whose classes have to be known
_STREAM = 0x5A3B


@dataclass(eq=False)
class Head:
    """What was seen of the targets of one output."""

    classes: dict[Any, int] = field(default_factory=dict)
    count: int = 0
    mean: Any = 0.0
    squares: Any = 0.0

    def add_classes(self, y: np.ndarray) -> None:
        """Count labels."""
        for label, count in zip(*(part.tolist() for part in np.unique(y, return_counts=True)), strict=True):
            self.classes[label] = self.classes.get(label, 0) + count

    def add_numbers(self, y: np.ndarray) -> None:
        """Mean and squares about it, joined with those before: see `R2.added`."""
        y = y.reshape(len(y), -1).astype(np.float64)
        mean = y.mean(axis=0)
        count = self.count + len(y)
        apart = mean - self.mean
        self.squares = self.squares + ((y - mean) ** 2).sum(axis=0) + apart**2 * self.count * len(y) / count
        self.mean = self.mean + apart * len(y) / count
        self.count = count

    @property
    def std(self) -> np.ndarray:
        """Standard deviation, of the rows that were seen."""
        return np.sqrt(np.asarray(self.squares) / max(1, self.count))


@dataclass(eq=False)
class Survey:
    """What is known of a stream.

    Attributes
    ----------
    rows : int or None
        Of a pass; None if it isn't known.
    heads : dict of output to Head
        Of the one output under "".
    kept : list
        Raw x, y and weights of some rows.
    places : int array or None
        Which of these rows; None for all.
    """

    rows: int | None
    heads: dict[str, Head]
    kept: list[tuple[Any, Any, Any]]
    places: np.ndarray | None = None

    def sample(self, stream: Any, reader: Reader) -> Rows:
        """The rows that were kept, as training takes them."""
        try:
            rows = together([reader.read(part) for part in self.kept])
        except BacklitError:  # read whole, the block tells which of its rows it is
            for place, block in blocks_of(stream, 0, 0, 1, "the stream"):
                with reading(place):
                    reader.read(block)
            raise
        return rows if self.places is None else rows.at(self.places)


def survey(
    stream: Any,
    kinds: dict[str, str],
    passing: bool,
    outcomes: Callable[[Any, Any], Any],
    seed: int,
    most: int | None = None,
) -> Survey:
    """Read a pass, if that is needed, or the first rows.

    Parameters
    ----------
    stream : Stream
    kinds : dict of output to str
        What is to be learned of the targets: "class", "number", or "" for nothing.
    passing : bool
        Whether a whole pass has to be read.
    outcomes : callable
        ``outcomes(x, y)``: the targets of a block as arrays.
    seed : int
        Of the choice of the rows that are kept, if there is a choice.
    most : int or None
        Rows after which the pass is left, since it may have no end.
    """
    heads = {name: Head() for name in kinds}
    sample = Sample(KEPT, (seed, _STREAM))
    kept: list[tuple[Any, Any, Any]] = []
    seen, alike, whole = 0, Alike(), True
    for place, block in blocks_of(stream, 0, 0, 1, "the stream"):
        with reading(place):
            x, y, weights = unpacked(block)
            targets = outcomes(x, y)
            named = targets if isinstance(targets, dict) else {"": targets}
            count = len(next(iter(named.values())))
            if not count:
                continue
            alike.require_targets(targets)
            for name, kind in kinds.items():
                if kind in LEARNED:
                    heads[name].add_classes(named[name])
                elif kind == "number":
                    heads[name].add_numbers(named[name])
            _keep(kept, sample, (x, y, weights), count, passing)
        seen += count
        limit = most if passing else KEPT
        if limit is not None and seen >= limit:
            whole = False
            break
    if not seen:
        raise InputError("the stream ended at once: there are no rows to train on")
    said = getattr(stream, "rows", None)
    if passing and said is not None:
        Passes(said).check(0, seen)
    if not passing:
        return Survey(getattr(stream, "rows", None), heads, kept)
    return Survey(seen if whole else None, heads, kept, sample.least())


def _keep(kept: list[Any], sample: Sample, block: tuple[Any, Any, Any], count: int, passing: bool) -> None:
    """Keep some rows of a block: by chance out of a whole pass, else the first."""
    left = KEPT - sum(map(_count, kept))
    places = sample.chosen(count) if passing else np.arange(min(count, left))
    if len(places):
        kept.append(tuple(None if part is None else some_rows(part, places) for part in block))


def _count(part: tuple[Any, Any, Any]) -> int:
    y = part[1]
    return len(next(iter(y.values()))) if isinstance(y, dict) else len(y)


def wanted(kind: str, standardize: bool) -> str:
    """What of a target has to be learned from all rows."""
    if kind in LEARNED:
        return "class"
    return "number" if standardize and kind not in CLASSES else ""
