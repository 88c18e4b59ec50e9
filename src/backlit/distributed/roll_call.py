"""Who is there, before JAX joins the processes: what doesn't fit is told in words, to all.

JAX's runtime ends a process on the spot if its coordinator's port is taken, its address is wrong, a number is given
twice or a process is missing. So each first says over the same address, in one line, who it is; the first process says
whether all are there, and frees the address for JAX.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import selectors
import socket
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NoReturn

from backlit._version import __version__
from backlit.distributed.places import SHARED, Place
from backlit.errors import DistributedWarning, InputError

NEWS = 5.0  # seconds of waiting before it is told, and then ten times as long each time
LONGEST = 4096  # bytes of a line
PAUSE = 0.2  # seconds between two attempts
MOST = 64  # connections, besides one a process, that are heard at once: the oldest that says nothing must go
NAMED = 8  # numbers of missing processes that are told: the answer is one line
SPOKEN = 10.0  # seconds for the answer once all are there or time is up
PACKAGES = ("jax", "jaxlib", "numpy")


def answered(place: Place, wait: float) -> None:
    """Wait until all processes have told who they are.

    Parameters
    ----------
    place : Place
        Of this process, with its coordinator.
    wait : float
        Seconds.

    Raises
    ------
    InputError
        At every process that is there: if one isn't in time, if numbers are given twice or differ in how many there
        are, if versions differ; at the first process if the address is not its own or is taken.
    """
    if place.process == 0:
        _call(place, wait)
    else:
        _report(place, wait)


def facts(place: Place) -> dict[str, Any]:
    """What a process says of itself."""
    versions = {"backlit": __version__}
    for name in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            versions[name] = version(name)
    return {"process": place.process, "processes": place.processes, "host": platform.node(), "versions": versions}


@dataclass(eq=False)
class _Desk:
    """Where the first process takes the others' reports.

    Attributes
    ----------
    own : dict
        Its own facts.
    lines : dict
        Of each connection, what has come of its line.
    said : dict
        Of each connection whose line is whole, what it says.
    """

    own: dict[str, Any]
    lines: dict[socket.socket, bytes] = field(default_factory=dict)
    said: dict[socket.socket, dict[str, Any]] = field(default_factory=dict)

    def missing(self) -> list[int]:
        """Numbers that haven't come."""
        come = {report["process"] for report in self.said.values()}
        return [number for number in range(1, self.own["processes"]) if number not in come]

    def surplus(self) -> list[socket.socket]:
        """Connections that have said nothing whole, and are forgotten since there are too many: the oldest."""
        silent = [each for each in self.lines if each not in self.said]
        gone = silent[: max(0, len(self.lines) + 1 - self.own["processes"] - MOST)]
        for each in gone:
            del self.lines[each]
        return gone

    def hear(self, connection: socket.socket) -> str | None:
        """Take in a part of a line; what is wrong, if something is. Who isn't one of us, or is gone, is forgotten."""
        data = b""
        with contextlib.suppress(OSError):
            data = connection.recv(LONGEST)
        line = self.lines[connection] = self.lines[connection] + data
        whole = line.endswith(b"\n")
        report = _read(line) if whole else None
        if not data or len(line) > LONGEST or (whole and report is None):
            self.said.pop(connection, None)
            del self.lines[connection]
            return None
        if report is None:
            return None
        before = next((each for each in self.said.values() if each["process"] == report["process"]), None)
        self.said[connection] = report
        if before is None:
            return conflict(self.own, report)
        return (
            f"process number {report['process']} is given twice, on {before['host']} and {report['host']}: each "
            "process needs a number of its own"
        )

    def answer(self, text: str) -> None:
        """Tell all who are there how it went; nothing if all is well."""
        for connection in self.lines:
            with contextlib.suppress(OSError):
                connection.sendall(json.dumps({"wrong": text}).encode() + b"\n")
            connection.close()


def conflict(own: dict[str, Any], other: dict[str, Any]) -> str | None:
    """What doesn't fit between the first process and another one, by what they say of themselves."""
    number, count = other["process"], own["processes"]
    if other["processes"] != count:
        return f"process {number} (on {other['host']}) is one of {other['processes']}, process 0 one of {count}"
    if not 0 < number < count:
        taken = "is process 0's own" if number == 0 else f"is none of {count}, which are 0 to {count - 1}"
        return f"a process on {other['host']} has number {number}, which {taken}: each needs a number of its own"
    for name, here in own["versions"].items():
        there = other["versions"].get(name)
        if there != here:
            return (
                f"process {number} (on {other['host']}) has {name} {there}, process 0 (on {own['host']}) has {here}: "
                "install the same version everywhere"
            )
    return None


def _call(place: Place, wait: float) -> None:
    """Take the others' reports, and answer them."""
    desk = _Desk(facts(place))
    news = _News(f"process 0 of {place.processes} at {place.coordinator}")
    wrong = None
    with _listening(place) as server, selectors.DefaultSelector() as selector:
        selector.register(server, selectors.EVENT_READ)
        deadline = time.monotonic() + wait
        while desk.missing() and wrong is None:
            for key, _ in selector.select(PAUSE):
                connection: Any = key.fileobj
                if connection is server:
                    try:
                        connection, _ = server.accept()
                    except OSError:  # it is gone again
                        continue
                    connection.setblocking(False)
                    for silent in desk.surplus():
                        selector.unregister(silent)
                        silent.close()
                    desk.lines[connection] = b""
                    selector.register(connection, selectors.EVENT_READ)
                    continue
                wrong = wrong or desk.hear(connection)
                if connection not in desk.lines:
                    selector.unregister(connection)
                    connection.close()
            names = _listed(desk.missing())
            if wrong is None and names and time.monotonic() > deadline:
                wrong = (
                    f"process {names} of {place.processes} didn't come to {place.coordinator} within {wait:g} s: "
                    "look at how it was started, and whether its machine reaches that address"
                )
            news.tell(f"waits for {len(desk.missing())} of them: {names}")
        desk.answer(wrong or "")
    if wrong is not None:
        raise InputError(wrong)


def _listed(numbers: list[int]) -> str:
    """Numbers in words: the first of them, and how many more.

    Examples
    --------
    >>> _listed([1, 3]), _listed([*range(1, 20)])
    ('1, 3', '1, 2, 3, 4, 5, 6, 7, 8 and 11 more')
    """
    more = len(numbers) - NAMED
    return ", ".join(map(str, numbers[:NAMED])) + (f" and {more} more" if more > 0 else "")


def _report(place: Place, wait: float) -> None:
    """Tell the first process who this one is, and hear whether all is well."""
    host, port = address(place)
    line = json.dumps(facts(place)).encode() + b"\n"
    name = f"process {place.process} of {place.processes}"
    news, deadline, last = _News(name), time.monotonic() + wait, "nobody listens there"
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((host, port), timeout=max(PAUSE, deadline - time.monotonic())) as connection:
                connection.sendall(line)
                connection.settimeout(max(PAUSE, deadline - time.monotonic()) + SPOKEN)
                answer = _read(connection.makefile("rb").readline(LONGEST))
            if answer is not None and answer.get("wrong") == "":
                return
            if answer is not None and "wrong" in answer:
                raise InputError(str(answer["wrong"]))
            last = "it gave no answer"
        except OSError as error:
            last = error.strerror or str(error)
        news.tell(f"waits for process 0 at {place.coordinator}")
        time.sleep(PAUSE)
    raise InputError(
        f"{name} found no process 0 at {place.coordinator} within {wait:g} s ({last}): look at the address, and "
        "whether process 0 has been started"
    )


def _read(line: bytes) -> dict[str, Any] | None:
    """What a line says, if it is one of ours."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):  # as of "[[[[…"
        return None
    if not isinstance(told, dict):
        return None
    whole = all(isinstance(told.get(name), int) for name in ("process", "processes"))
    report = whole and isinstance(told.get("versions"), dict) and isinstance(told.get("host"), str)
    return told if report or "wrong" in told else None


def address(place: Place) -> tuple[str, int]:
    """Host and port of the coordinator."""
    host, _, port = str(place.coordinator).rpartition(":")
    return host.strip("[]"), int(port)


@contextlib.contextmanager
def _listening(place: Place) -> Iterator[socket.socket]:
    """A socket at the coordinator's port: of the machine's own address if that is the coordinator's, else of all."""
    host, port = address(place)
    own = place.is_own
    several = not own and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if several or ":" in host else socket.AF_INET
    try:
        server = socket.create_server(
            (host if own else "", port),
            family=family,
            reuse_port=SHARED in os.environ,
            dualstack_ipv6=several,
        )
    except OSError as error:
        _refuse(place, error)
    with server:
        yield server


def _refuse(place: Place, error: OSError) -> NoReturn:
    if error.errno == errno.EADDRINUSE:
        raise InputError(f"{place.coordinator}: another program has this port: choose another one") from error
    raise InputError(
        f"process 0 can't listen at {place.coordinator} ({error.strerror or error}): give an address of the machine "
        "that it runs on"
    ) from error


@dataclass(eq=False)
class _News:
    """Tells now and then that one waits."""

    name: str
    since: float = field(default_factory=time.monotonic)
    next: float = field(default_factory=lambda: NEWS)

    def tell(self, what: str) -> None:
        """Tell it, if it is time."""
        waited = time.monotonic() - self.since
        if waited > self.next:
            self.next *= 10
            warnings.warn(f"{self.name} {what}", DistributedWarning, stacklevel=2)
