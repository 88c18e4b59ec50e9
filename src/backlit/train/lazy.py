"""Work that is put off until someone asks for its result, or that is done once for all who ask."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Generic, TypeVar

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


class MadeOnce(Generic[T]):
    """A class whose instances are kept for whoever asks for the same again.

    Parts without a hash, as a user's own may be, make a new one each time.

    Attributes
    ----------
    kept : callable
        The `functools.lru_cache` that holds them.

    Examples
    --------
    >>> point = MadeOnce(dict)
    >>> point(x=1) is point(x=1), point(x=[]) is point(x=[])
    (True, False)
    """

    def __init__(self, kind: Callable[..., T], size: int = 16) -> None:
        self._kind = kind
        self.kept = lru_cache(maxsize=size)(lambda parts: kind(**dict(parts)))

    def __call__(self, **parts: Any) -> T:
        key = tuple(parts.items())
        return self.kept(key) if _has_hash(key) else self._kind(**parts)


def _has_hash(key: Any) -> bool:
    try:
        hash(key)
    except TypeError:
        return False
    return True
