"""Engines: where the arrays live and who runs the program.

Both have the same few methods, so that whatever trains is written once: NumPy runs it at once, so that
every node can be looked at; XLA compiles it.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar

from backlit import distributed
from backlit.errors import InputError, unknown
from backlit.extras import IN_A_BROWSER, without_jax

P = ParamSpec("P")
R = TypeVar("R")
DEFAULT = "numpy" if IN_A_BROWSER else "xla"
Step = Callable[[Any, Any], tuple[Any, Any]]  # of a loop: (carry, x) -> (carry, y)


class Engine(Protocol):
    """What a training program needs of an engine."""

    name: str
    devices: int  # of all processes that it runs in together

    def put(self, value: Any, dtype: Any = None) -> Any:
        """The value as an array of this engine."""

    def put_shared(self, value: Any, axis: int) -> Any:
        """An array that is put together, along an axis, of equal parts that each process has."""

    def take_rows(self, array: Any, rows: Any) -> Any:
        """``array[rows]`` along the first axis; the row numbers are known to be valid."""

    def stack(self, arrays: list[Any]) -> Any:
        """Arrays of one shape along a new first axis."""

    def share(self, array: Any, axis: int = 0) -> Any:
        """The array, of which each device holds an equal part along an axis; what follows from a part is its work."""

    def everywhere(self, arrays: Any) -> Any:
        """A tree of arrays that each device holds whole."""

    def alone(self) -> Engine:
        """One of its devices, for what a map over all of them does on each."""

    def told(self, arrays: Any) -> Any:
        """A tree of results of a program that the host reads, at each process of several whole."""

    def divided(self, arrays: Any) -> Any:
        """A tree of arrays, of which each device holds an equal part where a shape allows it, and else the whole."""

    def put_divided(self, value: Any, dtype: Any = None, ahead: int = 0) -> Any:
        """The value as `divided` has it within a program; `ahead` axes in front of its shape are a map's."""

    def fetch(self, arrays: Any) -> Any:
        """A tree of arrays as NumPy arrays, whole, whoever holds which part."""

    def compile(self, f: Callable[P, R]) -> Callable[P, R]:
        """`f` of arrays and trees of arrays, ready to be called many times."""

    def scan(self, f: Step, carry: Any, xs: Any, reverse: bool = False) -> tuple[Any, Any]:
        """``carry, y = f(carry, x)`` along the first axis of `xs`, or back; the last carry and the stacked ys."""

    def loop(self, f: Step, carry: Any, count: Any, length: int) -> tuple[Any, Any]:
        """``carry, y = f(carry, i)`` for i in 0 … count - 1; ys stacked to `length`, of which `count` are filled."""

    def map(self, f: Callable[[Any], Any], mapped: Any) -> Any:
        """``f(part)`` for each part along the first axis of `mapped`; the results stacked."""


def get(name: str, devices: int = 1, together: bool = False) -> Engine:
    """The engine called "numpy" or "xla", on one device or several. The first never imports JAX.

    Its programs are this process's own, unless it is to work together with the other processes that have been joined:
    then on so many devices of each, and every process must run the same programs in the same order.

    Raises
    ------
    UnknownNameError
        If there is no such engine.
    InputError
        If it can't have so many devices, or be shared by processes, or needs JAX where there is none, or this process
        was forked from one in which XLA had run.
    """
    if name == "xla":
        _require_own_process()
    return _engine(name, devices, distributed.count() if together else 1)


_home: list[int] = []  # the process in which XLA's threads are, once there are any


def _require_own_process() -> None:
    """Refuse a process to which XLA's threads didn't come along: it would wait for them for ever."""
    if not _home:
        _home.append(os.getpid())
    if _home[0] != os.getpid():
        raise InputError(
            "this process was forked from one in which XLA had run, and has none of its threads: start it by "
            "multiprocessing.get_context('spawn') (joblib's own way will do), or train with engine='numpy'"
        )


@functools.cache
def _engine(name: str, devices: int, processes: int) -> Engine:
    if name == "numpy":
        if processes > 1:
            raise InputError(
                f"the numpy engine computes in one process, and this is one of {processes}: use engine='xla', or set "
                "BACKLIT_PROCESSES=1 to train in each by itself"
            )
        if devices > 1:
            raise InputError(f"devices={devices}: the numpy engine computes on one; use engine='xla'")
        from backlit.engine.numpy import NumpyEngine

        return NumpyEngine()
    if name == "xla":
        try:
            from backlit.engine.xla import XlaEngine
        except ModuleNotFoundError as error:
            raise without_jax("engine='xla'", error) from error
        return XlaEngine(devices, processes)
    raise unknown("engine", name, ("numpy", "xla"))
