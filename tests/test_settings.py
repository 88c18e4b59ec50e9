"""Hyperparameters as data: ranges, messages, JSON, repr; for every class there is."""

import dataclasses
import inspect
import json
import math

import numpy as np
import pytest

from backlit import optim
from backlit.errors import InputError, UnknownNameError
from backlit.settings import (
    GIVEN,
    TEXT,
    Range,
    Record,
    build,
    count,
    declared,
    nonnegative,
    option,
    positive,
    same,
    signature,
)

KINDS = [
    kind
    for kind in vars(optim).values()
    if isinstance(kind, type) and issubclass(kind, optim.Transform | optim.Schedule) and dataclasses.fields(kind)
]
SAMPLES = {"start": 0.1, "peak": 0.1, "steps": 20, "every": 5, "decay": 0.1, "factor": 0.5, "limit": 1.0}
SAMPLES |= {"then": 0.1, "weight_decay": 0.1, "momentum": 0.5, "learning_rate": 0.1, "strength": 0.3}
SAMPLES |= {"inner": optim.SGD(0.1)}


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
            free = isinstance(f.default, bool) or f.name in ("transforms", "inner", "paths")
            assert "range" in f.metadata or free, (kind, f.name)


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
    with pytest.raises(UnknownNameError, match=r"unknown schedule .*square.*Known: Budget, Constant, Cosine"):
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


@dataclasses.dataclass(frozen=True, repr=False)
class Walk(Record):
    """A walk.

    Parameters
    ----------
    steps : int
        Steps to take;
        one after the other.
    pace, rest : float
        Of each step.
    """

    steps: int = count(10, help="Steps to take", unit="steps", panel="Walk", flags=("--steps", "-n"))
    pace: float = positive(1.0, scope="kept")
    rest: float | None = nonnegative(None, scope="kept")
    home: bool = option(True, scope="kept")
    way: str = option("north", names=("north", "south"))
    dog: object = option(None, form=GIVEN)
    map: object = option(None, form=TEXT)
    cheer: object = option(None, scope="call")
    name: str = option("", scope="call")


def test_a_declaration_says_all_of_an_option():
    steps, pace, rest, *_ = declared(Walk).values()
    assert (steps.name, steps.type, steps.default, steps.unit, steps.panel) == ("steps", "int", 10, "steps", "Walk")
    assert (steps.range.span, steps.range.text) == ("from 1", "a whole number in [1, ∞)")
    assert (steps.help, steps.doc) == ("Steps to take", "Steps to take;\none after the other.")
    assert (pace.doc, rest.doc, pace.scope, pace.panel) == ("Of each step.", "Of each step.", "kept", None)
    assert [own.optional for own in (steps, pace, rest)] == [False, False, True]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": 0}, r"^steps must be a whole number in \[1, ∞\), got 0$"),
        ({"steps": None}, r"^steps must be a whole number in \[1, ∞\), got None$"),
        ({"home": 1}, "^home must be True or False, got 1$"),
        ({"way": "west"}, "^way must be 'north' or 'south', got 'west'$"),
        ({"name": 3}, "^name must be a text, got 3$"),
        ({"rest": -1}, r"^rest must be a number in \[0, ∞\), got -1$"),
        ({"step": 3}, r"^unknown option of walking 'step'; did you mean 'steps'\? Known: cheer, dog, home"),
    ],
)
def test_build_refuses_names_and_values(given, message):
    with pytest.raises(InputError, match=message):
        build(Walk, given, "walking")


def test_build_demands_what_has_no_default():
    kind = dataclasses.make_dataclass("Leap", [("far", float, positive())], bases=(Record,), frozen=True)
    with pytest.raises(InputError, match=r"^leaping needs far$"):
        build(kind, {}, "leaping")
    assert build(kind, {"far": np.float32(2)}, "leaping").far == 2.0


def test_a_record_in_a_folder():
    walk = build(Walk, {"steps": 3, "rest": None, "dog": [1], "map": {"a": 1}, "cheer": print}, "walking")
    told = walk.to_dict()
    assert told == {
        "steps": 3, "pace": 1.0, "rest": None, "home": True, "way": "north", "dog": True, "map": "{'a': 1}",
    }  # fmt: skip
    assert Walk.from_dict(json.loads(json.dumps(told))) == Walk(steps=3)
    assert Walk.from_dict({}) == Walk()
    with pytest.raises(UnknownNameError, match="unknown option of Walk 'stepz'; did you mean 'steps'"):
        Walk.from_dict({"stepz": 3})
    assert repr(walk.replace(cheer=None)) == "Walk(steps=3, dog=[1], map={'a': 1})"


def test_a_signature_of_declarations():
    taken = signature(Walk)
    assert [parameter.name for parameter in taken] == list(declared(Walk))
    assert str(inspect.Signature(taken[:2])) == "(*, steps: 'int' = 10, pace: 'float' = 1.0)"


def test_the_same_option_in_another_record():
    kind = dataclasses.make_dataclass(
        "Stroll", [("steps", "int | None", same(Walk, "steps", None))], bases=(Record,), frozen=True
    )
    (steps,) = declared(kind).values()
    assert (steps.default, steps.help, steps.flags, steps.optional) == (None, "Steps to take", ("--steps", "-n"), True)
    with pytest.raises(InputError, match=r"steps must be a whole number in \[1, ∞\), got 0"):
        kind(steps=0)


def test_bounds_in_words():
    assert Range(0.0, 1.0, open_high=True).span == "from 0 to below 1"
    assert (Range(open_low=True).span, Range(names=("a", "b")).span) == ("above 0", "a or b")
    assert Range(1, whole=True, words="a whole number of at least 1").text == "a whole number of at least 1"
