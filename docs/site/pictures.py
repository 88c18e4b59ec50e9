"""The pictures on the pages: each page's own code draws them, when the site is built."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

PAGES = ("index.md", "see-inside.md")


def write(folder: Path) -> None:
    """Run the code of the pages that show pictures, as far as the last one needs, and keep what they show."""
    for page in PAGES:
        text = (folder / page).read_text(encoding="utf-8")
        shown = re.findall(r"!\[[^\]]*\]\(([\w.-]+)\)", text)
        with tempfile.TemporaryDirectory() as place:
            subprocess.run([sys.executable, "-c", code(text, shown)], cwd=place, check=True, stdout=subprocess.DEVNULL)
            for name in shown:
                (folder / name).write_bytes((Path(place) / name).read_bytes())


def code(text: str, names: list[str]) -> str:
    """A page's blocks of Python up to the last one that writes one of the files."""
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    last = max((place for place, block in enumerate(blocks) if any(f'"{name}"' in block for name in names)), default=-1)
    return "\n".join(blocks[: last + 1])
