"""Fuzzers for hours: ``python -m tests.fuzz [NAME …] --hours 8``, or ``--seed S --case N`` for one case again.

Cases are tried by workers, processes of their own: one that hangs, dies or takes all memory is a fault of the case that
it was at, and the next worker goes on behind it. At the end a table tells how many cases each fuzzer tried, and how
they ended.
"""

import argparse
import json
import queue
import resource
import shlex
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import asdict
from itertools import chain
from pathlib import Path

from tests.fuzz.frame import CHECK, Fuzzer, all_fuzzers, try_case

BATCH = 250  # cases of one worker; then a fresh one begins, so that no case depends on thousands before it
MEMORY = 8 << 30  # bytes of addresses that a worker may have
LOG = Path("build/fuzz.jsonl")


def main() -> int:
    """Run what was asked for; 1 if something didn't hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=f"Every case {CHECK}.")
    fuzzers = all_fuzzers()
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(fuzzers)}; all if left out")
    parser.add_argument("--hours", type=float, help="how long to go on")
    parser.add_argument("--cases", type=int, help="how many cases of each (without it and --hours: 1000)")
    parser.add_argument("--seed", help="by default the time, so that no two runs are the same")
    parser.add_argument("--case", type=int, help="try this one again, here, and show what happens")
    parser.add_argument("--worker", nargs=2, type=int, help=argparse.SUPPRESS)
    parser.add_argument("--table", action="store_true", help=f"only show the table of all runs in {LOG}")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in fuzzers]:
        parser.error(f"there is no {unknown[0]}; there are {', '.join(fuzzers)}")
    chosen = [fuzzers[name] for name in options.names or fuzzers]
    seed = options.seed or time.strftime("%Y%m%d-%H%M%S")
    if options.table:
        return _table(fuzzers)
    if options.worker:
        return _work(chosen[0], seed, *options.worker)
    if options.case is not None:
        tried = try_case(chosen[0], seed, options.case)
        print(tried.fault or f"held: {dict(tried.ended)} in {tried.seconds:.2f} s")
        return bool(tried.kind)
    until = time.monotonic() + 3600 * options.hours if options.hours else float("inf")
    kinds = _run(chosen, seed, options.cases or (10**9 if options.hours else 1000), until)
    _table(fuzzers)
    return bool(kinds)


def _run(chosen: list[Fuzzer], seed: str, cases: int, until: float) -> set[str]:
    """Try batches of each fuzzer in turn, and print each new kind of fault with how to see it again."""
    kinds: set[str] = set()
    LOG.parent.mkdir(exist_ok=True)
    for first in range(0, cases, BATCH):
        for fuzzer in chosen:
            if time.monotonic() > until:
                return kinds
            ended, faults, number, last = Counter(), Counter(), first, min(first + BATCH, cases)
            while number < last and time.monotonic() < until:
                for tried in _worker(fuzzer, seed, number, last, until):
                    ended.update(tried["ended"])
                    if tried["kind"]:
                        faults[tried["kind"]] += 1
                        if tried["kind"] not in kinds:
                            kinds.add(tried["kind"])
                            print(f"\n{tried['kind']}\n  {_again(fuzzer, seed, number)}\n{tried['fault']}", flush=True)
                    number += 1
            line = {"fuzzer": fuzzer.name, "seed": seed, "first": first, "cases": number - first}
            with LOG.open("a", encoding="utf-8") as log:
                log.write(json.dumps({**line, "ended": ended, "faults": faults}, ensure_ascii=False) + "\n")
    return kinds


def _again(fuzzer: Fuzzer, seed: str, number: int) -> str:
    return f"python -m tests.fuzz {fuzzer.name} --seed {shlex.quote(seed)} --case {number}"


def _worker(fuzzer: Fuzzer, seed: str, first: int, last: int, until: float):
    """What came of each case; ends behind one that the worker didn't survive."""
    command = [sys.executable, "-m", "tests.fuzz", fuzzer.name, f"--seed={seed}", "--worker", str(first), str(last)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=lambda: [lines.put(line) for line in chain(process.stdout, [""])], daemon=True).start()
    fate = ""
    for number in range(first, last):
        try:
            line = lines.get(timeout=2 * fuzzer.limit + (60 if number == first else 10))
        except queue.Empty:
            process.kill()
            fate = "Hang: the process had to be killed"
        else:
            fate = "" if line else f"Died: the process ended with status {process.wait()}"
        if fate:
            yield {"ended": {}, "kind": f"{fate} ({fuzzer.name})", "fault": ""}
            break
        yield json.loads(line)
        if time.monotonic() > until:
            break
    process.kill()
    process.wait()
    process.stdout.close()


def _work(fuzzer: Fuzzer, seed: str, first: int, last: int) -> int:
    """A worker: one line of JSON a case."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = sys.stdout
    sys.stdout = sys.stderr  # whatever prints, the lines stay whole
    for number in range(first, last):
        out.write(json.dumps(asdict(try_case(fuzzer, seed, number))) + "\n")
        out.flush()
    return 0


def _table(fuzzers: dict[str, Fuzzer]) -> int:
    """Of all runs in the log: row, cases, how many held, and how what was tried ended."""
    cases, faults, ended = Counter(), Counter(), {}
    for line in LOG.read_text(encoding="utf-8").splitlines() if LOG.exists() else ():
        run = json.loads(line)
        cases[run["fuzzer"]] += run["cases"]
        faults[run["fuzzer"]] += sum(run["faults"].values())
        ended.setdefault(run["fuzzer"], Counter()).update(run["ended"])
    print("\n| row | fuzzer | cases | held | how what was tried ended |\n|---|---|---|---|---|")
    for name in sorted(cases):
        row = fuzzers[name].row if name in fuzzers else "(gone)"
        told = ", ".join(f"{count:,} {how}" for how, count in ended[name].most_common())
        print(f"| {row} | `{name}` | {cases[name]:,} | {cases[name] - faults[name]:,} | {told} |")
    print(f"| all | | {cases.total():,} | {cases.total() - faults.total():,} | |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
