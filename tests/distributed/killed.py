"""Jobs of several processes of which one kills itself at a given moment, for the tests and for hours of trying."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import backlit as bl

LIMIT = 30.0  # seconds in which a killed process ends the others
EPOCHS = 120
SCRIPT = f"""
import os, signal, threading, time

number = int(os.environ["BACKLIT_PROCESS"])
victim, delay, begun = (os.environ.get("KILL") or ":0:").split(":")


def kill():
    while begun and not os.path.exists("run/state.safetensors"):
        time.sleep(0.01)
    time.sleep(float(delay))
    open("killed", "w").write(str(time.time()))
    os.kill(os.getpid(), signal.SIGKILL)


if victim == str(number):
    threading.Thread(target=kill, daemon=True).start()

import hashlib
import numpy as np
import backlit as bl

rows = np.random.default_rng(0).normal(size=(96, 4))
network = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Dropout(0.1), bl.Linear(1))
run = bl.fit(
    network, rows, np.sin(rows.sum(axis=1)), epochs={EPOCHS}, batch_size=24, checkpoint="run", checkpoint_every=5,
    resume=True, progress=False,
)
if number == 0:
    digest = hashlib.sha256(repr([record["loss"] for record in run.history]).encode())
    open("digest", "w").write(digest.hexdigest() + " " + repr(run.history[-1]["loss"]))
"""


def launch(folder: Path, processes: int, kill: str = "") -> tuple[int, str, float]:
    """Go on with the job in a folder: exit status, standard error, seconds from the kill to the end."""
    folder.mkdir(exist_ok=True)
    (folder / "job.py").write_text(SCRIPT)
    (folder / "killed").unlink(missing_ok=True)
    command = [sys.executable, "-m", "backlit", "launch", "--processes", str(processes), "job.py"]
    environment = {**os.environ, "KILL": kill, "NPROC": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    at = (folder / "killed").read_text() if (folder / "killed").exists() else ""
    return done.returncode, done.stderr, time.time() - float(at) if at else 0.0


def result(folder: Path) -> str:
    """What tells one finished job's losses from another's."""
    return (folder / "digest").read_text()


def tried(folder: Path, processes: int, victim: int, delay: float, begun: bool) -> str | None:
    """Kill a process of the job some seconds after its start, or after the run is begun: what then doesn't hold."""
    status, err, seconds = launch(folder, processes, f"{victim}:{delay:.3f}:{'yes' if begun else ''}")
    if not (folder / "killed").exists():
        return None if status == 0 else f"status {status} before anything was killed: {err[-2000:]}"
    name = f"process {victim} of {processes} was killed (SIGKILL"
    if status != 1 or name not in err:
        return f"status {status}, expected 1 and {name!r}: {err[-2000:]}"
    if seconds > LIMIT:
        return f"it took {seconds:.1f} s until all had ended"
    if re.search(r"Traceback|Check failure|\.cc:\d+\]", err):
        return f"more is told than who was killed: {err[-2000:]}"
    if (folder / "run" / "network.json").exists():
        bl.load(folder / "run")
    return None
