"""Plain functions listened to: whoever calls them, under whatever name, is answered as ever, and the call is told.

A module has hooks; a function such as ``F.cross_entropy`` has none, and the name by which a loop calls it may be a
local variable, which nobody else can set. What all names share is the function's code. It is exchanged for a call of
`answer`, and put back afterwards.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

from backlit.errors import InputError

Told = Callable[[tuple[Any, ...], dict[str, Any], Any], None]

_LISTENING: dict[str, Listener] = {}
_KEY = "the listener's key"


class Listener:
    """Listens to calls of a function until `close`.

    Parameters
    ----------
    function : function
        Written in Python; of a ``functools.partial`` or a method the function inside.
    before, told : callable
        The one gets arguments and named arguments before each call, the other also the result after it.

    Raises
    ------
    InputError
        If the function isn't Python's own, or is listened to already.

    Examples
    --------
    >>> def double(x): return 2 * x
    >>> calls = []
    >>> listener = Listener(double, lambda *_: None, lambda args, kwargs, value: calls.append((args, value)))
    >>> double(4), listener.close(), double(5), calls
    (8, None, 10, [((4,), 8)])
    """

    def __init__(self, function: Any, before: Callable[[tuple[Any, ...], dict[str, Any]], None], told: Told) -> None:
        self.function = _inside(function)
        self.before, self.told = before, told
        code = self.function.__code__
        if "answer" in code.co_names and "backlit.watching.intercept" in code.co_names:
            raise InputError(f"{self.function.__name__} is being watched already: leave the other bl.watch first")
        self._code = code
        self.original = types.FunctionType(
            code, self.function.__globals__, self.function.__name__, self.function.__defaults__,
            self.function.__closure__,
        )  # fmt: skip
        self.original.__kwdefaults__ = self.function.__kwdefaults__
        self._key = f"{id(self):x}"
        _LISTENING[self._key] = self
        constants = tuple(self._key if constant == _KEY else constant for constant in _stand_in.__code__.co_consts)
        self.function.__code__ = _stand_in.__code__.replace(
            co_consts=constants, co_freevars=code.co_freevars, co_name=code.co_name
        )

    def close(self) -> None:
        """Put the function's own code back."""
        if _LISTENING.pop(self._key, None) is not None:
            self.function.__code__ = self._code


def answer(key: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What the function would have answered; the call is told to its listener."""
    listener = _LISTENING[key]
    listener.before(args, kwargs)
    value = listener.original(*args, **kwargs)
    listener.told(args, kwargs, value)
    return value


def _stand_in(*args: Any, **kwargs: Any) -> Any:
    from backlit.watching.intercept import answer

    return answer("the listener's key", args, kwargs)


def _inside(function: Any) -> types.FunctionType:
    while isinstance(function, (functools.partial, types.MethodType)):
        function = function.func if isinstance(function, functools.partial) else function.__func__
    if not isinstance(function, types.FunctionType):
        raise InputError(
            f"the loss must be a torch module or a function written in Python, got {function!r}; wrap it: "
            "def loss_fn(output, target): return ..."
        )
    return function
