"""λ_max: the loss's greatest curvature in the weights, by power iteration on Hessian-vector products."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from backlit.errors import InputError, ZeroGradientWarning
from backlit.graph import tree
from backlit.graph.derivatives import grad
from backlit.nn.layer import Layer, Network
from backlit.settings import build
from backlit.train.prepare import prepare
from backlit.train.training import Training, looking

STEPS = 500  # at most
CLOSE = 1e-9  # relative change of λ at which the iteration ends


def sharpness(
    network: Layer | Network, x: Any, y: Any, loss: Any = None, *, seed: int = 0, steps: int = STEPS, **options: Any
) -> float:
    """The largest eigenvalue λ_max of the mean loss's Hessian in the parameters, in evaluation mode.

    Gradient descent on a quadratic loss converges for learning rates below 2/λ_max, and diverges above.

    Parameters
    ----------
    network, x, y, loss, seed, **options :
        As for `fit`; all rows are used, in 64 bits.
    steps : int
        Products ``H v`` at most; it ends earlier where λ no longer changes.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If `steps` isn't a whole number of at least 1, or the network has no parameters or a loss that isn't finite.

    Examples
    --------
    ``L = mean (w x)²`` has the second derivative 2 mean x² = 5:

    >>> import backlit as bl, numpy as np
    >>> x = np.array([[1.0], [2.0]])
    >>> round(bl.sharpness(bl.Linear(1, bias=False), x, x[:, 0], "mse"), 9)
    5.0
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise InputError(f"steps must be a whole number of at least 1, got {steps!r}")
    options = looking(options, dtype="float64")
    given = {"loss": loss, "batch_size": None, "seed": seed, "epochs": 1}
    job = prepare(network, x, y, build(Training, {**given, **options}, "bl.sharpness"))
    rows = job.batches[0].rows
    return largest_curvature(job.network, job.data["x"][rows], job.data["y"][rows], job.loss, steps)


def largest_curvature(network: Network, x: Any, y: Any, loss: Any, steps: int = STEPS) -> float:
    """λ_max for arrays as the network and the loss take them."""
    leaves, structure = tree.flatten(network.params)
    if not leaves:
        raise InputError("the network has no parameters, and so no curvature")
    sizes = np.cumsum([leaf.size for leaf in leaves])[:-1]

    def apart(vector: np.ndarray) -> Any:
        pieces = np.split(vector, sizes)
        return tree.unflatten(
            structure, [p.reshape(a.shape).astype(a.dtype) for p, a in zip(pieces, leaves, strict=True)]
        )

    def mean_loss(params: Any) -> Any:
        return loss(network.apply(params, x)[0], y).mean()

    def along(params: Any, direction: Any) -> Any:
        slopes, directions = tree.leaves(grad(mean_loss)(params)), tree.leaves(direction)
        total = 0.0
        for slope, leaf in zip(slopes, directions, strict=True):
            total = total + (slope * leaf).sum()
        return total

    def product(vector: np.ndarray) -> np.ndarray:
        products = tree.leaves(grad(along)(network.params, apart(vector)))
        return np.concatenate([np.ravel(leaf).astype(np.float64) for leaf in products])

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ZeroGradientWarning)  # of layers that have no slope
        curvature = _greatest(product, sum(leaf.size for leaf in leaves), 0.0, steps)
        if curvature < 0:  # the iteration finds the largest absolute value: shift all up, and look again
            curvature = _greatest(product, sum(leaf.size for leaf in leaves), -curvature, steps) + curvature
    if not np.isfinite(curvature):
        raise InputError("the loss has no finite second derivative at the network's weights; look at bl.check")
    return curvature


def _greatest(product: Any, size: int, shift: float, steps: int) -> float:
    """The eigenvalue of largest absolute value of H + shift·1."""
    vector = np.random.default_rng(0).normal(size=size)
    vector /= np.linalg.norm(vector)
    value = 0.0
    for _ in range(steps):
        moved = product(vector) + shift * vector
        before, value = value, float(vector @ moved)
        length = np.linalg.norm(moved)
        if not np.isfinite(length) or length == 0:
            return value if length == 0 else float("nan")
        vector = moved / length
        if abs(value - before) <= CLOSE * abs(value):
            break
    return value
