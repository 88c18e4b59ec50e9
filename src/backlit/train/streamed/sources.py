"""Whether what `fit` was given is a stream, or is to be read as one."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit import bounds
from backlit.data.streams import as_stream
from backlit.errors import InputError
from backlit.graph import tree


def stream_of(x: Any, y: Any, wanted: bool | None, seed: int = 0, shuffle: bool = True) -> Any:
    """The stream that x, or x and y, are; None for data that is held in memory.

    Parameters
    ----------
    x, y :
        As given to `fit`; a stream has its targets in itself.
    wanted : bool or None
        True: whatever it is, it is read block by block. None: files mapped into memory are, if they are larger than
        the limit "memory".
    seed, shuffle :
        Of the order in which arrays are read.

    Raises
    ------
    InputError
        If a stream is wanted of what can't be one, or unwanted of what is nothing else.
    """
    if y is None:
        stream = None if isinstance(x, (np.ndarray, list, tuple, dict)) else as_stream(x, seed=seed, shuffle=shuffle)
        if stream is not None and wanted is False:
            raise InputError("stream=False: x is a stream, and read as one; give arrays x and y to hold them in memory")
        return stream
    if wanted is None:
        wanted = is_mapped(x) and _bytes(x) > bounds.current().memory
    if not wanted:
        return None
    stream = as_stream(x, y, seed=seed, shuffle=shuffle)
    if stream is None:
        raise InputError(f"stream=True: {type(x).__name__} can't be read block by block; arrays and np.memmap can")
    return stream


def is_mapped(x: Any) -> bool:
    """Whether arrays are files mapped into memory."""
    return any(isinstance(part, np.memmap) for part in tree.leaves(x)) if isinstance(x, (dict, np.ndarray)) else False


def _bytes(x: Any) -> int:
    return sum(int(part.nbytes) for part in tree.leaves(x))
