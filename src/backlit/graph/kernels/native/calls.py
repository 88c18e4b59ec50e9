"""What recurrence and convolution share: the handlers known to XLA, and arrays that fit them."""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from backlit.graph.kernels.native.library import Native, native

TARGETS = ("backlit_forward", "backlit_backward", "backlit_convolution", "backlit_dense", "backlit_dense_weight")
MOST = 2**31 - 1  # numbers in an array


@functools.cache
def registered() -> Native:
    """The native kernels, known to XLA; none if it doesn't take them (it is of another version, say)."""
    found = native()
    if found.handle is None:
        return found
    try:
        for name in TARGETS:
            jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(getattr(found.handle, name)), platform="cpu")
    except Exception as error:  # noqa: BLE001 - whatever XLA has against them, the plain path is there
        return Native(reason=f"XLA doesn't take them: {error}")
    return found


def take(*arrays: Any) -> bool:
    """Whether the kernels work on these arrays: float32, none empty or too large, on one processor.

    On several, XLA's partitioner divides the plain path's operations among them, and couldn't divide a call.
    """
    return (
        all(array.dtype == np.float32 and 0 < array.size <= MOST for array in arrays)
        and jax.default_backend() == "cpu"
        and jax.device_count() == 1
        and registered().handle is not None
    )


def call(target: str, shapes: Sequence[tuple[int, ...]], aliases: dict[int, int] | None = None) -> Any:
    """A handler as a function of arrays, with results of these shapes; one after another for a map over them."""
    results = [jax.ShapeDtypeStruct(shape, np.float32) for shape in shapes]
    return jax.ffi.ffi_call(target, results, vmap_method="sequential", input_output_aliases=aliases)


def optional(array: Any, dtype: Any = np.float32) -> Any:
    """An array, or an empty one for None."""
    return jnp.zeros((0,), dtype=dtype) if array is None else array


def slots() -> int:
    """Parts that may be worked on at once: as many as there are processors."""
    return os.cpu_count() or 1


def as_sizes(*numbers: int) -> np.ndarray:
    """Numbers as the handlers take them."""
    return np.array(numbers, dtype=np.int64)


def pointer(sizes: np.ndarray) -> Any:
    """The same for a plain C function."""
    return sizes.ctypes.data_as(ctypes.POINTER(ctypes.c_int64))
