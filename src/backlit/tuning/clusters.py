"""Places where trials are trained: processes of this machine, or a cluster that is there already."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

from backlit.errors import InputError
from backlit.extras import need

WAIT = 15  # seconds for a cluster to answer
ENVIRONMENT = ("BACKLIT_JOINED", "BACKLIT_COORDINATOR", "BACKLIT_PROCESS", "BACKLIT_PROCESSES")


@contextlib.contextmanager
def placed(backend: str, address: str | None = None, workers: int | None = None) -> Iterator[Any]:
    """Workers for a search, which are let go when it ends.

    Parameters
    ----------
    backend : "here", "ray" or "dask"
    address : str, optional
        Of a cluster that is there; left out, a local one is begun, and ended.
    workers : int, optional
        Processes on this machine, where it is they that are begun.

    Raises
    ------
    InputError
        If the library isn't installed, or the cluster doesn't answer.
    """
    made = {"here": _processes, "ray": _ray, "dask": _dask}[backend]
    if backend == "here" and address is not None:
        raise InputError(f"address {address!r} is a cluster's: say which, backend='ray' or 'dask' (--backend)")
    with made(address, workers) as place:
        yield place


class Shared:
    """Stands for what each process got when it began."""


def _never() -> bool:
    """What workers are asked that can't be told anything on the way."""
    return False


def _stopped() -> bool:
    """Asked in a process: whether it is to end what it does."""
    return "stop" in _given and _given["stop"].is_set()


_given: dict[str, Any] = {}  # what a process that works got when it began


class Processes:
    """Processes of this machine, each with an interpreter of its own. They begin with the first call."""

    asked = staticmethod(_stopped)

    def __init__(self, slots: int, stack: contextlib.ExitStack) -> None:
        self.slots, self._stack = slots, stack
        self._context = multiprocessing.get_context("spawn")
        self._stop = self._context.Event()
        self._value: Any = None
        self._executor: ProcessPoolExecutor | None = None

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Have a function called in one of them."""
        if self._executor is None:
            self._executor = self._stack.enter_context(
                ProcessPoolExecutor(self.slots, self._context, _begin, (self._stop, self._value))
            )
        return self._executor.submit(_with_shared, function, *args)

    def share(self, value: Any) -> Any:
        """What stands for the value: it goes to each process once, as it begins."""
        if self._executor is not None:
            raise RuntimeError("the processes have begun")
        self._value = value
        return Shared()

    def stop(self) -> None:
        """Have them end what they do."""
        self._stop.set()


def _begin(stop: Any, value: Any) -> None:
    """Ctrl-C is for the process that searches, which tells the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _given.update(stop=stop, value=value)


def _with_shared(function: Callable[..., Any], *args: Any) -> Any:
    return function(*(_given["value"] if isinstance(arg, Shared) else arg for arg in args))


@contextlib.contextmanager
def _processes(address: str | None, workers: int | None) -> Iterator[Processes]:
    del address
    slots = workers or os.cpu_count() or 1
    with _alone(), contextlib.ExitStack() as stack:
        yield Processes(slots, stack)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Children that are begun inside don't take themselves for processes of a job."""
    before = {name: os.environ.pop(name) for name in ENVIRONMENT if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(before)


class Ray:
    """Workers of a Ray cluster."""

    asked = staticmethod(_never)

    def __init__(self, ray: Any, slots: int) -> None:
        self.ray, self.slots = ray, slots
        self.called = ray.remote(num_cpus=1)(_call)

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Have a function called by one of them."""
        future: Future[Any] = self.called.remote(function, *args).future()
        return future

    def share(self, value: Any) -> Any:
        """A reference to the value in the cluster's memory."""
        return self.ray.put(value)

    def stop(self) -> None:
        """Nothing: what they do now, they do to its end."""


def _call(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


@contextlib.contextmanager
def _ray(address: str | None, workers: int | None) -> Iterator[Ray]:
    ray = need("ray", extra="ray", why="tuning on a Ray cluster")
    begun = not ray.is_initialized()
    if begun:
        local = {"num_cpus": workers, "include_dashboard": False} if address is None else {"address": address}
        try:
            if address is not None:
                _knock(address)
            with warnings.catch_warnings():  # what it forks runs another program at once
                warnings.filterwarnings("ignore", r"os\.fork", RuntimeWarning)
                ray.init(**local, log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise InputError(_unreachable("Ray", address, error)) from error
    try:
        yield Ray(ray, max(1, int(ray.cluster_resources().get("CPU", 1))))
    finally:
        if begun:
            ray.shutdown()


def _knock(address: str) -> None:
    """See whether anyone listens at "ray://host:port" or "host:port": Ray itself asks for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), WAIT).close()


class Dask:
    """Workers of a Dask cluster."""

    asked = staticmethod(_never)

    def __init__(self, client: Any) -> None:
        self.client = client
        self.slots = max(1, sum(client.nthreads().values()))
        self.executor = client.get_executor(pure=False)

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Have a function called by one of them."""
        future: Future[Any] = self.executor.submit(function, *args)
        return future

    def share(self, value: Any) -> Any:
        """A reference to the value, which each worker has."""
        return self.client.scatter(value, broadcast=True, hash=False)

    def stop(self) -> None:
        """Nothing: what they do now, they do to its end."""


@contextlib.contextmanager
def _dask(address: str | None, workers: int | None) -> Iterator[Dask]:
    distributed = need("distributed", extra="dask", why="tuning on a Dask cluster")
    slots = workers or os.cpu_count() or 1
    with contextlib.ExitStack() as stack:
        try:
            if address is None:
                cluster = stack.enter_context(
                    distributed.LocalCluster(
                        n_workers=slots, threads_per_worker=1, processes=True, dashboard_address=None
                    )
                )
            else:
                cluster = address
            client = stack.enter_context(distributed.Client(cluster, timeout=WAIT, set_as_default=False))
        except (OSError, TimeoutError, ValueError) as error:
            raise InputError(_unreachable("Dask", address, error)) from error
        if not client.nthreads():
            raise InputError(f"the Dask cluster at {address} has no workers: start some, dask worker {address}")
        yield Dask(client)


def _unreachable(kind: str, address: str | None, error: Exception) -> str:
    lines = f"{error}".strip().splitlines()
    why = lines[0] if lines else type(error).__name__
    where = "a local cluster can't be begun" if address is None else f"no cluster answers at {address}"
    return f"{kind}: {where} ({why}); check --address, and that it runs and is reachable from here"
