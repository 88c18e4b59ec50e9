"""What two processes tell each other: `python -m tests.distributed.room PORT PROCESS PROCESSES`; prints JSON."""

import json
import subprocess
import sys
import time

import numpy as np

import backlit as bl
from backlit import distributed
from backlit.distributed import telling


def raised(work):
    try:
        work()
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return f"{type(error).__name__}: {error}"


def fails():
    raise bl.InputError("the file is gone")


def found():
    me = distributed.index()
    yield "place", [me, distributed.count(), distributed.is_first()]
    yield "again", raised(lambda: bl.distributed.initialize("127.0.0.1:9", me, 2))
    value = {"rate": 0.1 + 0.2, "who": me, "many": [np.int64(3), None, True, "한"], "inf": float("inf")}
    yield "agreed", distributed.agreed(value)
    many = [distributed.agreed(i + 1000 * me) for i in range(2 * telling.SWEEP)]
    yield "many", many == list(range(2 * telling.SWEEP))
    yield "gathered", distributed.gathered({"who": me})
    distributed.barrier("here")
    yield "elsewhere", raised(lambda: distributed.barrier(f"place {me}"))
    yield "once", distributed.once(lambda: [distributed.count(), me])
    yield "count after", distributed.count()
    yield "input error", raised(lambda: distributed.once(fails))
    yield "other error", raised(lambda: distributed.once(lambda: 1 / 0))
    yield "handed", len(distributed.handed(lambda: bytes(3 * 2**20 + 7))) if me == 0 else len(distributed.handed(fails))
    yield "nothing handed", len(distributed.handed(lambda: b""))
    asked = distributed.heard(lambda: me == 1)
    answers = [asked(), time.sleep(0.3), asked()]
    yield "asked", answers[-1]
    yield "not asked", distributed.heard(lambda: False)()
    yield "not plain", raised(lambda: telling._plain(object()))
    code = "import backlit as bl; bl.distributed.join(); print(bl.distributed.count())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    yield "child", child.stdout.strip() or child.stderr
    distributed.barrier("before failing")
    if me == 1:
        telling.tell_failure("its disk is full")
        yield "failure", "told"
    else:
        yield "failure", raised(lambda: distributed.gathered(None))


def main():
    port, process, processes = map(int, sys.argv[1:])
    bl.distributed.initialize(f"127.0.0.1:{port}", process, processes)
    sys.stdout.write(json.dumps(dict(found())))


if __name__ == "__main__":
    main()
