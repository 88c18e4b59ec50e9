"""Transformers by their spec: sizes, what each kind of data makes of them, and what is refused."""

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.nn.spec import build
from backlit.nn.spec.sequences import Writer, for_sequences, for_stream, for_texts, for_windows
from backlit.nn.spec.transformer import Size, is_transformer, require_causal

SPEC = "transformer:2x8,heads=2"
BUILT = {
    "texts": (for_texts(SPEC, 2, 0.0, 9, "words"), (5,)),
    "texts with vectors": (for_texts(SPEC, 2, 0.1, 9, "words", features=6), (5,)),
    "windows": (for_windows(SPEC, 2, "relu", 0.0), (5, 3)),
    "class": (for_sequences(SPEC, (5,), 0.0, vocabulary=9, outputs=2), (5,)),
    "numbers": (for_sequences(SPEC, (5, 3), 0.0, outputs=2), (5, 3)),
    "pictures": (build(SPEC, 2, input_shape=(5, 6, 3)), (5, 6, 3)),
    "tokens": (build(SPEC, 2, input_shape=(5,), vocabulary=9), (5,)),
}


@pytest.mark.parametrize(
    ("spec", "size"),
    [
        ("transformer", (2, 64, 4)),
        ("transformer:1x16", (1, 16, 2)),
        ("transformer:3x512", (3, 512, 8)),
        ("transformer:2x24,heads=3", (2, 24, 3)),
        ("transformer:2x36", (2, 36, 2)),
        ("transformer:2x6", (2, 6, 1)),
    ],
)
def test_sizes(spec: str, size: tuple[int, ...]) -> None:
    assert (Size.read(spec).layers, Size.read(spec).units, Size.read(spec).heads) == size


@pytest.mark.parametrize(
    "spec", ["transformer:64", "transformer:0x64", "transformer:2x", "transformer:2x64,4", "transformer:2x64,heads=0"]
)
def test_sizes_that_are_none(spec: str) -> None:
    with pytest.raises(
        InputError, match=f"network '{spec}': expected transformer:LAYERSxUNITS such as transformer:2x64"
    ):
        Size.read(spec)


@pytest.mark.parametrize("spec", ["transformer:2x64,heads=3", "transformer:2x7", "transformer:2x12,heads=12"])
def test_heads_that_cannot_share(spec: str) -> None:
    with pytest.raises(InputError, match=r"each head takes an even number of the .* units; choose units and heads"):
        Size.read(spec)


@pytest.mark.parametrize("name", BUILT)
def test_every_kind_of_data(name: str) -> None:
    layer, shape = BUILT[name]
    blocks = [part for _, part in layer.walk() if isinstance(part, bl.TransformerBlock)]
    assert [(block.units, block.heads, block.causal) for block in blocks] == [(8, 2, False)] * 2
    network = layer.build(shape, seed=1)
    x = np.arange(2 * np.prod(shape)).reshape(2, *shape) % 9
    assert network(x if network.takes_integers else x.astype("float32") / 9).shape == (2, 2)


def test_what_writes_a_text_is_causal() -> None:
    network = for_stream(SPEC, 9, 4, 0.0)
    blocks = [part for _, part in network.walk() if isinstance(part, bl.TransformerBlock)]
    assert all(block.causal for block in blocks)
    require_causal(network)
    assert network.output_shape((7,)) == (7, 9)
    with pytest.raises(
        InputError, match=r"layer 1/attend .* sees the tokens that it is to foretell; give .* causal=True"
    ):
        require_causal(bl.Sequential(bl.Embedding(9, 4), bl.MultiHeadAttention(4, 2)))


def test_tags_for_each_step_and_a_writer() -> None:
    tags = for_sequences(SPEC, (5,), 0.0, vocabulary=9, outputs=3, tags=True)
    assert tags.output_shape((5,)) == (5, 3)
    writes = for_sequences(SPEC, (5,), 0.0, vocabulary=9, writer=Writer(7, 4, "dot"))
    assert writes.output_shape((5,)) == (4, 7)
    assert is_transformer(writes)
    with pytest.raises(InputError, match=r"expected sequences \(time, features\) to look at, got shape \(5,\)"):
        for_sequences(SPEC, (5,), 0.0, writer=Writer(7, 4))


@pytest.mark.parametrize("name", ["texts", "class"])
def test_padding_changes_nothing(name: str, rng: np.random.Generator) -> None:
    layer, _ = BUILT[name]
    long = layer.build((8,), seed=2, dtype="float64")
    short = layer.build((5,), seed=2, dtype="float64")
    x = rng.integers(1, 9, (3, 5))
    np.testing.assert_allclose(long(np.pad(x, ((0, 0), (0, 3)))), short(x), rtol=1e-10)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: build(SPEC, 2), "transformer needs the inputs' shape; give input_shape"),
        (lambda: build(SPEC, 2, input_shape=(5,)), "transformer needs pictures .* or sequences .*, but gets rows of 5"),
        (lambda: build(f"{SPEC} relu", 2, input_shape=(5, 2)), "transformer is a whole network and stands alone"),
        (lambda: build("transfromer:2x8", 2, input_shape=(5, 2)), "did you mean 'transformer'"),
    ],
)
def test_errors(call: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()


def test_rmsnorm_is_a_word() -> None:
    assert build("linear:4 rmsnorm relu", 2, input_shape=(3,)).layers[1] == bl.RMSNorm()
