"""Passes over a stream: how many rows one has, and where in it an epoch begins."""

from __future__ import annotations

from dataclasses import dataclass

from backlit.errors import StreamError


@dataclass
class Passes:
    """How many rows a pass has, as far as that is known, and whether every pass has as many.

    Parameters
    ----------
    rows : int or None
        Of this process's share; None if only reading tells, or the stream needn't end.
    updates : int or None
        Of several processes: those of the longest share, which all make.
    varies : bool
        Whether each pass may have other rows, and another number of them; `rows` are then those of the first.
    """

    rows: int | None
    what: str = "the stream"
    updates: int | None = None
    varies: bool = False

    def at(self, epoch: int, updates: int | None, rows: int) -> tuple[int, int]:
        """The pass in which an epoch begins, and how many updates of it come before.

        `updates` make an epoch (None: those of a pass), each of so many rows.
        """
        if updates is None:
            return epoch, 0
        done = epoch * updates
        if self.updates is not None:
            return divmod(done, self.updates)
        return (0, done) if self.rows is None or self.varies else divmod(done, -(-self.rows // rows))

    def check(self, number: int, rows: int) -> None:
        """Refuse a pass that had other rows than it should."""
        if rows != self.rows and self.rows is not None and not self.varies:
            raise StreamError(
                f"{self.what}: pass {number + 1} had {rows:,} rows, where {self.rows:,} were expected: a stream must "
                "give the same rows in each pass (if it is a function, each call must begin anew)"
            )
        if not rows and self.updates is None:
            raise StreamError(f"{self.what} ended at once: pass {number + 1} had no rows")
