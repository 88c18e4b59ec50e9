"""Hyperparameters as data: ranges, messages, JSON, repr; for every class there is."""

import dataclasses
import json
import math

import numpy as np
import pytest

from backlit import optim
from backlit.errors import InputError, UnknownNameError
from backlit.settings import Range

KINDS = [
    kind
    for kind in vars(optim).values()
    if isinstance(kind, type) and issubclass(kind, optim.Transform | optim.Schedule) and dataclasses.fields(kind)
]
SAMPLES = {"start": 0.1, "peak": 0.1, "steps": 20, "every": 5, "decay": 0.1, "factor": 0.5, "limit": 1.0}
SAMPLES |= {"then": 0.1, "weight_decay": 0.1, "momentum": 0.5, "learning_rate": 0.1}


def sample(kind, **changes):
    """One of the kind, with values for what has no default."""
    needed = {f.name: SAMPLES[f.name] for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING}
    return kind(**(needed | changes))


def wrong_values(allowed):
    if allowed.names:
        return ["other", None]
    values = ["0.1", None, True, math.nan, -1 if allowed.low >= 0 else -math.inf]
    if allowed.open_low:
        values.append(allowed.low)
    if allowed.open_high:
        values.append(allowed.high)
    if not math.isinf(allowed.high):
        values.append(allowed.high + 1)
    return values + ([1.5] if allowed.whole else [])


RANGED = [(kind, f) for kind in KINDS for f in dataclasses.fields(kind) if "range" in f.metadata]
WRONG = [(kind, f, value) for kind, f in RANGED for value in wrong_values(f.metadata["range"])]


def test_every_number_has_a_range():
    assert len(KINDS) > 20
    for kind in KINDS:
        for f in dataclasses.fields(kind):
            assert "range" in f.metadata or isinstance(f.default, bool) or f.name == "transforms", (kind, f.name)


@pytest.mark.parametrize(
    ("kind", "field", "value"), WRONG, ids=lambda v: getattr(v, "__name__", getattr(v, "name", repr(v)))
)
def test_wrong_values_are_refused(kind, field, value):
    with pytest.raises(InputError) as error:
        sample(kind, **{field.name: value})
    assert str(error.value) == f"{kind.__name__}: {field.name} must be {field.metadata['range'].text}, got {value!r}"


def test_messages_in_full():
    with pytest.raises(InputError, match=r"^Adam: beta1 must be a number in \[0, 1\), got 1$"):
        optim.Adam(beta1=1)
    with pytest.raises(InputError, match=r"^SGD: learning_rate must be a number in \[0, ∞\) or a schedule, got -0.1$"):
        optim.SGD(-0.1)
    with pytest.raises(InputError, match=r"^Step: every must be a whole number in \[1, ∞\), got 0$"):
        optim.Step(0.1, every=0)
    with pytest.raises(InputError, match=r"^ClipNorm: limit must be a number in \(0, ∞\), got 0$"):
        optim.ClipNorm(0)
    with pytest.raises(InputError, match=r"^OneCycle: anneal must be 'cosine' or 'linear', got 'cos'$"):
        optim.OneCycle(0.1, 10, anneal="cos")
    with pytest.raises(InputError, match=r"^Adam: amsgrad must be True or False, got 1$"):
        optim.Adam(amsgrad=1)
    with pytest.raises(InputError, match=r"^SGD: nesterov needs momentum above 0, got momentum=0.0$"):
        optim.SGD(nesterov=True)
    with pytest.raises(InputError, match=r"^SGD: nesterov needs dampening=0, got dampening=0.5$"):
        optim.SGD(momentum=0.9, nesterov=True, dampening=0.5)
    assert Range(low=0.0, open_low=True).text == "a number in (0, ∞]"


def test_numbers_become_plain():
    """A NumPy scalar would turn float32 gradients into float64."""
    optimizer = optim.SGD(np.float64(0.5), momentum=np.float32(0.5))
    assert type(optimizer.learning_rate) is type(optimizer.momentum) is float
    assert type(optim.Step(1, every=np.int64(3)).every) is int
    updates, _ = optimizer.update({"w": np.ones(1, "float32")}, optimizer.init({"w": np.ones(1, "float32")}), {}, 0)
    assert updates["w"].dtype == "float32"


EXAMPLES = [
    *[sample(kind) for kind in KINDS],
    optim.chain(optim.ClipGlobalNorm(1.0, order=math.inf), optim.AdamW(optim.WarmUp(optim.Cosine(0.1, 90), 10))),
    optim.SGD(optim.ReduceOnPlateau(0.1, mode="max"), momentum=0.9, nesterov=True),
    optim.AdaGrad(optim.InverseTime(optim.Step(0.1, 5), 0.1)),
]


@pytest.mark.parametrize("value", EXAMPLES, ids=repr)
def test_json_round_trip(value):
    base = optim.Schedule if isinstance(value, optim.Schedule) else optim.Transform
    text = json.dumps(value.to_dict(), allow_nan=False)
    assert base.from_dict(json.loads(text)) == value
    assert hash(base.from_dict(json.loads(text))) == hash(value)


@pytest.mark.parametrize("value", EXAMPLES, ids=repr)
def test_repr_makes_it_again(value):
    names = {**vars(optim), "inf": math.inf}
    assert eval(repr(value), names) == value  # noqa: S307 - our own text


def test_json_of_a_plain_function():
    text = optim.SGD(np.square).to_dict()
    assert text["learning_rate"] == {"schedule": repr(np.square)}
    with pytest.raises(UnknownNameError, match=r"unknown schedule .*square.*Known: Constant, Cosine"):
        optim.Transform.from_dict(text)


def test_wrong_descriptions():
    with pytest.raises(UnknownNameError, match=r"unknown transform 'Adamm'; did you mean 'Adam'\?"):
        optim.Transform.from_dict({"transform": "Adamm"})
    with pytest.raises(UnknownNameError, match=r"unknown transform None"):
        optim.Transform.from_dict({})
    with pytest.raises(InputError, match=r"Adam has no rate; it takes learning_rate, beta1"):
        optim.Transform.from_dict({"transform": "Adam", "rate": 0.1})
    with pytest.raises(InputError, match=r"Step can't be made from \['every'\]; it takes start, every, factor"):
        optim.Schedule.from_dict({"schedule": "Step", "every": 3})
    with pytest.raises(InputError, match=r"expected one of 'schedule', 'transform' among \['layer'\]"):
        optim.Transform.from_dict({"transform": "SGD", "learning_rate": {"layer": "Linear"}})


def test_reading_ranges():
    """A form or a command can be made from them."""
    allowed = {f.name: f.metadata["range"] for f in dataclasses.fields(optim.Adam) if "range" in f.metadata}
    assert (allowed["beta1"].low, allowed["beta1"].high, allowed["beta1"].open_high) == (0.0, 1.0, True)
    assert allowed["learning_rate"].schedule


def test_replace_checks_again():
    assert optim.Adam().replace(beta1=0.5).beta1 == 0.5
    with pytest.raises(InputError, match="beta1"):
        optim.Adam().replace(beta1=2.0)
