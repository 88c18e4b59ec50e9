"""The minimum of a linear network's squared error, computed instead of descended to."""

from __future__ import annotations

import numpy as np

from backlit.errors import InputError
from backlit.nn.layer import Layer, Network, forward
from backlit.nn.layers.containers import Sequential
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.rescale import Rescale
from backlit.nn.layers.shaping import Flatten, Reshape
from backlit.nn.losses.regression import MeanSquaredError, SquaredError
from backlit.nn.penalties import L2
from backlit.optim.exact import ridge
from backlit.train.examples import Examples
from backlit.train.training import Training

WHAT = "the closed form (optimizer least_squares)"


def solved(networks: list[Network], examples: Examples, training: Training) -> list[Network]:
    """Each member at the minimum of the loss of its own rows, penalty included.

    Raises
    ------
    InputError
        If no closed form is known of the network, the loss or the penalty; if products are to be rounded.
    """
    if training.precision is not None:
        raise InputError(f"{WHAT} computes in float64: leave precision={training.precision!r} out")
    before, last, name = _taken_apart(examples.network.architecture)
    made = []
    for network, rows in zip(networks, examples.split.training, strict=True):
        inputs = examples.inputs[rows]
        if before:
            shape = examples.network.input_shape
            inputs = np.asarray(forward(Sequential(*before), shape, {}, inputs, state={})[0])
        targets = examples.encoded[rows].astype(np.float64)
        weights = np.ones(len(rows)) if examples.weights is None else examples.weights[rows]
        alpha = _alpha(examples.loss, training, targets.shape[1], float(weights.sum()))
        inputs = inputs.astype(np.float64)
        found = ridge(inputs, targets, alpha, sample_weight=weights, intercept=last.bias)
        params = {"weight": found.weight.T} | ({"bias": found.bias} if last.bias else {})
        params = {key: np.ascontiguousarray(value, dtype=network.dtype) for key, value in params.items()}
        made.append(network.replace(params=params if name is None else {name: params}))
    return made


def _taken_apart(architecture: Layer) -> tuple[tuple[Layer, ...], Linear, str | None]:
    """What shapes the input, the one linear layer, and its name."""
    layers = architecture.layers if isinstance(architecture, Sequential) else (architecture,)
    *before, last = layers
    if type(last) is not Linear or not all(isinstance(layer, (Flatten, Reshape, Rescale)) for layer in before):
        raise InputError(f"{WHAT} needs a linear network, one Linear layer; this one is {architecture}")
    return tuple(before), last, str(len(before)) if isinstance(architecture, Sequential) else None


def _alpha(loss: object, training: Training, outputs: int, total: float) -> float:
    """How much ‖W‖² counts beside the sum of squares: λ divided by what a square counts in the loss."""
    if isinstance(loss, MeanSquaredError):
        share = 1 / outputs
    elif isinstance(loss, SquaredError):
        share = 0.5 if loss.half else 1.0
    else:
        raise InputError(f"{WHAT} minimises squares: the loss mean_squared_error or squared_error, not {loss}")
    penalty = training.penalty
    if penalty is None:
        return 0.0
    if not isinstance(penalty, L2) or penalty.only or penalty.biases:
        raise InputError(f"{WHAT} is known with the penalty L2 of all weights, or none; got {penalty!r}")
    return penalty.strength * (total if training.reduction == "mean" else 1.0) / share
