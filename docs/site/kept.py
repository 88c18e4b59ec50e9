"""Lessons that were run for the site are kept, in build/lessons-run, until their text or code that they use changes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import running

FOLDER = running.ROOT / "build" / "lessons-run"
MOST_AT_ONCE = 8
ANY = -1  # core: where a process can't be held to one


def is_fresh(folder: Path, text: Path) -> bool:
    """Whether what a folder holds is what a run would make today: the same text, code and libraries.

    A record that isn't there, can't be read or is of another form is none.
    """
    try:
        record: dict[str, Any] = json.loads((folder / running.RECORD).read_text(encoding="utf-8"))
        files = dict(record["files"])
        expected = {"made by": running.made_by(), "text": running.digest(text), "versions": running.versions()}
        same = all(record[name] == value for name, value in expected.items())
        return same and {name: running.digest(running.SOURCE / name) for name in files} == files
    except (OSError, ValueError, KeyError, TypeError):
        return False


def bring_up_to_date(texts: Mapping[str, Path]) -> dict[str, Path]:
    """The folder of each lesson; those that have changed are run anew, some at once.

    Parameters
    ----------
    texts : mapping of name to the text's file
    """
    folders = {name: FOLDER / name for name in texts}
    stale = [name for name, text in texts.items() if not is_fresh(folders[name], text)]
    cores = sorted(os.sched_getaffinity(0))[:MOST_AT_ONCE] if hasattr(os, "sched_getaffinity") else [ANY]
    free: SimpleQueue[int] = SimpleQueue()
    for core in cores:
        free.put(core)

    def run_on_one(name: str) -> None:
        core = free.get()
        try:
            run(name, folders[name], core)
        finally:
            free.put(core)

    with ThreadPoolExecutor(len(cores)) as pool:
        list(pool.map(run_on_one, stale))
    return folders


def run(name: str, folder: Path, core: int = ANY) -> None:
    """Run a lesson in a process of its own, whose record then has no other lesson's code in it; on a core of its own.

    Raises
    ------
    RuntimeError
        If the lesson fails: with what it said.
    """
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, running.__file__, name, str(folder), str(core)]
    environment = {**os.environ, "PYTHONPATH": str(running.SOURCE.parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"lesson {name} can't be run for the site:\n{done.stderr}")
