"""Hyperparameters of layers, losses, metrics and penalties: declared with their range, checked when they are set."""

from __future__ import annotations

import dataclasses
from typing import Any

from backlit.settings import MISSING, check, finite, option

__all__ = ["above_zero", "at_least_zero", "below_one", "check", "finite", "option", "share", "short_repr", "whole"]


def whole(default: Any = MISSING) -> Any:
    """A whole number of at least 1."""
    return option(default, low=1, open_high=True, whole=True, words="a whole number of at least 1")


def below_one(default: Any = MISSING) -> Any:
    """A share of what is left out: from 0 to below 1."""
    return option(default, low=0.0, high=1.0, open_high=True, words="a number from 0 to below 1")


def share(default: Any = MISSING, most: float = 1.0, unit: str = "") -> Any:
    """A number from 0 to `most`."""
    words = f"a number from 0 to {most:g}" + (f" ({unit})" if unit else "")
    return option(default, unit=unit, low=0.0, high=most, words=words)


def above_zero(default: Any = MISSING) -> Any:
    """A finite number above zero."""
    return option(default, low=0.0, open_low=True, open_high=True, words="a finite number above 0")


def at_least_zero(default: Any = MISSING) -> Any:
    """A finite number, zero or above."""
    return option(default, low=0.0, open_high=True, words="a finite number of at least 0")


def short_repr(instance: Any) -> str:
    """A dataclass's repr with only what differs from the defaults: ``Linear(64)``."""
    shown = []
    positional = True
    for f in dataclasses.fields(instance):
        value = getattr(instance, f.name)
        if f.default is not dataclasses.MISSING:
            positional = False
            if isinstance(value, type(f.default)) and value == f.default:
                continue
        shown.append(repr(value) if positional else f"{f.name}={value!r}")
    return f"{type(instance).__name__}({', '.join(shown)})"
