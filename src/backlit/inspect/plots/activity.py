"""Histograms of what each layer gives."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.inspect.plots import figure, label

COLUMNS = 5
MOST = 30  # layers that are drawn


def activity(probes: Any, epoch: int | None = None) -> Any:
    """A histogram of each layer's outputs, with mean and standard deviation, small multiples.

    Layers of one kind share one range, so that outputs which shrink or grow from layer to layer are seen to.

    Parameters
    ----------
    probes : ProbeHistory
    epoch : int, optional
        Which record; the last if left out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there are no probes, none of that epoch, or they have no histograms.
    """
    record = probes.at(epoch)
    layers = {path: own for path, own in record["layers"].items() if "histogram" in own}
    if not layers:
        raise InputError("these probes have no histograms: they were made with bl.Probes(histograms=False)")
    shown = list(layers.items())
    if len(shown) > MOST:  # evenly from first to last
        shown = [shown[i] for i in np.linspace(0, len(shown) - 1, MOST).round().astype(int)]
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    made, axes = figure(rows, columns, width=2.3 * columns + 0.4, height=1.75 * rows + 0.5)
    for axis, (path, own) in zip(np.ravel(axes), shown, strict=False):
        _draw(axis, path, own, _range([other for _, other in shown if other["layer"] == own["layer"]]))
    for axis in np.ravel(axes)[len(shown) :]:
        axis.set_axis_off()
    left = f" ({len(shown)} of {len(layers)} layers)" if len(layers) > len(shown) else ""
    when = "before training" if not record["epoch"] else f"after epoch {record['epoch']}"
    made.suptitle(f"activations {when}, {record['rows']} rows{left}", fontsize=10)
    return made


def _range(layers: list[dict[str, Any]]) -> tuple[float, float] | None:
    """From the least to the largest output of some layers, with a margin."""
    known = [own for own in layers if own["min"] is not None and own["max"] is not None]
    if not known:
        return None
    low, high = min(own["min"] for own in known), max(own["max"] for own in known)
    margin = 0.03 * (high - low) or 0.5
    return low - margin, high + margin


def _draw(axis: Any, path: str, own: dict[str, Any], limits: tuple[float, float] | None) -> None:
    axis.set_title(label(f"{path} {own['layer']}".strip()), fontsize=9)
    axis.set_yticks([])
    axis.tick_params(axis="x", labelsize=7)
    axis.grid(visible=False, axis="y")
    low, high, counts = own["min"], own["max"], own["histogram"]
    if low is None or high is None or limits is None:
        axis.text(0.5, 0.5, "NaN or infinite", ha="center", va="center", transform=axis.transAxes, color="#D55E00")
        return
    axis.set_xlim(*limits)
    axis.locator_params(axis="x", nbins=4)
    if high <= low:
        axis.axvline(low, color="#0072B2", linewidth=2)
        text = f"all {low:.3g}"
    else:
        edges = np.linspace(low, high, len(counts) + 1)
        axis.bar(
            edges[:-1], counts, width=np.diff(edges), align="edge", color="#0072B2", edgecolor="#0072B2", linewidth=0.8
        )
        spread = own["mean"], own["std"]  # which may overflow where the values themselves don't
        text = " ± ".join("∞" if number is None else f"{number:.2g}" for number in spread)
    saturated = own.get("saturated") or 0.0
    if saturated >= 0.005:
        text += f"\n{saturated:.0%} saturated"
    axis.set_xlabel(text, fontsize=7.5)
