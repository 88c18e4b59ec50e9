"""What networks write: a language model goes on with a text, a decoder writes one for each row."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.text.encoding import SPECIAL, Encoding
from backlit.data.text.texts import Texts
from backlit.errors import InputError
from backlit.graph import tree
from backlit.graph.ops.stable import log_softmax
from backlit.nn.layer import Context, Layer, Network, forward, require_positive
from backlit.nn.layers.decoder import EncoderDecoder
from backlit.nn.spec.transformer import attentions
from backlit.train.targets import TextTargets


def generate(
    run: Any,
    prompt: str,
    length: int = 200,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
) -> str:
    """See `Run.generate`."""
    tokenizer = _tokenizer(run)
    _check(length, temperature, top_k, top_p, seed)
    if not prompt:
        raise InputError("the prompt is empty: give at least one character to go on from")
    unseen = tokenizer.unseen(prompt)
    if unseen:
        named = ", ".join(f"{token!r} ({count})" for token, count in unseen.most_common(10))
        raise InputError(f"the prompt has {tokenizer.unit} that training never saw: {named}; leave them out")
    tokens = tokenizer.encode(prompt)
    if not len(tokens):
        raise InputError(f"the prompt {prompt!r} holds no {tokenizer.unit}; give at least one to go on from")
    reader, random = Reader(run.network), np.random.default_rng(seed)
    text = tokens.tolist()
    for new in range(length):
        logits = reader.read(text if new == 0 else text[-1:])
        text.append(_draw(logits.astype(np.float64), random, temperature, top_k, top_p))
    return tokenizer.decode(np.array(text, dtype=tokens.dtype))


class Reader:
    """Reads a text on and on, token by token, and says what may come next.

    Recurrent layers carry their state. Attention keeps the keys and values of what was read (a "key-value cache"), so
    that a token costs one step. It looks back as far as the windows it was trained on; when these are full, the last
    half of a window is read anew, since what was kept knew of tokens that are now too far back.

    Parameters
    ----------
    network : Network
        From (time,) to (time, tokens).
    """

    def __init__(self, network: Network) -> None:
        self._architecture = streaming(network.architecture, 1)
        self._network = network
        self._window = network.input_shape[0] if attentions(self._architecture) else None
        self._seen: list[int] = []
        self._restart()

    def _restart(self) -> None:
        state = tree.flatten_dict(self._architecture.init_state(self._network.input_shape))
        self._state = {name: np.asarray(part, dtype=self._network.dtype) for name, part in state.items()}
        self._cache: dict[str, Any] = {}
        self._fresh, self._kept = True, 0

    def read(self, tokens: Sequence[int]) -> np.ndarray:
        """The logits (tokens,) of what comes after these, and all that were read before."""
        new = [*tokens]
        if self._window is not None:
            self._seen = [*self._seen, *new][-self._window :]
            if self._kept + len(new) > self._window:
                new = self._seen if self._fresh else self._seen[-max(1, self._window // 2) :]
                self._restart()
        x = np.array(new, dtype=np.int32)[None]
        output, self._state = forward(
            self._architecture, x.shape[1:], self._network.params, x,
            state=self._state, fresh=np.bool_(self._fresh), cache=self._cache,
        )  # fmt: skip
        self._fresh, self._kept = False, self._kept + len(new)
        return np.asarray(output)[0, -1]


def streaming(layer: Layer, rows: int) -> Layer:
    """The same layers, recurrent ones carrying their state for so many rows."""
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(layer):
        value = getattr(layer, field.name)
        if isinstance(value, Layer):
            changes[field.name] = streaming(value, rows)
        elif isinstance(value, tuple) and any(isinstance(part, Layer) for part in value):
            changes[field.name] = tuple(streaming(part, rows) if isinstance(part, Layer) else part for part in value)
    if layer.recurrent:
        changes["stateful"] = rows
    return dataclasses.replace(layer, **changes) if changes else layer


def _tokenizer(run: Any) -> Any:
    tokenizer = run.preparation.tokenizer if isinstance(run.preparation, Texts) else None
    if not isinstance(tokenizer, Encoding) or len(run.network.output_shape) != 2:
        raise InputError("this run is no language model; bl.fit_text(text) or backlit train book.txt trains one")
    if run.network.output_shape != (*run.network.input_shape, tokenizer.size):
        raise InputError("this run reads a text before it writes another: use run.write, or backlit predict")
    return tokenizer


def _check(length: Any, temperature: Any, top_k: Any, top_p: Any, seed: Any) -> None:
    whole = {"length": (length, 1), "top_k": (1 if top_k is None else top_k, 1), "seed": (seed, 0)}
    for name, (value, low) in whole.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
            raise InputError(f"{name} must be a whole number from {low}, got {value!r}")
    if not 0 <= temperature < math.inf:
        raise InputError(f"temperature must be a number from 0 (always the likeliest), got {temperature!r}")
    if top_p is not None and not 0 < top_p <= 1:
        raise InputError(f"top_p must be above 0 and at most 1, got {top_p!r}")


def _draw(logits: np.ndarray, random: np.random.Generator, temperature: float, top_k: Any, top_p: Any) -> int:
    """A token by its probability, after temperature and cuts; never one of the special four."""
    logits = logits.copy()
    logits[:SPECIAL] = -np.inf
    if temperature == 0:
        return int(logits.argmax())
    order = np.argsort(-logits, kind="stable")
    scaled = (logits[order] - logits[order[0]]) / temperature
    chances = np.exp(scaled)
    if top_k is not None:
        chances[top_k:] = 0.0
    chances /= chances.sum()
    if top_p is not None:
        chances[np.cumsum(chances) - chances >= top_p] = 0.0
    edges = np.cumsum(chances)
    return int(order[min(int(np.searchsorted(edges, random.random() * edges[-1], side="right")), len(order) - 1)])


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
        parents, tokens_drawn = np.divmod(best, tokens)
        scores = np.take_along_axis(together, best, axis=1)
        written, ended = written[each, parents], ended[each, parents]
        written[..., step] = np.where(ended, -1, tokens_drawn)
        if looked is not None:
            looked = looked[each, parents]
            looked[:, :, step] = weights.reshape(rows, width, -1)[each, parents]
        ended |= tokens_drawn == decoder.end
        if ended.all():
            break
        flat = (each * width + parents).reshape(-1)
        states = tree.map(lambda part, flat=flat: part[flat], states)
        last = np.where(ended, decoder.end, tokens_drawn).reshape(-1, 1)
    scores = scores / np.maximum((written >= 0).sum(axis=2), 1) ** length_penalty
    order = np.argsort(-scores, axis=1, kind="stable")
    return Beam(written[each, order], scores[each, order], None if looked is None else looked[each, order])


@dataclass(frozen=True, eq=False)
class Written:
    """A text that a network wrote.

    Attributes
    ----------
    text : str
    log_probability : float
        Natural logarithm of its probability, or of its probability by length (see `beam_search`).
    attention : array (tokens, time) or None
        What each token, the end included, looked at: shares of the input's steps without padding, each row of sum 1.
    others : list of (str, float)
        The next likeliest texts of the beam.
    """

    text: str
    log_probability: float
    attention: np.ndarray | None
    others: list[tuple[str, float]]

    def __repr__(self) -> str:
        return f"Written({self.text!r}, {self.log_probability:.3f})"


def _real(run: Any, row: np.ndarray) -> slice:
    """The steps of an input that aren't padding."""
    preparation = getattr(run.preparation, "inner", run.preparation)
    return slice(int((row != 0).sum())) if isinstance(preparation, Texts) else slice(None)


def write(run: Any, x: Any, beam: int = 1, length_penalty: float = 0.0) -> list[Written]:
    """See `Run.write`."""
    if not isinstance(run.targets, TextTargets) or not hasattr(run.network.architecture, "decoder"):
        raise InputError(
            "this run's network writes no texts; bl.fit_sequences(x, texts, to='text') trains one that does"
        )
    inputs = run.inputs(x)
    best = beam_search(run.network, inputs, beam, length_penalty)
    results = []
    for row in range(len(inputs)):
        texts = [run.targets.text(tokens) for tokens in best.tokens[row]]
        scores = best.scores[row].tolist()
        length = int((best.tokens[row, 0] >= 0).sum())
        attention = None if best.attention is None else best.attention[row, 0, :length, _real(run, inputs[row])]
        real = [pair for pair in zip(texts[1:], scores[1:], strict=True) if np.isfinite(pair[1])]
        results.append(Written(texts[0], scores[0], attention, real))
    return results
