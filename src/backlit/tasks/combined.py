"""The forecast from which a network goes on: simple ones and ridge regression, each weighed by how well it did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from backlit.data.series.methods import methods

CUTS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # shares of the training time from which on the next part is forecast
ALPHAS = (1.0, 10.0, 100.0)  # of ridge regression; inputs are of the order of one
POWER = 8  # weights fall with the error's power: of many that are nearly as good, none is left out
POOR = 3.0  # times the best one's error, from which on a forecast isn't weighed
ROWS = 4000  # windows that are learned from, or tried on, where there are more
SMOOTHING, RIDGE, COMBINED = "smoothing", "ridge", "combined"


@dataclass(frozen=True, eq=False)
class Line:
    """A linear forecast: ``inputs @ weight + bias``, (inputs, horizon) and (horizon,)."""

    weight: np.ndarray
    bias: np.ndarray

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        return inputs @ self.weight + self.bias


@dataclass(frozen=True, eq=False)
class Combined:
    """Simple forecasts, weighed.

    Attributes
    ----------
    lines : dict of str to Line
        "combined", and what did best of "smoothing" and "ridge".
    weights : dict of str to float
        What it is made of, largest first.
    rows : int array (tried,)
        Windows that were forecast from what came before them.
    errors : array (tried, horizon)
        How far off, in the targets' unit.
    """

    lines: Mapping[str, Line]
    weights: Mapping[str, float]
    rows: np.ndarray
    errors: np.ndarray


def combine(inputs: np.ndarray, targets: np.ndarray, places: np.ndarray, window: int, season: int | None) -> Combined:
    """Weigh forecasts by their errors on training windows, each forecast from what came before.

    Half of a weight is the share in the combination of least squares whose shares are at least 0 and sum to 1
    (J. Bates and C. Granger, "The combination of forecasts", 1969); half falls with the method's own error, which is
    better where windows are few.

    Parameters
    ----------
    inputs : float array (rows, inputs)
        The past, seen from its last value, `window` of them; then other features.
    targets : float array (rows, horizon)
    places : int array (rows,)
        When each target begins.
    window : int
    season : int or None

    Returns
    -------
    Combined
    """
    horizon = targets.shape[1]
    fixed = methods(window, horizon, season)
    tried: dict[str, list[np.ndarray]] = {}
    rows: list[np.ndarray] = []
    for before, after in _origins(places, horizon):
        rows.append(after)
        for name, line in _candidates(fixed, inputs[before], targets[before], window).items():
            tried.setdefault(name, []).append(line(inputs[after]) - targets[after])
    final = _candidates(fixed, inputs, targets, window)
    if not rows:
        return Combined({RIDGE: final[f"{RIDGE} {ALPHAS[0]:g}"], COMBINED: final[f"{RIDGE} {ALPHAS[0]:g}"]}, {},
                        np.arange(0), np.zeros((0, horizon)))  # fmt: skip
    errors = {name: np.concatenate(parts) for name, parts in tried.items()}
    size = {name: float(np.abs(error).mean()) for name, error in errors.items()}
    names = [name for name in sorted(size, key=size.__getitem__) if size[name] <= POOR * min(size.values())]
    weights = _weights(np.array([errors[name].ravel() for name in names]), np.array([size[name] for name in names]))
    lines = {kind: final[next(name for name in sorted(size, key=size.__getitem__) if name.startswith(kind))]
             for kind in (SMOOTHING, RIDGE)}  # fmt: skip
    lines[COMBINED] = Line(
        sum(share * final[name].weight for name, share in zip(names, weights, strict=True)),
        sum(share * final[name].bias for name, share in zip(names, weights, strict=True)),
    )
    shares = dict(sorted(zip(names, weights.tolist(), strict=True), key=lambda pair: -pair[1]))
    total = sum(share * errors[name] for name, share in shares.items())
    return Combined(lines, shares, np.concatenate(rows), np.asarray(total))


def _weights(errors: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Weights that sum to 1, of methods (methods, errors): half by least squares, half by their sizes."""
    from scipy.optimize import nnls

    own = (sizes / max(sizes[0], 1e-300)) ** -POWER if sizes[0] > 0 else (sizes == 0).astype(float)
    own = own / own.sum()
    gram = errors @ errors.T
    scale = np.trace(gram) / len(gram)
    if scale <= 0:
        return own
    values, vectors = np.linalg.eigh(gram / scale)
    root = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
    sum_to_one = np.full((1, len(gram)), 1e3)
    found, _ = nnls(np.vstack([root, sum_to_one]), np.append(np.zeros(len(root)), 1e3))
    return (own + found / found.sum()) / 2


def _origins(places: np.ndarray, horizon: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Windows to learn from, whose targets are known when the windows to forecast begin; and these."""
    ordered = np.sort(places)
    borders = [int(ordered[int(share * len(ordered))]) for share in CUTS] + [int(ordered[-1]) + 1]
    for start, end in pairwise(borders):
        before = np.flatnonzero(places <= start - horizon)
        after = np.flatnonzero((places >= start) & (places < end))
        if len(before) >= 3 and len(after):
            yield _few(before, ROWS), _few(after, ROWS // len(CUTS))


def _few(rows: np.ndarray, most: int) -> np.ndarray:
    """So many rows at most, at even steps."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(int)]


def _candidates(
    fixed: Mapping[str, np.ndarray], inputs: np.ndarray, targets: np.ndarray, window: int
) -> dict[str, Line]:
    """All methods, with what is learned of them."""
    horizon, others = targets.shape[1], inputs.shape[1] - window
    zeros = np.zeros(horizon)
    lines = {name: Line(np.vstack([weight, np.zeros((others, horizon))]), zeros) for name, weight in fixed.items()}
    lines["mean growth"] = Line(lines["last value"].weight, targets.mean(axis=0))
    return lines | ridges(inputs, targets)


def ridges(inputs: np.ndarray, targets: np.ndarray) -> dict[str, Line]:
    """Ridge regression for each of `ALPHAS`, from one decomposition: see `optim.ridge`."""
    center, mean = inputs.mean(axis=0), targets.mean(axis=0)
    apart = inputs - center
    values, vectors = np.linalg.eigh(apart.T @ apart)
    turned = vectors.T @ (apart.T @ (targets - mean))
    lines = {}
    for alpha in ALPHAS:
        weight = vectors @ (turned / (np.maximum(values, 0) + alpha)[:, None])
        lines[f"{RIDGE} {alpha:g}"] = Line(weight, mean - center @ weight)
    return lines
