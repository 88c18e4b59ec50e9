"""The loop over a stream's epochs: several calls of the program an epoch, one for each block."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit import distributed
from backlit.graph import tree
from backlit.nn.shapes import rows_at, with_shape
from backlit.train.divergence import Divergence, first_bad_value, looked_at
from backlit.train.lines import derived
from backlit.train.loop import Loop, LoopState, Replay
from backlit.train.program import TrainState
from backlit.train.scores import named_losses
from backlit.train.streamed.ahead import Ahead
from backlit.train.streamed.blocks import Block
from backlit.train.streamed.prepare import CACHED, StreamJob
from backlit.train.streamed.sharing import sound
from backlit.train.streamed.tallies import Tally


@dataclass(eq=False)
class Sums:
    """Losses and metrics of the blocks of an epoch so far, of training or validation.

    Attributes
    ----------
    loss, weight : tree of float64 arrays (members,), by head
    penalty, updates :
        The penalty's sum over updates, (members,).
    tallies : list of Tally
        One a member.
    """

    tallies: list[Tally]
    loss: Any = None
    weight: Any = None
    penalty: Any = None
    updates: int = 0
    rows: int = 0

    def add(self, results: Any, block: Block) -> None:
        """Count a block's losses, arrays (members, updates, ...)."""
        loss, weight = (
            tree.map(lambda each: each.sum(axis=1, dtype=np.float64), results[name]) for name in ("loss", "weight")
        )
        first = self.loss is None
        self.loss = loss if first else tree.map(lambda a, b: a + b, self.loss, loss)
        self.weight = weight if first else tree.map(lambda a, b: a + b, self.weight, weight)
        if "penalty" in results:
            penalty = results["penalty"].sum(axis=1, dtype=np.float64)
            self.penalty = penalty if first else self.penalty + penalty
        self.updates += block.updates
        self.rows += block.rows

    def join(self) -> None:
        """Count what the other processes counted of their rows; losses come from the program, which has them of all."""
        for tally in self.tallies:
            tally.of_all()

    def columns(self, job: StreamJob, prefix: str) -> dict[str, float]:
        """Losses and metrics by their names in the history, means over an ensemble's members."""
        total = self.loss
        if job.program.reduction == "mean":
            total = tree.map(lambda each, of: each / np.where(of == 0, np.nan, of), total, self.weight)
        record = {prefix + name: float(np.mean(loss)) for name, loss in named_losses(job.loss, total).items()}
        if self.penalty is not None:
            record["penalty"] = float(np.mean(self.penalty) / self.updates)
        return record

    def figures(self, prefix: str) -> dict[str, float]:
        """Metrics, means over an ensemble's members."""
        members = [tally.figures() for tally in self.tallies]
        return {prefix + name: float(np.mean([member[name] for member in members])) for name in members[0]}


@dataclass(eq=False)
class StreamLoop(Loop):
    """A training run on a stream: each call of `Loop` is one epoch, and an epoch is many calls of the program."""

    _blocks: Ahead[Block | None] | None = field(default=None, init=False, repr=False)
    _kept: list[Block] | None = field(default=None, init=False, repr=False)
    _blocked: bool = field(default=False, init=False, repr=False)
    _heard: Callable[[], bool] = field(default=lambda: False, init=False, repr=False)

    def run(self) -> None:
        """Train until the epochs are done or something ends it; an error of the stream has what was trained."""
        self._heard = distributed.heard(self.listeners.asked)
        try:
            super().run()
        finally:
            self.close()

    def close(self) -> None:
        """Let the thread that reads ahead end."""
        if self._blocks is not None:
            self._blocks.close()
            self._blocks = None

    @property
    def _stream_job(self) -> StreamJob:
        job = self.job
        if not isinstance(job, StreamJob):
            raise TypeError(f"a loop over a stream needs a StreamJob, got {type(job).__name__}")
        return job

    def _length(self, count: int) -> int:
        """Each call is an epoch."""
        return 1

    def _call(self, count: int) -> LoopState:
        """One epoch, and the state after it."""
        job, state = self._stream_job, self.state
        start = time.perf_counter()
        train_state, sums, bad = self._epoch(state)
        if bad is not None:
            return self._diverge_at(state, *bad)
        held = None if not sums.rows else self._validate(train_state)
        if self._blocked:  # nothing came of the epoch, or nothing to judge it by
            return state
        record: dict[str, Any] = {"epoch": state.epoch + 1, **sums.columns(job, "")}
        if held is not None:
            record |= {name: value for name, value in held.columns(job, "val_").items() if name != "penalty"}
            if not np.isfinite([value for name, value in record.items() if name.startswith("val_")]).all():
                return self._diverge_held(state)
        record |= derived(self.job, record)
        if job.program.collect:
            for counted in (sums, held):
                if counted is not None and job.sharing.count > 1:
                    counted.join()
            record |= sums.figures("") | ({} if held is None else held.figures("val_"))
        record = distributed.agreed({**record, "seconds": time.perf_counter() - start})
        # The state itself is kept: a stream is never read again to have it back.
        state = self._told(state, record, Replay(train_state, state.epoch + 1, 0), train_state)
        return self._reduced(dataclasses.replace(state, train_state=train_state))

    def _epoch(self, state: LoopState) -> tuple[TrainState, Sums, Any]:
        """The updates of an epoch: the state after them, losses and metrics, and the block in which a loss was NaN.

        What a block's program returned is looked at while the next one runs.
        """
        job, train_state = self._stream_job, state.train_state
        sums = self._sums(state.epoch)
        if self._blocks is None:
            self._blocks = job.blocks(state.epoch, self._given_up)
        ahead = self._blocks
        waiting: tuple[TrainState, Block, Any] | None = None
        while True:
            block = sound(lambda: next(ahead, None))
            before = train_state
            if block is not None:
                data = {**block.data, "numbers": job.data["numbers"]}
                train_state, results = job.program.train(
                    train_state, data, block.batches, None, None, np.int32(block.updates)
                )
            if waiting is not None:
                bad = self._count(sums, *waiting)
                if bad is not None:
                    return train_state, sums, bad
            if block is None:
                self._blocked = ahead.gave_up and not sums.rows
                return train_state, sums, None
            waiting = before, block, results["train"]
            if self._cut_short():
                bad = self._count(sums, *waiting)
                self.close()
                return train_state, sums, bad

    def _cut_short(self) -> bool:
        """Whether the epoch ends with this block: the user wants it, or time is up."""
        if self._heard():
            self.stopped = "interrupted"
        elif self.deadline is not None and distributed.agreed(time.monotonic() >= self.deadline):
            self.stopped = "time limit"
        return bool(self.stopped)

    @property
    def _given_up(self) -> Callable[[], bool] | None:
        """Whether a block that doesn't come is waited for no more; several processes wait for each other."""
        return self._cut_short if distributed.count() == 1 else None

    def _sums(self, epoch: int) -> Sums:
        job = self._stream_job
        collected = job.metrics if job.program.collect else {}
        seed = (job.training.seed, epoch, *([job.sharing.index] if job.sharing.index else []))
        return Sums([Tally(collected, seed) for _ in range(job.program.members)])

    def _count(self, sums: Sums, before: TrainState, block: Block, returned: Any) -> Any:
        """Add what a block's program returned; if a loss is NaN or infinite: the state before, block, step, member."""
        several = self.job.program.members > 1
        updates = block.updates
        results = tree.map(
            lambda part: np.asarray(part)[:, :updates, 0] if several else np.asarray(part)[None, :updates, 0], returned
        )
        wrong = np.any([~np.isfinite(each) for each in tree.leaves(results["loss"])], axis=0)
        if wrong.any():
            step = int(np.argmax(wrong.any(axis=0)))
            return before, block, step, int(np.argmax(wrong[:, step]))
        sums.add(results, block)
        if "output" in results:
            for member, tally in enumerate(sums.tallies):
                output = tree.map(lambda part, member=member: part[member], results["output"])
                output = self._stream_job.sharing.own(output, 1 if self.job.training.accumulate == 1 else 2)
                self._score_block(tally, output, block, member, block.by_head)
        return None

    def _score_block(self, tally: Tally, output: Any, block: Block, member: int, by_head: Any) -> None:
        """Count a block's outputs, in the targets' own unit; rows that fill up the last batch don't count."""
        job, order = self.job, block.order[min(member, len(block.order) - 1)]
        rows, weights = order["rows"], order["weights"]
        outputs = with_shape(output, job.network.output_shape)
        counting = weights > 0
        if not counting.any():
            return
        if not counting.all():
            outputs, rows, weights = rows_at(outputs, counting), rows[counting], weights[counting]
        unit, spread = job.targets.own_unit, job.loss.spread(weights, rows_at(by_head, rows))
        tally.add(unit(outputs), unit(rows_at(block.y, rows)), spread)

    def _validate(self, train_state: TrainState) -> Sums | None:
        """Losses and metrics of the validation's stream; what is little stays on the device."""
        job = self._stream_job
        if job.held_cuts is None:
            return None
        sums, running = self._sums(-1 % 2**32), train_state["state"]
        several = job.program.members > 1
        for block in self._held():
            running, returned = job.program.evaluate(train_state["params"], running, block.data, block.batches)
            results = tree.map(
                lambda part, n=block.updates: np.asarray(part)[:, :n] if several else np.asarray(part)[None, :n],
                returned,
            )
            sums.add(results, block)
            if "output" in results:
                for member, tally in enumerate(sums.tallies):
                    output = tree.map(lambda part, member=member: part[member], results["output"])
                    output = job.sharing.own(output, 1)
                    self._score_block(tally, output, block, member, _counting(block.by_head))
        return sums

    def _held(self) -> Iterator[Block]:
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[Block] | None = []
        size = 0
        with Ahead(self._stream_job.held_blocks(), given_up=self._given_up) as blocks:
            while True:
                block = sound(lambda: next(blocks, None))
                if block is None:
                    self._blocked = blocks.gave_up
                    break
                size += sum(part.nbytes for part in tree.leaves((block.data, block.batches)))
                kept = [*kept, block] if kept is not None and size <= CACHED else None
                yield block
        self._kept = None if self._blocked else kept

    def _diverge_at(self, state: LoopState, before: TrainState, block: Block, step: int, member: int) -> LoopState:
        """Find out where in a block the first bad value came from; what is kept are the weights of the last epoch."""
        self.close()
        job, several = self._stream_job, self.job.program.members > 1
        of_member, numbers = before, job.data["numbers"]
        if several:
            of_member, numbers = tree.map(lambda part: part[member], (before, numbers))
        batches = block.walk[member]
        if job.sharing.count > 1:
            kind, path, greatest = self._first_bad(of_member, numbers, block, step, member)
        else:
            data = {**block.data, "numbers": numbers}
            kind, path, greatest = first_bad_value(job.program, data, batches, of_member, step)
        of = member + 1 if several else None
        return self._diverged(state, Divergence(kind, path, state.epoch + 1, step + 1, of, greatest, block.place))

    def _first_bad(self, before: TrainState, numbers: Any, block: Block, step: int, member: int) -> Any:
        """As `first_bad_value`: the updates before are made together, then each process looks at its own rows."""
        job, several = self._stream_job, self.job.program.members > 1
        batches = tree.map(lambda part: part[member], block.batches) if several else block.batches
        for i in range(step):
            batch = tree.map(lambda part, i=i: part[i, 0], batches)
            before, _ = job.program.update(before, {"numbers": numbers}, batch)
        rows = {"x": block.x, "y": block.y, "weights": block.by_head, "numbers": numbers}
        own = {name: part[step] for name, part in block.walk[member].items()}
        found = distributed.gathered(list(looked_at(job.program, rows, job.program.engine.fetch(before), own)))
        return next((one for one in found if one[0] != "validation loss"), found[0])

    def _diverge_held(self, state: LoopState) -> LoopState:
        self.close()
        return self._diverged(state, Divergence("validation loss", "", state.epoch + 1, 1))

    def _diverged(self, state: LoopState, found: Divergence) -> LoopState:
        self.stopped = "diverged"
        self.diverged = found
        return state


def _counting(by_head: Any) -> Any:
    return tree.map(lambda weights: (weights > 0).astype(weights.dtype), by_head)
