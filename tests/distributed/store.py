"""Processes as threads of one, which tell each other by a store of keys and values as JAX's is."""

import contextlib
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

from jax.errors import JaxRuntimeError

from backlit.distributed import joining, telling


class Store:
    """What of JAX's client is used."""

    def __init__(self):
        self.told, self.news = {}, threading.Condition()
        self.client = self

    def key_value_set(self, key, text):
        with self.news:
            if key in self.told:
                raise JaxRuntimeError(f"ALREADY_EXISTS: {key}")
            self.told[key] = text
            self.news.notify_all()

    def blocking_key_value_get(self, key, wait):
        with self.news:
            if not self.news.wait_for(lambda: key in self.told, wait / 1000):
                raise JaxRuntimeError("DEADLINE_EXCEEDED")
            return self.told[key]

    def key_value_try_get(self, key):
        return self.blocking_key_value_get(key, 0)

    def key_value_dir_get(self, parent):
        with self.news:
            return [(key, text) for key, text in self.told.items() if key.startswith(parent)]


def outcomes(monkeypatch, *works, slice_ms=20):
    """What the work of each of several processes returns, or its error as text."""
    here, store = threading.local(), Store()

    class Numbers:
        def __next__(self):
            return next(here.numbers)

    for owner in (telling, joining):
        monkeypatch.setattr(owner, "joined", lambda: store)
    monkeypatch.setattr(telling, "count", lambda: len(works))
    monkeypatch.setattr(telling, "index", lambda: here.index)
    monkeypatch.setattr(telling, "_numbers", Numbers())
    monkeypatch.setattr(telling, "_lock", contextlib.nullcontext())
    monkeypatch.setattr(telling, "SLICE_MS", slice_ms)

    def done(number):
        here.index, here.numbers = number, itertools.count()
        try:
            return works[number]()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            telling.tell_failure(str(error))
            return f"{type(error).__name__}: {error}"

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(done, range(len(works))))
