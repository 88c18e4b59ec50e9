"""NumPy's linear algebra on one thread, where a second would cost more than it gives."""

from __future__ import annotations

import contextlib
import functools
from contextlib import AbstractContextManager
from typing import Any

from backlit.extras import IN_A_BROWSER


def one_thread() -> AbstractContextManager[Any]:
    """For as long as this lasts, NumPy's products and decompositions use one thread.

    Its threads wait for each other by spinning: where the cores have other work, a decomposition of 256 × 256 that
    takes 10 ms on one thread was seen to take 1,200 ms on two. On one thread the bits are the same on every machine's
    number of cores, too.
    """
    return contextlib.nullcontext() if IN_A_BROWSER else _pools().limit(limits=1, user_api="blas")


@functools.cache
def _pools() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
