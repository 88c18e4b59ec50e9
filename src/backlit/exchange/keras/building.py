"""A network as a Keras model: each layer by the Keras layers that do the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import keras
import numpy as np

from backlit.errors import InputError
from backlit.exchange.keras.layouts import write
from backlit.graph import tree
from backlit.graph.ops.convolution import transposed
from backlit.graph.window import borders, per_axis, reach
from backlit.nn.context import Params, Shape
from backlit.nn.layer import Layer, Network
from backlit.nn.layers import activations as act
from backlit.nn.layers.augment import Augment
from backlit.nn.layers.containers import Parallel, Residual, _Chain, way_for
from backlit.nn.layers.convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from backlit.nn.layers.dropout import Dropout
from backlit.nn.layers.embedding import Embedding, OneHot
from backlit.nn.layers.gru import GRU
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.lstm import LSTM
from backlit.nn.layers.normalization import BatchNorm, LayerNorm, RMSNorm
from backlit.nn.layers.pooling import (
    AdaptiveAvgPool2d,
    AvgPool1d,
    AvgPool2d,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool1d,
    MaxPool2d,
)
from backlit.nn.layers.recurrent import RNN
from backlit.nn.layers.rescale import Rescale, Temperature
from backlit.nn.layers.sequence import Bidirectional, EachStep
from backlit.nn.layers.shaping import Flatten, Permute, Reshape, Select
from backlit.nn.layers.transformer import MultiHeadAttention
from backlit.nn.layers.wired import INPUT, OUTPUT, WEIGHTED, Wired
from backlit.nn.shapes import Shapes

_MERGES = {"concatenate": keras.layers.Concatenate, "sum": keras.layers.Add, "mean": keras.layers.Average}
_WAYS = {"concatenate": "concat", "sum": "sum", "mean": "ave"}
K = keras.layers


@dataclass(frozen=True)
class Part:
    """A layer that is to be built: where it stands and what it has learned."""

    path: str
    layer: Any
    shape: Shape
    params: Params
    state: dict[str, Any]
    frozen: tuple[str, ...]
    filled: list[tuple[Any, list[np.ndarray]]] = field(default_factory=list)  # layers whose weights are set at the end

    @property
    def name(self) -> str:
        """What the layer is called in Keras."""
        return f"{type(self.layer).__name__.lower()}_{self.path.replace('/', '_') or '0'}"

    def inside(self, name: str, layer: Layer, shape: Shape) -> Part:
        """A part of this container."""
        path = f"{self.path}/{name}" if self.path else name
        return Part(path, layer, shape, self.params.get(name, {}), self.state.get(name, {}), self.frozen, self.filled)

    def parts(self) -> list[Part]:
        """All parts, a projection that the shapes call for included."""
        return [self.inside(name, layer, shape) for name, layer, shape in self.layer.open(self.shape)]

    def refuse(self, why: str) -> NoReturn:
        """Say which layer Keras has no counterpart for."""
        raise InputError(f"to_keras: layer {self.path or '-'} ({self.layer}): {why}")

    def learned(self, layer: Any) -> Any:
        """A Keras layer that is to have this one's values."""
        paths = [f"{self.path}/{path}" if self.path else path for path, _ in tree.items(self.params)]
        still = [path for path in paths if path in self.frozen]
        if still and len(still) < len(paths):
            self.refuse(f"only {', '.join(still)} of it is frozen, but Keras freezes whole layers")
        layer.trainable = not still
        self.filled.append((layer, write(self.layer, self.params, self.state)))
        return layer


def built(network: Network) -> Any:
    """The model of a network: see `Network.to_keras`."""
    state = tree.nest(network.state) if network.state else {}
    whole = Part("", network.architecture, network.input_shape, network.params, state, network.frozen)
    dtype = str(network.dtype)
    given = _given(network)
    policy = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy(dtype)
        model = keras.Model(given, build(whole, given))
    finally:
        keras.config.set_dtype_policy(policy)
    for layer, arrays in whole.filled:
        layer.set_weights([np.asarray(array, dtype=dtype) for array in arrays])
    chain = [step for step in model.operations if not isinstance(step, K.InputLayer)]
    simple = all(isinstance(step, K.Layer) and len(step._inbound_nodes) == 1 for step in chain)
    named = network.input_names or network.output_names
    if named or not simple or any(len(step._inbound_nodes[0].input_tensors) != 1 for step in chain):
        return model
    return keras.Sequential([given, *chain])


def _given(network: Network) -> Any:
    """The network's input as Keras' tensor, or several by name."""
    shape, dtype = network.input_shape, str(network.dtype)
    if not isinstance(shape, Shapes):
        return keras.Input(shape, dtype="int32" if _integers(network) else dtype)
    whole = network.architecture.takes_integers_at
    return {name: keras.Input(one, name=name, dtype="int32" if whole(name) else dtype) for name, one in shape.items()}


def _integers(network: Network) -> bool:
    first = next(layer for _, layer in network.architecture.walk() if not layer.parts())
    return network.takes_integers and not isinstance(first, Rescale)


def build(part: Part, x: Any) -> Any:
    """What a layer gives for a tensor of Keras'."""
    layer = part.layer
    if isinstance(layer, MultiHeadAttention):
        return _attention(part, x)
    if isinstance(layer, _Chain):
        for inner in part.parts():
            x = build(inner, x)
        return x
    if isinstance(layer, Residual):
        body, *projection = part.parts()
        skip = build(projection[0], x) if projection else x
        return K.Add(name=f"{part.name}_sum")([skip, build(body, x)])
    if isinstance(layer, Parallel):
        return _parallel(part, [build(inner, x) for inner in part.parts()])
    if isinstance(layer, Wired):
        return _wired(part, x)
    builder = BUILDERS.get(type(layer))
    if builder is None:
        part.refuse("Keras has no layer that does the same")
    return builder(part, x)


def _merged(part: Part, way: Any, values: list[Any], name: str) -> Any:
    if len(values) == 1:
        return values[0]
    if way not in _MERGES:
        part.refuse(f"combine={way!r} has no counterpart in Keras")
    return _MERGES[way](name=f"{part.name}_{name}")(values)


def _parallel(part: Part, values: list[Any]) -> Any:
    layer = part.layer
    if not layer.output_names:
        return _merged(part, layer.combine, values, "output")
    return {
        name: _merged(part, way_for(layer.combine, name, "concatenate"), [value[name] for value in values], name)
        for name in layer.output_names
    }


def _wired(part: Part, x: Any) -> Any:
    layer = part.layer
    outputs = layer.outputs or (OUTPUT,)
    if any(layer.way(name) == WEIGHTED for name in (*dict(layer.nodes), *outputs)):
        part.refuse("learned weights of edges have no counterpart in Keras")
    made = dict(x) if layer.inputs else {INPUT: x}

    def arrived(name: str) -> Any:
        return _merged(part, layer.way(name), [made[start] for start in layer.sources(name)], f"into_{name}")

    for inner in part.parts():
        name = inner.path.rpartition("/")[2]
        made[name] = build(inner, arrived(name))
    given = {name: made[name] if name in dict(layer.nodes) else arrived(name) for name in outputs}
    return given if layer.outputs else given[OUTPUT]


# -------------------------------------------------------------------------------------------- layers


def _simple(kind: Callable[..., Any], **names: str) -> Any:
    """A layer without values, with some of ours settings under Keras' names."""

    def builder(part: Part, x: Any) -> Any:
        return kind(name=part.name, **{theirs: getattr(part.layer, ours) for theirs, ours in names.items()})(x)

    return builder


def _activation(name: str) -> Any:
    return lambda part, x: K.Activation(name, name=part.name)(x)


def _linear(part: Part, x: Any) -> Any:
    return part.learned(K.Dense(part.layer.units, use_bias=part.layer.bias, name=part.name))(x)


def _embedding(part: Part, x: Any) -> Any:
    return part.learned(K.Embedding(part.layer.count, part.layer.size, name=part.name))(x)


def _convolution(part: Part, x: Any) -> Any:
    layer = part.layer
    kind, pad = {1: (K.Conv1D, K.ZeroPadding1D), 2: (K.Conv2D, K.ZeroPadding2D)}[layer.axes]
    padding = layer.padding
    if padding not in ("valid", "same"):
        sizes = part.shape[:-1]
        pairs = borders(str(layer), padding, sizes, sizes, per_axis(str(layer), "stride", layer.stride, layer.axes))
        if any(map(any, pairs)):
            x = pad(pairs if layer.axes > 1 else pairs[0], name=f"{part.name}_border")(x)
        padding = "valid"
    if padding == "same" and layer.axes and _uneven(layer, part.shape):
        part.refuse("padding='same' with a stride and a dilation has no counterpart in Keras")
    conv = kind(
        layer.channels, layer._kernel, layer.stride, padding, dilation_rate=layer.dilation, groups=layer.groups,
        use_bias=layer.bias, name=part.name,
    )  # fmt: skip
    return part.learned(conv)(x)


def _uneven(layer: Any, shape: Shape) -> bool:
    strides = per_axis(str(layer), "stride", layer.stride, layer.axes)
    spread = per_axis(str(layer), "dilation", layer.dilation, layer.axes)
    return max(strides) > 1 and max(spread) > 1


def _transposed(part: Part, x: Any) -> Any:
    layer = part.layer
    if layer.groups > 1:
        part.refuse("groups of a transposed convolution have no counterpart in Keras")
    kind, crop = {1: (K.Conv1DTranspose, K.Cropping1D), 2: (K.Conv2DTranspose, K.Cropping2D)}[layer.axes]
    settings = (layer.stride, layer.padding, layer.output_padding, layer.dilation)
    w, full = transposed(str(layer), part.shape[:-1], layer._kernel, *settings)
    if max(w.dilation) > 1 and max(w.stride) > 1:
        part.refuse("a stride with a dilation has no counterpart in Keras")
    extent = [reach(k, d) for k, d in zip(w.kernel, w.dilation, strict=True)]
    made = [(n - 1) * s + e for n, s, e in zip(part.shape[:-1], w.stride, extent, strict=True)]
    extra = [size + sum(pair) - m for size, pair, m in zip(full, w.padding, made, strict=True)]
    conv = kind(
        layer.channels, w.kernel, w.stride, "valid", output_padding=tuple(extra) if layer.axes > 1 else extra[0],
        dilation_rate=w.dilation, use_bias=layer.bias, name=part.name,
    )  # fmt: skip
    x = part.learned(conv)(x)
    if any(map(any, w.padding)):
        x = crop(w.padding if layer.axes > 1 else w.padding[0], name=f"{part.name}_cut")(x)
    return x


def _pooling(kinds: dict[int, Any]) -> Any:
    def builder(part: Part, x: Any) -> Any:
        layer = part.layer
        padding = "valid" if layer.padding in (0, "valid") else layer.padding
        if padding != "same" and padding != "valid":
            part.refuse("of borders only 'valid' and 'same' have a counterpart in Keras")
        return kinds[layer.axes](layer.size, layer.stride, padding, name=part.name)(x)

    return builder


def _adaptive(part: Part, x: Any) -> Any:
    target = (part.layer.rows, part.layer.columns or part.layer.rows)
    if any(size % count for size, count in zip(part.shape, target, strict=False)):
        part.refuse(f"{part.shape[:2]} places can't be divided evenly into {target}, and Keras has no other form")
    size = tuple(size // count for size, count in zip(part.shape, target, strict=False))
    return K.AveragePooling2D(size, name=part.name)(x)


def _global(kinds: dict[int, Any]) -> Any:
    def builder(part: Part, x: Any) -> Any:
        if len(part.shape) - 1 not in kinds:
            part.refuse("Keras has it for lines and pictures only")
        return kinds[len(part.shape) - 1](name=part.name)(x)

    return builder


def _batch_norm(part: Part, x: Any) -> Any:
    layer = part.layer
    affine = {"center": layer.affine, "scale": layer.affine}
    norm = K.BatchNormalization(momentum=1 - layer.momentum, epsilon=layer.epsilon, name=part.name, **affine)
    return part.learned(norm)(x)


def _layer_norm(part: Part, x: Any) -> Any:
    layer = part.layer
    affine = {"center": layer.affine, "scale": layer.affine}
    axes = list(range(-layer.axes, 0))
    return part.learned(K.LayerNormalization(axes, epsilon=layer.epsilon, name=part.name, **affine))(x)


def _rms_norm(part: Part, x: Any) -> Any:
    if part.layer.axes > 1 or not part.layer.affine:
        part.refuse("Keras has it for the last axis only, and with a scale")
    return part.learned(K.RMSNormalization(epsilon=part.layer.epsilon, name=part.name))(x)


def _dropout(part: Part, x: Any) -> Any:
    axes = len(part.shape)
    if not part.layer.by_channel or axes == 1:
        return K.Dropout(part.layer.rate, name=part.name)(x)
    if axes > 3:
        part.refuse("Keras drops whole channels of lines and pictures only")
    return {2: K.SpatialDropout1D, 3: K.SpatialDropout2D}[axes](part.layer.rate, name=part.name)(x)


def _prelu(part: Part, x: Any) -> Any:
    axes = len(part.shape)
    shared = list(range(1, axes)) if part.layer.by_feature else list(range(1, axes + 1))
    shape = (*[1] * (axes - 1), part.shape[-1]) if part.layer.by_feature else (1,) * axes
    values = np.reshape(part.params["slope"], shape)
    layer = part.learned(K.PReLU(shared_axes=shared or None, name=part.name))
    part.filled[-1] = (layer, [values])
    return layer(x)


def _recurrent_layer(part: Part, layer: Any, name: str, backwards: bool = False) -> Any:
    """SimpleRNN, LSTM or GRU with the layer's settings."""
    if layer.stateful or layer.return_states or layer.initial != "zeros":
        part.refuse("stateful, return_states and initial have no counterpart in Keras")
    if getattr(layer, "peepholes", False) or getattr(layer, "projection", 0):
        part.refuse("peepholes and projection have no counterpart in Keras")
    options = {"return_sequences": layer.return_sequences, "use_bias": layer.bias, "dropout": layer.dropout}
    options |= {"recurrent_dropout": layer.recurrent_dropout, "go_backwards": backwards, "name": name}
    if isinstance(layer, LSTM):
        return K.LSTM(layer.units, **options)
    if isinstance(layer, GRU):
        return K.GRU(layer.units, reset_after=layer.reset_after, **options)
    return K.SimpleRNN(layer.units, activation=layer.activation, **options)


def _recurrent(part: Part, x: Any) -> Any:
    layer = part.layer
    if layer.reverse and layer.return_sequences:
        part.refuse("Keras gives steps from the last to the first then; read both ways with bl.Bidirectional")
    return part.learned(_recurrent_layer(part, layer, part.name, layer.reverse))(x)


def _bidirectional(part: Part, x: Any) -> Any:
    layer = part.layer
    if layer.combine not in _WAYS:
        part.refuse(f"combine={layer.combine!r} has no counterpart in Keras")
    forward = _recurrent_layer(part, layer.body, f"{part.name}_body")
    return part.learned(K.Bidirectional(forward, merge_mode=_WAYS[layer.combine], name=part.name))(x)


def _attention(part: Part, x: Any) -> Any:
    layer = part.layer
    if layer.rotary or part.shape[-1] != layer.units:
        part.refuse("rotary positions, and another number of units than of features, have no counterpart in Keras")
    size = layer.units // layer.heads
    heads = K.MultiHeadAttention(layer.heads, size, dropout=layer.dropout, use_bias=layer.bias, name=part.name)
    return part.learned(heads)(x, x, use_causal_mask=layer.causal)


def _each_step(part: Part, x: Any) -> Any:
    (body,) = part.parts()
    given = keras.Input(body.shape)
    inner = keras.Model(given, build(body, given), name=f"{part.name}_body")
    return K.TimeDistributed(inner, name=part.name)(x)


def _rescale(part: Part, x: Any) -> Any:
    scale = 1 / np.array(part.layer.scale)
    offset = -np.array(part.layer.shift) * scale
    one = len(scale) == 1
    scale, offset = (values.tolist()[0] if one else values.tolist() for values in (scale, offset))
    return K.Rescaling(scale, offset, name=part.name)(x)


def _temperature(part: Part, x: Any) -> Any:
    return K.Rescaling(1 / part.layer.value, name=part.name)(x)


def _select(part: Part, x: Any) -> Any:
    return x[(*[slice(None)] * part.layer.axis, part.layer.index)]


BUILDERS: dict[type[Layer], Any] = {
    Linear: _linear,
    Embedding: _embedding,
    **dict.fromkeys((Conv1d, Conv2d), _convolution),
    **dict.fromkeys((ConvTranspose1d, ConvTranspose2d), _transposed),
    **dict.fromkeys((MaxPool1d, MaxPool2d), _pooling({1: K.MaxPooling1D, 2: K.MaxPooling2D})),
    **dict.fromkeys((AvgPool1d, AvgPool2d), _pooling({1: K.AveragePooling1D, 2: K.AveragePooling2D})),
    AdaptiveAvgPool2d: _adaptive,
    GlobalAvgPool: _global({1: K.GlobalAveragePooling1D, 2: K.GlobalAveragePooling2D}),
    GlobalMaxPool: _global({1: K.GlobalMaxPooling1D, 2: K.GlobalMaxPooling2D}),
    BatchNorm: _batch_norm,
    LayerNorm: _layer_norm,
    RMSNorm: _rms_norm,
    Dropout: _dropout,
    **dict.fromkeys((RNN, LSTM, GRU), _recurrent),
    Bidirectional: _bidirectional,
    EachStep: _each_step,
    Flatten: _simple(K.Flatten),
    Reshape: lambda part, x: K.Reshape(part.layer.output_shape(part.shape), name=part.name)(x),
    Permute: _simple(K.Permute, dims="axes"),
    Select: _select,
    OneHot: lambda part, x: keras.ops.one_hot(x, part.layer.count),
    Rescale: _rescale,
    Temperature: _temperature,
    Augment: _simple(K.Identity),  # pictures are changed in training alone
    act.Identity: _simple(K.Identity),
    act.ReLU: _simple(K.ReLU),
    act.LeakyReLU: _simple(K.LeakyReLU, negative_slope="slope"),
    act.PReLU: _prelu,
    act.ELU: _simple(K.ELU, alpha="alpha"),
    act.Softmax: _simple(K.Softmax),
    act.GELU: lambda part, x: (
        K.Activation("gelu", name=part.name)(x)
        if not part.layer.approximate
        else part.refuse("Keras' layer has only the exact form; use bl.GELU()")
    ),
    **{kind: _activation(kind.__name__.lower()) for kind in (act.Sigmoid, act.Tanh, act.SELU, act.SiLU, act.Softplus)},
}
