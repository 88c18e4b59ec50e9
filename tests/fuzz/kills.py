"""A kill -9 of one of several processes at any moment: all end in time and say who it was, and the run goes on.

`python -m tests.fuzz kills --cases 15` kills thirty.
"""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from tests.distributed import killed
from tests.fuzz.frame import Case, Fault, fuzzer


@cache
def undisturbed(processes: int) -> str:
    """The losses of a job that nobody disturbs."""
    folder = Path(tempfile.mkdtemp())
    try:
        status, err, _ = killed.launch(folder / "job", processes)
        if status:
            raise Fault(f"undisturbed, the job ends with {status}: {err}")
        return killed.result(folder / "job")
    finally:
        shutil.rmtree(folder)


@fuzzer("kill -9 of one of 2 to 4 processes that train together, twice", ci=1, limit=600)
def kills(case: Case) -> None:
    """Two kills of a job, each at a moment of its own; then to its end."""
    processes = case.rng.choice((2, 3, 4))
    for _ in range(2):
        begun = case.rng.random() < 0.7
        delay = case.rng.uniform(0, 2 if begun else 8)
        wrong = killed.tried(case.folder / "job", processes, case.rng.randrange(processes), delay, begun)
        if wrong:
            raise Fault(wrong)
    last = case.rng.choice((processes, processes, 1 + processes % 4))
    status, err, _ = killed.launch(case.folder / "job", last)
    if status:
        raise Fault(f"the job doesn't go on: {status}, {err}")
    losses, loss = killed.result(case.folder / "job").split()
    expected, near = undisturbed(processes).split()
    if last == processes and losses != expected:
        raise Fault(f"{processes} processes, killed twice, don't end as {processes} that weren't: {loss}, {near}")
    if abs(float(loss) / float(near) - 1) > 1e-3:
        raise Fault(f"gone on with by {last} processes instead of {processes}, the loss is {loss} and not {near}")
