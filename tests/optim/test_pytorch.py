"""Every optimizer with every option follows PyTorch's trajectory; both engines agree; types stay; one trace."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from backlit import optim
from backlit.graph import tree
from tests.optim import problem

SGD, ADAGRAD, RMSPROP = torch.optim.SGD, torch.optim.Adagrad, torch.optim.RMSprop
ADAM, ADAMW = torch.optim.Adam, torch.optim.AdamW

CASES = [
    (optim.GradientDescent(0.1), SGD, {"lr": 0.1}),
    (optim.SGD(0.1), SGD, {"lr": 0.1}),
    (optim.SGD(0.1, weight_decay=0.05), SGD, {"lr": 0.1, "weight_decay": 0.05}),
    (optim.SGD(0.02, maximize=True), SGD, {"lr": 0.02, "maximize": True}),
    (optim.SGD(0.1, momentum=0.9), SGD, {"lr": 0.1, "momentum": 0.9}),
    (optim.SGD(0.1, momentum=0.9, dampening=0.3), SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    (optim.SGD(0.1, momentum=0.9, dampening=1.0), SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 1.0}),
    (optim.SGD(0.1, momentum=0.8, nesterov=True), SGD, {"lr": 0.1, "momentum": 0.8, "nesterov": True}),
    (
        optim.SGD(0.01, momentum=0.8, nesterov=True, weight_decay=0.05, maximize=True),
        SGD,
        {"lr": 0.01, "momentum": 0.8, "nesterov": True, "weight_decay": 0.05, "maximize": True},
    ),
    (optim.Momentum(0.1, 0.7), SGD, {"lr": 0.1, "momentum": 0.7}),
    (optim.Nesterov(0.1), SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (optim.AdaGrad(), ADAGRAD, {}),
    (optim.AdaGrad(0.1, learning_rate_decay=0.05), ADAGRAD, {"lr": 0.1, "lr_decay": 0.05}),
    (optim.AdaGrad(0.1, epsilon=0.01), ADAGRAD, {"lr": 0.1, "eps": 0.01}),
    (optim.AdaGrad(0.1, initial_accumulator=0.5), ADAGRAD, {"lr": 0.1, "initial_accumulator_value": 0.5}),
    (
        optim.AdaGrad(0.1, weight_decay=0.05, maximize=True),
        ADAGRAD,
        {"lr": 0.1, "weight_decay": 0.05, "maximize": True},
    ),
    (optim.RMSprop(), RMSPROP, {}),
    (optim.RMSprop(0.02, decay=0.9, epsilon=0.001), RMSPROP, {"lr": 0.02, "alpha": 0.9, "eps": 0.001}),
    (optim.RMSprop(0.02, centered=True), RMSPROP, {"lr": 0.02, "centered": True}),
    (optim.RMSprop(0.02, momentum=0.9), RMSPROP, {"lr": 0.02, "momentum": 0.9}),
    (optim.RMSprop(0.02, weight_decay=0.05), RMSPROP, {"lr": 0.02, "weight_decay": 0.05}),
    (
        optim.RMSprop(0.01, centered=True, momentum=0.5, weight_decay=0.1, maximize=True),
        RMSPROP,
        {"lr": 0.01, "centered": True, "momentum": 0.5, "weight_decay": 0.1, "maximize": True},
    ),
    (optim.Adam(), ADAM, {}),
    (optim.Adam(0.05, beta1=0.8, beta2=0.9, epsilon=0.01), ADAM, {"lr": 0.05, "betas": (0.8, 0.9), "eps": 0.01}),
    (optim.Adam(0.05, beta1=0.0), ADAM, {"lr": 0.05, "betas": (0.0, 0.999)}),
    # β₂ = 0 divides by |g| + ε: with the usual ε rounding errors grow a millionfold where a gradient passes zero.
    (optim.Adam(0.05, beta2=0.0, epsilon=0.1), ADAM, {"lr": 0.05, "betas": (0.9, 0.0), "eps": 0.1}),
    (optim.Adam(0.05, amsgrad=True, beta2=0.8), ADAM, {"lr": 0.05, "amsgrad": True, "betas": (0.9, 0.8)}),
    (optim.Adam(0.05, weight_decay=0.1), ADAM, {"lr": 0.05, "weight_decay": 0.1}),
    (optim.Adam(0.05, maximize=True), ADAM, {"lr": 0.05, "maximize": True}),
    (optim.AdamW(), ADAMW, {}),
    (optim.AdamW(0.05, weight_decay=0.0), ADAMW, {"lr": 0.05, "weight_decay": 0.0}),
    (optim.AdamW(0.05, beta1=0.8, beta2=0.9, epsilon=0.01), ADAMW, {"lr": 0.05, "betas": (0.8, 0.9), "eps": 0.01}),
    (
        optim.AdamW(0.05, weight_decay=0.3, amsgrad=True, maximize=True),
        ADAMW,
        {"lr": 0.05, "weight_decay": 0.3, "amsgrad": True, "maximize": True},
    ),
]

LR = torch.optim.lr_scheduler
SCHEDULES = [
    (optim.Step(0.05, every=7, factor=0.5), 0.05, lambda o: LR.StepLR(o, 7, 0.5)),
    (optim.Exponential(0.05, factor=0.95), 0.05, lambda o: LR.ExponentialLR(o, 0.95)),
    (optim.Cosine(0.05, steps=50, end=0.001), 0.05, lambda o: LR.CosineAnnealingLR(o, 50, 0.001)),
    (optim.OneCycle(0.05, steps=51), 0.05, lambda o: LR.OneCycleLR(o, 0.05, total_steps=51, cycle_momentum=False)),
]

identity = lambda case: repr(case) if isinstance(case, optim.Transform | optim.Schedule) else ""


def run(optimizer, dtype="float64", steps=problem.STEPS):
    """Parameters after each step, on NumPy arrays."""
    params = problem.start(dtype)
    state = optimizer.init(params)
    trajectory = []
    for step, (x, y) in enumerate(zip(*problem.batches(dtype, steps), strict=True)):
        updates, state = optimizer.update(problem.gradients(params, x, y), state, params, step)
        params = optim.apply_updates(params, updates)
        trajectory.append(tree.leaves(params))
    return trajectory, state


def assert_same(trajectory, expected, atol=1e-10):
    assert len(trajectory) == len(expected) == problem.STEPS
    for step, (ours, theirs) in enumerate(zip(trajectory, expected, strict=True)):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=atol, err_msg=f"step {step}")


@pytest.mark.parametrize(("optimizer", "theirs", "options"), CASES, ids=identity)
def test_follows_pytorch(optimizer, theirs, options):
    assert_same(run(optimizer)[0], problem.torch_trajectory(lambda leaves: theirs(leaves, **options)))


@pytest.mark.parametrize("kind", [optim.SGD, optim.Momentum, optim.AdaGrad, optim.RMSprop, optim.Adam, optim.AdamW])
@pytest.mark.parametrize(("schedule", "lr", "scheduler"), SCHEDULES, ids=identity)
def test_follows_pytorch_under_a_schedule(kind, schedule, lr, scheduler):
    theirs = {
        optim.SGD: SGD,
        optim.Momentum: lambda leaves, lr: SGD(leaves, lr=lr, momentum=0.9),
        optim.AdaGrad: ADAGRAD,
        optim.RMSprop: RMSPROP,
        optim.Adam: ADAM,
        optim.AdamW: ADAMW,
    }[kind]
    expected = problem.torch_trajectory(lambda leaves: theirs(leaves, lr=lr), scheduler)
    assert_same(run(kind(schedule))[0], expected)


@pytest.mark.parametrize("optimizer", [case[0] for case in CASES], ids=identity)
def test_engines_agree_and_trace_once(optimizer):
    traces = []

    def update(params, state, step, x, y):
        traces.append(1)
        updates, state = optimizer.update(problem.gradients(params, x, y), state, params, step)
        return optim.apply_updates(params, updates), state

    with jax.enable_x64(True):
        compiled = jax.jit(update)
        params = problem.start()
        state = optimizer.init(params)
        trajectory = []
        for step, (x, y) in enumerate(zip(*problem.batches(), strict=True)):
            params, state = compiled(params, state, np.int32(step), x, y)
            trajectory.append(
                [np.asarray(leaf) for part in ("0", "2") for leaf in (params[part]["weight"], params[part]["bias"])]
            )
    assert len(traces) == 1
    expected, last = run(optimizer)
    assert_same(trajectory, expected)
    for path, leaf in tree.flatten_dict(state).items():
        np.testing.assert_allclose(leaf, tree.flatten_dict(last)[path], atol=1e-10)


@pytest.mark.parametrize("schedule", [case[0] for case in SCHEDULES], ids=identity)
@pytest.mark.parametrize("step_type", [int, np.int32, lambda i: np.asarray(i, np.int32), jnp.int32])
def test_schedules_in_a_compiled_step(schedule, step_type):
    optimizer = optim.Adam(schedule)
    with jax.enable_x64(True):
        params = problem.start()
        x, y = problem.batches()
        gradient = problem.gradients(params, x[0], y[0])
        update = jax.jit(optimizer.update) if step_type is jnp.int32 else optimizer.update
        updates, _ = update(gradient, optimizer.init(params), params, step_type(20))
    expected, _ = optimizer.update(gradient, optimizer.init(params), params, 20)
    for path, leaf in tree.flatten_dict(updates).items():
        np.testing.assert_allclose(leaf, tree.flatten_dict(expected)[path], rtol=1e-12)


@pytest.mark.parametrize(
    "optimizer", [case[0] for case in CASES] + [optim.Adam(case[0]) for case in SCHEDULES], ids=identity
)
def test_types_stay(optimizer):
    params = problem.start("float32")
    params["2"]["bias"] = params["2"]["bias"].astype("float64")
    x, y = (part[0] for part in problem.batches("float32"))
    gradient = tree.map(lambda g, p: g.astype(p.dtype), problem.gradients(params, x, y), params)
    types = [leaf.dtype for leaf in tree.leaves(params)]
    for step in (0, np.int32(0), np.asarray(0, np.int32)):
        updates, state = optimizer.update(gradient, optimizer.init(params), params, step)
        assert [leaf.dtype for leaf in tree.leaves(updates)] == types
        for name, leaf in tree.items(state):
            assert leaf.dtype == ("float64" if name.endswith("2/bias") else "float32"), name
    with jax.enable_x64(True):
        updates, state = jax.jit(optimizer.update)(gradient, optimizer.init(params), params, np.int32(0))
    assert [updates[a][b].dtype for a in ("0", "2") for b in ("weight", "bias")] == types
    assert {leaf.dtype for leaf in jax.tree.leaves(state)} <= set(types)


@pytest.mark.parametrize("optimizer", [case[0] for case in CASES], ids=identity)
def test_update_is_pure(optimizer):
    params = problem.start()
    x, y = (part[0] for part in problem.batches())
    gradient = problem.gradients(params, x, y)
    _, state = optimizer.update(gradient, optimizer.init(params), params, 0)
    before = [leaf.copy() for leaf in tree.leaves((params, gradient, state))]
    first = optimizer.update(gradient, state, params, 1)
    second = optimizer.update(gradient, state, params, 1)
    for a, b in zip(before, tree.leaves((params, gradient, state)), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(tree.leaves(first), tree.leaves(second), strict=True):
        np.testing.assert_array_equal(a, b)


class Late(optim.Adam):
    """The bias is corrected as if a step more had been done."""

    def update(self, gradients, state, params, step):
        return super().update(gradients, state, params, step + 1)


class Inside:
    """Adam written out, but ε is added to the mean square, inside the root (or, as it should be, to the root)."""

    def __init__(self, inside=True):
        self.inside = inside

    def init(self, params):
        return tree.map(np.zeros_like, params), tree.map(np.zeros_like, params)

    def update(self, gradients, state, params, step):
        mean = tree.map(lambda m, g: 0.9 * m + 0.1 * g, state[0], gradients)
        square = tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, state[1], gradients)

        def moved(m, v):
            m, v = m / (1 - 0.9 ** (step + 1)), v / (1 - 0.999 ** (step + 1))
            return -1e-3 * m / (np.sqrt(v + 1e-8) if self.inside else np.sqrt(v) + 1e-8)

        return tree.map(moved, mean, square), (mean, square)


@pytest.mark.parametrize("planted", [Late(), Inside()], ids=lambda planted: type(planted).__name__)
def test_a_wrong_rule_is_noticed(planted):
    """The comparison can fail: ε inside the root, or a bias correction one step late, is no Adam."""
    expected = problem.torch_trajectory(lambda leaves: ADAM(leaves))
    with pytest.raises(AssertionError, match="step 0"):
        assert_same(run(planted)[0], expected)
    assert_same(run(Inside(inside=False))[0], expected)  # which differs in that alone


def test_no_warnings_on_extreme_gradients():
    for optimizer in (case[0] for case in CASES):
        params = {"w": np.ones(3, "float32")}
        optimizer.update({"w": np.array([1e30, np.inf, np.nan], "float32")}, optimizer.init(params), params, 0)
