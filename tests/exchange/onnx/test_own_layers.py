"""Layers of the user's own are written by their operations, or refused by name."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit import ops
from backlit.exchange.onnx.operations import OPERATIONS
from backlit.exchange.onnx.own_layers import Tracing
from backlit.graph.registry import REGISTRY, Entry, Sample
from backlit.nn.context import ensure_context
from backlit.nn.layer import Layer
from tests.exchange.onnx.common import agree, answer, network_of

# Operations without a mapping: parts of losses, what training alone does, what layers of Backlit's cover (convolution,
# recurrence, attention), and linear algebra that ONNX hasn't.
WITHOUT = {
    "cross_entropy", "cross_entropy_probabilities", "binary_cross_entropy", "huber", "at_least_tiny", "negative_log",
    "batch_norm", "conv", "conv_transpose", "max_pool", "avg_pool", "rnn", "gru", "lstm", "scatter", "scatter_add",
    "solve", "inverse", "outer", "attention",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _names_are_free_again() -> Iterator[None]:
    before = dict(Layer.kinds)
    yield
    Layer.kinds.clear()
    Layer.kinds.update(before)


def layer(call: Any, **state: Any) -> Layer:
    """A layer of one's own from its call."""
    kind = dataclasses.make_dataclass("Own", [], bases=(bl.Layer,), frozen=True, namespace={
        "__call__": call, "init_state": lambda self, shape: state, "__module__": __name__,
    })  # fmt: skip
    return kind()


# ---------------------------------------------------------------------------------------- every operation


REFUSED = {  # samples that ONNX has no form for
    "getitem-4": "an index of several arrays can't be written",
    "einsum-7": "an einsum whose ... stands for different numbers of axes",
    "einsum-8": "an einsum whose ... stands for different numbers of axes",
}


def samples() -> dict[str, tuple[Entry, Sample]]:
    """Samples of all operations that are written."""
    written = {name: entry for name, entry in REGISTRY.items() if name not in WITHOUT}
    return {f"{name}-{i}": (entry, each) for name, entry in written.items() for i, each in enumerate(entry.samples)}


def test_every_operation_is_written_or_left_out_on_purpose() -> None:
    primitive = {entry.function.op.name for entry in REGISTRY.values() if hasattr(entry.function, "op")}
    assert primitive - WITHOUT <= set(OPERATIONS)
    assert not WITHOUT & set(OPERATIONS)


@pytest.mark.parametrize(
    ("label", "entry", "sample"), [(key, *value) for key, value in samples().items()], ids=list(samples())
)
def test_operations(label: str, entry: Entry, sample: Sample, rng: np.random.Generator, tmp_path: Path) -> None:
    """With one row's array as the first input that has a gradient; the others are constants of the layer."""
    arrays = [draw.array(rng) for draw in sample.inputs]
    arrays = [array.astype("float32") if array.dtype.kind == "f" else array for array in arrays]
    place = next(i for i, array in enumerate(arrays) if array.dtype.kind == "f")

    def call(self: Any, params: Any, x: Any, ctx: Any = None) -> Any:
        row = ops.squeeze(x[:1], axis=0)
        made = sample.call(entry.function, *arrays[:place], row, *arrays[place + 1 :])
        made = sum((ops.sum(part) for part in made), 0.0) if isinstance(made, (list, tuple)) else made
        return ops.expand_dims(made, axis=0)

    network = layer(call).build(arrays[place].shape)
    if label in REFUSED:
        with pytest.raises(bl.InputError, match=REFUSED[label]):
            network.export(tmp_path / "net.onnx")
        return
    agree(network, tmp_path / "net.onnx", arrays[place][None])


# --------------------------------------------------------------------------------------- whole layers


@dataclass(frozen=True)
class Gated(bl.Layer):
    """Parts of its own, a parameter, shapes with the number of rows, and a running value."""

    units: int = 3

    def parts(self) -> list[tuple[str, bl.Layer]]:
        return [("value", bl.Linear(self.units)), ("gate", bl.Sequential(bl.Linear(self.units), bl.Sigmoid()))]

    def init(self, key: Any, input_shape: Any) -> Any:
        params = {name: part.init(key.child(name), input_shape)[0] for name, part in self.parts()}
        return {**params, "scale": np.ones(self.units)}, (2 * self.units,)

    def init_state(self, input_shape: Any) -> Any:
        return {"center": np.zeros(self.units)}

    def __call__(self, params: Any, x: Any, ctx: Any = None) -> Any:
        ctx = ensure_context(ctx)
        value, gate = (ctx.run(name, part, params, x) for name, part in self.parts())
        gated = (value - ctx.state("center")) * gate * params["scale"]
        rows = x.shape[0]
        twice = ops.broadcast_to(gated[:, None], shape=(rows, 2, self.units)).reshape(rows * 2, self.units)
        weight = np.ones((rows, 1), "float32") * 2.0  # a constant with a row for each row
        return ops.concatenate([twice.reshape((rows, 2 * self.units))[:, : self.units] * weight, gated], axis=1)


def test_a_layer_with_parts_keeps_them(rng: np.random.Generator, tmp_path: Path) -> None:
    network = network_of(bl.Sequential(bl.Linear(4), Gated(), bl.ReLU()), (2,), rng)
    exported = agree(network, tmp_path / "net.onnx", rng.normal(size=(7, 2)).astype("float32"))
    assert exported.operators["Gemm"] == 3
    one = answer(tmp_path / "net.onnx", input=np.ones((1, 2), "float32"))
    np.testing.assert_allclose(one, network(np.ones((1, 2), "float32")), atol=1e-6)


def test_parts_of_a_part_that_is_called_with_options_stay_nodes(rng: np.random.Generator, tmp_path: Path) -> None:
    """An LSTM two levels down, which operations couldn't write: it is one node, or nothing."""

    @dataclass(frozen=True)
    class Inner(bl.Layer):
        def parts(self) -> list[tuple[str, bl.Layer]]:
            return [("cells", bl.LSTM(3))]

        def init(self, key: Any, input_shape: Any) -> Any:
            params, shape = bl.LSTM(3).init(key.child("cells"), input_shape)
            return {"cells": params}, shape

        def __call__(self, params: Any, x: Any, ctx: Any = None, factor: float = 1.0) -> Any:
            return factor * ensure_context(ctx).run("cells", bl.LSTM(3), params, x)

    @dataclass(frozen=True)
    class Outer(bl.Layer):
        def parts(self) -> list[tuple[str, bl.Layer]]:
            return [("inner", Inner())]

        def init(self, key: Any, input_shape: Any) -> Any:
            params, shape = Inner().init(key.child("inner"), input_shape)
            return {"inner": params}, shape

        def __call__(self, params: Any, x: Any, ctx: Any = None) -> Any:
            return ensure_context(ctx).run("inner", Inner(), params, x, factor=2.0)

    assert type(Tracing().child("part")) is Tracing
    network = network_of(Outer(), (4, 2), rng)
    exported = agree(network, tmp_path / "net.onnx", rng.normal(size=(5, 4, 2)).astype("float32"))
    assert exported.operators["LSTM"] == 1


def test_an_activation_of_one_s_own_that_derives_from_backlit_s(rng: np.random.Generator, tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Doubled(bl.ReLU):
        def __call__(self, params: Any, x: Any, ctx: Any = None) -> Any:
            return 2.0 * super().__call__(params, x, ctx)

    agree(bl.Sequential(bl.Linear(3), Doubled()).build((2,)), tmp_path / "net.onnx", np.eye(2, dtype="float32"))


def test_a_recurrence_of_one_s_own(rng: np.random.Generator, tmp_path: Path) -> None:
    """`backlit.scan`, step by step."""

    def call(self: Any, params: Any, x: Any, ctx: Any = None) -> Any:
        step = lambda state, now: (ops.tanh(state + now), state)
        steps = ops.transpose(x, axes=(1, 0, 2))
        return bl.scan(step, ops.sum(x, axis=1) * 0.0, steps, unroll=True)[0]

    agree(layer(call).build((4, 2)), tmp_path / "net.onnx", rng.normal(size=(5, 4, 2)).astype("float32"))


def compares(self: Any, params: Any, x: Any, ctx: Any = None) -> Any:
    return ops.where(x > 0, x, 0.5 * x)


def by_value(self: Any, params: Any, x: Any, ctx: Any = None) -> Any:
    return x * x.value.mean()


def by_numpy(self: Any, params: Any, x: Any, ctx: Any = None) -> Any:
    return np.zeros(3)


def constant(self: Any, params: Any, x: Any, ctx: Any = None) -> Any:
    return bl.tensor(np.zeros((x.shape[0], 2))) * 2.0


def solves(self: Any, params: Any, x: Any, ctx: Any = None) -> Any:
    return ops.solve(np.eye(3, dtype="float32")[None], x[..., None])[..., 0]


def branches(self: Any, params: Any, x: Any, ctx: Any = None) -> Any:
    return x * 2.0 if float(x.value.flat[0]) > 0.3 else ops.exp(x)


def sized(self: Any, params: Any, x: Any, ctx: Any = None) -> Any:
    return x * (1.0 / (x.shape[0] ** 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (compares, r"input 1 of where is worked out from what comes in, but not by Backlit's operations"),
        (by_value, "input 2 of multiply is worked out from what comes in"),
        (by_numpy, "its output is ndarray and no Tensor: it computes outside of Backlit's operations"),
        (constant, "its output doesn't depend on its input"),
        (solves, "it uses the operation solve, for which there is no mapping; those that have one: abs, add"),
        (branches, "what it computes depends on the numbers that come in"),
        (sized, "input 2 of multiply is worked out from what comes in"),
    ],
    ids=lambda case: getattr(case, "__name__", None),
)
def test_what_can_t_be_written_is_named_with_its_path(call: Any, message: str, tmp_path: Path) -> None:
    network = bl.Sequential(bl.Linear(3), bl.Residual(layer(call))).build((3,))
    with pytest.raises(bl.InputError, match=rf"layer 1/body \(Own\(\)\): {message}"):
        network.export(tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())
