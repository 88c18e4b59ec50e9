"""Where random numbers come from: a key for each layer, never a global state."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np


@dataclass(frozen=True)
class Key:
    """A seed and a path: the same pair gives the same numbers, in any process.

    Examples
    --------
    >>> key = Key(0).child("0").child("weight")
    >>> float(key.generator().random()) == float(Key(0, ("0", "weight")).generator().random())
    True
    """

    seed: int
    path: tuple[str, ...] = ()
    draws: bool = True  # whether initializers draw; with False they give zeros of the right shape

    @classmethod
    def undrawn(cls) -> Key:
        """A key for whoever wants to know shapes only: initializers give zeros, and draw nothing."""
        return cls(0, draws=False)

    def child(self, name: str) -> Key:
        """The key of a part."""
        return Key(self.seed, (*self.path, name), self.draws)

    def generator(self) -> np.random.Generator:
        """A fresh NumPy generator (Philox) for this key."""
        words = tuple(crc32(part.encode()) for part in self.path)
        return np.random.Generator(np.random.Philox(np.random.SeedSequence(self.seed, spawn_key=words)))
