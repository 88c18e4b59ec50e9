"""What a job's network ends with, and the loss that fits it."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.nn import losses
from backlit.nn.layer import Layer
from backlit.nn.layers import activations
from backlit.nn.layers.activation_facts import Facts
from backlit.nn.layers.containers import Sequential

INSIDE = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy"}  # activations that are part of a loss


def loss_for(task: str, wanted: Any, activation: str | None, classes: int) -> Any:
    """The loss: the user's, else the one that fits the task and what the network ends with.

    Parameters
    ----------
    task : "classification", "regression" or "multi_label"
    wanted : str, Loss or None
    activation : str, optional
        Behind the last layer.
    classes : int
        Of classification.

    Raises
    ------
    InputError
        If no loss of the task fits the activation, or the loss has it inside already.

    Examples
    --------
    >>> loss_for("classification", None, "softmax", 3)
    NegativeLogLikelihood()
    """
    if activation is not None:
        activations.get(activation)  # refuses what isn't one
    if wanted is None and activation == "softmax" and task == "classification":
        return losses.NegativeLogLikelihood()
    if wanted is None and activation == "sigmoid" and task == "classification" and classes == 2:
        return losses.default_for("binary")
    loss = losses.get(wanted) if wanted is not None else losses.default_for(task)
    fits = activation is None or loss.activation is None or activation == loss.activation == "sigmoid"
    if not fits and loss.activation == "identity":
        fits = activation == "softmax"
    if fits:
        return loss
    if activation == loss.activation:
        raise InputError(
            f"{loss} has the {activation} inside: leave one of them out; --output-activation softmax alone makes a "
            "network of probabilities, learned by the negative log likelihood"
        )
    raise InputError(
        f"output activation {activation!r} makes no probabilities of classes, which {loss} needs; "
        f"for {classes or 'these'} classes choose {'softmax or sigmoid' if classes == 2 else 'softmax'}"
    )


def ended(network: Any, activation: str | None, loss: Any) -> Any:
    """The network with an activation behind its last layer, unless the loss has it inside."""
    if activation is None or loss.activation == activation:
        return network
    if not isinstance(network, Layer):
        raise InputError("output_activation is for an architecture; this network has parameters, and ends as it does")
    layers = network.layers if isinstance(network, Sequential) else (network,)
    return Sequential(*layers, activations.get(activation))


def check_range(y: np.ndarray, activation: str | None) -> None:
    """Refuse numbers that a network with this activation at its end can't give.

    Raises
    ------
    InputError
        The message tells both ranges.
    """
    facts: Facts | None = None if activation is None else activations.get(activation).facts
    if facts is None:
        return
    low, high = float(np.min(y)), float(np.max(y))
    if low < facts.low or high > facts.high:
        bounds = f"{facts.low:g} to {facts.high:g}".replace("inf", "∞")
        raise InputError(
            f"output activation {activation!r} gives numbers from {bounds}, but the target's go from {low:g} to "
            f"{high:g}: leave it out, choose another, or scale the target"
        )
