"""Fixed arithmetic on inputs and outputs."""

from __future__ import annotations

import numpy as np

from backlit.exchange.onnx.graph import FLOAT, Value
from backlit.exchange.onnx.mapping import Site, writes
from backlit.nn.layers.encoding import PiecewiseLinear
from backlit.nn.layers.rescale import Rescale, Temperature


@writes(Rescale)
def rescale(site: Site, layer: Rescale, x: Value) -> Value:
    """``(x - shift) · factor``, of bytes as well."""
    x = site.graph.cast(site.graph.last(x), FLOAT)
    shifted = site.node("Sub", x, site.weight("shift", site.state("shift")))
    return site.node("Mul", shifted, site.weight("factor", site.state("factor")))


@writes(Temperature)
def temperature(site: Site, layer: Temperature, x: Value) -> Value:
    """``x / T``."""
    return site.node("Div", x, site.weight("temperature", np.array(layer.value, FLOAT)))


@writes(PiecewiseLinear)
def piecewise_linear(site: Site, layer: PiecewiseLinear, x: Value) -> Value:
    """Each piece as a line that is cut off at both ends."""
    count = sum(layer.pieces)
    of_piece = np.repeat(np.arange(len(layer.knots)), layer.pieces).astype(np.int64)
    numbers = site.node("Gather", x, site.weight("input", of_piece), shape=(x.shape[0], count), axis=1)
    shifted = site.node("Sub", numbers, site.weight("low", site.state("low")))
    places = site.node("Mul", shifted, site.weight("factor", site.state("factor")))
    cut = site.node("Clip", places, site.number(0.0), site.number(1.0))
    pieces = site.node("Sub", site.node("Mul", cut, site.number(2.0)), site.number(1.0))
    return site.node("Concat", pieces, x, shape=(x.shape[0], count + x.sizes[0]), axis=-1)
