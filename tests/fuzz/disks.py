"""Disks that are full, and streams that take nothing: what was there stays, and the command says so."""

import contextlib
import os
import resource
import subprocess
import sys
from pathlib import Path

from tests.fuzz.frame import UNEXPECTED, Case, Fault, fuzzer
from tests.fuzz.runs import QUICK, copy_of_run, lay_out

WORK = (
    ["train", "t.csv", "--target", "kind", *QUICK, "--out", "new"],
    ["train", "t.csv", "--target", "kind", *QUICK, "--out", "run", "--overwrite"],
    ["predict", "run", "t.csv", "--out", "out.csv"],
    ["predict", "run", "t.csv", "--out", "out.parquet"],
    ["explain", "x + y", "x=1", "y=2", "--draw", "out.svg"],
    ["show", "run", "--draw", "out.svg"],
)


@contextlib.contextmanager
def disk(size: int):
    """Files can't grow beyond a size: what a full disk looks like to who writes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@fuzzer("full disks", ci=12, limit=40)
def full_disks(case: Case) -> None:
    import backlit as bl

    lay_out(case.folder)
    copy_of_run(case, "classes")
    out, words = b"what was there", case.rng.choice(WORK)
    for name in ("out.csv", "out.parquet", "out.svg"):
        Path(name).write_bytes(out)
    with disk(case.rng.choice([0, 1, 100, 512, 1000, 3000, 10_000])):
        ended = case.command(*words)
    bl.load("run")
    for name in ("out.csv", "out.parquet", "out.svg"):
        if ended.status and Path(name).read_bytes() != out:
            raise Fault(f"{name} isn't what was there")


ODD = ("/dev/full", "closed", "a pipe that nobody reads")


@fuzzer("streams that are closed or full", ci=4, limit=60)
def streams(case: Case) -> None:
    rng = case.rng
    lay_out(case.folder)
    copy_of_run(case, "classes")
    words = rng.choice(
        [
            ["show", "run"],
            ["explain", "x*x", "x=2"],
            ["evaluate", "run", "t.csv"],
            ["predict", "run", "t.csv"],
            ["--version"],
            ["--help"],
            ["train", "--help"],
            ["show", "nothing"],
            ["compare", "run"],
        ]
    )
    out, err = rng.choice([(rng.choice(ODD), "kept"), ("kept", rng.choice(ODD)), (rng.choice(ODD), rng.choice(ODD))])
    redirection = {"/dev/full": "{}>/dev/full", "closed": "{}>&-", "kept": "{}>kept{}", ODD[2]: "{}>&9"}
    shell = "exec {} {} {}".format("{}", redirection[out].format(1, 1), redirection[err].format(2, 2))
    reader, writer = os.pipe()
    os.close(reader)
    case.tried.append(f"backlit {words}: standard output {out}, standard error {err}")
    done = subprocess.run(
        ["bash", "-c", f"exec 9>&{writer}; " + shell.format('"$@"'), "-", sys.executable, "-m", "backlit", *words],
        pass_fds=[writer],
        check=False,
        timeout=60,
    )
    os.close(writer)
    case.ended[f"status {done.returncode}"] += 1
    told = b"".join(path.read_bytes() for path in map(Path, ("kept1", "kept2")) if path.exists()).decode()
    if UNEXPECTED.search(told) or done.returncode not in (0, 1, 2):
        raise Fault(f"status {done.returncode}: {told[-1500:]}")
