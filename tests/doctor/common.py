"""Evidence made by hand: what a run would have told the rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import backlit as bl
from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding

DATA = {"guess": 1.0, "held_guess": 1.0, "rows": 300, "held": 100, "kind": "number", "batch": 30}
STARTS = {"rms": 0.6}  # of a weight, about as theory has it for the small layers here
EPOCHS = 20


def evidence(
    losses: Iterable[float] = (0.8,) * EPOCHS,
    val: Iterable[float] | None = None,
    *,
    net: Any = None,
    loss: str = "mse",
    optimizer: Any = None,
    trained: bool = True,
    data: dict[str, Any] | None = None,
    ratio: float = 1e-3,
    gradient: float = 0.1,
    norm: float = 1.0,
    still: tuple[str, ...] = (),
    weights: dict[str, Any] | None = None,
    layers: dict[str, Any] | None = None,
    late_layers: dict[str, Any] | None = None,
    scores: dict[str, float] | None = None,
    **changes: Any,
) -> Evidence:
    """A run that got rid of a fifth of the guess's loss in 20 epochs, and stays there.

    Parameters
    ----------
    losses, val : training and held-out loss of each epoch; the same if `val` is left out
    net : layer, built for three inputs, or network
    data : what was known of the data, besides `DATA`
    ratio, gradient, norm : ‖Δw‖ / ‖w‖, ‖∂L/∂w‖ and, at the end, ‖w‖ of every weight
    still : paths of weights that have no updates
    weights : what was known of weights and biases at the start
    layers, late_layers : what the first look, and the later ones, saw of layers
    scores : columns of the history besides losses and R², the same in each epoch
    """
    net = bl.Sequential(bl.Linear(4), bl.Tanh(), bl.Linear(1)) if net is None else net
    network = net if isinstance(net, bl.Network) else net.build((3,))
    e = Evidence(network, bl.losses.get(loss), bl.SGD(0.1) if optimizer is None else optimizer)
    paths = [path for part in e.weighted for path in e.weights(part)]

    def params(size: float) -> dict[str, Any]:
        return {
            path: {"norm": size, "gradient_norm": gradient, "update_ratio": 0.0 if path in still else ratio}
            for path in paths
        }

    start = {
        "data": DATA | (data or {}), "params": params(1.0), "layers": layers or {}, "loss": 1.1, "step": 0,
        "weights": dict.fromkeys(paths, STARTS) | (weights or {}),
    }  # fmt: skip
    start |= changes.pop("start", {})
    looks = [{"epoch": i, "step": 10 * i, "params": params(norm), "layers": late_layers or {}} for i in (1, 10, 20)]
    losses = list(losses)
    history = [
        {"epoch": i, "loss": a, "val_loss": b, "r2": 1 - a, "val_r2": 1 - b} | (scores or {})
        for i, (a, b) in enumerate(zip(losses, losses if val is None else val, strict=True), 1)
    ]
    options = {"looks": looks, "history": history} if trained else {}
    return Evidence(network, e.loss, e.optimizer, start, **(options | changes))


def names(findings: Iterable[Finding]) -> list[str]:
    return [finding.name for finding in findings]
