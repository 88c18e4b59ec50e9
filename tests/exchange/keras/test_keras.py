"""Networks to and from Keras 3: outputs and gradients, files, and words for what can't be taken over."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.graph import tree
from backlit.nn.layer import Layer
from backlit.nn.layers.onnx import OnnxGraph, OnnxNode
from tests.exchange.torch.test_to_torch import drawn
from tests.nn.common import outputs_and_gradients, weighing
from tests.nn.layers.test_every_layer import CASES, inputs
from tests.owned import is_own

pytestmark = pytest.mark.filterwarnings("ignore:.*copy keyword:DeprecationWarning")  # Keras' variables and NumPy 2
K = keras.layers
NOTHING = "no layer that does the same"
LACKS: dict[Any, str] = {  # what Keras can't say: by kind or by the layer's text, with what the message has
    bl.Decoder: NOTHING,
    bl.EncoderDecoder: NOTHING,
    bl.DropConnect: NOTHING,
    bl.EmbedColumns: NOTHING,
    bl.Masked: NOTHING,
    bl.PiecewiseLinear: NOTHING,
    bl.PositionalEncoding: NOTHING,
    bl.ScaledDotProductAttention: NOTHING,
    bl.Step: NOTHING,
    OnnxNode: NOTHING,
    OnnxGraph: NOTHING,
    "GELU(approximate=True)": "Keras' layer has only the exact form",
    "RMSNorm(axes=2, epsilon=0.01, affine=False)": "for the last axis only",
    "ConvTranspose2d(4, (3, 2), stride=(2, 1), padding='same', groups=2)": "groups of a transposed convolution",
    "MaxPool2d(3, stride=2, padding=1)": "only 'valid' and 'same'",
    "AdaptiveAvgPool2d(2, columns=3)": "can't be divided evenly",
    "RNN(3, return_sequences=True, initial='learned', dropout=0.3, form='scan', activation='relu')": "initial have no",
    "LSTM(3, initial='random:0.5', form='unrolled', peepholes=True, projection=2)": "initial have no counterpart",
    "GRU(3, return_sequences=True, reverse=True, initial='learned')": "from the last to the first",
    "GRU(3, stateful=5, recurrent_dropout=0.3, bias=False, reset_after=False)": "stateful, return_states",
    "MultiHeadAttention(4, 2, dropout=0.3)": "another number of units than of features",
    "MultiHeadAttention(4, 1, causal=True, bias=False, rotary=True)": "rotary positions",
    repr(bl.TransformerBlock(4, 2, 3, "tanh", norm_first=False, norm="rmsnorm", causal=True, rotary=True)): "rotary",
}


def lacks(layer: Layer) -> str | None:
    return LACKS.get(type(layer), LACKS.get(repr(layer)))


def numpy(tensor: Any) -> np.ndarray:
    return np.array(keras.ops.convert_to_numpy(tensor))


MORE: list[tuple[Layer, tuple[int, ...]]] = [
    (bl.Sequential(bl.Conv2d(4, 3, 2, "same"), bl.BatchNorm(), bl.ReLU(), bl.Flatten(), bl.Linear(3)), (7, 6, 2)),
    (bl.Sequential(bl.ConvTranspose2d(3, 3, 2, "same"), bl.ConvTranspose2d(2, 2, 3, ((1, 0), (0, 1)))), (3, 4, 2)),
    (bl.Sequential(bl.MaxPool2d(2), bl.AvgPool2d(2, padding="same"), bl.GlobalMaxPool()), (6, 8, 2)),
    (bl.Sequential(bl.MultiHeadAttention(4, 2, causal=True), bl.RMSNorm()), (3, 4)),
    (bl.TransformerBlock(4, 2, 3, "relu", norm_first=False), (3, 4)),
    (bl.Bidirectional(bl.GRU(3, return_sequences=True, reset_after=False), combine="sum"), (4, 2)),
    (bl.Sequential(bl.RNN(3, reverse=True, bias=False), bl.PReLU()), (4, 2)),
    (bl.GRU(3), (4, 2)),
    (bl.AdaptiveAvgPool2d(2, 2), (4, 6, 2)),
    (bl.Sequential(bl.OneHot(7), bl.Linear(2)), (4,)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("layer", "shape"), CASES + MORE, ids=lambda case: str(case)[:60])
def test_every_layer_to_keras(layer: Layer, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    """Each gives the same, in float32 as Keras counts by JAX's habit, or is refused by name."""
    network = drawn(layer, shape, rng).astype("float32")
    if lacks(layer):
        with pytest.raises(
            InputError, match=f"to_keras: layer .*{type(layer).__name__[:8]}.*{lacks(layer)}|{lacks(layer)}"
        ):
            network.to_keras()
        return
    x = inputs(layer, shape, rng, "float32")
    np.testing.assert_allclose(numpy(network.to_keras()(x, training=False)), network(x), rtol=2e-4, atol=2e-5)


def test_every_layer_of_the_package_is_mapped_or_refused() -> None:
    known = {type(part) for layer, _ in CASES + MORE if not lacks(layer) for _, part in layer.walk()}
    own = {kind for kind in Layer.kinds.values() if is_own(kind)}
    assert own == (known & own) | {kind for kind in LACKS if isinstance(kind, type)}


@pytest.mark.parametrize("place", [0, 4])
def test_files_of_what_was_handed_over(place: int, rng: np.random.Generator, tmp_path: Path) -> None:
    layer, shape = MORE[place]
    network = drawn(layer, shape, rng).astype("float32")
    x = inputs(layer, shape, rng, "float32")
    network.to_keras().save(tmp_path / "m.keras")
    read = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    np.testing.assert_allclose(numpy(read(x, training=False)), network(x), rtol=2e-4, atol=2e-5)
    back = bl.from_keras(tmp_path / "m.keras")
    np.testing.assert_allclose(back(x), network(x), rtol=2e-4, atol=2e-5)


def functional() -> Any:
    x = keras.Input((6,))
    y = K.Embedding(9, 4)(x)
    both = K.Bidirectional(K.GRU(3, return_sequences=True))(y)
    z = K.Add()([both, K.LSTM(6, return_sequences=True)(both)])
    z = z + K.MultiHeadAttention(2, 3)(z, z)
    z = K.LayerNormalization(scale=False)(z)
    last = z[:, -1]
    return keras.Model(x, K.Dense(2)(K.Concatenate()([last, K.GlobalMaxPooling1D()(z)])))


def pictures() -> Any:
    inner = keras.Sequential([keras.Input((4, 4, 3)), K.ReLU(), K.Conv2D(4, 3, padding="same")])
    return keras.Sequential(
        [
            keras.Input((9, 9, 2)),
            K.Rescaling(1 / 2, -1.0),
            K.ZeroPadding2D(((0, 1), (0, 1))),
            K.Conv2D(3, 3, 2, activation="elu"),
            inner,
            K.BatchNormalization(center=False),
            K.PReLU(shared_axes=[1, 2]),
            K.SeparableConv2D(5, 2),
            K.DepthwiseConv2D(2, padding="same", depth_multiplier=2),
            K.MaxPooling2D(2),
            K.SpatialDropout2D(0.1),
            K.Conv2DTranspose(4, 3, 2),
            K.Conv2DTranspose(4, 2, 3, "same"),
            K.AveragePooling2D(3, 2, "same"),
            K.Flatten(),
            K.Dense(6, "gelu"),
            K.Reshape((3, 2)),
            K.TimeDistributed(K.Dense(4, activation="leaky_relu")),
            K.Permute((2, 1)),
            K.GlobalAveragePooling1D(),
            K.Dense(3, activation="softmax"),
        ]
    )


def lines() -> Any:
    return keras.Sequential(
        [
            keras.Input((12, 3)),
            K.Conv1D(4, 3, dilation_rate=2, groups=1),
            K.Conv1DTranspose(3, 2, 2),
            K.MaxPooling1D(2),
            K.SimpleRNN(4, return_sequences=True, activation="relu"),
            K.GRU(3, return_sequences=True, reset_after=False),
            K.RMSNormalization(),
            K.LSTM(3, go_backwards=True),
            K.LeakyReLU(0.2),
            K.ELU(0.5),
            K.Softmax(),
        ]
    )


MODELS = [functional, pictures, lines]


def stirred(model: Any) -> Any:
    rng = np.random.default_rng(3)
    values = [numpy(weight.value) for weight in model.weights]
    model.set_weights([rng.uniform(0.1, 0.6, value.shape).astype(value.dtype) for value in values])
    return model


@pytest.mark.parametrize("make", [pytest.param(m, marks=[pytest.mark.slow] * (m is not lines)) for m in MODELS])
def test_from_keras(make: Any, rng: np.random.Generator, tmp_path: Path) -> None:
    model = stirred(make())
    network = bl.from_keras(model)
    shape = (5, *network.input_shape)
    x = rng.integers(0, 9, shape) if network.takes_integers and make is functional else rng.normal(size=shape)
    x = x.astype("float32") if x.dtype.kind == "f" else x
    expected = numpy(model(x, training=False))
    np.testing.assert_allclose(np.asarray(network(x)), expected, rtol=1e-4, atol=1e-5)
    if make is functional:
        model.save(tmp_path / "m.keras")
        assert bl.from_keras(tmp_path / "m.keras").architecture == network.architecture


@pytest.mark.slow
def test_gradients_are_those_of_the_model(rng: np.random.Generator) -> None:
    """Against finite differences of Keras' own outputs along a random direction of all weights."""
    model = stirred(lines())
    network = bl.from_keras(model).astype("float64")
    x = rng.normal(size=(4, *network.input_shape))
    _, by_params, _ = outputs_and_gradients(network, x)
    before = [numpy(weight.value) for weight in model.weights]
    directions = [rng.normal(size=value.shape).astype("float32") for value in before]
    weights = weighing((4, *network.output_shape))

    def loss(step: float) -> float:
        model.set_weights([value + step * way for value, way in zip(before, directions, strict=True)])
        return float((numpy(model(x.astype("float32"), training=False)) * weights).sum())

    model.set_weights(directions)
    along = bl.from_keras(model)
    slope = sum(
        float((np.asarray(g) * np.asarray(d, "float64")).sum())
        for (_, g), (_, d) in zip(tree.items(by_params), tree.items(along.params), strict=True)
    )
    assert slope == pytest.approx((loss(1e-2) - loss(-1e-2)) / 2e-2, rel=2e-2, abs=1e-3)


def test_trainable_is_frozen_both_ways() -> None:
    model = keras.Sequential([keras.Input((4,)), K.Dense(3, name="a"), K.Dense(2), K.LayerNormalization(center=False)])
    model.layers[0].trainable = False
    network = bl.from_keras(model)
    assert network.frozen == ("0/weight", "0/bias", "2/bias")
    back = network.unfreeze("2/bias").to_keras()
    assert [layer.trainable for layer in back.layers] == [False, True, True]
    with pytest.raises(
        InputError, match=r"to_keras: layer 2 .*only 2/bias of it is frozen, but Keras freezes whole layers"
    ):
        network.to_keras()


def shared() -> Any:
    x = keras.Input((4,))
    dense = K.Dense(4, name="twice")
    return keras.Model(x, dense(dense(x)))


def partly_shared() -> Any:
    a, b = keras.Input((4,)), keras.Input((4,))
    dense = K.Dense(4, name="twice")
    return keras.Model([a, b], [dense(a), dense(b)])


def lines_of_any_length() -> Any:
    a, b = keras.Input((4,), name="a"), keras.Input((None, 2), name="b")
    return keras.Model([a, b], [K.ReLU()(a), K.GRU(2)(b)])


def through(*layers: Any, shape: tuple[Any, ...] = (4, 4, 2)) -> Any:
    return lambda: keras.Sequential([keras.Input(shape), *layers])


class Own(keras.Model):
    def call(self, x: Any) -> Any:
        return x


BAD = [
    (shared, "layer 'twice' \\(Dense\\): it is used in two places"),
    (lines_of_any_length, r"needs the shape of an example; .*'s input 'b' has \(None, None, 2\)"),
    (partly_shared, r"layer 'twice' \(Dense\): it is used in two places"),
    (Own, "is made by code of its own"),
    (lambda: keras.Sequential([K.Dense(3)]), "is not built yet: give it a keras.Input"),
    (lambda: "model", "there is no such file|reads .keras files"),
    (lambda: 3, "takes a Keras model or the path of a .keras file, got int"),
    (through(K.GroupNormalization(2)), r"layer .*\(GroupNormalization\): Backlit has no layer for it; it knows"),
    (through(K.ZeroPadding2D(1), K.ReLU()), "a border has a counterpart only in front of a convolution"),
    (through(K.ReLU(max_value=6)), "max_value and threshold have no counterpart"),
    (through(K.Dense(3, activation="mish")), "its activation mish has no counterpart; there are linear, relu"),
    (through(K.BatchNormalization(axis=1)), "only axis=-1 has a counterpart, got 1"),
    (through(K.LSTM(3), shape=(None, 2)), "needs the shape of an example"),
    (
        through(K.LSTM(3, stateful=False, go_backwards=True, return_sequences=True), shape=(4, 2)),
        "from the last to the first",
    ),
    (through(K.LSTM(3, activation="relu"), shape=(4, 2)), "only activation='tanh' with recurrent_activation='sigmoid'"),
    (through(K.Embedding(9, 3, mask_zero=True), shape=(4,)), "mask_zero=True: wrap what reads"),
    (through(K.PReLU()), "a slope for each place has no counterpart"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_what_cannot_be_taken_over_is_told(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        bl.from_keras(make())


def test_files_with_code_and_damaged_files_are_refused(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), K.Lambda(lambda x: 2 * x)])
    model.save(tmp_path / "code.keras")
    (tmp_path / "cut.keras").write_bytes((tmp_path / "code.keras").read_bytes()[:200])
    for name in ("code.keras", "cut.keras"):
        with pytest.raises(InputError, match=rf"{name} can't be read in Keras' safe mode"):
            bl.from_keras(tmp_path / name)
    with pytest.raises(InputError, match="to_keras takes a network that was built"):
        bl.Network.to_keras.function(bl.Linear(2))
