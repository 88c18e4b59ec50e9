"""Streams for the tests: arrays in blocks of odd sizes, and such as go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from backlit.graph import tree
from backlit.nn.shapes import rows_at, rows_of


class Blocks:
    """Arrays as a stream, in their order; `rows` and the like are said only if they are given."""

    def __init__(self, x: Any, y: Any, weights: Any = None, size: int = 37, name: str = "test", **known: Any) -> None:
        self.x, self.y, self.weights, self.size, self.name = x, y, weights, size, name
        self.passes: list[tuple[int, int, int]] = []
        for key, value in known.items():
            setattr(self, key, value)

    def batches(self, epoch: int, shard: int = 0, shards: int = 1) -> Iterator[Any]:
        self.passes.append((epoch, shard, shards))
        n = rows_of(self.y)
        for start in range(n * shard // shards, n * (shard + 1) // shards, self.size):
            places = np.arange(start, min(n * (shard + 1) // shards, start + self.size))
            x, y = rows_at(self.x, places), rows_at(self.y, places)
            yield (x, y) if self.weights is None else (x, y, rows_at(self.weights, places))

    def state(self) -> dict[str, Any]:
        return {"name": self.name, "rows": rows_of(self.y)}


def furthest(one: Any, other: Any) -> float:
    """The greatest difference between the parameters of two runs."""
    pairs = zip(tree.leaves(one.network.params), tree.leaves(other.network.params), strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def same_history(one: Any, other: Any, tolerance: float = 1e-12) -> None:
    """Every number of two histories, but the time."""
    assert [list(line) for line in one] == [list(line) for line in other]
    for a, b in zip(one, other, strict=True):
        for name in a:
            if name != "seconds":
                np.testing.assert_allclose(a[name], b[name], rtol=tolerance, atol=tolerance, err_msg=name)
