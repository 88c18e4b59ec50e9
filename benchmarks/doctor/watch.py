"""What the published criteria look at: losses, and of some epochs every gradient and activation on one batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

LOOKS = 12  # epochs at most that are looked at
ROWS = 64


@dataclass(frozen=True)
class Seen:
    """One look.

    Attributes
    ----------
    epoch : int
    gradients, weights : dict of str to array
        Of the weight matrices and filters, by path.
    activations : dict of str to (kind, array (rows, ..., units))
        Layers' outputs, in order.
    before : dict of str to array
        What goes into each activation layer.
    """

    epoch: int
    gradients: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]
    activations: dict[str, tuple[str, np.ndarray]]
    before: dict[str, np.ndarray]


@dataclass(eq=False)
class Watch:
    """A callback that looks at the network after some epochs, on the same training rows."""

    x: Any
    y: Any
    loss: Any
    epochs: int
    seen: list[Seen] = field(default_factory=list)

    def __call__(self, end: Any) -> None:
        step = max(1, self.epochs // LOOKS)
        if end.epoch % step == 0 or end.epoch in (1, self.epochs):
            self.seen.append(look(end.network, end.epoch, self.x, self.y, self.loss))


def look(network: Any, epoch: int, x: Any, y: Any, loss: Any) -> Seen:
    """Gradients and activations of a network on a batch."""
    from backlit.graph import tree
    from backlit.graph.derivatives import grad
    from backlit.nn.layer import forward

    found: dict[str, tuple[str, np.ndarray]] = {}
    before: dict[str, np.ndarray] = {}
    kinds = {path: type(layer).__name__ for path, layer, *_ in network.rows(containers=True)}
    last = [np.asarray(x)]

    def tap(path: str, output: Any) -> Any:
        if hasattr(output, "shape") and path not in found:
            value = np.asarray(output)
            before[path], found[path] = last[0], (kinds.get(path, ""), value)
            last[0] = value
        return output

    with np.errstate(all="ignore"):
        params = tree.map(np.asarray, network.params)
        forward(network.architecture, network.input_shape, params, x, tap=tap, state=network.state)
        slopes = grad(lambda own: loss(network.apply(own, x)[0], y).mean())(params)
    matrices = {
        path: np.asarray(leaf)
        for path, leaf in tree.items(params)
        if path.rsplit("/", 1)[-1] == "weight" and np.ndim(leaf) > 1
    }
    gradients = {path: np.asarray(leaf) for path, leaf in tree.items(slopes) if path in matrices}
    return Seen(epoch, gradients, matrices, found, before)
