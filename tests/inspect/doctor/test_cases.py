"""Each finding by construction, and healthy networks that must stay silent: the benchmark's tuning half."""

import pytest

from backlit.inspect.doctor.catalogue import CATALOGUE
from benchmarks.doctor.runner import Case, cases, run

QUICK = (
    "digits nan", "moons no non-linearity, before", "diabetes linear, rate within", "diabetes linear, rate beyond",
    "digits mlp", "digits softmax twice", "pictures zero init",
)  # fmt: skip
CASES = [
    pytest.param(case, id=case.name, marks=[] if case.name in QUICK else [pytest.mark.slow]) for case in cases("tune")
]


@pytest.mark.parametrize("case", CASES)
def test_case(case: Case) -> None:
    found = run(case)
    assert found.right, (case.expected or "no alarm", found.alarms, found.remarks, found.end)


def test_every_finding_has_a_case_and_a_healthy_one_stands_beside() -> None:
    told = cases("tune")
    expected = {name for case in told for name in case.expected}
    assert not expected - set(CATALOGUE)
    rare = {"gradient vanishes through layers", "stopped early"}  # the latter is a remark on healthy runs
    assert not set(CATALOGUE) - expected - rare
    assert sum(not case.expected for case in told) > 20
