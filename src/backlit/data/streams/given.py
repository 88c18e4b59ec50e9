"""What was given: a function, something that gives what it has but once, or a data set of another library."""

from __future__ import annotations

import functools
import inspect
from typing import Any

DATASETS = ("pyarrow.dataset", "pyarrow._dataset", "datasets")  # modules whose data sets are streams


def is_function(thing: Any) -> bool:
    """Whether it is a function, or part of one."""
    return inspect.isroutine(thing) or isinstance(thing, functools.partial)


def is_once(thing: Any) -> bool:
    """Whether it gives what it has but once."""
    return inspect.isgenerator(thing) or (hasattr(thing, "__next__") and hasattr(thing, "__iter__"))


def is_dataset(thing: Any) -> bool:
    """Whether it is a data set of pyarrow or Hugging Face, without importing either."""
    module = type(thing).__module__
    if not any(module == name or module.startswith((f"{name}.", f"{name}_")) for name in DATASETS):
        return False
    return hasattr(thing, "schema" if module.startswith("pyarrow") else "features")


def name_of(function: Any) -> str:
    """A function's name."""
    function = getattr(function, "func", function)
    return str(getattr(function, "__qualname__", type(function).__name__)).rpartition("<locals>.")[2]
