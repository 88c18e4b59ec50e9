"""Finding and loading the native kernels: whatever is wrong with them, there is the plain path or a clear error."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backlit.errors import InputError
from backlit.graph.kernels.native import build, library

VERSION = ["-c", "from backlit.graph.kernels.native.library import native; print(native())"]
TRAINING = """
import numpy as np, backlit as bl
from backlit.graph.kernels.native.library import native
x = np.ones((4, 3, 2), np.float32)
print(native(), bl.compile(bl.LSTM(3).build((3, 2)))(x).shape)
"""
built = pytest.mark.skipif(not build.LIBRARY.exists(), reason="the kernels aren't built: pip install -e .")


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """`native` anew, with the library in a folder of the test's."""
    copy = tmp_path / build.LIBRARY.name
    if build.LIBRARY.exists():
        shutil.copy(build.LIBRARY, copy)
    monkeypatch.setattr(build, "LIBRARY", copy)
    monkeypatch.delenv(library.VARIABLE, raising=False)
    library.native.cache_clear()
    yield copy
    library.native.cache_clear()


def said(text: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *text], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(not os.environ.get("CI"), reason="elsewhere they may not have been built yet")
def test_they_are_built_where_there_is_a_compiler() -> None:
    assert build.compiler() is None or build.LIBRARY.exists()


@built
@pytest.mark.parametrize("name", library.INSTRUCTION_SETS)
def test_each_instruction_set_can_be_forced(name: str) -> None:
    result = said(["-c", TRAINING], BACKLIT_KERNELS=name)
    if "this processor doesn't have" in result.stderr:
        pytest.skip(f"no {name} here")
    assert result.stdout == f"native kernels: {name} (4, 3)\n", result.stderr


@pytest.mark.parametrize("value", ["0", "off"])
def test_they_can_be_turned_off(value: str) -> None:
    result = said(["-c", TRAINING], BACKLIT_KERNELS=value)
    assert result.stdout == f"native kernels: none (turned off by BACKLIT_KERNELS={value}) (4, 3)\n", result.stderr


def test_an_unknown_wish_is_refused(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(library.VARIABLE, "sse9")
    with pytest.raises(InputError, match="BACKLIT_KERNELS must be avx512, avx2, base, or 0 for none, got 'sse9'"):
        library.native()


def test_without_a_library(fresh: Path) -> None:
    fresh.unlink(missing_ok=True)
    assert str(library.native()) == "native kernels: none (installed without them, for want of a C++ compiler)"


@pytest.mark.parametrize(
    "content", [b"", b"\x7fELF\x02\x01\x01" + bytes(200), b"#!/bin/sh\n"], ids=["empty", "cut", "text"]
)
def test_a_library_for_another_system(content: bytes, fresh: Path) -> None:
    fresh.write_bytes(content)
    assert "can't be loaded" in library.native().reason


@built
def test_a_library_of_another_architecture(fresh: Path) -> None:
    content = bytearray(fresh.read_bytes())
    content[18:20] = (243).to_bytes(2, "little")  # ELF's machine: RISC-V
    fresh.write_bytes(content)
    assert "can't be loaded" in library.native().reason


@pytest.mark.skipif(build.compiler() is None, reason="needs a compiler")
def test_another_library_of_this_name(fresh: Path) -> None:
    fresh.unlink(missing_ok=True)
    subprocess.run([build.compiler(), "-shared", "-x", "c++", "/dev/null", "-o", fresh], check=True)
    assert "can't be loaded" in library.native().reason


def test_a_library_that_may_not_be_run(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a file system mounted noexec."""

    def refuse(path: str) -> None:
        raise OSError(f"{path}: failed to map segment from shared object: Operation not permitted")

    fresh.touch()
    monkeypatch.setattr(library.ctypes, "CDLL", refuse)
    assert "Operation not permitted" in library.native().reason


@built
def test_a_library_of_other_sources(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "sources_hash", lambda: "another")
    assert "built from other sources" in library.native().reason


class _OldProcessor:
    """A library on a processor without vectors of 256 bits."""

    @staticmethod
    def backlit_use(name: bytes) -> bool:
        return name == b"base"


def test_a_processor_that_lacks_the_instructions(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh.touch()
    monkeypatch.setattr(library, "_load", _OldProcessor)
    assert library.native().reason == "this processor has neither AVX-512 nor AVX2"
    library.native.cache_clear()
    monkeypatch.setenv(library.VARIABLE, "avx2")
    with pytest.raises(InputError, match="BACKLIT_KERNELS=avx2: this processor doesn't have these instructions"):
        library.native()


@built
def test_xla_that_refuses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from backlit.graph.kernels.native import calls

    def refuse(*args: object, **settings: object) -> None:
        raise ValueError("API version 0.1 is incompatible")

    calls.registered.cache_clear()
    monkeypatch.setattr(calls.jax.ffi, "register_ffi_target", refuse)
    assert calls.registered().reason == "XLA doesn't take them: API version 0.1 is incompatible"
    calls.registered.cache_clear()


def test_no_compiler_is_a_plain_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(RuntimeError, match="no C\\+\\+ compiler"):
        build.build(tmp_path / "lib.so")
    assert list(tmp_path.iterdir()) == []


def test_the_version_says_which() -> None:
    result = said(["-m", "backlit", "--version"], BACKLIT_KERNELS="0")
    assert result.stdout.splitlines()[1] == "native kernels: none (turned off by BACKLIT_KERNELS=0)"
