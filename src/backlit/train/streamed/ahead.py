"""A thread that makes the next thing while the last is used."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from backlit import bounds

T = TypeVar("T")
_END = object()
STEP = 0.1  # seconds
GRACE = 5.0  # seconds that a thing may take, whoever wants to end


class Ahead(Generic[T]):
    """What an iterator gives, made by a thread that is one thing ahead; an error is raised where its thing would come.

    Parameters
    ----------
    things : iterator
        Closed when this is.
    ahead : int
        How many may wait, beside the one that is being made.
    given_up : callable, optional
        ``given_up()``: whether nobody wants what doesn't come: a socket or a disk may block for ever.

    Attributes
    ----------
    gave_up : bool
        Whether it ended because of that.

    Examples
    --------
    >>> with Ahead(iter(range(3))) as numbers:
    ...     list(numbers)
    [0, 1, 2]
    """

    def __init__(self, things: Iterator[T], ahead: int = 1, given_up: Callable[[], bool] | None = None) -> None:
        self._waiting: queue.Queue[tuple[object, BaseException | None]] = queue.Queue(maxsize=ahead)
        self._closed = threading.Event()
        self._done = self.gave_up = False
        self._given_up = given_up
        held = bounds.current()
        self._thread = threading.Thread(target=self._make, args=(things, held), name="backlit-reads-ahead", daemon=True)
        self._thread.start()

    def _make(self, things: Iterator[T], held: bounds.Limits) -> None:
        bounds.hold(held)
        error: BaseException | None = None
        try:
            for thing in things:
                if not self._hand_over(thing, None):
                    return
        except BaseException as raised:  # noqa: BLE001 - told to whoever takes
            error = raised
        finally:
            if hasattr(things, "close"):
                with contextlib.suppress(Exception):
                    things.close()
        self._hand_over(_END, error)

    def _hand_over(self, thing: object, error: BaseException | None) -> bool:
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                self._waiting.put((thing, error), timeout=STEP)
                return True
        return False

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if self._done:
            raise StopIteration
        thing, error = self._next()
        if thing is _END:
            self._done = True
            if error is not None:
                raise error
            raise StopIteration
        return thing  # type: ignore[return-value]

    def _next(self) -> tuple[object, BaseException | None]:
        waited = 0.0
        while not self.gave_up:
            try:
                return self._waiting.get(timeout=STEP)
            except queue.Empty:
                waited += STEP
                self.gave_up = waited >= GRACE and self._given_up is not None and self._given_up()
        return _END, None

    def __enter__(self) -> Ahead[T]:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the thread end; what it holds is let go. One that a stream blocks is left behind."""
        self._closed.set()
        with contextlib.suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
        self._thread.join(GRACE)
