"""A graph of many nodes as few boxes: by the names that are in it, which networks give their layers' outputs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit import graph
from backlit.graph.backward import ones_like, pull
from backlit.graph.op import is_bad, transforming
from backlit.graph.tensor import Tensor
from backlit.inspect.draw import words
from backlit.inspect.draw.faces import face
from backlit.inspect.draw.operations import Node, compose, legend_of
from backlit.inspect.draw.scene import Scene, shorten
from backlit.inspect.explain import explain
from backlit.languages import Template, join

_MOST, _EDGES = 24, 60  # boxes and lines that are still readable
_HOLDS = Template("{name} holds the first NaN", "처음 나온 NaN은 {name}에 있습니다")


@dataclass
class _Group:
    """Operations that follow each other, the last of which gives what goes on."""

    name: str
    last: Tensor
    operations: Counter[str] = field(default_factory=Counter)
    parameters: int = 0

    def join(self, other: _Group, name: str) -> _Group:
        """The group joined with the next one."""
        counts = self.operations + other.operations
        return _Group(name, other.last, counts, self.parameters + other.parameters)


def summary(output: Tensor, upstream: Any = None, note: str = "") -> Scene:
    """The picture of a large graph in a few boxes, each with its last node's value and gradient."""
    order = graph.nodes(output)
    groups, member = _by_name(order)
    groups, member = _fewer(groups, member, order)
    arriving = ones_like(output.value) if upstream is None else np.asarray(upstream, dtype=output.dtype)
    with transforming():
        gradients = pull(list(order), arriving, [group.last for group in groups])
    nodes: dict[Any, Node] = {}
    name = output.name or "f"
    for i, (group, gradient) in enumerate(zip(groups, gradients, strict=True)):
        count = sum(group.operations.values())
        most = ", ".join(f"{times:,} {kind}" for kind, times in group.operations.most_common(3))
        title = words.GROUP.say(
            name=group.name, count=words.counted(count, "operation"), kinds=most, size=group.parameters
        )
        above, below = face(group.last.value), face(gradient)
        sign = shorten(group.name, 130, 13.0)
        count_text = words.counted(count, "operation") if count else words.NUMBERS.say(n=group.parameters)
        nodes[i] = Node(sign, count_text, above, below, "operation" if count else "input", title)
    edges = _edges(order, member)
    faces = [(node.title, node.above) for node in nodes.values() if node.above is not None]
    bad = any(above.bad for _, above in faces)
    told = [words.GROUP_VALUE.say(title=title, value=join(" ", above.lines)) for title, above in faces]
    notes = [
        words.SUMMARISED.say(n=len(order), boxes=len(groups)),
        legend_of(name, arriving),
        *filter(None, [note]),
    ]
    title = words.SUMMARY.say(name=name, n=len(order))
    description = join("", [join(". ", [*notes, *told]), "."])
    return compose(nodes, edges, title, description, notes, _first_bad(order) if bad else None)


def _by_name(order: list[Tensor]) -> tuple[list[_Group], dict[int, int]]:
    """A group ends at each operation that has a name; inputs belong to whatever uses them first.

    Nodes come in the order in which they were made, so that lines between groups only run forward.
    """
    groups: list[_Group] = []
    member: dict[int, int] = {}
    counts: Counter[str] = Counter()
    parameters = 0
    has_names = any(node.name is not None for node in order[:-1] if node.op is not None)
    share = len(order) if has_names else -(-len(order) // 8)  # without names, equal parts
    for node in order:
        if node.op is None:
            continue
        member[node.serial] = len(groups)
        counts[node.op.name] += 1
        for parent in node.parents:
            if type(parent) is Tensor and parent.op is None and parent.serial not in member:  # an input
                member[parent.serial] = len(groups)
                parameters += parent.size
        if node.name is not None or node is order[-1] or counts.total() >= share:
            groups.append(_Group(node.name or words.PART.say(n=len(groups) + 1), node, counts, parameters))
            counts, parameters = Counter(), 0
    return groups, member


def _fewer(groups: list[_Group], member: dict[int, int], order: list[Tensor]) -> tuple[list[_Group], dict[int, int]]:
    """Groups joined until there are few: first those whose names begin alike, then neighbours."""
    if len(groups) > _MOST:  # h[0], h[1], … are one
        stems = [group.name.partition("[")[0] for group in groups]
        groups, member = _joined(groups, member, stems, stems)
    levels = max((group.name.count("/") for group in groups), default=0)
    while len(groups) > _MOST and levels:
        prefixes = ["/".join(group.name.split("/")[:levels]) for group in groups]
        groups, member = _joined(groups, member, prefixes, prefixes)
        levels -= 1
    if len(groups) > _MOST or len(_edges(order, member)) > _EDGES:
        most_groups = _MOST if len(_edges(order, member)) <= 4 * len(groups) else 8
        share = -(-len(groups) // most_groups)
        keys = [str(i // share) for i in range(len(groups))]
        firsts = {key: groups[i].name for i, key in reversed(list(enumerate(keys)))}
        lasts = {key: groups[i].name for i, key in enumerate(keys)}
        names = [firsts[key] if firsts[key] == lasts[key] else join(" … ", [firsts[key], lasts[key]]) for key in keys]
        groups, member = _joined(groups, member, keys, names)
    return groups, member


def _joined(
    groups: list[_Group], member: dict[int, int], keys: list[str], names: list[str]
) -> tuple[list[_Group], dict[int, int]]:
    """Neighbours with equal keys as one."""
    joined: list[_Group] = []
    place = []
    for i, group in enumerate(groups):
        if i and keys[i] == keys[i - 1]:
            joined[-1] = joined[-1].join(group, names[i])
        else:
            joined.append(_Group(names[i], group.last, group.operations, group.parameters))
        place.append(len(joined) - 1)
    return joined, {serial: place[i] for serial, i in member.items()}


def _edges(order: list[Tensor], member: dict[int, int]) -> list[tuple[int, int]]:
    edges: dict[tuple[int, int], None] = {}
    for node in order:
        end = member[node.serial]
        for parent in node.parents:
            if type(parent) is Tensor and (start := member[parent.serial]) != end:
                edges[start, end] = None
    return list(edges)


def _first_bad(order: list[Tensor]) -> str | None:
    """Which node made the first NaN or infinite value, in words."""
    for node in order:
        if is_bad(np.asarray(node.value)):
            return explain(node).first_nonfinite if len(order) < 10_000 else _HOLDS.say(name=node.label())
    return None
