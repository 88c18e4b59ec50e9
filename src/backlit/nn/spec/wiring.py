"""Graphs of wired networks as people type them: "wired:32,a-b,a-c,b-c", "wired:32,random=8,weights=learned"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backlit.errors import InputError, unknown
from backlit.nn.layers.wiring import KINDS, random_wiring
from backlit.nn.spec.parts import whole_numbers

NODES = 8  # of a random graph whose size isn't said
USAGE = (
    "wired:UNITS,EDGES such as wired:32,a-b,a-c,b-c, or a random graph: wired:32,random=8, with kind=barabasi_albert, "
    "probability=0.5, neighbours=4, links=2, seed=1; weights=learned"
)


@dataclass(frozen=True)
class Wiring:
    """The graph that a spec describes.

    Attributes
    ----------
    units : int
        Of each node.
    edges : tuple of pairs of names
    learned : bool
        Whether each edge has a weight that is learned.
    """

    units: int
    edges: tuple[tuple[str, str], ...]
    learned: bool = False

    @classmethod
    def read(cls, spec: str, text: str) -> Wiring:
        """The graph of what stands behind "wired:".

        Raises
        ------
        InputError
            If a part isn't an edge or a setting, or the settings make no graph; it is named.

        Examples
        --------
        >>> Wiring.read("wired:16,a-b,b-c", "16,a-b,b-c")
        Wiring(units=16, edges=(('a', 'b'), ('b', 'c')), learned=False)
        """
        first, *parts = [part.strip() for part in text.split(",")] if text else ["64"]
        units = whole_numbers(first)
        if units is None:
            raise InputError(f"network {spec!r}: {first!r}: expected the units of each node: {USAGE}")
        edges: list[tuple[str, str]] = []
        settings: dict[str, Any] = {}
        for part in parts:
            name, equals, value = part.partition("=")
            edge = re.fullmatch(r"(\w+)-(\w+)", part)
            if edge:
                edges.append((edge[1], edge[2]))
            elif not equals:
                raise InputError(f"network {spec!r}: {part!r} is no edge and no setting: {USAGE}")
            elif name not in SETTINGS:
                raise InputError(f"network {spec!r}: {unknown('setting', name, SETTINGS)}")
            else:
                settings[name] = _read(spec, part, SETTINGS[name], value)
        learned = settings.pop("weights", False)
        if edges and settings:
            raise InputError(f"network {spec!r}: edges and a random graph ({', '.join(settings)}): choose one")
        return cls(units[0], tuple(edges) or _random(spec, settings), learned)


def _random(spec: str, settings: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    nodes = settings.pop("random", NODES)
    kind = settings.pop("kind", "watts_strogatz")
    if kind == "watts_strogatz":  # a small ring can't have four neighbours each
        settings.setdefault("neighbours", min(4, max(2, (nodes - 1) // 2 * 2)))
    try:
        return random_wiring(kind, nodes, **settings)
    except InputError as error:
        raise InputError(f"network {spec!r}: {error}") from None


def _read(spec: str, part: str, read: Callable[[str], Any], value: str) -> Any:
    try:
        return read(value)
    except (ValueError, KeyError):
        raise InputError(f"network {spec!r}: {part!r}: {_EXPECTED[read]}") from None


def _number(text: str) -> int:
    if not re.fullmatch(r"\d{1,6}", text, re.ASCII):
        raise ValueError(text)
    return int(text)


def _kind(text: str) -> str:
    return {kind: kind for kind in KINDS}[text]


def _weights(text: str) -> bool:
    return {"learned": True, "equal": False}[text]


SETTINGS: dict[str, Callable[[str], Any]] = {
    "random": _number, "kind": _kind, "probability": float, "neighbours": _number, "links": _number, "seed": _number,
    "weights": _weights,
}  # fmt: skip
_EXPECTED: dict[Callable[[str], Any], str] = {
    _number: "expected a whole number",
    float: "expected a number from 0 to 1",
    _kind: f"expected {' or '.join(KINDS)}",
    _weights: "expected learned or equal",
}
