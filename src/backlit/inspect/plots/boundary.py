"""Decision boundaries: what a network says at every point of a plane."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.preparation import preparation_of
from backlit.data.table import as_polars
from backlit.errors import InputError, ShapeError
from backlit.graph.ops import softmax
from backlit.inspect.plots.style import COLOURS, class_style, figure, given, outlined, picture, tidy
from backlit.inspect.trace import require_single
from backlit.nn.layer import Network
from backlit.nn.layers.activations import Sigmoid
from backlit.nn.layers.containers import Sequential

_ROWS = 4096  # points computed at once
NUMBERS = ("number", "whole number")


@picture
def decision_boundary(
    models: Any,
    x: Any,
    y: Any = None,
    *,
    titles: Sequence[str] | None = None,
    names: tuple[str, str] | None = None,
    resolution: int = 200,
) -> Any:
    """What a network says at every point around the data; small multiples for a list of networks.

    Classes have a tint, the stronger the surer the network is, and a black line between them; rows have their
    class's colour and marker, and a black edge where the network is wrong. Numbers are shown as contours.

    Parameters
    ----------
    models : Run, Network, or list of them
        Drawn on one pair of axes, so that they can be compared.
    x : array (rows, inputs)
        With two inputs, these are the axes. With more, the axes are the rows' two principal components, with all other
        directions at their mean; the picture says so.
    y : array (rows,), optional
        Targets, drawn as points. For a `Network` they also tell whether it predicts classes (whole numbers or text: one
        output for each in sorted order, or a single logit) or numbers.
    titles : list of str, optional
        One a model; by default the share of rows that it has right.
    names : pair of str, optional
        Of the two inputs.
    resolution : int
        Points along each axis.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there is no model, or one that can't be drawn: with whole-number inputs, several labels
        or numbers a row.
    ShapeError
        If x has fewer than two inputs, or y another number of rows.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> x = np.random.default_rng(0).normal(size=(80, 2))
    >>> y = (x[:, 0] * x[:, 1] > 0).astype(int)
    >>> net = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(2))
    >>> run = bl.fit(net, x, y, epochs=5)
    >>> figure = bl.plots.decision_boundary(run, x, y)
    >>> figure.axes[0].get_xlabel()
    'x₁'
    """
    drawn_models = list(models) if isinstance(models, (list, tuple)) else [models]
    if not drawn_models:
        raise InputError("decision_boundary needs at least one run or network")
    if titles is not None and len(titles) != len(drawn_models):
        raise ShapeError(f"there are {len(titles)} titles for {len(drawn_models)} models")
    if isinstance(resolution, bool) or not isinstance(resolution, int) or not 2 <= resolution <= 2000:
        raise InputError(f"resolution must be a whole number from 2 to 2000, got {resolution!r}")
    targets = None if y is None else np.asarray(y)
    views = [_view(model, x, targets) for model in drawn_models]
    plane = _InputPlane.of(views[0].rows)
    names = views[0].names if names is None else names
    if targets is not None and len(targets) != len(views[0].rows):
        raise ShapeError(f"x has {len(views[0].rows)} rows and y {len(targets)}: they must be equal")
    across, down = plane.axes(resolution)
    points = plane.points(across, down)
    rows, columns = tidy(len(drawn_models))
    chart, axes = figure(rows, columns, width=3.4 * columns + 1.4, height=3.4 * rows + (0.3 if plane.projects else 0))
    for i, (view, axis) in enumerate(zip(views, np.ravel(axes), strict=False)):
        values = view.outputs(points).reshape(len(down), len(across), -1)
        shading, right = view.draw(axis, across, down, values, plane.coordinates, targets)
        title = right if titles is None else given(titles[i])
        axis.set_title(title, fontsize=10)
        axis.set(xlim=across[[0, -1]], ylim=down[[0, -1]])
        axis.grid(visible=False)
        if i % columns == 0:
            axis.set_ylabel(plane.name(1, names))
        if i + columns >= len(drawn_models):
            axis.set_xlabel(plane.name(0, names))
    for axis in np.ravel(axes)[len(drawn_models) :]:
        axis.set_axis_off()
    if shading is not None:
        chart.colorbar(shading, ax=np.ravel(axes).tolist(), label="predicted", shrink=0.9)
    handles, entries = np.ravel(axes)[0].get_legend_handles_labels()
    if handles:
        chart.legend(handles, entries, loc="outside right center", frameon=False, fontsize=8)
    if plane.projects:
        chart.suptitle(textwrap.fill(plane.description, int(14 * chart.get_figwidth())), fontsize=9)
    return chart


@dataclass(frozen=True, eq=False)
class _InputPlane:
    """The plane that is drawn: two inputs, or two principal components of more."""

    coordinates: np.ndarray  # (rows, 2)
    centre: np.ndarray
    directions: np.ndarray  # (2, inputs)
    shape: tuple[int, ...]
    explained: float

    @classmethod
    def of(cls, rows: np.ndarray) -> _InputPlane:
        flat = rows.reshape(len(rows), -1).astype(np.float64)
        if flat.shape[1] < 2 or len(flat) < 1:
            raise ShapeError(f"a decision boundary needs rows of at least two inputs, got x of shape {rows.shape}")
        if flat.shape[1] == 2:
            return cls(flat, np.zeros(2), np.eye(2), rows.shape[1:], 1.0)
        centre = flat.mean(axis=0)
        _, sizes, directions = np.linalg.svd(flat - centre, full_matrices=False)
        if len(directions) < 2:
            raise ShapeError("principal components need at least two rows")
        total = (sizes**2).sum()
        explained = float((sizes[:2] ** 2).sum() / total) if total else 1.0
        return cls((flat - centre) @ directions[:2].T, centre, directions[:2], rows.shape[1:], explained)

    @property
    def projects(self) -> bool:
        return len(self.centre) > 2

    @property
    def description(self) -> str:
        return (
            f"the plane of two principal components of {len(self.centre)} inputs "
            f"({100 * self.explained:.0f} % of their variance); all other directions at their mean"
        )

    def name(self, axis: int, names: tuple[str, str] | None) -> str:
        if names is not None:
            return given(names[axis])
        return f"principal component {axis + 1}" if self.projects else ("x₁", "x₂")[axis]

    def axes(self, resolution: int) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.coordinates.min(axis=0), self.coordinates.max(axis=0)
        margin = np.where(high > low, 0.08 * (high - low), 1.0)
        across, down = (np.linspace(a, b, resolution) for a, b in zip(low - margin, high + margin, strict=True))
        return across, down

    def points(self, across: np.ndarray, down: np.ndarray) -> np.ndarray:
        grid = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
        return (self.centre + grid @ self.directions).reshape(-1, *self.shape)


@dataclass(frozen=True, eq=False)
class _View:
    """A model as the picture needs it: outputs at points, and what they mean."""

    rows: np.ndarray  # the data, in the space that is drawn
    outputs: Callable[[np.ndarray], np.ndarray]
    classes: list[Any] | None  # None: numbers
    encode: Callable[[np.ndarray], np.ndarray] = np.asarray  # targets as places in the classes
    has_probabilities: bool = True
    is_probability: bool = False  # of the one output, rather than a logit
    names: tuple[str, str] | None = None  # of the two inputs, if they have any

    def draw(
        self, axis: Any, across: np.ndarray, down: np.ndarray, values: np.ndarray, coordinates: np.ndarray, y: Any
    ) -> tuple[Any, str]:
        """Fill the axes; what a colour bar can explain, and a title."""
        if self.classes is None:
            return self._numbers(axis, across, down, values[..., 0], coordinates, y)
        from scipy.ndimage import distance_transform_edt

        scores = self._scores(values)
        sure = softmax(scores, axis=-1).max(axis=-1) if self.has_probabilities else np.ones(values.shape[:2])
        count = scores.shape[-1]
        strength = np.clip((sure - 1 / count) / (1 - 1 / count), 0, 1)[..., None] * 0.4 + 0.1
        tint = 1 - strength * (1 - _colours(scores.argmax(axis=-1)))
        axis.imshow(tint, extent=(across[0], across[-1], down[0], down[-1]), origin="lower", aspect="auto")
        for k in range(count):
            lead = scores[..., k] - np.delete(scores, k, axis=-1).max(axis=-1)
            if lead.min() < 0 < lead.max() and (count > 2 or k):
                axis.contour(across, down, lead, levels=[0.0], colors="black", linewidths=1.2)
            inside = lead > 0
            if (count > 2 or y is None) and inside.mean() > 0.02:  # its name where it is widest, for greyscale
                room = distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
                i, j = np.unravel_index(room.argmax(), room.shape)
                place = {"ha": "center", "va": "center", "fontsize": 9, "path_effects": outlined(), "zorder": 4}
                axis.text(across[j], down[i], given(self.classes[k]), **place)
        if y is None:
            return None, ""
        codes = self.encode(y)
        wrong = self._scores(self.outputs(self.rows)).argmax(axis=-1) != codes
        for k, name in enumerate(map(given, self.classes)):
            for rows, edge, text in ((codes == k) & ~wrong, "white", name), ((codes == k) & wrong, "black", None):
                style = {**class_style(k), "edgecolors": edge, "label": text, "linewidths": 0.5 if text else 1.5}
                axis.scatter(*coordinates[rows].T, s=24, zorder=3, **style)
        if wrong.any():
            axis.scatter([], [], s=24, facecolors="none", edgecolors="black", linewidths=1.5, label="wrong")
        return None, f"{100 * (1 - wrong.mean()):.1f} % right"

    def _numbers(
        self, axis: Any, across: np.ndarray, down: np.ndarray, values: np.ndarray, coordinates: np.ndarray, y: Any
    ) -> tuple[Any, str]:
        finite = np.where(np.isfinite(values), values, np.nan)
        shading = axis.contourf(across, down, finite, levels=12, cmap="cividis")
        if y is None:
            return shading, ""
        axis.scatter(
            *coordinates.T, c=y, cmap="cividis", norm=shading.norm, s=18, edgecolors="white", linewidths=0.6, zorder=3
        )
        error = np.sqrt(np.mean((self.outputs(self.rows)[:, 0] - y) ** 2))
        return shading, f"RMSE {error:.3g}"

    def _scores(self, values: np.ndarray) -> np.ndarray:
        """One score a class, whose softmax is the probability; (..., classes)."""
        values = values.astype(np.float64)
        if values.shape[-1] > 1:
            return values[..., : len(self.classes)] if self.classes else values
        if self.is_probability:
            values = np.clip(values, 1e-12, 1 - 1e-12)
            values = np.log(values) - np.log1p(-values)
        return np.concatenate([np.zeros_like(values), values], axis=-1)


def _view(model: Any, x: Any, y: np.ndarray | None) -> _View:
    network = getattr(model, "network", model)
    if not isinstance(network, Network):
        raise InputError(f"decision_boundary draws runs and networks, got {type(model).__name__}; build a layer first")
    if network.takes_integers:
        raise InputError("the network takes whole numbers, between which there is nothing to draw")
    if network is model:
        return _view_of_network(network, np.asarray(x, dtype=network.dtype), y)
    return _view_of_run(model, x)


def _view_of_network(network: Network, rows: np.ndarray, y: np.ndarray | None) -> _View:
    outputs = int(np.prod(network.output_shape))
    numbers = outputs == 1 if y is None else y.dtype.kind == "f"
    if numbers and outputs > 1:
        raise InputError(f"the network gives {outputs} numbers a row, and one picture shows one")
    names: list[Any] | None = None if numbers else list(range(max(2, outputs)))  # whole numbers are outputs' places
    encode: Callable[[np.ndarray], np.ndarray] = np.asarray
    if names and y is not None:
        classes = np.unique(y)
        if y.dtype.kind not in "iu":
            names, encode = classes.tolist(), lambda y: np.searchsorted(classes, y)
        if len(names) > max(2, outputs) or (y.dtype.kind in "iu" and not 0 <= classes[0] <= classes[-1] < len(names)):
            some = ", ".join(map(str, classes[:10]))
            raise InputError(f"y has the classes {some}, which don't fit the network's {outputs} output(s)")

    def at(points: np.ndarray) -> np.ndarray:
        parts = [points[i : i + _ROWS].astype(network.dtype) for i in range(0, len(points), _ROWS)]
        return np.concatenate([np.asarray(network(part)).reshape(len(part), -1) for part in parts])

    last = network.architecture
    while isinstance(last, Sequential) and last.layers:
        last = last.layers[-1]
    return _View(rows, at, names, encode, is_probability=isinstance(last, Sigmoid))


def _view_of_run(run: Any, x: Any) -> _View:
    require_single(run.network, "decision_boundary")
    kind = run.targets.kind
    if kind in ("multi_label", "probability") or (kind == "number" and run.network.output_shape != (1,)):
        raise InputError("the run predicts several things at once, and one picture shows one; predict them one by one")
    names: tuple[str, str] | None = None
    raw = None if hasattr(x, "columns") or isinstance(x, dict) else np.asarray(x)
    if raw is not None and raw.dtype.kind in "fiub":  # in the data's own unit
        rows, prepare = raw.astype(np.float64), run.inputs
    elif pair := two_columns(run):  # of numbers: in their own unit, too
        names = pair
        table = as_polars(x)
        rows = table.select(pair).cast(float).fill_null(strategy="mean").to_numpy()
        prepare = lambda points: run.inputs(dict(zip(pair, points.T, strict=True)))  # noqa: E731
    else:  # a table: as prepared
        rows, prepare = run.inputs(x), lambda points: points.astype(run.network.dtype)

    def at(points: np.ndarray) -> np.ndarray:
        values = run.forward(prepare(points)).reshape(len(points), -1)
        return values if run.classes else np.asarray(run.targets.own_unit(values))

    if run.classes is None:
        return _View(rows, at, None, names=names)
    activation, encode = run.loss.activation, run.targets.labels.encode
    if activation == "identity":  # outputs are probabilities
        return _View(rows, lambda points: np.log(np.maximum(at(points), 1e-12)), run.classes, encode, names=names)
    return _View(rows, at, run.classes, encode, has_probabilities=activation is not None, names=names)


def two_columns(run: Any) -> tuple[str, str] | None:
    """The two columns of numbers that are all that a run on a table looks at; None of any other run."""
    places = preparation_of(run.preparation).places()
    kinds = {row["column"]: row["kind"] for row in preparation_of(run.preparation).rows()}
    numbers = [name for name, place in places if place.stop - place.start == 1 and kinds[name] in NUMBERS]
    return (numbers[0], numbers[1]) if len(numbers) == len(places) == 2 else None


def _colours(codes: np.ndarray) -> np.ndarray:
    from matplotlib.colors import to_rgb

    return np.array([to_rgb(COLOURS[k % 8]) for k in range(int(codes.max()) + 1)])[codes]
