"""A lesson run in full, once for all that the site shows of it: page, pictures, notebook, and what they were made from.

`python docs/site/running.py NAME LANG FOLDER CORE` writes them; `kept.py` calls it for those that have changed.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import korean_labels

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "backlit"
KERNELS = SOURCE / "graph" / "kernels" / "native" / "libbacklit.kernels"
LIBRARIES = ("numpy", "jax", "jaxlib", "matplotlib", "scipy")
PAGE, NOTEBOOK, RECORD = "page.md", "notebook.ipynb", "made.json"


def digest(file: Path) -> str:
    """A file's content in a few letters; "" if there is none."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16] if file.is_file() else ""


def versions() -> dict[str, str]:
    """Of Python and the libraries on which numbers and pictures depend."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in LIBRARIES}}


def made_by() -> list[str]:
    """What else decides what is written: these files, and the compiled kernels, which are loaded as no module."""
    here = Path(__file__).parent
    written = [here / name for name in (Path(__file__).name, "korean_labels.py", "summaries.ko.toml")]
    return [digest(file) for file in (*written, KERNELS)]


def machine() -> str:
    """Whose numbers these are: "AMD EPYC 9R14, Linux, Python 3.12.3"."""
    model = platform.processor() or platform.machine()
    described = Path("/proc/cpuinfo")
    if described.exists():
        lines = [line for line in described.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].split(":", 1)[1].strip() if lines else model
    return f"{model}, {platform.system()}, Python {platform.python_version()}"


def watched() -> list[str]:
    """A list that grows by the files of the package that are opened from now on."""
    opened: list[str] = []

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(str(SOURCE)):
            opened.append(arguments[0])

    sys.addaudithook(heard)
    return opened


def used(opened: list[str]) -> dict[str, str]:
    """Files of the package that a run depends on, its modules and what they read, with their content's digest."""
    modules = [str(getattr(module, "__file__", None) or "") for module in list(sys.modules.values())]
    files = {Path(name) for name in (*modules, *opened) if name.startswith(str(SOURCE))}
    # The other lessons' texts are listed, but change nothing here; compiled modules stand for their sources.
    own = {file for file in files if file.suffix not in (".pyc", ".md") and "__pycache__" not in file.parts}
    return {file.relative_to(SOURCE).as_posix(): digest(file) for file in sorted(own) if file.is_file()}


def write(name: str, language: str, folder: Path) -> None:
    """Run a lesson and write what the site shows of it."""
    opened = watched()
    from backlit.lessons import LESSONS
    from backlit.lessons.notebook import notebook
    from backlit.lessons.page import page
    from backlit.lessons.running import run

    if language == "ko":
        korean_labels.draw_them()
    lesson = LESSONS[name]
    steps = list(run(lesson, language))
    made = page(lesson, language, quick=False, steps=steps)
    folder.mkdir(parents=True, exist_ok=True)
    for picture, content in made.pictures.items():
        (folder / picture).write_bytes(content)
    (folder / NOTEBOOK).write_text(notebook(lesson, language, steps=steps), encoding="utf-8")
    (folder / PAGE).write_text(made.markdown, encoding="utf-8")
    record = {
        "text": digest(Path(lesson.path)),
        "files": used(opened),
        "made by": made_by(),
        "versions": versions(),
        "machine": machine(),
        "seconds": round(time.process_time(), 1),
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")


if __name__ == "__main__":
    if int(sys.argv[4]) >= 0:  # before libraries count the cores; so lessons that run side by side don't share one
        os.sched_setaffinity(0, {int(sys.argv[4])})
    write(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
