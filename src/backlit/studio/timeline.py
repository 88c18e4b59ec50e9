"""A training run as a line of updates, along which one can go back and forth.

States aren't all kept: the nearest one that was is trained on again, and gives the same bits.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from backlit.errors import InputError, ZeroGradientWarning
from backlit.graph import tree
from backlit.languages import Template
from backlit.nn.layer import Network
from backlit.nn.shapes import with_shape
from backlit.studio.building import CHUNK, engine_of, network_of, training_of
from backlit.studio.quota import Quota
from backlit.studio.sets import Rows
from backlit.studio.state import MOST_UPDATES, State
from backlit.train.divergence import Divergence, first_bad_value
from backlit.train.prepare import Job, prepare
from backlit.train.program import TrainState

KEPT = 64  # states along the line, at even distances
RECENT = 24  # states that were just there: to go back step by step
TOO_LARGE = Template(
    "this network has {size:,} weights; here {most:,} are the most",
    "이 신경망은 가중치가 {size:,}개입니다. 여기서는 {most:,}개까지 쓸 수 있습니다.",
)


def never() -> bool:
    """What says that a way isn't left."""
    return False


class Curves:
    """What is known of every update that was made: losses, and shares of rows that are right. 32 bytes an update."""

    def __init__(self) -> None:
        self._lines, self._length = np.empty((4, 1024)), 0

    loss = property(lambda self: self._lines[0, : self._length])
    held_loss = property(lambda self: self._lines[1, : self._length])
    right = property(lambda self: self._lines[2, : self._length])
    held_right = property(lambda self: self._lines[3, : self._length])

    def __len__(self) -> int:
        return self._length

    def add(self, *lines: Any) -> None:
        """What is known of further updates, in the order above."""
        length = self._length + len(lines[0])
        room = self._lines.shape[1]
        if length > room:
            grown = np.empty((4, max(length, room + room // 2)))
            grown[:, : self._length] = self._lines[:, : self._length]
            self._lines = grown
        self._lines[:, self._length : length] = lines
        self._length = length

    def cut(self, length: int) -> None:
        """Forget what came after."""
        self._length = min(length, self._length)


class Timeline:
    """One network's training.

    Parameters
    ----------
    state : State
        Whose `at` isn't gone to: it starts at update 0.
    rows : Rows
    before : Timeline, optional
        The same but for changes made by hand at an update: what it knows of the time before is taken over.
    left : callable
        ``left()``: whether to leave the way to where `before` is; asked every few updates.
    quota : Quota, optional

    Attributes
    ----------
    state : State
    job : Job
        Of `backlit.fit` with one update an epoch.
    at : int
        The update that it is at.
    curves : Curves
    diverged : Divergence or None
        Where the first value came from that was no number, after update `at`; training can't go on from there.

    Raises
    ------
    InputError, ShapeError
        If the state can't be built.
    """

    def __init__(
        self, state: State, rows: Rows, before: Timeline | None = None, left: Callable[[], bool] = never,
        quota: Quota | None = None,
    ) -> None:  # fmt: skip
        self.state, self.rows, self.quota = state, rows, quota or Quota()
        network = network_of(state, rows)
        if network.size > self.quota.weights:
            raise InputError(TOO_LARGE.say(size=network.size, most=self.quota.weights))
        self.engine = engine_of(state)
        training = training_of(state, network, rows, MOST_UPDATES, self.engine)
        self.job: Job = prepare(network, rows.x, rows.y, training.replace(chunk=CHUNK))
        self.batches = self.job.batches[0]
        held = self.job.validation
        self._held = None if held is None else held[0].epoch(0)
        size = sum(np.asarray(leaf).nbytes for leaf in tree.leaves(self.job.start))
        room = self.quota.kept_bytes // max(size, 1)  # states that may be kept, in both ways together
        self._few = int(max(2, min(RECENT, room // 4)))
        self._most = int(max(2, min(KEPT, room - self._few)))
        self.at, self.curves = 0, Curves()
        self.diverged: Divergence | None = None
        self._state: TrainState = self.job.start
        self._kept: dict[int, TrainState] = {0: self.job.start}
        self._recent: dict[int, TrainState] = {}
        self._every = CHUNK
        if before is not None:
            self._take_over(before, left)

    # -------------------------------------------------------------------------------------------- time

    @property
    def furthest(self) -> int:
        """The last update that was made."""
        return len(self.curves)

    @property
    def updates_per_epoch(self) -> int:
        """Updates that use every row once."""
        return self.batches.steps_of_pass

    def advance(self, count: int, left: Callable[[], bool] = never) -> int:
        """Make so many updates; how many were made. Fewer, if a loss isn't finite, or `left` says so after some."""
        made = 0
        while made < count and self.diverged is None and self.at < self.quota.updates and not (made and left()):
            stop = self._every - self.at % self._every  # where a state is kept
            done = self._call(min(count - made, CHUNK, stop))
            made += done
        return made

    def warm_up(self) -> None:
        """Compile what `advance` runs, without an update."""
        if self.engine == "numpy":
            return
        job, batches = self.job, self.batches.epochs(0, 1, self.job.program.length)
        job.program.train(self._state, job.data, batches, job.validation_data, self._held, np.int32(0))

    def seek(self, update: int, left: Callable[[], bool] = never) -> None:
        """Go to an update, back or forth; not all the way, if `left` says so."""
        if update < self.at:
            start = max(k for k in (*self._kept, *self._recent) if k <= update)
            self._state = self._kept.get(start, self._recent.get(start))  # type: ignore[assignment]
            self.at, self.diverged = start, None
            few = self._few // 2
            if update - self.at > few:
                self.advance(update - few - self.at, left)
            while self.at < update and not left() and self.advance(1):
                pass
            return
        self.advance(update - self.at, left)

    def forget_what_follows(self) -> None:
        """What was trained beyond this update doesn't count any more."""
        self.curves.cut(self.at)
        self._kept = {k: state for k, state in self._kept.items() if k <= self.at}
        self._recent = {k: state for k, state in self._recent.items() if k <= self.at}

    def _take_over(self, before: Timeline, left: Callable[[], bool]) -> None:
        """What the run before the change knows: on NumPy its very states, else it is trained again up to there."""
        if self.engine == before.engine == "numpy":
            changed = tree.flatten(before.job.start["params"])[1] != tree.flatten(self.job.start["params"])[1]
            same = not changed and tree.same_numbers(before.job.start["params"], self.job.start["params"])
            last = max((change.at for change in self.state.history), default=0)
            if same and last <= before.at:
                late = any(change.do == "edit" and change.at == last for change in self.state.history)
                known = last - 1 if late and last else last  # the update before an edit is made again, with it
                self._kept = {k: state for k, state in before._kept.items() if k <= known}
                self._recent = {k: state for k, state in before._recent.items() if k <= known}
                start = max(0, *self._kept, *self._recent)
                self._state = self._kept.get(start, self._recent.get(start))  # type: ignore[assignment]
                self.at, self._every = start, before._every
                old = before.curves
                self.curves.add(*(line[:start] for line in (old.loss, old.held_loss, old.right, old.held_right)))
        self.seek(before.at, left)

    def _call(self, count: int) -> int:
        """One call of the training program; the updates that it made."""
        job, first = self.job, self.at
        batches = self.batches.epochs(first, count, job.program.length)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", ZeroGradientWarning)  # the doctor says it, where it matters
            after, results = job.program.train(
                self._state, job.data, batches, job.validation_data, self._held, np.int32(count)
            )
        results = tree.map(lambda part: np.asarray(part)[:count], results)
        losses = _means(results["train"])
        good = int(np.argmin(np.isfinite(losses))) if not np.isfinite(losses).all() else count
        if good < count:
            return self._diverge(good)
        if first + count > self.furthest:
            self._learn(results, losses, first, count)
        self._state, self.at = after, first + count
        self._remember()
        return count

    def _diverge(self, good: int) -> int:
        """The updates before the first whose loss is no number, and where that came from."""
        made = self._call(good) if good else 0
        where = first_bad_value(self.job.program, self.job.data, self.batches.epoch(self.at), self._state, 0)
        kind, path, greatest = where
        self.diverged = Divergence(kind, path, self.at + 1, 1, None, greatest)
        return made

    def _learn(self, results: Any, losses: np.ndarray, first: int, count: int) -> None:
        """Write down what a call told of its updates, as far as it wasn't known."""
        new = slice(self.furthest - first, count)
        rows = self.batches.epochs(first, count, count)
        right = self._right(results["train"], rows)
        held_loss = held_right = np.full(count, np.nan)
        held = results.get("validation")
        if held is not None and self._held is not None:
            held_loss = _means(held)
            rows = {key: np.broadcast_to(part, (count, *part.shape)) for key, part in self._held.items()}
            held_right = self._right(held, rows)
        self.curves.add(*(line[new] for line in (losses, held_loss, right, held_right)))

    def _right(self, results: Any, rows: dict[str, np.ndarray]) -> np.ndarray:
        """Share of the rows of each update whose class is the network's; NaN where there are no classes."""
        count = len(results["loss"])
        if self.rows.task == "regression" or "output" not in results:
            return np.full(count, np.nan)
        outputs = with_shape(results["output"].reshape(count, -1, *self.network_shape), self.network_shape)
        outputs = np.asarray(outputs).reshape(count, -1, *self.network_shape)
        numbers = np.broadcast_to(rows["rows"].reshape(len(rows["rows"]), -1), outputs.shape[:2])
        weights = np.broadcast_to(rows["weights"].reshape(len(rows["rows"]), -1), outputs.shape[:2])
        truth = np.asarray(self.job.examples.encoded)[numbers]
        right = outputs.argmax(axis=-1) == truth
        right = right.reshape(*weights.shape, -1).mean(axis=-1)  # of a text: of all steps
        weights = weights.astype(np.float64)
        return np.asarray((right * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1))

    @property
    def network_shape(self) -> tuple[int, ...]:
        """Of one row's output."""
        return tuple(self.job.network.output_shape)

    def _remember(self) -> None:
        """Keep this state for later, thinning out those of long ago."""
        if self.at % self._every == 0:
            self._kept[self.at] = self._state
            if len(self._kept) > self._most:
                self._every *= 2
                self._kept = {k: state for k, state in self._kept.items() if k % self._every == 0}
        self._recent[self.at] = self._state
        while len(self._recent) > self._few:
            del self._recent[next(iter(self._recent))]

    # -------------------------------------------------------------------------------------------- what it has learned

    @property
    def train_state(self) -> TrainState:
        """Parameters, optimizer's state and so on, as NumPy arrays."""
        return tree.map(np.asarray, self._state)

    @property
    def network(self) -> Network:
        """The network at this update."""
        state = self.train_state
        return self.job.network.replace(params=state["params"], state=state["state"])

    def path(self, points: int) -> list[tuple[int, Any]]:
        """Parameters along the way to here, at most so many, with their updates."""
        known = {**self._kept, **self._recent, self.at: self._state}
        updates = sorted(k for k in known if k <= self.at)
        if len(updates) > points:
            updates = [updates[round(i)] for i in np.linspace(0, len(updates) - 1, points)]
        return [(k, tree.map(np.asarray, known[k]["params"])) for k in dict.fromkeys(updates)]

    def rows_of_next_update(self) -> np.ndarray:
        """Numbers of the rows of the batch that comes next."""
        batch = self.batches.epoch(self.at)
        rows: np.ndarray = batch["rows"].reshape(-1)[batch["weights"].reshape(-1) > 0]
        return rows

    @property
    def held_rows(self) -> np.ndarray:
        """Which rows are held back from training, a flag each."""
        flags = np.zeros(len(self.rows.x), np.uint8)
        split = self.job.examples.split
        if split.validation is not None:
            flags[split.validation[0]] = 1
        return flags


def _means(results: Any) -> np.ndarray:
    """The loss of each update: sums over its batches by sums of weights."""
    total = np.asarray(results["loss"], np.float64).reshape(len(results["loss"]), -1).sum(axis=1)
    weight = np.asarray(results["weight"], np.float64).reshape(len(total), -1).sum(axis=1)
    return np.asarray(total / np.where(weight == 0, np.nan, weight))
