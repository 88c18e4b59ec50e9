"""Layers made of layers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError, unknown
from backlit.graph import tree
from backlit.graph.ops.elementwise import softplus
from backlit.graph.ops.reduction import logsumexp
from backlit.graph.ops.shape import concatenate, stack
from backlit.graph.ops.stable import log_softmax
from backlit.nn.context import Context, Params, Shape, ensure_context
from backlit.nn.hyperparameters import whole
from backlit.nn.key import Key
from backlit.nn.layer import Layer, init_part
from backlit.nn.layers.convolution import Conv1d, Conv2d
from backlit.nn.layers.linear import Linear
from backlit.nn.shapes import Shapes

Ways = str | tuple[tuple[str, str], ...]  # one for all, or by name
WAYS = ("concatenate", "sum", "mean", "mean_softmax", "mean_sigmoid")  # in which several arrays become one


def require_layers(kind: str, parts: tuple[Layer, ...]) -> None:
    """Refuse parts of a container that aren't layers."""
    for i, part in enumerate(parts):
        if not isinstance(part, Layer):
            raise InputError(f"{kind}: part {i} must be a layer such as bl.Linear(64), got {part!r}")


def as_layers(layers: Any) -> tuple[Any, ...]:
    """Layers that were given as one argument."""
    if not isinstance(layers, (tuple, list)):
        raise InputError(f"layers must be a tuple of layers, got {layers!r}")
    return tuple(layers)


@dataclass(frozen=True, repr=False)
class _Chain(Layer):
    """What containers have in common whose parts come one after another."""

    @property
    def input_names(self) -> tuple[str, ...]:
        parts = self.parts()
        return parts[0][1].input_names if parts else ()

    @property
    def output_names(self) -> tuple[str, ...]:
        parts = self.parts()
        return parts[-1][1].output_names if parts else ()

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        params: Params = {}
        shape = input_shape
        for name, layer in self.parts():
            part_params, shape = init_part(key, name, layer, shape)
            if part_params:
                params[name] = part_params
        return params, shape

    def open(self, input_shape: Shape) -> list[tuple[str, Layer, Shape]]:
        opened = []
        for name, layer in self.parts():
            opened.append((name, layer, input_shape))
            input_shape = layer.output_shape(input_shape)
        return opened

    def output_shape(self, input_shape: Shape) -> Shape:
        for _, layer in self.parts():
            input_shape = layer.output_shape(input_shape)
        return input_shape

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        for name, layer in self.parts():
            x = ctx.run(name, layer, params, x)
        return x


@dataclass(frozen=True, repr=False, init=False)
class Sequential(_Chain):
    """Layers one after another; their names are "0", "1", ….

    Examples
    --------
    >>> import backlit as bl
    >>> bl.Sequential(bl.Linear(64), bl.ReLU(), bl.Linear(10)).build((64,)).size
    4810
    """

    layers: tuple[Layer, ...]

    def __init__(self, *args: Layer, layers: tuple[Layer, ...] | None = None) -> None:
        parts = args if layers is None else as_layers(layers)
        require_layers("Sequential", parts)
        object.__setattr__(self, "layers", parts)

    def parts(self) -> list[tuple[str, Layer]]:
        return [(str(i), layer) for i, layer in enumerate(self.layers)]

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"


@dataclass(frozen=True, repr=False, init=False)
class Residual(Layer):
    """``y = x + F(x)``: a skip connection around some layers, so that gradients reach what is before them undiminished.

    Parameters
    ----------
    *layers : Layer
        F: one layer, or several one after another (its parameters are under "body").
    projection : bool
        If F changes the last size, ``y = P x + F(x)`` with a learned matrix P (under "projection"); without it
        such an F is refused.
    zero_start : bool
        F's last weights and biases start at zero (or the scale of a normalisation that comes after them), so that the
        block starts as the identity and the variance of what runs through many blocks doesn't grow.
    stride : int
        Of F, if it takes steps along a line or picture: P then sees every stride-th place, as a 1×1 convolution.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> block = bl.Residual(bl.Linear(8), bl.ReLU(), bl.Linear(3), zero_start=True).build((3,))
    >>> block(np.array([[1.0, 2.0, 3.0]], dtype="float32")).tolist()
    [[1.0, 2.0, 3.0]]

    References
    ----------
    He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, CVPR 2016 (arXiv:1512.03385). Start at zero:
    Goyal et al., Accurate, Large Minibatch SGD, 2017 (arXiv:1706.02677).
    """

    body: Layer
    projection: bool = True
    zero_start: bool = False
    stride: int = whole(1)

    def __init__(
        self,
        *layers: Layer,
        body: Layer | None = None,
        projection: bool = True,
        zero_start: bool = False,
        stride: int = 1,
    ) -> None:
        parts = layers if body is None else (body, *layers)
        if not parts:
            raise InputError("Residual needs at least one layer, as in bl.Residual(bl.Linear(64), bl.ReLU())")
        require_layers("Residual", parts)
        object.__setattr__(self, "body", parts[0] if len(parts) == 1 else Sequential(*parts))
        object.__setattr__(self, "projection", bool(projection))
        object.__setattr__(self, "zero_start", bool(zero_start))
        object.__setattr__(self, "stride", stride)
        self.__post_init__()

    def parts(self) -> list[tuple[str, Layer]]:
        return [("body", self.body)]

    def _projection(self, input_shape: Shape) -> Layer | None:
        """The projection that this input's shape needs."""
        inner = self.body.output_shape(input_shape)
        if inner == input_shape and self.stride == 1:
            return None
        if self.projection and self.stride > 1 and len(input_shape) in (2, 3) and inner:
            conv = Conv1d if len(input_shape) == 2 else Conv2d
            strided = conv(inner[-1], 1, self.stride, bias=False, weight_init="xavier")
            if strided.output_shape(input_shape) == inner:
                return strided
        if not self.projection or not inner or inner[:-1] != input_shape[:-1] or self.stride > 1:
            remedy = (
                "sizes other than the last can't be projected, unless stride says by which steps they shrink"
                if self.projection
                else "let the last layer give as many, or use projection=True"
            )
            raise ShapeError(
                f"Residual: inputs of shape {input_shape} can't be added to outputs of shape {inner}; {remedy}"
            )
        return Linear(inner[-1], bias=False)

    def open(self, input_shape: Shape) -> list[tuple[str, Layer, Shape]]:
        projection = self._projection(input_shape)
        opened = [("body", self.body, input_shape)]
        return opened if projection is None else [*opened, ("projection", projection, input_shape)]

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        params: Params = {}
        for name, layer, shape in self.open(input_shape):
            part_params, _ = init_part(key, name, layer, shape)
            if part_params:
                params[name] = part_params
        if self.zero_start:
            params["body"] = self._ended_by_zeros(params.get("body", {}))
        return params, self.body.output_shape(input_shape)

    def _ended_by_zeros(self, params: Params) -> Params:
        flat = tree.flatten_dict(params)
        names = {path: path.split("/")[-1] for path in flat}
        if not any(name == "weight" and flat[path].ndim > 1 for path, name in names.items()):
            raise InputError(f"Residual: zero_start=True, but there are no weights in {self.body}")
        # A normalisation after the weights would undo a small start of theirs: then its scale is the last factor.
        last = [path for path, name in names.items() if name == "scale" or (name == "weight" and flat[path].ndim > 1)][
            -1
        ]
        for path in (last, last.removesuffix(names[last]) + "bias"):
            if path in flat:
                flat[path] = np.zeros_like(flat[path])
        return tree.nest(flat)

    def output_shape(self, input_shape: Shape) -> Shape:
        self._projection(input_shape)
        return self.body.output_shape(input_shape)

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        y = ctx.run("body", self.body, params, x)
        projection = self._projection(tuple(x.shape[1:]))
        return y + (x if projection is None else ctx.run("projection", projection, params, x))

    def __repr__(self) -> str:
        shown = [repr(self.body)]
        shown += [] if self.projection else ["projection=False"]
        shown += ["zero_start=True"] if self.zero_start else []
        shown += [f"stride={self.stride}"] if self.stride > 1 else []
        return f"Residual({', '.join(shown)})"


@dataclass(frozen=True, repr=False, init=False)
class Parallel(Layer):
    """The same input through several layers side by side; their outputs are put together. Their names are "0", "1", ….

    Parameters
    ----------
    *layers : Layer
    combine : "concatenate", "sum", "mean", "mean_softmax" or "mean_sigmoid", or dict of output to one of them
        One after another along the last axis, or added or averaged (then of one shape). An ensemble of classifiers
        averages probabilities: "mean_softmax" gives ``log(mean of softmax(z))``, "mean_sigmoid" the logit of the mean
        of ``sigmoid(z)``, so that the result is logits again. Of layers with several outputs, a dict may say it for
        each output by name.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.Parallel(bl.Linear(3), bl.Linear(2)).output_shape((4,))
    (5,)
    """

    layers: tuple[Layer, ...]
    combine: Ways = "concatenate"

    def __init__(
        self,
        *args: Layer,
        layers: tuple[Layer, ...] | None = None,
        combine: Ways | Mapping[str, str] = "concatenate",
    ) -> None:
        parts = args if layers is None else as_layers(layers)
        if not parts:
            raise InputError("Parallel needs at least one layer")
        require_layers("Parallel", parts)
        object.__setattr__(self, "layers", parts)
        object.__setattr__(self, "combine", ways_of("Parallel", combine))

    def parts(self) -> list[tuple[str, Layer]]:
        return [(str(i), layer) for i, layer in enumerate(self.layers)]

    @property
    def input_names(self) -> tuple[str, ...]:
        return self.layers[0].input_names if self.layers else ()

    @property
    def output_names(self) -> tuple[str, ...]:
        return self.layers[0].output_names if self.layers else ()

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        params: Params = {}
        for name, layer in self.parts():
            part_params, _ = init_part(key, name, layer, input_shape)
            if part_params:
                params[name] = part_params
        return params, self.output_shape(input_shape)

    def output_shape(self, input_shape: Shape) -> Shape:
        return merged_shape("Parallel", self.combine, [layer.output_shape(input_shape) for layer in self.layers])

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        return merge(self.combine, [ctx.run(name, layer, params, x) for name, layer in self.parts()])

    def __repr__(self) -> str:
        ways = self.combine if isinstance(self.combine, str) else dict(self.combine)
        way = "" if ways == "concatenate" else f", combine={ways!r}"
        return f"Parallel({', '.join(map(repr, self.layers))}{way})"


def require_way(kind: str, way: str) -> None:
    """Refuse an unknown way."""
    if way not in WAYS:
        raise unknown(f"combine of {kind}", way, WAYS)


def ways_of(kind: str, combine: Any, besides: tuple[str, ...] = ()) -> Ways:
    """How several arrays become one, as a layer keeps it: a way, or pairs of name and way; refuse unknown ways."""
    if isinstance(combine, str):
        given: Any = [("", combine)]
    else:
        pairs = combine.items() if isinstance(combine, Mapping) else combine
        if not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
            raise InputError(f"{kind}: combine must be a way, or a dict of name to way, got {combine!r}")
        given = [(str(name), way) for name, way in pairs]
    for _, way in given:
        if way not in besides:
            require_way(kind, way)
    return combine if isinstance(combine, str) else tuple(given)


def way_for(ways: Ways, name: str, default: str) -> str:
    """The way for one name.

    >>> way_for("mean", "join", "sum"), way_for((("join", "concatenate"),), "other", "sum")
    ('mean', 'sum')
    """
    return ways if isinstance(ways, str) else dict(ways).get(name, default)


def merged_shape(where: str, ways: Ways, shapes: Sequence[Any]) -> Any:
    """Shape, without the batch axis, of some arrays put together; of arrays by name, of each by itself.

    >>> merged_shape("here", "concatenate", [(4, 2), (4, 3)])
    (4, 5)
    """
    first = shapes[0]
    if len(shapes) == 1:
        return first
    if any(isinstance(shape, Shapes) for shape in shapes):
        if any(not isinstance(shape, Shapes) or set(shape) != set(first) for shape in shapes):
            raise ShapeError(f"{where}: {_listed(shapes)} can't be put together: all must have the same outputs")
        return Shapes(
            {
                name: merged_shape(
                    f"{where}, output {name!r}", way_for(ways, name, "concatenate"), [shape[name] for shape in shapes]
                )
                for name in first
            }
        )
    way = way_for(ways, "", "concatenate")
    if way == "concatenate":
        if not first or any(not shape or shape[:-1] != first[:-1] for shape in shapes):
            raise ShapeError(
                f"{where}: shapes {_listed(shapes)} can't be concatenated: all sizes but the last must be equal"
            )
        return (*first[:-1], sum(shape[-1] for shape in shapes))
    if any(shape != first for shape in shapes):
        raise ShapeError(
            f"{where}: shapes {_listed(shapes)} have no {way}: they must be equal; use combine='concatenate'"
        )
    return first


def _listed(shapes: Sequence[Shape]) -> str:
    return ", ".join(map(str, shapes))


def merge(ways: Ways, arrays: Sequence[Any]) -> Any:
    """The arrays put together: one after another along the last axis, or added, or averaged; by name, if they are so.

    Logits can be averaged as probabilities: "mean_softmax" gives ``log(mean of softmax(z))``, "mean_sigmoid"
    ``logit(mean of sigmoid(z))``.
    """
    if len(arrays) == 1:
        return arrays[0]
    if isinstance(arrays[0], dict):
        return {name: merge(way_for(ways, name, "concatenate"), [part[name] for part in arrays]) for name in arrays[0]}
    way = way_for(ways, "", "concatenate")
    if way == "concatenate":
        return concatenate(list(arrays), axis=-1)
    if way == "mean_softmax":
        return logsumexp(stack([log_softmax(z, axis=-1) for z in arrays]), axis=0) - math.log(len(arrays))
    if way == "mean_sigmoid":  # log σ(z) = -softplus(-z), and log(1 - σ(z)) = -softplus(z)
        yes, no = (logsumexp(stack([-softplus(sign * z) for z in arrays]), axis=0) for sign in (-1, 1))
        return yes - no
    total = arrays[0]
    for array in arrays[1:]:
        total = total + array
    return total * (1.0 / len(arrays)) if way == "mean" else total
