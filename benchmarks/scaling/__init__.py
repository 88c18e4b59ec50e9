"""Figures of training over devices, processes and streams: a file each, with `figure(quick) -> str` (Markdown)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any


def worker(module: str, *words: str, **environment: str) -> subprocess.Popen[str]:
    """A process of a figure's own, ``python -m MODULE --worker WORDS``; its last line on standard output is JSON."""
    return subprocess.Popen(
        [sys.executable, "-m", module, "--worker", *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def told(process: subprocess.Popen[str]) -> Any:
    """What a worker told at its end."""
    text, _ = process.communicate()
    if process.returncode:
        sys.exit(f"a worker ended with status {process.returncode}; what it wrote stands above")
    return json.loads(text.splitlines()[-1])


def table(heads: list[str], rows: list[list[str]], words: int = 1) -> str:
    """A Markdown table: the first columns are words, the others numbers."""
    lines = [f"| {' | '.join(row)} |" for row in [heads, *rows]]
    marks = "|" + "---|" * words + "---:|" * (len(heads) - words)
    return "\n".join([lines[0], marks, *lines[1:]])
