"""How much is unpacked, nested, decoded or built of what others made: declared here alone, raised by who means it.

A small file can ask for more memory than any machine has: two megabytes of gzip hold four gigabytes, ten characters a
layer of ten billion units. Whoever does what a file asks for asks `require` first.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from backlit.errors import InputError
from backlit.settings import Record, build, count, declared, option

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?(?:e[0-9]{1,2})?)([kmgt]?)b?", re.IGNORECASE)
TIMES = 20  # what a compressed file may grow to, whatever the limit: tables shrink to a fifth or a tenth


@dataclass(frozen=True, repr=False)
class Limits(Record):
    """The limits, by name.

    Parameters
    ----------
    unpacked : int
        Bytes that a compressed file may unpack to; one that unpacks to no more than 20 times its size may anyway.
    text : int
        Characters of one text: a cell, or a text file.
    header : int
        Bytes of a table's first line.
    columns : int
        Columns of a table.
    cells : int
        Cells of a table that are filled in where the file leaves them out, and values of arrays and spreadsheets.
    nesting : int
        Levels of JSON, and of layers in layers.
    pixels : int
        Of a picture that is decoded.
    parameters : int
        Weights of a network.
    layers : int
        Of a network.
    values : int
        Numbers that an example has before or after a layer, in a network that is read from a file.
    memory : int
        Bytes of data that are held in memory: a larger file (or array mapped from one) is read as a stream.
    """

    unpacked: int = count(128 * 10**6, help="Bytes that a compressed file may unpack to")
    text: int = count(100 * 10**6, help="Characters of one text: a cell, or a text file")
    header: int = count(4 * 10**6, help="Bytes of a table's first line")
    columns: int = count(100_000, help="Columns of a table")
    cells: int = count(10 * 10**6, help="Cells that a sparse table or a spreadsheet is written out to")
    nesting: int = option(100, low=1, high=500, whole=True, help="Levels of JSON, and of layers in layers")
    pixels: int = count(1 << 26, help="Pixels of a picture")
    parameters: int = count(500 * 10**6, help="Weights of a network")
    layers: int = count(2000, help="Layers of a network")
    values: int = count(1 << 24, help="Numbers of one example within a network that is read from a file")
    memory: int = count(10**9, help="Bytes of a data file that is held in memory; a larger one is read as a stream")


_current: ContextVar[Limits] = ContextVar("limits", default=Limits())  # noqa: B039 (frozen)


def current() -> Limits:
    """The limits that hold here.

    >>> current().nesting
    100
    """
    return _current.get()


@contextlib.contextmanager
def limits(**changes: int) -> Iterator[Limits]:
    """Other limits for what is read, decoded or built within: a file that is larger than usual is meant to be.

    Parameters
    ----------
    unpacked : int
        Bytes that a compressed file may unpack to; one that unpacks to no more than 20 times its size may anyway.
    text, header : int
        Characters of one text, a cell or a text file; bytes of a table's first line.
    columns, cells : int
        Columns of a table; cells that a sparse table or a spreadsheet is written out to.
    nesting : int
        Levels of JSON, and of layers in layers.
    pixels : int
        Of a picture that is decoded.
    parameters, layers, values : int
        Of a network; numbers of one example within one that is read from a file.
    memory : int
        Bytes of data that are held in memory; more is read as a stream.

    Raises
    ------
    InputError
        If there is no such limit, or one isn't a whole number above zero.

    Examples
    --------
    >>> import backlit as bl
    >>> with bl.limits(pixels=10**9) as held:
    ...     held.pixels, held.nesting
    (1000000000, 100)
    """
    values = {name: getattr(current(), name) for name in declared(Limits)}
    token = _current.set(build(Limits, {**values, **changes}, "bl.limits"))
    try:
        yield current()
    finally:
        _current.reset(token)


def hold(held: Limits) -> None:
    """Let limits hold in a thread of one's own, which begins without any that were raised."""
    _current.set(held)


def require(name: str, amount: float, what: str, least: float = 0) -> None:
    """Refuse what is beyond a limit.

    Parameters
    ----------
    name : str
        Of the limit.
    amount : float
        How much it would be.
    what : str
        What would be so much, with its verb: "bomb.csv.gz unpacks to".
    least : float
        What is allowed however low the limit is.

    Raises
    ------
    InputError
        With the limit, and how it is raised.

    Examples
    --------
    >>> require("pixels", 10**6, "it has")
    >>> require("pixels", 10**9, "it has")
    Traceback (most recent call last):
    backlit.errors.InputError: it has 1,000,000,000 pixels, the limit is 67,108,864; if it is meant to be so large, raise it: --limit pixels=1000000000 (in Python: with bl.limits(pixels=1000000000))
    """  # noqa: E501
    if amount > max(getattr(current(), name), least):
        raise InputError(beyond(name, f"{what} {amount:,.0f} {NOUNS[name]}", int(amount)))


def beyond(name: str, what: str, enough: int | None = None) -> str:
    """The message for what is beyond a limit: what it is, the limit, and how it is raised.

    Parameters
    ----------
    name : str
        Of the limit.
    what : str
        "it has more than 10 pixels".
    enough : int, optional
        A limit that is high enough, where that is known.
    """
    limit, allowed = getattr(current(), name), declared(Limits)[name].range
    high = enough or 10 * limit
    if allowed is not None and high > allowed.high:
        return f"{what}, the limit is {limit:,}; --limit {name}={allowed.high:g} is the highest there is"
    return (
        f"{what}, the limit is {limit:,}; if it is meant to be so large, raise it: --limit {name}={high} "
        f"(in Python: with bl.limits({name}={high}))"
    )


NOUNS = {
    "unpacked": "bytes", "text": "characters", "header": "bytes", "columns": "columns", "cells": "cells",
    "nesting": "levels", "pixels": "pixels", "parameters": "weights", "layers": "layers", "values": "numbers",
    "memory": "bytes",
}  # fmt: skip


def named(words: Sequence[str]) -> Mapping[str, Any]:
    """Limits as they are typed.

    >>> named(["pixels=1e9", "unpacked=2.5GB"])
    {'pixels': 1000000000, 'unpacked': 2500000000}

    Raises
    ------
    InputError
        If one isn't a limit's name, "=" and a size; the nearest name is told.
    """
    pairs = [part.partition("=") for word in words for part in word.split(",")]
    sizes: dict[str, int] = {}
    for name, _, size in pairs:
        match = SIZE.fullmatch(size.strip().replace("_", ""))
        if match is None:
            known = ", ".join(declared(Limits))
            raise InputError(f"--limit {name}={size}: expected one such as unpacked=2GB or pixels=1e9; known: {known}")
        sizes[name.strip()] = round(float(match[1]) * UNITS[match[2].lower()])
    build(Limits, sizes, "--limit")
    return sizes
