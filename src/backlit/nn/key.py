"""Where random numbers come from: a key for each layer, never a global state."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np

from backlit.errors import InputError


class Allowance:
    """How many numbers may still be asked of initializers, for whoever builds what a strange file describes."""

    def __init__(self, numbers: int) -> None:
        self.numbers = self.left = numbers

    def take(self, shape: tuple[int, ...]) -> None:
        """Count an array's numbers; InputError if there are more than allowed."""
        self.left -= math.prod(shape)
        if self.left < 0:
            raise InputError(f"the network needs more than the {self.numbers:,} numbers that are there for it")


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
    allowance: Allowance | None = field(default=None, compare=False, repr=False)

    @classmethod
    def undrawn(cls, most: int | None = None) -> Key:
        """A key for whoever wants to know shapes only: initializers give zeros, and draw nothing.

        With `most`, they refuse to give more numbers than that, before memory is taken for them.
        """
        return cls(0, draws=False, allowance=None if most is None else Allowance(most))

    def child(self, name: str) -> Key:
        """The key of a part."""
        return Key(self.seed, (*self.path, name), self.draws, self.allowance)

    def generator(self) -> np.random.Generator:
        """A fresh NumPy generator (Philox) for this key."""
        words = tuple(crc32(part.encode()) for part in self.path)
        return np.random.Generator(np.random.Philox(np.random.SeedSequence(self.seed, spawn_key=words)))
