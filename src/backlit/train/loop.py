"""The training loop on the host: runs the program a few epochs at a time and decides what happens between epochs.

However many epochs one call of the program runs, the results are the same: it reports each epoch's losses and
outputs, and the state after any epoch can be had again by running the call up to there (see `Moment`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.graph import tree
from backlit.nn.layer import Network
from backlit.optim.plateau import set_factor
from backlit.train.batches import Batches
from backlit.train.callbacks import Callback, EarlyStopping, EpochEnd, History
from backlit.train.divergence import Divergence, first_bad_value
from backlit.train.ensemble import united
from backlit.train.lazy import Later
from backlit.train.probes.history import ProbeHistory
from backlit.train.probes.prober import Prober
from backlit.train.program import Carry, Data, Program

MAX_BYTES = 32 * 2**20  # of row numbers and outputs that one call of the program may take and return
MAX_STEPS = 4096  # updates in one call of the program
PATIENCE_SECONDS = 0.25  # how long one call should take, so that progress is seen and Ctrl-C heard


@dataclass(frozen=True, eq=False)
class Moment:
    """The state after an epoch, kept as the start of a call of the program and the epochs since: had when needed."""

    start: Carry
    first: int
    count: int


def _first_bad(results: Any) -> tuple[int, int, int]:
    """Number of epochs before the first with a NaN or infinite loss, the step in it, and the member of the ensemble."""
    losses = results["train"]["loss"]
    bad = ~np.isfinite(losses)
    if "validation" in results:
        bad[:, :, -1] |= ~np.isfinite(results["validation"]["loss"]).all(axis=2)
    if not bad.any():
        return len(losses), 0, 0
    epoch = int(np.argmax(bad.any(axis=(1, 2))))
    step = int(np.argmax(bad[epoch].any(axis=0)))
    return epoch, step, int(np.argmax(bad[epoch, :, step]))


def _together(members: list[Any]) -> Any:
    """What each member of an ensemble has, stacked; the thing itself if there is but one."""
    return members[0] if len(members) == 1 else tree.map(lambda *parts: np.stack(parts), *members)


def room(batches: list[Batches], judge: list[Batches] | None, outputs: int, epochs: int) -> int:
    """Epochs that one call of the program should have room for: few enough for memory, many enough to be worth it.

    `outputs` counts the numbers that are returned for each row.
    """
    rows = sum(own.steps * own.accumulate * own.size for own in batches)
    held = sum(len(own.rows) for own in judge) if judge else 0
    bytes_of_row = 8 if batches[0].mixup is None else 12  # its number and weight, and with whom it is mixed
    fitting = MAX_BYTES // (rows * bytes_of_row + (rows + held) * outputs * 4)
    return int(max(1, min(fitting, MAX_STEPS // batches[0].steps, epochs)))


@dataclass(eq=False)
class Loop:
    """State of a run and the step from epoch to epoch.

    Parameters
    ----------
    program, network, data, batches :
        What is computed, from which start, on which arrays, in which batches (of each member of an ensemble).
    held, judge :
        Data and batches of the validation (of each member); None without one.
    scores : callable
        ``scores(records, rows, weights, validation) -> dict``: metrics from one epoch's outputs, on the host.
    of_loss : dict
        Metrics that follow from the loss, by name.
    deadline : float, optional
        When training ends, by `time.monotonic`; at least one epoch is done.
    prober : Prober, optional
        Looks into the network after the epochs of its plan, and after the last one when asked: see `probed`.
    """

    program: Program
    network: Network
    data: Data
    batches: list[Batches]
    held: Data
    judge: list[Batches] | None
    scores: Callable[[np.ndarray, np.ndarray, np.ndarray, bool], dict[str, float]]
    of_loss: dict[str, Any]
    epochs: int
    early_stopping: EarlyStopping | None = None
    direction: str = "min"
    callbacks: tuple[Callback, ...] = ()
    display: Callable[[dict[str, Any]], None] = lambda record: None
    plateau: Any = None
    save: Callable[[Loop], None] | None = None
    save_every: int = 0
    deadline: float | None = None
    prober: Prober | None = None
    probes: ProbeHistory = field(default_factory=ProbeHistory)
    carry: Carry = field(default_factory=dict)
    epoch: int = 0
    history: History = field(default_factory=History)
    best: Moment | None = None
    best_value: float = np.inf
    best_epoch: int = 0
    plateau_state: Any = None
    stopped: str = ""
    diverged: Divergence | None = None

    def run(self) -> None:
        """Train until the epochs are done or something ends it; the carry is then the state to keep."""
        count, started = 1, False  # the first call includes compiling, and says nothing of the time that epochs take
        kept = self._state()
        try:
            while self.epoch < self.epochs and not self.stopped:
                kept = self._state()
                count = (
                    1 if self.callbacks or self.plateau else min(count, self.program.length, self.epochs - self.epoch)
                )
                if self.save_every:
                    count = min(count, self.save_every - self.epoch % self.save_every)
                if self.prober is not None:
                    count = min(count, self.prober.until(self.epoch))
                begin = time.perf_counter()
                moment = Moment(self.carry, self.epoch, count)
                carry, results = self._call(moment)
                seconds = time.perf_counter() - begin
                self._digest(moment, carry, results, seconds)
                kept = self._state()
                if started:  # metrics take their time, too
                    passed = time.perf_counter() - begin
                    count = max(1, int(PATIENCE_SECONDS / max(passed / count, 1e-9)))
                started = True
                if self.deadline is not None and time.monotonic() >= self.deadline and self.epoch < self.epochs:
                    self.stopped = self.stopped or "time limit"
                over = self.epoch == self.epochs or self.stopped
                if self.prober is not None and self.epoch in self.prober.plan.epochs and not over:
                    self.probes.append(self.prober(self.carry, self.epoch))
                if self.save and self.save_every and self.epoch % self.save_every == 0 and not self.stopped:
                    self.save(self)
        except KeyboardInterrupt:  # it may have come between any two statements
            for name, value in kept.items():
                setattr(self, name, value)
            del self.history[self.epoch :]
            self.probes[:] = [record for record in self.probes if record["epoch"] <= self.epoch]
            self.stopped = "interrupted"
        self.stopped = self.stopped or "epochs done"

    def probed(self) -> ProbeHistory | Later:
        """What the probes told; after the last epoch with a look at what training left, taken when asked for."""
        probes, prober, carry, epoch = ProbeHistory(self.probes), self.prober, self.carry, self.epoch
        done = probes and probes[-1]["epoch"] >= epoch
        if prober is None or not epoch or done or not self.stopped:
            return probes
        return Later(lambda: ProbeHistory([*probes, prober(carry, epoch)]))

    def _state(self) -> dict[str, Any]:
        """All that changes from call to call, besides the history."""
        names = ("carry", "epoch", "best", "best_value", "best_epoch", "plateau_state")
        return {name: getattr(self, name) for name in names}

    def _call(self, moment: Moment) -> tuple[Carry, Any]:
        """Run the epochs of a moment; the state after them, and their losses and outputs as NumPy arrays."""
        batches = _together([own.epochs(moment.first, moment.count, self.program.length) for own in self.batches])
        judge = _together([own.epoch(0) for own in self.judge]) if self.judge else None
        carry, results = self.program.train(moment.start, self.data, batches, self.held, judge, np.int32(moment.count))
        return carry, tree.map(lambda part: self._by_epoch(np.asarray(part))[: moment.count], results)

    def _by_epoch(self, part: np.ndarray) -> np.ndarray:
        """What the program returned as (epochs, members, ...)."""
        return part[:, None] if self.program.members == 1 else np.moveaxis(part, 0, 1)

    def carry_at(self, moment: Moment) -> Carry:
        """The state at a moment, computed again if the call went on after it: the same bits, by the same program."""
        return self._call(moment)[0] if moment.count else moment.start

    def network_at(self, carry: Carry) -> Network:
        """The network with the parameters of a state; an ensemble's members side by side."""
        params, state = tree.map(np.asarray, (carry["params"], carry["state"]))
        if self.program.members > 1:
            return united(self.network, params, state, self.program.members, self.program.loss)
        return self.network.replace(params=params, state=state)

    def _digest(self, moment: Moment, carry: Carry, results: Any, seconds: float) -> None:
        """Go through a call's epochs in order; the first that ends the training decides which state is kept."""
        good, *bad = _first_bad(results)
        columns = self._columns(results, moment.count)
        for i in range(min(moment.count, good)):
            self.epoch += 1
            record = {"epoch": self.epoch, **{name: column[i] for name, column in columns.items()}}
            record |= self._derived(record)
            if self.program.collect:
                record |= self._scores(results, i)
            record["seconds"] = seconds / moment.count
            self.history.append(record)
            self.display(record)
            after = Moment(moment.start, moment.first, i + 1)
            self._judge(record, after)
            last = i + 1 == moment.count
            for callback in self.callbacks:  # then calls have one epoch each, and `carry` is its state
                answer = callback(EpochEnd(self.epoch, record, self.history, lambda: self.network_at(carry)))
                if isinstance(answer, (bool, np.bool_)) and answer:  # comparing with a NumPy number gives NumPy's
                    self.stopped = self.stopped or "callback"
            if self.stopped:
                self.carry = carry if last else self.carry_at(after)
                self._plateau(record)
                return
        if good < moment.count:
            self._diverge(moment, good, *bad)
            return
        self.carry = carry
        self._plateau(self.history[-1])

    def _columns(self, results: Any, count: int) -> dict[str, list[float]]:
        """Losses of all epochs of a call, by the names they have in the history; means over an ensemble's members."""
        columns = {}
        for prefix, part in (("", results["train"]), ("val_", results.get("validation"))):
            if part is None:
                continue
            total = part["loss"].sum(axis=2, dtype=np.float64)
            if self.program.reduction == "mean":
                total = total / part["weight"].sum(axis=2, dtype=np.float64)
            columns[f"{prefix}loss"] = total.mean(axis=1).tolist()
            if "penalty" in part:
                columns["penalty"] = part["penalty"].mean(axis=(1, 2), dtype=np.float64).tolist()
        return columns

    def _scores(self, results: Any, i: int) -> dict[str, float]:
        """Metrics of one epoch."""
        found = self._mean_score(results["train"]["output"][i], self.batches, self.epoch - 1, False)
        if self.judge is not None:
            held = self._mean_score(results["validation"]["output"][i], self.judge, 0, True)
            found |= {f"val_{name}": value for name, value in held.items()}
        return found

    def _derived(self, record: dict[str, Any]) -> dict[str, float]:
        """Metrics that are another way to say the loss."""
        return {
            prefix + name: metric.of_loss(record[f"{prefix}loss"])
            for prefix in ("", "val_")
            for name, metric in self.of_loss.items()
            if f"{prefix}loss" in record
        }

    def _mean_score(self, outputs: Any, batches: list[Batches], epoch: int, validation: bool) -> dict[str, float]:
        """The mean over an ensemble's members, each scored on its own rows."""
        members = [
            self._score(output, own.epoch(epoch), validation) for output, own in zip(outputs, batches, strict=True)
        ]
        return {name: float(np.mean([member[name] for member in members])) for name in members[0]}

    def _score(self, output: np.ndarray, epoch: dict[str, np.ndarray], validation: bool) -> dict[str, float]:
        rows, weights = epoch["rows"].reshape(-1), epoch["weights"].reshape(-1)
        outputs = output.reshape(len(rows), *self.network.output_shape)
        kept = weights > 0
        if not kept.all():
            outputs, rows, weights = outputs[kept], rows[kept], weights[kept]
        return self.scores(outputs, rows, weights, validation)

    def _judge(self, record: dict[str, Any], after: Moment) -> None:
        """Early stopping: remember the best epoch, stop when none has been better for long enough."""
        if self.early_stopping is None:
            return
        value = record[str(self.early_stopping.monitor)] * (1 if self.direction == "min" else -1)
        if value < self.best_value - self.early_stopping.min_delta:
            self.best, self.best_value, self.best_epoch = after, value, self.epoch
        elif self.epoch - self.best_epoch >= self.early_stopping.patience:
            self.stopped = "early stopping"

    def _plateau(self, record: dict[str, Any]) -> None:
        """ReduceOnPlateau: hand the optimizer another factor when the loss no longer falls."""
        if self.plateau is None:
            return
        value = record.get("val_loss", record["loss"])
        self.plateau_state, factor = self.plateau.update(value, self.plateau_state)
        self.carry = {**self.carry, "optimizer": set_factor(self.carry["optimizer"], factor)}

    def _diverge(self, moment: Moment, epochs: int, step: int, member: int) -> None:
        """Go back to the last good epoch, and find out where the first bad value came from."""
        self.carry = self.carry_at(Moment(moment.start, moment.first, epochs))
        self.stopped = "diverged"
        several = self.program.members > 1
        own = tree.map(lambda part: part[member], self.carry) if several else self.carry
        kind, path, greatest = first_bad_value(
            self.program, self.data, self.batches[member].epoch(self.epoch), own, step
        )
        network = member + 1 if several else None
        self.diverged = Divergence(kind, path, self.epoch + 1, step + 1, network, greatest)

    def carry_to_keep(self) -> Carry:
        """The state whose weights the run ends with: the best, or the last."""
        restore = self.early_stopping is not None and self.early_stopping.restore_best
        if restore and self.best is not None and self.best_epoch != self.epoch:
            return self.carry_at(self.best)
        return self.carry
