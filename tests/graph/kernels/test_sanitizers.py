"""The kernels under AddressSanitizer and UBSan, in a program without Python; and what they share with other code."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from backlit.graph.kernels.native import build

pytestmark = [
    pytest.mark.skipif(build.compiler() is None, reason="needs a C++ compiler"),
    pytest.mark.slow,
]
NM = shutil.which("nm")
DRIVER = Path(__file__).with_name("driver.cpp")
# The plainest kernels: all share one source, and masked vector accesses would hide from the sanitizer.
SANITIZED = (*build.FLAGS, "-O0", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
SANITIZED = (*SANITIZED, "-DVARIANT=kernels_base", f"-I{build.FOLDER}")


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kernels, compiled with sanitizers."""
    made = tmp_path_factory.mktemp("sanitized") / "kernels.o"
    subprocess.run([build.compiler(), *SANITIZED, "-c", build.FOLDER / "kernels.cpp", "-o", made], check=True)
    return made


def driven(driver: Path, kernels: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """What the driver says, linked with the kernels."""
    program = out / "driver"
    subprocess.run([build.compiler(), *SANITIZED, driver, kernels, "-pthread", "-o", program], check=True)
    return subprocess.run([program], capture_output=True, text=True, check=False)


def test_no_access_is_out_of_bounds_and_nothing_undefined(kernels: Path, tmp_path: Path) -> None:
    result = driven(DRIVER, kernels, tmp_path)
    assert result.stdout == "all right\n", result.stdout + result.stderr[-3000:]
    assert result.returncode == 0


def test_the_sanitizers_see_a_planted_error(kernels: Path, tmp_path: Path) -> None:
    text = DRIVER.read_text(encoding="utf-8")
    right = "Array scratch(VARIANT.convolution_scratch(p, which));"
    assert right in text
    planted = tmp_path / "planted.cpp"
    planted.write_text(text.replace(right, "Array scratch(8);"), encoding="utf-8")
    assert "AddressSanitizer: heap-buffer-overflow" in driven(planted, kernels, tmp_path).stderr


@pytest.mark.skipif(NM is None, reason="needs nm")
def test_only_the_table_of_kernels_is_shared(tmp_path: Path) -> None:
    """A template that is compiled for AVX-512 and shared could become the one copy that all processors get."""
    calls = build.kernel_calls(build.compiler(), tmp_path, ("-std=c++20", "-O0", "-w", "-fPIC"))
    build.compiled(*calls.values())
    for path in calls:
        lines = subprocess.run([NM, "-C", "--defined-only", path], capture_output=True, text=True, check=True).stdout
        shared = [line.split(" ", 2)[1:] for line in lines.splitlines() if line.split(" ", 2)[1] in "WVuTDBRG"]
        assert [name for _, name in shared] == [f"kernels_{path.stem}"], shared
