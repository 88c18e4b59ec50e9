"""Signals: heard at once, or held until an epoch is whole; twice is now."""

import os
import signal
import threading

import numpy as np
import pytest

import backlit as bl
from backlit import interrupts

OPTIONS = {"epochs": 50, "engine": "numpy", "probes": None}


def press(number=signal.SIGINT):
    signal.raise_signal(number)


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch):
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert interrupts.status() is None


@pytest.fixture
def listening(monkeypatch):
    """As in the command."""
    before = {number: signal.getsignal(number) for number in interrupts.SIGNALS}
    monkeypatch.setattr(interrupts, "_heard", interrupts._Heard())
    monkeypatch.setattr("sys.unraisablehook", lambda lost: None)
    interrupts.listen()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_signal_that_is_held_is_asked_for():
    with interrupts.held() as asked:
        assert not asked()
        press()
        press()  # its echo
        assert asked()


def test_a_signal_that_nobody_asked_for_is_not_lost():
    with pytest.raises(KeyboardInterrupt), interrupts.held():
        press()


def test_pressed_again_it_is_heard_at_once(monkeypatch):
    monkeypatch.setattr(interrupts, "SAME_PRESS", 0)
    reached = []

    def twice():
        with interrupts.held() as asked:
            press()
            reached.append(asked())
            press()
            reached.append("never")

    with pytest.raises(KeyboardInterrupt):
        twice()
    assert reached == [True]


def test_other_handlers_and_threads_are_left_alone():
    heard = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with interrupts.held() as asked:
            press()
            assert not asked()
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]
    thread = threading.Thread(target=lambda: bl.fit(bl.Linear(1), np.eye(4), np.arange(4.0), **OPTIONS | {"epochs": 1}))
    thread.start()
    thread.join()


def test_training_ends_with_a_whole_epoch_even_from_a_finalizer():
    """In one an exception would be lost."""

    class Last:
        def __del__(self):
            press()

    def drop(end):
        if end.epoch == 3:
            Last()

    run = bl.fit(bl.Linear(1), np.eye(4), np.arange(4.0), callbacks=drop, **OPTIONS)
    assert (run.stopped, len(run.history)) == ("interrupted", 3)


@pytest.mark.parametrize("number", interrupts.SIGNALS)
def test_every_signal_of_a_command_has_its_status(listening, monkeypatch, number):
    with interrupts.held() as asked:
        press(number)
        assert asked()
    assert interrupts.status() == 128 + number
    ended = []
    monkeypatch.setattr(os, "_exit", ended.append)
    interrupts.end_now()
    assert ended == [128 + number]
    interrupts._heard.number = None
    with pytest.raises(KeyboardInterrupt):
        press(number)
    interrupts.stop_listening()
    press(number)
    interrupts._heard.number = None


def test_what_was_ignored_stays_ignored(monkeypatch):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    monkeypatch.setattr(interrupts, "_heard", interrupts._Heard())
    monkeypatch.setattr("sys.unraisablehook", lambda lost: None)
    others = [(number, signal.getsignal(number)) for number in interrupts.SIGNALS if number != signal.SIGINT]
    try:
        interrupts.listen()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        for number, handler in [(signal.SIGINT, before), *others]:
            signal.signal(number, handler)
