"""Chains, their state, and optimizers by name."""

import numpy as np
import pytest

from backlit import optim
from backlit.errors import InputError, UnknownNameError
from backlit.graph import tree

PARAMS = {"0": {"weight": np.ones((2, 3)), "bias": np.ones(3)}}


def test_state_has_names():
    state = optim.chain(optim.ClipNorm(1.0), optim.Adam(amsgrad=True)).init(PARAMS)
    assert tree.paths(state) == [
        f"adam/scale_by_adam/{part}/0/{name}" for part in ("mean", "square", "largest") for name in ("weight", "bias")
    ]
    assert tree.paths(optim.RMSprop(centered=True, momentum=0.5).init({"w": np.ones(1)})) == [
        "scale_by_rms/square/w", "scale_by_rms/mean/w", "add_momentum/velocity/w"
    ]  # fmt: skip
    assert optim.SGD().init(PARAMS) == {}


def test_two_of_a_kind_keep_their_own_state():
    twice = optim.chain(optim.AddMomentum(0.5), optim.AddMomentum(0.25), optim.ScaleByLearningRate(1.0))
    state = twice.init({"w": np.zeros(1)})
    assert list(state) == ["add_momentum", "add_momentum_2"]
    gradient = {"w": np.ones(1)}
    _, state = twice.update(gradient, state, gradient, 0)
    updates, state = twice.update(gradient, state, gradient, 1)
    assert state["add_momentum"]["velocity"]["w"].tolist() == [1.5]
    assert updates["w"].tolist() == [-(1.5 + 0.25)]


def test_chain_in_order():
    gradient = {"w": np.array([10.0])}
    clipped_first = optim.chain(optim.ClipValue(1.0), optim.SGD(0.5))
    clipped_last = optim.chain(optim.SGD(0.5), optim.ClipValue(1.0))
    assert clipped_first.update(gradient, {}, gradient, 0)[0]["w"].tolist() == [-0.5]
    assert clipped_last.update(gradient, {}, gradient, 0)[0]["w"].tolist() == [-1.0]
    assert optim.chain().update(gradient, {}, gradient, 0) == (gradient, {})


def test_chain_takes_transforms_only():
    with pytest.raises(InputError, match=r"chain takes transforms and optimizers, got 0.1"):
        optim.chain(optim.ClipNorm(1.0), 0.1)


def test_trees_of_any_shape():
    params = [np.ones(2), {"a": (np.ones(1), np.ones(3))}]
    optimizer = optim.AdamW(0.1)
    updates, _ = optimizer.update(params, optimizer.init(params), params, 0)
    assert tree.paths(optim.apply_updates(params, updates)) == ["0", "1/a/0", "1/a/1"]


def test_unfinished_classes():
    class Unfinished(optim.Transform):
        pass

    class Nothing(optim.Optimizer):
        pass

    with pytest.raises(NotImplementedError, match=r"Unfinished must define update\("):
        Unfinished().update({}, {}, {}, 0)
    with pytest.raises(NotImplementedError, match=r"Nothing must define steps\(self\)"):
        Nothing().init({})


@pytest.mark.parametrize("name", optim.OPTIMIZERS)
def test_by_name(name):
    optimizer = optim.get(name, learning_rate=0.25)
    assert type(optimizer) is optim.OPTIMIZERS[name]
    assert optimizer == optim.OPTIMIZERS[name](0.25)
    assert optim.get(optimizer) is optimizer
    assert optim.get(optimizer, learning_rate=0.5).learning_rate == 0.5


def test_by_a_wrong_name():
    with pytest.raises(
        UnknownNameError, match=r"unknown optimizer 'adamm'; did you mean 'adam'\? Known: adagrad, adam,"
    ):
        optim.get("adamm")
    with pytest.raises(InputError, match=r"Adam has no lr; it takes learning_rate, beta1, beta2"):
        optim.get("adam", lr=0.1)
    with pytest.raises(InputError, match=r"must be a name or an optimizer, make one: Adam\(\); got <class"):
        optim.get(optim.Adam)
    with pytest.raises(InputError, match=r"must be a name or an optimizer, such as Adam\(0.001\); got 0.1"):
        optim.get(0.1)
