"""Progress: a live table in terminals and notebooks, plain lines elsewhere; always on standard error."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TextIO

from backlit.aligned import visible

SECONDS = 1.0  # between two plain lines


def columns(record: dict[str, Any]) -> list[str]:
    """What is shown of a line of the history."""
    return [key for key in record if key not in ("epoch", "seconds", "penalty")]


@dataclass(frozen=True)
class Goal:
    """What a training is on its way to.

    Attributes
    ----------
    epochs : int
        At most.
    monitor, direction : str, optional
        What tells the best epoch, and whether the least or the largest is; none is marked without a monitor.
    deadline : float, optional
        When it ends in any case, by `time.monotonic`.
    """

    epochs: int
    monitor: str | None = None
    direction: str | None = None
    deadline: float | None = None

    def best(self, records: list[dict[str, Any]]) -> int | None:
        """The number of the best record so far."""
        if self.monitor is None:
            return None
        sign = -1 if self.direction == "max" else 1
        values = [record.get(self.monitor, math.nan) * sign for record in records]
        numbers = [(value, i) for i, value in enumerate(values) if not math.isnan(value)]
        return min(numbers)[1] if numbers else None

    def left(self, record: dict[str, Any]) -> str:
        """How long it takes from the record's epoch on: "12 s left at most"; the first one's time is compiling's."""
        if record["epoch"] == 1:
            return ""
        rest = (self.epochs - record["epoch"]) * record["seconds"]
        if self.deadline is not None:
            rest = min(rest, max(0.0, self.deadline - time.monotonic()))
        return f"{duration(rest)} left at most" if rest >= 1 else ""


def duration(seconds: float) -> str:
    """A time as people say it: "12 s", "3 min 5 s", "2 h 10 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


class Plain:
    """A line now and then."""

    def __init__(self, goal: Goal, stream: TextIO) -> None:
        self.goal, self.stream = goal, stream
        self.last = -1e9
        self.shown = 0

    def show(self, record: dict[str, Any]) -> None:
        """Show an epoch, unless one was shown a moment ago."""
        if time.monotonic() - self.last < SECONDS and record["epoch"] != self.goal.epochs:
            return
        self.write(record)

    def write(self, record: dict[str, Any]) -> None:
        """Show an epoch."""
        self.last, self.shown = time.monotonic(), record["epoch"]
        values = "  ".join(f"{key} {record[key]:.4f}" for key in columns(record))
        left = self.goal.left(record)
        line = f"epoch {record['epoch']}/{self.goal.epochs}  {values}" + (f"  ({left})" if left else "")
        print(visible(line), file=self.stream, flush=True)

    def end(self, record: dict[str, Any] | None, message: str) -> None:
        """The last epoch, if it wasn't shown, and why training ended early."""
        if record is not None and record["epoch"] != self.shown:
            self.write(record)
        if message:
            print(visible(message), file=self.stream, flush=True)

    def close(self) -> None:
        """Nothing is left open."""


class Table:
    """The history so far, in at most a dozen lines, the best epoch marked; made when something shows it."""

    ROWS = 12
    BEST = "*"

    def __init__(self, goal: Goal) -> None:
        self.goal = goal
        self.records: list[dict[str, Any]] = []
        self.began = time.monotonic()
        self.ended = False

    def made(self) -> Any:
        """The table as it is now, and what there is to say of the way that is left."""
        from rich.table import Table as RichTable
        from rich.text import Text

        records = list(self.records)  # another thread shows what this one trains
        status = self._status(records)
        if not records:
            return Text(status)
        table = RichTable(box=None, pad_edge=False, caption=status, caption_justify="left", caption_style="")
        names = columns(records[-1])
        best = self.goal.best(records)
        for name in ("epoch", *names, "time", *([""] if best is not None else [])):
            table.add_column(name, justify="right")
        step = max(1, -(-len(records) // self.ROWS))
        seconds = 0.0
        for i, record in enumerate(records):
            seconds += record["seconds"]
            if i % step == 0 or i in (best, len(records) - 1):
                cells = [f"{record['epoch']}/{self.goal.epochs}", *(f"{record[name]:.4f}" for name in names)]
                table.add_row(*cells, f"{seconds:.1f} s", *([self.BEST * (i == best)] if best is not None else []))
        return table

    def _status(self, records: list[dict[str, Any]]) -> str:
        """What goes on before the first epoch is done, and how long the rest takes."""
        if self.ended:
            return f"{self.BEST} best epoch, by {self.goal.monitor}" if self.goal.best(records) is not None else ""
        if not records:
            waited = duration(time.monotonic() - self.began)
            return f"compiling, then the first of at most {self.goal.epochs} epochs ({waited})"
        return self.goal.left(records[-1])


class Live:
    """A table that grows in place, in a terminal."""

    def __init__(self, goal: Goal) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self.table = Table(goal)
        console = Console(stderr=True)
        self.live = RichLive(get_renderable=self.table.made, console=console, refresh_per_second=8, transient=False)
        self.live.start()

    def show(self, record: dict[str, Any]) -> None:
        """Show an epoch."""
        self.table.records.append(record)

    def end(self, record: dict[str, Any] | None, message: str) -> None:
        """Leave the table as it is, and say why training ended early."""
        self.close()
        if message:
            print(visible(message), file=sys.stderr, flush=True)

    def close(self) -> None:
        """Give the terminal back, also when training failed; a second time does nothing."""
        self.table.ended = True
        self.live.stop()


class Notebook:
    """A table that grows in place, under a notebook's cell; needs no widgets."""

    SECONDS = 0.25  # between two changes

    def __init__(self, goal: Goal) -> None:
        from IPython.display import display

        self.table = Table(goal)
        self.handle = display(self.table.made(), display_id=True)
        self.last = -1e9

    def show(self, record: dict[str, Any]) -> None:
        """Show an epoch."""
        self.table.records.append(record)
        if time.monotonic() - self.last >= self.SECONDS:
            self.last = time.monotonic()
            self.handle.update(self.table.made())

    def end(self, record: dict[str, Any] | None, message: str) -> None:
        """Show the whole table, and say why training ended early."""
        self.close()
        if message:
            print(visible(message), file=sys.stderr, flush=True)

    def close(self) -> None:
        """Show all that came since the table was last shown."""
        self.table.ended = True
        self.handle.update(self.table.made())


class Silent:
    """Nothing."""

    def show(self, record: dict[str, Any]) -> None:
        """Nothing."""

    def end(self, record: dict[str, Any] | None, message: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


Progress = Plain | Live | Notebook | Silent


@contextlib.contextmanager
def shown(wanted: bool | None, goal: Goal) -> Iterator[Progress]:
    """A display of the training in the block, which ends with it, however it ends."""
    display = create(wanted, goal)
    try:
        yield display
    finally:
        display.close()


def create(wanted: bool | None, goal: Goal) -> Progress:
    """A table in a terminal or notebook; plain lines elsewhere if they were asked for."""
    if wanted is False:
        return Silent()
    if _in_notebook():
        return Notebook(goal)
    if sys.stderr.isatty():
        return Live(goal)
    return Plain(goal, sys.stderr) if wanted else Silent()


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    return shell is not None and getattr(shell.get_ipython(), "kernel", None) is not None
