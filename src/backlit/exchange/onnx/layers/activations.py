"""Activations: an operator each."""

from __future__ import annotations

import math

import numpy as np

from backlit.exchange.onnx.graph import FLOAT, TRUE, Value
from backlit.exchange.onnx.mapping import Site, writes
from backlit.nn.layers.activations import (
    ELU,
    GELU,
    SELU,
    Identity,
    LeakyReLU,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Step,
    Tanh,
)
from backlit.nn.layers.augment import Augment
from backlit.nn.layers.dropout import Dropout

GELU_SINCE = 20  # the opset that has it


@writes(Identity, Dropout, Augment)
def nothing(site: Site, layer: Identity | Dropout | Augment, x: Value) -> Value:
    """What does nothing when a network is used isn't written."""
    return x


@writes(Sigmoid, Tanh, ReLU, SELU, Softplus)
def plain(site: Site, layer: Sigmoid | Tanh | ReLU | SELU | Softplus, x: Value) -> Value:
    """Operators without options."""
    return site.node({ReLU: "Relu", SELU: "Selu"}.get(type(layer), type(layer).__name__), x)


@writes(LeakyReLU)
def leaky_relu(site: Site, layer: LeakyReLU, x: Value) -> Value:
    """With its slope."""
    return site.node("LeakyRelu", x, alpha=float(layer.slope))


@writes(ELU)
def elu(site: Site, layer: ELU, x: Value) -> Value:
    """With its alpha."""
    return site.node("Elu", x, alpha=float(layer.alpha))


@writes(PReLU)
def prelu(site: Site, layer: PReLU, x: Value) -> Value:
    """Slopes by feature belong to the last axis."""
    x = site.graph.last(x) if layer.by_feature else x
    slope = site.weight("slope", np.reshape(site.params["slope"], (-1,)))
    return site.node("PRelu", x, slope)


@writes(Step)
def step(site: Site, layer: Step, x: Value) -> Value:
    """``x > 0`` as a number."""
    return site.graph.cast(site.node("Greater", x, site.number(0.0), dtype=TRUE), FLOAT)


@writes(SiLU)
def silu(site: Site, layer: SiLU, x: Value) -> Value:
    """``x · σ(x)``."""
    return site.node("Mul", x, site.node("Sigmoid", x))


@writes(Softmax)
def softmax(site: Site, layer: Softmax, x: Value) -> Value:
    """Along the last axis."""
    return site.node("Softmax", site.graph.last(x), axis=-1)


@writes(GELU)
def gelu(site: Site, layer: GELU, x: Value) -> Value:
    """The operator, or before there was one its formula."""
    if site.graph.opset >= GELU_SINCE:
        return site.node("Gelu", x, approximate="tanh" if layer.approximate else "none")
    half = site.node("Mul", x, site.number(0.5))
    if layer.approximate:
        cubed = site.node("Mul", site.node("Mul", x, x), x)
        inner = site.node("Add", x, site.node("Mul", cubed, site.number(0.044715)))
        curve = site.node("Tanh", site.node("Mul", inner, site.number(math.sqrt(2 / math.pi))))
    else:
        curve = site.node("Erf", site.node("Mul", x, site.number(math.sqrt(0.5))))
    return site.node("Mul", half, site.node("Add", curve, site.number(1.0)))
