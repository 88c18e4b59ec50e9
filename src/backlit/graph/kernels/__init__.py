"""Kernels: what each engine does in its own way, for speed; looked up by the namespace of the arrays.

An operation belongs here if no form of it, written over the array namespace, is quick in both engines. Each engine
has a module of functions with the same names, and these give the same numbers:

======================================  ==================================================================
conv(x, weight, window)                 convolution (batch, *sizes, channels) -> (batch, *positions, out)
conv_input(g, weight, window, sizes)    its adjoint in x: from the gradient at y to that at x
conv_weight(x, g, window)               its adjoint in the weight
fold(parts, window, sizes)              for each tap a part (batch, *positions, channels), added up in place
======================================  ==================================================================

Weights are (out, *kernel, channels / groups). Native kernels, bound through XLA's foreign function interface, join in
the XLA engine's module, which picks for each shape whichever form is the quickest; the operations don't notice.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np


def of(xp: Any) -> ModuleType:
    """The kernels for arrays of this namespace; those of NumPy never import JAX."""
    if xp is np:
        from backlit.graph.kernels import numpy as numpy_kernels

        return numpy_kernels
    from backlit.graph.kernels import xla as xla_kernels

    return xla_kernels


def block(batch: int, bytes_each: int, above: int = 8 << 20, size: int = 4 << 20) -> int:
    """How many examples to work on at a time, so that what is made of each stays in the cache; a divisor of `batch`.

    All at once up to `above` bytes. The patches of a convolution are many times larger than its input: in one
    piece they go through main memory, which takes about twice as long as the product itself.
    """
    if batch * bytes_each <= above:
        return batch
    most = max(size // bytes_each, 1)
    return max(n for n in range(1, most + 1) if batch % n == 0)
