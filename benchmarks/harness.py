"""Races: every contestant in a process of its own, all rounds interleaved, medians compared.

A contestant is a function that sets up and returns `run`, which does the work once and returns a dict with "seconds"
and "loss" (or "score"). It lives in a worker process that waits between its rounds, so that contestants share
neither memory nor threads, and a slow minute of the machine hits all of them.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Contestant = Callable[[], Callable[[], dict[str, float]]]
ROUNDS = 7


@dataclass
class Result:
    """Rounds of one contestant."""

    name: str
    rounds: list[dict[str, float]]

    def median(self, key: str = "seconds") -> float:
        """Median over the rounds."""
        return statistics.median(r[key] for r in self.rounds)

    def spread(self) -> str:
        """Smallest and largest, relative to the median."""
        seconds = [r["seconds"] for r in self.rounds]
        middle = self.median()
        return f"{min(seconds) / middle:.2f}–{max(seconds) / middle:.2f}"


def timed(fit: Callable[[], Any], steps: int, loss: str = "loss") -> Callable[[], dict[str, float]]:
    """A contestant's `run` from what trains with Backlit: seconds a step, and the last epoch's loss."""

    def run() -> dict[str, float]:
        begin = time.perf_counter()
        done = fit()
        return {"seconds": (time.perf_counter() - begin) / steps, "loss": done.history[-1][loss]}

    return run


def serve(contestants: dict[str, Contestant]) -> None:
    """A worker's life: set up, warm up once, then a round for each line on standard input."""
    run = contestants[sys.argv[2]]()
    run()
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps(run()), flush=True)


def race(module: str, names: list[str], rounds: int = ROUNDS) -> dict[str, Result]:
    """Run the contestants of a module against each other.

    A contestant whose library isn't installed is left out, and said so.
    """
    workers = {}
    for name in names:
        process = subprocess.Popen(
            [sys.executable, "-m", module, "--worker", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        line = process.stdout.readline()
        if line.strip() == "ready":
            workers[name] = process
        else:
            print(f"  {name}: left out (it didn't start)", file=sys.stderr)
    results = {name: Result(name, []) for name in workers}
    for _ in range(rounds):
        for name, process in workers.items():
            process.stdin.write("go\n")
            process.stdin.flush()
            results[name].rounds.append(json.loads(process.stdout.readline()))
    for process in workers.values():
        process.stdin.close()
        process.wait()
    return results


def table(results: dict[str, Result], ours: str, unit: str, scale: float, check: str = "loss") -> str:
    """Markdown table: median, ratio to ours, spread, and the loss that shows that all did the same work."""
    base = results[ours].median()
    lines = [f"| | {unit} | ÷ {ours} | spread | {check} |", "|---|---:|---:|---:|---:|"]
    for result in results.values():
        seconds = result.median()
        time, ratio = f"{seconds * scale:.4g}", f"{seconds / base:.2f}"
        lines.append(f"| {result.name} | {time} | {ratio} | {result.spread()} | {result.median(check):.6g} |")
    return "\n".join(lines)
