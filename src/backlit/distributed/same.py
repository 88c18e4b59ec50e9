"""Whether all processes do the same: what differs would end in numbers that no process alone would have come to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from backlit.distributed.telling import agreed, gathered
from backlit.distributed.world import is_first
from backlit.errors import InputError, shown

T = TypeVar("T", bound=Callable[..., Any])

IN_MEMORY = re.compile(r" at 0x[0-9a-fA-F]+")  # of a function in its repr: another in each process
DATA = "data"  # told as a fingerprint, which nobody wants to read


def check_same(told: Mapping[str, Any]) -> None:
    """Compare what each process is about to do with what the first one is.

    Parameters
    ----------
    told : mapping
        Plain data by name; what "data" stands for is compared, and not shown.

    Raises
    ------
    InputError
        At every process, if something differs; the message names process, option and both values.

    Examples
    --------
    >>> check_same({"epochs": 3})
    """
    everyone = gathered({name: IN_MEMORY.sub("", json.dumps(value, default=str)) for name, value in told.items()})
    first = everyone[0]
    for number, other in enumerate(everyone):
        for name, here in first.items():
            there = other.get(name)
            if there == here:
                continue
            if name == DATA:
                raise InputError(
                    f"process {number} trains on other data than process 0 (inputs, targets, weights and held-out rows "
                    "count): give every process the same file, and the same seed to what is drawn"
                )
            values = f"{shown(_read(there))} at process {number}, {shown(_read(here))} at process 0"
            raise InputError(f"{name} is {values}: start every process with the same options")


def decided(callbacks: Sequence[T]) -> tuple[T, ...]:
    """The first process's functions, at it; elsewhere as many that do nothing, since but the first one's are called.

    So a script may give them at the first process alone: what depends on whether there are any is the same at all.

    Examples
    --------
    >>> decided([print]) == (print,)
    True
    """
    many = agreed(len(callbacks))
    return tuple(callbacks) if is_first() else (_nothing,) * many  # type: ignore[return-value]


def _nothing(*given: Any) -> None:
    """Stands for a function of the first process's."""


def _read(text: str | None) -> Any:
    return None if text is None else json.loads(text)
