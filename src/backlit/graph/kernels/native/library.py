"""The shared library: found, loaded and asked what it can do. Needs neither JAX nor NumPy."""

from __future__ import annotations

import ctypes
import functools
import os
from dataclasses import dataclass
from typing import Any

from backlit.errors import InputError
from backlit.graph.kernels.native import build

INSTRUCTION_SETS = ("avx512", "avx2", "base")
QUICK = ("avx512", "avx2")  # quicker than XLA's own operations, so taken unasked
VARIABLE = "BACKLIT_KERNELS"


@dataclass(frozen=True)
class Native:
    """The library in use; or, without one, why there is none.

    Attributes
    ----------
    handle : ctypes.CDLL or None
    instruction_set : str
        "" if there is none.
    reason : str
        Why not; "" if there is one.
    """

    handle: Any = None
    instruction_set: str = ""
    reason: str = ""

    def __str__(self) -> str:
        return f"native kernels: {self.instruction_set or f'none ({self.reason})'}"


@functools.cache
def native() -> Native:
    """The native kernels, as the environment variable BACKLIT_KERNELS and the processor have it.

    Raises
    ------
    InputError
        If the variable asks for what there isn't, or for an instruction set that the processor lacks.
    """
    wanted = os.environ.get(VARIABLE, "").lower()
    if wanted in ("0", "off"):
        return Native(reason=f"turned off by {VARIABLE}={wanted}")
    if wanted and wanted not in INSTRUCTION_SETS:
        raise InputError(f"{VARIABLE} must be {', '.join(INSTRUCTION_SETS)}, or 0 for none, got {wanted!r}")
    if not build.LIBRARY.exists():
        return Native(reason="installed without them, for want of a C++ compiler")
    try:
        handle = _load()
    except (OSError, AttributeError) as error:  # not for this system, or not to be run; or not this library
        return Native(reason=f"{build.LIBRARY.name} can't be loaded: {error}")
    if handle is None:
        return Native(reason=f"{build.LIBRARY.name} was built from other sources; `pip install -e .` builds it anew")
    for name in [wanted] if wanted else QUICK:
        if handle.backlit_use(name.encode()):
            return Native(handle, name)
    if wanted:
        raise InputError(f"{VARIABLE}={wanted}: this processor doesn't have these instructions; leave it out, or use 0")
    return Native(reason="this processor has neither AVX-512 nor AVX2")


def _load() -> Any:
    """The library with its functions' types, or None if it is older or newer than the sources beside it."""
    handle = ctypes.CDLL(str(build.LIBRARY))
    handle.backlit_sources.restype = ctypes.c_char_p
    if build.with_sources() and handle.backlit_sources().decode() != build.sources_hash():
        return None
    handle.backlit_use.argtypes, handle.backlit_use.restype = [ctypes.c_char_p], ctypes.c_bool
    sizes = ctypes.POINTER(ctypes.c_int64)
    for scratch in (handle.backlit_recurrence_scratch, handle.backlit_dense_scratch):
        scratch.argtypes, scratch.restype = [sizes], ctypes.c_int64
    handle.backlit_convolution_scratch.argtypes = [sizes, ctypes.c_int]
    handle.backlit_convolution_scratch.restype = ctypes.c_int64
    return handle
