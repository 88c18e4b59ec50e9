"""Findings by construction, and healthy networks that must stay silent: a part of the benchmark's tuning half."""

import dataclasses

import pytest

from backlit.doctor.findings import kinds, loop
from benchmarks.doctor.runner import Case, cases, run, written_out

TUNE, SCORE = cases("tune"), cases("score")
QUICK = (
    "digits nan", "moons no non-linearity, before", "diabetes linear, rate within", "diabetes linear, rate beyond",
    "digits mlp", "digits softmax twice", "pictures zero init", "moons, a fifth flipped",
)  # fmt: skip
BLIND = ("outside", "strangers")  # made by who didn't know the rules: `make bench-doctor` tells how many are right
OUTSIDE = {case.name for file in BLIND for case in cases("tune", file)}
TOLD = [case for case in TUNE if case.expected and case.name not in OUTSIDE]
SICK = sorted(TOLD, key=lambda case: case.fit.get("epochs", 20))
SHORTEST = {case.expected[0]: case.name for case in reversed(SICK)}  # of each finding
HEALTHY = [case.name for case in TUNE if not case.expected]
CHOSEN = {*QUICK, *SHORTEST.values(), *HEALTHY[::6]} - OUTSIDE
CASES = [
    pytest.param(case, id=case.name, marks=[] if case.name in QUICK else [pytest.mark.slow])
    for case in TUNE
    if case.name in CHOSEN
]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_case(case: Case) -> None:
    found = run(case)
    assert found.right, (case.expected or "no alarm", found.alarms, found.remarks, found.end)


WELL = sorted((case for case in TUNE if not case.expected and case.when == "after"), key=lambda case: case.name)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in WELL[::6]])
def test_a_look_before_training_alarms_on_nothing_that_trains_well(case: Case) -> None:
    assert run(dataclasses.replace(case, when="before")).right


OF_OTHERS = {kind.key for kind in loop.KINDS}  # what only loops of one's own get wrong: tests/watching/test_doctor.py

OUTCOMES = {"stopped early", "worse than guessing"}  # what only follows: a remark on healthy runs, a symptom


def test_every_finding_has_a_case_and_a_healthy_one_stands_beside() -> None:
    expected = {name for case in TUNE for name in case.expected}
    assert not expected - set(kinds())
    assert not set(kinds()) - expected - OUTCOMES - OF_OTHERS
    assert len(HEALTHY) > 40


def test_the_scoring_half_has_every_finding_twice() -> None:
    expected = [name for case in SCORE for name in {*case.expected[:1]}]
    assert not [name for name in set(kinds()) - {"worse than guessing"} - OF_OTHERS if expected.count(name) < 2]
    assert sum(bool(case.expected) for case in SCORE) >= 60
    assert sum(not case.expected for case in SCORE) >= 40


@pytest.mark.parametrize("half", [TUNE, SCORE], ids=["tune", "score"])
def test_names_are_unique(half: list[Case]) -> None:
    assert len({case.name for case in half}) == len(half)


def test_no_scoring_case_was_tuned_on() -> None:
    told = {(case.data, *case.network, str(case.fault), str(case.fit)) for case in TUNE}
    assert not [case.name for case in SCORE if (case.data, *case.network, str(case.fault), str(case.fit)) in told]


def test_layers_written_out() -> None:
    assert written_out(["2 * Linear 8 | ReLU", "Linear 1"]) == ["Linear 8", "ReLU", "Linear 8", "ReLU", "Linear 1"]
