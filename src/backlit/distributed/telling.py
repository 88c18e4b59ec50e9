"""What all processes know: short messages by way of the coordinator's store of keys and values.

The store rather than a sum over devices, since nothing is compiled for it, a process that waits for a slow one takes no
processor time, and a wait ends when another process has failed. A message takes 0.3 ms on one machine.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

from backlit import errors
from backlit.distributed.world import alone, count, index, joined

T = TypeVar("T")

SLICE_MS = 1000  # of waiting, between which Ctrl-C is heard and failures of others are looked for
SWEEP = 256  # messages after which the old ones are cleared away
PIECE = 2**20  # bytes of a file in one message
FAILED = "backlit/failed"
PARTED = "backlit/parted"
TOGETHER = "every process must run the same lines in the same order"

_numbers = itertools.count()  # the processes send the same messages in the same order
_askings = itertools.count()
_lock = threading.Lock()


def agreed(value: T) -> T:
    """The first process's value, at every process.

    Parameters
    ----------
    value : plain data
        Numbers, strings, booleans, None, lists, and dicts of them with strings for keys. What the others give is
        ignored.

    Returns
    -------
    plain data
        A copy; with one process the value itself.

    Raises
    ------
    ProcessError
        If another process has failed meanwhile.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.distributed.agreed({"epochs": 3})
    {'epochs': 3}
    """
    if count() == 1:
        return value
    with _lock:
        key = _next("agreed")
        if index() == 0:
            return json.loads(_put(key, value))
        return json.loads(_wait(key))


def gathered(value: T) -> list[T]:
    """The value of each process, in the order of their numbers, at every process.

    Parameters
    ----------
    value : plain data
        As for `agreed`.

    Returns
    -------
    list

    Raises
    ------
    ProcessError
        If another process has failed meanwhile.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.distributed.gathered("here")
    ['here']
    """
    if count() == 1:
        return [value]
    with _lock:
        key = _next("gathered")
        if index() > 0:
            _put(f"{key}/{index()}", value)
            return json.loads(_wait(f"{key}/all"))
        values = [value, *(json.loads(_wait(f"{key}/{other}")) for other in range(1, count()))]
        return json.loads(_put(f"{key}/all", values))


def barrier(name: str) -> None:
    """Wait until every process is here.

    Parameters
    ----------
    name : str
        Of the place, the same at all.

    Raises
    ------
    InputError
        If another process waits at another place.
    ProcessError
        If another process has failed meanwhile.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.distributed.barrier("files are written")
    """
    names = gathered(name)
    for other, there in enumerate(names):
        if there != name:
            raise errors.InputError(f"process {index()} waits at {name!r}, process {other} at {there!r}: {TOGETHER}")


def once(work: Callable[[], T]) -> T:
    """What `work` returns, which the first process does by itself; the others wait for it.

    Parameters
    ----------
    work : callable
        Of files, clocks, or functions of the user's; it returns plain data. In it there is but one process, so that it
        may train or predict.

    Returns
    -------
    plain data
        As for `agreed`.

    Raises
    ------
    BacklitError
        At every process, if the work raised one.
    ProcessError
        At the others, if it raised anything else.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.distributed.once(lambda: 6 * 7)
    42
    """
    if count() == 1:
        return work()
    if index() == 0:
        try:
            with alone():
                value = work()
        except BaseException as error:
            agreed({"error": type(error).__name__, "text": str(error)})
            raise
        return agreed({"value": value})["value"]
    told: dict[str, Any] = agreed({})
    if "error" in told:
        raise _error(told["error"], told["text"])
    return told["value"]


def heard(asked: Callable[[], bool]) -> Callable[[], bool]:
    """Whether any process has been asked to end: `asked()` tells it of this one, the answer is the same at all.

    Each process makes its own at the same place, and calls it as often as the others.

    Examples
    --------
    >>> ended = heard(lambda: True)
    >>> ended()
    True
    """
    if count() == 1:
        return asked
    place = f"backlit/asked/{next(_askings)}"
    told = False

    def answer() -> bool:
        nonlocal told
        here = asked()
        if here and not told and index() > 0:
            told = True
            _put(f"{place}/{index()}", None)
        return agreed(here or (index() == 0 and bool(_client().key_value_dir_get(place))))

    return answer


def handed(read: Callable[[], bytes]) -> bytes:
    """The bytes that the first process reads, at every process: those of a file that the others may not see.

    Examples
    --------
    >>> handed(lambda: b"contents")
    b'contents'
    """
    if count() == 1:
        return read()
    contents = b""

    def length() -> int:
        nonlocal contents
        contents = read()
        return len(contents)

    pieces = range(0, once(length), PIECE)
    with _lock:
        key = _next("handed")
        if index() == 0:
            for start in pieces:
                _client().key_value_set_bytes(f"{key}/{start}", contents[start : start + PIECE])
            _put(f"{key}/all", None)
            return contents
        _wait(f"{key}/all")
        return b"".join(_client().blocking_key_value_get_bytes(f"{key}/{start}", 60 * SLICE_MS) for start in pieces)


def shared(contents: bytes) -> list[bytes]:
    """The bytes of each process, in the order of their numbers, at every process.

    Examples
    --------
    >>> shared(b"here")
    [b'here']
    """
    if count() == 1:
        return [contents]
    lengths = gathered(len(contents))
    with _lock:
        key = _next("shared")
        for start in range(0, len(contents), PIECE):
            _client().key_value_set_bytes(f"{key}/{index()}/{start}", contents[start : start + PIECE])
        _put(f"{key}/{index()}/all", None)
        found = []
        for other, length in enumerate(lengths):
            _wait(f"{key}/{other}/all")
            places = [f"{key}/{other}/{start}" for start in range(0, length, PIECE)]
            found.append(b"".join(_client().blocking_key_value_get_bytes(place, 60 * SLICE_MS) for place in places))
        return found


def part() -> None:
    """Wait until every process has come to its end."""
    me = index()
    _put(f"{PARTED}/{me}", None)
    if me > 0:
        _wait(f"{PARTED}/all")
        return
    for other in range(1, count()):
        _wait(f"{PARTED}/{other}")
    _put(f"{PARTED}/all", None)


def _error(name: str, text: str) -> errors.BacklitError:
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, errors.BacklitError):
        return kind(text)
    return errors.ProcessError(f"process 0 failed: {name}: {text}")


def _client() -> Any:
    return getattr(joined(), "client", None)


def _next(kind: str) -> str:
    """The next message's key; now and then the old ones are deleted, when all have read them."""
    number = next(_numbers)
    sweep, place = divmod(number, SWEEP)
    if place == 0 and sweep > 0:
        here = f"backlit/swept/{sweep}"
        _put(f"{here}/{index()}", None)
        for other in range(count()) if index() == 0 else ():
            _wait(f"{here}/{other}")
        if index() == 0:
            for old in (f"backlit/{sweep - 1}/", f"backlit/swept/{sweep - 1}/"):
                _client().key_value_delete(old)
    return f"backlit/{sweep}/{number}/{kind} in {_place()}"


def _place() -> str:
    """Where a message is sent from: file and line of Backlit's, or of a script the word, whose lines may differ."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back
    name = "" if frame is None else str(frame.f_globals.get("__name__"))
    if frame is None or not name.startswith("backlit."):
        return "the script"
    return f"{name}:{frame.f_lineno}"


def _put(key: str, value: Any) -> str:
    text = json.dumps(value, default=_plain)
    _client().key_value_set(key, text)
    return text


def _plain(value: Any) -> Any:
    """A number of NumPy's as Python's."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"only plain data can be told to other processes, got {type(value).__name__}")


def _wait(key: str) -> str:
    """What a key tells, as soon as it does.

    Raises
    ------
    ProcessError
        If another process has failed, or has come to its end, where this one waits.
    InputError
        If another process is elsewhere in the program.
    """
    waits = False
    while (text := _heard(key)) is None:
        told, parting = failure(), key.startswith(PARTED)
        if told is not None and not (parting and told["process"] == index()):  # who went on after its own is orderly
            raise errors.ProcessError(f"process {told['process']} failed: {told['text']}")
        if parting:
            continue
        _check_place(key, waits)
        waits = True
    return text


def _check_place(key: str, known: bool) -> None:
    """Refuse to wait for who is elsewhere; the others see where this one waits."""
    _, sweep, number, here, *_ = key.split("/")
    if not sweep.isdecimal():
        return
    parent = f"backlit/{sweep}/{number}"
    if not known:
        _put(f"{parent}/{here}/waits/{index()}", None)
    elsewhere = {other.split("/")[3] for other, _ in _client().key_value_dir_get(f"{parent}/")} - {here}
    if elsewhere:
        raise errors.InputError(
            f"process {index()} waits at {here!r}, another one is at {min(elsewhere)!r}: {TOGETHER}"
        )
    gone = [name.rpartition("/")[2] for name, _ in _client().key_value_dir_get(f"{PARTED}/")]
    if gone and _heard(key) is None:  # it may have told this one just before
        raise errors.ProcessError(
            f"process {gone[0]} has come to its end, and process {index()} still waits for it at {here!r}: {TOGETHER}"
        )


def _heard(key: str) -> str | None:
    """What a key tells, if it does within a slice of time."""
    from jax.errors import JaxRuntimeError

    try:
        return str(_client().blocking_key_value_get(key, SLICE_MS))
    except JaxRuntimeError as error:
        if "DEADLINE_EXCEEDED" in str(error):
            return None
        raise errors.ProcessError(_lost(error)) from error


def _lost(error: Exception) -> str:
    return f"process {index()} has lost the others: {str(error).splitlines()[0]}"


def failure() -> dict[str, Any] | None:
    """What a process that failed has told, if one has: its number and what happened."""
    from jax.errors import JaxRuntimeError

    try:
        return json.loads(_client().key_value_try_get(FAILED))
    except JaxRuntimeError:
        return None


def tell_failure(text: str) -> None:
    """Tell the others that this process has failed, so that they don't wait for it; the first to tell is heard."""
    from jax.errors import JaxRuntimeError

    with contextlib.suppress(JaxRuntimeError):
        _put(FAILED, {"process": index(), "text": text})
