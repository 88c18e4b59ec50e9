"""Work that is put off until someone asks for its result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Later:
    """A result that is worked out when it is first asked for; what it was worked out from is let go then.

    Examples
    --------
    >>> later = Later(lambda: print("at work") or 42)
    >>> later(), later()
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
    """The thing itself, or the result of a `Later`."""
    return thing() if isinstance(thing, Later) else thing
