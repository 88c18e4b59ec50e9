"""Build the site: gather its pages, make HTML of them, finish it; and say what each stage took.

`python docs/site/build.py`, or `make docs`. Options: `--outline` (no lesson is run), `--address URL` (where it will
stand, for its map), `--versions FOLDER` (put it there beside the sites of other versions), `--to FOLDER`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import finish
import gather

from backlit._version import __version__


@contextmanager
def timed(stage: str, say: Callable[[str], object]) -> Iterator[None]:
    """Say how long a stage took: by the clock, and of processors, its children's included."""
    wall, before = time.perf_counter(), os.times()
    yield
    after = os.times()
    spent = sum(after[:4]) - sum(before[:4])
    say(f"{stage:8} {time.perf_counter() - wall:6.1f} s, {spent:6.1f} s of processors")


def html_of(site: Path, address: str) -> None:
    """Run mkdocs, strictly."""
    told = {"NO_MKDOCS_2_WARNING": "1", "SITE_ADDRESS": address}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)]
    done = subprocess.run(command, cwd=gather.ROOT, env=os.environ | told, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outline", action="store_true")
    parser.add_argument("--address", default="")
    parser.add_argument("--versions", type=Path)
    parser.add_argument("--to", type=Path, default=gather.ROOT / "site")
    given = parser.parse_args()
    with timed("gather", print):
        gather.gather(given.outline)
    with timed("html", print):
        html_of(given.to, given.address)
    with timed("finish", print):
        finish.finish(given.to, given.address)
        if given.versions is not None:
            finish.put_beside_others(given.to, given.versions, __version__)


if __name__ == "__main__":
    main()
