"""The parent of several processes of one command: it starts them, hands on signals, and ends all once one has failed.

A worker that waits for another inside XLA hears nothing, so it is the parent that ends it.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backlit import interrupts
from backlit.cli import process
from backlit.cli.launching.child import LAST
from backlit.cli.launching.inherited import PARENT, STREAMS
from backlit.cli.launching.verdict import FAILED, LINE, NOISE, OTHERS, Ending, verdict
from backlit.distributed.places import COORDINATOR, JOINED, LOOPBACK, PROCESS, PROCESSES, SHARED, found
from backlit.errors import InputError

MOST = 1024  # processes on one machine
KEPT = 2**16  # characters of what a process wrote that are kept for the end
TICK = 0.05  # seconds between two looks
SETTLE = 2.0  # seconds after the first failure in which others may tell its cause
SAME = 5.0  # seconds in which process 0 tells of the same wrong input as another process did
FAREWELL = 60.0  # seconds that the others have once process 0 is done; of a script, if it is to end


@dataclass(eq=False)
class Worker:
    """One of the processes."""

    number: int
    process: subprocess.Popen[bytes]
    spoke: bool
    texts: dict[int, bytearray]
    ended: float | None = None

    def poll(self) -> int | None:
        """Its exit status, once it has ended."""
        code = self.process.poll()
        if code is not None and self.ended is None:
            self.ended = time.monotonic()
        return code

    def ending(self) -> Ending:
        """How it ended."""
        native, told = (text.decode(errors="replace") for text in self.texts.values())
        return Ending(self.number, self.process.returncode, self.spoke, told, native)


@dataclass(eq=False)
class Job:
    """Processes that run the same command together.

    Parameters
    ----------
    command : words
    processes : int or None
        How many train together, if it is known.
    numbers : iterable of int
        Of those that are started here. The first of them has the user's terminal: its output is shown as it is, and
        signals go to it.
    script : bool
        Whether it is a script of the user's, which may have programs write to standard output. In a command of
        Backlit's only Gloo does so beside it.
    """

    command: Sequence[str]
    processes: int | None
    numbers: Iterable[int]
    script: bool = False
    workers: list[Worker] = field(default_factory=list, init=False)
    _pipes: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector, init=False)
    _killed: set[int] = field(default_factory=set, init=False)
    _noisy: bool = field(default=False, init=False)
    _begun: bytes = field(default=b"", init=False)

    def run(self) -> tuple[int, str]:
        """Run the command to its end; its exit status, and what is to be said of it."""
        with interrupts.held() as asked, contextlib.ExitStack() as stack:
            port = stack.enter_context(reserved()) if len(list(self.numbers)) == self.processes else None
            alive, ours = os.pipe()
            stack.callback(os.close, ours)  # at the latest when this process is gone, whose end the others so hear of
            stack.callback(self._kill)
            for number in self.numbers:
                told = dict(os.environ) if port is None else environment(number, self.processes or 1, port)
                self._start(number, alive, told)
            os.close(alive)
            self._watch(asked)
            if asked():
                return self.workers[0].process.returncode or interrupts.status() or 0, ""
            endings = sorted((each for each in self.workers if each.number not in self._killed), key=_when)
            judged = verdict([each.ending() for each in endings], self.processes)
            if self._killed and not judged.status:
                names = ", ".join(map(str, sorted(self._killed)))
                return FAILED, f"process {names} still ran {FAREWELL:g} s after process 0 had ended, and was stopped"
            return judged.status, judged.message

    def _start(self, number: int, alive: int, told: Mapping[str, str]) -> None:
        first = not self.workers
        native, native_end = os.pipe()
        speech, speech_end = (-1, os.dup(2)) if first else os.pipe()
        kept, out, numbers = [native_end, speech_end], None, {STREAMS[2]: str(speech_end)}
        if first and not self.script:
            kept.append(os.dup(1))
            out, numbers[STREAMS[1]] = native_end, str(kept[-1])
        worker = subprocess.Popen(
            self.command,
            stdin=None if first else subprocess.DEVNULL,
            stdout=out if first else subprocess.DEVNULL,
            stderr=native_end,
            pass_fds=(alive, *kept[1:]),
            env={**told, PARENT: str(alive), **numbers},
            process_group=None if first else 0,  # Ctrl-C in a terminal reaches the first, which tells the others
        )
        for end in kept:
            os.close(end)
        texts = {native: bytearray(), speech: bytearray()}
        for pipe, text in texts.items():
            if pipe >= 0:
                self._pipes.register(pipe, selectors.EVENT_READ, (first, text))
        self.workers.append(Worker(number, worker, first, texts))

    def _watch(self, asked: Callable[[], bool]) -> None:
        """Wait until all have ended; those that are in the way of it are ended."""
        handed = False
        while [each for each in self.workers if each.poll() is None]:
            self._read(TICK)
            if asked() and not handed:
                handed = True
                with contextlib.suppress(ProcessLookupError):
                    self.workers[0].process.send_signal((interrupts.status() or 130) - 128)
            if time.monotonic() > self._until(handed):
                self._kill()
        while self._pipes.get_map() and self._read(0):
            pass

    def _until(self, asked: bool) -> float:
        """Until when those that still run are let be."""
        ended = [each for each in self.workers if each.ended is not None]
        ends = [float("inf")]
        for each in ended:
            code, since = each.process.returncode, each.ended or 0.0
            if each is self.workers[0]:
                patience = float("inf") if self.script and not asked else FAREWELL
                ends.append(since + (patience if code == 0 else 0.0 if code > 0 and not asked else SETTLE))
            elif code and not asked:
                ends.append(since + (SAME if code == 2 else SETTLE))
        return min(ends)

    def _read(self, wait: float) -> bool:
        """Take in what has been written; whether something was."""
        ready = self._pipes.select(wait)
        for key, _ in ready:
            first, text = key.data
            data = os.read(key.fd, KEPT)
            if not data:
                if first and self._begun:
                    self._pass_on(b"\n")
                self._pipes.unregister(key.fd)
                os.close(key.fd)
                continue
            text += data
            del text[:-KEPT]
            if first:
                self._pass_on(data)
            elif process.debugging():
                sys.stderr.write(data.decode(errors="replace"))
                sys.stderr.flush()
        return bool(ready)

    def _pass_on(self, data: bytes) -> None:
        """Show what process 0's libraries and children write, up to XLA's account of how it lost others."""
        *whole, self._begun = (self._begun + data).split(b"\n")
        for line in (f"{text.decode(errors='replace')}\n" for text in whole):
            about_others = LINE.match(line) is not None and any(word in line for word in NOISE)
            self._noisy = self._noisy or about_others
            if process.debugging() or not (self._noisy or line.startswith((OTHERS, LAST))):
                sys.stderr.write(line)
        sys.stderr.flush()

    def _kill(self) -> None:
        for each in self.workers:
            if each.process.poll() is None:
                self._killed.add(each.number)
                if not each.spoke:  # with what it has started, in a group of its own
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(each.process.pid, signal.SIGKILL)
                each.process.kill()
        for each in self.workers:
            each.process.wait()


def _when(worker: Worker) -> Any:
    return worker.ended


@contextlib.contextmanager
def reserved() -> Iterator[int]:
    """A free port of this machine's own address, which nobody else gets as long as the block lasts.

    The coordinator may still listen on it: both say that they share it.
    """
    with socket.socket() as reserving:
        reserving.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserving.bind((LOOPBACK, 0))
        yield reserving.getsockname()[1]


def environment(number: int, count: int, port: int, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """A process's environment: the given one, its place, and its share of cores and of graphics cards."""
    share = str(max(1, cores() // count))
    threads = {name: share for name in ("NPROC", "OMP_NUM_THREADS", process.THREADS) if name not in given}
    shown = cards(given)
    if len(shown) >= count:
        each = len(shown) // count
        threads["CUDA_VISIBLE_DEVICES"] = ",".join(shown[number * each : (number + 1) * each])
    place = {COORDINATOR: f"{LOOPBACK}:{port}", PROCESS: str(number), PROCESSES: str(count), SHARED: "1"}
    return {**{name: value for name, value in given.items() if name != JOINED}, **place, **threads}


def cards(given: Mapping[str, str]) -> list[str]:
    """Graphics cards that processes may share out among themselves; none where they are to compute without."""
    if given.get("JAX_PLATFORMS", "").startswith("cpu"):
        return []
    told = given.get("CUDA_VISIBLE_DEVICES")
    if told is not None:
        return [name for name in told.split(",") if name.strip()]
    there = Path("/proc/driver/nvidia/gpus")
    return [str(number) for number, _ in enumerate(there.iterdir())] if there.is_dir() else []


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_processes(count: int, given: Mapping[str, str] = os.environ) -> None:
    """Refuse a number of processes that can't be started here.

    Raises
    ------
    InputError
        If the number is out of range, another launcher has started this process already, or the system can't.
    """
    if not 1 <= count <= MOST:
        raise InputError(f"--processes must be from 1 to {MOST}, got {count}")
    if given.get(PROCESSES, "").strip() == "1":
        raise InputError(f"--processes {count}: {PROCESSES}=1 keeps this process on its own: unset it")
    if PROCESSES in given:
        raise InputError(
            f"--processes {count}: this is one of {given[PROCESSES]} processes already ({PROCESSES} is set): leave "
            "--processes out, or unset the variable"
        )
    place = found(given)
    if place is not None:
        raise InputError(
            f"--processes {count}: this is a process that {place.launcher} has started among others: leave "
            f"--processes out, or let {place.launcher} start one process alone"
        )
    if not hasattr(os, "fork"):
        raise InputError(f"--processes {count}: several processes need Linux or macOS")
