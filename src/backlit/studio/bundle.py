"""The page's files as few: its modules as one program and its style sheets as one, made when they are first asked for.

The page is written as modules that browsers can load as they are. Seventy files one by one, though, take a browser
longer than all that they do, while Python wants the same processor for its imports.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path, PurePosixPath

PAGE = Path(__file__).parent / "page"
MAIN, ICON = "main.js", "icon.svg"
IMPORT = r"import(?<=[\n;}]import)"  # where a statement begins, in files as they are written and in those made short;
EXPORT = r"export(?<=[\n;}]export)"  # with the word first, which makes looking for it ten times as fast
NAMES = r"\{([^}]*)\}\s*"
IMPORTED = re.compile(rf'{IMPORT}\s*(?:{NAMES}from\s*)?"(\.[^"]+)";?')
PASSED_ON = re.compile(rf'{EXPORT}\s*(?:\*\s*|{NAMES})from\s*"(\.[^"]+)";?')
LISTED = re.compile(rf"{EXPORT}\s*{NAMES};?")
DECLARED = re.compile(rf"{EXPORT} ((?:const|class|function|async function)\s+(\w+))")
LEFT = re.compile(rf"(?:{IMPORT}|{EXPORT})\b.*")
STYLE = re.compile(r'<link rel="stylesheet" href="([^"]+)">\n')
SCRIPT = re.compile(r'<script src="([^"]+)"[^>]*></script>\n')

PORT = """backlitStudio.port = new Promise((resolve) => addEventListener("message", ({ data, ports, source }) => {
  if (source === parent && data === "backlit-studio" && ports.length) resolve(ports[0]);
}));"""


@cache
def program() -> str:
    """All modules that the page begins with, each after those that it imports, and the texts."""
    order: list[str] = []
    _visit(MAIN, order, ())
    said = ", ".join(f"{path.stem}: {path.read_text('utf-8')}" for path in sorted((PAGE / "texts").glob("*.json")))
    libraries = [(PAGE / path).read_text("utf-8") for path in SCRIPT.findall(_index()) if path != MAIN]
    library = "\n".join(text.replace("var uPlot=", "globalThis.uPlot=", 1) for text in libraries)
    parts = [_joined(place, order) for place in order]
    begin = f"globalThis.backlitStudio = {{ ...globalThis.backlitStudio, texts: {{ {said} }} }};"
    return "\n".join([library, begin, *parts])


@cache
def style() -> str:
    """All style sheets, in their order."""
    return "\n".join((PAGE / path).read_text("utf-8") for path in STYLE.findall(_index()))


def index(style: str, program: str) -> str:
    """The page's document, with so much in place of its style sheets and its programs."""
    text, count = STYLE.subn("", _index())
    text, programs = SCRIPT.subn("", text)
    if not count or not programs:  # without them it would be blank
        raise ValueError("index.html has no style sheet, or no program")
    return text.replace("</head>", f"{style}\n{program}\n</head>")


@cache
def served() -> dict[str, str]:
    """What a server sends in place of the page's files, by name."""
    begin = index('<link rel="stylesheet" href="page.css">', '<script src="page.js" type="module"></script>')
    return {"index.html": begin, "page.css": style(), "page.js": program()}


@cache
def document() -> str:
    """The page as one document, which fetches nothing: for a notebook, in a frame of its own."""
    icon = f"data:image/svg+xml;base64,{base64.b64encode((PAGE / ICON).read_bytes()).decode()}"
    main = f"globalThis.backlitStudio = {{}}; {PORT}\n{program()}".replace(f'src="{ICON}"', f'src="{icon}"')
    main = main.replace("</script", "<\\/script")  # in texts it means the same
    text = index(f"<style>{style()}</style>", f'<script type="module">{main}</script>')
    return text.replace(f'href="{ICON}"', f'href="{icon}"')


def _index() -> str:
    return (PAGE / "index.html").read_text("utf-8")


@cache
def _module(place: str) -> str:
    return "\n" + (PAGE / place).read_text("utf-8")


def _visit(place: str, order: list[str], way: tuple[str, ...]) -> None:
    if place in way:
        raise ValueError(f"modules import each other in a circle: {' → '.join((*way, place))}")
    if place in order:
        return
    text = _module(place)
    named = sorted((match.start(), match[2]) for kind in (IMPORTED, PASSED_ON) for match in kind.finditer(text))
    for _, other in named:
        _visit(_resolved(place, other), order, (*way, place))
    order.append(place)


def _joined(place: str, order: list[str]) -> str:
    """A module as a function that is called at once: what it imports are its constants, and it returns its exports."""
    given: list[str] = []

    def name_of(other: str) -> str:
        return f"module{order.index(_resolved(place, other))}"

    def imported(match: re.Match[str]) -> str:
        names = [f"{name}: {own}" for name, own in _names(match[1] or "")]
        return f"const {{ {', '.join(names)} }} = {name_of(match[2])};" if names else ""

    def passed_on(match: re.Match[str]) -> str:
        other = name_of(match[2])
        given.extend(
            [f"...{other}"] if match[1] is None else [f"{own}: {other}.{name}" for name, own in _names(match[1])]
        )
        return ""

    def listed(match: re.Match[str]) -> str:
        given.extend(f"{own}: {name}" for name, own in _names(match[1]))
        return ""

    def declared(match: re.Match[str]) -> str:
        given.append(match[2])
        return match[1]

    text = _module(place)
    for kind, made in ((IMPORTED, imported), (PASSED_ON, passed_on), (LISTED, listed), (DECLARED, declared)):
        text = kind.sub(made, text)
    left = LEFT.search(text)
    if left is not None:
        raise ValueError(f"{place} imports or exports in a way that can't be joined: {left[0][:80]}")
    return f"const module{order.index(place)} = (() => {{ // {place}\n{text}\nreturn {{ {', '.join(given)} }};\n}})();"


def _names(listed: str) -> list[tuple[str, str]]:
    """Names in braces, each with the one behind `as`, or itself."""
    pairs = (part.split(" as ") for part in listed.split(",") if part.strip())
    return [(pair[0].strip(), pair[-1].strip()) for pair in pairs]


def _resolved(place: str, other: str) -> str:
    parts: list[str] = []
    for part in (PurePosixPath(place).parent / other).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)
