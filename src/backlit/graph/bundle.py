"""Bundle: several arrays as the value of one node, for operations with more than one result."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backlit.graph.backward import is_float, nodes, pull, zeros_like
from backlit.graph.op import Op, is_transforming, namespace, snapshot
from backlit.graph.ops.shape import identity
from backlit.graph.tensor import Tensor, value_of


class Bundle:
    """Arrays kept apart that count as one: as an array, it is all of them flattened and joined.

    The backward pass adds up gradients of a node; those of a bundle are added part by part, and a part that no
    gradient has reached is None, so that nothing is computed for it.
    """

    __slots__ = ("_like", "parts")

    def __init__(self, parts: Any, like: Bundle | None = None) -> None:
        self.parts = tuple(parts)
        self._like: tuple[Any, ...] = (
            like._like if like is not None else tuple([(p.shape, p.dtype) for p in self.parts])
        )

    @staticmethod
    def of(gradient: Any, like: Bundle) -> Bundle:
        """A gradient of a bundle as one: itself, or a flat array cut up."""
        if type(gradient) is Bundle:
            return gradient
        sizes = [math.prod(shape) for shape, _ in like._like]
        ends = np.cumsum(sizes).tolist()
        cuts = zip(ends, sizes, like._like, strict=True)
        return Bundle([gradient[end - size : end].reshape(shape) for end, size, (shape, _) in cuts], like)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the joined array."""
        return (sum(math.prod(shape) for shape, _ in self._like),)

    @property
    def dtype(self) -> Any:
        """Of the first part with real numbers."""
        dtypes = [dtype for _, dtype in self._like]
        return next(filter(is_float, dtypes), dtypes[0])

    def __add__(self, other: Any) -> Bundle:
        pairs = zip(self.parts, Bundle.of(other, self).parts, strict=True)
        return Bundle([b if a is None else a if b is None else a + b for a, b in pairs], self)

    def zero(self, position: int) -> Any:
        """Zeros like a part."""
        shape, dtype = self._like[position]
        return self.__array_namespace__().zeros(shape, dtype=dtype)

    def __array_namespace__(self) -> Any:
        return namespace(*[value_of(part) for part in self.parts if part is not None])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        parts = [self.zero(i) if p is None else np.asarray(value_of(p)) for i, p in enumerate(self.parts)]
        return np.concatenate([p.reshape(-1) for p in parts]).astype(dtype or self.dtype)


def _pack_rule(position: int, g: Any, y: Any, *inputs: Any) -> Any:
    whole = Bundle.of(g, value_of(y))
    part = whole.parts[position]
    return value_of(y).zero(position) if part is None else part


def _unpack_rule(g: Any, y: Any, bundle: Any, index: int) -> Bundle:
    like = value_of(bundle)
    return Bundle([g if i == index else None for i in range(len(like.parts))], like)


_PACK = Op("pack", lambda xp, *inputs: Bundle(inputs), _pack_rule, gate="hands each its own gradient")
_UNPACK = Op(
    "unpack",
    lambda xp, bundle, index: bundle.parts[index],
    (_unpack_rule,),
    gate="passes the gradient on to the part that it is of",
)


def pack(inputs: Any) -> Tensor:
    """Arrays and Tensors as one node."""
    if not is_transforming():
        inputs = [x if type(x) is Tensor else snapshot(x) for x in inputs]
    return Tensor(Bundle([value_of(x) for x in inputs]), _PACK, tuple(inputs), {})


def unpack(bundle: Tensor) -> list[Tensor]:
    """The parts of a node with a bundle, each a node."""
    return [Tensor(part, _UNPACK, (bundle,), {"index": i}) for i, part in enumerate(bundle.value.parts)]


def no_second_run(xp: Any, *inputs: Any) -> Any:
    """The forward function of a node whose value was there before it."""
    raise TypeError("a recurrence's value was computed when it was called")


def leaf_of(value: Any) -> Tensor:
    """A value as a node where gradients can end."""
    return identity(value) if type(value) is Tensor else Tensor(value)


def pull_several(
    pairs: list[tuple[Any, Any]], targets: list[Tensor], captured: list[Tensor], nested: bool
) -> list[Any]:
    """Gradients of several results by the targets and the captured Tensors, zeros where no path leads."""
    paths = [(out, bar) for out, bar in pairs if bar is not None and type(out) is Tensor and is_float(out.dtype)]
    gradients: list[Any] = [None] * (len(targets) + len(captured))
    if paths:
        root = pack([out for out, _ in paths])
        border = {tensor.serial for tensor in captured}
        order = nodes(root, stop=[*targets, *captured])
        order = [_stand_in(node) if node.serial in border else node for node in order]
        gradients = pull(
            order, Bundle([bar for _, bar in paths], root.value), [*targets, *captured], differentiable=nested
        )
    return [
        zeros_like(target.value) if part is None else part
        for part, target in zip(gradients, [*targets, *captured], strict=True)
    ]


def _stand_in(node: Tensor) -> Tensor:
    """A leaf in a node's place: its gradient ends there, and the graph around the scan takes it further."""
    leaf = Tensor(node.value)
    leaf.serial = node.serial
    return leaf
