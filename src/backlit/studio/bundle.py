"""The page as one document, which needs no server: for a notebook, in a frame of its own.

Its modules import each other by names that an import map leads to their texts; style sheets, pictures and the page's
own texts are in it too.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path, PurePosixPath

PAGE = Path(__file__).parent / "page"
NOT_IN_IT = ("widget.js", "static.js", "worker-pyodide.js")
IMPORTED = re.compile(r'(\bfrom\s*|\bimport\s*)"(\.[^"]+\.js)"')
STYLE = r'<link rel="stylesheet" href="([^"]+)">'
SCRIPT = r'<script src="([^"]+)" defer></script>'
MAIN = '<script src="main.js" type="module"></script>'
ICON = "icon.svg"
PORT = """backlitStudio.port = new Promise((resolve) => addEventListener("message", ({ data, ports, source }) => {
  if (source === parent && data === "backlit-studio" && ports.length) resolve(ports[0]);
}));"""


@cache
def document() -> str:
    """All of it, as HTML."""
    icon = f"data:image/svg+xml;base64,{_encoded((PAGE / ICON).read_bytes())}"
    texts_of = {_name(place): _module(PAGE / place, icon) for place in modules(PAGE)}
    texts = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((PAGE / "texts").glob("*.json"))}
    page = (PAGE / "index.html").read_text("utf-8")
    page = _put(re.escape(f'href="{ICON}"'), lambda match: f'href="{icon}"', page)
    page = _put(STYLE, lambda match: f"<style>{(PAGE / match[1]).read_text('utf-8')}</style>", page)
    page = _put(SCRIPT, lambda match: f"<script>{(PAGE / match[1]).read_text('utf-8')}</script>", page)
    settings = json.dumps({"texts": texts}).replace("<", "\\u003c")
    main = (
        f'<script type="importmap">{json.dumps({"imports": texts_of})}</script>\n'
        f"<script>globalThis.backlitStudio = {settings}; {PORT}</script>\n"
        f'<script type="module">import "{_name("main.js")}";</script>'
    )
    return _put(MAIN, lambda match: main, page)


def modules(page: Path) -> list[str]:
    """The files that the page's program consists of, but for those of pages in a notebook and without a server."""
    files = (path.relative_to(page) for path in sorted(page.rglob("*.js")))
    return [path.as_posix() for path in files if path.name not in NOT_IN_IT and not path.name.endswith(".iife.min.js")]


def _put(what: str, make: Callable[[re.Match[str]], str], page: str) -> str:
    """The page with its parts replaced, of which there must be some: without them it would be blank."""
    made, count = re.subn(what, make, page)
    if not count:
        raise ValueError(f"index.html has no {what}")
    return made


def _module(path: Path, icon: str) -> str:
    """A module as an address that holds it, with names in place of paths."""
    here = path.relative_to(PAGE).parent

    def named(match: re.Match[str]) -> str:
        place = PurePosixPath(*_resolved((here / match[2]).as_posix()))
        return f'{match[1]}"{_name(place.as_posix())}"'

    text = IMPORTED.sub(named, path.read_text("utf-8")).replace(f'src="{ICON}"', f'src="{icon}"')
    return f"data:text/javascript;charset=utf-8;base64,{_encoded(text.encode())}"


def _resolved(place: str) -> list[str]:
    parts: list[str] = []
    for part in place.split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return parts


def _name(place: str) -> str:
    return f"backlit-studio/{place}"


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
