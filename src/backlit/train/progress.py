"""Progress: a live table in terminals and notebooks, plain lines elsewhere; always on standard error."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Any, TextIO

from backlit.aligned import visible

SECONDS = 1.0  # between two plain lines


def columns(record: dict[str, Any]) -> list[str]:
    """What is shown of a line of the history."""
    return [key for key in record if key not in ("epoch", "seconds", "penalty")]


class Plain:
    """A line now and then."""

    def __init__(self, epochs: int, stream: TextIO) -> None:
        self.epochs, self.stream = epochs, stream
        self.last = -1e9
        self.shown = 0

    def show(self, record: dict[str, Any]) -> None:
        """Show an epoch, unless one was shown a moment ago."""
        if time.monotonic() - self.last < SECONDS and record["epoch"] != self.epochs:
            return
        self.write(record)

    def write(self, record: dict[str, Any]) -> None:
        """Show an epoch."""
        self.last, self.shown = time.monotonic(), record["epoch"]
        values = "  ".join(f"{key} {record[key]:.4f}" for key in columns(record))
        print(visible(f"epoch {record['epoch']}/{self.epochs}  {values}"), file=self.stream, flush=True)

    def end(self, record: dict[str, Any] | None, message: str) -> None:
        """The last epoch, if it wasn't shown, and why training ended early."""
        if record is not None and record["epoch"] != self.shown:
            self.write(record)
        if message:
            print(visible(message), file=self.stream, flush=True)

    def close(self) -> None:
        """Nothing is left open."""


class Table:
    """The history so far, in at most a dozen lines; made when something shows it."""

    ROWS = 12

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.records: list[dict[str, Any]] = []

    def made(self) -> Any:
        """The table as it is now."""
        from rich.table import Table as RichTable

        table = RichTable(box=None, pad_edge=False)
        records = list(self.records)  # another thread shows what this one trains
        if not records:
            return table
        names = columns(records[-1])
        for name in ("epoch", *names, "time"):
            table.add_column(name, justify="right")
        step = max(1, -(-len(records) // self.ROWS))
        seconds = 0.0
        for i, record in enumerate(records):
            seconds += record["seconds"]
            if i % step == 0 or i == len(records) - 1:
                values = [f"{record[name]:.4f}" for name in names]
                table.add_row(f"{record['epoch']}/{self.epochs}", *values, f"{seconds:.1f} s")
        return table


class Live:
    """A table that grows in place, in a terminal."""

    def __init__(self, epochs: int) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self.table = Table(epochs)
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
        self.live.stop()


class Notebook:
    """A table that grows in place, under a notebook's cell; needs no widgets."""

    SECONDS = 0.25  # between two changes

    def __init__(self, epochs: int) -> None:
        from IPython.display import display

        self.table = Table(epochs)
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
def shown(wanted: bool | None, epochs: int) -> Iterator[Progress]:
    """A display of the training in the block, which ends with it, however it ends."""
    display = create(wanted, epochs)
    try:
        yield display
    finally:
        display.close()


def create(wanted: bool | None, epochs: int) -> Progress:
    """A table in a terminal or notebook; plain lines elsewhere if they were asked for."""
    if wanted is False:
        return Silent()
    if _in_notebook():
        return Notebook(epochs)
    if sys.stderr.isatty():
        return Live(epochs)
    return Plain(epochs, sys.stderr) if wanted else Silent()


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    return shell is not None and getattr(shell.get_ipython(), "kernel", None) is not None
