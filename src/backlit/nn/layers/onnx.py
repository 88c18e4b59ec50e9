"""Networks read from ONNX files, where layers alone don't tell them: single nodes, and the graph that joins both."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.errors import BacklitError, InputError, ShapeError, shown
from backlit.graph.op import transforming
from backlit.graph.tensor import value_of
from backlit.nn import initializers
from backlit.nn.context import Context, Params, Shape, ensure_context, tell_where
from backlit.nn.hyperparameters import whole
from backlit.nn.key import Key
from backlit.nn.layer import Layer, init_part
from backlit.nn.layers.shaping import Flatten, Permute, Reshape, Select

if TYPE_CHECKING:
    from backlit.nn.operators import Call

INPUT = "input"
_KINDS = ("input", "weight", "state", "constant", "sizes", "filled", "none")
FLOAT, WHOLE = "float32", "int64"
_MOVING = (Flatten, Permute, Reshape, Select)  # layers that leave numbers as they are
_TRIED = 2  # rows of the batch that tells shapes


def frozen(value: Any) -> Any:
    """Lists, as from JSON, as tuples, which can be hashed."""
    return tuple([frozen(item) for item in value]) if isinstance(value, (list, tuple)) else value


@dataclass(frozen=True, repr=False)
class OnnxNode(Layer):
    """A node of an ONNX graph, run by Backlit's operations: for what no layer of Backlit's does.

    `backlit.from_onnx` makes them. Their fields are plain data: a saved network holds no code.

    Parameters
    ----------
    operator : str
        As ONNX names it: "Erf", "Slice", "MatMul".
    operands : tuple of tuples
        The node's inputs in order. ``("input",)`` is the next array that the layer is called with, ``("weight", name,
        shape)`` a parameter, ``("state", name, shape)`` a constant kept with the weights, ``("constant", dtype, shape,
        numbers)`` one that stands here, ``("sizes", ((a, k), …))`` whole numbers a + k · rows, ``("filled", dtype,
        ((a, k), …), number)`` an array of such sizes, all of it one number, ``("none",)`` an input left out.
    attributes : tuple of (name, value)
    version : int
        Of ONNX's operator set.
    output, outputs : int
        Which of how many outputs is the layer's.
    rows : bool
        Whether the first axis of what comes in and goes out is the batch.

    Raises
    ------
    InputError
        If there is no such operator, or an attribute isn't one that it has.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> from backlit.nn.layers.onnx import OnnxNode
    >>> clip = OnnxNode("Clip", (("input",), ("constant", "float32", (), (0.0,))))
    >>> clip.build((2,))(np.array([[-1.0, 2.0]])).tolist()
    [[0.0, 2.0]]

    References
    ----------
    The operators: https://onnx.ai/onnx/operators/.
    """

    operator: str
    operands: tuple[Any, ...] = (("input",),)
    attributes: tuple[Any, ...] = ()
    version: int = whole(21)
    output: int = 0
    outputs: int = whole(1)
    rows: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "operands", frozen(self.operands))
        object.__setattr__(self, "attributes", frozen(self.attributes))
        for pair in self.attributes:
            if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[0], str):
                raise InputError(f"OnnxNode: attributes must be pairs of name and value, got {shown(pair)}")
        for operand in self.operands:
            _require_operand(operand)
        if isinstance(self.output, bool) or not 0 <= self.output < self.outputs:
            raise InputError(f"OnnxNode: output must be from 0 to {self.outputs - 1}, got {shown(self.output)}")
        self._call("").known_operator()

    def _call(self, name: str) -> Call:
        from backlit.nn.operators import Call  # a table of 120 operators, for whoever has such a layer

        return Call(self.operator, dict(self.attributes), self.version, name, self.outputs)

    @property
    def arity(self) -> int:
        """How many arrays it is called with."""
        return sum(operand[0] == "input" for operand in self.operands)

    @property
    def takes_integers(self) -> bool:
        return self.operator == "Cast"

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        drawn: Params = {}
        for kind, *rest in self.operands:
            if kind == "weight":
                name, shape = rest
                way = "xavier" if len(shape) > 1 else "zeros"
                drawn[name] = initializers.get(way)(key.child(name), shape)
        return drawn, self.output_shape(input_shape)

    def init_state(self, input_shape: Shape) -> dict[str, Any]:
        return {operand[1]: np.zeros(operand[2]) for operand in self.operands if operand[0] == "state"}

    def output_shape(self, input_shape: Shape) -> Shape:
        if self.arity != 1:
            raise ShapeError(f"{self} takes {self.arity} arrays: it can only stand in an OnnxGraph")
        shapes = ((_TRIED, *input_shape),)
        try:
            shape, _ = traced(self, shapes, (FLOAT,), _TRIED)
        except InputError:  # of places, say, which only whole numbers can be
            shape, _ = traced(self, shapes, (WHOLE,), _TRIED)
        if not shape or shape[0] != _TRIED:
            raise ShapeError(f"{self} makes {(_TRIED, *input_shape)} into {shape}: the rows of a batch got mixed")
        return shape[1:]

    def compute(self, params: Params, inputs: Sequence[Any], ctx: Context, rows: int) -> Any:
        """The output for these arrays, in a batch of so many rows."""
        arrays = iter(inputs)
        dtype = self._dtype([*inputs, *params.values()])
        operands = tuple([self._operand(operand, arrays, params, ctx, rows, dtype) for operand in self.operands])
        outputs = self._call(ctx.path).run(operands)
        if self.output >= len(outputs) or outputs[self.output] is None:
            raise InputError(f"{self} has no output number {self.output + 1}")
        return outputs[self.output]

    def _operand(self, operand: Any, arrays: Any, params: Params, ctx: Context, rows: int, dtype: Any) -> Any:
        kind, *rest = operand
        if kind == "input":
            return next(arrays)
        if kind == "weight":
            return params[rest[0]]
        if kind == "state":
            return ctx.state(rest[0])
        if kind == "sizes":
            return np.array([a + k * rows for a, k in rest[0]], dtype=np.int64)
        if kind == "none":
            return None
        own = rest[0] if dtype is None or not rest[0].startswith("float") else dtype
        if kind == "filled":
            return np.full([a + k * rows for a, k in rest[1]], rest[2], dtype=own)
        return np.array(rest[2], dtype=own).reshape(rest[1])

    def _dtype(self, arrays: Sequence[Any]) -> Any:
        """The network's type of number, which constants take; None where there are no such numbers here."""
        return next((str(x.dtype) for x in arrays if x.dtype.kind == "f"), None)

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return self.compute(params, [x], ensure_context(ctx), x.shape[0])

    def cost(self, input_shape: Shape) -> int:
        """Multiply-adds with weights; what arrays do with each other isn't counted."""
        weights = [operand[2] for operand in self.operands if operand[0] == "weight" and len(operand[2]) > 1]
        if not weights or self.operator not in ("MatMul", "Gemm", "Conv", "ConvTranspose", "LSTM", "GRU", "RNN"):
            return 0
        size = sum(math.prod(shape) for shape in weights)
        if self.operator in ("MatMul", "Gemm"):
            return size * math.prod(input_shape[:-1])
        places = self.output_shape(input_shape)[1:] if self.operator == "Conv" else input_shape[1:]
        return size * (math.prod(places) if self.operator.startswith("Conv") else input_shape[0])

    def __repr__(self) -> str:
        return f"OnnxNode({self.operator})" if self.arity == 1 else f"OnnxNode({self.operator} of {self.arity})"


def _require_operand(operand: Any) -> None:
    """Refuse what isn't one of the kinds of operands, whole."""
    good = isinstance(operand, tuple) and bool(operand) and operand[0] in _KINDS
    if good:
        kind, *rest = operand
        form = {"weight": (str, tuple), "state": (str, tuple), "constant": (str, tuple, tuple), "sizes": (tuple,),
                "filled": (str, tuple, (int, float))}.get(kind, ())  # fmt: skip
        good = len(rest) == len(form) and all(isinstance(part, each) for part, each in zip(rest, form, strict=True))
        good = good and all(_is_sizes(part) for part in rest[1:2] if kind in ("weight", "state", "constant"))
        good = good and all(
            _is_affine(part) for part in rest if kind in ("sizes", "filled") and isinstance(part, tuple)
        )
        good = good and (kind != "constant" or _fits(rest))
        good = good and (kind not in ("constant", "filled") or rest[0] in _TYPES)
        good = good and (kind not in ("weight", "state") or ("/" not in rest[0] and bool(rest[0])))
    if not good:
        raise InputError(
            f"OnnxNode: an operand is one of {', '.join(_KINDS)} with what belongs to it, got {shown(operand)}"
        )


_TYPES = (
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
)


def _is_sizes(sizes: Any) -> bool:
    return all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 2**31 for n in sizes)


def _is_affine(pairs: Any) -> bool:
    return all(
        isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(n, int) and abs(n) < 2**31 for n in pair)
        for pair in pairs
    )


def _fits(rest: Sequence[Any]) -> bool:
    return len(rest[2]) == math.prod(rest[1]) and all(isinstance(n, (int, float)) for n in rest[2])


@lru_cache(maxsize=4096)
def traced(node: OnnxNode, shapes: tuple[Shape, ...], dtypes: tuple[str, ...], rows: int) -> tuple[Shape, str]:
    """Shape and type of a node's output for inputs of these, found by computing it from zeros."""
    inputs = [np.zeros(shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]
    params = {operand[1]: np.zeros(operand[2], FLOAT) for operand in node.operands if operand[0] == "weight"}
    states = {operand[1]: np.zeros(operand[2], FLOAT) for operand in node.operands if operand[0] == "state"}
    with transforming():
        made = value_of(node.compute(params, inputs, Context(states=states), rows))
    return tuple(np.shape(made)), str(made.dtype)


@dataclass(frozen=True, repr=False)
class OnnxGraph(Layer):
    """A network of layers and ONNX nodes, each with the names of those that it gets its inputs from.

    `backlit.from_onnx` makes it of files whose layers aren't just one after another.

    Parameters
    ----------
    nodes : tuple of (name, Layer, tuple of names)
        Each after those that it names; "input" is the network's input. Layers other than `OnnxNode` have one input.
    output : str
        The node that gives the network's output.
    integers : bool
        Whether the network's input is whole numbers.

    Raises
    ------
    InputError
        If a name is taken, unknown, or stands after its use, or a node has another number of inputs than it takes.

    Examples
    --------
    >>> import backlit as bl
    >>> from backlit.nn.layers.onnx import OnnxGraph, OnnxNode
    >>> graph = OnnxGraph(
    ...     (
    ...         ("gate", bl.Linear(3), ("input",)),
    ...         ("squashed", bl.Sigmoid(), ("gate",)),
    ...         ("product", OnnxNode("Mul", (("input",), ("input",))), ("squashed", "input")),
    ...     ),
    ...     "product",
    ... )
    >>> print(graph.build((3,)))
    layer     kind       output  parameters  multiply-adds  weights
    gate      Linear(3)  (3,)            12              9  weight 3×3, bias 3
    squashed  Sigmoid()  (3,)             0              0
    total                (3,)            12              9
    """

    nodes: tuple[tuple[str, Layer, tuple[str, ...]], ...]
    output: str
    integers: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.nodes, (tuple, list)) or not self.nodes:
            raise InputError("OnnxGraph needs at least one node")
        known = {INPUT}
        checked = []
        for entry in self.nodes:
            if not isinstance(entry, (tuple, list)) or len(entry) != 3 or not isinstance(entry[1], Layer):
                raise InputError(
                    f"OnnxGraph: a node is a name, a layer and the names of its inputs, got {shown(entry)}"
                )
            name, layer, sources = entry[0], entry[1], tuple(entry[2])
            if not isinstance(name, str) or not name or "/" in name or name in known:
                raise InputError(f"OnnxGraph: a node can't be called {shown(name)}: it is taken, empty or has a '/'")
            for source in sources:
                if source not in known:
                    raise InputError(
                        f"OnnxGraph: node {name!r} gets its input from {shown(source)}, which isn't before it"
                    )
            arity = layer.arity if isinstance(layer, OnnxNode) else 1
            if len(sources) != arity:
                raise InputError(f"OnnxGraph: node {name!r} ({layer}) takes {arity} inputs, got {len(sources)}")
            known.add(name)
            checked.append((name, layer, sources))
        if self.output not in known - {INPUT}:
            raise InputError(f"OnnxGraph: the output {shown(self.output)} is none of its nodes")
        object.__setattr__(self, "nodes", tuple(checked))

    def parts(self) -> list[tuple[str, Layer]]:
        return [(name, layer) for name, layer, _ in self.nodes if is_part(layer)]

    @property
    def takes_integers(self) -> bool:
        return self.integers

    def check_inputs(self, x: np.ndarray) -> None:
        for name, layer, sources in self.nodes:
            if sources == (INPUT,) and is_part(layer):
                try:
                    layer.check_inputs(x)
                except BacklitError as error:
                    tell_where(error, name, layer)
                    raise

    def shapes(self, input_shape: Shape) -> Mapping[str, Shape]:
        """The shape of what each node gives in a batch of two rows."""
        return _shapes(self, tuple(input_shape))

    def open(self, input_shape: Shape) -> list[tuple[str, Layer, Shape]]:
        shapes = self.shapes(input_shape)
        return [(name, layer, shapes[sources[0]][1:]) for name, layer, sources in self.nodes if is_part(layer)]

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        params: Params = {}
        shapes = self.shapes(input_shape)
        for name, layer, sources in self.nodes:
            if is_part(layer):
                drawn, _ = init_part(key, name, layer, shapes[sources[0]][1:])
            else:
                drawn = _drawn(layer, key.child(name))
            if drawn:
                params[name] = drawn
        return params, shapes[self.output][1:]

    def init_state(self, input_shape: Shape) -> dict[str, Any]:
        shapes = self.shapes(input_shape)
        states = {
            name: layer.init_state(shapes[sources[0]][1:] if sources else ()) for name, layer, sources in self.nodes
        }
        return {name: state for name, state in states.items() if state}

    def output_shape(self, input_shape: Shape) -> Shape:
        shape = self.shapes(input_shape)[self.output]
        if not shape or shape[0] != _TRIED:
            raise ShapeError(f"{self} makes a batch of {_TRIED} into {shape}: its first axis isn't the batch")
        return shape[1:]

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        made, rows = {INPUT: x}, x.shape[0]
        uses = Counter(source for _, _, sources in self.nodes for source in sources)
        for name, layer, sources in self.nodes:
            inputs = [made[source] for source in sources]
            if is_part(layer):
                made[name] = ctx.run(name, layer, params, inputs[0])
            else:
                made[name] = self._joined(name, layer, params, inputs, ctx, rows)
            uses.subtract(sources)
            for source in sources:  # what nobody needs any more takes no memory
                if not uses[source] and source != self.output:
                    made.pop(source, None)
        return made[self.output]

    def _joined(self, name: str, layer: Any, params: Params, inputs: list[Any], ctx: Context, rows: int) -> Any:
        inner = ctx.child(name)
        try:
            return layer.compute(params.get(name, {}), inputs, inner, rows)
        except BacklitError as error:
            tell_where(error, inner.path, layer)
            raise

    def __repr__(self) -> str:
        return f"OnnxGraph({len(self.nodes)} nodes)"


def is_part(layer: Layer) -> bool:
    """Whether a node is a layer like any other, one batch in, one out: others join several, or move its axis."""
    return not isinstance(layer, OnnxNode) or (layer.arity == 1 and layer.rows)


def _drawn(layer: Any, key: Key) -> Params:
    return {
        operand[1]: initializers.get("xavier" if len(operand[2]) > 1 else "zeros")(key.child(operand[1]), operand[2])
        for operand in layer.operands
        if operand[0] == "weight"
    }


@lru_cache(maxsize=64)
def _shapes(graph: OnnxGraph, input_shape: Shape) -> Mapping[str, Shape]:
    shapes: dict[str, Shape] = {INPUT: (_TRIED, *input_shape)}
    types = {INPUT: WHOLE if graph.integers else FLOAT}  # places stay whole numbers on their way to where they pick
    for name, layer, sources in graph.nodes:
        try:
            if is_part(layer) and shapes[sources[0]][:1] != (_TRIED,):
                raise ShapeError(f"its input of shape {shapes[sources[0]]} doesn't begin with the batch of {_TRIED}")
            if isinstance(layer, OnnxNode):
                given = tuple(shapes[source] for source in sources), tuple(types[source] for source in sources)
                shapes[name], types[name] = traced(layer, *given, _TRIED)
            else:
                shapes[name] = (_TRIED, *layer.output_shape(shapes[sources[0]][1:]))
                types[name] = types[sources[0]] if isinstance(layer, _MOVING) else FLOAT
        except BacklitError as error:
            tell_where(error, name, layer)
            raise
    return shapes
