"""An ONNX graph while it is being written: nodes, weights, and values with their shapes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from backlit.errors import InputError
from backlit.extras import need

Shape = tuple[int | str, ...]
BATCH, TIME = "batch", "time"  # axes of any length, by the names that the file gives them
OPSET, OLDEST, ML_OPSET = 20, 18, 3  # 20 has Gelu, and is read by ONNX Runtime from 1.17 on
ML, ML_OPERATORS = "ai.onnx.ml", ("LabelEncoder",)  # the other domain of ONNX's own
MOST_BYTES = 2_000_000_000  # a file of protobuf ends at 2³¹ - 1
TRUE, FLOAT, DOUBLE, INT, TEXT = "bool", "float32", "float64", "int64", "str"


class UnknownLengthError(InputError):
    """A layer that must know how many time steps there are, in a network that is written for any number."""


@dataclass(frozen=True)
class Value:
    """What a node gives, or a graph takes.

    Attributes
    ----------
    name : str
    shape : tuple of int and str
        As Backlit sees it: rows first, channels last. Axes of any length have names.
    dtype : str
        As NumPy calls it; "str" for texts.
    first : bool
        Whether the array has its channels on the second axis, as ONNX's convolutions want it.
    """

    name: str
    shape: Shape
    dtype: str = FLOAT
    first: bool = False

    @property
    def sizes(self) -> tuple[int, ...]:
        """All sizes but that of the batch.

        Raises
        ------
        UnknownLengthError
            If one of them has only a name.
        """
        sizes = [size for size in self.shape[1:] if isinstance(size, int)]
        if len(sizes) < len(self.shape) - 1:
            raise UnknownLengthError("it must know how many time steps there are")
        return tuple(sizes)


class Graph:
    """Nodes in the order in which they run.

    Parameters
    ----------
    opset : int
    outer : Graph, optional
        The one in which this is the body of a loop: its values can be used here, and it keeps the weights.
    at : str
        The path of the layer whose body it is.
    """

    def __init__(self, opset: int = OPSET, outer: Graph | None = None, at: str = "") -> None:
        self.opset, self.outer, self.at = opset, outer, at
        self.onnx: Any = outer.onnx if outer else need("onnx", extra="onnx", why="exporting to ONNX")
        self.nodes: list[Any] = []
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []
        self.weights: dict[str, np.ndarray] = {}
        self.domains: set[str] = set()
        self._names: set[str] = outer._names if outer else set()
        self._turned: dict[tuple[str, bool], Value] = {}
        self._known: dict[tuple[str, str, tuple[int, ...], bytes], Value] = {}
        self._renamed: dict[str, str] = {}
        self.packings: dict[str, tuple[Value, Value, Value]] = {}  # by a mask's name: see `layers.recurrent`

    @property
    def root(self) -> Graph:
        """The graph that no other holds."""
        return self if self.outer is None else self.outer.root

    def unique(self, name: str) -> str:
        """The name, or the name with a number behind it."""
        found, count = name, 1
        while found in self._names:
            count += 1
            found = f"{name}_{count}"
        self._names.add(found)
        return found

    # ------------------------------------------------------------------------------------------ what goes in

    def input(self, name: str, shape: Shape, dtype: str = FLOAT) -> Value:
        """A further input of the graph."""
        value = Value(self.unique(self._own(name)), shape, dtype)
        self.inputs.append(value)
        return value

    def constant(self, array: Any, name: str = "constant") -> Value:
        """An array that the file holds; small ones that are alike are kept once."""
        if self.outer is not None:
            return self.root.constant(array, name)
        array = np.asarray(array)
        dtype = TEXT if array.dtype.kind in "UO" else str(array.dtype)
        key = (name, dtype, array.shape, array.tobytes() if array.size <= 64 and dtype != TEXT else b"")
        if key[-1] and key in self._known:
            return self._known[key]
        value = Value(self.unique(name), array.shape, dtype)
        self.weights[value.name] = array
        self._known[key] = value
        return value

    def number(self, number: float, like: Value) -> Value:
        """A single number of a value's type."""
        return self.constant(np.array(number, like.dtype))

    # ------------------------------------------------------------------------------------------ what is done

    @overload
    def node(self, op: str, *inputs: Value | None, shape: Shape | None = ..., **options: Any) -> Value: ...
    @overload
    def node(self, op: str, *inputs: Value | None, shapes: Sequence[Shape], **options: Any) -> list[Value]: ...
    def node(
        self,
        op: str,
        *inputs: Value | None,
        at: str = "",
        shape: Shape | None = None,
        shapes: Sequence[Shape] | None = None,
        dtype: str | None = None,
        **attributes: Any,
    ) -> Any:
        """What an operator makes of values.

        Parameters
        ----------
        op : str
        *inputs : Value or None
            None for one that is left out.
        at : str
            The path of the layer that it belongs to.
        shape, shapes : tuple of int and str, or several of them
            Of the result, or of each; that of the first input by default.
        dtype : str
            Of all results; that of the first input by default.
        **attributes
            The operator's.

        Returns
        -------
        Value, or list of Value if several shapes are given
        """
        given = next(value for value in inputs if value is not None)
        name = self.unique(f"{at}/{op}" if at else op)
        dtype = dtype or given.dtype
        first = given.first and shape is None and shapes is None
        made = [Value(self.unique(f"{name}:{i}"), one, dtype) for i, one in enumerate(shapes or ())]
        made = made or [Value(self.unique(f"{name}:0"), given.shape if shape is None else shape, dtype, first)]
        names = [value.name if value is not None else "" for value in inputs]
        attributes = {key: value for key, value in attributes.items() if value is not None}
        outputs, domain = [value.name for value in made], ML if op in ML_OPERATORS else ""
        self.nodes.append(self.onnx.helper.make_node(op, names, outputs, name, domain=domain, **attributes))
        self.root.domains.add(domain)
        return made if shapes is not None else made[0]

    def inner(self, at: str) -> Graph:
        """The body of the loop of a layer."""
        return Graph(self.opset, self, at)

    def _own(self, name: str) -> str:
        """A name for people in the whole file; in a body, one that they don't read."""
        return name if self.outer is None else f"{self.at}/step/{name}"

    # ------------------------------------------------------------------------------------- axes and types

    def last(self, x: Value) -> Value:
        """The value with its channels last."""
        return self._turn(x, to_first=False) if x.first else x

    def first(self, x: Value) -> Value:
        """The value with its channels on the second axis."""
        return x if x.first or len(x.shape) == 2 else self._turn(x, to_first=True)

    def _turn(self, x: Value, to_first: bool) -> Value:
        """By a node that is written once for each value."""
        found = self._turned.get((x.name, to_first))
        if found is None:
            axes = len(x.shape)
            perm = [0, axes - 1, *range(1, axes - 1)] if to_first else [0, *range(2, axes), 1]
            turned = self.node("Transpose", x, shape=x.shape, perm=perm)
            found = dataclasses.replace(turned, first=to_first)
            self._turned[x.name, to_first] = found
            self._turned[found.name, not to_first] = x
        return found

    def cast(self, x: Value, dtype: str) -> Value:
        """The value in another type."""
        if x.dtype == dtype:
            return x
        return self.node("Cast", x, dtype=dtype, to=self.kind(dtype))

    def axes(self, *axes: int) -> Value:
        """Whole numbers that say which axes, or sizes."""
        return self.constant(np.array(axes, np.int64), "axes")

    def reshape(self, x: Value, sizes: Sequence[int], shape: Shape) -> Value:
        """The same numbers in another shape; a size of 0 stands for that of the same axis, -1 for what is left."""
        return self.node("Reshape", self.last(x), self.axes(*sizes), shape=shape)

    def size(self, x: Value, start: int, end: int) -> Value:
        """Sizes of some axes, as they are when the graph runs."""
        return self.node("Shape", x, shape=(end - start,), dtype=INT, start=start, end=end)

    # ---------------------------------------------------------------------------------------------- the file

    def kind(self, dtype: str) -> int:
        """ONNX's number of a type."""
        if dtype == TEXT:
            return int(self.onnx.TensorProto.STRING)
        return int(self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def told(self, value: Value) -> Any:
        """Name, type and shape as the file has them."""
        shape = value.shape
        if value.first:
            shape = (shape[0], shape[-1], *shape[1:-1])
        return self.onnx.helper.make_tensor_value_info(value.name, self.kind(value.dtype), shape)

    def rename(self, value: Value, name: str) -> Value:
        """The value as an output of this name; one that a node made takes it, others are copied."""
        value = self.last(value)
        value = dataclasses.replace(value, name=self._renamed.get(value.name, value.name))
        makers = [node for node in self.nodes if value.name in node.output]
        inside = any(attribute.HasField("g") for node in self.nodes for attribute in node.attribute)
        taken = any(value.name == output.name for output in self.outputs)
        name = self.unique(self._own(name))
        if not makers or inside or taken:
            self.nodes.append(
                self.onnx.helper.make_node("Identity", [value.name], [name], self.unique(f"{name}/Identity"))
            )
        else:
            for node in self.nodes:
                for names in (node.input, node.output):
                    for i, one in enumerate(names):
                        names[i] = name if one == value.name else one
            self._renamed[value.name] = name
        output = dataclasses.replace(value, name=name)
        self.outputs.append(output)
        return output

    def to_proto(self, name: str) -> Any:
        """The graph as ONNX's message."""
        tensors = [self._tensor(name, array) for name, array in self.weights.items()]
        inputs, outputs = ([self.told(value) for value in values] for values in (self.inputs, self.outputs))
        return self.onnx.helper.make_graph(self.nodes, name, inputs, outputs, tensors)

    def _tensor(self, name: str, array: np.ndarray) -> Any:
        if array.dtype.kind in "UO":
            return self.onnx.helper.make_tensor(
                name, self.onnx.TensorProto.STRING, array.shape, [str(text).encode() for text in array.ravel()]
            )
        return self.onnx.numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
