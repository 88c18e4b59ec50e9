"""In which order PyTorch has the axes of each layer's inputs, where Backlit always has channels last.

Lines and pictures have their channels first in PyTorch: a layer that convolves or pools wants them so, and what follows
keeps them so until a layer needs features last. A picture that is flattened then has its numbers in another order, and
the next layer's weights in PyTorch are those of that order. `plan` says it for each layer of a network; the modules
that `to_torch` builds follow it, and so do files of weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.nn.context import Shape
from backlit.nn.layer import Layer, Place
from backlit.nn.layers import activations
from backlit.nn.layers.containers import Parallel, Residual, _Chain
from backlit.nn.layers.convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from backlit.nn.layers.dropout import Dropout
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.normalization import BatchNorm
from backlit.nn.layers.pooling import (
    AdaptiveAvgPool2d,
    AvgPool1d,
    AvgPool2d,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool1d,
    MaxPool2d,
)
from backlit.nn.layers.rescale import Rescale, Temperature
from backlit.nn.layers.sequence import EachStep, Masked
from backlit.nn.layers.shaping import Flatten
from backlit.nn.layers.transformer import MultiHeadAttention
from backlit.nn.layers.wired import INPUT, OUTPUT, Wired
from backlit.nn.shapes import Shapes

Form = str | Shape  # "first" or "last": where channels are; of a flattened picture its shape, channels last
FIRST, LAST = "first", "last"
CONVOLUTIONS = (Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d)
PICTURES = (*CONVOLUTIONS, MaxPool1d, MaxPool2d, AvgPool1d, AvgPool2d, AdaptiveAvgPool2d)
_ANY = (Dropout, Temperature, Rescale, activations._Activation)  # work on each number alone


@dataclass(frozen=True)
class Step:
    """A layer's shape and forms.

    Attributes
    ----------
    shape : tuple of int
        Of its input, as Backlit has it.
    into, out : Form, or dict of name to Form
        Of its input and output, as PyTorch has them; of several that of each.
    masked : bool
        Whether it is in a `Masked`, whose layers have features last throughout.
    """

    shape: Shape
    into: Any
    out: Any
    masked: bool = False


def plan(architecture: Layer, input_shape: Shape | Shapes) -> dict[str, Step]:
    """Each layer's forms, by path.

    Examples
    --------
    >>> import backlit as bl
    >>> network = bl.Sequential(bl.Conv2d(4, 3), bl.Flatten(), bl.Linear(2))
    >>> [(path, step.into, step.out) for path, step in plan(network, (5, 5, 1)).items()]
    [('0', 'first', 'first'), ('1', 'first', (3, 3, 4)), ('2', (3, 3, 4), 'last'), ('', 'first', 'last')]
    """
    steps: dict[str, Step] = {}
    whole: Any = input_shape
    _plan(Place("", architecture, whole, ()), starts(architecture, whole), False, steps)
    return steps


def starts(architecture: Layer, input_shape: Any) -> Any:
    """The form of a network's input: channels first, if the first layer to which it matters wants them so.

    Of several inputs that of each, by name; an input that several nodes take has its channels first if one wants them.
    """
    if architecture.input_names:
        named: Any = architecture
        while not isinstance(named, Wired):
            named = named.parts()[0][1]
        forms = dict.fromkeys(input_shape, LAST)
        for name, layer, shape in named.open(input_shape):
            source, *others = named.sources(name)
            if source in forms and not others and starts(layer, shape) == FIRST:
                forms[source] = FIRST
        return forms
    for place in architecture.walk_shapes(input_shape):
        if place.layer.parts() and not isinstance(place.layer, (EachStep, Masked)):
            continue
        wanted, _ = _leaf(place.layer, place.shape, LAST)
        if wanted == FIRST:
            return FIRST
        if not isinstance(place.layer, _ANY):
            break
    return LAST


def order_of(places: Shape) -> np.ndarray:
    """Which of PyTorch's numbers of a flattened picture stands at each of Backlit's places.

    >>> order_of((2, 1, 3)).tolist()
    [0, 2, 4, 1, 3, 5]
    """
    *spatial, channels = places
    return np.moveaxis(np.arange(math.prod(places)).reshape(channels, *spatial), 0, -1).reshape(-1)


def _plan(place: Place, form: Any, masked: bool, steps: dict[str, Step]) -> Any:
    layer, shape = place.layer, place.shape
    into, out = form, _container(place, form, masked, steps) if layer.parts() else None
    if out is None or isinstance(layer, (EachStep, Masked)):
        into = LAST
    if out is None:
        into, out = (LAST, LAST) if masked else _leaf(layer, shape, form)
    steps[place.path] = Step(shape, into, out, masked)
    return out


def _container(place: Place, form: Any, masked: bool, steps: dict[str, Step]) -> Any:
    """A container's output, from those of its parts; None for containers that are built as one."""
    layer = place.layer
    if isinstance(layer, MultiHeadAttention):
        return None
    inside = place.inside()
    if isinstance(layer, _Chain):
        for part in inside:
            form = _plan(part, form, masked, steps)
        return form
    if isinstance(layer, Parallel) and layer.output_names:
        for part in inside:
            _plan(part, form, masked, steps)
        return dict.fromkeys(layer.output_names, LAST)
    if isinstance(layer, (Residual, Parallel)):
        outs = {_plan(part, form, masked, steps) for part in inside}
        if isinstance(layer, Residual) and len(inside) == 1:
            outs.add(form)  # of what is added as it is
        return outs.pop() if len(outs) == 1 and outs <= {FIRST, LAST} else LAST
    if isinstance(layer, Wired) and (layer.inputs or layer.outputs):
        forms = dict(form) if layer.inputs else {INPUT: form}
        for (name, _), part in zip(layer.nodes, inside, strict=True):
            forms[name] = _plan(part, joined([forms[source] for source in layer.sources(name)]), masked, steps)
        given: dict[str, Form] = {}
        for name in layer.outputs or (OUTPUT,):
            out = joined([forms[one] for one in ([name] if name in dict(layer.nodes) else layer.sources(name))])
            given[name] = out if out in (FIRST, LAST) else LAST
        return given if layer.outputs else given[OUTPUT]
    if isinstance(layer, Wired):
        common = form if form in (FIRST, LAST) else LAST
        for part in inside:
            _plan(part, along(common, part.shape), masked, steps)
        return along(common, layer.output_shape(place.shape))
    if isinstance(layer, (EachStep, Masked)):
        masked = isinstance(layer, Masked)
        out = _plan(inside[0], LAST, masked, steps)
        return out if masked else LAST
    return None


def joined(forms: Sequence[Any]) -> Any:
    """The form in which values come together: the one that all have, if it says where channels are, else last.

    >>> joined(["first", "first"]), joined(["first", "last"]), joined([(3, 3, 4)]), joined([(3, 3, 4), "last"])
    ('first', 'last', (3, 3, 4), 'last')
    """
    if len(forms) > 1 and any(form != forms[0] or form not in (FIRST, LAST) for form in forms):
        return LAST
    return forms[0]


def along(form: Form, shape: Shape) -> Form:
    """The form of a value of this shape: with one axis there is no first and last."""
    return form if len(shape) > 1 else LAST


def _leaf(layer: Layer, shape: Shape, form: Form) -> tuple[Form, Form]:
    """In which form a layer wants its input, and in which it gives its output."""
    alone = len(shape) == 1
    channels = isinstance(layer, PICTURES) or (isinstance(layer, BatchNorm) and len(shape) in (2, 3))
    channels |= not alone and isinstance(layer, activations.PReLU) and layer.by_feature
    channels |= not alone and isinstance(layer, Dropout) and layer.by_channel
    if channels:
        return FIRST, FIRST
    if isinstance(layer, Rescale) and len(layer.shift) > 1 and form not in (FIRST, LAST):
        return LAST, LAST
    if isinstance(layer, _ANY) or (isinstance(layer, BatchNorm) and alone):
        return form, form
    if isinstance(layer, (GlobalAvgPool, GlobalMaxPool)) and form == FIRST:
        return FIRST, LAST
    if isinstance(layer, Linear) and alone:
        return form, LAST
    if isinstance(layer, Flatten) and form == FIRST:
        mixed = shape[-1] > 1 and math.prod(shape[:-1]) > 1
        return FIRST, shape if mixed else LAST
    return LAST, LAST
