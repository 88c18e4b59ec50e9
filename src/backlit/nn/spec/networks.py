"""Whole networks, each by one word and its sizes."""

from __future__ import annotations

import math
from collections.abc import Callable

from backlit.errors import InputError
from backlit.nn.layer import Layer
from backlit.nn.layers import activations
from backlit.nn.layers.containers import Residual, Sequential
from backlit.nn.layers.convolution import Conv1d, Conv2d
from backlit.nn.layers.dropout import Dropout
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.normalization import BatchNorm
from backlit.nn.layers.pooling import GlobalAvgPool
from backlit.nn.layers.shaping import Flatten
from backlit.nn.layers.wired import Wired
from backlit.nn.spec.parts import RECURRENT, Maker, start_for, whole_numbers
from backlit.nn.spec.transformer import KIND, Size
from backlit.nn.spec.wiring import Wiring

SMALLEST = 4  # a block of a cnn leaves at least so many places along each axis
MOST_PLACES = 64  # with more before the dense layer, each channel's mean stands for it
DENSE = 128  # units of the dense layer
LARGE = 64  # above so many places along an axis, a resnet first halves its input twice


def _sizes(maker: Maker, text: str, otherwise: str, what: str) -> list[int]:
    sizes = whole_numbers(text or otherwise)
    if sizes is None:
        raise InputError(f"network {maker.spec!r}: expected {what}")
    return sizes


def _linear(maker: Maker, kind: str, text: str) -> None:
    if text:
        raise InputError(f"network {maker.spec!r}: linear has no hidden layers; use mlp:{text}")
    maker.flat()


def _mlp(maker: Maker, kind: str, text: str) -> None:
    maker.flat()
    for size in _sizes(maker, text, "64", "hidden layers' sizes such as mlp:64,32"):
        maker.add(Linear(size, weight_init=start_for(maker.activation)))
        maker.activate()


def _cnn(maker: Maker, kind: str, text: str) -> None:
    """Blocks of convolution, batch norm, activation, pooling; then a dense layer."""
    side = max(maker.places(kind)[:-1])
    blocks = min(5, max(2, round(math.log2(side / SMALLEST))))
    by_size = ",".join(str(min(128, 32 * 2**i)) for i in range(blocks))
    start = start_for(maker.activation)
    for channels in _sizes(maker, text, by_size, "the blocks' channels such as cnn:32,64"):
        maker.convolve(channels, 3, 1, start, bias=False)
        maker.add(BatchNorm())
        maker.activate(dropout=False)
        if min(maker.places(kind)[:-1]) >= 2 * SMALLEST:
            maker.pool("pool", 2)
    maker.add(Flatten() if math.prod(maker.places(kind)[:-1]) <= MOST_PLACES else GlobalAvgPool())
    maker.add(Linear(DENSE, weight_init=start))
    maker.activate()


def _resnet(maker: Maker, kind: str, text: str) -> None:
    """He, Zhang, Ren, Sun, CVPR 2016, section 4.2: three stages of n blocks with 16, 32, 64 channels, depth 6n + 2."""
    depth = (whole_numbers(text or "8") or [0])[0]
    if depth < 8 or depth % 6 != 2 or "," in text:
        raise InputError(f"network {maker.spec!r}: expected a depth of 6n + 2 layers: resnet:8, resnet:14, resnet:20")
    shape = maker.places(kind)
    conv, large = (Conv1d if len(shape) == 2 else Conv2d), max(shape[:-1]) > LARGE
    start = start_for(maker.activation)
    activation = activations.get(maker.activation)

    def convolution(channels: int, stride: int = 1) -> Layer:
        return conv(channels, 3, stride, "same", weight_init=start, bias=False)

    maker.add(convolution(16, 2 if large else 1), BatchNorm(), activation)
    if large:
        maker.pool("pool", 2)
    for stage, channels in enumerate((16, 32, 64)):
        for block in range((depth - 2) // 6):
            stride = 2 if stage and not block else 1
            inside = (convolution(channels, stride), BatchNorm(), activation, convolution(channels), BatchNorm())
            maker.add(Residual(*inside, zero_start=True, stride=stride), activation)
    maker.add(GlobalAvgPool())


def _recurrent(maker: Maker, kind: str, text: str) -> None:
    sizes = _sizes(maker, text, "64", f"layers' sizes such as {kind}:64,64")
    for i, units in enumerate(sizes):
        maker.recur(kind, units, everything=i + 1 < len(sizes))
        maker.drop()


def _transformer(maker: Maker, kind: str, text: str) -> None:
    """Blocks of attention over a sequence, and the mean of what they make of its steps."""
    size = Size.read(maker.spec)
    if maker.vocabulary is not None:
        maker.embed(size.units)
    maker.sequence(kind)
    if maker.vocabulary is None:
        maker.add(Linear(size.units))
    maker.add(*size.encoder(maker.dropout), GlobalAvgPool())
    maker.drop()


def _residual(maker: Maker, kind: str, text: str) -> None:
    """A dense layer, then blocks x + F(x) whose last layer starts at zero; of another width after another layer."""
    maker.flat()
    start, width = start_for(maker.activation), 0
    for size in _sizes(maker, text, "64,64", "the blocks' widths such as residual:64,64"):
        if size != width:
            maker.add(Linear(size, weight_init=start))
            maker.activate(dropout=False)
            width = size
        drop: list[Layer] = [Dropout(maker.dropout)] if maker.dropout else []
        inside = (Linear(size, weight_init=start), activations.get(maker.activation), *drop, Linear(size))
        maker.add(Residual(*inside, zero_start=True))


def _wired(maker: Maker, kind: str, text: str) -> None:
    """A dense layer, then one at each node of a graph."""
    graph = Wiring.read(maker.spec, text)
    maker.flat()
    start = start_for(maker.activation)

    def node() -> Layer:
        drop: list[Layer] = [Dropout(maker.dropout)] if maker.dropout else []
        return Sequential(Linear(graph.units, weight_init=start), activations.get(maker.activation), *drop)

    maker.add(Linear(graph.units, weight_init=start))
    maker.activate(dropout=False)
    try:
        maker.add(Wired(node(), graph.edges, "weighted" if graph.learned else "mean"))
    except InputError as error:
        raise InputError(f"network {maker.spec!r}: {error}") from None


KINDS: dict[str, Callable[[Maker, str, str], None]] = {
    "linear": _linear,
    "mlp": _mlp,
    "cnn": _cnn,
    "resnet": _resnet,
    "residual": _residual,
    "wired": _wired,
    KIND: _transformer,
    **dict.fromkeys(RECURRENT, _recurrent),
}
