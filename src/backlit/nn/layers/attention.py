"""Attention: a query looks at a sequence, and takes from each step as much as it fits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError
from backlit.graph.op import namespace
from backlit.graph.ops.arithmetic import where
from backlit.graph.ops.elementwise import tanh
from backlit.graph.ops.linalg import linear
from backlit.graph.ops.stable import softmax
from backlit.graph.tensor import value_of
from backlit.nn import initializers
from backlit.nn.hyperparameters import check, whole
from backlit.nn.key import Key
from backlit.nn.layer import Params


def dot_attention(query: Any, keys: Any, values: Any, *, mask: Any = None, scale: bool = True) -> tuple[Any, Any]:
    """What a query takes from a sequence: ``softmax(q Kᵀ / √size) V``.

    Parameters
    ----------
    query : (rows, size) or (rows, queries, size)
        One or several for each sequence.
    keys : (rows, time, size)
        What queries are compared with.
    values : (rows, time, values)
        What is taken; often the keys.
    mask : boolean array (rows, time), optional
        False where there is nothing to look at: padding.
    scale : bool
        Whether to divide by √size, so that scores keep their spread in many dimensions.

    Returns
    -------
    context : (rows, values) or (rows, queries, values)
    weights : (rows, time) or (rows, queries, time)
        Each query's shares, of sum 1.

    Raises
    ------
    ShapeError
        If the shapes don't fit.
    InputError
        If a mask hides a whole sequence (in a compiled program the result is then NaN).

    References
    ----------
    Luong, Pham, Manning, EMNLP 2015 (arXiv:1508.04025). Scaling: Vaswani et al., NIPS 2017 (arXiv:1706.03762).

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> keys = np.array([[[10.0, 0.0], [0.0, 10.0]]])
    >>> context, weights = bl.dot_attention(np.array([[0.0, 9.0]]), keys, np.array([[[1.0], [2.0]]]))
    >>> context.round(3).tolist(), weights.round(3).tolist()
    ([[2.0]], [[0.0, 1.0]])
    """
    _require("dot_attention", query, keys, values)
    if query.shape[-1] != keys.shape[-1]:
        raise ShapeError(
            f"dot_attention: queries of size {query.shape[-1]} can't be compared with keys of size {keys.shape[-1]}; "
            "make them alike with a Linear layer, or use AdditiveAttention"
        )
    single = len(query.shape) == 2
    scores = (query[:, None] if single else query) @ keys.mT
    return _taken(scores * (keys.shape[-1] ** -0.5) if scale else scores, values, mask, single)


@dataclass(frozen=True)
class AdditiveAttention:
    """Attention whose score is a small network of query and key: ``vᵀ tanh(W q + U k)``.

    Not a layer, since it has two inputs: a part for cells and layers of one's own.

    Parameters
    ----------
    units : int
        Size of the hidden layer.
    weight_init : str
        Initialiser's name.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> attention = bl.AdditiveAttention(8)
    >>> params = attention.init(bl.Key(0), query_size=4, key_size=6)
    >>> context, weights = attention(params, np.zeros((2, 4)), np.ones((2, 5, 6)), np.ones((2, 5, 6)))
    >>> context.shape, weights.round(3).tolist()[0]
    ((2, 6), [0.2, 0.2, 0.2, 0.2, 0.2])

    References
    ----------
    Bahdanau, Cho, Bengio: Neural Machine Translation by Jointly Learning to Align and Translate, ICLR 2015
    (arXiv:1409.0473).
    """

    units: int = whole()
    weight_init: str = "xavier"

    def __post_init__(self) -> None:
        check(self)
        initializers.get(self.weight_init)

    def init(self, key: Key, query_size: int, key_size: int) -> Params:
        """Parameters: W is "query/weight" (units, query size), U "key/weight" (units, key size), v "score/weight"."""
        draw = initializers.get(self.weight_init)
        return {
            "query": {"weight": draw(key.child("query"), (query_size, self.units)).T},
            "key": {"weight": draw(key.child("key"), (key_size, self.units)).T},
            "score": {"weight": draw(key.child("score"), (self.units, 1)).T},
        }

    def __call__(self, params: Params, query: Any, keys: Any, values: Any, *, mask: Any = None) -> tuple[Any, Any]:
        """Context and weights; arguments, results and errors as of `dot_attention`."""
        _require("AdditiveAttention", query, keys, values)
        for name, part in (("query", query), ("key", keys)):
            size = params[name]["weight"].shape[1]
            if part.shape[-1] != size:
                raise ShapeError(f"AdditiveAttention was made for a {name} of size {size}, got {tuple(part.shape)}")
        single = len(query.shape) == 2
        asked = linear(query[:, None] if single else query, params["query"]["weight"])
        offered = linear(keys, params["key"]["weight"])
        hidden = tanh(asked[:, :, None] + offered[:, None])  # (rows, queries, time, units)
        return _taken(linear(hidden, params["score"]["weight"])[..., 0], values, mask, single)


def _require(name: str, query: Any, keys: Any, values: Any) -> None:
    query, keys, values = (x if hasattr(x, "shape") else np.asarray(x) for x in (query, keys, values))
    if len(query.shape) not in (2, 3) or len(keys.shape) != 3 or len(values.shape) != 3:
        raise ShapeError(
            f"{name} needs a query (rows, size) or (rows, queries, size), keys and values (rows, time, size), got "
            f"{tuple(query.shape)}, {tuple(keys.shape)} and {tuple(values.shape)}"
        )
    if tuple(keys.shape[:2]) != tuple(values.shape[:2]) or query.shape[0] != keys.shape[0]:
        raise ShapeError(
            f"{name}: query, keys and values must have equally many rows, and a value for each key, got "
            f"{tuple(query.shape)}, {tuple(keys.shape)} and {tuple(values.shape)}"
        )
    if keys.shape[1] == 0:
        raise ShapeError(f"{name}: there are no time steps to look at, keys of shape {tuple(keys.shape)}")


def _taken(scores: Any, values: Any, mask: Any, single: bool) -> tuple[Any, Any]:
    """Context and weights from scores (rows, queries, time)."""
    if mask is not None:
        mask = value_of(mask)
        expected = (scores.shape[0], scores.shape[2])
        if tuple(mask.shape) != expected:
            raise ShapeError(f"attention: the mask needs shape (rows, time) = {expected}, got {tuple(mask.shape)}")
        if namespace(mask) is np and not mask.any(axis=1).all():
            row = int(np.flatnonzero(~mask.any(axis=1))[0])
            raise InputError(f"attention: the mask hides all of row {row}; leave that sequence out")
        scores = where(mask[:, None], scores, -math.inf)
    weights = softmax(scores)
    context = weights @ values
    return (context[:, 0], weights[:, 0]) if single else (context, weights)
