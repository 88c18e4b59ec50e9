"""Work that is put off until someone asks for its result, or that is done once for all who ask."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")


class Lazy:
    """A result that is worked out when it is first asked for; what it was worked out from is let go then.

    Examples
    --------
    >>> answer = Lazy(lambda: print("at work") or 42)
    >>> answer(), answer()
    at work
    (42, 42)
    """

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work: Callable[[], Any] | None = work
        self._result: Any = None

    def __call__(self) -> Any:
        if self._work is not None:
            self._result = self._work()
            self._work = None
        return self._result


def now(thing: Any) -> Any:
    """The thing itself, or the result of a `Lazy`."""
    return thing() if isinstance(thing, Lazy) else thing


def made_once(kind: type[T], **parts: Any) -> T:
    """``kind(**parts)``, kept for whoever asks for the same; made anew where a part has no hash, as a user's own may.

    >>> made_once(dict, a=1) is made_once(dict, a=1), made_once(dict, a=[]) is made_once(dict, a=[])
    (True, False)
    """
    key: Any = tuple(parts.items())
    try:
        hash(key)
    except TypeError:
        return kind(**parts)
    made: T = _made(kind, key)
    return made


@lru_cache(maxsize=32)
def _made(kind: Callable[..., Any], parts: tuple[tuple[str, Any], ...]) -> Any:
    return kind(**dict(parts))
