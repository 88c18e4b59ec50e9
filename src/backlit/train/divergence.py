"""Where a run turned NaN or infinite: the step is repeated and its values are looked at one by one."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.graph import tree
from backlit.graph.op import is_bad
from backlit.nn.network import forward
from backlit.train.mixup import blend, parts_of
from backlit.train.program import Data, Program, TrainState


def first_bad_layer(program: Program, data: Data, epoch: dict[str, np.ndarray], carry: TrainState, step: int) -> str:
    """Which value turned bad first in the given step of an epoch that began with the state `carry`.

    The updates before the step are made again, with the same program; then the step's forward pass runs in
    NumPy, layer by layer, and its gradients are looked at.
    """
    for i in range(step):
        carry, _ = program.update(carry, data, {key: part[i] for key, part in epoch.items()})
    params = tree.map(np.asarray, carry["params"])
    for path, leaf in tree.items(params):
        if is_bad(leaf):
            return f"parameter {path}, which the update before had made infinite or NaN"
    rows = epoch["rows"][step][0]
    mix = {name: drawn[step][0] for name, drawn in parts_of(epoch).items()}
    x, y = blend(np.asarray(data["x"])[rows], mix), np.asarray(data["y"])[rows]
    if is_bad(x):
        return "the input data"
    found: list[str] = []

    def tap(path: str, output: Any) -> Any:
        if not found and is_bad(np.asarray(output)):
            found.append(path)
        return output

    with np.errstate(all="ignore"):
        output, _ = forward(
            program.architecture,
            program.input_shape,
            params,
            x,
            training=True,
            state=tree.map(np.asarray, carry["state"]),
            seed=int(carry["seed"]),
            step=int(carry["step"]),
            tap=tap,
            targets=y,
            fresh=epoch["fresh"][step][0] if "fresh" in epoch else None,
        )
        if found:
            return f"layer {found[0]}"
        if is_bad(output):
            return "the network's output"
        losses = np.asarray(program.loss(output, y))
        if is_bad(losses):
            return f"the loss {program.loss}"
        if is_bad(losses.sum()):
            return f"the sum of the losses, which reach {losses.max():.2g}"
    return "the validation loss"
