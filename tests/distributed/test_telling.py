"""What all processes know: two of them tell each other, without training anything."""

import json

import pytest

from tests.distributed.pairs import ended, started


@pytest.fixture(scope="module")
def pair():
    results = ended(started("-m", "tests.distributed.room"), 120)
    for status, _, errors in results:
        assert status == 0, errors
    return [json.loads(printed.splitlines()[-1]) for _, printed, _ in results]


@pytest.mark.slow
def test_places(pair):
    assert [each["place"] for each in pair] == [[0, 2, True], [1, 2, False]]
    for each in pair:
        assert each["again"] == "InputError: initialize: this process has joined others already; it is said once"


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("agreed", {"rate": 0.1 + 0.2, "who": 0, "many": [3, None, True, "한"], "inf": float("inf")}),
        ("many", True),
        ("gathered", [{"who": 0}, {"who": 1}]),
        ("once", [1, 0]),
        ("count after", 2),
        ("input error", "InputError: the file is gone"),
        ("handed", 3 * 2**20 + 7),
        ("nothing handed", 0),
        ("asked", True),
        ("not asked", False),
        ("child", "1"),
        ("not plain", "TypeError: only plain data can be told to other processes, got object"),
    ],
)
def test_both_know_the_same(pair, what, expected):
    assert pair[0][what] == expected
    assert pair[1][what] == expected


def test_an_error_of_the_first_is_told_to_the_other(pair):
    assert pair[0]["other error"] == "ZeroDivisionError: division by zero"
    assert pair[1]["other error"] == "ProcessError: process 0 failed: ZeroDivisionError: division by zero"


def test_processes_at_different_places_are_told_apart(pair):
    message = (
        "InputError: process {} waits at 'place {}', process {} at 'place {}': every process must run the same lines "
        "in the same order"
    )
    assert pair[0]["elsewhere"] == message.format(0, 0, 1, 1)
    assert pair[1]["elsewhere"] == message.format(1, 1, 0, 0)


def test_who_waits_hears_that_another_has_failed(pair):
    assert pair[0]["failure"] == "ProcessError: process 1 failed: its disk is full"
