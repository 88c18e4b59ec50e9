"""Of several processes that ended, which was the cause, and what is said of it."""

import pytest

from backlit.cli.launching.child import LOST
from backlit.cli.launching.verdict import Ending, Verdict, verdict

STOPPED = "all were stopped. A run that was kept in a folder can be gone on with (--resume)"
KILLED = f"was killed (SIGKILL: by someone, or by the system, which does so when memory runs out); {STOPPED}"
GONE = f"no longer answers: it was killed, stopped, or can't be reached; {STOPPED}"
FATAL = "F1130 client.h:80] Terminating process because the JAX distributed service detected fatal errors."
SILENT = "UNAVAILABLE: The following tasks are unhealthy (stopped sending heartbeats):\n2\n3\nThe tasks have crashed."
LIBRARY = "bad\nillegal\n"


def ended(number: int, code: int, told: str = "", native: str = "") -> Ending:
    return Ending(number, code, number == 0, told, native)


@pytest.mark.parametrize(
    ("endings", "expected"),
    [
        ([ended(0, 0), ended(1, 0)], Verdict(0)),
        ([ended(0, 2)], Verdict(2)),  # it has said why
        ([ended(1, 2, "backlit: no file"), ended(0, 2)], Verdict(2)),  # the same, once
        ([ended(1, 2, "backlit: no file\n")], Verdict(2, "process 1 of 4: no file")),
        ([ended(1, 1, "Traceback\n  x")], Verdict(1, "process 1 of 4:\nTraceback\n  x")),
        ([ended(1, 3)], Verdict(3, "process 1 of 4: ended with status 3")),
        ([ended(2, -9), ended(0, LOST)], Verdict(1, f"process 2 of 4 {KILLED}")),
        ([ended(1, LOST), ended(0, -9)], Verdict(1, f"process 0 of 4 {KILLED}")),
        ([ended(1, -11, native=LIBRARY)], Verdict(1, f"process 1 of 4 was killed (SIGSEGV); {STOPPED}\nillegal")),
        ([ended(1, -77)], Verdict(1, f"process 1 of 4 was killed (signal 77); {STOPPED}")),
        ([ended(0, -6, native=f"{FATAL} {SILENT}")], Verdict(1, f"process 2, 3 of 4 {GONE}")),
        ([ended(1, -6, native=f"{FATAL} DEADLINE"), ended(2, LOST)], Verdict(1, f"process 0 of 4 {GONE}")),
        ([ended(1, LOST)], Verdict(1, f"another process was lost; {STOPPED}")),
        ([ended(0, 0), ended(1, -6, native=FATAL)], Verdict(0)),  # process 0 had all it needed
        ([ended(0, 0), ended(1, 1, "late")], Verdict(1, "process 1 of 4: late")),
        ([ended(1, -6, native=FATAL), ended(2, 1, "cause")], Verdict(1, "process 2 of 4: cause")),
    ],
)
def test_verdict(endings, expected):
    assert verdict(endings, 4) == expected


def test_of_an_unknown_number_of_processes():
    assert verdict([ended(3, 1, "no")], None).message == "process 3: no"
