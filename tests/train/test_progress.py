"""A live display ends when training does, however it ends."""

import io
import sys
import time

import numpy as np
import pytest
from rich.console import Console

import backlit as bl
from backlit.errors import DivergedError, InputError
from backlit.train import progress
from tests.train.common import blobs, mlp


class Terminal:
    """A display that knows whether it was left open."""

    made: list["Terminal"]

    def __init__(self, goal):
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
    monkeypatch.setattr(progress, "create", lambda wanted, goal: Terminal(goal))
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
        with progress.shown(wanted, progress.Goal(3)) as display:
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


RECORDS = [
    {"epoch": number, "loss": 1 / number, "val_loss": abs(number - 5) + 1.0, "seconds": 2.0} for number in range(1, 31)
]


def text_of(table):
    """What a terminal of 80 characters shows of a table."""
    console = Console(width=80, color_system=None, file=io.StringIO(), force_terminal=False)
    console.print(table.made())
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_before_the_first_epoch_the_table_says_what_goes_on():
    table = progress.Table(progress.Goal(40))
    table.began -= 3
    assert text_of(table) == ["compiling, then the first of at most 40 epochs (3 s)"]


def test_the_best_epoch_is_marked_and_never_left_out():
    table = progress.Table(progress.Goal(40, "val_loss", "min"))
    table.records = RECORDS
    lines = text_of(table)
    assert [line.split()[0] for line in lines if line.endswith("*")] == ["5/40"]
    assert lines[-1] == "20 s left at most"
    table.ended = True
    assert text_of(table)[-1] == "* best epoch, by val_loss"


def test_the_best_may_be_the_largest_and_what_is_no_number_is_not_best():
    records = [{"epoch": 1, "val_accuracy": float("nan")}, {"epoch": 2, "val_accuracy": 0.5}, {"epoch": 3}]
    assert progress.Goal(3, "val_accuracy", "max").best(records) == 1
    assert progress.Goal(3, "val_accuracy", "max").best([]) is None
    assert progress.Goal(3).best(records) is None


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.7, "1 min"), (125, "2 min 5 s"), (7800, "2 h 10 min")]
)
def test_times_are_told_as_people_say_them(seconds, words):
    assert progress.duration(seconds) == words


def test_a_time_limit_bounds_what_is_left_and_compiling_is_not_taken_for_an_epoch():
    goal = progress.Goal(100, deadline=time.monotonic() + 10.4)
    assert goal.left({"epoch": 2, "seconds": 60.0}) == "10 s left at most"
    assert progress.Goal(100).left({"epoch": 1, "seconds": 60.0}) == ""
    assert progress.Goal(100).left({"epoch": 100, "seconds": 60.0}) == ""


def test_plain_lines_tell_the_time_that_is_left():
    stream = io.StringIO()
    plain = progress.Plain(progress.Goal(40), stream)
    plain.show(RECORDS[9])
    assert stream.getvalue() == "epoch 10/40  loss 0.1000  val_loss 6.0000  (1 min left at most)\n"
