"""What a spec becomes layers with: the layers so far, and the shape that reaches the next one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypedDict

from backlit.errors import InputError, ShapeError, unknown
from backlit.nn.layer import Layer, Shape
from backlit.nn.layers import activations
from backlit.nn.layers.convolution import Conv1d, Conv2d
from backlit.nn.layers.dropout import Dropout
from backlit.nn.layers.embedding import Embedding
from backlit.nn.layers.gru import GRU
from backlit.nn.layers.lstm import LSTM
from backlit.nn.layers.pooling import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from backlit.nn.layers.recurrent import RNN
from backlit.nn.layers.sequence import Bidirectional
from backlit.nn.layers.shaping import Flatten, Reshape

RECTIFIED = ("relu", "leaky_relu", "prelu", "elu", "gelu", "gelu_tanh", "silu")
CELLS = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
RECURRENT = (*CELLS, *(f"bi{kind}" for kind in CELLS))  # one direction, then both
POOLS = {"pool": (MaxPool1d, MaxPool2d), "avgpool": (AvgPool1d, AvgPool2d)}


def start_for(activation: str) -> str:
    """The initialiser that suits weights before an activation."""
    return "kaiming" if activation in RECTIFIED else "lecun" if activation == "selu" else "xavier"


def whole_numbers(text: str) -> list[int] | None:
    """Sizes such as "64,32", or None if that isn't what it says."""
    if not re.fullmatch(r"[1-9]\d{0,8}(,[1-9]\d{0,8})*", text, re.ASCII):
        return None
    return [int(size) for size in text.split(",")]


def kind_and_sizes(
    spec: str, kinds: Iterable[str], usual: str, usage: str, what: str = "network"
) -> tuple[str, list[int]]:
    """The kind and the sizes of a spec such as "lstm:64,64".

    Parameters
    ----------
    spec : str
        "kind" or "kind:sizes".
    kinds : iterable of str
        Those that may be named.
    usual : str
        The sizes where none are named.
    usage : str
        What was expected, for the message; ``{kind}`` stands for the kind.
    what : str
        What is described, for the message.

    Raises
    ------
    InputError
        If the kind isn't one of them, or what follows it isn't sizes.

    Examples
    --------
    >>> kind_and_sizes("gru:64,32", RECURRENT, "128", "layers' sizes such as {kind}:64,64")
    ('gru', [64, 32])
    """
    kind, _, text = spec.partition(":")
    if kind not in kinds:
        raise unknown(what, kind, kinds)
    sizes = whole_numbers(text or usual)
    if sizes is None:
        raise InputError(f"network {spec!r}: expected {usage.format(kind=kind)}")
    return kind, sizes


def recurrent(kind: str, units: int, **options: Any) -> Layer:
    """A recurrent layer by its name, of one direction or of both.

    >>> recurrent("bigru", 8, return_sequences=True)
    Bidirectional(GRU(8, return_sequences=True))
    """
    layer = CELLS[kind.removeprefix("bi")](units, **options)
    return Bidirectional(layer) if kind.startswith("bi") else layer


class Inputs(TypedDict, total=False):
    """What reaches a network, as far as it is known.

    Attributes
    ----------
    input_shape : tuple of int, optional
        Of one example.
    seen_as : tuple of int, optional
        Shape of the pictures, or sequences, that flat rows hold.
    vocabulary : int, optional
        Inputs are whole numbers below it, (time,), which are embedded.
    """

    input_shape: Shape | None
    seen_as: Shape | None
    vocabulary: int | None


@dataclass(eq=False)
class Maker:
    """Layers so far, and the shape they give; None where it isn't known.

    Parameters
    ----------
    spec : str
        For messages.
    """

    spec: str
    activation: str
    dropout: float
    shape: Shape | None
    seen_as: Shape | None
    vocabulary: int | None
    layers: list[Layer] = field(default_factory=list)

    def add(self, *layers: Layer, word: str = "") -> None:
        """Layers one after another; what doesn't fit is told by the word."""
        for layer in layers:
            if self.shape is not None:
                try:
                    self.shape = layer.output_shape(self.shape)
                except ShapeError as error:
                    raise InputError(f"network {self.spec!r}{word}: {error}") from error
            self.layers.append(layer)

    def activate(self, dropout: bool = True) -> None:
        """The activation, and dropout if there is any."""
        self.add(activations.get(self.activation))
        if dropout:
            self.drop()

    def drop(self) -> None:
        """Dropout, if there is to be any."""
        if self.dropout:
            self.add(Dropout(self.dropout))

    def embed(self, size: int | None = None, word: str = "") -> None:
        """Whole numbers become vectors."""
        if self.vocabulary is None:
            raise InputError(
                f"network {self.spec!r}{word}: embed takes whole numbers such as the codes of words; "
                "these inputs are real numbers"
            )
        self.add(Embedding(self.vocabulary, size or min(64, max(4, round(1.6 * self.vocabulary**0.56)))), word=word)

    def flat(self) -> None:
        """One row of numbers for each example, whatever comes in."""
        self._embedded()
        if self.shape is not None and len(self.shape) != 1:
            self.add(Flatten())

    def places(self, what: str, word: str = "") -> Shape:
        """See to inputs with places, a sequence's or a picture's, and say what shape they have."""
        self._embedded()
        if self._is_flat() and self.seen_as is not None:
            self.add(Reshape(self.seen_as))
        if self.shape is None:
            raise InputError(f"network {self.spec!r}{word}: {what} needs the inputs' shape; give input_shape")
        if len(self.shape) not in (2, 3):
            raise InputError(
                f"network {self.spec!r}{word}: {what} needs pictures (height, width, channels) or sequences "
                f"(time, features), but gets {_described(self.shape)}; give the inputs such a shape, or use mlp:64,32"
            )
        return self.shape

    def sequence(self, what: str, word: str = "") -> None:
        """See to a sequence; a picture becomes one of rows."""
        shape = self.places(what, word)
        if len(shape) == 3:
            self.add(Reshape((shape[0], shape[1] * shape[2])))

    def recur(self, kind: str, units: int, everything: bool, word: str = "") -> None:
        """A recurrent layer, which gives all its steps or the last."""
        self.sequence(kind, word)
        self.add(recurrent(kind, units, return_sequences=everything), word=word)

    def convolve(self, channels: int, kernel: int, stride: int, start: str, bias: bool = True, word: str = "") -> None:
        """A convolution with a border that keeps the size, but for the stride."""
        conv = Conv1d if len(self.places("conv", word)) == 2 else Conv2d
        self.add(conv(channels, kernel, stride, "same", weight_init=start, bias=bias), word=word)

    def pool(self, kind: str, size: int, word: str = "") -> None:
        """Pooling over windows that don't overlap."""
        self.add(POOLS[kind][len(self.places(kind, word)) - 2](size), word=word)

    def _embedded(self) -> None:
        if self.vocabulary is not None and not any(isinstance(layer, Embedding) for layer in self.layers):
            self.embed()

    def _is_flat(self) -> bool:
        return self.shape is None or len(self.shape) == 1


def _described(shape: Shape) -> str:
    return f"rows of {shape[0]} numbers" if len(shape) == 1 else f"inputs of shape {shape}"
