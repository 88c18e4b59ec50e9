"""Layers as data, contexts, and errors that name the layer."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError, ShapeError, UnknownNameError
from backlit.nn.context import CallOptions
from backlit.nn.layer import require_axes


def test_from_dict_refusals() -> None:
    with pytest.raises(UnknownNameError, match="unknown layer 'Liner'; did you mean 'Linear'"):
        bl.Layer.from_dict({"layer": "Liner"})
    with pytest.raises(InputError, match="unknown part of Linear 'size'"):
        bl.Layer.from_dict({"layer": "Linear", "size": 3})


def test_a_layer_without_a_call() -> None:
    @dataclass(frozen=True)
    class Nothing(bl.Layer):
        pass

    with pytest.raises(NotImplementedError, match="Nothing must define __call__"):
        Nothing().build((2,))(np.zeros((1, 2)))


def test_errors_are_told_with_the_path_once() -> None:
    net = bl.Sequential(bl.Tanh(), bl.Sequential(bl.Residual(bl.Linear(4), projection=False)))
    with pytest.raises(ShapeError) as caught:
        net.build((3,))
    assert str(caught.value).startswith("layer 1/0 (Residual(Linear(4), projection=False)): Residual: inputs of shape")


def test_what_a_call_may_say_is_what_a_context_has() -> None:
    fields = {field.name: field.type for field in dataclasses.fields(bl.Context)}
    options = {name: kind.__forward_arg__ for name, kind in CallOptions.__annotations__.items()}
    assert options.items() <= fields.items()
    network = bl.Linear(2).build(3)
    with pytest.raises(TypeError, match="unexpected keyword argument 'traning'"):
        network.apply(network.params, np.zeros((1, 3)), traning=True)  # type: ignore[call-arg]


@dataclass(frozen=True)
class Picky(bl.Layer):
    """Takes inputs of one axis, and fails when called."""

    def init(self, key: bl.Key, input_shape: Any) -> Any:
        require_axes(self, input_shape, 1, "(features,)")
        return {}, input_shape

    def __call__(self, params: Any, x: Any, ctx: Any = None) -> Any:
        raise ShapeError("not today")


def test_require_axes() -> None:
    with pytest.raises(ShapeError, match=r"Picky\(\) needs inputs of shape \(features,\), got \(2, 3\)"):
        Picky().build((2, 3))


def test_errors_in_a_call_are_told_with_the_path_once() -> None:
    network = bl.Sequential(bl.Sequential(Picky())).build((3,))
    with pytest.raises(ShapeError, match=r"^layer 0/0 \(Picky\(\)\): not today$"):
        network(np.zeros((1, 3)))


def test_taps_see_and_replace_outputs(rng: np.random.Generator) -> None:
    network = bl.Sequential(bl.Linear(4), bl.Sequential(bl.Tanh(), bl.Linear(2))).build((3,), dtype="float64")
    seen: dict[str, Any] = {}

    def tap(path: str, output: Any) -> Any:
        seen[path] = output
        return output * 0.0 if path == "1/0" else output

    x = rng.normal(size=(2, 3))
    output, _ = network.apply(network.params, x, tap=tap)
    assert list(seen) == ["0", "1/0", "1/1", "1"]
    np.testing.assert_array_equal(seen["0"], x @ network.params["0"]["weight"].T)
    np.testing.assert_array_equal(output, np.broadcast_to(network.params["1"]["1"]["bias"], (2, 2)))


def test_tensors_carry_the_path_as_their_name() -> None:
    network = bl.Sequential(bl.Linear(4), bl.Tanh()).build((3,))
    names = []
    bl.grad(lambda p: network.apply(p, np.ones((1, 3)), tap=lambda path, t: names.append(t.name) or t)[0].sum())(
        network.params
    )
    assert names == ["0", "1"]


def test_draws_of_one_context_differ_and_repeat() -> None:
    one, again = (bl.Context(training=True, seed=1, step=2, path="0") for _ in range(2))
    first, second = one.uniform((5,)), one.uniform((5,))
    assert not (first == second).any()
    np.testing.assert_array_equal(again.uniform((5,)), first)


def test_running_values() -> None:
    ctx = bl.Context(path="1", states={"1/mean": np.zeros(2)})
    ctx.update("mean", np.ones(2))
    assert ctx.state("mean").tolist() == [1.0, 1.0]
    with pytest.raises(InputError, match=r"there is no running value '1/median'.*\(known: 1/mean\)"):
        ctx.state("median")


def test_keys() -> None:
    key = bl.Key(3)
    draws = [
        k.generator().random() for k in (key, key.child("0"), key.child("1"), key.child("0").child("1"), bl.Key(4))
    ]
    assert len(set(draws)) == 5
    assert key.child("0").generator().random() == bl.Key(3, ("0",)).generator().random()
