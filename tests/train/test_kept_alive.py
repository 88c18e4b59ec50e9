"""What a finished run holds on to."""

import gc
import weakref

import numpy as np
import pytest

import backlit as bl
from backlit.train import fit as module
from tests.train.common import blobs, mlp


@pytest.fixture
def jobs(monkeypatch):
    """Weak references to the jobs, and to the arrays that they put on the device."""
    seen = []
    prepare = module.prepare

    def noted(*args):
        job = prepare(*args)
        seen.extend([weakref.ref(job), weakref.ref(job.data["x"]), weakref.ref(job.data["y"])])
        return job

    monkeypatch.setattr(module, "prepare", noted)
    return seen


def alive(references):
    gc.collect()
    return [reference() is not None for reference in references]


def test_nothing_on_the_device_but_the_states_that_are_looked_at(jobs):
    x, y = blobs()
    run = bl.fit(mlp(), x, y, epochs=2, validation=0.2)
    assert alive(jobs) == [False] * 3  # although neither its start nor its last look were asked for
    assert run.start["data"]["rows"] == 96
    assert len(run.probes) >= 1


def test_prepared_rows_are_let_go_once_they_were_looked_at():
    rows = 300
    x = np.random.default_rng(0).normal(size=(rows, 4))  # float64: the run trains on a copy

    class Copied:
        def apply(self, raw):
            made = np.asarray(raw, dtype="float32")
            copies.append(weakref.ref(made))
            return made

    copies = []
    run = bl.fit(bl.Linear(1), x, x[:, 0], epochs=1, preparation=Copied())
    assert any(alive(copies))
    assert run.start
    assert run.probes
    assert not any(alive(copies))
    assert run.recipe.x is x  # the user's own, no copy
