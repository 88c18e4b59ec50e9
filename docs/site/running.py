"""A lesson run in full, once for all that the site shows of it: pages, pictures and notebooks in each language.

`python docs/site/running.py NAME FOLDER CORE` writes them, and what they were made from; `kept.py` calls it for those
that have changed. It imports no library before it keeps to its core: they count the cores when they are loaded, and
the threads of two lessons, one waiting on the other's core, were seen to take three times the processor's time.
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

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "backlit"
KERNELS = SOURCE / "graph" / "kernels" / "native" / "libbacklit.kernels"
LIBRARIES = ("numpy", "jax", "jaxlib", "matplotlib", "scipy")
PAGE, NOTEBOOK, RECORD = "page.md", "notebook.ipynb", "made.json"  # the first two in a folder of their language


def digest(file: Path) -> str:
    """A file's content in a few letters; "" if there is none."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16] if file.is_file() else ""


def versions() -> dict[str, str]:
    """Of Python and the libraries on which numbers and pictures depend."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in LIBRARIES}}


def made_by() -> list[str]:
    """What else decides what is written: this file, and the compiled kernels, which are loaded as no module."""
    return [digest(file) for file in (Path(__file__), KERNELS)]


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


def write(name: str, folder: Path) -> None:
    """Run a lesson and write what the site shows of it; in each language from the same run, in English."""
    opened = watched()
    from backlit.languages import NAMES
    from backlit.lessons import LESSONS
    from backlit.lessons.notebook import notebook
    from backlit.lessons.page import page
    from backlit.lessons.running import run

    lesson = LESSONS[name]
    steps = list(run(lesson))
    for language in NAMES:
        made, place = page(lesson, language, quick=False, steps=steps), folder / language
        place.mkdir(parents=True, exist_ok=True)
        for picture, content in made.pictures.items():
            (place / picture).write_bytes(content)
        (place / NOTEBOOK).write_text(notebook(lesson, language, steps=steps), encoding="utf-8")
        (place / PAGE).write_text(made.markdown, encoding="utf-8")
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
    if int(sys.argv[3]) >= 0:
        os.sched_setaffinity(0, {int(sys.argv[3])})
    write(sys.argv[1], Path(sys.argv[2]))
