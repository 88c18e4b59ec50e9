"""What every test stands on: fixed seeds, no windows, no files in the home folder."""

import gc
import os
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Before anything imports JAX or Matplotlib. Compiled programs are kept between test runs: that saves most of the
# suite's time, and tests of the cache itself use `tmp_cache`.
os.environ.setdefault("BACKLIT_CACHE", str(Path(__file__).resolve().parent.parent / ".cache" / "xla"))
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("JAX_PLATFORMS", "cpu")  # the numbers that we compare with are a CPU's
os.environ.setdefault("KERAS_BACKEND", "jax")  # TensorFlow isn't installed

# Tests start hundreds of Pythons, each of which would compile Backlit's modules anew for a second.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import numpy as np
import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

sys.dont_write_bytecode = False
threadpool_limits(1, user_api="blas")  # small arrays: on a busy machine NumPy's threads wait for each other, tenfold

settings.register_profile("backlit", deadline=None, derandomize=True)  # compiling takes its time
settings.load_profile("backlit")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 30_000  # milliseconds: other tests run beside
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[Any]:
    """Nothing that is read while collecting is garbage, nor later: it would be gone through again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
        gc.set_threshold(10_000, 20, 20)  # tracing makes many objects and few circles


@pytest.hookimpl(wrapper=True)
def pytest_collect_file() -> Iterator[Any]:
    """Tests have no examples in docstrings: each file would be read through for them, as those of the package are."""
    return [found for found in (yield) if type(found) is pytest.Module]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave slow tests out of the coverage, unless they are asked for: measuring would make them slower by a third.

    Workers have the files with slow tests first, so as to end together; whole files, since much is made once a file.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    if not os.environ.get("COVER_SLOW"):
        for item in slow:
            item.add_marker("no_cover")
    if "PYTEST_XDIST_WORKER" in os.environ:
        files = {item.path for item in slow}
        items.sort(key=lambda item: item.path not in files)


@pytest.fixture(autouse=True)
def seeds() -> None:
    """The same random numbers in every run, in whatever order the tests come."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - scikit-learn and others draw from it


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator of one's own."""
    return np.random.default_rng(0)


@pytest.fixture
def tmp_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for compiled programs, for this process's children (JAX settles on one for itself)."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("BACKLIT_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, without a window: one for all tests, for Playwright starts but once in a process."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
    if CHROMIUM is None:
        pytest.skip("Chromium isn't installed")
    api.expect.set_options(timeout=PATIENCE)
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
