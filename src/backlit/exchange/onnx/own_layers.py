"""Layers of the user's own, written as the operations that they are made of.

The layer is called with Tensors, twice: with other numbers, and another number of rows. What is the same both times is
what it computes; what differs says where the number of rows stands, or that something left the graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.exchange.onnx.graph import BATCH, FLOAT, INT, TRUE, Shape, Value
from backlit.exchange.onnx.mapping import Site, writes
from backlit.exchange.onnx.operations import OPERATIONS, Call, Rows, sizes_of
from backlit.graph import tree
from backlit.graph.backward import nodes
from backlit.graph.op import Op
from backlit.graph.tensor import Tensor
from backlit.nn.context import Context
from backlit.nn.layer import Layer

ROWS = (3, 5)  # of the two calls
PART = Op("part", lambda xp, x: x, None)  # a layer inside the layer, which is written as itself


@dataclass(eq=False)
class Tracing(Context):
    """A context in which the parts of a container become one node each."""

    def run(self, name: str, layer: Any, params: Any, x: Any, **options: Any) -> Any:
        """The part's output, as a Tensor that remembers which part made it."""
        if type(x) is not Tensor or options:
            return super().run(name, layer, params, x, **options)
        plain = Context(path=self.path, states=self.states, time_mask=self.time_mask)
        output = plain.run(name, layer, params, x.value)
        if isinstance(output, tuple):
            raise InputError("a part that returns its states beside the output can't be written")
        return Tensor(output, PART, (x,), {"path": self._at(name), "layer": layer})


@writes(Layer)
def traced(site: Site, layer: Layer, x: Value) -> Value:
    """Write a layer that no mapping knows.

    Raises
    ------
    InputError
        If it computes with something else than operations, or with one that ONNX hasn't.
    """
    x = site.graph.last(x)
    first, second = (_called(site, layer, x, rows) for rows in ROWS)
    made: dict[int, Value] = {first[0].serial: x}
    pairs = list(zip(nodes(first[1]), nodes(second[1]), strict=False))
    if first[1] is first[0]:
        return x
    if all(node is not first[0] for node, _ in pairs):
        raise InputError("its output doesn't depend on its input by Backlit's operations")
    if [_op(a) for a, _ in pairs] != [_op(b) for _, b in pairs] or len(nodes(second[1])) != len(pairs):
        raise InputError("what it computes depends on the numbers that come in, so that no fixed graph says it")
    for one, other in pairs:
        if one.op is not None:
            made[one.serial] = _written(site, one, other, made, x)
    return made[first[1].serial]


def _op(node: Tensor) -> str | None:
    return None if node.op is None else node.op.name


def _called(site: Site, layer: Layer, x: Value, rows: int) -> tuple[Tensor, Tensor]:
    """The layer's input and output as nodes."""
    rng = np.random.default_rng(rows)
    shape = (rows, *x.sizes)
    array = rng.normal(size=shape).astype(FLOAT) if x.dtype == FLOAT else rng.integers(0, 2, shape)
    leaf = Tensor(array)
    narrow = lambda part: np.asarray(part, FLOAT) if np.asarray(part).dtype.kind == "f" else part  # noqa: E731
    mask = None if site.mask is None else rng.random(shape[:2]) < 0.5
    states = {path: np.asarray(value, FLOAT) for path, value in site.states.items()}
    context = Tracing(path=site.path, states=states, time_mask=mask)
    output = layer(tree.map(narrow, site.params), leaf, context)
    if type(output) is not Tensor:
        raise InputError(
            f"its output is {type(output).__name__} and no Tensor: it computes outside of Backlit's operations; use "
            "operators and backlit.ops"
        )
    return leaf, output


def _written(site: Site, one: Tensor, other: Tensor, made: dict[int, Value], x: Value) -> Value:
    """One node."""
    name = str(_op(one))
    inputs: list[Value | None] = []
    for place, (a, b) in enumerate(zip(one.parents, other.parents, strict=True)):
        if type(a) is Tensor and a.serial in made:
            inputs.append(made[a.serial])
        elif a is None:
            inputs.append(None)
        else:
            inputs.append(_constant(site, f"input {place + 1} of {name}", a, b, x))
    if one.op is PART:
        at = site
        for part in one.static["path"].removeprefix(f"{site.path}/").split("/"):  # of a part's part, too
            at = at.child(part)
        return at.write(one.static["layer"], made[one.parents[0].serial])
    if name not in OPERATIONS:
        raise InputError(
            f"it uses the operation {name}, for which there is no mapping; those that have one: "
            f"{', '.join(sorted(OPERATIONS))}"
        )
    static = {key: agreed(f"{key} of {name}", one.static[key], other.static.get(key)) for key in one.static}
    shape = named(agreed(f"the shape of {name}", tuple(one.shape), tuple(other.shape)))
    return OPERATIONS[name](site, Call(name, inputs, static, shape, x))


def named(shape: Sequence[Any]) -> Shape:
    """A shape with names for what depends on the number of rows."""
    return tuple(
        size if not isinstance(size, Rows) else BATCH if size.times == 1 else f"{size.times}_a_row" for size in shape
    )


def agreed(what: str, one: Any, other: Any) -> Any:
    """A setting of both calls; a number that grows with the rows becomes `Rows`.

    Raises
    ------
    InputError
        If it differs otherwise.
    """
    if isinstance(one, (tuple, list)) and isinstance(other, (tuple, list)) and len(one) == len(other):
        return tuple(agreed(what, a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, slice) and isinstance(other, slice):
        return slice(*(agreed(what, getattr(one, end), getattr(other, end)) for end in ("start", "stop", "step")))
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        if np.array_equal(one, other):
            return one
    elif one == other and type(one) is type(other):
        return one
    elif isinstance(one, int) and isinstance(other, int) and one * ROWS[1] == other * ROWS[0]:
        return Rows(one // ROWS[0])
    raise InputError(f"{what} depends on the numbers that come in, or on their shape: {one!r:.60} or {other!r:.60}")


def _constant(site: Site, what: str, one: Any, other: Any, x: Value) -> Value:
    """What isn't computed from the input: the same both times, or the same for each row."""
    a, b = (_plain(part.value if type(part) is Tensor else part) for part in (one, other))
    if a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
        return site.weight("constant", a)
    grown = [axis for axis, sizes in enumerate(zip(a.shape, b.shape, strict=False)) if sizes == ROWS]
    if len(a.shape) == len(b.shape) and len(grown) == 1:
        (axis,) = grown
        each, again = np.take(a, [0], axis), np.take(b, [0], axis)
        if np.array_equal(each, again) and (a == each).all() and (b == again).all():
            shape = tuple(BATCH if i == axis else size for i, size in enumerate(a.shape))
            sizes = [Rows(1) if i == axis else size for i, size in enumerate(a.shape)]
            return site.node("Expand", site.weight("constant", each), sizes_of(site, x, sizes), shape=shape)
    raise InputError(
        f"{what} is worked out from what comes in, but not by Backlit's operations (a comparison, or NumPy's functions "
        "on values), so that the file couldn't follow it; use backlit.ops, or wrap the choice in a smooth function"
    )


def _plain(value: Any) -> np.ndarray:
    """An array in one of the file's types."""
    array = np.asarray(value)
    return array.astype({"f": FLOAT, "b": TRUE}.get(array.dtype.kind, INT))
