"""The training program: update, epoch and evaluation as pure functions, run or compiled by an engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backlit.engine import Engine
from backlit.graph import tree
from backlit.graph.derivatives import value_and_grad
from backlit.graph.precision import products_in
from backlit.graph.tensor import value_of
from backlit.nn.layer import Layer, Network, forward
from backlit.train.averaging import epoch_apart, totals
from backlit.train.examples import counted
from backlit.train.lazy import MadeOnce
from backlit.train.mixup import blend, parts_of, summed_loss
from backlit.train.numbers import together

TrainState = dict[str, Any]  # params, optimizer, state, step, seed: all that one update hands to the next
# x and y, arrays or trees of them with rows first, and weights by head or None: they stay on the device; batches are
# row numbers. Data of training has "numbers" as well, of several members arrays with one for each: see `Program`.
Data = dict[str, Any]

PARTED = {None: (), "optimizer": ("optimizer",), "parameters": ("params", "optimizer")}  # by `Program.shard`


def by_row(data: Data) -> Data:
    """What of the data has a row for each example."""
    return {name: part for name, part in data.items() if name != "numbers"}


@dataclass(eq=False)
class Program:
    """What a training run computes.

    Parameters
    ----------
    architecture, input_shape :
        What is trained: its form, whose numbers come with the data (see `train.numbers`).
    loss : callable
        ``loss(output, target) -> (rows,)``; of several outputs, summed head by head.
    optimizer : Transform
        ``update(gradients, state, params, step) -> (updates, state)``: its form, whose numbers come with the data (see
        `train.numbers`), as ``data["numbers"]["optimizer"]``.
    penalty : callable or None
        ``penalty(params) -> scalar``, added to the loss; its form as well.
    engine : Engine
        Who runs it. On several devices each computes the gradient of its share of a batch, and their sum makes the
        update: synchronous data-parallel SGD (Chen et al., "Revisiting Distributed Synchronous SGD", 2016; not the
        asynchronous kind of Dean et al., 2012, nor the averaged weights of Zinkevich et al., 2010).
    reduction : "mean" or "sum"
        Over the rows of an update: Σ w·l / Σ w, or Σ w·l.
    full_batch : bool
        Every update uses the same rows in the same order, which are then gathered once.
    collect : bool
        Return the outputs of all rows, from which metrics are computed.
    length : int
        Most epochs that one call can run.
    members : int
        Networks trained at once, each with a train_state, batches and validation rows of its own: then these, and what
        `train` returns, have an axis for the members in front.
    shard : "optimizer", "parameters" or None
        What of the train state each device holds a part of, between updates: the optimizer's state, or parameters, too
        (stages 1 and 3 of ZeRO, Rajbhandari et al., 2020). A step fetches the parameters whole.
    precision : "bfloat16" or None
        Of matrix products in training, see `graph.precision`.
    average_every : int or None
        Each device makes that many updates by its own rows before all take their mean: see `train.averaging`.
    """

    architecture: Layer
    input_shape: Any
    loss: Any
    optimizer: Any
    engine: Engine
    penalty: Any = None
    reduction: str = "mean"
    full_batch: bool = False
    collect: bool = True
    length: int = 1
    members: int = 1
    shard: str | None = None
    precision: str | None = None
    average_every: int | None = None

    def __post_init__(self) -> None:
        self.train = self.engine.compile(self._train if self.members == 1 else self._train_all)
        self.update = self.engine.compile(self._single)
        self.evaluate = self.engine.compile(self._judge)

    def start(self, networks: list[Network], seeds: list[int]) -> TrainState:
        """The state before the first update of a network, or of all members of an ensemble."""
        carries = [
            {
                "params": network.params,
                "optimizer": self.optimizer.init(network.params),
                "state": network.state,
                "step": np.int32(0),
                "seed": np.uint32(seed % 2**32),
            }
            for network, seed in zip(networks, seeds, strict=True)
        ]
        return self.put(carries[0] if self.members == 1 else tree.map(lambda *parts: np.stack(parts), *carries))

    def put(self, train_state: TrainState) -> TrainState:
        """A train state of the host's on the devices, in whole or in parts as the program returns it."""

        def put(name: str) -> Any:
            if name in PARTED[self.shard]:
                return lambda part: self.engine.put_divided(part, np.asarray(part).dtype, int(self.members > 1))
            return lambda part: self.engine.put(part, np.asarray(part).dtype)

        return {name: tree.map(put(name), part) for name, part in train_state.items()}

    def _kept(self, train_state: TrainState) -> TrainState:
        """The train state as devices hold it from one update to the next."""
        parted = PARTED[self.shard]
        return {
            name: self.engine.divided(part) if name in parted else self.engine.everywhere(part)
            for name, part in train_state.items()
        }

    def _rows(self, data: Data, rows: Any) -> Data:
        return tree.map(lambda array: self.engine.take_rows(array, rows), by_row(data))

    def _gradient(
        self, train_state: TrainState, draw: Any, batch: Any, total: Any, numbers: Any
    ) -> tuple[Any, Any, Any, Any]:
        """Gradient of ``Σ w·l / total`` for one batch, with its loss sum, output and new running state.

        `draw` numbers the batch in the random stream.
        """
        architecture = together(self.architecture, numbers["architecture"])
        y, weights, mix = batch["y"], batch["weights"], parts_of(batch)
        x, spread = blend(batch["x"], mix), self.loss.spread(weights, batch["by_head"])

        def objective(params: Any) -> Any:
            output, state = forward(
                architecture,
                self.input_shape,
                params,
                x,
                training=True,
                state=train_state["state"],
                seed=train_state["seed"],
                step=draw,
                mask=weights > 0,
                targets=y,
                fresh=batch.get("fresh"),
            )
            summed = summed_loss(self.loss, output, y, spread, mix)
            means = summed if total is None else tree.map(lambda part, weight: part / weight, summed, total)
            return self.loss.joined(means), (summed, output, state)

        whole = self.engine.everywhere(train_state["params"])
        with products_in(self.precision):
            (_, (summed, output, state)), gradient = value_and_grad(objective, has_aux=True)(whole)
        return gradient, summed, output, state

    def _step(self, train_state: TrainState, batch: Any, numbers: Any) -> tuple[TrainState, dict[str, Any]]:
        """One update from the batches (accumulate, size) of `batch`."""
        dtype = tree.leaves(train_state["params"])[0].dtype
        weights = self.engine.everywhere(batch["weights"].astype(dtype))  # so that nobody is asked for their sum
        given = batch.get("total")
        batch = {**{name: part for name, part in batch.items() if name != "total"}, "weights": weights}
        weight = tree.map(lambda each: each.sum(), self.loss.spread(weights, batch["by_head"]))
        # A batch of rows without weight has no loss.
        by_mean = self.reduction == "mean" and given is None
        total = tree.map(lambda each: each + (each == 0), weight) if by_mean else given
        parts = weights.shape[0]
        gradient, losses, outputs = None, [], []
        for part in range(parts):
            draw = train_state["step"] * parts + part  # every batch drops units of its own
            one = tree.map(lambda array, part=part: array[part], batch)
            of_part, summed, output, state = self._gradient(train_state, draw, one, total, numbers)
            gradient = of_part if gradient is None else tree.map(lambda a, b: a + b, gradient, of_part)
            train_state = {**train_state, "state": state}
            losses.append(summed)
            outputs.append(output)
        record = {"loss": tree.map(lambda *sums: sum(sums), *losses), "weight": weight}
        if self.penalty is not None:
            penalty = together(self.penalty, numbers["penalty"])
            value, shrink = value_and_grad(penalty)(train_state["params"])
            gradient = tree.map(lambda a, b: a + b, gradient, shrink)
            record["penalty"] = value
        if self.shard is not None:
            gradient = self.engine.divided(gradient)
        updates, optimizer = together(self.optimizer, numbers["optimizer"]).update(
            gradient, train_state["optimizer"], train_state["params"], train_state["step"]
        )
        params = tree.map(lambda p, u: p + u, train_state["params"], updates)
        if self.collect:
            record["output"] = (
                outputs[0] if parts == 1 else tree.map(lambda *each: self.engine.stack(list(each)), *outputs)
            )
        after = {**train_state, "params": params, "optimizer": optimizer, "step": train_state["step"] + 1}
        return self._kept(after), record

    def _epochs(
        self, train_state: TrainState, data: Data, batches: Any, held: Data | None, validation: Any, count: Any
    ) -> tuple[TrainState, Any]:
        """`count` epochs.

        `batches` has each epoch's rows and weights, (length, steps, accumulate, size), or (1, ...) if all epochs are
        alike, and with mixup how rows are mixed; `judge` has those of the validation rows in `held`.
        """
        whole = self._rows(data, self.engine.share(batches["rows"][0, 0], axis=1)) if self.full_batch else None
        batches = self._known(batches)

        def step(train_state: TrainState, batch: Any) -> tuple[TrainState, Any]:
            return self._step(train_state, self._batch(data, batch, whole), data["numbers"])

        def epoch(train_state: TrainState, number: Any) -> tuple[TrainState, Any]:
            if self.average_every is not None:
                of_epoch = tree.map(lambda part: part[0 if self.full_batch else number], batches)
                train_state, record = self.apart(train_state, data, of_epoch, self.average_every)
            elif self.full_batch:
                train_state, record = step(train_state, tree.map(lambda part: part[0, 0], batches))
                record = tree.map(lambda part: part[None], record)
            else:
                train_state, record = self.engine.scan(step, train_state, tree.map(lambda part: part[number], batches))
            result = {"train": record}
            if validation is not None and held is not None:
                result["validation"] = self._evaluate(train_state["params"], train_state["state"], held, validation)[1]
            return train_state, result

        return self.engine.loop(epoch, train_state, count, self.length)

    def _known(self, batches: Any) -> Any:
        """Batches whose weights each device has whole; of shared rows they come in parts."""
        return {**batches, "weights": self.engine.everywhere(batches["weights"])} if "taken" in batches else batches

    def alone(self) -> Program:
        """The program of one device by itself."""
        return replace(self, engine=self.engine.alone(), average_every=None)

    def apart(self, train_state: TrainState, data: Data, batches: Any, every: int) -> tuple[TrainState, Any]:
        """Updates that each device makes alone, and their means."""
        alone = self.alone()

        def step(train_state: TrainState, batch: Any) -> tuple[TrainState, Any]:
            return alone._step(train_state, alone._batch(data, batch), data["numbers"])

        workers = self.engine.devices
        weights = batches["weights"].astype(tree.leaves(train_state["params"])[0].dtype)
        by_head = tree.map(lambda array: self.engine.take_rows(array, batches["rows"]), data["weights"])
        total = totals(self.loss, self.reduction, weights, by_head, workers)
        return epoch_apart(self.engine, step, train_state, {**batches, "total": total}, every, workers)

    def _train(
        self, train_state: TrainState, data: Data, batches: Any, held: Data | None, validation: Any, count: Any
    ) -> tuple[TrainState, Any]:
        """As `_epochs`, and the host can read what it returns."""
        return self._read(self._epochs(train_state, data, batches, held, validation, count))

    def _train_all(
        self, train_state: TrainState, data: Data, batches: Any, held: Data | None, validation: Any, count: Any
    ) -> Any:
        """As `_train`, for all members of an ensemble at once; they share the data, and have numbers of their own."""

        def member(parts: Any) -> tuple[TrainState, Any]:
            own = {**data, "numbers": parts[3]}
            return self._epochs(parts[0], own, parts[1], held, parts[2], count)

        return self._read(self.engine.map(member, (train_state, batches, validation, data["numbers"])))

    def _read(self, results: tuple[TrainState, Any]) -> tuple[TrainState, Any]:
        return results[0], self.engine.told(results[1])

    def _evaluate(self, params: Any, state: Any, data: Data, batches: Any) -> tuple[Any, dict[str, Any]]:
        """Loss sums and outputs in evaluation mode, batch by batch: rows (steps, 1, size); the running state after."""
        params = self.engine.everywhere(params)

        def batch(state: Any, rows: Any) -> tuple[Any, Any]:
            taken = self._taken(data, rows, 0)
            x, y = taken["x"], taken["y"]
            weights = self.engine.everywhere(rows["weights"][0].astype(tree.leaves(params)[0].dtype))
            fresh = rows["fresh"][0] if "fresh" in rows else None
            output, state = forward(
                self.architecture, self.input_shape, params, x, state=state, targets=y, fresh=fresh, mask=weights > 0
            )
            output = tree.map(value_of, output)
            spread = self.loss.spread(weights, counted(taken["weights"]))
            record = {
                "loss": tree.map(value_of, summed_loss(self.loss, output, y, spread, {})),
                "weight": tree.map(lambda each: each.sum(), spread),
            }
            return state, {**record, "output": output} if self.collect else record

        return self.engine.scan(batch, state, self._known(batches))

    def _judge(self, params: Any, state: Any, data: Data, batches: Any) -> tuple[Any, dict[str, Any]]:
        """As `_evaluate`, for all members of an ensemble at once, and the host can read the results."""

        def member(parts: Any) -> Any:
            return self._evaluate(parts[0], parts[1], data, batches)

        return self._read(member((params, state)) if self.members == 1 else self.engine.map(member, (params, state)))

    def _single(self, train_state: TrainState, data: Data, batch: Any) -> tuple[TrainState, Any]:
        """One update, to walk to a certain step."""
        return self._read(self._step(train_state, self._batch(data, batch), data["numbers"]))

    def _batch(self, data: Data, batch: Any, rows: Data | None = None) -> dict[str, Any]:
        """What an update takes: a batch's inputs and targets in place of their row numbers."""
        taken = self._taken(data, batch) if rows is None else rows
        taken = tree.map(lambda array: self.engine.share(array, axis=1), taken)
        rest = {key: part for key, part in batch.items() if key not in ("rows", "taken")}
        return {**rest, "x": taken["x"], "y": taken["y"], "by_head": taken["weights"]}

    def _taken(self, data: Data, batch: Any, part: int | None = None) -> Data:
        """The rows of a batch, or of one part of it: by their numbers, unless the batch has them itself."""
        if "taken" in batch:
            taken: Data = tree.map(lambda array: array if part is None else array[part], batch["taken"])
            return taken
        rows = batch["rows"] if part is None else batch["rows"][part]
        return self._rows(data, self.engine.share(rows, axis=1 if part is None else 0))


program_for = MadeOnce(Program)  # a second run of the same kind compiles nothing
