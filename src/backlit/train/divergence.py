"""Where a run turned NaN or infinite: the step is repeated and its values are looked at one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from backlit.graph import tree
from backlit.graph.op import is_bad
from backlit.languages import Message, Template
from backlit.nn.layer import forward
from backlit.train.averaging import APART, totals
from backlit.train.mixup import blend, parts_of
from backlit.train.numbers import together
from backlit.train.program import Data, Program, TrainState, by_row

Place = Literal["inputs", "parameter", "layer", "output", "loss", "sum of losses", "validation loss"]

PLACES: dict[Place, Template] = {
    "inputs": Template("the input data", "입력 데이터"),
    "parameter": Template(
        "parameter {path}, which the update before had made infinite or NaN",
        "직전 갱신에서 무한대나 NaN이 된 매개변수 {path}",
    ),
    "layer": Template("layer {path}", "{path}번 층"),
    "output": Template("the network's output", "신경망의 출력"),
    "loss": Template("the loss {path}", "손실 함수 {path}"),
    "sum of losses": Template(
        "the sum of the losses, which reach {greatest:.2g}", "손실의 합(최댓값 {greatest:.2g})"
    ),
    "validation loss": Template("the validation loss", "검증 손실"),
}  # fmt: skip


@dataclass(frozen=True)
class Divergence:
    """The first value that was NaN or infinite.

    Attributes
    ----------
    kind : str
        What it was: "inputs", "parameter", "layer", "output", "loss", "sum of losses" or "validation loss".
    path : str
        Of the parameter or layer; the loss, as it is written.
    epoch, step : int
        When, counted from 1.
    member : int or None
        Which network of an ensemble, counted from 1.
    greatest : float or None
        The greatest loss of a row, where only their sum is infinite.
    block : str
        Of a stream: where the step's rows are in it, "the stream, block 3 of pass 2"; else empty.
    """

    kind: Place
    path: str
    epoch: int
    step: int
    member: int | None = None
    greatest: float | None = None
    block: str = ""

    @property
    def place(self) -> Message:
        """What turned bad, to be put into words in any language."""
        return PLACES[self.kind].of(path=self.path, greatest=self.greatest)

    @property
    def layer(self) -> str:
        """What turned bad, in English: "layer 1"."""
        return str(self.place)


def first_bad_value(
    program: Program, data: Data, batches: dict[str, np.ndarray], train_state: TrainState, step: int
) -> tuple[Place, str, float | None]:
    """What turned bad first in the given step of an epoch that began with the state `train_state`.

    The updates before the step are made again, with the same program; then the step's forward pass runs in
    NumPy, layer by layer, and its gradients are looked at.

    Returns
    -------
    kind, path, greatest
        As in `Divergence`.
    """
    found: tuple[Place, str, float | None] = "validation loss", "", None
    for state, batch in _before(program, data, batches, train_state, step):
        found = looked_at(program, data, program.engine.fetch(state), batch)
        if found[0] != "validation loss":
            break
    return found


def _before(
    program: Program, data: Data, batches: dict[str, np.ndarray], train_state: TrainState, step: int
) -> Iterator[tuple[TrainState, dict[str, np.ndarray]]]:
    """The state before a step of an epoch, and the step's batch; each device's own where they train alone."""
    if program.average_every is not None:
        yield from _of_each(program, data, batches, train_state, step, program.average_every)
        return
    for i in range(step):
        train_state, _ = program.update(train_state, data, {key: part[i] for key, part in batches.items()})
    yield train_state, {key: part[step] for key, part in batches.items()}


def _of_each(
    program: Program, data: Data, batches: dict[str, np.ndarray], train_state: TrainState, step: int, every: int
) -> Iterator[tuple[TrainState, dict[str, np.ndarray]]]:
    """As `_before`, of devices that took their last mean some updates before the step."""
    engine, workers, done = program.engine, program.engine.devices, step - step % every
    if done:
        to_mean = engine.compile(lambda state, data, batches: program.apart(state, data, batches, every)[0])
        train_state = to_mean(train_state, data, {key: part[:done] for key, part in batches.items()})
    train_state = engine.fetch(train_state)
    alone = program.alone()
    by_head = tree.map(lambda array: np.asarray(array)[batches["rows"]], data["weights"])
    total = totals(program.loss, program.reduction, batches["weights"], by_head, workers)
    size = batches["rows"].shape[-1] // workers
    for worker in range(workers):
        own = {key: part[..., worker * size : (worker + 1) * size] for key, part in batches.items()} | {"total": total}
        state = {**train_state, "seed": np.uint32((int(train_state["seed"]) + worker * APART) % 2**32)}
        for i in range(done, step):
            state, _ = alone.update(state, data, tree.map(lambda part, i=i: part[i], own))
        yield state, {key: part[step] for key, part in own.items() if key != "total"}


def looked_at(
    program: Program, data: Data, train_state: TrainState, batch: dict[str, np.ndarray]
) -> tuple[Place, str, float | None]:
    """The first bad value of an update's parameters, rows, layers and loss; else it is the validation's."""
    params = train_state["params"]
    for path, leaf in tree.items(params):
        if is_bad(leaf):
            return "parameter", path, None
    rows = batch["rows"][0]
    mix = {name: drawn[0] for name, drawn in parts_of(batch).items()}
    taken = tree.map(lambda array: np.asarray(array)[rows], by_row(data))
    x, y = blend(taken["x"], mix), taken["y"]
    if any(map(is_bad, tree.leaves(x))):
        return "inputs", "", None
    bad_layers: list[str] = []
    architecture = together(program.architecture, data["numbers"]["architecture"])
    layers = {place.path for place in architecture.walk_shapes(program.input_shape)}

    def tap(path: str, output: Any) -> Any:
        if path in layers and not bad_layers and any(is_bad(np.asarray(part)) for part in tree.leaves(output)):
            bad_layers.append(path)
        return output

    with np.errstate(all="ignore"):
        output, _ = forward(
            architecture,
            program.input_shape,
            params,
            x,
            training=True,
            state=train_state["state"],
            seed=int(train_state["seed"]),
            step=int(train_state["step"]),
            tap=tap,
            targets=y,
            fresh=batch["fresh"][0] if "fresh" in batch else None,
        )
        if bad_layers:
            return "layer", bad_layers[0], None
        if any(map(is_bad, tree.leaves(output))):
            return "output", "", None
        losses = np.asarray(program.loss(output, y))
        if is_bad(losses):
            return "loss", str(program.loss), None
        if is_bad(losses.sum()):
            return "sum of losses", "", float(losses.max())
    return "validation loss", "", None
