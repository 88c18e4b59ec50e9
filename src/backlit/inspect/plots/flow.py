"""Gradient flow: how large ∂L/∂a is from layer to layer, and from time step to time step."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.inspect.plots import figure, label
from backlit.inspect.plots.style import given

MOST = 4  # probes that are drawn
_MARKERS = "os^D"


def flow(probes: Any) -> Any:
    """Norms of each layer's gradient, first layer to last, and of recurrent layers' states through time.

    A line that falls to the left by orders of magnitude is a vanishing gradient, one that rises an exploding one.

    Parameters
    ----------
    probes : ProbeHistory
        Of which up to four are drawn, the first and the last among them, from light to dark.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there are no probes, or none with gradients.
    """
    last = probes.last()
    layers = [path for path, record in last["layers"].items() if "gradient_norm" in record]
    if not layers:
        raise InputError("these probes have no gradients: bl.probe needs targets for them, bl.probe(network, x, y)")
    recurrent = [path for path in layers if "gradient_norm" in last["layers"][path].get("steps", {})]
    places = np.unique(np.linspace(0, len(probes) - 1, min(MOST, len(probes))).round().astype(int))
    width = max(4.6, 1.6 + 0.42 * len(layers))
    chart, axes = figure(1, 1 + len(recurrent), width=width + 4.0 * len(recurrent), height=3.8)
    first, *through_time = np.ravel(axes)
    for number, place in enumerate(places):
        record = probes[place]
        share = number / max(1, len(places) - 1) if len(places) > 1 else 1.0
        style = {
            "color": (0.0, 0.447 * share + 0.55 * (1 - share), 0.698 * share + 0.85 * (1 - share)),
            "alpha": 0.45 + 0.55 * share,
            "marker": _MARKERS[number],
            "markersize": 4,
            "label": f"epoch {record['epoch']}" if record["epoch"] else "before training",
        }
        first.plot(range(len(layers)), _positive(record, layers), **style)
        for axis, path in zip(through_time, recurrent, strict=True):
            norms = record["layers"][path]["steps"]["gradient_norm"]
            style["markersize"] = 4 if len(norms) <= 40 else 0
            axis.plot(range(1, len(norms) + 1), [value or np.nan for value in norms], **style)
    names = [f"{path}\n{last['layers'][path]['layer']}" for path in layers]
    slanted = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"} if len(layers) > 8 else {}
    first.set_xticks(range(len(layers)), [given(name.replace("\n", " ") if slanted else name) for name in names])
    first.tick_params(axis="x", labelsize=8)
    for text in first.get_xticklabels():
        text.set(**slanted)
    first.set(yscale="log", ylabel="‖∂L/∂a‖ of a row", title="gradient by layer")
    for axis, path in zip(through_time, recurrent, strict=True):
        axis.set(yscale="log", xlabel="time step", ylabel="‖∂L/∂hₜ‖ of a row", title=label(f"through time: {path}"))
    first.legend(frameon=False, fontsize=8)
    return chart


def _positive(record: Any, layers: list[str]) -> list[float]:
    """Gradient norms that a logarithmic axis can show; gaps elsewhere."""
    return [record["layers"].get(path, {}).get("gradient_norm") or np.nan for path in layers]
