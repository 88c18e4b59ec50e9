"""Op: an operation and its derivative, declared together by `operation`; Backlit's own also say how they are tested.

Those are declared by `primitive` and `composite` of `backlit.graph.registry`.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

from backlit.errors import BacklitError, NonFiniteError, ShapeError
from backlit.graph.tensor import Array, Tensor, value_of

Rule = Callable[..., Any]

# Inside a transformation (value_and_grad, a compiled step) values can't change between forward and
# backward, and NumPy's floating-point warnings are off; outside, each operation sees to both itself.
_transforming: contextvars.ContextVar[bool] = contextvars.ContextVar("transforming", default=False)
_debug_nans: contextvars.ContextVar[bool] = contextvars.ContextVar("debug_nans", default=False)


@dataclass(frozen=True, eq=False)
class Op:
    """An operation's record.

    Parameters
    ----------
    name : str
        As in `backlit.ops`.
    forward : callable
        ``forward(xp, *arrays, **static)`` with the array namespace `xp` of the inputs.
    vjp : tuple of callables, callable, or None
        ``rule(upstream, output, *inputs, **static)`` for each input: the gradient with respect to that
        input (broadcasting is undone by the backward pass). None in the tuple: no gradient goes there.
        One callable for an operation of any number of inputs: ``rule(position, upstream, output, ...)``.
        None alone: a step function, whose derivative is zero wherever it exists.
    shapes : str
        Which shapes fit, told when they don't.
    gate : str
        What the operation does to a gradient, in words.
    """

    name: str
    forward: Callable[..., Any]
    vjp: tuple[Rule | None, ...] | Rule | None
    shapes: str = ""
    gate: str = ""
    variadic: bool = False  # one rule for all inputs

    @property
    def is_step(self) -> bool:
        """Whether the derivative is zero wherever it exists."""
        return self.vjp is None

    def differentiable(self, position: int) -> bool:
        """Whether a gradient goes to this input."""
        return self.variadic or (self.vjp is not None and self.vjp[position] is not None)  # type: ignore[index]

    def downstream(self, position: int, upstream: Any, output: Any, inputs: tuple[Any, ...], static: dict) -> Any:
        """Gradient that goes to one input, before broadcasting is undone."""
        rules: Any = self.vjp
        if self.variadic:
            return rules(position, upstream, output, *inputs, **static)
        return rules[position](upstream, output, *inputs, **static)

    def check_gradient(self, position: int, upstream: Any, part: Any) -> None:
        """Refuse a gradient that turned NaN or infinite here."""
        if is_bad(value_of(part)) and not is_bad(value_of(upstream)):
            raise NonFiniteError(
                f"the derivative of {self.name} by its input number {position + 1} made the first NaN or infinite "
                f"gradient, of shape {np.shape(value_of(part))}; the upstream gradient was finite"
            )

    def compute(self, values: Any, static: dict[str, Any]) -> Array:
        """The forward value from plain arrays."""
        try:
            xp = namespace(*values)
            if xp is not np or _transforming.get():
                value = self.forward(xp, *values, **static)
            else:
                with np.errstate(all="ignore"):  # a NaN is told by explain and debug_nans, with its origin
                    value = self.forward(xp, *values, **static)
        except (ValueError, TypeError, IndexError) as error:
            mistake = self._mistake(values, static, error)
            if mistake is error:
                raise
            raise mistake from error
        if _debug_nans.get():
            self._check_finite(values, value)
        return value

    def _mistake(self, values: Any, static: dict[str, Any], error: Exception) -> Exception:
        """The error that helps: wrong arguments, or shapes that don't fit."""
        own = isinstance(error, TypeError) and str(error).startswith(f"{self.name}: ")
        if own or isinstance(error, BacklitError) or type(error).__module__.startswith("jax"):
            return error  # said by the operation itself, or about tracing, which `compile` explains
        text = str(error).removeprefix(f"{self.name}: ").strip(" .")
        if isinstance(error, np.linalg.LinAlgError) and "Singular" in text:
            return BacklitError(
                f"{self.name}: a matrix is singular, so it has no inverse; a small multiple of the identity "
                "added to it may help"
            )
        try:
            inspect.signature(self.forward).bind(np, *values, **static)
        except TypeError as mismatch:
            return TypeError(f"{self.name}{_plain(signature(self.forward))}: {mismatch}; settings are given by keyword")
        if isinstance(error, TypeError) and "jax" not in _modules(values):
            kinds = " and ".join(str(getattr(value, "dtype", type(value).__name__)) for value in values)
            return TypeError(f"{self.name}: can't work on {kinds}: {text}")
        shapes = " and ".join(str(np.shape(value)) for value in values) or "of no array"
        settings = "".join(f", {key}={value!r}" for key, value in static.items())
        rule = f" {self.shapes}" if self.shapes else ""
        return ShapeError(f"{self.name}: can't work on shape {shapes}{settings}: {text}.{rule}")

    def _check_finite(self, values: Any, value: Any) -> None:
        if is_bad(value) and not any(is_bad(v) for v in values):
            shapes = ", ".join(str(np.shape(v)) for v in values)
            raise NonFiniteError(
                f"{self.name} made the first NaN or infinite value: inputs of shape {shapes} were finite, "
                f"{int(np.sum(~np.isfinite(value)))} of {np.size(value)} results are not"
            )


def _modules(values: Any) -> set[str]:
    """Libraries that the values come from."""
    return {type(value).__module__.partition(".")[0].removesuffix("lib") for value in values}


def is_bad(value: Any) -> bool:
    """Whether a concrete floating-point value holds NaN or infinity (a tracer can't be looked at: no)."""
    if not isinstance(value, (np.ndarray, np.generic, float)):
        return False
    value = np.asarray(value)
    return value.dtype.kind == "f" and not np.isfinite(value).all()


def namespace(*values: Any) -> Any:
    """The array namespace of the values: jax.numpy if any is a JAX array or tracer, else numpy."""
    for value in values:
        if type(value) is not np.ndarray and not isinstance(value, _NUMPY):
            try:
                return value.__array_namespace__()
            except AttributeError:
                raise TypeError(f"needs numbers and arrays, got {type(value).__name__}") from None
    return np


_NUMPY = (np.ndarray, np.generic, float, int, list, tuple, type(None))


def signature(forward: Callable[..., Any]) -> inspect.Signature:
    """What a caller passes: the forward function's signature without the namespace."""
    full = inspect.signature(forward)
    return full.replace(parameters=list(full.parameters.values())[1:])


def _plain(full: inspect.Signature) -> inspect.Signature:
    """A signature without types, for messages."""
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in full.parameters.values()]
    return full.replace(parameters=bare, return_annotation=inspect.Signature.empty)


def _constant(x: Any) -> Any:
    """A constant as the graph keeps it: a snapshot, if its owner could change it before backward."""
    if isinstance(x, np.ndarray) and x.flags.writeable and not _transforming.get():
        x = x.copy()
        x.flags.writeable = False
    return x


def _apply(op: Op, inputs: tuple[Any, ...], static: dict[str, Any]) -> Any:
    tracked = False
    values = []
    for x in inputs:
        kind = type(x)
        if kind is Tensor:
            tracked = True
            values.append(x._value)
        elif kind is list or kind is tuple:  # ``[1, 2] + [3]`` would join lists
            return _apply(op, tuple([np.asarray(x) if isinstance(x, (list, tuple)) else x for x in inputs]), static)
        else:
            values.append(x)
    if not tracked:
        return op.compute(values, static)
    if not _transforming.get():
        inputs = tuple([x if type(x) is Tensor else _constant(x) for x in inputs])
    return Tensor(op.compute(values, static), op, inputs, static)


def operation(
    *,
    vjp: tuple[Rule | None, ...] | Rule | None,
    shapes: str = "",
    gate: str = "",
    name: str | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an operation from its forward function and its derivative.

    The forward function gets the array namespace first (`numpy`, or `jax.numpy` in a compiled
    program), arrays by position and settings by keyword. Each rule of `vjp` gives the gradient for one
    input; written with operators and `backlit.ops`, it is itself differentiable, to any order.

    Parameters
    ----------
    vjp : tuple of callables
        One ``rule(upstream, output, *inputs, **static)`` an input; None where no gradient goes. A single
        callable takes the input's position first. ``vjp=None`` declares a step function.
    shapes, gate : str
        Told in errors and explanations.
    name : str, optional
        The forward function's own, if left out.

    Examples
    --------
    >>> import backlit as bl
    >>> @bl.operation(vjp=(lambda upstream, output, x: upstream * 3 * x * x,))
    ... def cube(xp, x):
    ...     return x * x * x
    >>> float(bl.grad(cube)(2.0)), float(bl.grad(bl.grad(cube))(2.0))
    (12.0, 12.0)
    """

    def declare(forward: Callable[..., Any]) -> Callable[..., Any]:
        op = Op(name or forward.__name__, forward, vjp, shapes, gate, callable(vjp))

        @functools.wraps(forward)
        def function(*inputs: Any, **static: Any) -> Any:
            return _apply(op, inputs, static)

        function.__name__ = op.name
        function.op = op  # type: ignore[attr-defined]
        function.__signature__ = signature(forward)  # type: ignore[attr-defined]
        return function

    return declare


class _Transforming:
    """See `transforming`; a class, since a generator costs as much as an operation."""

    __slots__ = ("_errors", "_token")

    def __enter__(self) -> None:
        self._token = _transforming.set(True)
        self._errors = np.errstate(all="ignore")
        self._errors.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._errors.__exit__(kind, error, trace)
        _transforming.reset(self._token)


def transforming() -> _Transforming:
    """Within it, operations take for granted that no value changes between forward and backward."""
    return _Transforming()


def debugging() -> bool:
    """Whether we are within `debug_nans`."""
    return _debug_nans.get()


@contextlib.contextmanager
def debug_nans() -> Iterator[None]:
    """Within it, the operation that makes the first NaN or infinite value or gradient raises `NonFiniteError`.

    For NumPy arrays; inside a compiled program values can't be looked at one by one (run the function
    without `compile`, or with ``engine="numpy"``).

    Examples
    --------
    >>> import backlit as bl
    >>> with bl.debug_nans():
    ...     bl.ops.log(bl.tensor(-1.0))
    Traceback (most recent call last):
        ...
    backlit.errors.NonFiniteError: log made the first NaN or infinite value: inputs of shape () were finite,
    1 of 1 results are not
    """
    token = _debug_nans.set(True)
    try:
        yield
    finally:
        _debug_nans.reset(token)
