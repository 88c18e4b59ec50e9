"""Keras' layers as layers of Backlit, by their classes' names."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.exchange.keras.reading import Reader, learned
from backlit.nn.layer import Layer
from backlit.nn.layers import activations as act
from backlit.nn.layers.convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from backlit.nn.layers.dropout import Dropout
from backlit.nn.layers.embedding import Embedding
from backlit.nn.layers.gru import GRU
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.lstm import LSTM
from backlit.nn.layers.normalization import BatchNorm, LayerNorm, RMSNorm
from backlit.nn.layers.pooling import AvgPool1d, AvgPool2d, GlobalAvgPool, GlobalMaxPool, MaxPool1d, MaxPool2d
from backlit.nn.layers.recurrent import RNN
from backlit.nn.layers.rescale import Rescale
from backlit.nn.layers.sequence import Bidirectional
from backlit.nn.layers.shaping import Flatten, Permute, Reshape, Select
from backlit.nn.layers.transformer import MultiHeadAttention

Call = tuple[list[str], Any]  # the inputs' names, and Keras' node


def _short(sizes: Any) -> Any:
    """One number for several that are alike."""
    sizes = tuple(sizes) if isinstance(sizes, (tuple, list)) else (sizes,)
    return sizes[0] if len(set(sizes)) == 1 else sizes


def _dense(r: Reader, k: Any, call: Call) -> str:
    layer = Linear(k.units, bias=k.use_bias)
    return r.activated(k, r.add(k, layer, call[0], learned(k)))


def _convolution(r: Reader, k: Any, call: Call, depthwise: bool = False) -> str:
    (name,), _ = call
    padding: Any = k.padding
    kind = {1: Conv1d, 2: Conv2d}.get(k.rank)
    if kind is None or padding == "causal":
        r.refuse(k, "only convolutions on one and two axes have a counterpart, and padding 'valid' or 'same'")
    if name in r.borders:
        if padding == "same":
            r.refuse(k, "it has a border, and another one before it")
        pairs = r.borders[name]
        name = r.nodes[name].inputs[0]
        padding = pairs
    arrays = learned(k)
    channels, groups = (
        (k.filters, k.groups) if not depthwise else (arrays[0].shape[-1] * arrays[0].shape[-2], arrays[0].shape[-2])
    )
    if depthwise:
        arrays[0] = arrays[0].reshape(*arrays[0].shape[:-2], 1, channels)
    layer = kind(
        channels, _short(k.kernel_size), _short(k.strides), padding, _short(k.dilation_rate), groups, bias=k.use_bias
    )
    return r.activated(k, r.add(k, layer, [name], arrays))


def _depthwise(r: Reader, k: Any, call: Call) -> str:
    return _convolution(r, k, call, depthwise=True)


def _separable(r: Reader, k: Any, call: Call) -> str:
    (name,), _ = call
    if name in r.borders or k.rank not in (1, 2):
        r.refuse(k, "a border before it has no counterpart")
    deep, point, *bias = learned(k)
    kind = {1: Conv1d, 2: Conv2d}[k.rank]
    groups, channels = deep.shape[-2], deep.shape[-2] * deep.shape[-1]
    across = (_short(k.kernel_size), _short(k.strides), k.padding, _short(k.dilation_rate))
    first = kind(channels, *across, groups=groups, bias=False)
    name = r.add(k, first, [name], [deep.reshape(*deep.shape[:-2], 1, channels)])
    return r.activated(k, r.add(k, kind(k.filters, 1, bias=k.use_bias), [name], [point, *bias]))


def _transposed(r: Reader, k: Any, call: Call) -> str:
    kind = {1: ConvTranspose1d, 2: ConvTranspose2d}.get(k.rank)
    if kind is None or call[0][0] in r.borders:
        r.refuse(k, "only transposed convolutions on one and two axes have a counterpart, without another border")
    extra: Any = 0
    if k.padding == "valid":  # Keras: size · stride + max(kernel - stride, 0)
        extra = k.output_padding
        if extra is None:
            extra = [max(s - n, 0) for n, s in zip(k.kernel_size, k.strides, strict=True)]
    elif k.output_padding is not None:
        r.refuse(k, "padding='same' with output_padding has no counterpart")
    layer = kind(
        k.filters, _short(k.kernel_size), _short(k.strides), k.padding, _short(k.dilation_rate), bias=k.use_bias,
        output_padding=_short(extra),
    )  # fmt: skip
    return r.activated(k, r.add(k, layer, call[0], learned(k)))


def _padding(r: Reader, k: Any, call: Call) -> str:
    pairs = k.padding if isinstance(k.padding[0], (tuple, list)) else (k.padding,)
    name = r.add(k, act.Identity(), call[0])
    r.borders[name] = tuple((int(before), int(after)) for before, after in pairs)
    return name


def _pool(kinds: tuple[Any, Any]) -> Any:
    def reading(r: Reader, k: Any, call: Call) -> str:
        rank = len(k.pool_size)
        if rank > 2:
            r.refuse(k, "only pooling on one and two axes has a counterpart")
        size, stride = _short(k.pool_size), _short(k.strides)
        return r.add(k, kinds[rank - 1](size, None if stride == size else stride, k.padding), call[0])

    return reading


def _global(layer: Layer) -> Any:
    def reading(r: Reader, k: Any, call: Call) -> str:
        name = r.add(k, layer, call[0])
        if not k.keepdims:
            return name
        shape = call[1].output_tensors[0].shape[1:]
        return r.add(k, Reshape(tuple(shape)), [name])

    return reading


def _batch_norm(r: Reader, k: Any, call: Call) -> str:
    if k.axis not in (-1, len(call[1].input_tensors[0].shape) - 1):
        r.refuse(k, f"only axis=-1 has a counterpart, got {k.axis}")
    affine = k.center or k.scale
    layer = BatchNorm(momentum=round(1 - k.momentum, 12), epsilon=k.epsilon, affine=affine)
    return _scaled(r, k, call, layer, affine, running=2)


def _layer_norm(r: Reader, k: Any, call: Call) -> str:
    count = len(call[1].input_tensors[0].shape)
    given = k.axis if isinstance(k.axis, (tuple, list)) else [k.axis]
    axes = sorted(axis % count for axis in given)
    if axes != list(range(count - len(axes), count)) or getattr(k, "rms_scaling", False):
        r.refuse(k, "only the last axes have a counterpart, and no rms_scaling")
    affine = k.center or k.scale
    return _scaled(r, k, call, LayerNorm(axes=len(axes), epsilon=k.epsilon, affine=affine), affine, running=0)


def _scaled(r: Reader, k: Any, call: Call, layer: Layer, affine: bool, running: int) -> str:
    """A norm; of scale and bias the one that Keras' layer leaves out stays frozen."""
    arrays = learned(k)
    if affine and not k.scale:
        arrays.insert(0, np.ones_like(arrays[0]))
    if affine and not k.center:
        arrays.insert(1, np.zeros_like(arrays[0]))
    name = r.add(k, layer, call[0], arrays)
    missing = tuple(path for path, there in (("scale", k.scale), ("bias", k.center)) if affine and not there)
    if missing and k.trainable:
        r.nodes[name] = type(r.nodes[name])(**{**vars(r.nodes[name]), "frozen": missing})
    return name


def _rms_norm(r: Reader, k: Any, call: Call) -> str:
    axes = list(k.axis) if isinstance(k.axis, (tuple, list)) else [k.axis]
    if axes not in ([-1], [len(call[1].input_tensors[0].shape) - 1]):
        r.refuse(k, f"only axis=-1 has a counterpart, got {k.axis}")
    return r.add(k, RMSNorm(epsilon=k.epsilon), call[0], learned(k))


def _embedding(r: Reader, k: Any, call: Call) -> str:
    if k.mask_zero:
        r.refuse(k, "mask_zero=True: wrap what reads the sequence in bl.Masked here, and load the weights into it")
    return r.add(k, Embedding(k.input_dim, k.output_dim), call[0], learned(k))


def recurrent_layer(r: Reader, k: Any, within: bool = False) -> Layer:
    """The layer of SimpleRNN, LSTM or GRU; `within` a Bidirectional, which turns what comes out backwards."""
    if k.stateful or k.return_state:
        r.refuse(k, "stateful and return_state have no counterpart")
    if k.go_backwards and k.return_sequences and not within:
        r.refuse(
            k, "go_backwards with return_sequences gives steps from the last to the first; that has no counterpart"
        )
    name = type(k).__name__
    if name != "SimpleRNN" and (k.activation.__name__, k.recurrent_activation.__name__) != ("tanh", "sigmoid"):
        r.refuse(k, "only activation='tanh' with recurrent_activation='sigmoid' has a counterpart")
    options: dict[str, Any] = {"return_sequences": k.return_sequences, "bias": k.use_bias, "dropout": k.dropout}
    options |= {"recurrent_dropout": k.recurrent_dropout, "reverse": k.go_backwards and not within}
    if name == "LSTM":
        return LSTM(k.units, forget_bias=float(k.unit_forget_bias), **options)
    if name == "GRU":
        return GRU(k.units, reset_after=k.reset_after, **options)
    if k.activation.__name__ not in ("tanh", "relu"):
        r.refuse(k, "only tanh and relu have a counterpart")
    return RNN(k.units, activation=k.activation.__name__, **options)


def _recurrent(r: Reader, k: Any, call: Call) -> str:
    return r.add(k, recurrent_layer(r, k), call[0], learned(k))


def _bidirectional(r: Reader, k: Any, call: Call) -> str:
    ways = {"concat": "concatenate", "sum": "sum", "ave": "mean"}
    if k.merge_mode not in ways:
        r.refuse(k, f"merge_mode={k.merge_mode!r} has no counterpart; there are {', '.join(ways)}")
    body: Any = recurrent_layer(r, k.forward_layer, within=True)
    if body != recurrent_layer(r, k.backward_layer, within=True):
        r.refuse(k, "its backward layer has other settings than its forward layer")
    return r.add(k, Bidirectional(body, ways[k.merge_mode]), call[0], learned(k))


def _each_step(r: Reader, k: Any, call: Call) -> str:
    if type(k.layer).__name__ != "Dense":
        r.refuse(k, "only TimeDistributed(Dense) has a counterpart")
    return _dense(r, k.layer, call)


def _attention(r: Reader, k: Any, call: Call) -> str:
    given, node = call
    features = node.input_tensors[0].shape[-1]
    if len(set(given)) != 1 or any(node.arguments.kwargs.get(name) is not None for name in ("attention_mask",)):
        r.refuse(k, "query, key and value must be one sequence, without a mask but use_causal_mask")
    if k.key_dim * k.num_heads != features or k.value_dim != k.key_dim or k._output_shape:
        r.refuse(k, f"num_heads · key_dim must be the number of features, {features}, and value_dim be key_dim")
    causal = bool(node.arguments.kwargs.get("use_causal_mask"))
    layer = MultiHeadAttention(features, k.num_heads, causal=causal, dropout=k.dropout, bias=k._use_bias)
    return r.add(k, layer, [given[0]], learned(k))


# ----------------------------------------------------------------------------------------- activations


def _activation(r: Reader, k: Any, call: Call) -> str:
    layer = r.activation(k, k.activation)
    return r.add(k, layer or act.Identity(), call[0])


def _relu(r: Reader, k: Any, call: Call) -> str:
    if k.max_value is not None or k.threshold:
        r.refuse(k, "max_value and threshold have no counterpart")
    slope = float(k.negative_slope)
    return r.add(k, act.LeakyReLU(slope) if slope else act.ReLU(), call[0])


def _prelu(r: Reader, k: Any, call: Call) -> str:
    (slope,) = learned(k)
    places = slope.shape[:-1]
    if any(size != 1 for size in places):
        r.refuse(k, "a slope for each place has no counterpart; share them with shared_axes=[1, 2]")
    shared = slope.size == 1 and call[1].input_tensors[0].shape[-1] != 1
    return r.add(k, act.PReLU(by_feature=not shared), call[0], [slope])


def _softmax(r: Reader, k: Any, call: Call) -> str:
    if k.axis not in (-1, len(call[1].input_tensors[0].shape) - 1):
        r.refuse(k, f"only axis=-1 has a counterpart, got {k.axis}")
    return r.add(k, act.Softmax(), call[0])


def _rescaling(r: Reader, k: Any, call: Call) -> str:
    scale, offset = (np.atleast_1d(np.asarray(value, float)) for value in (k.scale, k.offset))
    scale, offset = np.broadcast_arrays(scale, offset)
    if scale.ndim > 1 or (scale <= 0).any():
        r.refuse(k, "only scales above zero, one for all or for each channel, have a counterpart")
    return r.add(k, Rescale(tuple((-offset / scale).tolist()), tuple((1 / scale).tolist())), call[0])


# --------------------------------------------------------------------------------------- shapes, merges


def _merge(way: str) -> Any:
    def reading(r: Reader, k: Any, call: Call) -> str:
        given, node = call
        shapes = {tuple(tensor.shape) for tensor in node.input_tensors}
        if way != "concatenate" and len(shapes) > 1:
            r.refuse(k, f"values of shapes {sorted(shapes, key=str)} are added; they must be alike")
        if len(given) < 2:
            r.refuse(k, "only two values that are computed from the input have a counterpart")
        axis = getattr(k, "axis", -1)
        if way == "concatenate" and axis not in (-1, len(node.input_tensors[0].shape) - 1):
            r.refuse(k, f"only axis=-1 has a counterpart, got {axis}")
        return r.merged(k, given, way)

    return reading


def _get_item(r: Reader, k: Any, call: Call) -> str:
    key = call[1].arguments.args[1]
    key = tuple(key) if isinstance(key, (tuple, list)) else (key,)  # a list, where it comes from a file
    numbers = [axis for axis, one in enumerate(key) if one != slice(None)]
    if len(numbers) != 1 or not isinstance(key[numbers[0]], int) or not numbers[0]:
        r.refuse(k, "of an index only one number has a counterpart, as in x[:, -1]")
    return r.add(k, Select(key[numbers[0]], numbers[0]), call[0])


def _plain(layer: Any) -> Any:
    """A layer that is made of Keras' one by a function."""

    def reading(r: Reader, k: Any, call: Call) -> str:
        return r.add(k, layer(k), call[0])

    return reading


LAYERS: dict[str, Any] = {
    "Dense": _dense,
    **dict.fromkeys(("Conv1D", "Conv2D"), _convolution),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _depthwise),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _separable),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose"), _transposed),
    **dict.fromkeys(("ZeroPadding1D", "ZeroPadding2D"), _padding),
    **dict.fromkeys(("MaxPooling1D", "MaxPooling2D"), _pool((MaxPool1d, MaxPool2d))),
    **dict.fromkeys(("AveragePooling1D", "AveragePooling2D"), _pool((AvgPool1d, AvgPool2d))),
    **dict.fromkeys(("GlobalAveragePooling1D", "GlobalAveragePooling2D"), _global(GlobalAvgPool())),
    **dict.fromkeys(("GlobalMaxPooling1D", "GlobalMaxPooling2D"), _global(GlobalMaxPool())),
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "RMSNormalization": _rms_norm,
    "Embedding": _embedding,
    **dict.fromkeys(("SimpleRNN", "LSTM", "GRU"), _recurrent),
    "Bidirectional": _bidirectional,
    "TimeDistributed": _each_step,
    "MultiHeadAttention": _attention,
    "Activation": _activation,
    "ReLU": _relu,
    "LeakyReLU": _plain(lambda k: act.LeakyReLU(float(k.negative_slope))),
    "ELU": _plain(lambda k: act.ELU(float(k.alpha))),
    "PReLU": _prelu,
    "Softmax": _softmax,
    "Rescaling": _rescaling,
    "Dropout": _plain(lambda k: Dropout(float(k.rate))),
    **dict.fromkeys(
        ("SpatialDropout1D", "SpatialDropout2D"), _plain(lambda k: Dropout(float(k.rate), by_channel=True))
    ),
    "Identity": _plain(lambda k: act.Identity()),
    "Flatten": _plain(lambda k: Flatten()),
    "Reshape": _plain(lambda k: Reshape(tuple(k.target_shape))),
    "Permute": _plain(lambda k: Permute(tuple(k.dims))),
    "GetItem": _get_item,
    "Add": _merge("sum"),
    "Average": _merge("mean"),
    "Concatenate": _merge("concatenate"),
}
