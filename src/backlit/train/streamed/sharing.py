"""A stream's share of each process, and batches put together of the rows of all.

Process i of n reads shard i. Its rows fill one part of each batch, the others' rows the rest; so nobody needs more than
its own rows on the host or the device. A process whose rows run out goes on with rows of weight zero until all have
come to the end of the pass.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from backlit import distributed
from backlit.errors import BacklitError, InputError, StreamError
from backlit.graph import tree

T = TypeVar("T")
WHOLE = ("fresh", "share")  # of a batch: what has no row for each example


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

    def sizes(self, size: int) -> list[int]:
        """How many rows of a batch each process gives.

        Raises
        ------
        InputError
            If there are fewer rows than processes.
        """
        if size < self.count:
            raise InputError(
                f"batch_size={size}: each of {self.count} processes reads rows of its own, and gives a batch at least "
                f"one: choose {self.count} or more"
            )
        return [size * (i + 1) // self.count - size * i // self.count for i in range(self.count)]

    def put(self, data: dict[str, Any], batches: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """A block's rows on the device, and its batches: row numbers, or of several processes the rows themselves."""
        if self.count == 1:
            return tree.map(self.engine.put, data), batches
        numbers = batches["rows"]
        axis = numbers.ndim - 1

        def shared(part: np.ndarray) -> Any:
            return self.engine.put_shared(part, axis)

        of_all = {"taken": tree.map(lambda part: shared(part[numbers]), data)}
        for name, part in batches.items():
            if name in WHOLE:
                of_all[name] = self.engine.put(part)
            elif name != "rows":
                of_all[name] = shared(part + self.index * numbers.shape[-1] if name == "partners" else part)
        return {}, of_all

    def own(self, arrays: Any, axis: int) -> Any:
        """Of a tree of arrays with all rows of batches along an axis, those of this process."""
        if self.count == 1:
            return arrays

        def part(array: np.ndarray) -> np.ndarray:
            width = array.shape[axis] // self.count
            return array.take(range(self.index * width, (self.index + 1) * width), axis)

        return tree.map(part, arrays)


def sound(work: Callable[[], T]) -> T:
    """What `work` gives here; what goes wrong in it at one process is raised at all.

    Raises
    ------
    StreamError
        At the others; it names the process.
    """
    if distributed.count() == 1:
        return work()
    error: BacklitError | None = None
    value: Any = None
    try:
        value = work()
    except BacklitError as raised:
        error = raised
    told = distributed.gathered(None if error is None else str(error))
    if error is not None:
        raise error
    for process, text in enumerate(told):
        if text is not None:
            raise StreamError(f"process {process}: {text}")
    return value


def of_all(arrays: Any) -> list[Any]:
    """A tree of dicts and arrays of each process, at every process; None of one that has None."""
    if distributed.count() == 1:
        return [arrays]
    return [None if not contents else _from_bytes(contents) for contents in distributed.shared(_to_bytes(arrays))]


def _to_bytes(arrays: Any) -> bytes:
    if arrays is None:
        return b""
    leaves: list[np.ndarray] = []

    def numbered(part: Any) -> Any:
        if part is None:
            return None
        if isinstance(part, dict):
            return {name: numbered(inner) for name, inner in part.items()}
        leaf = np.asarray(part)
        leaves.append(np.array(leaf.tolist()) if leaf.dtype == object else leaf)
        return len(leaves) - 1

    structure = json.dumps(numbered(arrays))
    file = io.BytesIO()
    np.savez(file, np.array(structure), *leaves)
    return file.getvalue()


def _from_bytes(contents: bytes) -> Any:
    with np.load(io.BytesIO(contents), allow_pickle=False) as file:
        leaves = [file[f"arr_{i}"] for i in range(len(file.files))]

    def found(part: Any) -> Any:
        if part is None:
            return None
        if isinstance(part, dict):
            return {name: found(inner) for name, inner in part.items()}
        return leaves[part + 1]

    return found(json.loads(str(leaves[0])))
