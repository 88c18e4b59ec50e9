"""What the standard probes cost: whole runs of the other benchmarks, with them and without, in one process by turns."""

from __future__ import annotations

import statistics
import sys
import time

from benchmarks import cnn, lstm, mlp, w4

ROUNDS = 9
RUNS = {
    "W4, 2,000 steps of 1 batch": (w4, w4.STEPS),
    "MLP, 5 epochs of 100 steps": (mlp, mlp.STEPS),
    "LSTM, 1 epoch of 20 steps": (lstm, lstm.STEPS),
    "CNN, 1 epoch of 10 steps": (cnn, cnn.STEPS),
}


def measure(module, steps: int, rounds: int = ROUNDS) -> dict[str, float]:
    """Median seconds of a whole run with and without probes, their ratio round by round, and of the first runs."""
    runs = {name: module.backlit(probes=probes) for name, probes in (("without", None), ("with", "standard"))}
    found: dict[str, float] = {}
    for name, run in runs.items():  # compiles
        begin = time.perf_counter()
        run()
        found[f"first {name}"] = time.perf_counter() - begin
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for i in range(rounds):
        for name in list(runs)[:: 1 if i % 2 else -1]:
            seconds[name].append(runs[name]()["seconds"] * steps)
    found |= {name: statistics.median(own) for name, own in seconds.items()}
    pairs = zip(seconds["with"], seconds["without"], strict=True)
    found["added"] = statistics.median(a / b for a, b in pairs) - 1
    return found


def main(rounds: int = ROUNDS) -> str:
    """The table as text."""
    lines = ["| run | without probes, s | with, s | added |", "|---|---:|---:|---:|"]
    for name, (module, steps) in RUNS.items():
        found = measure(module, steps, rounds)
        lines.append(f"| {name} | {found['without']:.3f} | {found['with']:.3f} | {found['added']:+.1%} |")
    return "### Probes: what watching costs\n\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
