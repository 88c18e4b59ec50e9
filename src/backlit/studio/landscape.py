"""The loss along two directions, with the path that training took."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.graph import tree
from backlit.graph.tensor import value_of
from backlit.nn.layer import forward
from backlit.studio.replies import Reply
from backlit.studio.session import Session
from backlit.studio.timeline import Timeline

POINTS = 60  # of the path
MOST_ROWS = 500
MOST_WORK = 3e9  # multiply-adds
USUAL_GRID = 25

Arrays = dict[str, np.ndarray]


def surface(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`surface`: along the path's two principal components, or two random directions before there is a path.

    References
    ----------
    Li, Xu, Taylor, Studer, Goldstein: Visualizing the Loss Landscape of Neural Nets, NeurIPS 2018 (arXiv:1712.09913).
    """
    timeline = session.first.timeline
    grid = message.get("grid") or USUAL_GRID
    rows = min(MOST_ROWS, len(timeline.rows.x))
    network = timeline.network
    if network.architecture.cost(network.input_shape) * rows * grid**2 > MOST_WORK:
        raise InputError("the loss around this network would take too long; take fewer points along each side")
    path = timeline.path(POINTS)
    centre = _vector(path[-1][1])
    points = np.array([_vector(params) - centre for _, params in path])
    sizes = np.linalg.svd(points, compute_uv=False) if len(points) > 2 else np.zeros(2)
    if len(sizes) > 1 and np.isfinite(points).all() and sizes[1] > 1e-9 * max(sizes[0], 1e-300):
        _, sizes, parts = np.linalg.svd(points, full_matrices=False)
        directions, kind = parts[:2], "pca"
        shares = (sizes[:2] ** 2 / (sizes**2).sum()).tolist()
        way = points @ directions.T
        low, high = np.minimum(way.min(axis=0), 0), np.maximum(way.max(axis=0), 0)
        margin = 0.2 * (high - low) + 0.1 * (high - low).max()
        limits = [[float(a), float(b)] for a, b in zip(low - margin, high + margin, strict=True)]
    else:
        directions, kind, shares = _random(path[-1][1]), "random", [0.0, 0.0]
        way, limits = np.zeros((1, 2)), [[-1.0, 1.0], [-1.0, 1.0]]
        path = path[-1:]
    losses = _losses(timeline, centre, directions, limits, grid, rows)
    told = {"type": "surface", "range": limits, "explained": shares, "kind": kind}
    return [Reply(told, {"loss": losses, "path": way, "updates": np.array([float(k) for k, _ in path])})]


def _vector(params: Any) -> np.ndarray:
    return np.concatenate([np.ravel(np.asarray(leaf, np.float64)) for leaf in tree.leaves(params)])


def _random(params: Any) -> np.ndarray:
    """Two directions, each unit's part as long as its weights are; biases stay."""
    rng = np.random.default_rng(0)

    def direction(leaf: Any) -> np.ndarray:
        weights = np.asarray(leaf, np.float64)
        noise = rng.normal(size=weights.shape) if weights.ndim > 1 else np.zeros(weights.shape)
        axes = tuple(range(1, weights.ndim))
        long = np.sqrt((noise**2).sum(axis=axes, keepdims=True)) if axes else 1.0
        norm = np.sqrt((weights**2).sum(axis=axes, keepdims=True)) if axes else 0.0
        return np.asarray(noise * norm / np.where(long == 0, 1.0, long))

    return np.stack([_vector(tree.map(direction, params)) for _ in range(2)])


def _losses(
    timeline: Timeline, centre: np.ndarray, directions: np.ndarray, limits: list[list[float]], grid: int, rows: int
) -> np.ndarray:
    """Mean loss at each point, (grid, grid), rows from the bottom up."""
    network, examples = timeline.network, timeline.job.examples
    x, y = np.asarray(examples.inputs)[:rows], np.asarray(examples.encoded)[:rows]
    leaves, structure = tree.flatten(network.params)
    ends = np.cumsum([np.size(leaf) for leaf in leaves])[:-1]
    across, up = (np.linspace(low, high, grid) for low, high in limits)
    found = np.empty((grid, grid))
    with np.errstate(all="ignore"):
        for j, b in enumerate(up):
            for i, a in enumerate(across):
                parts = np.split(centre + a * directions[0] + b * directions[1], ends)
                shaped = [
                    part.reshape(np.shape(leaf)).astype(network.dtype) for part, leaf in zip(parts, leaves, strict=True)
                ]
                params = tree.unflatten(structure, shaped)
                output, _ = forward(network.architecture, network.input_shape, params, x, state=network.state)
                found[j, i] = np.asarray(value_of(timeline.job.loss(value_of(output), y))).mean()
    return found
