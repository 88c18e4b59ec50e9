"""Which of the processes this one is, and how many there are."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

_alone: ContextVar[bool] = ContextVar("alone", default=False)
_home: list[int] = []  # the process that joined; one that is forked from it doesn't belong to the others


def joined() -> Any | None:
    """JAX's distributed runtime, if this process has joined others in it, by Backlit or by its own script."""
    jax = sys.modules.get("jax")
    if jax is None or not hasattr(jax, "distributed") or not jax.distributed.is_initialized():
        return None
    if not _home:
        _home.append(os.getpid())
    from jax._src.distributed import global_state  # its numbers without asking devices, which would settle on them

    return global_state if _home[0] == os.getpid() else None


def index() -> int:
    """The number of this process, from 0; 0 where there is but one.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.distributed.index(), bl.distributed.count()
    (0, 1)
    """
    state = None if _alone.get() else joined()
    return 0 if state is None else int(state.process_id)


def count() -> int:
    """How many processes train together; 1 for one that hasn't joined others."""
    state = None if _alone.get() else joined()
    return 1 if state is None else int(state.num_processes)


def is_first() -> bool:
    """Whether this is the process that writes files, prints and looks at the clock; the only one is.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.distributed.is_first()
    True
    """
    return index() == 0


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """A block in which this process knows of no others: what it trains or computes there, it does by itself.

    Examples
    --------
    >>> import backlit as bl
    >>> with bl.distributed.alone():
    ...     bl.distributed.count()
    1
    """
    token = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(token)
