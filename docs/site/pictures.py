"""The pictures on the pages: a page's own code draws them when the site is built, and they stand under it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from korean_labels import korean

PAGES = ("index", "see-inside", "gallery")
PRELUDE = "import sys; sys.path.insert(0, {here!r}); import korean_labels; korean_labels.draw_them_too()\n"
BLOCK = re.compile(r"```python\n(.*?)```\n", flags=re.DOTALL)
DRAWN = {"": "What the code above draws", ".ko": "위의 코드가 그린 그림"}


def names(block: str) -> list[str]:
    """Files that a block of code draws, one of each name: not both graph.svg and graph.png."""
    found: dict[str, str] = {}
    for name in re.findall(r'(?:path=|savefig\(|save\()"([\w-]+\.(?:svg|png))"', block):
        found.setdefault(Path(name).stem, name)
    return list(found.values())


def shown(text: str, page: str) -> str:
    """The page's text with its pictures under the code that draws them; a page without pictures as it is."""
    plain, dot, language = page.removesuffix(".md").partition(".")
    if plain not in PAGES:
        return text
    seen: set[str] = set()

    def with_pictures(found: re.Match[str]) -> str:
        new = [name for name in names(found[1]) if Path(name).stem not in seen]
        seen.update(Path(name).stem for name in new)
        alt = DRAWN[dot + language]
        return found[0] + "".join(f"\n[![{alt}: {Path(name).stem}]({name})]({name})\n" for name in new)

    return BLOCK.sub(with_pictures, text)


def write(folder: Path) -> None:
    """Run the pages' code, as far as the last picture needs, and keep what it draws; in each language."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda page: draw(folder, page), PAGES))


def draw(folder: Path, page: str) -> None:
    """The pictures of one page, from one run: with English labels, and with Korean ones."""
    blocks = BLOCK.findall((folder / f"{page}.md").read_text(encoding="utf-8"))
    last = max(place for place, block in enumerate(blocks) if names(block))
    code = "\n".join(blocks[: last + 1])
    with tempfile.TemporaryDirectory() as place:
        whole = PRELUDE.format(here=str(Path(__file__).parent)) + code
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src")}
        command = [sys.executable, "-c", whole]
        subprocess.run(command, cwd=place, env=environment, check=True, stdout=subprocess.DEVNULL)
        for name in names(code):
            for drawn in (Path(place) / name, korean(Path(place) / name)):
                (folder / drawn.name).write_bytes(drawn.read_bytes())
