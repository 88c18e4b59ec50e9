"""The table of ONNX's operators: what one is, how a node calls it, and how its attributes are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from backlit import bounds
from backlit.errors import InputError, shown, unknown
from backlit.graph.op import namespace
from backlit.graph.tensor import Tensor, value_of
from backlit.schema import fitted

OPERATORS: dict[str, Operator] = {}
ROWS = 64  # of a batch, as far as limits on what a node makes are concerned
LEAST = 7  # version of the operator set: broadcasting was other before

Ints = tuple[int, ...]


@dataclass(frozen=True)
class Operator:
    """An operator of ONNX.

    Attributes
    ----------
    name : str
    run : callable
        ``run(call, *inputs)``: the output, or a tuple of outputs. Inputs that are left out are None.
    least, most : int
        How many inputs it has; `most` is -1 where there may be any number.
    static : tuple of int
        Inputs whose values decide shapes: they must be known before anything is computed.
    attributes : tuple of str
        Those that it has; any other is refused, since a file that says more means more.
    """

    name: str
    run: Callable[..., Any]
    least: int
    most: int
    static: Ints
    attributes: tuple[str, ...]


def operator(
    name: str, *attributes: str, least: int = 1, most: int | None = None, static: Ints = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function as the operator of this name."""

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        OPERATORS[name] = Operator(name, function, least, least if most is None else most, static, attributes)
        return function

    return declare


@dataclass(frozen=True)
class Call:
    """A node as its operator sees it.

    Attributes
    ----------
    operator : str
    attributes : mapping
        By name: int, float, str, tuple of these, or array.
    version : int
        Of the operator set.
    name : str
        The node's, for messages.
    outputs : int
        How many of its outputs are wanted.
    """

    operator: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    version: int = 21
    name: str = ""
    outputs: int = 1

    def __str__(self) -> str:
        return f"node {self.name or 'without a name'} ({self.operator})"

    def run(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """The outputs for these inputs: Tensors, arrays or None.

        Raises
        ------
        InputError
            If there is no such operator, or attributes or number of inputs aren't its own.
        """
        found = self.known_operator()
        while inputs and inputs[-1] is None:
            inputs = inputs[:-1]
        if len(inputs) < found.least or (found.most >= 0 and len(inputs) > found.most):
            most = "any number" if found.most < 0 else found.most
            self.refuse(f"has {len(inputs)} inputs, expected from {found.least} to {most}")
        if any(inputs[place] is None for place in range(found.least)):
            self.refuse(f"leaves out one of its first {found.least} inputs, which it needs")
        for place in found.static:
            if place < len(inputs) and not is_known(inputs[place]):
                self.refuse(
                    f"takes input number {place + 1} from the network's own values: shapes that depend on values "
                    "can't be compiled; export the network with fixed sizes"
                )
        result = found.run(self, *inputs)
        return result if isinstance(result, tuple) else (result,)

    def known_operator(self) -> Operator:
        """The operator; attributes that it doesn't have are refused."""
        if self.operator not in OPERATORS:
            error = unknown("operator", self.operator, OPERATORS)
            raise InputError(
                f"{self}: Backlit has no such operator; it has {len(OPERATORS)}: {', '.join(sorted(OPERATORS))}"
            ) from error
        found = OPERATORS[self.operator]
        for attribute in self.attributes:
            if attribute not in found.attributes:
                self.refuse(f"has an attribute {attribute!r}; known: {', '.join(found.attributes) or 'none'}")
        return found

    def refuse(self, why: str) -> NoReturn:
        """Raise an InputError that names the node."""
        raise InputError(f"{self} {why}")

    def require_size(self, shape: Any) -> None:
        """Refuse to make an array of more numbers than the limit on an example's allows, for a batch of some rows.

        Raises
        ------
        InputError
            With the limit, and how it is raised.
        """
        bounds.require("values", size_of(shape) / ROWS, f"{self} makes, of each row,")

    def _get(self, kind: Any, name: str, default: Any) -> Any:
        if name not in self.attributes:
            return default
        try:
            return fitted(kind, self.attributes[name], f"attribute {name}")
        except InputError as error:
            raise InputError(f"{self}: {error}") from None

    def integer(self, name: str, default: Any = None) -> Any:
        """An attribute that is a whole number."""
        return self._get(int, name, default)

    def flag(self, name: str, default: bool = False) -> bool:
        """An attribute that is 0 or 1."""
        return bool(self._get(int, name, int(default)))

    def number(self, name: str, default: Any = None) -> Any:
        """An attribute that is a number."""
        return self._get(float, name, default)

    def integers(self, name: str, default: Any = None) -> Any:
        """An attribute that is a list of whole numbers."""
        return self._get(tuple[int, ...], name, default)

    def numbers(self, name: str, default: Any = None) -> Any:
        """An attribute that is a list of numbers."""
        return self._get(tuple[float, ...], name, default)

    def text(self, name: str, default: Any = None, among: tuple[str, ...] = ()) -> Any:
        """An attribute that is a text, of some known ones."""
        value = self._get(str, name, default)
        if among and value not in among:
            self.refuse(f"has {name}={shown(value)}; Backlit knows {', '.join(map(repr, among))}")
        return value

    def texts(self, name: str, default: Any = None) -> Any:
        """An attribute that is a list of texts."""
        return self._get(tuple[str, ...], name, default)

    def axis(self, axis: int, ndim: int) -> int:
        """An axis counted from the front.

        Raises
        ------
        InputError
            If the array has no such axis.
        """
        if not -ndim <= axis < ndim:
            self.refuse(f"has axis {axis}, its input has {ndim} axes")
        return axis % ndim

    def axes(self, axes: Any, ndim: int) -> Ints:
        """Axes counted from the front."""
        found = tuple(self.axis(int(axis), ndim) for axis in axes)
        if len(set(found)) < len(found):
            self.refuse(f"names an axis twice: {tuple(axes)}")
        return found


def is_known(x: Any) -> bool:
    """Whether the numbers can be looked at: a NumPy array that no network's value went into."""
    return x is None or isinstance(x, (np.ndarray, np.generic, int, float))


def known(call: Call, x: Any) -> list[int]:
    """A list of whole numbers, as shapes and axes are."""
    array = np.asarray(x)
    if array.dtype.kind not in "iu" or array.ndim > 1:
        call.refuse(f"needs a list of whole numbers, got {array.dtype} of shape {array.shape}")
    return [int(number) for number in array.reshape(-1)]


def kind(x: Any) -> str:
    """NumPy's letter for the type of an array's elements."""
    return str(x.dtype.kind)


def is_whole(*arrays: Any) -> bool:
    """Whether none of the arrays has floating-point numbers."""
    return all(kind(x) in "iub" for x in arrays)


def plain(*arrays: Any) -> tuple[Any, ...]:
    """The array namespace and the arrays, without the graph: for what has no derivative."""
    values = [value_of(x) for x in arrays]
    return (namespace(*values), *values)


def fixed(x: Any, like: Any) -> Any:
    """A constant in the type of another array."""
    return np.asarray(x, dtype=str(like.dtype))


def require_numbers(call: Call, *arrays: Any) -> None:
    """Refuse whole numbers where a formula needs floating-point ones."""
    for x in arrays:
        if x is not None and kind(x) != "f":
            call.refuse(f"needs floating-point numbers, got {x.dtype}")


def size_of(shape: Any) -> int:
    """Elements of a shape."""
    return math.prod(shape)


def shape_of(x: Any) -> Ints:
    """Sizes of the axes."""
    return tuple(x.shape) if isinstance(x, Tensor) else tuple(np.shape(x))
