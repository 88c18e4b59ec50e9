"""Networks by words: what they stand for, and what is said of words that can't be read."""

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.nn.layer import Layer
from backlit.nn.layers import activations
from backlit.nn.spec import build, layers, networks, spelled

PICTURE, SEQUENCE = (12, 10, 3), (9, 4)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("linear", bl.Sequential(bl.Linear(3))),
        ("mlp", bl.Sequential(bl.Linear(64, weight_init="kaiming"), bl.ReLU(), bl.Linear(3))),
        ("lstm:5", bl.Sequential(bl.LSTM(5), bl.Linear(3))),
        ("gru:5,4", bl.Sequential(bl.GRU(5, return_sequences=True), bl.GRU(4), bl.Linear(3))),
        ("birnn:5", bl.Sequential(bl.Bidirectional(bl.RNN(5)), bl.Linear(3))),
        (
            "conv:6,5,2 tanh avgpool:2 flatten linear:7",
            bl.Sequential(
                bl.Conv1d(6, 5, 2, "same", weight_init="xavier"),
                bl.Tanh(), bl.AvgPool1d(2), bl.Flatten(), bl.Linear(7), bl.Linear(3),
            ),
        ),
        (
            "lstm:5 layernorm dropout:0.25 gru:4 selu",
            bl.Sequential(
                bl.LSTM(5, return_sequences=True), bl.LayerNorm(), bl.Dropout(0.25), bl.GRU(4), bl.SELU(), bl.Linear(3)
            ),
        ),
        (
            "conv:6 batchnorm relu globalpool",
            bl.Sequential(bl.Conv1d(6, 3, 1, "same"), bl.BatchNorm(), bl.ReLU(), bl.GlobalAvgPool(), bl.Linear(3)),
        ),
    ],
)  # fmt: skip
def test_words_and_layers(words, expected):
    flat = words in ("linear", "mlp")
    assert build(words, 3, input_shape=(9,) if flat else SEQUENCE) == expected


@pytest.mark.parametrize("shape", [PICTURE, SEQUENCE, (70, 90, 1), (8, 8, 1), (4, 4, 3), (1, 1, 1)])
@pytest.mark.parametrize("words", [*networks.KINDS, "cnn:4,8", "resnet:14", "bigru:4,4"])
def test_every_network_takes_every_shape(words, shape):
    network = build(words, 3, "silu", 0.2, input_shape=shape)
    assert network.output_shape(shape) == (3,)
    assert Layer.from_dict(network.to_dict()) == network


@pytest.mark.parametrize("name", list(layers.KINDS))
def test_every_layer_word_makes_its_layer(name):
    kind = layers.KINDS[name]
    own = {"dropout": "dropout:0.1", "pool": "pool:2", "avgpool": "avgpool:2"}
    word = own.get(name, f"{name}:3" if kind.counts[0] else name)
    options = {"input_shape": (9,), "vocabulary": 20} if name == "embed" else {"input_shape": PICTURE}
    network = build(f"{word} flatten" if name != "globalpool" else f"relu {word}", 3, **options)
    assert network.output_shape(options["input_shape"]) == (3,)
    if name in activations.names():
        assert network.layers[0] == (bl.Linear(3) if name == "linear" else activations.get(name))


def test_flat_rows_that_hold_pictures():
    inputs = {"input_shape": (64,), "seen_as": (8, 8, 1)}
    assert build("mlp:4", 3, **inputs) == build("mlp:4", 3)
    assert build("linear:4 relu", 3, **inputs).layers[0] == bl.Linear(4, weight_init="kaiming")
    for words in ("cnn", "resnet:8", "conv:4 flatten", "pool:2 flatten"):
        assert build(words, 3, **inputs).layers[0] == bl.Reshape((8, 8, 1))
    assert build("lstm:4", 3, **inputs).layers[:2] == (bl.Reshape((8, 8, 1)), bl.Reshape((8, 8)))  # row by row


def test_whole_numbers_are_embedded():
    network = build("lstm:4", 3, input_shape=(9,), vocabulary=100)
    assert network.layers[0] == bl.Embedding(100, 21)
    assert network.takes_integers
    assert build("embed:8 lstm:4", 3, input_shape=(9,), vocabulary=100).layers[0] == bl.Embedding(100, 8)
    assert build("mlp:4", 3, input_shape=(9,), vocabulary=100).output_shape((9,)) == (3,)


@pytest.mark.parametrize(("size", "channels"), [(8, [32, 64]), (28, [32, 64, 128]), (64, [32, 64, 128, 128])])
def test_a_cnn_grows_with_its_pictures(size, channels):
    network = build("cnn", 10, input_shape=(size, size, 1))
    found = [layer.channels for layer in network.layers if isinstance(layer, bl.Conv2d)]
    assert found == channels
    wide = build("cnn:4", 10, input_shape=(64, 64, 1))
    assert any(isinstance(layer, bl.GlobalAvgPool) for layer in wide.layers)  # 32 × 32 places are too many


@pytest.mark.parametrize("depth", [8, 14, 20])
def test_a_resnet_has_its_depth_and_starts_as_its_first_layer(depth, rng: np.random.Generator):
    """Blocks start at zero: up to the first stride, the network is what its first layers give."""
    network = build(f"resnet:{depth}", 10, input_shape=(8, 8, 3)).build((8, 8, 3))
    inside = [
        row for row in network.rows() if isinstance(row[1], (bl.Conv2d, bl.Linear)) and "projection" not in row[0]
    ]
    assert len(inside) == depth
    blocks = [layer for layer in network.architecture.layers if isinstance(layer, bl.Residual)]
    assert [block.stride for block in blocks].count(2) == 2
    seen = {}
    x = rng.normal(size=(5, 8, 8, 3)).astype("float32")
    network.apply(network.params, x, training=True, tap=lambda path, value: seen.setdefault(path, value))
    first = (depth - 2) // 6
    np.testing.assert_array_equal(np.asarray(seen[str(2 + 2 * first)]), np.asarray(seen["2"]))


def test_a_resnets_published_size():
    """He and others, table 6: 20 layers have 0.27 M parameters (theirs pad where ours project: 32·16 + 64·32 more)."""
    network = build("resnet:20", 10, input_shape=(32, 32, 3)).build((32, 32, 3))
    assert network.size == pytest.approx(0.27e6, rel=0.02)


def test_a_strided_block_against_pytorch(rng: np.random.Generator):
    block = bl.Residual(bl.Conv2d(5, 3, 2, "same", bias=False), stride=2).build((7, 8, 3), dtype="float64")
    x = rng.normal(size=(2, 7, 8, 3))
    weight, across = block.params["body"]["weight"], block.params["projection"]["weight"]
    put = lambda a: torch.tensor(np.moveaxis(a, -1, 1).copy())
    picture = put(x)
    padded = torch.nn.functional.pad(picture, (0, 1, 1, 1))  # "same": 7 needs 1 + 1, 8 needs 0 + 1
    expected = torch.nn.functional.conv2d(padded, put(weight), stride=2)
    expected = expected + torch.nn.functional.conv2d(picture, put(across), stride=2)
    np.testing.assert_allclose(np.moveaxis(np.asarray(block(x)), -1, 1), expected.numpy(), rtol=1e-12)


def test_zero_start_is_zero_after_a_normalisation_too(rng: np.random.Generator):
    block = bl.Residual(bl.Linear(4), bl.ReLU(), bl.Linear(4), bl.BatchNorm(), zero_start=True).build((4,))
    x = rng.normal(size=(10, 4)).astype("float32")
    np.testing.assert_array_equal(block.apply(block.params, x, training=True)[0], x)
    assert block.params["body"]["2"]["weight"].any()
    assert not block.params["body"]["3"]["scale"].any()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("mpl:3", r"unknown network 'mpl'; did you mean 'mlp'\?"),
        ("mlp:0", r"such as mlp:64,32"),
        ("linear:3", r"use mlp:3"),
        ("cnn:a", r"'cnn:a': expected the blocks' channels such as cnn:32,64"),
        ("resnet:9", r"resnet:8, resnet:14"),
        ("resnet:8,8", r"resnet:8, resnet:14"),
        ("lstm:64,", r"such as lstm:64,64"),
        ("lstm:99999999999", r"such as lstm:64,64"),
        ("  ", r"expected a network such as"),
        ("conv:16,3 rellu flatten", r"word 2 'rellu': unknown layer 'rellu'; did you mean 'relu'\?"),
        ("con:16", r"unknown network 'con'; did you mean 'conv'\?"),
        ("cnn flatten", r"word 1 'cnn': cnn is a whole network and stands alone"),
        ("conv relu", r"word 1 'conv': expected conv:CHANNELS,KERNEL,STRIDE, such as conv:16,3"),
        ("conv:1,2,3,4 relu", r"word 1 'conv:1,2,3,4': expected conv:"),
        ("relu conv:", r"word 2 'conv:': expected conv:"),
        ("relu: flatten", r"word 1 'relu:': expected relu without a number"),
        ("conv:4 pool:20 flatten", r"word 2 'pool:20': MaxPool2d\(20\).*larger than the input of \(12, 10\)"),
        ("conv:4 relu", r"its last layer gives \(12, 10, 4\).*flatten or globalpool"),
        ("flatten dropout:2", r"word 2 'dropout:2': expected dropout:SHARE, from 0 to below 1"),
        ("flatten dropout", r"word 2 'dropout': expected dropout:SHARE"),
        ("flatten conv:3", r"word 2 'conv:3': conv needs pictures.*gets rows of 360 numbers"),
        ("embed:3 lstm:3", r"word 1 'embed:3': embed takes whole numbers"),
    ],
)
def test_words_that_cant_be_read(words, message):
    with pytest.raises(bl.InputError, match=message):
        build(words, 3, input_shape=PICTURE)


@pytest.mark.parametrize("words", ["cnn", "lstm:3", "conv:3 flatten"])
def test_words_that_need_places(words):
    with pytest.raises(bl.InputError, match=r"needs pictures .* gets rows of 64 numbers.* use mlp:64,32"):
        build(words, 3, input_shape=(64,))
    with pytest.raises(bl.InputError, match="give input_shape"):
        build(words, 3)


def test_spelled():
    assert [spelled(words) for words in ("mlp:3", "linear", "lstm:4", "relu", "linear:3 relu")] == [
        False, False, False, True, True,
    ]  # fmt: skip
