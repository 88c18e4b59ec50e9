"""A training run as a line of updates, along which one can go back and forth.

States aren't all kept: the nearest one that was is trained on again, and gives the same bits.

All updates are made by one engine, which is asked for nothing before the first of them: what is seen at update 0, and
whatever is looked at later on, NumPy computes. So a page needn't wait for JAX, and no state depends on when it came.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from backlit.errors import InputError, ZeroGradientWarning
from backlit.graph import tree
from backlit.languages import Template
from backlit.nn.layer import Network
from backlit.nn.shapes import with_shape
from backlit.studio.building import CHUNK, engine_of, network_of, training_of
from backlit.studio.curves import Curves
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


class Moment(NamedTuple):
    """A state, and what the update that led to it told: loss, held loss, and shares of both that are right."""

    state: TrainState
    scores: tuple[float, ...] | None


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
    engine : str
        That makes the updates: "numpy" or "xla".
    training : Training
        The options of `backlit.fit`, with one update an epoch.
    job : Job
        What it makes of them on the NumPy engine, to be looked at.
    at : int
        The update that it is at.
    curves : Curves
        Of all updates that were made; of those long ago, several together.
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
        self._network = network = network_of(state, rows)
        if network.size > self.quota.weights:
            raise InputError(TOO_LARGE.say(size=network.size, most=self.quota.weights))
        self.engine = engine_of(state)
        self.training = training_of(state, network, rows, MOST_UPDATES, self.engine).replace(chunk=CHUNK)
        self.job: Job = prepare(network, rows.x, rows.y, self.training.replace(engine="numpy"))
        self._trained: Job | None = None
        self._lock = threading.Lock()  # one thread compiles ahead while another may already want updates
        self.batches = self.job.batches[0]
        held = self.job.validation
        self._held = None if held is None else held[0].epoch(0)
        size = sum(np.asarray(leaf).nbytes for leaf in tree.leaves(self.job.start))
        room = self.quota.kept_bytes // max(size, 1)  # states that may be kept, in both ways together
        self._few = int(max(2, min(RECENT, room // 4)))
        self._most = int(max(2, min(KEPT, room - self._few)))
        self.at, self.curves = 0, Curves()
        self.diverged: Divergence | None = None
        self._now = Moment(self.job.start, None)
        self._kept: dict[int, Moment] = {0: self._now}
        self._recent: dict[int, Moment] = {}
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

    def _of_engine(self) -> Job:
        """The job as the engine has it that makes the updates."""
        with self._lock:
            if self._trained is None:
                alike = self.engine == "numpy"
                self._trained = self.job if alike else prepare(self._network, self.rows.x, self.rows.y, self.training)
            return self._trained

    def warm_up(self) -> None:
        """Compile what `advance` runs, without an update."""
        if self.engine == "numpy":
            return
        job = self._of_engine()
        batches = self.batches.epochs(0, 1, job.program.length)
        job.program.train(job.start, job.data, batches, job.validation_data, self._held, np.int32(0))

    def seek(self, update: int, left: Callable[[], bool] = never) -> None:
        """Go to an update, back or forth; not all the way, if `left` says so."""
        if update < self.at:
            start = max(k for k in (*self._kept, *self._recent) if k <= update)
            self._now = {**self._recent, **self._kept}[start]
            self.at, self.diverged = start, None
            few = self._few // 2
            if update - self.at > few:
                self.advance(update - few - self.at, left)
            while self.at < update and not left() and self.advance(1):
                pass
            return
        self.advance(update - self.at, left)

    def forget_what_follows(self, left: Callable[[], bool] = never) -> None:
        """What was trained beyond this update doesn't count any more; perhaps it ends before it, if `left` says so."""
        at = self.at
        self.curves.cut(at)
        self._kept = {k: moment for k, moment in self._kept.items() if k <= at}
        self._recent = {k: moment for k, moment in self._recent.items() if k <= at}
        if self.furthest < at:  # in the middle of updates that were known together only: they are made again
            self.seek(self.furthest, left)
            self.seek(at, left)

    def _take_over(self, before: Timeline, left: Callable[[], bool]) -> None:
        """What the run before the change knows: on NumPy its very states, else it is trained again up to there."""
        if self.engine == before.engine == "numpy":
            changed = tree.flatten(before.job.start["params"])[1] != tree.flatten(self.job.start["params"])[1]
            same = not changed and tree.same_numbers(before.job.start["params"], self.job.start["params"])
            last = max((change.at for change in self.state.history), default=0)
            if same and last <= before.at:
                late = any(change.do == "edit" and change.at == last for change in self.state.history)
                known = last - 1 if late and last else last  # the update before an edit is made again, with it
                self._kept = {k: moment for k, moment in before._kept.items() if k <= known}
                self._recent = {k: moment for k, moment in before._recent.items() if k <= known}
                moments = {**self._recent, **self._kept}
                self.at = max(k for k in moments if before.curves.parts_at(k))
                self._now, self._every = moments[self.at], before._every
                self.curves = before.curves.until(self.at)
        self.seek(before.at, left)

    def _call(self, count: int) -> int:
        """One call of the training program; the updates that it made."""
        job, first = self._of_engine(), self.at
        begin = self._now.state if first else job.start
        batches = self.batches.epochs(first, count, job.program.length)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", ZeroGradientWarning)  # the doctor says it, where it matters
            after, results = job.program.train(
                begin, job.data, batches, job.validation_data, self._held, np.int32(count)
            )
        results = tree.map(lambda part: np.asarray(part)[:count], results)
        losses = _means(results["train"])
        good = int(np.argmin(np.isfinite(losses))) if not np.isfinite(losses).all() else count
        if good < count:
            return self._diverge(good)
        lines = self._lines(results, losses, first, count)
        if first + count > self.furthest:
            self.curves.add(*(line[self.furthest - first :] for line in lines))
        self._now, self.at = Moment(after, tuple(float(line[-1]) for line in lines)), first + count
        self._remember()
        return count

    def _diverge(self, good: int) -> int:
        """The updates before the first whose loss is no number, and where that came from."""
        made = self._call(good) if good else 0
        where = first_bad_value(self.job.program, self.job.data, self.batches.epoch(self.at), self.train_state, 0)
        kind, path, greatest = where
        self.diverged = Divergence(kind, path, self.at + 1, 1, None, greatest)
        return made

    def _lines(self, results: Any, losses: np.ndarray, first: int, count: int) -> tuple[np.ndarray, ...]:
        """What a call told of its updates: losses, held losses, and shares that are right."""
        rows = self.batches.epochs(first, count, count)
        right = self._right(results["train"], rows)
        held_loss = held_right = np.full(count, np.nan)
        held = results.get("validation")
        if held is not None and self._held is not None:
            held_loss = _means(held)
            rows = {key: np.broadcast_to(part, (count, *part.shape)) for key, part in self._held.items()}
            held_right = self._right(held, rows)
        return losses, held_loss, right, held_right

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
            self._kept[self.at] = self._now
            if len(self._kept) > self._most:
                self._every *= 2
                self._kept = {k: moment for k, moment in self._kept.items() if k % self._every == 0}
        self._recent[self.at] = self._now
        while len(self._recent) > self._few:
            del self._recent[next(iter(self._recent))]

    # -------------------------------------------------------------------------------------------- what it has learned

    @property
    def train_state(self) -> TrainState:
        """Parameters, optimizer's state and so on, as NumPy arrays."""
        return tree.map(np.asarray, self._now.state)

    @property
    def scores(self) -> tuple[float, ...] | None:
        """Of the last update: loss, held loss, and the shares of both that are right; None before the first."""
        return self._now.scores

    @property
    def network(self) -> Network:
        """The network at this update."""
        state = self.train_state
        return self.job.network.replace(params=state["params"], state=state["state"])

    def path(self, points: int) -> list[tuple[int, Any]]:
        """Parameters along the way to here, at most so many, with their updates."""
        known = {**self._kept, **self._recent, self.at: self._now}
        updates = sorted(k for k in known if k <= self.at)
        if len(updates) > points:
            updates = [updates[round(i)] for i in np.linspace(0, len(updates) - 1, points)]
        return [(k, tree.map(np.asarray, known[k].state["params"])) for k in dict.fromkeys(updates)]

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
