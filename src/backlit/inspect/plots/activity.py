"""Histograms of what each layer gives."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.inspect.plots.style import figure, given, label

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
    layers = {path: layer for path, layer in record["layers"].items() if "histogram" in layer}
    if not layers:
        raise InputError("these probes have no histograms: they were made with bl.Probes(histograms=False)")
    drawn = list(layers.items())
    if len(drawn) > MOST:  # evenly from first to last
        drawn = [drawn[i] for i in np.linspace(0, len(drawn) - 1, MOST).round().astype(int)]
    columns = min(COLUMNS, len(drawn))
    rows = -(-len(drawn) // columns)
    chart, axes = figure(rows, columns, width=2.3 * columns + 0.4, height=1.75 * rows + 0.5)
    for axis, (path, layer) in zip(np.ravel(axes), drawn, strict=False):
        histogram(axis, path, layer, [other for _, other in drawn if other["layer"] == layer["layer"]])
    for axis in np.ravel(axes)[len(drawn) :]:
        axis.set_axis_off()
    layer_count = f" ({len(drawn)} of {len(layers)} layers)" if len(layers) > len(drawn) else ""
    when = "before training" if not record["epoch"] else f"after epoch {record['epoch']}"
    chart.suptitle(f"activations {when}, {record['rows']} rows{layer_count}", fontsize=10)
    return chart


def _range(layers: list[dict[str, Any]]) -> tuple[float, float] | None:
    """From the least to the largest output of some layers, with a margin."""
    finite = [layer for layer in layers if layer["min"] is not None and layer["max"] is not None]
    if not finite:
        return None
    low, high = min(layer["min"] for layer in finite), max(layer["max"] for layer in finite)
    margin = 0.03 * (high - low) or 0.5
    return low - margin, high + margin


def histogram(axis: Any, path: str, layer: dict[str, Any], alike: list[dict[str, Any]]) -> None:
    """Draw one layer's outputs, on the range of all that are alike."""
    limits = _range(alike)
    kind = layer["layer"]  # inputs have none: "input", or "input/name"
    axis.set_title(given(f"{path} {kind}".strip()) if kind else label(path), fontsize=9)
    axis.set_yticks([])
    axis.tick_params(axis="x", labelsize=7)
    axis.grid(visible=False, axis="y")
    low, high, counts = layer["min"], layer["max"], layer["histogram"]
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
        mean_and_std = layer["mean"], layer["std"]  # which may overflow where the values themselves don't
        text = " ± ".join("∞" if number is None else f"{number:.2g}" for number in mean_and_std)
    saturated = layer.get("saturated") or 0.0
    if saturated >= 0.005:
        text += f"\n{saturated:.0%} saturated"
    axis.set_xlabel(text, fontsize=7.5)
