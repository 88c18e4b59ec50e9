"""Beyond one device and beyond memory: figures that stand in files of their own, `benchmarks/scaling/`.

`python -m benchmarks scale` measures all of them, `python -m benchmarks scale --quick --only collectives` some, and
smaller.
To add one: a file with ``figure(quick) -> str``, a Markdown section, and its name below.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Sequence

FIGURES = (
    "collectives", "averaging", "processes", "streams", "sharding", "hosts",
)  # fmt: skip


def main(words: Sequence[str] = ()) -> str:
    """The figures as text; options as `--help` says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks scale", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=FIGURES, default=FIGURES, help="these figures alone")
    parser.add_argument("--quick", action="store_true", help="smaller, for a look: numbers are rougher")
    options = parser.parse_args(list(words))
    sections = []
    for name in options.only:
        begin = time.perf_counter()
        sections.append(importlib.import_module(f"benchmarks.scaling.{name}").figure(options.quick))
        print(f"  {name}: {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
    return "\n".join(sections)
