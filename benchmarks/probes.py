"""What the standard probes cost: whole runs of the other benchmarks, with them and without, in one process by turns."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from benchmarks import cnn, lstm, mlp, w4

ROUNDS = 11
RUNS: dict[str, tuple[Callable[..., Callable[[], Any]], int]] = {
    "W4, 2,000 steps": (w4.training, ROUNDS),
    "W4, 20,000 steps": (partial(w4.training, steps=20_000), 5),
    "MLP, 5 epochs of 100 steps": (mlp.training, ROUNDS),
    "MLP, 20 epochs of 100 steps": (partial(mlp.training, epochs=20), 5),
    "LSTM, 1 epoch of 20 steps": (lstm.training, ROUNDS),
    "CNN, 1 epoch of 10 steps": (cnn.training, ROUNDS),
}


@dataclass
class Cost:
    """Rounds of one run.

    Attributes
    ----------
    wall, cpu : dict of str to list of float
        Seconds of a run "with" probes and "without", round by round: by the clock, and of this process's processors.
    looks : int
        That training stopped for.
    last : list of float
        Seconds of the look at what training left, taken when `run.probes` is asked for.
    """

    wall: dict[str, list[float]] = field(default_factory=lambda: {"without": [], "with": []})
    cpu: dict[str, list[float]] = field(default_factory=lambda: {"without": [], "with": []})
    looks: int = 0
    last: list[float] = field(default_factory=list)

    @staticmethod
    def added(seconds: dict[str, list[float]]) -> str:
        """Median over the rounds of with ÷ without, less 1, and its quartiles."""
        ratios = [a / b - 1 for a, b in zip(seconds["with"], seconds["without"], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
        return f"{middle:+.1%} ({low:+.1%} to {high:+.1%})"


def measure(training: Callable[..., Callable[[], Any]], rounds: int) -> Cost:
    """Runs with and without probes by turns, after one of each that compiles."""
    runs = {"without": training(probes=None), "with": training(probes="standard")}
    for run in runs.values():
        len(run().probes)  # takes the last look
    cost = Cost()
    for i in range(rounds):
        for name in list(runs)[:: 1 if i % 2 else -1]:
            wall, cpu = time.perf_counter(), time.process_time()
            done = runs[name]()
            cost.wall[name].append(time.perf_counter() - wall)
            cost.cpu[name].append(time.process_time() - cpu)
            if name == "with":
                begin = time.perf_counter()
                cost.looks = len(done.probes) - 1
                cost.last.append(time.perf_counter() - begin)
    return cost


def main(options: list[str] | None = None) -> str:
    """The table as text; an option is the number of rounds."""
    most = int(options[0].removeprefix("--rounds=")) if options else ROUNDS
    lines = [
        "| run | without, s | looks | added, clock | added, processor | last look, ms |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, (training, rounds) in RUNS.items():
        cost = measure(training, min(rounds, most))
        lines.append(
            f"| {name} | {statistics.median(cost.wall['without']):.3f} | {cost.looks} | {cost.added(cost.wall)} "
            f"| {cost.added(cost.cpu)} | {1e3 * statistics.median(cost.last):.0f} |"
        )
    note = (
        "Median over the rounds of a run with the standard probes ÷ the run without just before or after it, less 1, "
        "and quartiles; *looks*: that training stops for. The *last look*, at what training left, is taken when "
        "`run.probes` is asked for or the run saved."
    )
    return "### Probes: what watching costs\n\n" + "\n".join(lines) + f"\n\n{note}\n"


if __name__ == "__main__":
    print(main(sys.argv[1:]))
