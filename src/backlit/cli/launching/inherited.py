"""What a parent has handed to this process: ends of pipes, whose numbers are told by variables.

They are read once and taken out of the environment: programs that this process starts inherit that, but no pipes.
"""

from __future__ import annotations

import os
import stat

PARENT = "BACKLIT_PARENT"  # number of the end of a pipe that is shut once the parent is gone
STREAMS = {1: "BACKLIT_STDOUT", 2: "BACKLIT_STDERR"}  # files that Python's streams go to: libraries write to 1 and 2


def taken(name: str, pipe: bool = False) -> int | None:
    """The number of an open file that a variable tells, which is then gone; None if there is none.

    Examples
    --------
    >>> os.environ["BACKLIT_EXAMPLE"] = "1000000"
    >>> taken("BACKLIT_EXAMPLE"), "BACKLIT_EXAMPLE" in os.environ
    (None, False)
    """
    text = os.environ.pop(name, "")
    if not text.isascii() or not text.isdecimal():
        return None
    try:
        mode = os.fstat(int(text)).st_mode
    except (OSError, OverflowError):
        return None
    return int(text) if stat.S_ISFIFO(mode) or not pipe else None


parent = taken(PARENT, pipe=True)
streams = {number: taken(name) for number, name in STREAMS.items()}
