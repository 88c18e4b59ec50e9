"""Several processes, on one machine or many, that train one network together: which is this one, and what do all know.

Every process runs the same lines on the same data. Arrays are shared out by the engine; what is decided by a clock, a
signal, a file or a function of the user's is decided by the first process, and the others are told: `agreed`, `once`.
The only transport is JAX's distributed runtime.
"""

from backlit.distributed.joining import initialize, join, leave
from backlit.distributed.telling import agreed, barrier, gathered, handed, heard, once, shared
from backlit.distributed.world import alone, count, index, is_first

__all__ = [
    "agreed",
    "alone",
    "barrier",
    "count",
    "gathered",
    "handed",
    "heard",
    "index",
    "initialize",
    "is_first",
    "join",
    "leave",
    "once",
    "shared",
]
