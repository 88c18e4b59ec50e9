"""Remedies in the code of other libraries: a module each, which tells for every finding what to write there.

Backlit's own stand with the findings. A line may ask for the finding's values; `DEFAULTS` has those that only some of a
finding's signs bring.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from backlit.errors import unknown

LIBRARIES = ("torch", "lightning", "keras", "sklearn")
DEFAULTS: Mapping[str, Any] = {
    "lower": 0.001, "better": 0.01, "start": 0.003, "steps": "len(loader) * epochs", "column": 0, "code": -999.0,
}  # fmt: skip


def code_in(library: str, name: str, values: Mapping[str, Any]) -> str:
    """What to change, as a line of a library's code.

    Parameters
    ----------
    library : "torch", "lightning", "keras" or "sklearn"
    name : str
        Of the finding, in English.
    values : dict
        The finding's.

    Examples
    --------
    >>> code_in("torch", "learning rate too high", {"lower": 0.001})
    'for group in optimizer.param_groups: group["lr"] = 0.001'
    """
    if library not in LIBRARIES:
        raise unknown("library", library, LIBRARIES)
    lines: dict[str, str] = importlib.import_module(f"{__name__}.{library}").CODE
    return lines[name].format_map({**DEFAULTS, **values})
