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


@pytest.mark.parametrize("name", [name for name in optim.OPTIMIZERS if name != "least_squares"])
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


def test_an_optimizer_is_a_chain_of_one():
    adam = optim.Adam(0.01, weight_decay=0.1)
    assert adam.transforms == (adam,)
    assert adam.last is adam
    assert (adam.rate, adam.option("weight_decay"), adam.option("momentum")) == (0.01, 0.1, None)


def test_the_last_of_a_chain_is_the_optimizer():
    chain = optim.chain(optim.ClipNorm(2.0), optim.SGD(0.3, momentum=0.5))
    assert chain.transforms == (optim.ClipNorm(2.0), optim.SGD(0.3, momentum=0.5))
    assert chain.last == optim.SGD(0.3, momentum=0.5)
    assert (chain.rate, chain.option("momentum"), chain.option("limit")) == (0.3, 0.5, 2.0)
    assert optim.chain().rate is None


@pytest.mark.parametrize(
    ("learning_rate", "greatest"),
    [
        (optim.Constant(0.2), 0.2),
        (optim.Step(0.2, every=5), 0.2),
        (optim.Exponential(0.2, factor=0.5), 0.2),
        (optim.Cosine(0.2, steps=10, end=0.1), 0.2),
        (optim.ReduceOnPlateau(0.2), 0.2),
        (optim.OneCycle(0.2, steps=10), 0.2),
        (optim.InverseTime(0.2, decay=0.1), 0.2),
        (optim.WarmUp(0.2, steps=3), 0.2),
        (optim.WarmUp(optim.Cosine(0.2, steps=10), steps=3), 0.2),
        (optim.InverseTime(lambda step: 0.2, decay=0.1), None),
        (lambda step: 0.2, None),
    ],
)
def test_the_rate_of_a_schedule_is_its_greatest(learning_rate, greatest):
    assert optim.SGD(learning_rate).rate == greatest
    if greatest and isinstance(learning_rate, optim.Schedule):
        assert max(learning_rate(step) for step in range(30)) == pytest.approx(greatest)


def test_optimizers_of_another_kind():
    class Other:
        learning_rate = 0.5

        def init(self, params):
            return {}

        def update(self, gradients, state, params, step):
            return gradients, state

    other = Other()
    assert optim.as_transform(other).last is other
    assert optim.as_transform(other).rate == 0.5
    unknown = optim.as_transform({"transform": "MyOwn", "rate": 0.1})
    assert (unknown.rate, unknown.transforms) == (None, (unknown,))
