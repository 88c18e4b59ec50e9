"""Compiled programs kept on disk, so that the second process doesn't compile again."""

from __future__ import annotations

import functools
import os
import platform
import sys
import warnings
import zlib
from pathlib import Path


def cache_folder() -> Path | None:
    """Where compiled programs are kept between processes; the variable BACKLIT_CACHE moves it, "off" turns it off."""
    folder = os.environ.get("BACKLIT_CACHE")
    if folder is not None:
        return None if folder.lower() in ("", "off", "0") else Path(folder)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "~")
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "backlit" / "xla"


def pictures_folder() -> Path | None:
    """Where decoded pictures are kept between processes: beside the compiled programs."""
    folder = cache_folder()
    if folder is None:
        return None
    return folder / "pictures" if os.environ.get("BACKLIT_CACHE") is not None else folder.parent / "pictures"


def machine() -> str:
    """Of what programs are compiled for, as a folder's name, what XLA doesn't ask: "2-cores-1f3a90c4".

    A program that was compiled on one core runs on two, but up to a third slower. The second part stands for the
    processor's features, where the system tells them.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            features = next(line for line in lines if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        features = platform.machine() + platform.processor()
    return f"{cores}-cores-{zlib.crc32(features.encode()):08x}"


@functools.cache
def configure() -> None:
    """Keep compiled programs between processes, unless the user has already told JAX where."""
    import jax

    folder = cache_folder()
    if folder is None or jax.config.jax_compilation_cache_dir:
        return
    # A cache that can't be read or written costs time and nothing else: what JAX says of it helps no user.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache", UserWarning)
    jax.config.update("jax_compilation_cache_dir", str(folder / machine()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
