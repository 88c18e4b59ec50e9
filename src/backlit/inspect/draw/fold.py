"""Long graphs in rows, as a text is: a line that doesn't fit goes on below."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from backlit.inspect.draw.layout import Layout, Slot
from backlit.inspect.draw.scene import Point

MOST = 1300.0  # pixels of a row
_BETWEEN = 26.0


@dataclass(frozen=True)
class Folded:
    """A layout in rows; an edge between rows isn't in `bends` but in `broken`."""

    layout: Layout
    broken: frozenset[tuple[Hashable, Hashable]]


def folded(
    placed: Layout, heights: dict[Hashable, float], edges: Sequence[tuple[Hashable, Hashable]], indent: float
) -> Folded:
    """The layers of a layout in rows of at most `MOST` pixels.

    Parameters
    ----------
    placed : Layout
    heights : dict
        Of each node.
    edges : sequence of pairs
    indent : float
        Room at both ends of a row, for the names at which lines break off and go on.
    """
    row_of = _rows(placed)
    top, shift = 0.0, {}
    for row in range(max(row_of.values()) + 1):
        own = [name for name, at in row_of.items() if at == row]
        high = min(placed.slots[name].y - heights[name] / 2 for name in own)
        low = max(placed.slots[name].y + heights[name] / 2 for name in own)
        passing = [
            y for (a, b), points in placed.bends.items() if row_of[a] == row_of[b] == row for _, y in points
        ]  # fmt: skip
        high, low = min([high, *passing]), max([low, *passing])
        left = min(placed.slots[name].left for name in own)
        shift[row] = (indent - left, top - high)
        top += low - high + _BETWEEN
    slots = {name: _moved(slot, *shift[row_of[name]]) for name, slot in placed.slots.items()}
    broken = frozenset((a, b) for a, b in edges if row_of[a] != row_of[b])
    bends: dict[tuple[Hashable, Hashable], list[Point]] = {}
    for pair, points in placed.bends.items():
        if pair not in broken:
            right, down = shift[row_of[pair[0]]]
            bends[pair] = [(x + right, y + down) for x, y in points]
    wide = max(slot.right for slot in slots.values()) + indent
    return Folded(Layout(slots, bends, wide, top - _BETWEEN), broken)


def _rows(placed: Layout) -> dict[Hashable, int]:
    """Which row each node comes into; layers stay whole."""
    rows: dict[float, int] = {}
    row, begin = 0, 0.0
    for left, right in sorted({(slot.left, slot.right) for slot in placed.slots.values()}):
        if right - begin > MOST and left > begin:
            row, begin = row + 1, left
        rows[left] = row
    return {name: rows[slot.left] for name, slot in placed.slots.items()}


def _moved(slot: Slot, right: float, down: float) -> Slot:
    return Slot(slot.left + right, slot.right + right, slot.y + down)
