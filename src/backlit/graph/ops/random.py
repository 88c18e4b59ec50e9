"""Random numbers for programs that run in both engines: the same bits from the same key."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backlit.graph.op import namespace

_MASK = 0xFFFFFFFF
_GOLDEN = np.uint32(0x9E3779B9)


def _mix(x: Any) -> Any:
    """A permutation of 32-bit numbers in which every input bit changes every output bit half of the time.

    "lowbias32" of C. Wellons' search, https://nullprogram.com/blog/2018/07/31/ (public domain).
    """
    x = x ^ (x >> np.uint32(16))
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x


def _word(xp: Any, number: Any) -> Any:
    """The lowest 32 bits of a whole number, as an array of one (NumPy warns of wrapping numbers, not arrays)."""
    if isinstance(number, (int, np.integer)):
        return xp.asarray([int(number) & _MASK], dtype=xp.uint32)
    return number.astype(xp.uint32).reshape(1)


def uniform(key: tuple[Any, Any], shape: tuple[int, ...]) -> Any:
    """Numbers from a uniform distribution over [0, 1), determined by key and place alone.

    The place's number is mixed twice, with words derived from both halves of the key, so that keys that differ by
    one give unrelated numbers. Made for dropout and noise, not for cryptography.

    Parameters
    ----------
    key : (int, int or integer array of one number)
        Taken modulo 2³²; the second may be traced, as the number of a step is.
    shape : tuple of int

    Returns
    -------
    float32 array
        Multiples of 2⁻²⁴; the same bits with NumPy and in a compiled program.

    Examples
    --------
    >>> uniform((1, 2), (3,)).round(4).tolist() == uniform((1, 2), (3,)).round(4).tolist()
    True
    """
    xp = namespace(*key)
    first, second = _word(xp, key[0]), _word(xp, key[1])
    outer = _mix(first + _mix(second + _GOLDEN))
    inner = _mix(second ^ _mix(outer + _GOLDEN))
    bits = _mix(_mix(xp.arange(math.prod(shape), dtype=xp.uint32) + outer) ^ inner)
    return ((bits >> np.uint32(8)).astype(xp.float32) * np.float32(2.0**-24)).reshape(shape)
