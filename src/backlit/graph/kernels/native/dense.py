"""A dense layer's products by the native kernels, where these are quicker than XLA's.

Which shapes those are was measured, in turns with XLA's, on two cores with AVX2; billions of operations a second, XLA's
and theirs:

===========================  ===========  =====================
rows × inputs to units       ``x Wᵀ``     ``Gᵀ x``
===========================  ===========  =====================
64 × 1000 to 100 (W4)        93, 118      106, 101
64 × 256 to 256              69, 101      89, 112
128 × 784 to 512             146, 145     120, 130
2048 × 65 to 1024 (letters)  107, 69      44, 92
4096 × 64 to 256             107, 80      69, 104
===========================  ===========  =====================
"""

from __future__ import annotations

import math
from typing import Any

from backlit.graph.kernels.native.calls import as_sizes, call, pointer, registered, slots, take

LEAST = 2**20  # multiplications: below, a call costs more than it saves


def takes_linear(x: Any, weight: Any) -> bool:
    """Whether `linear` does these: few rows, for which XLA packs the weight as for many, and long ones."""
    (*rows_of, inputs), units = x.shape, weight.shape[0]
    rows = math.prod(rows_of)
    return _is_large(rows, inputs, units) and 16 <= rows <= 64 and inputs >= 256 and units >= 4 and take(x, weight)


def takes_linear_weight(x: Any, g: Any) -> bool:
    """Whether `linear_weight` does these: sums over many rows, with few inputs."""
    (rows, inputs), units = x.shape, g.shape[1]
    return _is_large(rows, inputs, units) and rows >= 256 and inputs <= 128 and units > 16 and take(x, g)


def _is_large(*sizes: int) -> bool:
    return math.prod(sizes) >= LEAST


def linear(x: Any, weight: Any) -> Any:
    """``x Wᵀ``: (rows, inputs), (units, inputs) -> (rows, units)."""
    (rows, inputs), units = x.shape, weight.shape[0]
    return call("backlit_dense", [(rows, units)])(x, weight, sizes=as_sizes(rows, inputs, units, slots()))[0]


def linear_weight(x: Any, g: Any) -> Any:
    """Its gradient by the weight, ``Gᵀ x``: (rows, inputs), (rows, units) -> (units, inputs)."""
    (rows, inputs), units = x.shape, g.shape[1]
    sizes = as_sizes(rows, inputs, units, slots())
    scratch = registered().handle.backlit_dense_scratch(pointer(sizes))
    return call("backlit_dense_weight", [(units, inputs), (scratch,)])(x, g, sizes=sizes)[0]
