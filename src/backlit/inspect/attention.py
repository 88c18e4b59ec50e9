"""Where attention looked: the weights of each head of a Transformer, for a row of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.text.tokenizer import SPECIAL
from backlit.errors import InputError, unknown
from backlit.inspect.trace import require_network
from backlit.nn.spec.transformer import attentions

_SPECIAL = ("", "?", "⊢", "⊣")  # how padding, unknown tokens, start and end are shown


def attention_weights(network: Any, x: Any) -> dict[str, np.ndarray]:
    """What each step of some rows takes from each step, by the path of the attention and by head.

    Parameters
    ----------
    network : Network
    x : array (rows, ...)
        As the network takes it.

    Returns
    -------
    dict of arrays (rows, heads, steps, steps)
        Weights ``[row, head, query, key]``; each query's have the sum 1. 0 for what it can't see.

    Raises
    ------
    InputError
        If no layer of the network is attention of several heads.

    Examples
    --------
    >>> import backlit as bl
    >>> network = bl.Sequential(bl.Embedding(9, 4), bl.TransformerBlock(4, 2, causal=True)).build((3,))
    >>> {path: weights.shape for path, weights in bl.attention_weights(network, [[1, 2, 3]]).items()}
    {'1/attention/body/1/attend': (1, 2, 3, 3)}
    """
    network = require_network(network, "attention_weights")
    looked = attentions(network)
    if not looked:
        raise InputError(
            "no layer of this network is attention of several heads (bl.MultiHeadAttention, bl.TransformerBlock); "
            "train one with network='transformer:2x64'"
        )
    found: dict[str, np.ndarray] = {}

    def tap(path: str, value: Any) -> Any:
        place, _, name = path.rpartition("/")
        if name == "weights" and (place in looked or (not place and "" in looked)):
            found[place] = np.asarray(value)
        return value

    x = np.asarray(x)
    network.apply(network.params, x if network.takes_integers else x.astype(network.dtype), tap=tap)
    return found


@dataclass(frozen=True, eq=False, repr=False)
class AttentionMap:
    """Where each step of one row looked.

    Attributes
    ----------
    tokens : tuple of str
        The steps of the row as people know them.
    weights : dict of arrays (heads, steps, steps)
        By the path of the attention: see `attention_weights`.
    """

    tokens: tuple[str, ...]
    weights: dict[str, np.ndarray]

    def __post_init__(self) -> None:
        if not isinstance(self.weights, dict) or any(np.ndim(part) != 3 for part in self.weights.values()):
            raise InputError("AttentionMap: weights must be a dict of path to array (heads, steps, steps)")

    def of(self, layer: str | int | None = None) -> np.ndarray:
        """The weights (heads, steps, steps) of a layer, by its path or its number from 0; the last if left out.

        Raises
        ------
        InputError
            If there is no such layer.
        """
        paths = list(self.weights)
        if layer is None:
            return self.weights[paths[-1]]
        if isinstance(layer, int) and not isinstance(layer, bool):
            if not -len(paths) <= layer < len(paths):
                raise InputError(f"layer must be from 0 to {len(paths) - 1}, got {layer}")
            return self.weights[paths[layer]]
        if layer not in self.weights:
            raise unknown("layer with attention", layer, paths)
        return self.weights[layer]

    def plot(self, layer: str | int | None = None) -> Any:
        """A matplotlib figure with a square for each head of a layer: who looks (down), at what (across)."""
        from backlit.inspect.plots.matrices import attention

        figure = attention(self.of(layer), self.tokens, self.tokens)
        for axis in figure.axes:  # those of the heads say what is what; the last is the colours'
            axis.set(xlabel=axis.get_xlabel() and "is looked at", ylabel=axis.get_ylabel().replace("target", "looks"))
        return figure

    def __repr__(self) -> str:
        heads = ", ".join(f"{path} {weights.shape[0]} heads" for path, weights in self.weights.items())
        return f"AttentionMap({len(self.tokens)} steps; {heads})"


def attention_map(run: Any, x: Any) -> AttentionMap:
    """See `Run.attention`."""
    preparation = getattr(run.preparation, "inner", run.preparation)
    tokenizer = getattr(preparation, "tokenizer", None)
    if not attentions(run.network):
        attention_weights(run.network, x)  # which says why not
    if tokenizer is None:
        row = np.asarray(x)
        if row.shape != run.network.input_shape:
            raise InputError(f"attention takes one row, of shape {run.network.input_shape}, got {row.shape}")
        weights = attention_weights(run.network, run.inputs(row[None]))
        return AttentionMap(tuple(map(str, range(1, _steps(weights) + 1))), {p: w[0] for p, w in weights.items()})
    if not (isinstance(x, str) and x.strip()) and not (isinstance(x, (list, tuple)) and len(x)):
        raise InputError(f"attention takes one text, or one list of tokens, got {x!r}")
    ids = np.asarray(preparation.apply([x]))
    real = np.flatnonzero(ids[0])
    weights = attention_weights(run.network, ids)
    tokens = tuple(_SPECIAL[i] if i < SPECIAL else str(tokenizer.tokens[i - SPECIAL]) for i in ids[0, real])
    return AttentionMap(tokens, {path: looked[0][:, real[:, None], real] for path, looked in weights.items()})


def _steps(weights: dict[str, np.ndarray]) -> int:
    return int(next(iter(weights.values())).shape[-1])
