"""Where a Transformer looked: weights by head, tokens as labels, pictures, the command; errors."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import BacklitError
from backlit.inspect.draw.architecture import architecture
from backlit.inspect.trace import trace
from backlit.run import Run
from tests.cli.calling import backlit

TEXT = "하나 둘 셋, one two three. " * 30


@pytest.fixture(scope="module")
def writer() -> Run:
    run: Run = bl.fit_text(TEXT, network="transformer:2x16,heads=2", window=16, epochs=3, seed=0, progress=False)
    return run


@pytest.mark.slow
def test_a_text_of_ones_own(writer: Run) -> None:
    seen = writer.attention("one 둘")
    assert seen.tokens == ("o", "n", "e", " ", "둘")
    assert list(seen.weights) == ["1/attention/body/1/attend", "2/attention/body/1/attend"]
    for weights in seen.weights.values():
        assert weights.shape == (2, 5, 5)
        np.testing.assert_allclose(weights.sum(axis=-1), 1.0, rtol=1e-5)
        assert not np.triu(weights, 1).any()
    np.testing.assert_array_equal(seen.of(0), seen.of("1/attention/body/1/attend"))
    np.testing.assert_array_equal(seen.of(), seen.of(1))
    assert repr(seen) == ("AttentionMap(5 steps; 1/attention/body/1/attend 2 heads, 2/attention/body/1/attend 2 heads)")


def test_its_picture(writer: Run) -> None:
    figure = writer.attention("one 둘").plot(layer=0)
    squares = figure.axes[:2]
    assert [axis.get_title() for axis in squares] == ["head 0", "head 1"]
    assert [text.get_text() for text in squares[0].get_yticklabels()][:4] == ["o", "n", "e", "␣"]
    assert squares[0].get_ylabel() == "looks"


def test_the_command(writer: Run, tmp_path: Path) -> None:
    writer.save(tmp_path / "run")
    done = backlit("show", "run", "--row", "one two", "--attention", "a.svg", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.svg").read_text(encoding="utf-8").startswith("<?xml")
    done = backlit("show", "run", "--attention", "b.svg", folder=tmp_path)
    assert done.returncode == 2
    assert "give the text as --row" in done.stderr
    assert not (tmp_path / "b.svg").exists()


@pytest.mark.slow
def test_padding_is_not_shown() -> None:
    texts = ["one two three four", "two"] * 20
    run = bl.fit_sequences(
        texts, ["a", "b"] * 20, to="class", tokens="words", network="transformer:1x8", epochs=1, progress=False
    )
    seen = run.attention("two four")
    assert seen.tokens == ("two", "four")
    np.testing.assert_allclose(seen.of().sum(axis=-1), 1.0, rtol=1e-5)
    assert run.attention("two zebra").tokens == ("two", "?")


def test_rows_of_numbers(rng: np.random.Generator) -> None:
    x = rng.normal(size=(40, 5, 3))
    layer = bl.Sequential(bl.Linear(8), bl.MultiHeadAttention(8, 2), bl.GlobalAvgPool(), bl.Linear(2))
    run = bl.fit(layer, x, (x[:, 0, 0] > 0).astype(int), epochs=1, progress=False)
    seen = run.attention(x[0])
    assert seen.tokens == ("1", "2", "3", "4", "5")
    np.testing.assert_allclose(seen.of(), bl.attention_weights(run.network, x[:1])["1/attend"][0], rtol=1e-6)


def test_a_layer_alone(rng: np.random.Generator) -> None:
    network = bl.ScaledDotProductAttention(2).build((4, 12))
    assert {path: w.shape for path, w in bl.attention_weights(network, rng.normal(size=(3, 4, 12))).items()} == {
        "": (3, 2, 4, 4)
    }


def test_explain_names_the_weights(rng: np.random.Generator) -> None:
    network = bl.Sequential(bl.MultiHeadAttention(4, 2), bl.Flatten(), bl.Linear(1)).build((3, 4))
    x = rng.normal(size=(1, 3, 4)).astype("float32")
    table = bl.explain(trace(network, x)).table()
    assert "0/attend/weights" in table
    weights = bl.attention_weights(network, x)["0/attend"]
    named = next(node for node in bl.graph.nodes(trace(network, x)) if node.name == "0/attend/weights")
    np.testing.assert_array_equal(np.asarray(named.value), weights)


def test_a_block_is_drawn_with_its_skips() -> None:
    layer = bl.Sequential(bl.Masked(bl.Embedding(9, 8), bl.TransformerBlock(8, 2), bl.GlobalAvgPool()), bl.Linear(2))
    drawn = architecture(layer.build((6,)))
    texts = [part.text for part in drawn.parts.values()]
    assert texts.count("+") == 2
    assert "ScaledDotProductAttention(2)" in texts
    sums = [key for key, part in drawn.parts.items() if part.text == "+"]
    assert all(sum(end == key for _, end in drawn.edges) == 2 for key in sums)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda run: bl.attention_weights(bl.Linear(2).build((3,)), np.zeros((1, 3))), "no layer of this network is"),
        (lambda run: bl.attention_weights(bl.MultiHeadAttention(4, 2), np.zeros((1, 3, 4))), "takes a Backlit network"),
        (lambda run: run.attention(""), "attention takes one text, or one list of tokens, got ''"),
        (lambda run: run.attention(3), "attention takes one text, or one list of tokens, got 3"),
        (lambda run: run.attention("one " * 9), "the longest that was trained on has 16"),
        (lambda run: run.attention("one").of(2), "layer must be from 0 to 1, got 2"),
        (lambda run: run.attention("one").of("3/attend"), "unknown layer with attention '3/attend'"),
    ],
)
def test_errors(writer: Run, call: Any, words: str) -> None:
    with pytest.raises(BacklitError, match=words):
        call(writer)


def test_one_row_at_a_time(rng: np.random.Generator) -> None:
    x = rng.normal(size=(10, 5, 3))
    run = bl.fit(bl.Sequential(bl.MultiHeadAttention(4, 2), bl.Flatten(), bl.Linear(1)), x, x[:, 0, 0], epochs=1)
    with pytest.raises(BacklitError, match=r"attention takes one row, of shape \(5, 3\), got \(2, 5, 3\)"):
        run.attention(x[:2])
