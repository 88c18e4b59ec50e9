"""Op: an operation and its derivative, declared together by `operation`; Backlit's own also say how they are tested.

Those are declared by `primitive` and `composite` of `backlit.graph.registry`.
"""

from __future__ import annotations

import contextlib
import contextvars
import importlib
import pickle
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial, wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

import numpy as np

from backlit.errors import NonFiniteError
from backlit.graph.mistakes import explained, signature
from backlit.graph.promotion import is_whole, promoted
from backlit.graph.tensor import Array, Tensor, value_of

Rule = Callable[..., Any]
Rules = tuple[Rule | None, ...] | Rule | None
P = ParamSpec("P")
Result_co = TypeVar("Result_co", covariant=True)

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
        As `operation` takes it; read by way of `rule`, which has one form.
    shapes : str
        Which shapes fit, told when they don't.
    gate : str
        What the operation does to a gradient, in words.

    Attributes
    ----------
    rule : callable
        ``rule(position)`` is the input's ``(upstream, output, *inputs, **static) -> gradient``, before broadcasting is
        undone; None if no gradient goes there.
    is_step : bool
        Whether the derivative is zero wherever it exists.
    """

    name: str
    forward: Callable[..., Any]
    vjp: Rules
    shapes: str = ""
    gate: str = ""
    rule: Callable[[int], Rule | None] = field(init=False, repr=False)
    is_step: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        vjp = self.vjp
        by_position = (lambda _: None) if vjp is None else partial(partial, vjp) if callable(vjp) else vjp.__getitem__
        object.__setattr__(self, "rule", by_position)
        object.__setattr__(self, "is_step", vjp is None)

    def __reduce__(self) -> Any:
        """By the name that its module has for it, as functions are pickled."""
        module = self.forward.__module__
        for name, value in vars(sys.modules[module]).items():
            if value is self or getattr(value, "op", None) is self:
                return _op_at, (module, name)
        raise pickle.PicklingError(
            f"operation {self.name} can't be pickled: module {module} has no name for it; declare it with "
            "backlit.operation at the top of a module (a recurrent layer's fused form has none: form='unrolled' does)"
        )

    def __copy__(self) -> Op:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Op:
        return self

    def check_gradient(self, position: int, upstream: Any, part: Any) -> None:
        """Refuse a gradient that turned NaN or infinite here."""
        if is_bad(value_of(part)) and not is_bad(value_of(upstream)):
            raise NonFiniteError(
                f"the derivative of {self.name} by its input number {position + 1} made the first NaN or infinite "
                f"gradient, of shape {np.shape(value_of(part))}; the upstream gradient was finite"
            )

    def compute(self, values: Any, static: dict[str, Any], xp: Any = None) -> Array:
        """The forward value from plain arrays, whose namespace may be known already."""
        try:
            if xp is None:
                xp = namespace(*values)
            if xp is not np or _transforming.get():
                value = self.forward(xp, *values, **static) if static else self.forward(xp, *values)
            else:
                with np.errstate(all="ignore"):  # a NaN is told by explain and debug_nans, with its origin
                    value = self.forward(xp, *values, **static)
        except (ValueError, TypeError, IndexError) as error:
            reason = explained(error, self.name, self.forward, self.shapes, values, static)
            if reason is error:
                raise
            raise reason from error
        dtype = getattr(value, "dtype", None)
        if getattr(values[0] if values else None, "dtype", None) is not dtype:  # nearly always it is
            for x in values:
                if getattr(x, "dtype", None) is dtype:
                    break
            else:
                value = self._typed(value, values, static)
        if _debug_nans.get():
            self._check_finite(values, value)
        return value

    def _typed(self, value: Any, values: Any, static: dict[str, Any]) -> Any:
        """The forward function's result, in the type that `promoted` says."""
        counts = [self.rule(i) is not None for i in range(len(values))]
        numbers = [x for x, counted in zip(values, counts, strict=True) if counted]
        if getattr(getattr(value, "dtype", None), "kind", "") != "f" or not numbers or "dtype" in static:
            return value

        def again(wanted: np.dtype) -> Any:
            cast = [
                x.astype(wanted) if is_whole(x) and counted else x for x, counted in zip(values, counts, strict=True)
            ]
            with np.errstate(all="ignore"):
                return self.forward(namespace(*values), *cast, **static)

        return promoted(value, numbers, again)

    def _check_finite(self, values: Any, value: Any) -> None:
        if is_bad(value) and not any(is_bad(v) for v in values):
            shapes = ", ".join(str(np.shape(v)) for v in values)
            raise NonFiniteError(
                f"{self.name} made the first NaN or infinite value: inputs of shape {shapes} were finite, "
                f"{int(np.sum(~np.isfinite(value)))} of {np.size(value)} results are not"
            )


def _op_at(module: str, name: str) -> Op:
    """The operation that a module has under a name."""
    found = getattr(importlib.import_module(module), name)
    op: Op = found if isinstance(found, Op) else found.op
    return op


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


def snapshot(x: Any) -> Any:
    """A constant as the graph keeps it: a snapshot, if its owner could change it before backward."""
    if isinstance(x, np.ndarray) and x.flags.writeable and not _transforming.get():
        x = x.copy()
        x.flags.writeable = False
    return x


def _apply(op: Op, inputs: tuple[Any, ...], static: dict[str, Any]) -> Any:
    """The operation of inputs of all kinds; it runs for each node of each step, so little is called here."""
    tracked = False
    xp: Any = np
    values = []
    for x in inputs:
        kind = type(x)
        if kind is Tensor:
            tracked = True
            x = x._value
            kind = type(x)
        elif kind is list or kind is tuple:  # ``[1, 2] + [3]`` would join lists
            return _apply(op, tuple([np.asarray(x) if isinstance(x, (list, tuple)) else x for x in inputs]), static)
        if kind is not np.ndarray and kind is not float:
            xp = None
        values.append(x)
    value = op.compute(values, static, xp)
    if not tracked:
        return value
    if not _transforming.get():
        inputs = tuple([x if type(x) is Tensor else snapshot(x) for x in inputs])
    return Tensor(value, op, inputs, static)


class Operation(Protocol[P, Result_co]):
    """A declared operation: called with arrays and Tensors like its forward function, without the namespace."""

    op: Op
    __name__: str

    def __call__(self, *inputs: P.args, **static: P.kwargs) -> Result_co:
        """The result: a Tensor if any input is one."""


def operation(
    *,
    vjp: Rules,
    shapes: str = "",
    gate: str = "",
    name: str | None = None,
) -> Callable[[Callable[Concatenate[Any, P], Result_co]], Operation[P, Result_co]]:
    """Declare an operation from its forward function and its derivative.

    The forward function gets the array namespace first (`numpy`, or `jax.numpy` in a compiled
    program), arrays by position and settings by keyword. Each rule of `vjp` gives the gradient for one
    input; written with operators and `backlit.ops`, it is itself differentiable, to any order.

    Parameters
    ----------
    vjp : tuple of callables
        One ``rule(upstream, output, *inputs, **static)`` an input; None where no gradient goes. A single
        callable, for any number of inputs, takes the input's position first: ``rule(position, upstream, ...)``.
        ``vjp=None`` declares a step function, whose derivative is zero wherever it exists.
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

    def declare(forward: Callable[Concatenate[Any, P], Result_co]) -> Operation[P, Result_co]:
        op = Op(name or forward.__name__, forward, vjp, shapes, gate)

        @wraps(forward)
        def function(*inputs: Any, **static: Any) -> Any:
            return _apply(op, inputs, static)

        function.__name__ = op.name
        function.__dict__.update(op=op, __signature__=signature(forward))
        return cast("Operation[P, Result_co]", function)

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


def is_transforming() -> bool:
    """Whether we are within `transforming`."""
    return _transforming.get()


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
