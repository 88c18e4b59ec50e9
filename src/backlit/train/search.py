"""Beam search: the likeliest sequences that a decoder could write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.graph import tree
from backlit.graph.ops.stable import log_softmax
from backlit.nn.layer import Context, Network, require_positive
from backlit.nn.layers.decoder import EncoderDecoder


@dataclass(frozen=True, eq=False)
class Beam:
    """Sequences that were found for each row, the likeliest first.

    Attributes
    ----------
    tokens : int array (rows, width, steps)
        Up to and with the end token; -1 after it.
    scores : array (rows, width)
        Natural logarithm of each sequence's probability, divided by its length to the power of the penalty.
    attention : array (rows, width, steps, time) or None
        What each step looked at.
    """

    tokens: np.ndarray
    scores: np.ndarray
    attention: np.ndarray | None


def beam_search(network: Network, x: Any, width: int = 5, length_penalty: float = 0.0) -> Beam:
    """The likeliest sequences that a network with a `Decoder` could write.

    The `width` likeliest beginnings are kept at each step. A width of 1 is the greedy choice that the network's call
    makes; a wider beam finds sequences at least as likely, nearly always.

    Parameters
    ----------
    network : Network
        Of an `EncoderDecoder`.
    x : array (rows, ...)
        Inputs as the network takes them.
    width : int
    length_penalty : float
        α in ``log P / lengthᵅ``: 0 compares probabilities, which favours short sequences; 1 their mean over the steps.

    Returns
    -------
    Beam

    Raises
    ------
    InputError
        If the network writes no sequences, or an option is out of its range.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> network = bl.EncoderDecoder(bl.Linear(8), bl.Decoder(tokens=6, steps=4, units=8)).build((3,), seed=1)
    >>> found = bl.beam_search(network, np.ones((2, 3), "float32"), width=3)
    >>> found.tokens.shape, bool((np.diff(found.scores) <= 0).all())
    ((2, 3, 4), True)

    References
    ----------
    Graves: Sequence Transduction with Recurrent Neural Networks, 2012 (arXiv:1211.3711).
    """
    if not isinstance(network, Network) or not isinstance(network.architecture, EncoderDecoder):
        raise InputError(f"beam_search needs a network of a bl.EncoderDecoder, got {network!r}")
    architecture = network.architecture
    require_positive(architecture, width=width)
    if isinstance(length_penalty, bool) or not 0 <= length_penalty < np.inf:
        raise InputError(f"beam_search: length_penalty must be a number from 0, got {length_penalty!r}")
    decoder, params = architecture.decoder, network.params["decoder"]
    context = Context()
    encoded, context = architecture.encode(network.params, x, context)
    memory, states = decoder.begin(params, encoded, context)
    rows, tokens, steps = len(x), decoder.tokens, decoder.steps
    # Every row stands `width` times, one beginning each; at first only the first of them counts.
    memory, states = tree.map(lambda part: np.repeat(part, width, axis=0), (memory, states))
    scores = np.full((rows, width), -np.inf)
    scores[:, 0] = 0.0
    written = np.full((rows, width, steps), -1)
    looked = np.zeros((rows, width, steps, encoded.shape[1])) if decoder.attention else None
    last = np.full((rows * width, 1), decoder.start)
    ended = np.zeros((rows, width), dtype=bool)
    each = np.arange(rows)[:, None]
    for step in range(steps):
        logits, states, weights = decoder.advance(params, memory, states, last, context, keep=True)
        chances = np.asarray(log_softmax(logits[:, 0], axis=-1), dtype=np.float64).reshape(rows, width, tokens)
        chances[ended] = -np.inf
        chances[ended, decoder.end] = 0.0  # what has ended stays as it is
        together = (scores[..., None] + chances).reshape(rows, width * tokens)
        best = np.argsort(-together, axis=1, kind="stable")[:, :width]
        parents, chosen = np.divmod(best, tokens)
        scores = np.take_along_axis(together, best, axis=1)
        written, ended = written[each, parents], ended[each, parents]
        written[..., step] = np.where(ended, -1, chosen)
        if looked is not None:
            looked = looked[each, parents]
            looked[:, :, step] = weights.reshape(rows, width, -1)[each, parents]
        ended |= chosen == decoder.end
        if ended.all():
            break
        flat = (each * width + parents).reshape(-1)
        states = tree.map(lambda part, flat=flat: part[flat], states)
        last = np.where(ended, decoder.end, chosen).reshape(-1, 1)
    scores = scores / np.maximum((written >= 0).sum(axis=2), 1) ** length_penalty
    order = np.argsort(-scores, axis=1, kind="stable")
    return Beam(written[each, order], scores[each, order], None if looked is None else looked[each, order])
