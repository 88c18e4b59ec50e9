"""Layers in a spec, a word each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from backlit.errors import InputError, unknown
from backlit.nn.layer import Layer
from backlit.nn.layers import activations
from backlit.nn.layers.dropout import DropConnect, Dropout
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.normalization import BatchNorm, LayerNorm, RMSNorm
from backlit.nn.layers.pooling import GlobalAvgPool
from backlit.nn.layers.shaping import Flatten
from backlit.nn.spec import networks
from backlit.nn.spec.parts import RECURRENT, Maker, start_for, whole_numbers


@dataclass(frozen=True)
class Kind:
    """A word for a layer.

    Attributes
    ----------
    usage : str
        How it is written.
    counts : tuple of int
        The fewest and the most whole numbers it takes.
    add : callable
        ``add(maker, word)``.
    places : bool
        Whether it takes pictures or sequences: a recurrent layer before it gives all its steps.
    """

    usage: str
    counts: tuple[int, int]
    add: Callable[[Maker, Word], None]
    places: bool = False


@dataclass(frozen=True)
class Word:
    """A word with its numbers and its place."""

    name: str
    text: str
    sizes: list[int]
    place: str
    later: list[str]  # names of the words after it

    @property
    def start(self) -> str:
        """The initialiser for its weights, by the next activation before other weights."""
        for name in self.later:
            if name in ACTIVATIONS:
                return start_for(name)
            if name in ("conv", "linear", "dropconnect", *RECURRENT):
                break
        return "xavier"


def _conv(maker: Maker, word: Word) -> None:
    channels, kernel, stride = (*word.sizes, *(3, 1)[len(word.sizes) - 1 :])
    maker.convolve(channels, kernel, stride, word.start, word=word.place)


def _pool(maker: Maker, word: Word) -> None:
    maker.pool(word.name, word.sizes[0], word=word.place)


def _globalpool(maker: Maker, word: Word) -> None:
    maker.places("globalpool", word.place)
    maker.add(GlobalAvgPool(), word=word.place)


def _linear(maker: Maker, word: Word) -> None:
    maker.add(Linear(word.sizes[0], weight_init=word.start), word=word.place)


def _embed(maker: Maker, word: Word) -> None:
    maker.embed(word.sizes[0], word.place)


def _recurrent(maker: Maker, word: Word) -> None:
    everything = any(KINDS[name].places for name in word.later)
    maker.recur(word.name, word.sizes[0], everything, word.place)


def _dropout(maker: Maker, word: Word) -> None:
    try:
        rate = float(word.text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate < 1:
        raise _misspelt(maker, word.place, "dropout:SHARE, from 0 to below 1, such as dropout:0.2")
    maker.add(Dropout(rate), word=word.place)


def _dropconnect(maker: Maker, word: Word) -> None:
    units, _, text = word.text.partition(",")
    sizes = whole_numbers(units)
    try:
        rate = float(text or "0.5")
    except ValueError:
        rate = -1.0
    if sizes is None or not 0 <= rate < 1:
        raise _misspelt(maker, word.place, KINDS["dropconnect"].usage)
    maker.add(DropConnect(sizes[0], weight_init=word.start, rate=rate), word=word.place)


def _simple(make: Callable[[], Layer]) -> Callable[[Maker, Word], None]:
    return lambda maker, word: maker.add(make(), word=word.place)


ACTIVATIONS = tuple(name for name in activations.names() if name != "linear")  # here the layer
KINDS: dict[str, Kind] = {
    "conv": Kind("conv:CHANNELS,KERNEL,STRIDE, such as conv:16,3", (1, 3), _conv, places=True),
    "pool": Kind("pool:SIZE, such as pool:2", (1, 1), _pool, places=True),
    "avgpool": Kind("avgpool:SIZE, such as avgpool:2", (1, 1), _pool, places=True),
    "globalpool": Kind("globalpool without a number", (0, 0), _globalpool, places=True),
    "flatten": Kind("flatten without a number", (0, 0), _simple(Flatten), places=True),
    "linear": Kind("linear:UNITS, such as linear:64", (1, 1), _linear),
    "embed": Kind("embed:SIZE, such as embed:32", (1, 1), _embed),
    **{name: Kind(f"{name}:UNITS, such as {name}:64", (1, 1), _recurrent, places=True) for name in RECURRENT},
    "batchnorm": Kind("batchnorm without a number", (0, 0), _simple(BatchNorm)),
    "layernorm": Kind("layernorm without a number", (0, 0), _simple(LayerNorm)),
    "rmsnorm": Kind("rmsnorm without a number", (0, 0), _simple(RMSNorm)),
    "dropout": Kind("dropout:SHARE, such as dropout:0.2", (0, 9), _dropout),
    "dropconnect": Kind("dropconnect:UNITS,SHARE, such as dropconnect:64,0.2", (1, 2), _dropconnect),
    **{name: Kind(f"{name} without a number", (0, 0), _simple(partial(activations.get, name))) for name in ACTIVATIONS},
}


def _misspelt(maker: Maker, place: str, usage: str) -> InputError:
    return InputError(f"network {maker.spec!r}{place}: expected {usage}")


def spell(maker: Maker) -> None:
    """Add the layers of all words of the spec to the maker's."""
    words = maker.spec.split()
    names = [word.partition(":")[0] for word in words]
    places = [f", word {i} {word!r}" for i, word in enumerate(words, 1)]
    for name, place in zip(names, places, strict=True):
        if name in networks.KINDS and name not in KINDS:
            raise InputError(f"network {maker.spec!r}{place}: {name} is a whole network and stands alone")
        if name not in KINDS:
            raise InputError(f"network {maker.spec!r}{place}: {unknown('layer', name, KINDS)}")
    for i, (word, name, place) in enumerate(zip(words, names, places, strict=True)):
        kind, text = KINDS[name], word.partition(":")[2]
        sizes = whole_numbers(text) if text else [] if word == name else None
        low, high = kind.counts
        if name not in ("dropout", "dropconnect") and (sizes is None or not low <= len(sizes) <= high):
            raise _misspelt(maker, place, kind.usage)
        kind.add(maker, Word(name, text, sizes or [], place, names[i + 1 :]))
