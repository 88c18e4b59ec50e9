"""How exact matrix products are: as their inputs, or with inputs rounded to bfloat16 and sums in float32."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

_narrow: contextvars.ContextVar[bool] = contextvars.ContextVar("narrow", default=False)


@contextlib.contextmanager
def products_in(precision: str | None) -> Iterator[None]:
    """Within it, products of float32 are computed in this precision, "bfloat16" or None, by programs made meanwhile.

    bfloat16 has float32's range with 8 bits of its 24: no loss need be scaled lest a gradient vanish, as with float16.
    NumPy, which lacks the type, computes as ever.
    """
    token = _narrow.set(precision == "bfloat16")
    try:
        yield
    finally:
        _narrow.reset(token)


def is_narrow() -> bool:
    """Whether products are to be of bfloat16."""
    return _narrow.get()
