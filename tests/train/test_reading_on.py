"""A text read token by token, keys and values kept: the same as whole windows read anew."""

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.nn.layer import Layer, forward
from backlit.train.generate import Reader

WINDOW, TOKENS = 6, 9


def block(**options: Any) -> Layer:
    return bl.TransformerBlock(8, 2, 5, causal=True, **options)


STACKS: dict[str, tuple[Layer, ...]] = {
    "sinusoidal": (bl.PositionalEncoding(), block(), block()),
    "learned": (bl.PositionalEncoding("learned"), block(norm_first=False)),
    "rotary": (block(rotary=True), block(rotary=True, norm="rmsnorm")),
    "behind an lstm": (bl.LSTM(8, return_sequences=True), block(rotary=True)),
}


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("prompt", [1, 4, WINDOW, 11])
def test_each_token_is_foretold_from_the_window_before(name: str, prompt: int, rng: np.random.Generator) -> None:
    layer = bl.Sequential(bl.Embedding(TOKENS, 8), *STACKS[name], bl.Linear(TOKENS))
    network = layer.build((WINDOW,), seed=1, dtype="float64")
    text = rng.integers(0, TOKENS, 25).tolist()
    reader = Reader(network)
    seen = 0  # tokens that a call looks back on
    for end in range(prompt, len(text) + 1):
        new = text[:end] if end == prompt else text[end - 1 : end]
        logits = reader.read(new)
        seen = seen + len(new)
        if seen > WINDOW:
            seen = WINDOW if end == prompt else WINDOW // 2
        context = np.array(text[end - seen : end])[None]
        expected, _ = forward(layer, (seen,), network.params, context, state={})
        np.testing.assert_allclose(logits, expected[0, -1], rtol=1e-10)


def test_only_causal_attention_reads_on() -> None:
    layer = bl.Sequential(bl.Embedding(TOKENS, 8), bl.MultiHeadAttention(8, 2), bl.Linear(TOKENS))
    with pytest.raises(InputError, match=r"layer 1/attend .*only causal attention without padding can read"):
        Reader(layer.build((WINDOW,))).read([1, 2])
    masked = bl.Sequential(bl.Masked(bl.Embedding(TOKENS, 8), block()), bl.Linear(TOKENS))
    with pytest.raises(InputError, match="only causal attention without padding can read"):
        Reader(masked.build((WINDOW,))).read([1, 2])
