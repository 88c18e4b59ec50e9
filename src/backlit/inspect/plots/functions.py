"""Activation functions with their derivatives."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from backlit.errors import ZeroGradientWarning, unknown
from backlit.graph.derivatives import vjp
from backlit.inspect.plots.style import TRAINING, VALIDATION, figure, picture
from backlit.nn.layers.activation_facts import FACTS


@picture
def activations(names: list[str] | None = None) -> Any:
    """Activation functions with their derivatives, small multiples.

    Parameters
    ----------
    names : list of str, optional
        As in `backlit.activations.FACTS`; all of them if left out.

    Returns
    -------
    matplotlib.figure.Figure
    """
    drawn = [name for name in FACTS if name != "softmax"] if names is None else names
    for name in drawn:
        if name not in FACTS:
            raise unknown("activation", name, FACTS)
    columns = min(4, len(drawn))
    rows = -(-len(drawn) // columns)
    chart, axes = figure(rows, columns, width=3.0 * columns, height=2.3 * rows)
    x = np.linspace(-4, 4, 402)  # leaves out 0, where some have a kink
    for axis, name in zip(np.ravel(axes), drawn, strict=False):
        facts = FACTS[name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ZeroGradientWarning)  # of a step: the picture shows it
            value, pull = vjp(facts.function, x)
            slope = pull(np.ones_like(x))[0]
        axis.plot(x, value, label="value", **TRAINING)
        axis.plot(x, slope, label="derivative", **VALIDATION)
        axis.set(title=name, ylim=(-2.0, 3.2))
        axis.axhline(0, color="0.7", linewidth=0.6)
        axis.axvline(0, color="0.7", linewidth=0.6)
    for axis in np.ravel(axes)[len(drawn) :]:
        axis.set_axis_off()
    np.ravel(axes)[0].legend(frameon=False, fontsize=8)
    return chart
