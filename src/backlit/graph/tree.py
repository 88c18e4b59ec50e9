"""Trees: nested dicts, lists, tuples and dataclasses of arrays, taken apart into leaves and put together again.

JAX has this, but the NumPy engine must not import it, and dataclasses should need no registration.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

Tree = Any


class Structure(NamedTuple):
    """Shape of a tree without its leaves; hashable, so that a compiled program can be looked up by it."""

    kind: Any  # None: a leaf; "none": the value None, which holds no leaf; otherwise the container's type
    keys: tuple[Any, ...] = ()
    children: tuple[Structure, ...] = ()


_LEAF = Structure(None)
_EMPTY = Structure("none")


def _parts(node: Tree) -> tuple[tuple[Any, ...], Sequence[Tree]] | None:
    """Keys and children of a container; nothing for a leaf."""
    if isinstance(node, dict):
        return tuple(node), list(node.values())
    if isinstance(node, (list, tuple)):
        return tuple(range(len(node))), node
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        keys = tuple(field.name for field in dataclasses.fields(node))
        return keys, [getattr(node, key) for key in keys]
    return None


# The recursions below are functions of the module: a function that is defined inside another and calls itself is a
# reference cycle, which would keep the arrays it has seen alive until the garbage collector comes by.


def flatten(tree: Tree) -> tuple[list[Any], Structure]:
    """Leaves in order, and the structure that `unflatten` needs.

    >>> flatten({"a": 1, "b": [2, 3]})[0]
    [1, 2, 3]
    """
    leaves_so_far: list[Any] = []
    return leaves_so_far, _flatten(tree, leaves_so_far)


def _flatten(node: Tree, leaves_so_far: list[Any]) -> Structure:
    if node is None:
        return _EMPTY
    parts = None if type(node) is np.ndarray else _parts(node)  # arrays at once: they are what most leaves are
    if parts is None:
        leaves_so_far.append(node)
        return _LEAF
    return Structure(type(node), parts[0], tuple([_flatten(child, leaves_so_far) for child in parts[1]]))


def unflatten(structure: Structure, leaves: Sequence[Any]) -> Tree:
    """The tree of this structure with these leaves (the inverse of `flatten`)."""
    return _unflatten(structure, iter(leaves))


def _unflatten(node: Structure, remaining: Iterator[Any]) -> Tree:
    kind = node.kind
    if kind is None:
        return next(remaining)
    if kind == "none":
        return None
    children = [_unflatten(child, remaining) for child in node.children]
    if kind is tuple or kind is list:
        return kind(children)
    if issubclass(kind, dict):
        return dict(zip(node.keys, children, strict=True))
    if hasattr(kind, "__dataclass_fields__"):
        return kind(**dict(zip(node.keys, children, strict=True)))
    if hasattr(kind, "_fields"):  # a named tuple takes its fields one by one
        return kind(*children)
    return kind(children)


def leaves(tree: Tree) -> list[Any]:
    """Leaves in order."""
    return [tree] if type(tree) is np.ndarray else flatten(tree)[0]


def map(f: Callable[..., Any], tree: Tree, *rest: Tree) -> Tree:
    """Tree of `f(leaf, ...)` over trees of one structure.

    >>> map(lambda a, b: a + b, {"w": 1}, {"w": 10})
    {'w': 11}
    """
    if type(tree) is np.ndarray and not rest:  # an array by itself, as most inputs and outputs are
        return f(tree)
    first, structure = flatten(tree)
    columns = [first, *(_leaves_like(structure, other) for other in rest)]
    return unflatten(structure, [f(*row) for row in zip(*columns, strict=True)])


def _leaves_like(structure: Structure, other: Tree) -> list[Any]:
    """Leaves of another tree of this structure; the order of its dicts' keys doesn't matter."""
    leaves_so_far: list[Any] = []
    _follow(structure, other, "", leaves_so_far)
    return leaves_so_far


def _follow(expected: Structure, node: Tree, where: str, leaves_so_far: list[Any]) -> None:
    if expected.kind is None:
        leaves_so_far.append(node)
        return
    parts = ((), ()) if node is None else _parts(node)
    if parts is None or set(parts[0]) != set(expected.keys):
        raise TypeError(
            f"trees differ in structure at {where or 'the top'}: expected keys {list(expected.keys)}, "
            f"got {type(node).__name__ if parts is None else list(parts[0])}"
        )
    children = dict(zip(*parts, strict=True))
    for key, child in zip(expected.keys, expected.children, strict=True):
        _follow(child, children[key], f"{where}/{key}" if where else str(key), leaves_so_far)


def items(tree: Tree, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Pairs of path ("0/weight") and leaf, in order."""
    if tree is None:
        return
    parts = _parts(tree)
    if parts is None:
        yield prefix, tree
        return
    for key, child in zip(*parts, strict=True):
        yield from items(child, f"{prefix}/{key}" if prefix else str(key))


def paths(tree: Tree) -> list[str]:
    """Path of every leaf, in order.

    >>> paths({"0": {"weight": 1.0, "bias": 2.0}})
    ['0/weight', '0/bias']
    """
    return [path for path, _ in items(tree)]


def flatten_dict(tree: Tree) -> dict[str, Any]:
    """`{"0/weight": leaf}`, the names under which files hold them."""
    return dict(items(tree))


def same_numbers(one: Tree, other: Tree) -> bool:
    """Whether trees have the same leaves at the same paths, in type, shape and every number; NaN is like NaN.

    >>> same_numbers({"w": np.array([1.0, np.nan])}, {"w": np.array([1.0, np.nan])}), same_numbers({"w": 1}, {"w": 1.0})
    (True, False)
    """
    first, second = flatten_dict(one), flatten_dict(other)
    return first.keys() == second.keys() and all(_same(first[path], second[path]) for path in first)


def _same(one: Any, other: Any) -> bool:
    one, other = np.asarray(one), np.asarray(other)
    if (one.dtype, one.shape) != (other.dtype, other.shape):
        return False
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"))


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    """Nested dicts from `{"0/weight": leaf}`.

    >>> nest({"0/weight": 1, "0/bias": 2})
    {'0': {'weight': 1, 'bias': 2}}
    """
    tree: dict[str, Any] = {}
    for path, leaf in flat.items():
        *parents, last = path.split("/")
        node = tree
        for key in parents:
            node = node.setdefault(key, {})
        node[last] = leaf
    return tree
