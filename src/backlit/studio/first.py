"""What a new session says first, kept on disk: a page has its first picture while Python still imports what makes it.

It is a conversation of a session that nobody has touched, as its own answers were; the page asks the session itself
once it is there, which says the same.
"""

from __future__ import annotations

import base64
import contextlib
import json
from pathlib import Path

from backlit._version import __version__
from backlit.engine.cache import pictures_folder
from backlit.studio.protocol import VERSION

PACKAGE = Path(__file__).parents[1]
ASKED = (
    {"type": "hello", "version": VERSION},
    {"type": "look", "panels": ["boundary", "units", "weights", "curves"], "grid": 60},
)


def place() -> Path | None:
    """Where it is kept; None if nothing is to be."""
    beside = pictures_folder()
    return None if beside is None else beside.parent / f"studio-{__version__}.json"


def known() -> list[str | bytes]:
    """The messages of another time: JSON as a str, frames as bytes; none if there was no other time."""
    file = place()
    if file is None:
        return []
    try:
        told = json.loads(file.read_text("utf-8"))
        return [part if isinstance(part, str) else base64.b64decode(part[0], validate=True) for part in told]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def keep() -> None:
    """Ask a session of its own, and keep what it says; nothing, where what is kept is still what it would say."""
    file = place()
    if file is None or (known() and _after_all_code(file)):
        return
    from backlit.files import writing
    from backlit.studio.alone import Alone
    from backlit.studio.wire import to_json

    said = list[str | bytes]()
    alone = Alone(said.append)
    for message in ASKED:
        alone.hear(to_json(message))
    alone.turn()
    text = json.dumps([part if isinstance(part, str) else [base64.b64encode(part).decode()] for part in said])
    with contextlib.suppress(OSError):  # it takes a moment longer the next time
        file.parent.mkdir(parents=True, exist_ok=True)
        with writing(file) as beside:
            beside.write_text(text, "utf-8")


def _after_all_code(file: Path) -> bool:
    """Whether a file was written after Backlit's own: the version alone doesn't tell, where that is worked on."""
    written = file.stat().st_mtime
    return all(code.stat().st_mtime < written for code in PACKAGE.rglob("*.py"))
