"""What page and session say to each other: each message declared once, checked on both sides.

The page's copy, `page/protocol.js`, and the tables in docs/studio-protocol.md are written from here by
``python -m backlit.studio.declare``; a test holds both to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VERSION = 1
LONGEST_TEXT = 200_000  # characters of a text in a message
LONGEST_LIST = 20_000  # items of a list
MOST_FILE = 8 * 2**20  # bytes of a file that is sent

Kind = Literal["text", "number", "whole", "flag", "object", "list", "any"]
Direction = Literal["ask", "tell"]  # from the page to the session, and back


@dataclass(frozen=True)
class Field:
    """One part of a message.

    Attributes
    ----------
    name, kind, doc : str
    optional : bool
    low, high : float or None
        Bounds of a number; of a text or list those of its length.
    names : tuple of str
        What a text may be, if that is a few words.
    """

    name: str
    kind: Kind
    doc: str
    optional: bool = False
    low: float | None = None
    high: float | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class MessageKind:
    """One kind of message.

    Attributes
    ----------
    name : str
        Its `type`.
    direction : "ask" or "tell"
        From the page to the session, or back.
    doc : str
    fields : tuple of Field
    arrays : str
        What arrays it carries; then it is sent as a binary frame. Empty for none.
    """

    name: str
    direction: Direction
    doc: str
    fields: tuple[Field, ...] = ()
    arrays: str = ""


def text(name: str, doc: str, *names: str, optional: bool = False, most: int = 10_000) -> Field:
    """A text: of a few words, or of any up to a length."""
    return Field(name, "text", doc, optional, high=None if names else most, names=names)


def whole(name: str, doc: str, low: int = 0, high: int = 2**31 - 1, optional: bool = False) -> Field:
    """A whole number."""
    return Field(name, "whole", doc, optional, low, high)


def number(name: str, doc: str, low: float | None = None, high: float | None = None, optional: bool = False) -> Field:
    """A finite number."""
    return Field(name, "number", doc, optional, low, high)


def flag(name: str, doc: str, optional: bool = False) -> Field:
    """True or false."""
    return Field(name, "flag", doc, optional)


def thing(name: str, doc: str, optional: bool = False) -> Field:
    """An object, whose parts are held to their types by whoever takes it."""
    return Field(name, "object", doc, optional)


def several(name: str, doc: str, optional: bool = False, most: int = LONGEST_LIST) -> Field:
    """A list."""
    return Field(name, "list", doc, optional, high=most)


def anything(name: str, doc: str, optional: bool = False) -> Field:
    """Plain data of any kind."""
    return Field(name, "any", doc, optional)


COMMON = (whole("id", "number that the page gave its message; the reply carries it", optional=True),)


def wanted(field: Field) -> str:
    """What a field takes, in words."""
    if field.kind in ("number", "whole"):
        noun = "a whole number" if field.kind == "whole" else "a number"
        if field.low is not None and field.high is not None:
            return f"{noun} from {field.low:.15g} to {field.high:.15g}"
        return f"{noun} from {field.low:.15g}" if field.low is not None else noun
    if field.names:
        return " or ".join(field.names)
    if field.kind in ("text", "list"):
        unit = "characters" if field.kind == "text" else "items"
        return f"a {field.kind} of at most {field.high:.15g} {unit}"
    return {"flag": "true or false", "object": "an object", "any": "anything"}[field.kind]
