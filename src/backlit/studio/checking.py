"""Whether a message is one that the studio's protocol declares."""

from __future__ import annotations

import math
from typing import Any

from backlit.errors import InputError, shown, unknown
from backlit.studio.messages import MESSAGES
from backlit.studio.protocol import COMMON, Direction, Field, wanted


def check(message: Any, direction: Direction) -> dict[str, Any]:
    """The message, if it is one of those that are declared; whole numbers in it become ints, however they were written.

    Parameters
    ----------
    message : object
        As JSON was read, or a frame's header.
    direction : "ask" or "tell"

    Raises
    ------
    InputError
        If its type isn't known, a part is missing, unknown, of another kind or out of its bounds.

    Examples
    --------
    >>> check({"type": "seek", "update": 12}, "ask")
    {'type': 'seek', 'update': 12}
    >>> check({"type": "seek", "update": 40.0}, "ask")
    {'type': 'seek', 'update': 40}
    >>> check({"type": "seek", "update": -1}, "ask")
    Traceback (most recent call last):
    backlit.errors.InputError: seek: update must be a whole number from 0 to 2147483647, got -1
    """
    if not isinstance(message, dict):
        raise InputError(f"a message must be an object with a type, got {shown(message)}")
    known = MESSAGES[direction]
    name = message.get("type")
    if not isinstance(name, str) or name not in known:
        raise unknown("message", name, known)
    fields = {field.name: field for field in (*COMMON, *known[name].fields)}
    for key in message:
        if key not in fields and key not in ("type", "arrays"):
            raise unknown(f"part of {name}", key, fields)
    for field in fields.values():
        if field.name not in message or message[field.name] is None:
            if not field.optional:
                raise InputError(f"{name}: {field.name} is missing: {field.doc}")
        elif not fits(field, message[field.name]):
            raise InputError(f"{name}: {field.name} must be {wanted(field)}, got {shown(message[field.name])}")
    whole = [name for name, field in fields.items() if field.kind == "whole" and isinstance(message.get(name), float)]
    return {**message, **{name: int(message[name]) for name in whole}}


def fits(field: Field, value: Any) -> bool:
    """Whether a value is of a field's kind and within its bounds."""
    low, high = field.low, field.high
    if field.kind in ("number", "whole"):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            return False
        whole_enough = field.kind == "number" or float(value).is_integer()
        return whole_enough and (low is None or value >= low) and (high is None or value <= high)
    if field.kind == "text":
        return isinstance(value, str) and (value in field.names if field.names else len(value) <= (high or math.inf))
    if field.kind == "list":
        return isinstance(value, (list, tuple)) and len(value) <= (high or math.inf)
    kinds = {"flag": bool, "object": dict, "any": object}
    return isinstance(value, kinds[field.kind])
