"""Schedules against PyTorch's schedulers, and ReduceOnPlateau against its decisions."""

import json

import jax
import numpy as np
import pytest
import torch

from backlit import optim
from backlit.errors import InputError

LR = torch.optim.lr_scheduler


def published(make, lr=0.4, steps=60):
    """The rates that a PyTorch scheduler gives."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


def one_cycle(**options):
    return lambda o: LR.OneCycleLR(o, 0.4, total_steps=60, cycle_momentum=False, **options)


CASES = [
    (optim.Constant(0.4), lambda o: LR.ConstantLR(o, factor=1.0)),
    (optim.Step(0.4, every=7), lambda o: LR.StepLR(o, 7)),
    (optim.Step(0.4, every=20, factor=0.5), lambda o: LR.StepLR(o, 20, 0.5)),
    (optim.Exponential(0.4, factor=0.9), lambda o: LR.ExponentialLR(o, 0.9)),
    (optim.InverseTime(0.4, decay=0.1), lambda o: LR.LambdaLR(o, lambda t: 1 / (1 + 0.1 * t))),
    (optim.Cosine(0.4, steps=59), lambda o: LR.CosineAnnealingLR(o, 59)),
    (optim.Cosine(0.4, steps=80, end=0.01), lambda o: LR.CosineAnnealingLR(o, 80, 0.01)),
    (
        optim.WarmUp(optim.Cosine(0.4, steps=50), steps=10, share=0.25),
        lambda o: LR.SequentialLR(
            o, [LR.LinearLR(o, start_factor=0.25, total_iters=10), LR.CosineAnnealingLR(o, 50)], milestones=[10]
        ),
    ),
    (optim.WarmUp(0.4, steps=10, share=0.1), lambda o: LR.LinearLR(o, start_factor=0.1, total_iters=10)),
    (optim.OneCycle(0.4, steps=60), one_cycle()),
    (optim.OneCycle(0.4, steps=60, anneal="linear"), one_cycle(anneal_strategy="linear")),
    (
        optim.OneCycle(0.4, steps=60, rise=0.4, three_phase=True, start_divisor=10, end_divisor=100),
        one_cycle(pct_start=0.4, three_phase=True, div_factor=10, final_div_factor=100),
    ),
    (
        optim.OneCycle(0.4, steps=60, rise=0.45, three_phase=True, anneal="linear"),
        one_cycle(pct_start=0.45, three_phase=True, anneal_strategy="linear"),
    ),
    (optim.ReduceOnPlateau(0.4), lambda o: LR.ConstantLR(o, factor=1.0)),
]


@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")  # PyTorch's SequentialLR warns about itself
@pytest.mark.parametrize(("schedule", "theirs"), CASES, ids=lambda case: repr(case) if hasattr(case, "at") else "")
def test_equals_pytorch(schedule, theirs):
    ours = [schedule(step) for step in range(60)]
    assert all(type(rate) is float for rate in ours)
    np.testing.assert_allclose(ours, published(theirs), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("schedule", [case[0] for case in CASES], ids=repr)
def test_forms_of_a_step_agree(schedule):
    """A Python integer, a NumPy integer, an array of steps and a traced integer give the same rate."""
    expected = [schedule(step) for step in range(70)]
    np.testing.assert_allclose(schedule(np.arange(70)), expected, rtol=1e-14)
    np.testing.assert_allclose([schedule(np.int32(step)) for step in range(70)], expected, rtol=1e-14)
    with jax.enable_x64(True):
        compiled = jax.jit(schedule)
        np.testing.assert_allclose([compiled(np.int32(step)) for step in range(70)], expected, rtol=1e-12, atol=1e-18)


@pytest.mark.parametrize(
    ("schedule", "last"),
    [
        (optim.Cosine(0.4, steps=10, end=0.1), 0.1),
        (optim.OneCycle(0.4, steps=10, end_divisor=10), 0.4 / 250),
        (optim.WarmUp(0.4, steps=10), 0.4),
    ],
    ids=repr,
)
def test_stays_at_its_end(schedule, last):
    assert schedule(10) == pytest.approx(last, rel=1e-12)
    assert schedule(100_000) == pytest.approx(last, rel=1e-12)


def test_a_schedule_of_ones_own():
    """A plain function of the step, alone and warmed up."""
    halving = lambda step: 0.8 * 0.5**step
    assert optim.WarmUp(halving, steps=2, share=0.5)(0) == pytest.approx(0.4)
    assert optim.WarmUp(halving, steps=2, share=0.5)(3) == pytest.approx(0.4)
    updates, _ = optim.SGD(halving).update({"w": np.ones(1)}, {}, {"w": np.ones(1)}, 2)
    assert updates["w"].tolist() == [-0.2]


def test_unfinished_schedule():
    class Unfinished(optim.Schedule):
        pass

    with pytest.raises(NotImplementedError, match=r"Unfinished must define at\(self, xp, t\)"):
        Unfinished()(0)


def test_one_cycle_without_room_for_a_phase():
    with pytest.raises(
        InputError, match=r"OneCycle: rise leaves no update for one of the phases: rise=0.01 of 10 steps"
    ):
        optim.OneCycle(0.1, steps=10, rise=0.01)
    with pytest.raises(InputError, match=r"rise=0.6 of 100 steps and three phases; choose another rise or more steps"):
        optim.OneCycle(0.1, steps=100, rise=0.6, three_phase=True)


# ------------------------------------------------------------------------------------------------ plateau

PLATEAUS = [
    {},
    {"patience": 0},
    {"patience": 2, "factor": 0.5},
    {"patience": 2, "cooldown": 3},
    {"patience": 1, "threshold": 0.05},
    {"patience": 1, "threshold": 0.05, "threshold_mode": "abs"},
    {"patience": 1, "min_lr": 0.01},
    {"patience": 1, "min_lr": 0.5},
    {"patience": 1, "mode": "max"},
    {"patience": 1, "mode": "max", "threshold": 0.05, "threshold_mode": "abs"},
    {"patience": 0, "factor": 0.01},
]


@pytest.mark.parametrize("options", PLATEAUS, ids=str)
@pytest.mark.parametrize("kind", ["falling", "negative", "nan"])
def test_plateau_decides_as_pytorch(options, kind, rng):
    values = np.exp(-np.arange(80) / 15) + 0.2 * rng.random(80)
    if kind == "negative":
        values = values - 1.0
    if kind == "nan":
        values[[0, 5, 6, 30]] = [np.nan, np.nan, np.inf, -np.inf]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    theirs = LR.ReduceLROnPlateau(optimizer, **options)
    names = {"min_lr": "minimum"}
    modes = {"abs": "absolute"}
    ours = optim.ReduceOnPlateau(0.1, **{names.get(k, k): modes.get(v, v) for k, v in options.items()})
    state = ours.init()
    rates = set()
    for value in values:
        theirs.step(value)
        state, factor = ours.update(value, json.loads(json.dumps(state)))
        assert 0.1 * factor == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
        rates.add(factor)
    assert kind != "falling" or len(rates) > 1 or options in ({}, {"patience": 1, "min_lr": 0.5})


def test_plateau_update_is_pure():
    plateau = optim.ReduceOnPlateau(0.1, patience=0)
    state = {"best": 1.0, "bad": 0, "cooldown": 0, "factor": 1.0}
    assert plateau.update(2.0, state) == plateau.update(2.0, state) == ({**state, "factor": 0.1}, 0.1)
    assert state["factor"] == 1.0


def test_plateau_at_rate_zero():
    plateau = optim.ReduceOnPlateau(0.0, patience=0)
    state, factor = plateau.update(1.0, plateau.init())
    assert plateau.update(1.0, state)[1] == factor == 1.0


def test_factor_is_only_where_a_plateau_is():
    params = {"factor": np.ones(2, "float32")}
    plateau = optim.ReduceOnPlateau(0.1)
    assert optim.SGD(0.1).init(params) == {}
    assert optim.SGD(optim.Cosine(0.1, steps=5)).init(params) == {}
    for learning_rate in (plateau, optim.WarmUp(plateau, steps=2, share=1.0)):
        state = optim.SGD(learning_rate).init(params)
        assert state["scale_by_learning_rate"]["factor"].dtype == "float32"
        assert optim.steered_of(optim.SGD(learning_rate)) is plateau
    assert optim.steered_of(optim.AdaGrad(plateau, learning_rate_decay=0.1)) is plateau
    assert optim.steered_of(optim.chain(optim.ClipNorm(1.0), optim.SGD(plateau))) is plateau
    assert optim.steered_of(optim.Adam()) is None
    assert optim.steered_of(lambda step: 0.1) is None


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.AdaGrad])
def test_factor_scales_the_rate(kind):
    """Also where a parameter is called "factor", which must stay as it is; and without another trace."""
    params = {"factor": np.full(2, 3.0, "float32")}
    gradient = {"factor": np.array([1.0, -2.0], "float32")}
    optimizer = optim.chain(optim.ClipNorm(100.0), kind(optim.ReduceOnPlateau(0.1)))
    state = optimizer.init(params)
    once, after = optimizer.update(gradient, state, params, 0)
    reduced = optim.set_factor(state, 0.25)
    quarter, _ = optimizer.update(gradient, reduced, params, 0)
    np.testing.assert_array_equal(quarter["factor"], 0.25 * once["factor"])
    assert quarter["factor"].dtype == "float32"
    traces = []

    @jax.jit
    def update(gradient, state, params, step):
        traces.append(1)
        return optimizer.update(gradient, state, params, step)

    with jax.enable_x64(True):
        _, state = update(gradient, state, params, np.int32(0))
        updates, _ = update(gradient, optim.set_factor(state, 0.25), params, np.int32(0))
        again, _ = optimizer.update(gradient, optim.set_factor(after, 0.25), params, 0)
    np.testing.assert_allclose(updates["factor"], again["factor"], rtol=1e-6)
    assert len(traces) == 1


def test_factor_without_a_plateau():
    state = optim.Adam().init({"factor": np.ones(2)})
    with pytest.raises(InputError, match=r"the optimizer has no factor; give it learning_rate=ReduceOnPlateau\(...\)"):
        optim.set_factor(state, 0.5)


# ------------------------------------------------------------------------------------------------ budget


def test_a_budget_falls_evenly_with_what_is_spent():
    budget = optim.Budget(0.2, end=0.1)
    factors = [budget.after(optim.Seen(loss=1.0, spent=spent), budget.init())[1] for spent in (0.0, 0.5, 1.0, 1.5)]
    assert factors == pytest.approx([1.0, 0.55, 0.1, 0.1])
    assert budget(0) == budget(10**6) == 0.2  # the factor is in the optimizer's state
    with pytest.raises(InputError, match="end"):
        optim.Budget(0.2, end=1.5)
