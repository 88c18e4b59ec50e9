"""What data is that doesn't fit into memory: blocks of rows, read anew in each epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows of a stream.

    Attributes
    ----------
    x : array (rows, ...), dict of arrays by input, or polars.DataFrame
        Inputs as `fit` takes them; columns as they are where a preparation makes inputs of them.
    y : array (rows,) or (rows, targets), or dict of arrays by output
    weights : array (rows,), optional
        How much each row counts.
    where : callable, optional
        ``where(row) -> str``, the file and the row or line in it, for messages.
    """

    x: Any
    y: Any
    weights: Any = None
    where: Callable[[int], str] | None = None


@runtime_checkable
class Stream(Protocol):
    """Data in blocks: whatever has these two methods can be trained on.

    Examples
    --------
    >>> import numpy as np
    >>> class Sines:
    ...     def batches(self, epoch, shard=0, shards=1):
    ...         rng = np.random.default_rng([epoch, shard])
    ...         for _ in range(shard, 10, shards):
    ...             x = rng.uniform(-3, 3, (1000, 1))
    ...             yield x, np.sin(x[:, 0])
    ...
    ...     def state(self):
    ...         return {"data": "sines"}
    >>> isinstance(Sines(), Stream)
    True
    """

    def batches(self, epoch: int, shard: int = 0, shards: int = 1) -> Iterator[Any]:
        """The blocks of one pass: `Block`, ``(x, y)`` or ``(x, y, weights)``, each of any number of rows.

        The same numbers give the same rows in the same order: that is how a run goes on where it was stopped.

        Parameters
        ----------
        epoch : int
            From 0; whoever shuffles does so anew in each.
        shard, shards : int
            Which part of the rows, for one of several processes: each row is in exactly one part.
        """

    def state(self) -> dict[str, Any]:
        """Plain data for JSON that tells this data from other data: a run goes on with its own alone."""
