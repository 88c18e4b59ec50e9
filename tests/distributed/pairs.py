"""Starting the same command in several processes that find each other."""

import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_port():
    """A port that nobody listens on just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def started(*words, processes=2, by_variables=False, **more):
    """Processes of `python WORDS`, with ``PORT PROCESS PROCESSES`` behind, or in Backlit's variables."""
    port, running = free_port(), []
    for i in range(processes):
        given, variables = [str(port), str(i), str(processes)], {}
        if by_variables:
            given = []
            variables = {"BACKLIT_COORDINATOR": f"127.0.0.1:{port}", "BACKLIT_PROCESS": str(i)}
            variables["BACKLIT_PROCESSES"] = str(processes)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]), **variables}
        running.append(
            subprocess.Popen(
                [sys.executable, *words, *given], env=environment, text=True, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, **more,
            )
        )  # fmt: skip
    return running


def ended(running, seconds=300):
    """Status, standard output and standard error of each; who hasn't ended by then is killed, and the test fails."""
    try:
        told = [process.communicate(timeout=seconds) for process in running]
    finally:
        for process in running:
            process.kill()
    return [(process.returncode, *texts) for process, texts in zip(running, told, strict=True)]
