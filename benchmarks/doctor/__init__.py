"""How well the doctor tells sick networks from healthy ones, and causes from each other: cases as plain data.

`cases/tune` set the thresholds; `cases/score` only scores, with seeds of its own.
"""

from __future__ import annotations

import argparse
import functools
import math
import sys
import time

SEEDS, FIRST = 3, 50  # of the scoring half; rules were mended with seeds below 10


def main(options: list[str] | None = None) -> str:
    """All cases of a half, with a few seeds each, as a section of the results."""
    from benchmarks.doctor.report import lines, section
    from benchmarks.doctor.runner import cases, run

    parser = argparse.ArgumentParser(prog="python -m benchmarks doctor")
    parser.add_argument("--half", default="score", help="the folder of cases: score or tune")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many seeds each")
    parser.add_argument("--first", type=int, default=FIRST, help="the first seed")
    parser.add_argument("--only", default="", help="cases whose names hold this")
    parser.add_argument("--alone", action="store_true", help="without the published criteria")
    parser.add_argument("--verbose", action="store_true", help="a line for each run")
    parser.add_argument("--limit", type=float, default=math.inf, help="seconds after which no further case is begun")
    parser.add_argument("--repairs", action="store_true", help="mend the sick ones, beside random search")
    parser.add_argument("--engine", default="xla", help="of repairs: numpy compiles nothing, and is as quick here")
    parser.add_argument(
        "--every", type=int, default=1, help="each so-manyth case (of repairs: sick case), for a quick look"
    )
    parser.add_argument("--torch", action="store_true", help="the cases in PyTorch's loops, watched by bl.watch")
    chosen = parser.parse_args(options or [])
    if chosen.repairs:
        from benchmarks.doctor.repairs import main as repairs

        return repairs(chosen)
    every = [case for case in cases(chosen.half) if chosen.only in case.name]
    judged = functools.partial(run, published=not chosen.alone)
    if chosen.torch:
        from benchmarks.doctor import torch_loops

        every, judged = [case for case in every if torch_loops.expressible(case)], torch_loops.run
    results, begin = [], time.perf_counter()
    every = every[:: chosen.every]
    todo = [(case, seed) for seed in range(chosen.first, chosen.first + chosen.seeds) for case in every]
    for number, (case, seed) in enumerate(todo, 1):
        if time.perf_counter() - begin > chosen.limit:
            break
        results.append(judged(case, seed))
        if chosen.verbose:
            print(lines(results[-1:]), flush=True)
        if number % 10 == 0 or number == len(todo):
            wrong = sum(not own.right for own in results)
            spent = time.perf_counter() - begin
            print(f"  {number} of {len(todo)} runs, {spent:.0f} s, {wrong} wrong so far", file=sys.stderr, flush=True)
    told = section(results, chosen.half)
    return told.replace("### Doctor: findings", "### Doctor in PyTorch: findings") if chosen.torch else told
