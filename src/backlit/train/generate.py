"""Generating: a language model goes on with a text, a token at a time."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from backlit.data.text.texts import Texts
from backlit.data.text.tokenizer import SPECIAL, Tokenizer
from backlit.errors import InputError
from backlit.graph import tree
from backlit.nn.layer import Layer, forward


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
    architecture = streaming(run.network.architecture, 1)
    params = run.network.params
    state = tree.flatten_dict(architecture.init_state(run.network.input_shape))
    state = {name: np.asarray(part, dtype=run.network.dtype) for name, part in state.items()}
    random = np.random.default_rng(seed)
    read, fresh, written = tokens, True, []
    for _ in range(length):
        output, state = forward(
            architecture, (len(read),), params, read[None].astype(np.int32), state=state, fresh=np.bool_(fresh)
        )
        token = _draw(np.asarray(output)[0, -1].astype(np.float64), random, temperature, top_k, top_p)
        written.append(token)
        read, fresh = np.array([token]), False
    return tokenizer.decode(np.concatenate([tokens, np.array(written, dtype=tokens.dtype)]))


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
    if not isinstance(tokenizer, Tokenizer) or len(run.network.output_shape) != 2:
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
