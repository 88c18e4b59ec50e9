"""How processes part from each other, and what they say when one is elsewhere in the program than another."""

import os
import subprocess
import sys
import time

import pytest

import backlit as bl
from backlit.distributed import joining, telling
from tests.distributed.store import outcomes

TOGETHER = "every process must run the same lines in the same order"


def test_who_is_done_waits_for_the_others_however_long_they_take(monkeypatch):
    shut = []
    monkeypatch.setattr("jax.distributed.shutdown", lambda: shut.append(time.monotonic()))
    started = time.monotonic()
    told = outcomes(monkeypatch, joining.leave, joining.leave, lambda: (time.sleep(0.5), joining.leave()))
    assert told[:2] == [None, None]
    assert len(shut) == 3
    assert min(shut) - started >= 0.5  # else JAX's own limit would count from here


def test_who_is_done_hears_that_another_has_failed(monkeypatch):
    shut = []
    monkeypatch.setattr("jax.distributed.shutdown", lambda: shut.append(1))
    told = outcomes(monkeypatch, joining.leave, lambda: telling.tell_failure("it ended with status 3"))
    assert told == ["ProcessError: process 1 failed: it ended with status 3", None]
    assert not shut


def test_who_went_on_after_a_failure_of_its_own_parts_in_order(monkeypatch):
    def failed():
        telling.tell_failure("its disk is full")
        telling.part()

    def slow():
        time.sleep(0.2)
        telling.part()

    assert outcomes(monkeypatch, slow, failed) == [None, None]


def test_who_waits_for_one_that_has_come_to_its_end(monkeypatch):
    told = outcomes(monkeypatch, lambda: telling.gathered(1), lambda: (time.sleep(0.1), telling.part()))
    assert told[0] == (
        "ProcessError: process 1 has come to its end, and process 0 still waits for it at 'gathered in the script': "
        + TOGETHER
    )


def test_messages_of_different_kinds_are_told_apart(monkeypatch):
    told = outcomes(monkeypatch, lambda: telling.agreed(1), lambda: telling.gathered(2))
    assert told[1] == (
        "InputError: process 1 waits at 'gathered in the script', another one is at 'agreed in the script': " + TOGETHER
    )


def test_messages_of_different_places_are_told_apart(monkeypatch):
    """Of the same kind: a sender doesn't wait, and so one would take what another place has told."""

    def sent(name):
        return eval("telling.agreed(1)", {"telling": telling, "__name__": name})  # noqa: S307 - a module's name

    told = outcomes(monkeypatch, lambda: sent("backlit.one"), lambda: sent("backlit.two"))
    assert told[0] == 1
    assert told[1] == (
        "InputError: process 1 waits at 'agreed in backlit.two:1', another one is at 'agreed in backlit.one:1': "
        + TOGETHER
    )


def test_two_that_wait_for_each_other_are_told_apart(monkeypatch):
    told = outcomes(monkeypatch, lambda: telling.gathered(1), lambda: telling.agreed(2))
    assert any("another one is at" in str(text) for text in told)
    assert all("waits" in str(text) for text in told)


def test_a_script_may_say_it_on_different_lines(monkeypatch):
    def first():
        return telling.agreed(1)

    def second():
        return telling.agreed(None)

    assert outcomes(monkeypatch, first, second) == [1, 1]


EXITS = """
import os, sys
from backlit.distributed import joining
joining._hear_exits()
import atexit
atexit.register(lambda: print(joining._status(), flush=True))
{}
"""


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("", 0),
        ("sys.exit()", 0),
        ("sys.exit(3)", 3),
        ("sys.exit('words')", 1),
        ("def f():\n    sys.exit(4)\nf()", 4),
        ("def f():\n    try:\n        sys.exit(4)\n    except SystemExit:\n        pass\nf()", 0),  # caught
    ],
)
def test_the_status_that_a_script_ends_with_is_known(script, status):
    command = [sys.executable, "-c", EXITS.format(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == f"{status}\n"
    assert done.returncode == status


def test_a_status_is_told_and_ends_the_process_at_once(monkeypatch):
    ended, told = [], []
    monkeypatch.setattr(joining, "joined", lambda: True)
    monkeypatch.setattr(joining, "_status", lambda: 3)
    monkeypatch.setattr(joining, "is_news", told.append)
    monkeypatch.setattr(joining, "leave", lambda: None)
    monkeypatch.setattr(os, "_exit", ended.append)
    joining._leave_at_the_end()
    assert told == ["it ended with status 3"]
    assert ended == [3]


def test_one_that_was_told_to_be_alone_joins_nobody(monkeypatch):
    """The same script runs under any launcher, and alone."""
    monkeypatch.setenv("BACKLIT_PROCESSES", "1")
    monkeypatch.delenv("BACKLIT_PROCESS", raising=False)
    bl.distributed.initialize()
    assert bl.distributed.count() == 1
