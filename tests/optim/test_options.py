"""Defaults are those of PyTorch, and each option ends where its formula does: at its edges, not one beyond.

Written out here, so that a default or a range that is changed by mistake is noticed.
"""

import dataclasses
import inspect
import math

import pytest
import torch

from backlit import optim
from backlit.errors import InputError, UnknownNameError
from tests.test_settings import KINDS, RANGED, sample

TINY, BIG = 1e-12, 1e12
ANY_POSITIVE = ((TINY, BIG), (0, -TINY, math.inf))
FROM_ZERO = ((0, BIG), (-TINY, math.inf))
BELOW_ONE = ((0, 1 - 1e-9), (-TINY, 1))
TO_ONE = ((0, 1), (-TINY, 1 + 1e-9))
FROM_ONE = ((1, 2**40), (0, 1.5))
EDGES = {  # values that are taken, and values that aren't
    "beta1": BELOW_ONE, "beta2": BELOW_ONE, "momentum": BELOW_ONE, "dampening": TO_ONE, "epsilon": FROM_ZERO,
    "weight_decay": FROM_ZERO, "learning_rate": FROM_ZERO, "learning_rate_decay": FROM_ZERO, "limit": ANY_POSITIVE,
    "initial_accumulator": FROM_ZERO, "order": ((TINY, math.inf), (0, -TINY)), "decay": BELOW_ONE, "end": FROM_ZERO,
    "start": FROM_ZERO, "peak": FROM_ZERO, "then": FROM_ZERO, "minimum": FROM_ZERO, "threshold": FROM_ZERO,
    "every": FROM_ONE, "steps": FROM_ONE, "memory": FROM_ONE, "strength": FROM_ZERO,
    "patience": ((0, 2**40), (-1, 0.5)), "cooldown": ((0, 2**40), (-1, 0.5)),
    "factor": ANY_POSITIVE, "share": TO_ONE, "rise": TO_ONE, "end_divisor": ANY_POSITIVE, "start_divisor": ANY_POSITIVE,
    "mode": (("min", "max"), ("mean",)), "threshold_mode": (("relative", "absolute"), ("none",)),
    "anneal": (("cosine", "linear"), ("exponential",)),
}  # fmt: skip
OTHERWISE = {
    ("Momentum", "momentum"): ((TINY, 1 - 1e-9), (0, 1)),  # without it, that is plain gradient descent
    ("Nesterov", "momentum"): ((TINY, 1 - 1e-9), (0, 1)),
    ("OneCycle", "steps"): ((8, 2**40), (1, 2, 2.5)),  # three of ten are to rise
    ("OneCycle", "rise"): ((0.1, 0.9), (0, 1, -TINY, 1 + 1e-9)),  # both phases have updates
    ("InverseTime", "decay"): FROM_ZERO,
    ("Budget", "end"): BELOW_ONE,
    ("ReduceOnPlateau", "factor"): BELOW_ONE,  # PyTorch refuses 1 as well: it would reduce nothing
}
THEIRS = {  # our option by PyTorch's name
    "lr": "learning_rate", "eps": "epsilon", "alpha": "decay", "lr_decay": "learning_rate_decay", "min_lr": "minimum",
    "initial_accumulator_value": "initial_accumulator", "div_factor": "start_divisor", "pct_start": "rise",
    "final_div_factor": "end_divisor", "eta_min": "end", "gamma": "factor", "norm_type": "order",
}  # fmt: skip
SAME = [
    (optim.SGD, torch.optim.SGD, {"lr"}),  # theirs is 0.001, since 2.2
    (optim.Adam, torch.optim.Adam, set()),
    (optim.AdamW, torch.optim.AdamW, set()),
    (optim.AdaGrad, torch.optim.Adagrad, set()),
    (optim.RMSprop, torch.optim.RMSprop, set()),
    (optim.ReduceOnPlateau, torch.optim.lr_scheduler.ReduceLROnPlateau, {"threshold_mode"}),  # "rel"
    (optim.OneCycle, torch.optim.lr_scheduler.OneCycleLR, {"momentum", "three_phase"}),
    (optim.Cosine, torch.optim.lr_scheduler.CosineAnnealingLR, set()),
    (optim.Step, torch.optim.lr_scheduler.StepLR, set()),
    (optim.ClipGlobalNorm, torch.nn.utils.clip_grad_norm_, set()),
]


@pytest.mark.parametrize(("ours", "theirs", "other"), SAME, ids=lambda kind: getattr(kind, "__name__", ""))
def test_defaults_are_pytorchs(ours, theirs, other):
    fields = {field.name: field.default for field in dataclasses.fields(ours)}
    defaults = {name: part.default for name, part in inspect.signature(theirs).parameters.items()}
    if "betas" in defaults:
        defaults["beta1"], defaults["beta2"] = defaults.pop("betas")
    shared = {name for name in defaults if THEIRS.get(name, name) in fields} - other
    shared = {name for name in shared if defaults[name] is not inspect.Parameter.empty}
    assert shared
    ours_of = {name: fields[THEIRS.get(name, name)] for name in shared}
    assert ours_of == {name: {"cos": "cosine"}.get(defaults[name], defaults[name]) for name in shared}


@pytest.mark.parametrize(
    ("kind", "field"), RANGED, ids=lambda part: getattr(part, "__name__", getattr(part, "name", ""))
)
def test_an_option_ends_where_its_formula_does(kind, field):
    taken, refused = OTHERWISE.get((kind.__name__, field.name), EDGES[field.name])
    for value in taken:
        assert getattr(sample(kind, **{field.name: value}), field.name) == value
    for value in refused:
        with pytest.raises(InputError, match=field.name):
            sample(kind, **{field.name: value})


def test_every_kind_is_held():
    assert {kind for kind, _ in RANGED} >= {kind for kind in KINDS if kind.__name__ not in ("Chain", "Frozen")}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rise": 1.5}, r"rise must be a number in \[0, 1\], got 1.5"),
        ({"steps": 1}, r"steps must be a whole number in \[2, ∞\), got 1"),
        ({"steps": 2}, "rise leaves no update"),
    ],
)
def test_one_cycle_says_which_limit_it_is(options, message):
    """A range and the phases' own rule refuse nearly the same."""
    with pytest.raises(InputError, match=message):
        optim.OneCycle(**({"peak": 0.1, "steps": 20} | options))


@pytest.mark.parametrize("kind", [optim.SGD, optim.GradientDescent, optim.Momentum, optim.Nesterov])
def test_gradient_descent_starts_at_a_hundredth(kind):
    assert kind().learning_rate == 0.01


@pytest.mark.parametrize("name", ["Optimizer", "Transform", "FromStart", "Schedule"])
def test_what_kinds_have_in_common_is_no_kind(name):
    with pytest.raises(UnknownNameError, match=name):
        optim.Transform.from_dict({"transform": name})
    with pytest.raises(UnknownNameError, match=name):
        optim.Schedule.from_dict({"schedule": name})


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("kind", ["relative", "absolute"])
def test_an_improvement_must_be_larger_than_the_threshold(mode, kind):
    """Just above it and just below, as PyTorch's scheduler decides."""
    for share in (0.7, 1.3):
        theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
            torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0),
            mode=mode, threshold=0.01, threshold_mode=kind[:3], patience=0, factor=0.5,
        )  # fmt: skip
        ours = optim.ReduceOnPlateau(1.0, mode=mode, threshold=0.01, threshold_mode=kind, patience=0, factor=0.5)
        step = 0.01 * share * (5.0 if kind == "relative" else 1.0) * (-1 if mode == "min" else 1)
        state = ours.init()
        for value in (5.0, 5.0 + step):
            theirs.step(value)
            state, factor = ours.update(value, state)
        assert factor == theirs.optimizer.param_groups[0]["lr"] == (1.0 if share > 1 else 0.5)


@pytest.mark.parametrize(("first", "bad"), [(0.0, 0), (math.inf, 1), (math.nan, 1), (-3.0, 0)])
def test_the_first_value_is_the_best_if_it_is_one(first, bad):
    state, _ = optim.ReduceOnPlateau(1.0).update(first, optim.ReduceOnPlateau(1.0).init())
    assert state["bad"] == bad
    assert state["best"] == (None if bad else first)
