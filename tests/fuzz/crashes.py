"""A crash, or an error, at every file operation of training: the folder stays whole, and goes on bit for bit.

Whatever the process asks the system for while it writes a run is counted: files opened for writing, what is put on the
disk, moved, removed. At one of these it is told that it can't be done; or it is killed there, after half of what it
wanted to write: then nothing that it still tries has any effect.
"""

import contextlib
import errno
import io
import os
from functools import cache
from pathlib import Path
from unittest import mock

import numpy as np

import backlit as bl
from backlit.errors import BacklitError
from tests.fuzz.frame import Case, Fault, fuzzer

X = np.arange(24.0).reshape(12, 2) % 5
Y = X[:, 0] - X[:, 1]
OPERATIONS = (
    (os, "replace"),
    (os, "fsync"),
    (os, "unlink"),
    (os, "mkdir"),
    (io, "open"),
    (Path, "write_bytes"),
    (os, "rename"),
)


class Killed(BaseException):
    """The end of the process, as it would see it if it could."""


def train(folder: Path | None, **more: object) -> bl.Run:
    """Four epochs, written after each."""
    network = bl.Sequential(bl.Linear(3), bl.Tanh(), bl.Dropout(0.1), bl.Linear(1))
    return bl.fit(
        network,
        X,
        Y,
        epochs=4,
        batch_size=5,
        engine="numpy",
        checkpoint=folder,
        checkpoint_every=1,
        progress=False,
        **more,
    )


@contextlib.contextmanager
def operations(at: int, how: str):
    """Count them, and fail at one (the `at`-th, from 0)."""
    count = [0]

    def interposed(module: object, name: str):
        real = getattr(module, name)

        def operation(*arguments: object, **named: object):
            writes = name != "open" or any(mark in str((*arguments[1:], *named.values())) for mark in "wax+")
            if not writes:
                return real(*arguments, **named)
            count[0] += 1
            if count[0] - 1 < at or at < 0:
                return real(*arguments, **named)
            if count[0] - 1 == at and how == "kill":
                if name == "write_bytes":
                    real(arguments[0], arguments[1][: len(arguments[1]) // 2])
                raise Killed
            if count[0] - 1 == at or how == "kill":
                raise OSError(errno.ENOSPC if how == "full" else errno.EIO, "it can't be done", "interposed")
            return real(*arguments, **named)

        return mock.patch.object(module, name, operation)

    with contextlib.ExitStack() as stack:
        for module, name in OPERATIONS:
            stack.enter_context(interposed(module, name))
        yield count


@cache
def weights() -> list[bytes]:
    """What training comes to when nothing happens."""
    return _weights(train(None))


def _weights(run: bl.Run) -> list[bytes]:
    from backlit.graph import tree

    return [np.asarray(leaf).tobytes() for leaf in tree.flatten(run.network.params)[0]]


@fuzzer("a crash or an error at every file operation", ci=25)
def crashes(case: Case) -> None:
    rng, folder = case.rng, case.folder / "run"
    overwritten = rng.random() < 0.3
    if overwritten:
        train(folder, seed=7)
    at, how = rng.randrange(75), rng.choice(["kill", "kill", "kill", "full", "broken"])
    case.tried.append(f"{how} at operation {at}, {'over another run' if overwritten else 'in a new folder'}")
    try:
        with operations(at, how) as count:
            train(folder, overwrite=overwritten)
        case.ended["worked"] += 1
        if count[0] > at and how != "kill":
            case.ended["went on beside it"] += 1
    except Killed:
        case.ended["killed"] += 1
    except (OSError, BacklitError):
        case.ended["failed"] += 1
    whole = (folder / "network.json").exists()
    if whole:
        bl.load(folder)
    elif overwritten:
        raise Fault("the run that was there is gone")
    ours = whole and bl.load(folder).settings["seed"] == 0
    run = train(folder, resume=ours, overwrite=whole and not ours)
    if _weights(run) != weights():
        raise Fault("gone on with, it isn't the same to the bit")
    if _weights(bl.load(folder)) != weights():
        raise Fault("what is in the folder isn't what was trained")
