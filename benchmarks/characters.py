"""A character model of Python's standard library (its .py files): bits per character on the last 5 %, in 5 minutes."""

from __future__ import annotations

import argparse
import lzma
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path

import backlit as bl

MOST = 20_000_000  # characters


def sources() -> str:
    """The library's .py files one after another, in the order of their paths."""
    root = Path(sysconfig.get_paths()["stdlib"])
    files = sorted(path for path in root.rglob("*.py") if "site-packages" not in path.parts)
    return "".join(path.read_text(encoding="utf-8", errors="replace") for path in files)[:MOST]


def main(options: Sequence[str] = ()) -> str:
    """The table as text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=285.0, help="seconds of training")
    parser.add_argument("--network", default="lstm:256")
    chosen = parser.parse_args(options)
    text = sources()
    begin = time.perf_counter()
    run = bl.fit_text(text, network=chosen.network, time_limit=chosen.limit, split=(0.93, 0.02, 0.05), progress=True)
    seconds = time.perf_counter() - begin
    scores, guess = run.judgement["scores"], run.judgement["baseline"]
    held = text[-len(text) // 20 :].encode()
    packed = 8 * len(lzma.compress(held, preset=9)) / len(text[-len(text) // 20 :])
    updates = len(run.history) * run.settings["steps_per_epoch"]
    learned = f"{chosen.network}, {run.seconds:.0f} s of training, {updates} updates"
    lines = [
        f"### Character model of Python's standard library, {len(text):,} characters, the last 5 % held out",
        "",
        "| | bits per character | perplexity |",
        "|---|---:|---:|",
        f"| {learned} | {scores['bits']:.3f} | {scores['perplexity']:.2f} |",
        f"| counts of pairs | {guess['bits']:.3f} | {guess['perplexity']:.2f} |",
        f"| the held-out text by xz -9 | {packed:.3f} | |",
    ]
    return "\n".join(lines) + f"\n\n{seconds:.0f} s in all, from text to figures.\n"


if __name__ == "__main__":
    print(main())
