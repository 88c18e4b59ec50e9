"""The README's picture of a terminal: a training that goes wrong, what Backlit says of it, and its remedy, typed.

`python docs/site/terminal.py` makes it anew, by running the commands; the tests hold what it shows to what is said now.
"""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "assets" / "terminal.svg"
WIDTH = 96
SICK = "backlit train digits --network mlp:64 --lr 10 --epochs 30 --ensemble 1"
TITLE = "Backlit in a terminal"
# Fonts are the reader's own: nothing is fetched from elsewhere.
FORM = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace("Fira Code, ", "")


def said(command: str, folder: Path) -> str:
    """What a command writes to standard output."""
    arguments = [sys.executable, "-m", *shlex.split(command), "--no-report", "-q"]
    return subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=True).stdout


def remedy_in(output: str) -> str:
    """The command that a training offers as remedy."""
    found = re.search(r"^    remedy: (backlit train .*)$", output, flags=re.MULTILINE)
    if found is None:
        raise ValueError(f"no remedy is offered:\n{output}")
    return found[1]


def shown(output: str) -> list[str]:
    """Its scores, and what it finds wrong."""
    lines = output.splitlines()
    first = next(i for i, line in enumerate(lines) if "95 % range" in line)
    scores = lines[first : first + 3]
    if "something is wrong:" not in lines:
        return [*scores, "  …"]
    wrong = lines.index("something is wrong:")
    return [*scores, "  …", *lines[wrong : lines.index("", wrong + 2)]]


def session() -> list[str]:
    """The lines of the picture."""
    with tempfile.TemporaryDirectory() as folder:
        first = said(SICK, Path(folder))
        remedy = remedy_in(first)
        return [f"$ {SICK}", *shown(first), "", f"$ {remedy}", *shown(said(remedy, Path(folder)))]


def picture(lines: list[str]) -> str:
    """Lines as an SVG of a terminal; what is typed stands out, and what is wrong."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for line in lines:
        text = Text(line, style="bold" if line.startswith("$ ") else "")
        text.highlight_regex(r"^something is wrong:|learning rate too high", "bold red")
        text.highlight_regex(r"remedy:.*", "green")
        console.print(text)
    return console.export_svg(title=TITLE, code_format=FORM, unique_id="terminal")


if __name__ == "__main__":
    PICTURE.write_text(picture(session()), encoding="utf-8")
