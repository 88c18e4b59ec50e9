"""Progress: a live table in terminals and notebooks, plain lines elsewhere; always on standard error."""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

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
        print(f"epoch {record['epoch']}/{self.epochs}  {values}", file=self.stream, flush=True)

    def close(self, record: dict[str, Any] | None, message: str) -> None:
        """The last epoch, if it wasn't shown, and why training ended early."""
        if record is not None and record["epoch"] != self.shown:
            self.write(record)
        if message:
            print(message, file=self.stream, flush=True)


class Live:
    """A table that grows in place."""

    ROWS = 12

    def __init__(self, epochs: int) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self.epochs = epochs
        self.records: list[dict[str, Any]] = []
        self.live = RichLive(console=Console(stderr=True), refresh_per_second=8, transient=False)
        self.live.start()

    def show(self, record: dict[str, Any]) -> None:
        """Show an epoch."""
        self.records.append(record)
        self.live.update(self._table())

    def _table(self) -> Any:
        from rich.table import Table

        names = columns(self.records[-1])
        table = Table(box=None, pad_edge=False)
        for name in ("epoch", *names, "time"):
            table.add_column(name, justify="right")
        seconds = 0.0
        lines = []
        for record in self.records:
            seconds += record["seconds"]
            lines.append(
                [f"{record['epoch']}/{self.epochs}", *[f"{record[name]:.4f}" for name in names], f"{seconds:.1f} s"]
            )
        step = max(1, -(-len(lines) // self.ROWS))
        for line in [line for i, line in enumerate(lines[:-1]) if i % step == 0] + lines[-1:]:
            table.add_row(*line)
        return table

    def close(self, record: dict[str, Any] | None, message: str) -> None:
        """Leave the table as it is, and say why training ended early."""
        self.live.stop()
        if message:
            print(message, file=sys.stderr, flush=True)


class Silent:
    """Nothing."""

    def show(self, record: dict[str, Any]) -> None:
        """Nothing."""

    def close(self, record: dict[str, Any] | None, message: str) -> None:
        """Nothing."""


Progress = Plain | Live | Silent


def create(wanted: bool | None, epochs: int) -> Progress:
    """A table in a terminal or notebook; plain lines elsewhere if they were asked for."""
    if wanted is False:
        return Silent()
    if sys.stderr.isatty() or _in_notebook():
        return Live(epochs)
    return Plain(epochs, sys.stderr) if wanted else Silent()


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    return shell is not None and getattr(shell.get_ipython(), "kernel", None) is not None
