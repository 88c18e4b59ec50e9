"""Sequence reversal, 26 letters: an encoder–decoder writes a text from its end; whole sequences right."""

from __future__ import annotations

import argparse
import string
import sys
import time
from collections.abc import Sequence

import numpy as np

import backlit as bl

ROWS, TEST = 40_000, 1000
JOBS = ((10, None), (10, "dot"), (20, "dot"), (20, "additive"))


def draw(rows: int, length: int, seed: int) -> list[str]:
    """Texts of so many letters."""
    letters = np.array(list(string.ascii_lowercase))
    return ["".join(row) for row in np.random.default_rng(seed).choice(letters, (rows, length))]


def learn(length: int, attention: str | None, seed: int, limit: float) -> tuple[float, float, float]:
    """Share of whole test sequences that are right: greedily, by a beam of 3; seconds of training."""
    texts, held = draw(ROWS, length, 2 * seed), draw(TEST, length, 2 * seed + 1)
    begin = time.perf_counter()
    run = bl.fit_sequences(
        texts, [text[::-1] for text in texts], to="text", network="lstm:256" if attention is None else "lstm:128",
        attention=attention, epochs=20 if attention is None else 6, patience=0, time_limit=limit, batch_size=64,
        split=(0.98, 0.02), seed=seed, progress=False,
    )  # fmt: skip
    seconds = time.perf_counter() - begin
    truth = np.array([text[::-1] for text in held])
    greedy = float((run.predict(held) == truth).mean())
    beam = float(np.mean([one.text == true for one, true in zip(run.write(held, beam=3), truth, strict=True)]))
    return greedy, beam, seconds


def main(options: Sequence[str] = ()) -> str:
    """The table as text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=600.0, help="seconds of each training")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(options)
    lines = [
        "### Sequence reversal, 26 letters: whole test sequences right",
        "",
        "| length | attention | greedy | beam of 3 | s |",
        "|---:|---|---:|---:|---:|",
    ]
    for length, attention in JOBS:
        greedy, beam, seconds = learn(length, attention, chosen.seed, chosen.limit)
        lines.append(f"| {length} | {attention or 'none'} | {greedy:.4f} | {beam:.4f} | {seconds:.0f} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(main())
