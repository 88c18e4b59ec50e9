"""Where a number can stand on a line without hiding another."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from backlit.inspect.draw.scene import Point

Space = tuple[float, float, float, float]  # left, top, right, bottom
_BEST = 0.3  # of the way along a line
_SHARES = sorted(np.linspace(0.12, 0.88, 39), key=lambda share: abs(share - _BEST))


@dataclass
class Room:
    """What is taken already."""

    spaces: list[Space] = field(default_factory=list)

    def take(self, *spaces: Space) -> None:
        """Put something there."""
        self.spaces += spaces

    def covered(self, space: Space) -> float:
        """How much of a space is taken, in square pixels."""
        left, top, right, bottom = space
        return sum(
            max(0.0, min(right, c) - max(left, a)) * max(0.0, min(bottom, d) - max(top, b))
            for a, b, c, d in self.spaces
        )


def free_place(start: Point, end: Point, width: float, height: float, room: Room) -> Point:
    """The middle of a box on a line that covers nothing, or as little as can be; it's taken from then on."""

    def space(share: float) -> Space:
        x, y = start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
        return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    best = next((at for at in map(space, _SHARES) if not room.covered(at)), None)
    if best is None:
        best = min(map(space, _SHARES), key=room.covered)
    room.take(best)
    return (best[0] + best[2]) / 2, (best[1] + best[3]) / 2
