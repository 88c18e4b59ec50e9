"""Curves over a training: losses and metrics, and the learning-rate range test."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.inspect.plots.style import TRAINING, VALIDATION, figure, measure, picture, tidy


@picture
def learning_curves(history: Any, best_epoch: int | None = None) -> Any:
    """Loss and metrics over the epochs, training and validation, the best epoch marked.

    Parameters
    ----------
    history : list of dict
        As `Run.history`.
    best_epoch : int, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    measures = [key for key in (history[-1] if history else {}) if key not in ("epoch", "seconds", "penalty")]
    names = [key for key in measures if not key.startswith("val_")] or ["loss"]
    rows, columns = tidy(len(names))
    chart, axes = figure(rows, columns, width=4.6 * columns + 0.6, height=3.6 * rows)
    epochs = [record["epoch"] for record in history]
    marker = "o" if len(epochs) == 1 else None
    for axis in np.ravel(axes)[len(names) :]:
        axis.remove()
    for axis, name in zip(np.ravel(axes), names, strict=False):
        axis.set(xlabel="epoch", title=measure(name))
        for key, style, who in ((name, TRAINING, "training"), (f"val_{name}", VALIDATION, "validation")):
            if history and key in history[-1]:
                axis.plot(epochs, [record[key] for record in history], label=who, marker=marker, **style)
        if best_epoch:
            axis.axvline(best_epoch, color="0.25", linewidth=1.4, linestyle=":", label=f"best: epoch {best_epoch}")
        values = [record[name] for record in history]
        if name == "loss" and values and min(values) > 0 and max(values) > 30 * min(values):
            axis.set_yscale("log")
        if history:
            axis.legend(frameon=False)
    return chart


@picture
def range_test(test: Any) -> Any:
    """Loss against learning rate, the suggestion marked; `test` is what `lr_find` returns."""
    chart, axis = figure()
    axis.plot(test.rates, test.losses, color="0.75", linewidth=1, label="each step")
    axis.plot(test.rates, test.smoothed, label="smoothed", **TRAINING)
    axis.axvline(test.suggestion, label=f"suggested: {test.suggestion:.2g}", **VALIDATION)
    top = max(float(test.smoothed[0]), float(np.median(test.smoothed))) * 1.3
    low = float(min(test.losses.min(), test.smoothed.min()))
    axis.set(xscale="log", xlabel="learning rate", ylabel="loss", ylim=(low - 0.05 * (top - low), top))
    axis.legend(frameon=False)
    return chart
