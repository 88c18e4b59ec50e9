"""One rule for whatever files and options call by name: a name belongs to whoever took it first."""

from __future__ import annotations

from typing import Any, TypeVar

from backlit.errors import InputError

T = TypeVar("T")
OWN = "backlit."  # what the modules of Backlit's own begin with


def register(known: dict[str, T], name: str, thing: T, what: str) -> None:
    """Add a class or function to those that are known by name.

    Whatever is saved tells its parts by name, so that a second one of a name would be loaded in place of the first.
    Only the very same one may be defined again, as a cell of a notebook that is run again does: the one of the same
    module and qualified name. It takes the place of the one before.

    Parameters
    ----------
    known : dict
        By name; changed in place.
    name : str
    thing : class or function
    what : str
        What it is, for messages: "layer".

    Raises
    ------
    InputError
        If the name is taken; the message says by whom.

    Examples
    --------
    >>> known = {"Linear": dict}
    >>> register(known, "Linear", int, "layer")
    Traceback (most recent call last):
    backlit.errors.InputError: layer 'Linear' is defined already, in builtins (dict); choose another name
    """
    holder = known.get(name, thing)
    if _home(holder) != _home(thing):
        module, place = _home(holder)
        if module.startswith(OWN):
            raise InputError(f"{what} {name!r} is one of Backlit's own, in {module}; choose another name")
        raise InputError(f"{what} {name!r} is defined already, in {module} ({place}); choose another name")
    known[name] = thing


def _home(thing: Any) -> tuple[str, str]:
    """Module and qualified name, of an object without them those of its class."""
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    return str(named.__module__), str(named.__qualname__)
