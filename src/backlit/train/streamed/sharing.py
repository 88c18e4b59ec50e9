"""A stream's share of each process, and batches put together of the rows of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.graph import tree


@dataclass(frozen=True, eq=False)
class Sharing:
    """Which share of a stream this process reads, and how its rows reach the device.

    Parameters
    ----------
    engine : Engine
    index, count : int
        This process's number, of how many.
    """

    engine: Any
    index: int = 0
    count: int = 1

    def put(self, data: dict[str, Any], batches: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """A block's rows on the device, and its batches."""
        return tree.map(self.engine.put, data), batches


def on_host(arrays: Any) -> Any:
    """A tree of NumPy arrays of what a program returned."""
    return tree.map(np.asarray, arrays)
