"""Whether what `fit` was given is a stream, or is to be read as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backlit import bounds
from backlit.errors import InputError
from backlit.graph import tree
from backlit.optim import as_transform
from backlit.optim import get as get_optimizer
from backlit.train.ensemble import Folds
from backlit.train.training import Training

FORM = "stream:"  # what a stream's fingerprint begins with


def stream_of(x: Any, y: Any, training: Training) -> Any:
    """The stream that x, or x and y, are; None for data that is held in memory.

    Parameters
    ----------
    x, y :
        As given to `fit`; a stream has its targets in itself.
    training : Training
        Its `stream`, True: whatever it is, it is read block by block. None: files mapped into memory are, if they are
        larger than the limit "memory", and no option needs all rows at once. Its weights go with the rows of arrays.

    Raises
    ------
    InputError
        If a stream is wanted of what can't be one, or unwanted of what is nothing else.
    """
    wanted = training.stream
    order: dict[str, Any] = {"seed": training.seed, "shuffle": training.shuffle}
    if y is None:
        stream = None if isinstance(x, (np.ndarray, list, tuple, dict)) else _as_stream(x, **order)
        if stream is not None and wanted is False:
            raise InputError("stream=False: x is a stream, and read as one; give arrays x and y to hold them in memory")
        return stream
    if wanted is None:
        wanted = is_mapped(x) and _bytes(x) > bounds.current().memory and needs_all_rows(training) is None
    if not wanted:
        return None
    stream = _as_stream(x, y, weights=_arrays(training.sample_weight), **order)
    if stream is None:
        raise InputError(f"stream=True: {type(x).__name__} can't be read block by block; arrays and np.memmap can")
    return stream


def _as_stream(*data: Any, **options: Any) -> Any:
    from backlit.data.streams import as_stream  # a room of its own, which arrays don't need

    return as_stream(*data, **options)


def needs_all_rows(training: Training) -> str | None:
    """Why a training can't go by blocks: the option that needs all rows at once, and what to do; None if none does."""
    if training.batch_size is None:
        return "batch_size='full' takes all rows at once, which a stream never has: give a number, 256 say"
    optimizer = as_transform(get_optimizer(training.optimizer))
    if optimizer.option("exact") or optimizer.option("whole"):
        return (
            f"optimizer {training.optimizer!r} needs all rows at once, which a stream never has: choose adam, sgd or "
            "another that goes by batches"
        )
    if training.average_every is not None:
        return "average_every: devices that update alone need all rows at hand, which a stream never has"
    if isinstance(training.validation, Folds):
        return "validation: folds are rows by number, which a stream has none of: give a share, or a stream"
    return None


def _arrays(weights: Any) -> Any:
    if isinstance(weights, Mapping):
        return {name: np.asarray(part) for name, part in weights.items()}
    return None if weights is None else np.asarray(weights)


def is_mapped(x: Any) -> bool:
    """Whether arrays are files mapped into memory."""
    return any(isinstance(part, np.memmap) for part in tree.leaves(x)) if isinstance(x, (dict, np.ndarray)) else False


def _bytes(x: Any) -> int:
    return sum(int(part.nbytes) for part in tree.leaves(x))
