"""Builds the kernels as one shared library: `python build.py`, which hatch's build hook calls too.

Needs a C++20 compiler (``CXX``, else g++, c++ or clang++) and the headers that jaxlib brings.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
LIBRARY = FOLDER / "libbacklit.kernels"  # an ending that is no module's
FLAGS = (
    "-std=c++20", "-O2", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-psabi", "-Wno-ignored-attributes",
    "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
)  # fmt: skip
# Needs no library that isn't everywhere, and shows none of theirs.
LINKED = () if sys.platform == "darwin" else ("-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL", "-s")
AVX2 = ("-mavx2", "-mfma")
INSTRUCTION_SETS: dict[str, tuple[str, ...]] = {"base": ()}
if platform.machine().lower() in ("x86_64", "amd64"):
    INSTRUCTION_SETS |= {"avx2": AVX2, "avx512": (*AVX2, "-mavx512f", "-mavx512dq", "-mavx512vl")}


def compiler() -> str | None:
    """The C++ compiler, if there is one. Windows' own isn't tried: the sources use the vectors of GCC and Clang."""
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "c++", "clang++"]
    return None if sys.platform == "win32" else next(filter(None, map(shutil.which, names)), None)


def headers() -> Path:
    """Of XLA's foreign function interface; found without importing jaxlib."""
    found = importlib.util.find_spec("jaxlib")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("jaxlib, whose headers the kernels need, isn't installed")
    return Path(found.submodule_search_locations[0]) / "include"


def with_sources() -> bool:
    """Whether the sources lie beside the library: an installed package has the library alone."""
    return (FOLDER / "kernels.cpp").exists()


def sources_hash() -> str:
    """Of all that is compiled: a library that was built from other sources isn't used."""
    files = sorted([*FOLDER.glob("*.h"), *FOLDER.glob("*.cpp"), Path(__file__)])
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def compiled(*calls: list[str]) -> None:
    """Run the compiler several times at once."""
    running = [subprocess.Popen(call) for call in calls]
    if any([process.wait() for process in running]):  # noqa: C419 - wait for each
        raise RuntimeError(f"{calls[0][0]} couldn't compile the kernels")


def kernel_calls(command: str, out: Path, flags: Sequence[str] = FLAGS) -> dict[Path, list[str]]:
    """For each instruction set the object file with its kernels, and the compiler's call that makes it."""
    source = ["-c", str(FOLDER / "kernels.cpp")]
    return {
        out / f"{name}.o": [command, *flags, *extra, f"-DVARIANT=kernels_{name}", *source, "-o", str(out / f"{name}.o")]
        for name, extra in INSTRUCTION_SETS.items()
    }


def build(library: Path = LIBRARY) -> Path:
    """Compile the library, and put it in its place in one move.

    Raises
    ------
    RuntimeError
        If there is no compiler, no header, or it doesn't compile.
    """
    command = compiler()
    if command is None:
        raise RuntimeError("no C++ compiler")
    with tempfile.TemporaryDirectory() as folder:
        kernels, binding = kernel_calls(command, Path(folder)), Path(folder) / "binding.o"
        known = ["-isystem", str(headers()), f'-DSOURCES="{sources_hash()}"']
        compiled([command, *FLAGS, *known, "-c", str(FOLDER / "binding.cpp"), "-o", str(binding)], *kernels.values())
        linked = library.with_name(f".{library.name}.{os.getpid()}")
        try:
            compiled([command, "-shared", *map(str, kernels), str(binding), "-o", str(linked), *LINKED])
            linked.replace(library)
        finally:
            linked.unlink(missing_ok=True)
    return library


if __name__ == "__main__":
    build()
