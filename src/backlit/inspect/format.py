"""Nodes and their values in words: names, formulas, numbers, tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np

from backlit.graph.tensor import Tensor
from backlit.languages import Template

_NOT_FINITE = Template("{shape}, {n} NaN or infinite", "{shape}, NaN이나 무한대 {n}개")
_RANGE = Template("{shape}, mean {mean:.3g}, {low:.3g} to {high:.3g}", "{shape}, 평균 {mean:.3g}, {low:.3g}~{high:.3g}")
_SIGNS = {"add": "+", "subtract": "-", "multiply": "·", "divide": "/", "matmul": "@", "power": "**"}


def node_names(order: list[Tensor]) -> dict[int, str]:
    """Names by serial: the nodes' own; for others f (the output), q or q1, q2, … (in between), x1, x2, … (leaves)."""
    given_names = {node.name for node in order if node.name}
    inner = [node for node in order[:-1] if node.op is not None and not node.name]
    names: dict[int, str] = {}
    used: set[str] = set()
    counters: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(1))

    def numbered(stem: str) -> str:
        candidates = (f"{stem}{number}" for number in counters[stem])
        return next(name for name in candidates if name not in given_names and name not in used)

    for node in order:
        if node.name and node.name not in used:
            name = node.name
        elif node is order[-1] and "f" not in given_names:
            name = "f"
        elif len(inner) == 1 and node is inner[0] and "q" not in given_names:
            name = "q"
        else:
            name = numbered(f"{node.name}_" if node.name else "x" if node.op is None else "q")
        used.add(name)
        names[node.serial] = name
    return names


def formula_of(node: Tensor, names: dict[int, str]) -> str:
    """What a node computes from which nodes: "x + y"; nothing for an input."""
    if node.op is None:
        return ""
    parts = [names[p.serial] if type(p) is Tensor else _constant(p) for p in node.parents]
    if node.op.name in _SIGNS and len(parts) == 2:
        return f"{parts[0]} {_SIGNS[node.op.name]} {parts[1]}"
    if node.op.name == "negative":
        return f"-{parts[0]}"
    settings = [f"{key}={value}" for key, value in node.static.items() if value is not None and value is not False]
    return f"{node.op.name}({', '.join(parts + settings)})"


def _constant(value: Any) -> str:
    return f"{float(value):g}" if np.ndim(value) == 0 else f"array{np.shape(value)}"


def summary(value: Any) -> str:
    """A number; a short vector whole; a larger array by shape, mean and range."""
    if value is None:
        return "-"
    array = np.asarray(value)
    if array.ndim == 0:
        return f"{float(array):.8g}"
    if array.size <= 4 and array.ndim == 1:
        return "[" + ", ".join(f"{float(v):.6g}" for v in array) + "]"
    shape = "×".join(map(str, array.shape))
    if array.dtype.kind not in "fiu" or not array.size:
        return shape
    bad = int((~np.isfinite(array)).sum())
    if bad:
        return _NOT_FINITE.say(shape=shape, n=bad)
    return _RANGE.say(shape=shape, mean=array.mean(), low=array.min(), high=array.max())


def plain(value: Any) -> Any:
    """Numbers as nested lists, None for what isn't finite."""
    if value is None:
        return None
    array = np.asarray(value, dtype=float)
    numbers = array.astype(object)
    numbers[~np.isfinite(array)] = None
    return numbers.tolist()
