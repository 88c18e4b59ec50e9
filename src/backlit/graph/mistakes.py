"""What to say when an operation fails: whose error it is, and which call or which shapes would do."""

from __future__ import annotations

import dis
import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from backlit.errors import BacklitError, ShapeError

_OTHER_SHAPES = ((), (1,), (2, 2), (1, 1, 1), (2, 2, 2, 2))


def signature(forward: Callable[..., Any]) -> inspect.Signature:
    """What a caller passes: the forward function's signature without the namespace."""
    full = inspect.signature(forward)
    return full.replace(parameters=list(full.parameters.values())[1:])


def explained(
    error: Exception,
    name: str,
    forward: Callable[..., Any],
    rule: str,
    values: Sequence[Any],
    static: dict[str, Any],
) -> Exception:
    """The error to raise for one that a forward function raised.

    Arguments that the function doesn't take, and inputs that are no numbers, become a TypeError, shapes that don't fit
    a ShapeError with the operation's rule. Every other error is the operation's own: it stays as it is, with a note of
    what the operation was given.

    Parameters
    ----------
    name, rule : str
        The operation's, and which shapes fit.
    values, static :
        Inputs and settings of the call.
    """
    if isinstance(error, BacklitError):
        return error
    settings = "".join(f", {key}={value!r}" for key, value in static.items())
    if isinstance(error, TypeError):
        try:
            inspect.signature(forward).bind(np, *values, **static)
        except TypeError as mismatch:
            return TypeError(f"{name}{_untyped(signature(forward))}: {mismatch}; settings are given by keyword")
        if not all(_is_numeric(value) for value in values):
            return TypeError(f"{name}: can't work on {' and '.join(map(_kind, values))}: {_text(error, name)}")
    rule = f" {rule}" if rule else ""
    if _is_about_shapes(error, forward, values, static):
        shapes = " and ".join(str(np.shape(value)) for value in values)
        return ShapeError(f"{name}: can't work on shape {shapes}{settings}: {_text(error, name)}.{rule}")
    given = " and ".join(f"{_kind(value)} of shape {np.shape(value)}" for value in values) or "no array"
    error.add_note(f"operation {name}, given {given}{settings}.{rule}")
    return error


def _text(error: Exception, name: str) -> str:
    return str(error).removeprefix(f"{name}: ").strip(" .")


def _untyped(full: inspect.Signature) -> inspect.Signature:
    """A signature without types, for messages."""
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in full.parameters.values()]
    return full.replace(parameters=bare, return_annotation=inspect.Signature.empty)


def _kind(value: Any) -> str:
    return str(getattr(value, "dtype", type(value).__name__))


def _is_numeric(value: Any) -> bool:
    dtype = getattr(value, "dtype", None)
    return isinstance(value, (int, float)) if dtype is None else dtype.kind not in "OSUMm"


def _is_about_shapes(
    error: Exception, forward: Callable[..., Any], values: Sequence[Any], static: dict[str, Any]
) -> bool:
    """Whether the array library raised the error because of the inputs' shapes."""
    if isinstance(error, np.exceptions.AxisError):
        return True
    if type(error).__module__ != "builtins" or _is_raised_outright(error, values):
        return False
    message: str | None = str(error)
    if not all(isinstance(value, (np.ndarray, np.generic, float, int)) for value in values):
        # Another library's message is no measure; what NumPy says of the same shapes is.
        message = _numpy_says(forward, [(value, np.shape(value)) for value in values], static)
    if message is None:
        return False
    return any(_numpy_says(forward, [(value, shape) for value in values], static) != message for shape in _OTHER_SHAPES)


def _is_raised_outright(error: Exception, values: Sequence[Any]) -> bool:
    """Whether a `raise` of the operation's code made the error, rather than the array library that it called."""
    spaces = [value.__array_namespace__() for value in values if hasattr(value, "__array_namespace__")]
    libraries = {space.__name__.partition(".")[0] for space in (np, *spaces)}
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
        if trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] in libraries:
            return False
    if trace is None:
        return False
    return dis.opname[trace.tb_frame.f_code.co_code[trace.tb_lasti]] in ("RAISE_VARARGS", "RERAISE")


def _numpy_says(
    forward: Callable[..., Any], inputs: Sequence[tuple[Any, tuple[int, ...]]], static: dict[str, Any]
) -> str | None:
    """NumPy's complaint about zeros of these types and shapes; None if it has none."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            forward(np, *[_zeros(x, shape) for x, shape in inputs], **static)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            return str(error)
    return None


def _zeros(like: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of an input's type, which take no memory; None for an input that was left out."""
    return None if like is None else np.broadcast_to(np.zeros((), getattr(like, "dtype", type(like))), shape)
