"""Tensor: one value in a computational graph, with the operation and the inputs that made it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

if TYPE_CHECKING:
    from backlit.graph.op import Op

Array = Any  # a NumPy array, a JAX array or a JAX tracer: whatever has `__array_namespace__`

_serials = count()

# What Tensor's methods call by name, since it stands in files that need Tensor: the operations, entered by
# graph/registry.py as they are declared, and the backward pass.
FUNCTIONS: dict[str, Callable[..., Any]] = {}


def _unary(name: str) -> Callable[[Tensor], Tensor]:
    def method(self: Tensor) -> Tensor:
        return FUNCTIONS[name](self)

    return method


def _binary(name: str) -> Callable[[Tensor, Any], Tensor]:
    def method(self: Tensor, other: Any) -> Tensor:
        return FUNCTIONS[name](self, other)

    return method


def _reflected(name: str) -> Callable[[Tensor, Any], Tensor]:
    def method(self: Tensor, other: Any) -> Tensor:
        return FUNCTIONS[name](other, self)

    return method


def _reduction(name: str) -> Callable[..., Tensor]:
    def method(self: Tensor, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor:
        return FUNCTIONS[name](self, axis=axis, keepdims=keepdims)

    method.__name__ = name
    method.__doc__ = f"`backlit.ops.{name}` over an axis, several, or all."
    return method


def value_of(x: Any) -> Any:
    """The array in a Tensor; anything else as it is."""
    return x._value if type(x) is Tensor else x


class Tensor:
    """A node of the graph: immutable value, and how it was made.

    Made with `backlit.tensor` (a leaf) or by an operation on other Tensors. Whatever is a Tensor is
    tracked; a plain array is a constant. Comparisons give plain boolean arrays, since their
    derivative is zero wherever it exists.

    Attributes
    ----------
    value : array
        The forward value, any shape.
    op : Op or None
        The operation that made it; None for a leaf.
    parents : tuple
        The operation's inputs in order: Tensors and constants.
    static : dict
        The operation's settings, such as ``axis``.
    name : str or None
        For people to read.
    grad : array or None
        Filled by `backward`, for leaves and for whatever was named.
    serial : int
        Counts nodes in the order in which they were made: parents come before children.

    Examples
    --------
    >>> import backlit as bl
    >>> x = bl.tensor(3.0, name="x")
    >>> y = x * x + 1.0
    >>> y.backward()
    >>> float(x.grad)
    6.0
    """

    __slots__ = ("__weakref__", "_op", "_parents", "_static", "_value", "grad", "name", "serial")

    def __init__(
        self,
        value: Array,
        op: Op | None = None,
        parents: tuple[Any, ...] = (),
        static: dict[str, Any] | None = None,
        name: str | None = None,
    ) -> None:
        self._value = value
        self._op = op
        self._parents = parents
        self._static = static
        self.serial = next(_serials)  # sorting by it is a topological order
        self.name = name
        self.grad: Array | None = None

    def __reduce__(self) -> Any:
        """As it was made, so that a copy is a node of its own, numbered after its inputs."""
        return _again, (self._value, self._op, self._parents, self._static, self.name, self.grad)

    @property
    def value(self) -> Array:
        """The forward value."""
        return self._value

    @property
    def op(self) -> Op | None:
        """The operation that made this tensor, or None."""
        return self._op

    @property
    def parents(self) -> tuple[Any, ...]:
        """The operation's inputs: Tensors and constants."""
        return self._parents

    @property
    def static(self) -> dict[str, Any]:
        """The operation's settings."""
        return self._static or {}

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return np.shape(self._value) if isinstance(self._value, (int, float)) else self._value.shape

    @property
    def dtype(self) -> Any:
        """Type of the elements."""
        return self._value.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape))

    @property
    def T(self) -> Tensor:
        """All axes reversed."""
        return FUNCTIONS["transpose"](self)

    @property
    def mT(self) -> Tensor:
        """The last two axes swapped."""
        return FUNCTIONS["matrix_transpose"](self)

    __add__ = _binary("add")
    __radd__ = _reflected("add")
    __sub__ = _binary("subtract")
    __rsub__ = _reflected("subtract")
    __mul__ = _binary("multiply")
    __rmul__ = _reflected("multiply")
    __truediv__ = _binary("divide")
    __rtruediv__ = _reflected("divide")
    __matmul__ = _binary("matmul")
    __rmatmul__ = _reflected("matmul")
    __pow__ = _binary("power")
    __rpow__ = _reflected("power")
    __neg__ = _unary("negative")
    __abs__ = _unary("abs")

    sum = _reduction("sum")
    mean = _reduction("mean")
    var = _reduction("var")
    std = _reduction("std")
    max = _reduction("max")
    min = _reduction("min")
    prod = _reduction("prod")

    def reshape(self, *shape: int | tuple[int, ...]) -> Tensor:
        """The same elements in another shape; one size may be -1."""
        return FUNCTIONS["reshape"](self, shape=shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape)

    def transpose(self, *axes: int | tuple[int, ...]) -> Tensor:
        """Axes in another order; all reversed without arguments."""
        order = axes[0] if len(axes) == 1 and isinstance(axes[0], tuple) else axes
        return FUNCTIONS["transpose"](self, axes=order or None)

    def astype(self, dtype: np.dtype[Any] | type | str) -> Tensor:
        """The same numbers in another type."""
        return FUNCTIONS["astype"](self, dtype=dtype)

    def __getitem__(self, index: Any) -> Tensor:
        return FUNCTIONS["getitem"](self, index=index)

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise TypeError("a tensor of shape () holds one number and can't be iterated over")
        return (self[i] for i in range(self.shape[0]))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a tensor of shape () has no length")
        return self.shape[0]

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise TypeError(
            f"{self.label()} can't be changed: its value is part of a graph, and gradients would no longer fit it; "
            "make a new tensor with backlit.ops.where or backlit.ops.scatter_add"
        )

    # Comparisons leave the graph. Equality of nodes is identity, so that they can be kept in sets and dicts.
    def __eq__(self, other: object) -> bool:
        if isinstance(other, Tensor):
            return self is other
        raise TypeError(
            f"{self.label()} == {type(other).__name__}: tensors are nodes of a graph, compared by identity; for their "
            "elements use backlit.ops.equal, for identity `is`"
        )

    __hash__ = object.__hash__

    def __lt__(self, other: Any) -> Array:
        return self._value < value_of(other)

    def __le__(self, other: Any) -> Array:
        return self._value <= value_of(other)

    def __gt__(self, other: Any) -> Array:
        return self._value > value_of(other)

    def __ge__(self, other: Any) -> Array:
        return self._value >= value_of(other)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __float__(self) -> float:
        return float(self._value)

    def __int__(self) -> int:
        return int(self._value)

    def item(self) -> float | int | bool:
        """The one number in it."""
        return self._value.item()

    def numpy(self) -> np.ndarray:
        """The value as a NumPy array."""
        return np.asarray(self._value)

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(
            f"{self.label()} would leave the graph as a NumPy array; use backlit.ops instead of numpy for "
            "differentiable work, or take `.value` where no gradient is wanted"
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """NumPy's elementwise functions on Tensors are ours of the same name (``np.exp(t)``, ``array * t``)."""
        name = ufunc.__name__
        function = FUNCTIONS.get("abs" if name == "absolute" else name)
        if function is not None and method == "__call__" and not kwargs:
            return function(*inputs)
        if name in ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"):
            return ufunc(*[value_of(x) for x in inputs])
        if "out" in kwargs:
            raise TypeError(
                f"numpy.{name} would write a tensor into a NumPy array; write `array = array + tensor` "
                "instead of `array += tensor`"
            )
        raise TypeError(f"numpy.{name} has no derivative here; backlit.ops lists the operations that do")

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """NumPy's other functions would leave the graph; they are refused with ours named."""
        if function in (np.shape, np.ndim, np.size):
            return getattr(self, function.__name__)
        name = function.__name__
        ours = f"use backlit.ops.{name}" if name in FUNCTIONS else "backlit.ops lists the operations that do"
        raise TypeError(f"numpy.{name} has no derivative here; {ours}")

    def backward(self, upstream: Array | None = None) -> None:
        """Fill `grad` of every leaf (and of every named tensor) that this one depends on; adds to what is there.

        Parameters
        ----------
        upstream : array, optional
            Gradient arriving at this tensor, of its shape; may be left out for a scalar (then 1).

        Raises
        ------
        GradientError
            If this tensor isn't a scalar and no `upstream` is given, or nothing it depends on has a gradient.
        """
        FUNCTIONS["backward"](self, upstream)

    def label(self) -> str:
        """What to call it in a message."""
        made = f" made by {self._op.name}" if self._op is not None else ""
        return f"tensor {self.name!r}{made}" if self.name else f"a tensor of shape {self.shape}{made}"

    def __repr__(self) -> str:
        name = f", name={self.name!r}" if self.name else ""
        op = f", op={self._op.name}" if self._op is not None else ""
        return (
            f"Tensor({np.array2string(np.asarray(self._value), threshold=20)}{name}{op})"
            if isinstance(self._value, (np.ndarray, np.generic, float, int))
            else f"Tensor({self._value}{name}{op})"
        )


def _again(
    value: Any, op: Op | None, parents: tuple[Any, ...], static: dict[str, Any] | None, name: str | None, grad: Any
) -> Tensor:
    """A copy of a node, read-only as the first one."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    made = Tensor(value, op, parents, static, name)
    made.grad = grad
    return made


def tensor(value: Any, name: str | None = None) -> Tensor:
    """A leaf of the graph: a value that gradients are wanted for.

    Parameters
    ----------
    value : number, nested list or array
        Copied, so that later changes to it can't make a gradient wrong.
    name : str, optional
        For `backlit.explain` and error messages.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import backlit as bl
    >>> x, y, z = bl.tensor(-2.0, name="x"), bl.tensor(5.0, name="y"), bl.tensor(-4.0, name="z")
    >>> f = (x + y) * z
    >>> f.backward()
    >>> f.item(), x.grad.item(), y.grad.item(), z.grad.item()
    (-12.0, -4.0, -4.0, 3.0)
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(f"a tensor's name must be a text, got {name!r}")
    if isinstance(value, Tensor):
        return Tensor(value.value, name=name or value.name)
    if hasattr(value, "__array_namespace__") and not isinstance(value, (np.ndarray, np.generic)):
        return Tensor(value, name=name)  # JAX arrays can't change
    label = f"tensor {name!r}" if name else "a tensor"
    try:
        array = np.array(value)
    except ValueError as error:
        raise TypeError(f"{label} needs a number, an array or lists of one length: {error}") from error
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{label} needs real numbers, got dtype {array.dtype}: {value!r:.80}")
    array.flags.writeable = False
    return Tensor(array, name=name)
