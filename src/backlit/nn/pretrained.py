"""Pretrained vectors as the start of an embedding."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError, unknown
from backlit.graph import tree
from backlit.nn.key import Key
from backlit.nn.layer import Network

SPREAD = 0.1  # standard deviation of words that a file lacks, if it has none at all


def with_vectors(
    network: Network, layer: str, tokenizer: Any, vectors: Any, seed: int = 0
) -> tuple[Network, list[str]]:
    """The network with known word vectors in an embedding, and the tokens that have none.

    A token without a vector (the special ones too) is drawn from a normal distribution with the mean and standard
    deviation, feature by feature, of the vectors that were found. Of a token that isn't there as it is written, the
    vector of its lower-case form is taken. Training goes on from these vectors as from any others.

    Parameters
    ----------
    network : Network
    layer : str
        Path of the embedding: "0", or "0/body/0" within `Masked`.
    tokenizer : Tokenizer
        Whose numbers the network takes.
    vectors : Vectors
        From `backlit.data.read_vectors`.
    seed : int
        Of the vectors that are drawn.

    Returns
    -------
    Network, list of str

    Raises
    ------
    InputError
        If there is no such layer, or no token has a vector.
    ShapeError
        If the embedding's table isn't (tokenizer.size, length of the vectors).

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> from backlit.data import Tokenizer, Vectors
    >>> tokenizer = Tokenizer.learn("a good film", "words")
    >>> vectors = Vectors(("good", "a"), np.array([[1.0, 2.0], [3.0, 4.0]], dtype="float32"))
    >>> network = bl.Sequential(bl.Embedding(tokenizer.size, 2), bl.GlobalAvgPool()).build((3,))
    >>> network, missing = bl.with_vectors(network, "0", tokenizer, vectors)
    >>> tokenizer.tokens, network.params["0"]["weight"][[4, 6]].tolist(), missing
    (('a', 'film', 'good'), [[3.0, 4.0], [1.0, 2.0]], ['film'])
    """
    if not isinstance(network, Network):
        raise InputError(f"with_vectors takes a network that was built, layer.build(shape), got {network!r}")
    params = tree.flatten_dict(network.params)
    name = f"{layer}/weight" if layer else "weight"
    if name not in params:
        known = [path.removesuffix("/weight") for path, leaf in params.items() if path.endswith("/weight")]
        raise unknown("layer with weights", layer, known)
    wanted = (tokenizer.size, vectors.matrix.shape[1])
    if tuple(params[name].shape) != wanted:
        raise ShapeError(
            f"layer {layer} has a table of shape {tuple(params[name].shape)}; the tokenizer's {wanted[0]} numbers and "
            f"vectors of length {wanted[1]} need Embedding({wanted[0]}, {wanted[1]})"
        )
    places = {word: row for row, word in enumerate(vectors.words)}
    rows = [places.get(token, places.get(token.lower(), -1)) for token in tokenizer.tokens]
    matched = np.array([row for row in rows if row >= 0], dtype=np.int64)
    if not len(matched):
        raise InputError("no token of the tokenizer has a vector; is it one of words, in the vectors' language?")
    given = vectors.matrix[matched].astype(np.float64)
    spread = given.std(axis=0) if len(matched) > 1 else SPREAD
    table = Key(seed).child(name).generator().normal(size=wanted) * spread + given.mean(axis=0)
    first = wanted[0] - len(tokenizer.tokens)
    table[first + np.flatnonzero(np.array(rows) >= 0)] = given
    missing = [token for token, row in zip(tokenizer.tokens, rows, strict=True) if row < 0]
    replaced = tree.nest(params | {name: table.astype(params[name].dtype)})
    return network.replace(params=tree.map(lambda _, leaf: leaf, network.params, replaced)), missing
