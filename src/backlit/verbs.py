"""Methods whose work is done in a room above.

A network can be handed to PyTorch and drawn in a notebook, but `nn` imports neither formats nor drawings. Such a method
names the function that does its work, which is imported when it is first called. `tests/test_verbs.py` looks up all.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import MethodType
from typing import Any


class Verb:
    """A method that calls ``function(self, ...)`` of another module: see `verb`."""

    def __init__(self, place: str, doc: str) -> None:
        self.place = place
        self.__doc__ = doc

    @property
    def function(self) -> Callable[..., Any]:
        """What is called, imported now."""
        module, _, name = self.place.partition(":")
        return getattr(importlib.import_module(module), name)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self.function, instance)


def verb(place: str, doc: str) -> Any:
    """A method whose work is done by a function of a room above.

    Parameters
    ----------
    place : str
        Module and function: "backlit.exchange.torch:to_torch".
    doc : str
        What it does, in a sentence.

    Examples
    --------
    >>> class Word(str):
    ...     wrapped = verb("textwrap:wrap", "The word in pieces.")
    >>> Word("multilayer").wrapped(5)
    ['multi', 'layer']
    """
    return Verb(place, doc)
