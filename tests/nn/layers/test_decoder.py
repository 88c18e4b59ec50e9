"""Decoders against PyTorch and against themselves step by step; beam search against all sequences there are."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.graph import tree
from backlit.graph.ops.stable import log_softmax

ROWS, TIME, FEATURES, TOKENS, STEPS, UNITS = 3, 5, 4, 9, 6, 7
SIZES = {"tokens": TOKENS, "steps": STEPS, "units": UNITS, "embedding": 5}


def built(decoder, shape, seed=0):
    return bl.EncoderDecoder(bl.Identity(), decoder).build(shape, seed=seed, dtype="float64")


@pytest.fixture
def targets(rng):
    y = rng.integers(4, TOKENS, (ROWS, STEPS))
    y[0, 3:] = -1
    y[0, 2] = 3
    return y


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("attention", [None, "dot", "additive"])
@pytest.mark.parametrize("layers", [1, 2])
def test_whole_sequences_are_what_single_steps_give(cell, attention, layers, rng, targets):
    """Teacher forcing in one go, and the same tokens fed in one by one."""
    decoder = bl.Decoder(**SIZES, cell=cell, attention=attention, layers=layers)
    network = built(decoder, (TIME, FEATURES))
    x = rng.normal(size=(ROWS, TIME, FEATURES))
    together, _ = network.apply(network.params, x, targets=targets)
    params = network.params["decoder"]
    memory, states = decoder.begin(params, x, bl.Context())
    told = np.concatenate([np.full((ROWS, 1), 2), np.where(targets < 0, 3, targets)[:, :-1]], axis=1)
    for step in range(STEPS):
        logits, states, weights = decoder.advance(
            params, memory, states, told[:, step : step + 1], bl.Context(), keep=True
        )
        np.testing.assert_allclose(logits[:, 0], together[:, step], rtol=1e-10, atol=1e-12)
        if attention:
            np.testing.assert_allclose(weights.sum(axis=-1), 1.0, rtol=1e-12)


def test_against_torch(rng, targets):
    """Dot attention after an LSTM, with copied weights: outputs and all gradients."""
    network = built(bl.Decoder(**SIZES, attention="dot"), (TIME, FEATURES))
    x = rng.normal(size=(ROWS, TIME, FEATURES))
    loss = bl.CrossEntropy()

    def ours(params):
        return loss(network.apply(params, x, targets=targets)[0], targets).mean()

    value, gradient = bl.value_and_grad(ours)(network.params)
    p = {
        name: torch.tensor(np.asarray(leaf), requires_grad=True)
        for name, leaf in tree.flatten_dict(network.params["decoder"]).items()
    }
    tx = torch.tensor(x)
    mean = tx.mean(dim=1)
    states = {
        name: torch.tanh(mean @ p[f"start0_{name}/weight"].T + p[f"start0_{name}/bias"]) for name in ("hidden", "cell")
    }
    told = np.concatenate([np.full((ROWS, 1), 2), np.where(targets < 0, 3, targets)[:, :-1]], axis=1)
    embedded = p["embedding/weight"][torch.tensor(told)]
    h, c, outputs = states["hidden"], states["cell"], []
    for step in range(STEPS):
        gates = embedded[:, step] @ p["cell0/weight"].T + p["cell0/bias"] + h @ p["cell0/recurrent/weight"].T
        i, f, g, o = gates.chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        scores = (h[:, None] @ (tx @ p["attention/weight"].T).mT)[:, 0] / UNITS**0.5
        taken = (torch.softmax(scores, dim=1)[:, None] @ tx)[:, 0]
        mixed = torch.tanh(torch.cat([taken, h], dim=1) @ p["combined/weight"].T + p["combined/bias"])
        outputs.append(mixed @ p["output/weight"].T + p["output/bias"])
    logits = torch.stack(outputs, dim=1)
    y = torch.tensor(targets)
    each = torch.nn.functional.cross_entropy(logits.transpose(1, 2), y, ignore_index=-1, reduction="none")
    expected = (each.sum(dim=1) / (y >= 0).sum(dim=1)).mean()
    expected.backward()
    assert float(value) == pytest.approx(expected.item(), rel=1e-12)
    for name, leaf in tree.flatten_dict(gradient["decoder"]).items():
        np.testing.assert_allclose(leaf, p[name].grad.numpy(), rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("attention", [None, "additive"])
def test_both_engines_write_the_same(attention, rng, targets):
    network = built(bl.Decoder(**SIZES, attention=attention), (TIME, FEATURES))
    x = rng.normal(size=(ROWS, TIME, FEATURES))
    free = bl.compile(lambda params, x: network.apply(params, x)[0])
    expected = network(x)
    for row, tokens in zip(np.asarray(free(network.params, x)), expected.argmax(axis=-1), strict=True):
        length = int(np.argmax(np.append(tokens, 3) == 3)) + 1  # what NumPy wrote after the end says nothing
        np.testing.assert_array_equal(row.argmax(axis=-1)[:length], tokens[:length])
    told = bl.compile(lambda params, x, y: network.apply(params, x, targets=y)[0])
    expected = network.apply(network.params, x, targets=targets)[0]
    np.testing.assert_allclose(told(network.params, x, targets), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("attention", [None, "dot"])
def test_the_call_takes_the_likeliest_token_each_time(attention, rng):
    network = built(bl.Decoder(**SIZES, attention=attention), (TIME, FEATURES), seed=3)
    x = rng.normal(size=(ROWS, TIME, FEATURES))
    greedy = bl.beam_search(network, x, width=1)
    called = network(x).argmax(axis=-1)
    for row in range(ROWS):
        length = int((greedy.tokens[row, 0] >= 0).sum())
        np.testing.assert_array_equal(called[row, :length], greedy.tokens[row, 0, :length])
        logits = network.apply(network.params, x, targets=np.where(greedy.tokens[:, 0] < 0, -1, greedy.tokens[:, 0]))[0]
        chances = np.take_along_axis(log_softmax(logits), np.maximum(greedy.tokens[:, 0], 0)[..., None], axis=-1)[
            ..., 0
        ]
        assert greedy.scores[row, 0] == pytest.approx(chances[row, :length].sum(), rel=1e-9)


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_a_wide_beam_finds_the_likeliest_of_all_sequences(penalty, rng):
    tokens, steps = 5, 3
    network = built(bl.Decoder(tokens, steps, units=6, embedding=4), (FEATURES,), seed=5)
    network = network.replace(params=tree.map(lambda leaf: 3.0 * leaf, network.params))
    x = rng.normal(size=(2, FEATURES))
    found = bl.beam_search(network, x, width=tokens**steps, length_penalty=penalty)
    endings = [
        sequence
        for length in range(1, steps + 1)
        for sequence in itertools.product(range(tokens), repeat=length)
        if 3 not in sequence[:-1] and (length == steps or sequence[-1] == 3)
    ]
    for row in range(2):
        scored = []
        for sequence in endings:
            y = np.full((1, steps), -1)
            y[0, : len(sequence)] = sequence
            logits = network.apply(network.params, x[row : row + 1], targets=y)[0]
            chances = log_softmax(logits)[0, np.arange(len(sequence)), list(sequence)]
            scored.append((chances.sum() / len(sequence) ** penalty, sequence))
        scored.sort(reverse=True)
        best = tuple(token for token in found.tokens[row, 0].tolist() if token >= 0)
        assert best == scored[0][1]
        np.testing.assert_allclose(found.scores[row, :10], [score for score, _ in scored[:10]], rtol=1e-9)


def test_padding_of_the_input_changes_nothing(rng, targets):
    reader = bl.Sequential(bl.Embedding(12, 4), bl.Bidirectional(bl.GRU(3, return_sequences=True)))
    x = rng.integers(1, 12, (ROWS, TIME))
    longer = np.pad(x, ((0, 0), (0, 3)))
    for attention in ("dot", "additive", None):
        architecture = bl.EncoderDecoder(reader, bl.Decoder(**SIZES, attention=attention), padding=0)
        short, long = architecture.build((TIME,), dtype="float64"), architecture.build((TIME + 3,), dtype="float64")
        np.testing.assert_allclose(long(longer), short(x), rtol=1e-10, atol=1e-12)
        told = [net.apply(net.params, data, targets=targets)[0] for net, data in ((short, x), (long, longer))]
        np.testing.assert_allclose(told[1], told[0], rtol=1e-10, atol=1e-12)
        if attention:
            looked = bl.beam_search(long, longer, width=2).attention
            assert np.abs(looked[..., TIME:]).max() == 0


def test_gradients_by_finite_differences(rng, targets):
    network = built(bl.Decoder(**SIZES, cell="gru", attention="additive"), (TIME, FEATURES))
    x = rng.normal(size=(ROWS, TIME, FEATURES))
    bl.check_gradients(lambda params: (network.apply(params, x, targets=targets)[0] ** 2).mean(), network.params)


def test_mistakes_are_told():
    with pytest.raises(bl.InputError, match=r"cell of Decoder 'lsmt'; did you mean 'lstm'"):
        bl.Decoder(9, 4, cell="lsmt")
    with pytest.raises(bl.InputError, match=r"attention of Decoder 'dott'; did you mean 'dot'"):
        bl.Decoder(9, 4, attention="dott")
    with pytest.raises(bl.InputError, match="start and end must be tokens from 0 to 2"):
        bl.Decoder(3, 4)
    with pytest.raises(
        bl.ShapeError, match=r"needs inputs of shape \(time, features\), got \(4,\); an encoder such as"
    ):
        bl.Decoder(9, 4, attention="dot").build((4,))
    with pytest.raises(bl.InputError, match=r"needs a layer and a bl\.Decoder"):
        bl.EncoderDecoder(bl.LSTM(4), bl.LSTM(4))
    network = bl.EncoderDecoder(bl.Linear(4), bl.Decoder(9, 4)).build((3,))
    with pytest.raises(bl.ShapeError, match=r"needs targets of shape \(rows, 4\), got \(2, 5\)"):
        network.apply(network.params, np.zeros((2, 3), "float32"), targets=np.zeros((2, 5), int))
    with pytest.raises(bl.InputError, match=r"beam_search needs a network of a bl\.EncoderDecoder"):
        bl.beam_search(bl.Linear(3).build(2), np.zeros((1, 2)))
    with pytest.raises(bl.InputError, match="width must be a whole number of at least 1, got 0"):
        bl.beam_search(network, np.zeros((1, 3)), width=0)
    with pytest.raises(bl.InputError, match="length_penalty must be a number from 0, got -1"):
        bl.beam_search(network, np.zeros((1, 3)), length_penalty=-1)
    reader = bl.EncoderDecoder(bl.Embedding(5, 2), bl.Decoder(9, 4), padding=0).build((3,))
    with pytest.raises(bl.InputError, match="EncoderDecoder: 1 of 2 sequences are nothing but padding"):
        reader(np.array([[1, 2, 0], [0, 0, 0]]))


def test_architecture_as_data():
    architecture = bl.EncoderDecoder(bl.LSTM(4, return_sequences=True), bl.Decoder(9, 4, attention="dot"), padding=0)
    assert bl.Layer.from_dict(architecture.to_dict()) == architecture
    assert dataclasses.replace(architecture, padding=None) != architecture
