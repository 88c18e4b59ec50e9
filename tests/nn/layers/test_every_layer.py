"""What must hold for every layer: shapes, types, gradients, both engines, JSON, seeds."""

import dataclasses
import inspect
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.graph import tree
from backlit.nn.context import ensure_context
from backlit.nn.layer import Layer
from backlit.nn.layers.onnx import OnnxGraph, OnnxNode
from backlit.settings import declared
from tests.nn.common import draw_params, outputs_and_gradients
from tests.owned import is_own

SMOOTH = bl.Sequential(bl.Linear(4), bl.Tanh())
CASES: list[tuple[Layer, tuple[int, ...]]] = [
    (bl.Linear(3), (4,)),
    (bl.Linear(3, bias=False, weight_init="normal:0.5"), (2, 4)),
    (bl.Identity(), (4,)),
    (bl.Step(), (4,)),
    (bl.Sigmoid(), (4,)),
    (bl.Tanh(), (4,)),
    (bl.ReLU(), (4,)),
    (bl.LeakyReLU(0.2), (4,)),
    (bl.PReLU(), (2, 4)),
    (bl.PReLU(by_feature=True), (2, 4)),
    (bl.ELU(0.7), (4,)),
    (bl.SELU(), (4,)),
    (bl.GELU(), (4,)),
    (bl.GELU(approximate=True), (4,)),
    (bl.SiLU(), (4,)),
    (bl.Softplus(), (4,)),
    (bl.Softmax(), (2, 4)),
    (bl.Sequential(bl.Linear(5), bl.Tanh(), bl.Linear(2)), (4,)),
    (bl.Residual(bl.Linear(4), bl.Tanh()), (4,)),
    (bl.Residual(bl.Linear(3), bl.Tanh(), bl.Linear(5), zero_start=True), (2, 4)),
    (bl.Parallel(bl.Linear(3), SMOOTH), (4,)),
    (bl.Parallel(bl.Linear(4), SMOOTH, bl.Identity(), combine="mean"), (4,)),
    (
        bl.Wired({"a": SMOOTH, "b": bl.Linear(4), "c": bl.Sigmoid()}, [("a", "b"), ("a", "c"), ("b", "c")]),
        (3,),
    ),
    (bl.Wired(SMOOTH, [("a", "b"), ("b", "c"), ("a", "c")], combine="concatenate"), (3,)),
    (bl.Dropout(0.4), (6,)),
    (bl.DropConnect(3, rate=0.4), (4,)),
    (bl.Flatten(), (2, 3)),
    (bl.Reshape((3, -1)), (2, 6)),
    (bl.Permute((3, 1, 2)), (2, 3, 4)),
    (bl.Select(), (3, 4)),
    (bl.Select(1, axis=2), (3, 4)),
    (bl.LayerNorm(), (2, 5)),
    (bl.LayerNorm(axes=2, affine=False), (2, 5)),
    (bl.BatchNorm(), (4,)),
    (bl.BatchNorm(affine=False, momentum=0.5), (3, 4)),
    (bl.RMSNorm(), (2, 5)),
    (bl.RMSNorm(axes=2, affine=False, epsilon=0.01), (2, 5)),
    (bl.Embedding(7, 3), (4,)),
    (bl.OneHot(7), (4,)),
    (bl.Masked(bl.Embedding(7, 3), bl.Conv1d(4, 3, padding="same"), bl.GlobalMaxPool(), value=3), (4,)),
    (bl.EmbedColumns((7, 40)), (4,)),
    (bl.PiecewiseLinear(((-1.5, 0.1, 1.9), (), (-3.0, 3.0))), (4,)),
    (bl.Temperature(1.7), (4,)),
    (bl.Rescale((3.0, -1.0), (2.0, 0.5)), (4, 2)),
    (bl.Residual(bl.Conv2d(3, 3, 2, "same"), bl.Tanh(), stride=2), (5, 4, 2)),
    (bl.Dropout(0.4, by_channel=True), (3, 2, 4)),
    (bl.Augment(flip=True, cutout=0.5, brightness=0.2, contrast=0.3), (5, 4, 2)),
    (bl.Conv1d(4, 3, stride=2, padding="same", groups=2), (7, 2)),
    (bl.Conv2d(3, (3, 2), padding=((1, 0), (0, 1)), dilation=(1, 2)), (4, 5, 2)),
    (bl.Conv2d(4, 2, groups=4, bias=False), (3, 4, 4)),
    (bl.ConvTranspose1d(3, 3, stride=2, padding=1, output_padding=1), (4, 2)),
    (bl.ConvTranspose2d(4, (3, 2), stride=(2, 1), padding="same", groups=2), (2, 3, 2)),
    (bl.MaxPool1d(2), (6, 3)),
    (bl.MaxPool2d(3, stride=2, padding=1), (5, 4, 2)),
    (bl.AvgPool1d(3, stride=2, padding="same"), (6, 3)),
    (bl.AvgPool2d((2, 3)), (4, 6, 2)),
    (bl.GlobalAvgPool(), (3, 4, 2)),
    (bl.GlobalMaxPool(), (3, 4, 2)),
    (bl.AdaptiveAvgPool2d(2, 3), (5, 4, 2)),
    (bl.RNN(3), (4, 2)),
    (bl.RNN(3, activation="relu", return_sequences=True, form="scan", initial="learned", dropout=0.3), (4, 2)),
    (bl.LSTM(3, return_sequences=True, recurrent_dropout=0.3), (4, 2)),
    (bl.LSTM(3, peepholes=True, projection=2, initial="random:0.5", form="unrolled"), (4, 2)),
    (bl.GRU(3, return_sequences=True, reverse=True, initial="learned"), (4, 2)),
    (bl.GRU(3, reset_after=False, stateful=5, bias=False, recurrent_dropout=0.3), (4, 2)),
    (bl.Bidirectional(bl.LSTM(3)), (4, 2)),
    (bl.Masked(bl.Embedding(7, 3), bl.Bidirectional(bl.GRU(2, return_sequences=True)), bl.GRU(2), value=3), (4,)),
    (OnnxNode("Softsign"), (4,)),
    (OnnxNode("Add", (("input",), ("weight", "bias", (3,)))), (4, 3)),
    (
        OnnxGraph(
            (
                ("a", bl.Linear(4), ("input",)),
                ("b", bl.Sigmoid(), ("a",)),
                ("c", OnnxNode("Mul", (("input",), ("input",))), ("b", "a")),
                ("d", OnnxNode("MatMul", (("input",), ("weight", "weight", (4, 3)))), ("c",)),
            ),
            "d",
        ),
        (2, 5),
    ),
    (bl.EachStep(bl.Linear(3), bl.Tanh()), (3, 4)),
    (bl.ScaledDotProductAttention(2, causal=True, dropout=0.3), (3, 12)),
    (bl.MultiHeadAttention(4, 2, dropout=0.3), (3, 5)),
    (bl.MultiHeadAttention(4, 1, causal=True, bias=False, rotary=True), (3, 4)),
    (bl.TransformerBlock(4, 2, hidden=3, dropout=0.3), (3, 4)),
    (bl.TransformerBlock(4, 2, 3, "tanh", norm_first=False, norm="rmsnorm", causal=True, rotary=True), (3, 4)),
    (bl.PositionalEncoding(), (3, 5)),
    (bl.PositionalEncoding("learned", length=4), (3, 5)),
    (bl.Masked(bl.Embedding(7, 4), bl.PositionalEncoding("learned"), bl.TransformerBlock(4, 2, 3), value=3), (4,)),
    (bl.Decoder(6, 3, units=4, embedding=2, dropout=0.3), (4,)),
    (bl.Decoder(6, 3, units=4, embedding=2, cell="gru", layers=2, attention="additive"), (4, 2)),
    (bl.EncoderDecoder(bl.Embedding(7, 3), bl.Decoder(6, 3, units=4, attention="dot"), padding=9), (4,)),
]
# A step's zero gradient is in test_activations.py; one-hot rows have nothing to be derived by: test_one_hot.py.
SLOPED = [case for case in CASES if not isinstance(case[0], (bl.Step, bl.OneHot))]
each = pytest.mark.parametrize(("layer", "shape"), CASES, ids=lambda case: str(case))
each_sloped = pytest.mark.parametrize(("layer", "shape"), SLOPED, ids=lambda case: str(case))
modes = pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])


def inputs(layer: Layer, shape: tuple[int, ...], rng: np.random.Generator, dtype: str = "float64") -> np.ndarray:
    if layer.takes_integers and not isinstance(layer, bl.Rescale):  # which takes both
        return rng.integers(0, 7, (5, *shape))
    x = rng.uniform(0.2, 2.0, (5, *shape)) * rng.choice([-1.0, 1.0], (5, *shape))  # away from kinks at 0
    return x.astype(dtype)


def test_every_layer_of_the_package_is_here() -> None:
    known = {type(layer).__name__ for layer, _ in CASES}
    own = {name for name, kind in Layer.kinds.items() if is_own(kind)}
    assert own <= known


@each
@modes
def test_shape_and_type(layer: Layer, shape: tuple[int, ...], training: bool, rng: np.random.Generator) -> None:
    network = layer.build(shape)
    x = inputs(layer, shape, rng, "float32")
    output, state = network.apply(network.params, x, training=training)
    assert output.shape == (5, *network.output_shape)
    assert layer.init(bl.Key(0), shape)[1] == network.output_shape
    assert {leaf.dtype for leaf in [output, *tree.leaves(network.params), *tree.leaves(state)]} == {np.dtype("float32")}
    assert layer.cost(shape) >= 0


@each_sloped
@modes
def test_engines_agree(layer: Layer, shape: tuple[int, ...], training: bool, rng: np.random.Generator) -> None:
    """Values, running state and gradients; for layers that drop, the same units."""
    network = draw_params(layer.build(shape, dtype="float64"), rng)
    x = inputs(layer, shape, rng)
    options: dict[str, Any] = {"training": training, "seed": 3, "step": 5}
    by_numpy = outputs_and_gradients(network, x, **options)
    by_xla = outputs_and_gradients(network, x, compiled=True, **options)
    for ours, theirs in zip(tree.leaves(by_numpy), tree.leaves(by_xla), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-13)


@each_sloped
@modes
def test_gradients_against_differences(
    layer: Layer, shape: tuple[int, ...], training: bool, rng: np.random.Generator
) -> None:
    network = draw_params(layer.build(shape, dtype="float64"), rng)
    x = inputs(layer, shape, rng)

    def f(params: Any, x: Any) -> Any:
        return network.apply(params, x, training=training)[0]

    if x.dtype.kind in "iu":
        bl.check_gradients(lambda params: f(params, x), network.params)
    elif network.params:
        bl.check_gradients(f, network.params, x)
    else:
        bl.check_gradients(lambda x: f({}, x), x)


@each
def test_json_and_back(layer: Layer, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    again = Layer.from_dict(json.loads(json.dumps(layer.to_dict())))
    assert again == layer
    assert hash(again) == hash(layer)  # programs are kept by architecture
    x = inputs(layer, shape, rng)
    np.testing.assert_array_equal(again.build(shape, seed=4)(x), layer.build(shape, seed=4)(x))


@each
def test_seeds(layer: Layer, shape: tuple[int, ...]) -> None:
    first, again, other = (layer.build(shape, seed=seed).params for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(tree.leaves(first), tree.leaves(again), strict=True))
    drawn = [leaf.size > 1 and np.ptp(leaf) > 0 for leaf in tree.leaves(first)]
    if any(drawn):
        assert any(not np.array_equal(a, b) for a, b in zip(tree.leaves(first), tree.leaves(other), strict=True))


@each
def test_every_range_is_kept(layer: Layer, shape: tuple[int, ...]) -> None:
    """Of each hyperparameter that is declared with a range, what lies outside of it."""
    for name, declaration in declared(type(layer)).items():
        allowed = declaration.range
        wrong: list[Any] = [] if allowed is None else ["much", True, float("nan")]
        if allowed is not None and not allowed.names:
            wrong += [allowed.low - 1, allowed.low if allowed.open_low else allowed.low - 0.1]
            wrong += [allowed.high if allowed.open_high else allowed.high + 1]
        if isinstance(declaration.default, bool) and not isinstance(layer, bl.Residual):  # which takes any truth value
            wrong += [None, 1, "yes"]
        for value in wrong:
            with pytest.raises(InputError, match=f"^{type(layer).__name__}: {name} must be"):
                dataclasses.replace(layer, **{name: value})


@each
def test_layers_are_values(layer: Layer, shape: tuple[int, ...]) -> None:
    fields = dataclasses.fields(layer)
    if fields:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(layer, fields[0].name, None)
    assert repr(layer).startswith(type(layer).__name__ + "(")


@dataclass(frozen=True)
class Stretch(bl.Layer):
    """A layer of one's own, as the documentation shows it."""

    start: float = 1.0

    def init(self, key: Any, input_shape: Any) -> Any:
        return {"factor": np.full(input_shape, self.start)}, input_shape

    def __call__(self, params: Any, x: Any, ctx: Any = None) -> Any:
        return x * params["factor"]


def test_a_layer_of_ones_own_learns_and_is_saved(rng: np.random.Generator) -> None:
    architecture = bl.Sequential(Stretch(0.5))
    x = rng.normal(size=(32, 3))
    run = bl.fit(
        architecture, x, x * [1.0, -2.0, 3.0], loss="mse", optimizer=bl.GradientDescent(0.3), batch_size=None,
        epochs=200, progress=False,
    )  # fmt: skip
    np.testing.assert_allclose(run.network.params["0"]["factor"], [1.0, -2.0, 3.0], atol=1e-3)
    assert Layer.from_dict(architecture.to_dict()) == architecture


# ---------------------------------------------------------------------------------- calls without a context


@each
def test_a_call_without_a_context_gives_the_same_again(
    layer: Layer, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    """A pure call is one: no state and no count of drawn numbers stays behind in a default that calls share."""
    assert inspect.signature(type(layer).__call__).parameters["ctx"].default is None
    params, x = layer.build(shape).params, inputs(layer, shape, rng, "float32")
    if isinstance(layer, (bl.BatchNorm, bl.Rescale, bl.PiecewiseLinear)):
        for _ in range(2):
            with pytest.raises(InputError, match="there is no running value"):
                layer(params, x)
        return
    np.testing.assert_array_equal(layer(params, x), layer(params, x))


@dataclass(frozen=True)
class Restless(bl.Layer):
    """Draws and counts at each call."""

    def __call__(self, params: Any, x: Any, ctx: Any = None) -> Any:
        ctx = ensure_context(ctx)
        count = ctx.updates.get(f"{ctx.path}/count", 0)
        ctx.update("count", count + 1)
        return x + count + ctx.uniform(x.shape)


def test_no_state_and_no_draw_is_left_for_the_next_call() -> None:
    x = np.zeros((2, 3))
    alone, inside, twice = Restless(), bl.Sequential(Restless()), bl.Parallel(Restless(), Restless())
    for layer in (alone, inside, twice, bl.Residual(alone)):
        np.testing.assert_array_equal(layer({}, x), layer({}, x))


# ---------------------------------------------------------------------------------- shapes without numbers


@each
def test_shapes_are_known_without_drawing(
    layer: Layer, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = layer.build(shape)
    monkeypatch.setattr(bl.Key, "generator", lambda self: pytest.fail(f"{self} was drawn from"))
    empty = bl.Network.empty(layer, shape)
    assert layer.output_shape(shape) == empty.output_shape == full.output_shape
    assert tree.paths(empty.params) == tree.paths(full.params)
    for ours, theirs in zip(tree.leaves(empty.params), tree.leaves(full.params), strict=True):
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    assert list(empty.state) == list(full.state)
    for name, value in full.state.items():
        np.testing.assert_array_equal(empty.state[name], value)


# ---------------------------------------------------------------------------------- walking through a network


@each
def test_walks_agree(layer: Layer, shape: tuple[int, ...]) -> None:
    walked = dict(layer.walk())
    placed = {place.path: place.layer for place in layer.walk_shapes(shape)}
    assert list(walked) == [path for path in placed if not path.endswith("projection")]  # which only shapes call for
    assert walked.items() <= placed.items()
    rows = layer.build(shape).rows(containers=True)
    assert [(path, part) for path, part, *_ in rows] == list(placed.items())


def test_what_is_around_a_layer() -> None:
    inner = bl.Residual(bl.Sequential(bl.Linear(4), bl.Tanh()))
    net = bl.Sequential(bl.Linear(4), inner)
    around = {place.path: place.around for place in net.walk_shapes((3,))}
    assert around[""] == ()
    assert around["1/body/1"] == (net, inner, inner.body)
