"""From Enter to the result, stage by stage: `backlit train iris`, `backlit train digits`, and `fit` in a script.

Stages are processor seconds of one process, told by wrappers around the functions that begin and end them and by JAX's
own events; with caches empty ("cold": programs are compiled) and full ("warm"). Above them stand wall and processor
seconds of the plain command until its result is printed, and until it ends; the stages needn't add up to them, since
"import JAX" is done first here, and where it is needed there. `--rounds N` for each (5).
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import runpy
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROUNDS = 5
WORKS = {"iris": "`backlit train iris`", "digits": "`backlit train digits`", "script": "`fit` on the digits, a script"}
STAGES = (
    "Python", "import NumPy", "import Backlit", "import JAX", "data", "plan and arrays", "trace", "lower",
    "compile or load", "epochs", "write the run", "judge and diagnose", "rest", "report, after the result",
)  # fmt: skip
EVENTS = {
    "/jax/core/compile/jaxpr_trace_duration": "trace",
    "/jax/core/compile/jaxpr_to_mlir_module_duration": "lower",
    "/jax/core/compile/backend_compile_duration": "compile or load",
}
SCRIPT = Path(__file__).parent / "digits_scripts" / "backlit_.py"
RESULT = "run: "  # the line that the command prints when the result is there


class Clock:
    """Processor seconds by stage; a stage within another one isn't counted to that."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self.last, self.within = 0.0, ["rest"]

    def lap(self, stage: str) -> None:
        """What has passed since the last lap belongs to a stage."""
        now = time.process_time()
        self.seconds[stage] += now - self.last
        self.last = now

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What is done within belongs to a stage."""
        self.lap(self.within[-1])
        self.within.append(name)
        try:
            yield
        finally:
            self.lap(self.within.pop())

    def watch(self, owner: Any, name: str, stage: str) -> None:
        """Count a function, or a method of a class, to a stage."""
        original = getattr(owner, name)

        @functools.wraps(original)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.stage(stage):
                return original(*args, **kwargs)

        setattr(owner, name, timed)


def worker(work: str, folder: str) -> dict[str, float]:
    """One process's stages."""
    clock = Clock()
    clock.lap("Python")
    with clock.stage("import NumPy"):
        import numpy  # noqa: F401
    with clock.stage("import Backlit"):
        from backlit import data, run
        from backlit.cli import main, process
        from backlit.data import datasets
        from backlit.store.checkpoint import FolderKeeper
        from backlit.tasks import choose, rows  # noqa: F401
        from backlit.train import fit, loop
    with clock.stage("import JAX"):
        import jax.monitoring

        import backlit.engine.xla  # noqa: F401
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **more: clock.lap(EVENTS[event]) if event in EVENTS else None
    )
    clock.watch(datasets, "load", "data")
    data.load = datasets.load
    clock.watch(fit, "_job", "plan and arrays")
    clock.watch(loop.Loop, "run", "epochs")
    clock.watch(FolderKeeper, "write", "write the run")
    clock.watch(run.Run, "save", "write the run")
    clock.watch(run.Run, "diagnose", "judge and diagnose")
    clock.watch(rows.RowsTask, "judge", "judge and diagnose")
    clock.watch(run, "save_report", "report, after the result")
    if work == "script":
        runpy.run_path(str(SCRIPT), run_name="__main__")
    else:
        process.prepare()
        sys.argv = ["backlit", "train", work, "--out", f"{folder}/run", "--overwrite"]
        with contextlib.suppress(SystemExit):
            main.main()
    clock.lap("rest")
    return clock.seconds


def plain(work: str, cache: str, folder: str) -> dict[str, float]:
    """Wall seconds of the plain command until the result, and processor seconds of all of it."""
    command = [sys.executable, "-m", "backlit", "train", work, "--out", f"{folder}/plain", "--overwrite", "-q"]
    if work == "script":
        command = [sys.executable, str(SCRIPT)]
    begin, before = time.perf_counter(), _children()
    environment = {**os.environ, "BACKLIT_CACHE": cache}
    running = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert running.stdout is not None
    line = next((line for line in running.stdout if work == "script" or line.startswith(RESULT)), "")
    result = time.perf_counter() - begin
    running.communicate()
    if running.returncode or not line:
        sys.exit(f"{' '.join(command)} gave no result (exit status {running.returncode})")
    return {"result": result, "end": time.perf_counter() - begin, "processor": _children() - before}


def _children() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system


def rounds(count: int, once: Callable[[str], dict[str, float]]) -> dict[str, dict[str, float]]:
    """Medians of several processes with an empty cache, and with a full one, by turns."""
    found: dict[str, list[dict[str, float]]] = {"cold": [], "warm": []}
    with tempfile.TemporaryDirectory() as warm:
        once(warm)
        for _ in range(count):
            found["warm"].append(once(warm))
            cold = tempfile.mkdtemp()
            found["cold"].append(once(cold))
            shutil.rmtree(cold)
    return {
        kind: {name: statistics.median(each[name] for each in all_of) for name in all_of[0]}
        for kind, all_of in found.items()
    }


def staged(work: str, cache: str, folder: str) -> dict[str, float]:
    """A worker's stages."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.starting", "--worker", work, folder],
        env={**os.environ, "BACKLIT_CACHE": cache}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        check=True,
    )  # fmt: skip
    seconds: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


def main(arguments: list[str] | None = None) -> str:
    """The tables as text."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks starting", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="processes of each kind")
    parser.add_argument("--work", choices=WORKS, action="append", help="what to start; by default all")
    chosen = parser.parse_args(arguments or [])
    parts = ["### From Enter to the result: seconds"]
    with tempfile.TemporaryDirectory() as folder:
        for work in chosen.work or WORKS:
            whole = rounds(chosen.rounds, lambda cache, work=work: plain(work, cache, folder))
            stages = rounds(chosen.rounds, lambda cache, work=work: staged(work, cache, folder))
            lines = [
                ("**until the result, wall**", "result"), ("**until the end, wall**", "end"),
                ("**all of it, processor**", "processor"),
            ]  # fmt: skip
            table = [f"#### {WORKS[work]}", "", "| | warm | cold |", "|---|---:|---:|"]
            table += [f"| {told} | {whole['warm'][name]:.2f} | {whole['cold'][name]:.2f} |" for told, name in lines]
            table += [f"| {name} | {stages['warm'][name]:.3f} | {stages['cold'][name]:.3f} |" for name in STAGES]
            parts.append("\n".join(table))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    if "--worker" in sys.argv:
        print(json.dumps(worker(*sys.argv[2:4])))
    else:
        print(main(sys.argv[1:]))
