"""A live display ends when training does, however it ends."""

import sys

import numpy as np
import pytest

import backlit as bl
from backlit.errors import DivergedError, InputError
from backlit.train import progress
from tests.train.common import blobs, mlp


class Terminal:
    """A display that knows whether it was left open."""

    made: list["Terminal"]

    def __init__(self, epochs):
        self.open, self.message = True, None
        Terminal.made.append(self)

    def show(self, record):
        assert self.open

    def end(self, record, message):
        self.message = message
        self.close()

    def close(self):
        self.open = False


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(Terminal, "made", [], raising=False)
    monkeypatch.setattr(progress, "create", lambda wanted, epochs: Terminal(epochs))
    return Terminal


def failing(end):
    raise RuntimeError("the callback's own fault")


def interrupting(end):
    raise KeyboardInterrupt


def test_it_ends_with_the_training(terminal):
    x, y = blobs()
    bl.fit(mlp(), x, y, epochs=2)
    (display,) = terminal.made
    assert not display.open
    assert display.message == ""


def test_it_ends_when_a_callback_raises(terminal):
    x, y = blobs()
    with pytest.raises(RuntimeError, match="own fault"):
        bl.fit(mlp(), x, y, epochs=2, callbacks=failing)
    assert [display.open for display in terminal.made] == [False]


def test_it_ends_when_training_diverges_and_is_strict(terminal):
    x, _ = blobs()
    with pytest.raises(DivergedError):
        bl.fit(bl.Linear(1), x, x[:, 0], epochs=9, strict=True, optimizer=bl.SGD(1e30))
    assert [display.open for display in terminal.made] == [False]
    assert "diverged" in terminal.made[0].message


def test_it_ends_when_the_checkpoint_is_refused(terminal, tmp_path):
    x, y = blobs()
    bl.fit(mlp(), x, y, epochs=1, checkpoint=tmp_path / "run")
    with pytest.raises(InputError, match="already holds a run"):
        bl.fit(mlp(), x, y, epochs=1, checkpoint=tmp_path / "run")
    assert [display.open for display in terminal.made] == [False, False]


def test_it_ends_when_the_user_stops_the_training(terminal):
    x, y = blobs()
    run = bl.fit(mlp(), x, y, epochs=3, callbacks=interrupting)
    assert run.stopped == "interrupted"
    assert [display.open for display in terminal.made] == [False]


def test_it_ends_when_the_user_stops_what_comes_after_training(terminal, monkeypatch):
    def stopped(loop):
        raise KeyboardInterrupt

    monkeypatch.setattr("backlit.train.loop.Loop.network", stopped)
    x, y = blobs()
    with pytest.raises(KeyboardInterrupt):
        bl.fit(mlp(), x, y, epochs=1)
    assert [display.open for display in terminal.made] == [False]


def fail_within(wanted):
    """A training that fails after an epoch; the display that it had."""
    displays = []

    def train():
        with progress.shown(wanted, 3) as display:
            displays.append(display)
            display.show({"epoch": 1, "loss": 0.5, "seconds": 0.1})
            failing(None)

    with pytest.raises(RuntimeError, match="own fault"):
        train()
    return displays[0]


def test_the_live_table_gives_the_terminal_back(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    display = fail_within(True)
    assert isinstance(display, progress.Live)
    assert not display.live.is_started
    display.close()  # a second time does nothing


def test_a_notebooks_table_is_complete_when_training_fails(monkeypatch):
    shown = []

    class Handle:
        def update(self, table):
            shown.append(table.row_count)

    monkeypatch.setattr("IPython.display.display", lambda table, display_id: Handle())
    monkeypatch.setattr(progress, "_in_notebook", lambda: True)
    monkeypatch.setattr(progress.Notebook, "SECONDS", np.inf)
    fail_within(None)
    assert shown == [1]
