"""Networks: table, sizes, types, seeds, and being a value."""

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import ShapeError
from backlit.graph import tree

NESTED = bl.Sequential(
    bl.Linear(8),
    bl.Residual(bl.Linear(16), bl.ReLU(), bl.Linear(4)),
    bl.Parallel(bl.Linear(3), bl.Tanh()),
    bl.Linear(2),
)

TABLE = """\
layer         kind                     output  parameters  multiply-adds  weights
0             Linear(8)                (8,)            48             40  weight 8×5, bias 8
1             Residual                 (4,)
1/body          Sequential             (4,)
1/body/0          Linear(16)           (16,)          144            128  weight 16×8, bias 16
1/body/1          ReLU()               (16,)            0              0
1/body/2          Linear(4)            (4,)            68             64  weight 4×16, bias 4
1/projection    Linear(4, bias=False)  (4,)            32             32  weight 4×8
2             Parallel                 (7,)
2/0             Linear(3)              (3,)            15             12  weight 3×4, bias 3
2/1             Tanh()                 (4,)             0              0
3             Linear(2)                (2,)            16             14  weight 2×7, bias 2
total                                  (2,)           323            290"""


def test_the_table() -> None:
    assert str(NESTED.build((5,))) == TABLE


def test_the_table_of_one_layer() -> None:
    assert str(bl.Linear(3).build(2)).splitlines()[1:] == [
        "-      Linear(3)  (3,)             9              6  weight 3×2, bias 3",
        "total             (3,)             9              6",
    ]


def test_the_table_tells_a_recurrent_layers_weights_by_its_sizes() -> None:
    """W_xh is units × features, W_hh units × units; each of the LSTM's four gates has both."""
    network = bl.Sequential(bl.RNN(8, return_sequences=True), bl.LSTM(4)).build((5, 3))
    lines = str(network).splitlines()
    assert lines[1].endswith("weight 8×3, bias 8, recurrent/weight 8×8")
    assert lines[2].endswith("weight 16×8, bias 16, recurrent/weight 16×4")


def test_the_table_tells_a_containers_own_weights() -> None:
    edges = [("a", "b"), ("a", "c"), ("b", "c")]
    network = bl.Sequential(bl.Wired(bl.Linear(3), edges, "weighted"), bl.Residual(bl.Linear(2))).build((3,))
    lines = str(network).splitlines()
    assert lines[1].endswith("edges/c/scale 2")
    assert [line for line in lines if "2×3" in line] == [lines[6], lines[7]]  # the residual's body and projection


@pytest.mark.parametrize("layer", [bl.RNN(3, stateful=2), bl.LSTM(3, stateful=2), bl.GRU(3, stateful=2)], ids=str)
def test_a_carried_state_that_is_given_is_gone_on_from(layer: bl.Layer, rng: np.random.Generator) -> None:
    network = layer.build((4, 2), dtype="float64")
    first, second = rng.normal(size=(2, 2, 4, 2))
    _, state = network.apply(network.params, first, training=True)
    whole = layer.build((8, 2), dtype="float64")
    together = whole.apply(network.params, np.concatenate([first, second], axis=1))[0]
    on, after = network.apply(network.params, second, state=state)
    np.testing.assert_allclose(on, together, rtol=1e-12)
    assert not np.array_equal(network(second), on)  # which starts anew
    np.testing.assert_array_equal(
        network.apply(network.params, second, state=state, fresh=np.bool_(True))[0], network(second)
    )
    assert after.keys() == state.keys()
    with pytest.raises(ShapeError, match="stateful"):
        network.apply(network.params, second[:1], state=state)


def test_the_table_adds_up() -> None:
    network = NESTED.build((5,))
    rows = network.rows()
    assert sum(row[3] for row in rows) == network.size == sum(leaf.size for leaf in tree.leaves(network.params))
    assert sum(row[4] for row in rows) == network.architecture.cost((5,))


def test_repr_and_sizes() -> None:
    network = bl.Sequential(bl.Linear(3), bl.Linear(2)).build(4)
    assert repr(network) == "Network(Sequential(Linear(3), Linear(2)), input_shape=(4,), 23 parameters)"
    assert (network.input_shape, network.output_shape) == ((4,), (2,))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_types(dtype: str) -> None:
    network = NESTED.build((5,), dtype=dtype)
    assert {leaf.dtype for leaf in tree.leaves(network.params)} == {np.dtype(dtype)}
    assert network.dtype == dtype
    assert network([[1, 2, 3, 4, 5]]).dtype == dtype
    other = network.astype("float64" if dtype == "float32" else "float32")
    assert other.dtype != dtype
    assert network.dtype == dtype  # the first stays as it was


def test_a_wider_type_holds_the_same_weights() -> None:
    narrow, wide = NESTED.build((5,)), NESTED.build((5,), dtype="float64")
    for a, b in zip(tree.leaves(narrow.params), tree.leaves(wide.params), strict=True):
        np.testing.assert_array_equal(a, b.astype("float32"))


def test_no_parameters() -> None:
    network = bl.Flatten().build((2, 3))
    assert (network.size, network.dtype) == (0, np.float32)


def test_weights_do_not_depend_on_what_comes_after() -> None:
    short, long = bl.Sequential(bl.Linear(3)).build(4), bl.Sequential(bl.Linear(3), bl.Linear(9)).build(4)
    np.testing.assert_array_equal(short.params["0"]["weight"], long.params["0"]["weight"])


@pytest.mark.parametrize("shape", [0, (3, 0), (2.5,), (-1,)])
def test_refuses_shapes(shape: Any) -> None:
    with pytest.raises(ShapeError, match="must hold whole numbers of at least 1"):
        bl.Linear(2).build(shape)


def test_refuses_rows_of_another_shape() -> None:
    network = bl.Linear(2).build((4,))
    with pytest.raises(ShapeError, match=r"the network was built for inputs of shape \(batch, 4\), got \(3, 5\)"):
        network(np.zeros((3, 5)))
