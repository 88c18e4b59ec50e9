"""Whether all processes do the same: what differs would end in numbers that no process alone would have come to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from backlit.distributed.telling import gathered
from backlit.errors import InputError, shown

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
    everyone = gathered({name: json.dumps(value, default=str) for name, value in told.items()})
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


def _read(text: str | None) -> Any:
    return None if text is None else json.loads(text)
