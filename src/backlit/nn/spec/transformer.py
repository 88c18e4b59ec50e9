"""Transformers by their spec: "transformer:2x64", "transformer:2x64,heads=8"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from backlit.errors import InputError
from backlit.nn.layer import Layer, Network
from backlit.nn.layers.dropout import Dropout
from backlit.nn.layers.normalization import LayerNorm
from backlit.nn.layers.positions import PositionalEncoding
from backlit.nn.layers.transformer import ScaledDotProductAttention, TransformerBlock

KIND = "transformer"
VECTORS = "normal:1"  # how tokens' vectors start: as large as the sinusoids that are added to them
USAGE = "transformer:LAYERSxUNITS such as transformer:2x64, with heads such as transformer:2x64,heads=8 if you like"
HEAD = 16  # features that each head has at least, if the number of heads isn't said
FEWEST, MOST = 2, 8  # heads, if the number isn't said and the units allow


@dataclass(frozen=True)
class Size:
    """How large a Transformer is.

    Attributes
    ----------
    layers, units, heads : int
    """

    layers: int
    units: int
    heads: int

    @classmethod
    def read(cls, spec: str) -> Size:
        """The size that a spec says.

        Raises
        ------
        InputError
            If it isn't "transformer", "transformer:2x64" or "transformer:2x64,heads=8", or the heads can't share the
            units evenly (each an even number of them).

        Examples
        --------
        >>> Size.read("transformer:2x64"), Size.read("transformer:1x24,heads=3")
        (Size(layers=2, units=64, heads=4), Size(layers=1, units=24, heads=3))
        """
        text = spec.strip().partition(":")[2] if ":" in spec else "2x64"
        found = re.fullmatch(r"([1-9]\d{0,3})x([1-9]\d{0,5})(?:,heads=([1-9]\d{0,4}))?", text.strip(), re.ASCII)
        if not found:
            raise InputError(f"network {spec!r}: expected {USAGE}")
        layers, units = int(found[1]), int(found[2])
        if found[3] is None:
            wanted = range(min(MOST, max(FEWEST, units // HEAD)), 0, -1)
            heads = next((heads for heads in wanted if units % (2 * heads) == 0), 0)
        else:
            heads = int(found[3]) if units % (2 * int(found[3])) == 0 else 0
        if not heads:
            raise InputError(
                f"network {spec!r}: each head takes an even number of the {units} units; choose units and heads that "
                "fit, such as transformer:2x64,heads=4"
            )
        return cls(layers, units, heads)

    def encoder(self, dropout: float = 0.0, causal: bool = False) -> list[Layer]:
        """Layers that make of each step's vector of `units` one that knows the others: (time, units) -> the same.

        Rotary positions tell how far apart steps are. Where a step stands is known from how much it sees, if it sees
        what came before alone; else sinusoids tell it.

        >>> [type(layer).__name__ for layer in Size(2, 64, 4).encoder()]
        ['PositionalEncoding', 'TransformerBlock', 'TransformerBlock', 'LayerNorm']
        """
        drop: list[Layer] = [Dropout(dropout)] if dropout else []
        blocks = [
            TransformerBlock(self.units, self.heads, causal=causal, rotary=True, dropout=dropout)
            for _ in range(self.layers)
        ]
        places: list[Layer] = [] if causal else [PositionalEncoding()]
        return [*places, *drop, *blocks, LayerNorm()]


def is_transformer(network: Any) -> bool:
    """Whether a network, or the spec of one, is a Transformer: has attention of several heads.

    >>> is_transformer("transformer:2x64"), is_transformer("lstm:64"), is_transformer(TransformerBlock(8, 2))
    (True, False, True)
    """
    if isinstance(network, str):
        return network.strip().partition(":")[0] == KIND
    return bool(attentions(network))


def attentions(network: Any) -> dict[str, ScaledDotProductAttention]:
    """The layers of a network in which steps look at each other, by path."""
    architecture = network.architecture if isinstance(network, Network) else network
    if not isinstance(architecture, Layer):
        return {}
    return {path: layer for path, layer in architecture.walk() if isinstance(layer, ScaledDotProductAttention)}


def require_causal(network: Any) -> None:
    """Refuse attention that sees what comes next, in a network that is to foretell it.

    Raises
    ------
    InputError
        With the layer's path.
    """
    for path, layer in attentions(network).items():
        if not layer.causal:
            raise InputError(
                f"layer {path} ({layer}) sees the tokens that it is to foretell; give the attention causal=True"
            )
