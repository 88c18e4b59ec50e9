"""Language models: streams of text, scores, and generating."""

import numpy as np
import pytest

import backlit as bl
from backlit.data.text.texts import windows
from backlit.tasks.judge.ngrams import pairs_loss
from backlit.tasks.judge.streams import stream_scores
from backlit.tasks.options import Options
from backlit.tasks.stream import StreamTask

SENTENCES = "the cat sat on the mat. a dog ran to the cat. the mat ran on. "


@pytest.fixture(scope="module")
def run():
    return bl.fit_text(SENTENCES * 40, network="gru:64", epochs=12, learning_rate=0.01, window=20)


@pytest.mark.slow
def test_hello():
    """W5: "hell" to "ello", for ten seeds."""
    for seed in range(10):
        found = bl.fit_text("hello", network="rnn:16", window=4, epochs=10, seed=seed)
        assert found.generate("h", length=4, temperature=0) == "hello"
        assert found.judgement["scores"]["accuracy"] == 1.0


def test_windows_cover_the_text_once():
    x, y = windows(np.arange(101), 4, 5)
    assert sorted(y.reshape(-1).tolist()) == list(range(1, 101))
    np.testing.assert_array_equal(y, x + 1)
    np.testing.assert_array_equal(x[4:8, 0], x[:4, 0] + 5)  # the next batch goes on


@pytest.mark.slow
def test_scores_on_held_out_text(run):
    judgement = run.judgement
    assert judgement["judged_on"] == "test"
    assert judgement["scores"]["bits"] < 0.5 < judgement["baseline"]["bits"]
    assert judgement["scores"]["perplexity"] == pytest.approx(2 ** judgement["scores"]["bits"])
    assert run.history[-1]["val_bits"] == pytest.approx(run.history[-1]["val_loss"] / np.log(2))
    assert judgement["sample"].isascii()


def test_scores_are_those_of_the_whole_text_read_at_once(run):
    """Windows with the state carried, against one long window, both engines."""
    ids = run.preparation.tokenizer.encode(SENTENCES * 4)[: 2 * 60 + 1]
    x, y = windows(ids, 2, 20)
    found = stream_scores(run, x, y, 2, "numpy")
    assert stream_scores(run, x, y, 2, "xla") == pytest.approx(found, rel=1e-4)
    from backlit.nn.layer import forward
    from backlit.train.generate import streaming

    long, wanted = windows(ids, 2, 60)
    output, _ = forward(streaming(run.network.architecture, 0), (60,), run.network.params, long, state={})
    assert found[0] == pytest.approx(float(bl.CrossEntropy()(output, wanted).mean()), rel=1e-4)
    assert found[1] == pytest.approx((output.argmax(axis=-1) == wanted).mean())


def test_generating(run):
    written = run.generate("the c", length=30, temperature=0)
    assert written.startswith("the cat ")
    assert len(written) == 35
    drawn = [run.generate("the ", 50, temperature=3.0, seed=seed) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert run.generate("the ", 50, top_k=1, seed=1) == run.generate("the ", 50, temperature=0)
    assert run.generate("the ", 50, top_p=1e-9, seed=1) == run.generate("the ", 50, temperature=0)


def test_draws_follow_the_probabilities(run):
    """A thousand first letters after "the " against the network's own probabilities."""
    tokenizer = run.preparation.tokenizer
    from backlit.train.generate import _draw

    logits = np.full(tokenizer.size, -np.inf)
    logits[4:7] = np.log([0.5, 0.3, 0.2])
    random = np.random.default_rng(0)
    for options, expected in (
        ((1.0, None, None), [0.5, 0.3, 0.2]),
        ((0.5, None, None), np.array([0.25, 0.09, 0.04]) / 0.38),
        ((1.0, 2, None), [0.625, 0.375, 0]),
        ((1.0, None, 0.7), [0.625, 0.375, 0]),
        ((1.0, None, 0.5), [1, 0, 0]),
    ):
        counts = np.bincount([_draw(logits, random, *options) for _ in range(4000)], minlength=7)[4:7] / 4000
        np.testing.assert_allclose(counts, expected, atol=0.03)


def test_saved_runs_write_the_same(run, tmp_path):
    loaded = bl.load(run.save(tmp_path / "run"))
    assert loaded.generate("the ", 40, seed=3) == run.generate("the ", 40, seed=3)
    assert loaded.judgement == run.judgement


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tokens", "prompt"), [("words", "the cat"), ("bytes", "the c"), ("jamo", "the c"), ("syllables", "the c")]
)
def test_other_tokens(tokens, prompt):
    own = bl.fit_text(SENTENCES * 10, tokens=tokens, network="lstm:8", epochs=1)
    assert own.generate(prompt, length=3).startswith(prompt)


@pytest.mark.slow
def test_korean_text(tmp_path):
    path = tmp_path / "book.txt"
    path.write_bytes(("나는 학교에 간다. 너는 집에 온다. " * 40).encode("cp949"))
    own = bl.fit_text(path, network="gru:48", epochs=8, learning_rate=0.01, tokens="jamo")
    assert own.generate("나는 ", length=20, temperature=0).startswith("나는 학교에")


@pytest.mark.slow
def test_resuming_goes_on(tmp_path):
    options = {"network": "gru:8", "window": 10, "batch_size": 4}
    bl.fit_text(SENTENCES * 20, epochs=1, checkpoint=tmp_path / "run", **options)
    resumed = bl.fit_text(SENTENCES * 20, epochs=3, checkpoint=tmp_path / "run", resume=True, **options)
    whole = bl.fit_text(SENTENCES * 20, epochs=3, **options)
    assert len(resumed.history) == 3
    assert resumed.history[-1]["loss"] == whole.history[-1]["loss"]


def test_pairs_against_counting():
    train, test = np.array([4, 5, 4, 5, 4, 6]), np.array([4, 5, 6])
    alone = (np.bincount(train, minlength=7) + 0.1) / (6 + 0.7)
    expected = [np.log((2 + 5 * alone[5]) / (3 - 1 + 1 + 5)), np.log((0 + 5 * alone[6]) / (2 + 5))]
    assert pairs_loss(train, test, 7) == pytest.approx(-np.mean(expected))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bl.fit_text(""), "the text is empty"),
        (lambda: bl.fit_text(" \n"), "the text is empty"),
        (lambda: bl.fit_text(b"abc"), "expected a text, or the Path of a text file, got bytes"),
        (lambda: bl.fit_text("hello", window=5), "the text has 5 characters, a window takes 6; give more text"),
        (lambda: bl.fit_text("hello", window=0), "window must be a whole number from 1"),
        (lambda: bl.fit_text(SENTENCES * 20, window=100), "smallest part of the text has .* a window takes 101"),
        (lambda: bl.fit_text("hello", tokens="letters"), "unit of text 'letters'"),
        (lambda: bl.fit_text("hello", network="mlp:3"), r"network for a text \(rnn, lstm, gru or transformer\) 'mlp'"),
        (lambda: bl.fit_text("hello", network="lstm:0"), "expected layers' sizes such as lstm:256"),
        (lambda: bl.fit_text("hello", ensemble=3), "ensemble doesn't apply to a text"),
        (lambda: bl.fit_text("hello", epoch=3), "unknown option of fit_text 'epoch'; did you mean 'epochs'"),
    ],
)
def test_mistakes_are_told(call, message):
    with pytest.raises(bl.BacklitError, match=message):
        call()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompt": ""}, "the prompt is empty: give at least one character"),
        (
            {"prompt": "the 고양이 Z"},
            r"characters that training never saw: 'Z' \(1\), '고' \(1\), '양' \(1\), '이' \(1\)",
        ),
        ({"prompt": "t", "length": 0}, "length must be a whole number from 1"),
        ({"prompt": "t", "temperature": -1}, "temperature must be a number from 0"),
        ({"prompt": "t", "top_k": 0}, "top_k must be a whole number from 1"),
        ({"prompt": "t", "top_p": 1.5}, "top_p must be above 0 and at most 1"),
        ({"prompt": "t", "seed": -1}, "seed must be a whole number from 0"),
    ],
)
def test_mistakes_in_generating(run, options, message):
    with pytest.raises(bl.InputError, match=message):
        run.generate(**options)


def test_files_that_are_no_text(tmp_path):
    for name, content, message in (
        ("empty.txt", b" \n", "is empty"),
        ("noise.txt", bytes(range(256)) * 9, "isn't text"),
        ("picture.txt", b"\x89PNG\r\n\x1a\n\0\0", "isn't what its name says: it is a picture"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(bl.InputError, match=message):
            StreamTask().read(tmp_path / name)
    with pytest.raises(bl.InputError, match="is a folder; expected a text file"):
        StreamTask().read(tmp_path)
    with pytest.raises(bl.InputError, match="can't be read"):
        StreamTask().read(tmp_path / "none.txt")


def test_options_are_as_for_tables():
    assert Options().split == (0.7, 0.15, 0.15)  # a text's own shares stand where these weren't changed
