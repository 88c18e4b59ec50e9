"""The loss around a network's parameters, on a plane through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from backlit import engine as engines
from backlit.engine import DEFAULT
from backlit.errors import InputError, ShapeError
from backlit.graph import tree
from backlit.graph.tensor import value_of
from backlit.inspect.plots.style import figure, outlined, picture
from backlit.inspect.trace import require_single
from backlit.nn import losses
from backlit.nn.layer import Network, forward

_MOST_ROWS = 2000  # of the data; more would only take longer


@picture
def loss_surface(
    model: Any,
    x: Any,
    y: Any,
    loss: Any = None,
    *,
    path: Sequence[Any] | None = None,
    span: float = 1.0,
    resolution: int = 31,
    seed: int = 0,
    engine: str = DEFAULT,
) -> Any:
    """The loss on a plane through a network's parameters θ: ``L(θ + a·d₁ + b·d₂)`` in contours.

    Without a path, d₁ and d₂ are random directions. Each filter of them (the weights of one unit) is scaled to the norm
    of the network's own, ``d_i ← d_i · ‖w_i‖ / ‖d_i‖``, so that networks of different scales can be compared; biases
    and factors of normalisation aren't moved. With a path, they are the two principal components of the way taken,
    which is drawn, and distances are those between parameters.

    Parameters
    ----------
    model : Run or Network
        The centre.
    x, y : as given to `fit`
        Of more than 2000 rows, as many are drawn at random, the same for all points. In evaluation mode.
    loss : str or loss, optional
        For a `Network`; a run has its own.
    path : sequence of Networks or of their parameters, optional
        Where training has been, in order, from ``callbacks=lambda end: path.append(end.network)`` say. The centre
        should be its end.
    span : float
        How far to go each way: 1 is as far as the parameters are from 0. With a path, the margin around it decides.
    resolution : int
        Points along each axis.
    seed : int
        Of the random directions and rows.
    engine : "xla" or "numpy"

    Returns
    -------
    matplotlib.figure.Figure
        Levels are logarithmic where the loss is positive and ranges over more than a factor of 20.

    Raises
    ------
    InputError
        If options or loss don't fit, or the path never left a line.
    ShapeError
        If the path's parameters have other shapes than the network's.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> x = np.random.default_rng(0).normal(size=(60, 2))
    >>> path = []
    >>> net = bl.Sequential(bl.Linear(4), bl.Tanh(), bl.Linear(1))
    >>> run = bl.fit(net, x, x[:, 0] ** 2, epochs=8, callbacks=lambda end: path.append(end.network))
    >>> figure = bl.plots.loss_surface(run, x, x[:, 0] ** 2, path=path, resolution=11)
    >>> figure.axes[0].get_xlabel().startswith("principal component 1")
    True

    References
    ----------
    Li, Xu, Taylor, Studer, Goldstein: Visualizing the Loss Landscape of Neural Nets, NeurIPS 2018 (arXiv:1712.09913).
    """
    if isinstance(resolution, bool) or not isinstance(resolution, int) or not 3 <= resolution <= 200:
        raise InputError(f"resolution must be a whole number from 3 to 200, got {resolution!r}")
    if isinstance(span, bool) or not isinstance(span, (int, float)) or not 0 < span < np.inf:
        raise InputError(f"span must be a number above 0, got {span!r}")
    objective = _objective(model, x, y, loss)
    rng = np.random.default_rng(seed)
    if len(objective.x) > _MOST_ROWS:
        rows = np.sort(rng.choice(len(objective.x), _MOST_ROWS, replace=False))
        objective = objective._replace(x=objective.x[rows], y=objective.y[rows])
    plane = _random_plane(objective.network, rng, span) if path is None else _plane_of(objective.network, path)
    across, down = (np.linspace(*plane.limits[i], resolution) for i in (0, 1))
    values = _losses(objective, plane, across, down, engine)
    chart, axis = figure(width=5.6, height=4.4)
    contours = _contours(axis, across, down, values)
    if plane.way is not None:
        axis.plot(*plane.way.T, color="white", linewidth=2.6, zorder=3)
        axis.plot(*plane.way.T, color="black", linewidth=1.2, marker=".", markersize=4, zorder=4, label="path taken")
        axis.plot(*plane.way[0], "s", color="white", markeredgecolor="black", markersize=7, zorder=5, label="start")
    axis.plot(0, 0, "*", color="white", markeredgecolor="black", markersize=12, zorder=5, label="the network")
    axis.set(xlabel=plane.names[0], ylabel=plane.names[1], xlim=plane.limits[0], ylim=plane.limits[1])
    axis.set_title(f"{type(objective.loss).__name__} around the network", fontsize=10)
    axis.locator_params(nbins=6)
    axis.grid(visible=False)
    chart.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    chart.colorbar(contours, ax=axis, label="loss", ticks=contours.levels[::3], format="%.3g").minorticks_off()
    return chart


class _Objective(NamedTuple):
    """What the loss is computed of: inputs and targets as the loss takes them."""

    network: Network
    loss: Any
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True, eq=False)
class _ParameterPlane:
    """Two directions in the parameters' space, and what part of their plane is drawn."""

    directions: tuple[Any, Any]
    limits: tuple[tuple[float, float], tuple[float, float]]
    names: tuple[str, str]
    way: np.ndarray | None = None  # (points, 2)


def _objective(model: Any, x: Any, y: Any, loss: Any) -> _Objective:
    from backlit.data.frames import as_arrays  # late: other pictures need no data readers
    from backlit.train.targets import Targets

    network = getattr(model, "network", model)
    if not isinstance(network, Network):
        raise InputError(f"loss_surface draws runs and networks, got {type(model).__name__}; build a layer first")
    require_single(network, "loss_surface")
    outcomes = np.asarray(y)
    if network is model:
        inputs, _ = as_arrays(x, keep_integers=network.takes_integers, dtype=str(network.dtype))
        task = "regression" if outcomes.dtype.kind == "f" else "classification"
        loss_function = losses.default_for(task) if loss is None else losses.get(loss)
        target_encoding = Targets.learn(outcomes, loss_function.target, network.output_shape, loss_function)
    elif loss is not None:
        raise InputError("a run has its own loss; give run.network to draw another one")
    else:
        inputs, loss_function, target_encoding = model.inputs(x), model.loss, model.targets
    if not len(inputs) or len(outcomes) != len(inputs):
        raise ShapeError(f"x has {len(inputs)} rows and y {len(outcomes)}: they must be equal, and at least 1")
    return _Objective(network, loss_function, inputs, target_encoding.encode(outcomes, str(network.dtype)))


def _random_plane(network: Network, rng: np.random.Generator, span: float) -> _ParameterPlane:
    def direction(leaf: Any) -> np.ndarray:
        weights = np.asarray(leaf, dtype=np.float64)
        if weights.ndim < 2:
            return np.zeros_like(weights)
        noise = rng.normal(size=weights.shape)
        unit_axes = tuple(range(1, weights.ndim))
        norms = np.sqrt((noise**2).sum(axis=unit_axes, keepdims=True))
        return noise * np.sqrt((weights**2).sum(axis=unit_axes, keepdims=True)) / np.where(norms > 0, norms, 1.0)

    if not any(np.ndim(leaf) >= 2 for leaf in tree.leaves(network.params)):
        raise InputError("the network has no weights to move")
    first, second = tree.map(direction, network.params), tree.map(direction, network.params)
    limits = ((-float(span), float(span)),) * 2
    return _ParameterPlane((first, second), limits, ("random direction 1, by filter's norm", "random direction 2"))


def _plane_of(network: Network, path: Sequence[Any]) -> _ParameterPlane:
    """The plane of a path's two principal components, seen from the network."""
    end, centre = tree.flatten(network.params)[1], _vector(network.params)
    points = []
    for i, point in enumerate(path):
        params = point.params if isinstance(point, Network) else point
        if tree.flatten(params)[1] != end or len(_vector(params)) != len(centre):
            raise ShapeError(f"point {i} of the path has other parameters than the network")
        points.append(_vector(params) - centre)
    steps = np.array(points).reshape(len(points), len(centre))
    if len(points) < 3:
        raise InputError(f"a path needs at least three points to span a plane, got {len(points)}")
    _, sizes, directions = np.linalg.svd(steps, full_matrices=False)
    if not np.isfinite(sizes).all() or sizes[1] <= 1e-12 * max(sizes[0], 1e-300):
        raise InputError("the path lies on a line, so it spans no plane; draw the surface without it")
    way = steps @ directions[:2].T
    shares = sizes[:2] ** 2 / (sizes**2).sum()
    low, high = np.minimum(way.min(axis=0), 0), np.maximum(way.max(axis=0), 0)
    margin = 0.2 * (high - low) + 0.1 * (high - low).max()
    limits = tuple((float(a), float(b)) for a, b in zip(low - margin, high + margin, strict=True))
    names = tuple(f"principal component {i + 1} of the path ({100 * share:.0f} %)" for i, share in enumerate(shares))
    parts = tuple(_like(network.params, direction) for direction in directions[:2])
    return _ParameterPlane(parts, limits, names, way)  # type: ignore[arg-type]


def _vector(params: Any) -> np.ndarray:
    return np.concatenate([np.ravel(np.asarray(leaf, dtype=np.float64)) for leaf in tree.leaves(params)])


def _like(params: Any, vector: np.ndarray) -> Any:
    """A vector in the form of the parameters."""
    leaves, structure = tree.flatten(params)
    ends = np.cumsum([np.size(leaf) for leaf in leaves])[:-1]
    parts = [part.reshape(np.shape(leaf)) for part, leaf in zip(np.split(vector, ends), leaves, strict=True)]
    return tree.unflatten(structure, parts)


def _losses(
    objective: _Objective, plane: _ParameterPlane, across: np.ndarray, down: np.ndarray, engine: str
) -> np.ndarray:
    """The mean loss at each point of the plane, (down, across): one program, one loop."""
    runner, network = engines.get(engine), objective.network
    first, second = (tree.map(lambda leaf: np.asarray(leaf, network.dtype), part) for part in plane.directions)
    places = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2).astype(network.dtype)

    def along(params: Any, state: Any, first: Any, second: Any, x: Any, y: Any, places: Any) -> Any:
        def at(carry: Any, place: Any) -> Any:
            moved = tree.map(lambda p, d, e: p + place[0] * d + place[1] * e, params, first, second)
            output = forward(network.architecture, network.input_shape, moved, x, state=state)[0]
            return carry, value_of(objective.loss(value_of(output), y)).mean()

        return runner.scan(at, (), places)[1]

    with np.errstate(all="ignore"):
        values = runner.compile(along)(network.params, network.state, first, second, objective.x, objective.y, places)
    return np.asarray(values, dtype=np.float64).reshape(len(down), len(across))


def _contours(axis: Any, across: np.ndarray, down: np.ndarray, values: np.ndarray) -> Any:
    from matplotlib.colors import LogNorm, Normalize

    finite = values[np.isfinite(values)]
    if not finite.size:
        raise InputError("the loss is NaN or infinite all over the plane")
    low, high = float(finite.min()), float(finite.max())
    high = high if high > low else low + 1.0
    steep = low > 0 and high > 20 * low
    levels = np.geomspace(low, high, 16) if steep else np.linspace(low, high, 16)
    norm = LogNorm(low, high) if steep else Normalize(low, high)
    contours = axis.contourf(across, down, np.ma.masked_invalid(values), levels, cmap="viridis", norm=norm)
    lines = axis.contour(across, down, np.ma.masked_invalid(values), levels[::3], colors="black", linewidths=0.5)
    for number in axis.clabel(lines, fontsize=7, fmt="%.3g"):
        number.set_path_effects(outlined())
    return contours
