"""The training loop on the host: runs the program a few epochs at a time and decides what happens between epochs.

However many epochs one call of the program runs, the results are the same: it reports each epoch's losses and
outputs, and the state after any epoch can be had again by running the call up to there (see `Replay`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from backlit import distributed
from backlit.graph import tree
from backlit.nn.layer import Network
from backlit.optim.steered import Seen, set_factor, steered_of
from backlit.train.callbacks import Callback, EarlyStopping, EpochEnd, EpochRecord, History
from backlit.train.divergence import Divergence, first_bad_value
from backlit.train.ensemble import united
from backlit.train.lazy import Lazy
from backlit.train.lines import first_bad, history_lines, with_batches
from backlit.train.prepare import Job, is_exact
from backlit.train.probes.history import ProbeRecords
from backlit.train.probes.prober import Prober
from backlit.train.program import TrainState

REACHED = "loss reached"  # why training ended, by `until_loss`
PATIENCE_SECONDS = 0.25  # how long one call should take, so that progress is seen and Ctrl-C heard


@dataclass(frozen=True, eq=False)
class Replay:
    """The state after an epoch, kept as the start of a call of the program and the epochs since: had when needed."""

    start: TrainState
    first: int
    count: int


@dataclass(frozen=True, eq=False)
class LoopState:
    """All that changes from epoch to epoch, besides what is told of each; a value, so that none is ever half changed.

    Attributes
    ----------
    train_state : dict
        What the next update starts from.
    epoch : int
        Epochs done.
    best : Replay or None
        After the best epoch so far, by early stopping.
    best_value, best_epoch :
        Of that epoch; the value is the less the better.
    plateau : dict or None
        Of a steered rate, such as `ReduceOnPlateau`.
    """

    train_state: TrainState
    epoch: int = 0
    best: Replay | None = None
    best_value: float = np.inf
    best_epoch: int = 0
    plateau: dict[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class Saving:
    """After how many epochs each the run is written, and how.

    Where nobody says after how many, it is `EPOCHS`, or as many more as keep writing at a `SHARE` of the time: an epoch
    may take a millisecond. The first of several processes looks at the clock.
    """

    EPOCHS: ClassVar[int] = 10
    SHARE: ClassVar[float] = 1 / 20

    chosen: int | None
    write: Callable[[], None]

    def is_due(self, epoch: int, written: int, since: float, took: float) -> bool:
        """Whether to write after an epoch; the last time was after another, `since` seconds ago, and `took` so many."""
        if self.chosen is not None:
            return epoch % self.chosen == 0
        return epoch >= written + self.EPOCHS and distributed.agreed(took <= self.SHARE * since)


@dataclass(frozen=True, eq=False)
class Listeners:
    """Who is told of each epoch, and may end the training or look into it.

    Attributes
    ----------
    callbacks : tuple of callable
    show : callable
        ``show(line of the history)``: the progress display.
    prober : Prober, optional
        Looks into the network after the epochs of its plan, and after the last one when asked: see `Loop.probed`.
    saving : Saving, optional
    asked : callable
        ``asked()``: whether the user wants the training to end after a whole epoch.
    settings : dict
        What `fit` was called with, for the callbacks.
    """

    callbacks: tuple[Callback, ...] = ()
    show: Callable[[EpochRecord], None] = lambda record: None
    prober: Prober | None = None
    saving: Saving | None = None
    asked: Callable[[], bool] = lambda: False
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Loop:
    """A training run: its state, its history, and the step from epoch to epoch.

    Parameters
    ----------
    job : Job
        What is computed, from which start, on which rows.
    early_stopping : EarlyStopping, optional
        With monitor and direction filled in.
    listeners : Listeners
    deadline : float, optional
        When training ends, by `time.monotonic`; at least one epoch is done.
    """

    job: Job
    early_stopping: EarlyStopping | None = None
    listeners: Listeners = field(default_factory=Listeners)
    deadline: float | None = None
    history: History = field(default_factory=History)
    probes: ProbeRecords = field(default_factory=ProbeRecords)
    stopped: str = ""
    diverged: Divergence | None = None
    written: int = 0  # the epoch after which the run was last written
    _replayed: tuple[Replay, TrainState] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._saved = time.monotonic(), 0.0  # when the run was last written, and how long that took
        self.epochs = self.job.training.epochs
        self.until_loss = self.job.training.until_loss
        self.steered = steered_of(self.job.optimizer)
        self.state = LoopState(self.job.start, plateau=self.steered.init() if self.steered else None)

    def run(self) -> None:
        """Train until the epochs are done or something ends it.

        What a clock, a signal or a function of the user's decides, the first of several processes decides for all.
        """
        asked = distributed.heard(self.listeners.asked)
        self._begun = time.monotonic()
        count = 1  # the first call includes compiling, and says nothing of the time that epochs take
        begun = False
        try:
            self._look()  # after an interruption it may still be due
            while self.state.epoch < self.epochs and not self.stopped:
                if asked():
                    self.stopped = "interrupted"
                    break
                count = self._length(count)
                start = time.perf_counter()
                self.state = self._call(count)
                if begun:  # metrics take their time, too
                    seconds = (time.perf_counter() - start) / count
                    count = distributed.agreed(max(1, int(PATIENCE_SECONDS / max(seconds, 1e-9))))
                begun = True
                self._between_calls()
        except KeyboardInterrupt:  # it may have come between any two statements; the state is a whole one
            if distributed.count() > 1:  # whose others wait for this one
                raise
            epoch = self.state.epoch
            del self.history[epoch:]
            self.probes[:] = [record for record in self.probes if record["epoch"] <= epoch]
            self.stopped = "interrupted"
        self.stopped = self.stopped or ("closed form" if is_exact(self.job.optimizer) else "epochs done")

    def _length(self, count: int) -> int:
        """Epochs of the next call: `count`, unless someone must be asked before."""
        epoch, listeners = self.state.epoch, self.listeners
        if listeners.callbacks or self.steered:
            return 1
        count = min(count, self.job.program.length, self.epochs - epoch)
        if self.early_stopping is not None:
            # Calls of equal length that end with the first epoch that may be the last: none is computed in vain, and
            # the state at the end needs no replay. Far shorter ones would cost more than they save.
            patient = self.state.best_epoch + self.early_stopping.patience - epoch
            if 3 * patient >= count:
                count = -(-patient // -(-patient // count))
        if listeners.saving is not None and listeners.saving.chosen is not None:
            count = min(count, listeners.saving.chosen - epoch % listeners.saving.chosen)
        return count if listeners.prober is None else min(count, listeners.prober.until(epoch))

    def _between_calls(self) -> None:
        """Whether time is up; the probe and the writing that are due."""
        epoch, listeners = self.state.epoch, self.listeners
        late = self.deadline is not None and distributed.agreed(time.monotonic() >= self.deadline)
        if late and epoch < self.epochs:
            self.stopped = self.stopped or "time limit"
        if not self.stopped:
            self._look()
        saving = listeners.saving
        if saving is None or self.stopped:
            return
        begun, took = self._saved
        if saving.is_due(epoch, self.written, time.monotonic() - begun, took):
            self.save(saving)

    def save(self, saving: Saving) -> None:
        """Write the run as it is, and remember after which epoch, when, and how long it took."""
        start = time.monotonic()
        saving.write()
        end = time.monotonic()
        self.written, self._saved = self.state.epoch, (end, end - start)

    def _look(self) -> None:
        """Look inside, if it is due."""
        epoch, prober = self.state.epoch, self.listeners.prober
        if prober is None or epoch not in prober.plan.epochs or not 0 < epoch < self.epochs:
            return
        if not self.probes or self.probes[-1]["epoch"] < epoch:
            train_state = self._here(self.state.train_state)
            self.probes.append(distributed.once(lambda: prober(train_state, epoch)))

    def probed(self) -> ProbeRecords | Lazy:
        """What the probes told; after the last epoch with a look at what training left, taken when asked for."""
        probes, prober = ProbeRecords(self.probes), self.listeners.prober
        train_state, epoch = self.state.train_state, self.state.epoch
        done = probes and probes[-1]["epoch"] >= epoch
        if prober is None or not epoch or done or not self.stopped:
            return probes
        train_state = self._here(train_state)
        return Lazy(lambda: ProbeRecords([*probes, prober(train_state, epoch)]))

    def _here(self, train_state: TrainState) -> TrainState:
        """A state that a process can look at by itself, where there are several."""
        return train_state if distributed.count() == 1 else self.job.program.engine.fetch(train_state)

    def _results(self, replay: Replay) -> tuple[TrainState, Any]:
        """Run the epochs of a replay; the state after them, and their losses, outputs and batches as NumPy arrays."""
        given = arguments(self.job, replay)
        train_state, results = self.job.program.train(*given)
        results = with_batches(results, given[2])
        return train_state, tree.map(lambda part: self._by_epoch(np.asarray(part))[: replay.count], results)

    def _by_epoch(self, part: np.ndarray) -> np.ndarray:
        """What the program returned as (epochs, members, ...)."""
        return part[:, None] if self.job.program.members == 1 else np.moveaxis(part, 0, 1)

    def train_state_at(self, replay: Replay) -> TrainState:
        """The state at its end, computed again if the call went on after it: the same bits, by the same program."""
        if not replay.count:
            return replay.start
        if self._replayed is None or self._replayed[0] is not replay:  # who writes a run asks for its best twice
            self._replayed = replay, self._results(replay)[0]
        return self._replayed[1]

    def network_at(self, train_state: TrainState) -> Network:
        """The network with the parameters of a state; an ensemble's members side by side."""
        program, network = self.job.program, self.job.network
        params, running = program.engine.fetch((train_state["params"], train_state["state"]))
        if program.members > 1:
            return united(network, params, running, program.members, program.loss)
        return network.replace(params=params, state=running)

    @property
    def best_epoch(self) -> int | None:
        """The epoch whose weights early stopping would keep; the last where it was the loss that was waited for."""
        return self.state.epoch if self.stopped == REACHED else self.state.best_epoch or None

    def network(self) -> Network:
        """The network that the run ends with: the best, or the last."""
        state, stopping = self.state, self.early_stopping
        best = state.best if stopping is not None and stopping.restore_best and self.stopped != REACHED else None
        if best is not None and state.best_epoch != state.epoch:
            return self.network_at(self.train_state_at(best))
        return self.network_at(state.train_state)

    def _call(self, count: int) -> LoopState:
        """One call of the program, and the state after it; its first epoch that ends the training decides which."""
        replay = Replay(self.state.train_state, self.state.epoch, count)
        start = time.perf_counter()
        train_state, results = self._results(replay)
        seconds = (time.perf_counter() - start) / count
        good, *bad = distributed.agreed(first_bad(results))
        state = self.state
        for i, record in enumerate(self._lines(results, min(count, good), seconds)):
            state = self._told(state, record, Replay(replay.start, replay.first, i + 1), train_state)
            if self.stopped:
                ended = Replay(replay.start, replay.first, i + 1)
                last = train_state if i + 1 == count else self.train_state_at(ended)
                return self._reduced(replace(state, train_state=last))
        if good < count:
            return self._diverge(state, Replay(replay.start, replay.first, good), *bad)
        return self._reduced(replace(state, train_state=train_state))

    def _told(self, state: LoopState, record: EpochRecord, after: Replay, train_state: TrainState) -> LoopState:
        """The state once all who listen have been told of an epoch; `stopped` says whether it was the last."""
        self.history.append(record)
        self.listeners.show(record)
        state = replace(state, epoch=record["epoch"])
        if self.early_stopping is not None:
            state = self._watch(state, self.early_stopping, record, after)
        if self.until_loss is not None and record["loss"] <= self.until_loss:
            self.stopped = REACHED
        if self.listeners.callbacks:  # then calls have one epoch each, and `train_state` is its state
            self._call_back(record, train_state)
        return state

    def _lines(self, results: Any, good: int, seconds: float) -> Iterable[EpochRecord]:
        """The history's lines for the good epochs of a call; the first of several processes makes them, all at once."""
        records = history_lines(self.job, results, good, self.state.epoch)
        lines = (record | {"seconds": seconds} for record in records)
        return lines if distributed.count() == 1 else distributed.once(lambda: list(lines))

    def _call_back(self, record: EpochRecord, train_state: TrainState) -> None:
        """Ask the callbacks whether an epoch is the last."""
        train_state = self._here(train_state)

        def asked() -> bool:
            answers = [
                callback(
                    EpochEnd(
                        record["epoch"], record, self.history, lambda: self.network_at(train_state), self.probes,
                        self.listeners.settings,
                    )
                )
                for callback in self.listeners.callbacks
            ]  # fmt: skip
            # Comparing with a NumPy number gives NumPy's.
            return any(isinstance(answer, (bool, np.bool_)) and bool(answer) for answer in answers)

        if distributed.once(asked):
            self.stopped = self.stopped or "callback"

    def _watch(self, state: LoopState, stopping: EarlyStopping, record: EpochRecord, after: Replay) -> LoopState:
        """Early stopping: remember the best epoch, stop when none has been better for long enough."""
        value = record[str(stopping.monitor)] * (-1 if stopping.direction == "max" else 1)
        if value < state.best_value - stopping.min_delta:
            return replace(state, best=after, best_value=value, best_epoch=record["epoch"])
        if record["epoch"] - state.best_epoch >= stopping.patience:
            self.stopped = "early stopping"
        return state

    def _reduced(self, state: LoopState) -> LoopState:
        """A steered rate: hand the optimizer the factor that it comes to after what was seen."""
        if self.steered is None or state.plateau is None:
            return state
        record = self.history[-1]
        seen = Seen(record.get("val_loss", record["loss"]), self._spent(state.epoch))
        plateau, factor = self.steered.after(seen, state.plateau)
        optimizer = set_factor(state.train_state["optimizer"], factor)
        return replace(state, plateau=plateau, train_state={**state.train_state, "optimizer": optimizer})

    def _spent(self, epoch: int) -> float:
        """The share of the epochs, or of the time, that is used up: whichever is more."""
        spent = epoch / max(self.epochs, 1)
        if self.deadline is not None:
            now = time.monotonic()
            spent = max(spent, distributed.agreed((now - self._begun) / max(self.deadline - self._begun, 1e-9)))
        return spent

    def _diverge(self, state: LoopState, last_good: Replay, step: int, member: int) -> LoopState:
        """Go back to the last good epoch, and find out where the first bad value came from."""
        job, train_state = self.job, self.train_state_at(last_good)
        several = job.program.members > 1
        data, of_member = job.data, train_state
        if several:
            of_member, numbers = tree.map(lambda part: part[member], (train_state, data["numbers"]))
            data = {**data, "numbers": numbers}
        batches = job.batches[member].epoch(state.epoch)
        kind, path, greatest = distributed.agreed(first_bad_value(job.program, data, batches, of_member, step))
        self.stopped = "diverged"
        self.diverged = Divergence(kind, path, state.epoch + 1, step + 1, member + 1 if several else None, greatest)
        return replace(state, train_state=train_state)


def arguments(job: Job, replay: Replay) -> tuple[Any, ...]:
    """What the program takes for the epochs of a replay."""
    batches = _stacked([each.epochs(replay.first, replay.count, job.program.length) for each in job.batches])
    validation = None if job.held is None else _stacked(job.held)
    return replay.start, job.data, batches, job.validation_data, validation, np.int32(replay.count)


def _stacked(members: list[Any]) -> Any:
    """What each member of an ensemble has, stacked; the thing itself if there is but one."""
    return members[0] if len(members) == 1 else tree.map(lambda *parts: np.stack(parts), *members)
