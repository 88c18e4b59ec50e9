"""What plain data must be, said by types: what a file holds is held to the annotations of the record that it becomes.

The same annotations that type checkers read are the schema of a run's files, so that each is declared once: dataclasses
and TypedDicts, with numbers, texts, lists and tables in them. Ranges are `backlit.settings`' business.
"""

from __future__ import annotations

import dataclasses
import json
import numbers
import types
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from backlit import bounds
from backlit.errors import LARGEST, InputError, shown, unknown

Number = float | None  # what can't be told, or isn't finite, is None


def fitted(kind: Any, data: Any, at: str = "") -> Any:
    """Plain data as a type asks for it.

    Parameters
    ----------
    kind : type
        int, float, str, bool, None, Any, Literal, unions, ``tuple[X, ...]``, ``dict[str, X]``, a TypedDict (other keys
        than its own may be there), or a class with ``from_dict``.
    data : plain data
        Lists become tuples where the type says so.
    at : str
        What it is, for messages: "classes/0/recall"; empty for the whole.

    Raises
    ------
    InputError
        If it is anything else; the message names the place, what was expected and got.

    Examples
    --------
    >>> fitted(tuple[float, ...], [1, 2.5], "shift")
    (1, 2.5)
    >>> fitted(dict[str, float | None], {"mae": "x"}, "scores")
    Traceback (most recent call last):
    backlit.errors.InputError: scores/mae must be a number or null, got 'x'
    """
    if kind is Any:
        return data
    if get_origin(kind) in (Union, types.UnionType):
        return _of_union(kind, data, at)
    if get_origin(kind) in (tuple, list, Sequence) and isinstance(data, (list, tuple)):
        return _of_list(kind, data, at)
    if is_typeddict(kind) and isinstance(data, Mapping):
        return _of_typed(kind, data, at)
    if get_origin(kind) in (dict, Mapping) and isinstance(data, Mapping):
        of = get_args(kind)[1]
        return {_text(key, at): fitted(of, value, _within(at, key)) for key, value in data.items()}
    if isinstance(kind, type) and hasattr(kind, "from_dict"):
        return _of_class(kind, data, at)
    if not _is(kind, data):
        raise _unfit(kind, data, at)
    return data


def parts(record: type[Any], data: Mapping[str, Any], what: str = "") -> dict[str, Any]:
    """The fields of a dataclass from plain data, each held to its annotation: what the class is called with.

    Raises
    ------
    InputError
        If one is of another type, isn't known, or is missing though it has no default.
    """
    what = what or record.__name__
    if not isinstance(data, Mapping):
        raise InputError(f"{what} must be a table, got {shown(data)}")
    known: Any = record
    kinds, needed = _fields(known)
    for name in data:
        if name not in kinds:
            raise unknown(f"part of {what}", name, kinds)
    for name in needed:
        if name not in data:
            raise InputError(f"{what} has no {name}")
    return {name: fitted(kinds[name], value, name) for name, value in data.items()}


def check_depth(data: Any) -> None:
    """Refuse plain data beyond the limit on nesting, of which a layer takes two: all else goes into it by recursion."""
    level = [data]
    for _ in range(2 * bounds.current().nesting):
        below = [part for node in level for part in (node.values() if isinstance(node, dict) else node)]
        level = [part for part in below if isinstance(part, (dict, list, tuple))]
        if not level:
            return
    raise InputError(bounds.beyond("nesting", "lists and tables are nested too deep"))


def words(kind: Any) -> str:
    """A type in a message."""
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(map(words, get_args(kind)))
    if get_origin(kind) is Literal:
        return " or ".join(map(repr, get_args(kind)))
    if get_origin(kind) in (tuple, list, Sequence):
        return "a list"
    known = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", type(None): "null"}
    return known.get(kind, "a table")


@cache
def _fields(record: type[Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The types of a dataclass's fields, and those without a default."""
    hints = get_type_hints(record)
    fields = [field for field in dataclasses.fields(record) if field.init]
    unset = dataclasses.MISSING
    needed = [field.name for field in fields if field.default is unset and field.default_factory is unset]
    return {field.name: hints[field.name] for field in fields}, tuple(needed)


_hints = cache(get_type_hints)


def _of_union(kind: Any, data: Any, at: str) -> Any:
    """By the first type that fits; where there is but one besides null, what it says is told."""
    if data is None and type(None) in get_args(kind):
        return None
    kinds = [each for each in get_args(kind) if each is not type(None)]
    for each in kinds:
        try:
            return fitted(each, data, at)
        except InputError:
            if len(kinds) == 1 and isinstance(data, (dict, list, tuple)):
                raise
    raise _unfit(kind, data, at)


def _of_list(kind: Any, data: Collection[Any], at: str) -> Any:
    of = get_args(kind)
    if get_origin(kind) is not tuple or (len(of) == 2 and of[1] is Ellipsis):
        return (list if get_origin(kind) is list else tuple)(
            [fitted(of[0], each, _within(at, place)) for place, each in enumerate(data)]
        )
    if len(of) != len(data):
        raise InputError(f"{at} must be a list of {len(of)}, got {len(data)}")
    return tuple([fitted(each, value, _within(at, i)) for i, (each, value) in enumerate(zip(of, data, strict=True))])


def _of_typed(kind: Any, data: Mapping[str, Any], at: str) -> dict[str, Any]:
    for name in sorted(kind.__required_keys__ - set(data)):
        raise InputError(f"{at or 'it'} has no {name}")
    hints = _hints(kind)
    return {name: fitted(hints.get(_text(name, at), Any), value, _within(at, name)) for name, value in data.items()}


def _of_class(kind: Any, data: Any, at: str) -> Any:
    if isinstance(data, kind):
        return data
    if not isinstance(data, Mapping):
        raise _unfit(kind, data, at)
    try:
        made = kind.from_dict(data)
    except InputError as error:
        raise InputError(f"{at}: {error}" if at else str(error)) from error
    if not isinstance(made, kind):
        raise InputError(f"{at} can't be {type(made).__name__}")
    return made


def _within(at: str, place: str | int) -> str:
    return f"{at}/{place}" if at else str(place)


def _unfit(kind: Any, data: Any, at: str) -> InputError:
    return InputError(f"{at or 'it'} must be {words(kind)}, got {shown(data)}")


def _is(kind: Any, data: Any) -> bool:
    """Whether a value is of a simple type; a whole number will do for a number, true and false for neither."""
    if get_origin(kind) is Literal:
        return any(data == each and type(data) is type(each) for each in get_args(kind))
    if kind in (int, float):
        number = isinstance(data, numbers.Integral if kind is int else numbers.Real) and not isinstance(data, bool)
        return number and not (isinstance(data, int) and abs(data) >= LARGEST)
    return isinstance(kind, type) and isinstance(data, kind)


def _text(key: Any, at: str) -> str:
    if not isinstance(key, str):
        raise InputError(f"{at}: a key must be a text, got {shown(key)}")
    return key


def parsed(content: bytes) -> Any:
    """Plain data of a JSON text, of bounded depth, in whose texts no half of a character stands.

    Raises
    ------
    ValueError
        If it isn't JSON, or too deep.
    """
    try:
        data = json.loads(content)
    except RecursionError:
        raise InputError(bounds.beyond("nesting", "lists and tables are nested too deep")) from None
    if isinstance(data, (dict, list)):
        check_depth(data)
    if b"\\ud" in content.lower():
        json.dumps(data, ensure_ascii=False).encode()
    return data
