"""Gather the site's pages in build/docs: those of docs/, others of the repository, and what is made from the code.

`python docs/site/gather.py`, then `mkdocs build`; or `make docs`. With `--outline`, in a fraction of the time, the
lessons' pages have no numbers and empty pictures.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path, PurePosixPath

sys.path.insert(0, str(Path(__file__).parent))

import pictures

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "docs"

# Pages from outside of docs/, by their place on the site.
OTHERS = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "README.md": "index.md",  # only linked to: the site has a start page of its own
    "benchmarks/RESULTS.md": "results.md",
}
CODE = r"^```.*?^```|^ {4}.*?$|`[^`\n]*`"  # there, `parts[0](x)` is no link
LINK = re.compile(rf"{CODE}|(?<!!)\[([^\]]*)\]\(([^)#\s]+)(#[^)]*)?\)", flags=re.DOTALL | re.MULTILINE)


def gather(outline: bool = False) -> None:
    """All of it, from nothing; `outline` as for the lessons."""
    import commands
    import findings
    import glossary
    import lessons
    import links
    import playground
    import reference

    shutil.rmtree(FOLDER, ignore_errors=True)
    copy()
    reference.write(FOLDER / "reference")
    commands.write(FOLDER / "reference")
    findings.write(FOLDER / "reference")
    glossary.write(FOLDER)
    links.write(FOLDER)
    lessons.write(FOLDER / "lessons", outline)
    playground.write(FOLDER)
    pictures.write(FOLDER)


def copy() -> None:
    """The pages that are written by hand; quick, so that `make docs-serve` follows what is being written."""
    pages = {source: PurePosixPath(source.name) for source in sorted((ROOT / "docs").glob("*.md"))}
    pages |= {ROOT / name: PurePosixPath(place) for name, place in OTHERS.items() if name != "README.md"}
    for source, place in pages.items():
        text = relinked(source.read_text(encoding="utf-8"), source)
        keep(FOLDER / place, pictures.shown(text, place.name).encode())
    for source in sorted((ROOT / "docs" / "assets").rglob("*.*")):
        keep(FOLDER / source.relative_to(ROOT / "docs"), source.read_bytes())


def keep(file: Path, content: bytes) -> None:
    """Write a file, if it isn't so already: whoever watches it sees changes alone."""
    if not (file.is_file() and file.read_bytes() == content):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def relinked(text: str, source: Path) -> str:
    """The page with links that lead to the same pages on the site.

    A link to a file that isn't on the site, such as source code, becomes its text.
    """

    def link(found: re.Match[str]) -> str:
        label, target, anchor = found[1], found[2], found[3] or ""
        if target is None or "://" in target:
            return found[0]
        path = Path(os.path.normpath(source.parent / target))
        name = path.relative_to(ROOT).as_posix()
        place = OTHERS.get(name, name.removeprefix("docs/") if name.startswith("docs/") else None)
        return label if place is None else f"[{label}]({place}{anchor})"

    return LINK.sub(link, text)


if __name__ == "__main__":
    gather(outline="--outline" in sys.argv)
