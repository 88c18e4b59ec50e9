"""What can go wrong, as types: a message names what, where, what was expected and got, and the remedy."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

LARGEST = 2**63  # of whole numbers: beyond it NumPy has none
SHOWN = 60  # characters of a value in a message


class BacklitError(ValueError):
    """Base of every error that Backlit raises on purpose."""


class ShapeError(BacklitError):
    """Arrays whose shapes don't fit the operation or layer."""


class GradientError(BacklitError):
    """A derivative was asked for that doesn't exist."""


class NonFiniteError(BacklitError):
    """A value turned NaN or infinite; the message names the operation that made it first."""


class InputError(BacklitError):
    """The user's input (a file, a column, an option) is wrong; commands exit with status 2."""


class UnknownNameError(InputError):
    """A name that isn't known; the message suggests the nearest one."""


class StreamError(InputError):
    """A stream of data failed while it was read; `run` is what was trained until then, None before the first epoch."""

    run: object = None


class DivergedError(BacklitError):
    """Training turned NaN or infinite; commands exit with status 1."""


class ProcessError(BacklitError):
    """Another of the processes that train together has failed; commands exit with status 1."""


class BacklitWarning(UserWarning):
    """Base of every warning that Backlit gives."""


class ZeroGradientWarning(BacklitWarning):
    """A gradient is zero everywhere because only step functions lead to it."""


class RecompilationWarning(BacklitWarning):
    """A compiled function met arguments of a new shape or type and had to be compiled again."""


class DistributedWarning(BacklitWarning):
    """Processes that train together can be reached from other machines."""


class TrackerWarning(BacklitWarning):
    """A tracker of experiments failed; the training goes on without it."""


def shown(value: object) -> str:
    """A value in a message: its beginning.

    >>> shown("x" * 100), shown(10**400)
    ("'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…", 'a whole number of more than 64 bits')
    """
    if isinstance(value, int) and abs(value) >= LARGEST:
        return "a whole number of more than 64 bits"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}…"


def unknown(kind: str, name: object, known: Iterable[str]) -> UnknownNameError:
    """The error for a name that isn't among `known`, with the nearest one suggested.

    >>> str(unknown("loss", "crossentropy", ["cross_entropy", "hinge"]))
    "unknown loss 'crossentropy'; did you mean 'cross_entropy'? Known: cross_entropy, hinge"
    """
    names = sorted(known)
    near = get_close_matches(str(name)[:SHOWN], names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return UnknownNameError(f"unknown {kind} {shown(name)}; {hint}Known: {', '.join(names) or 'none'}")


@contextlib.contextmanager
def about(what: str) -> Iterator[None]:
    """Put before the message of whatever goes wrong inside what it is about: one of several inputs or outputs."""
    try:
        yield
    except BacklitError as error:
        error.args = (f"{what}: {error}", *error.args[1:])
        raise
