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
from backlit.nn.network import Network
from backlit.optim.schedules import set_factor
from backlit.train.batches import Batches
from backlit.train.callbacks import Callback, EarlyStopping, EpochEnd, History
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


@dataclass(frozen=True)
class Diverged:
    """Where training turned NaN or infinite."""

    epoch: int
    step: int
    layer: str


@dataclass(eq=False)
class Loop:
    """State of a run and the step from epoch to epoch.

    Parameters
    ----------
    program, data, batches :
        What is computed, on which arrays, in which batches.
    held, judge :
        Data and batches of the validation; None without one.
    scores : callable
        ``scores(records, rows, weights, validation) -> dict``: metrics from one epoch's outputs, on the host.
    """

    program: Program
    data: Data
    batches: Batches
    held: Data
    judge: Batches | None
    scores: Callable[[np.ndarray, np.ndarray, np.ndarray, bool], dict[str, float]]
    epochs: int
    early_stopping: EarlyStopping | None = None
    direction: str = "min"
    callbacks: tuple[Callback, ...] = ()
    display: Callable[[dict[str, Any]], None] = lambda record: None
    plateau: Any = None
    chunk: int | None = None
    save: Callable[[Loop], None] | None = None
    save_every: int = 0
    carry: Carry = field(default_factory=dict)
    epoch: int = 0
    history: History = field(default_factory=History)
    best: Moment | None = None
    best_value: float = np.inf
    best_epoch: int = 0
    plateau_state: Any = None
    stopped: str = ""
    diverged: Diverged | None = None

    def run(self) -> None:
        """Train until the epochs are done or something ends it; the carry is then the state to keep."""
        length = self._length()
        judge = self.judge.epoch(0) if self.judge else None
        count, started = 1, False
        try:
            while self.epoch < self.epochs and not self.stopped:
                count = 1 if self.callbacks or self.plateau else min(count, length, self.epochs - self.epoch)
                if self.save_every:
                    count = min(count, self.save_every - self.epoch % self.save_every)
                begin = time.perf_counter()
                start, first = self.carry, self.epoch
                carry, results = self._call(start, first, count, length, judge)
                records = tree.map(np.asarray, results)
                seconds = time.perf_counter() - begin
                self._digest(Moment(start, first, count), carry, records, seconds)
                if started:  # the first call includes compiling
                    count = max(1, int(PATIENCE_SECONDS / max(seconds / count, 1e-9)))
                started = True
                if self.save and self.save_every and self.epoch % self.save_every == 0 and not self.stopped:
                    self.save(self)
        except KeyboardInterrupt:
            self.stopped = "interrupted"
        self.stopped = self.stopped or "epochs done"

    def _length(self) -> int:
        """Epochs that the compiled program has room for: few enough to fit in memory, many enough to be worth a call."""
        if self.chunk is not None:
            return max(1, min(self.chunk, self.epochs))
        rows = self.batches.steps * self.batches.accumulate * self.batches.size
        outputs = int(np.prod(self.program.network.output_shape)) * 4 if self.program.collect else 0
        held = len(self.judge.rows) if self.judge else 0
        room = MAX_BYTES // max(1, rows * 8 + (rows + held) * outputs)
        return int(max(1, min(room, MAX_STEPS // self.batches.steps, self.epochs)))

    def _call(self, start: Carry, first: int, count: int, length: int, judge: Any) -> tuple[Carry, Any]:
        batches = self.batches.epochs(first, count, length)
        return self.program.train(start, self.data, batches, self.held, judge, np.int32(count))

    def carry_at(self, moment: Moment) -> Carry:
        """The state at a moment, computed again if the call went on after it: the same bits, by the same program."""
        if moment.count == 0:
            return moment.start
        judge = self.judge.epoch(0) if self.judge else None
        return self._call(moment.start, moment.first, moment.count, self._length(), judge)[0]

    def network_at(self, carry: Carry) -> Network:
        """The network with the parameters of a state."""
        host = lambda leaf: np.asarray(leaf)  # noqa: E731
        return self.program.network.replace(
            params=tree.map(host, carry["params"]), state=tree.map(host, carry["state"])
        )

    def _digest(self, moment: Moment, carry: Carry, results: Any, seconds: float) -> None:
        """Go through a call's epochs in order; the first that ends the training decides which state is kept."""
        for i in range(moment.count):
            losses = results["train"]["loss"][i]
            held = results.get("validation", {}).get("loss")
            bad = ~np.isfinite(losses)
            if bad.any() or (held is not None and not np.isfinite(held[i]).all()):
                self._diverge(moment, i, int(np.argmax(bad)) if bad.any() else len(losses) - 1)
                return
            self.epoch += 1
            record = self._record(i, results, seconds / moment.count)
            self.history.append(record)
            self.display(record)
            after = Moment(moment.start, moment.first, i + 1)
            state = carry if i + 1 == moment.count else None
            self._judge(record, after)
            get = lambda a=after, s=state: self.network_at(s if s is not None else self.carry_at(a))  # noqa: E731
            for callback in self.callbacks:
                if callback(EpochEnd(self.epoch, record, self.history, get)) is True:
                    self.stopped = self.stopped or "callback"
            if self.stopped and state is None:
                carry = self.carry_at(after)
            if self.stopped:
                break
        self.carry = carry
        if self.plateau is not None and not self.stopped:
            self._plateau(self.history[-1])

    def _record(self, i: int, results: Any, seconds: float) -> dict[str, Any]:
        epoch = self.batches.epoch(self.epoch - 1)
        train = tree.map(lambda part: part[i], results["train"])
        record = {"epoch": self.epoch, **self._losses(train, self.program.reduction)}
        if self.program.collect:
            record |= self._scores(train["output"], epoch, "", False)
        if self.judge is not None:
            held = tree.map(lambda part: part[i], results["validation"])
            record |= {f"val_{key}": value for key, value in self._losses(held, self.program.reduction).items()}
            if self.program.collect:
                record |= self._scores(held["output"], self.judge.epoch(0), "val_", True)
        return {**record, "seconds": seconds}

    @staticmethod
    def _losses(part: Any, reduction: str) -> dict[str, float]:
        total, weight = part["loss"].sum(dtype=np.float64), part["weight"].sum(dtype=np.float64)
        found = {"loss": float(total if reduction == "sum" else total / max(weight, 1e-300))}
        if "penalty" in part:
            found["penalty"] = float(part["penalty"].mean(dtype=np.float64))
        return found

    def _scores(self, output: np.ndarray, epoch: Any, prefix: str, validation: bool) -> dict[str, float]:
        rows, weights = epoch["rows"].reshape(-1), epoch["weights"].reshape(-1)
        outputs = output.reshape(len(rows), *self.program.network.output_shape)
        kept = weights > 0
        if not kept.all():
            outputs, rows, weights = outputs[kept], rows[kept], weights[kept]
        return {prefix + name: value for name, value in self.scores(outputs, rows, weights, validation).items()}

    def _judge(self, record: dict[str, Any], after: Moment) -> None:
        """Early stopping: remember the best epoch, stop when none has been better for long enough."""
        if self.early_stopping is None:
            return
        value = record[self.early_stopping.monitor] * (1 if self.direction == "min" else -1)
        if value < self.best_value - self.early_stopping.min_delta:
            self.best, self.best_value, self.best_epoch = after, value, self.epoch
        elif self.epoch - self.best_epoch >= self.early_stopping.patience:
            self.stopped = "early stopping"

    def _plateau(self, record: dict[str, Any]) -> None:
        """ReduceOnPlateau: hand the optimizer another factor when the loss no longer falls."""
        value = record.get("val_loss", record["loss"])
        self.plateau_state, factor = self.plateau.update(value, self.plateau_state)
        self.carry = {**self.carry, "optimizer": set_factor(self.carry["optimizer"], factor)}

    def _diverge(self, moment: Moment, epochs: int, step: int) -> None:
        """Go back to the last good epoch, and find out where the first bad value came from."""
        from backlit.train.divergence import first_bad_layer

        self.carry = self.carry_at(Moment(moment.start, moment.first, epochs))
        self.stopped = "diverged"
        layer = first_bad_layer(self.program, self.data, self.batches.epoch(self.epoch), self.carry, step)
        self.diverged = Diverged(self.epoch + 1, step + 1, layer)

    def carry_to_keep(self) -> Carry:
        """The state whose weights the run ends with: the best, or the last."""
        restore = self.early_stopping is not None and self.early_stopping.restore_best
        if restore and self.best is not None and self.best_epoch != self.epoch:
            return self.carry_at(self.best)
        return self.carry
