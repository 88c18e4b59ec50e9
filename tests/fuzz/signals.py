"""Signals at random moments of a training, from Python's start over imports and epochs to the last line.

The status is the signal's, or 0 if all was done before; standard error holds no traceback; the folder is valid, or
there is none; and going on ends with the very bits of a training that nobody stopped.
"""

import contextlib
import functools
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.frame import Case, Fault, fuzzer

NETWORK = ("--network", "mlp:4", "--ensemble", "1", "--engine", "numpy", "--seed", "3")
WORDS = (
    "train",
    "xor",
    *NETWORK,
    "--epochs",
    "40",
    "--batch-size",
    "256",
    "--patience",
    "0",
    "--out",
    "run",
    "--no-report",
)
SAME = ("weights.safetensors", "probes.jsonl")  # a history tells of seconds, too
PYTHONS_OWN = "backlit/cli"  # without it in a traceback, Python hadn't come to our first line, from where we listen


def start(folder: Path, *words: str) -> subprocess.Popen:
    """The command, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "backlit", *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, start_new_session=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def contents(folder: Path) -> dict[str, bytes]:
    """What is to be the same."""
    return {name: (folder / "run" / name).read_bytes() for name in SAME}


@functools.cache
def undisturbed() -> tuple[float, dict[str, bytes]]:
    """Seconds that a training takes which nobody stops, and what it leaves."""
    with tempfile.TemporaryDirectory() as name:
        began = time.monotonic()
        whole = start(Path(name), *WORDS)
        _, said = whole.communicate()
        if whole.returncode:
            raise Fault(f"undisturbed, it ended with {whole.returncode}: {said}")
        return time.monotonic() - began, contents(Path(name))


def disturb(case: Case, number: int) -> None:
    """Send a signal once or more, look at what is left, and go on."""
    import backlit as bl

    rng, (seconds, expected) = case.rng, undisturbed()
    moment = rng.choice([rng.uniform(0.02, 1.1 * seconds), rng.uniform(0.02, 0.5), rng.uniform(0.6, 1.1) * seconds])
    again = rng.choice([(), (), (0.01,), (0.7,), (0.02, 0.02, 0.6)])
    case.tried.append(f"{signal.Signals(number).name} after {moment:.3f} s, and again after {again}")
    process = start(case.folder, *WORDS)
    for pause in (moment, *again):
        time.sleep(pause)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
    _, said = process.communicate(timeout=60)
    if process.returncode not in (0, 128 + number, -number):
        raise Fault(f"status {process.returncode}: {said[-600:]}")
    early = process.returncode == -number
    if ("Traceback" in said or "Exception ignored" in said) and (not early or PYTHONS_OWN in said):
        raise Fault(f"traceback: {said[-3000:]}")
    if (case.folder / "run" / "network.json").exists():
        bl.load(case.folder / "run")
    again = start(case.folder, *WORDS, "--resume")
    _, said = again.communicate(timeout=60)
    if again.returncode:
        raise Fault(f"going on ended with {again.returncode}: {said[-1000:]}")
    different = [name for name, content in contents(case.folder).items() if content != expected[name]]
    if different:
        raise Fault(f"going on ended with other bits: {', '.join(different)}")
    case.ended["before we listen" if early else "stopped" if process.returncode else "done already"] += 1


@fuzzer("Ctrl-C at random moments, once and more often; going on", ci=2, limit=150)
def ctrl_c(case: Case) -> None:
    disturb(case, signal.SIGINT)


@fuzzer("SIGTERM at random moments, once and more often; going on", ci=2, limit=150)
def sigterm(case: Case) -> None:
    disturb(case, signal.SIGTERM)


@fuzzer("SIGHUP at random moments, once and more often; going on", ci=2, limit=150)
def sighup(case: Case) -> None:
    disturb(case, getattr(signal, "SIGHUP", signal.SIGTERM))  # Windows has none
