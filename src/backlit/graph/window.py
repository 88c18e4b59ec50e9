"""Window: where a kernel stands on a line or a picture. Convolution and pooling share it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backlit.errors import InputError, ShapeError

Sizes = tuple[int, ...]
Padding = str | int | Sequence[int | Sequence[int]]


@dataclass(frozen=True, repr=False)
class Window:
    """A kernel's size and steps, one number for each axis it moves along.

    Parameters
    ----------
    kernel, stride, dilation : tuple of int
        Taps, step from one position to the next, and distance between two taps.
    padding : tuple of (int, int)
        Width of the border before and after.
    groups : int
        Into how many groups the channels are split; each is convolved by itself.
    """

    kernel: Sizes
    stride: Sizes
    padding: tuple[tuple[int, int], ...]
    dilation: Sizes
    groups: int = 1

    def __repr__(self) -> str:
        """What differs from the plainest window, for explanations: ``Window(3×3, padding 1+1×1+1)``."""
        plain = (1,) * len(self.kernel)
        said = ["×".join(map(str, self.kernel))]
        for name, numbers in (("stride", self.stride), ("dilation", self.dilation)):
            said += [f"{name} {'×'.join(map(str, numbers))}"] if numbers != plain else []
        said += ["padding " + "×".join(f"{a}+{b}" for a, b in self.padding)] if self.padded else []
        said += [f"{self.groups} groups"] if self.groups > 1 else []
        return f"Window({', '.join(said)})"

    @property
    def extent(self) -> Sizes:
        """How far the kernel reaches, dilation included."""
        return tuple([reach(k, d) for k, d in zip(self.kernel, self.dilation, strict=True)])

    @property
    def taps(self) -> int:
        """Numbers that the kernel covers at a position."""
        return math.prod(self.kernel)

    @property
    def padded(self) -> bool:
        """Whether there is a border."""
        return any(any(pair) for pair in self.padding)

    @property
    def tiles(self) -> bool:
        """Whether the positions lie side by side: no number is covered twice, and there is no border."""
        return self.stride == self.kernel == self.extent and not self.padded

    def positions(self, sizes: Sizes) -> Sizes:
        """How many positions the kernel has along each axis of an input of these sizes."""
        return tuple(
            [
                (n + sum(pair) - reach) // step + 1
                for n, pair, reach, step in zip(sizes, self.padding, self.extent, self.stride, strict=True)
            ]
        )

    def offsets(self) -> list[Sizes]:
        """Where each tap is relative to the kernel's first, in the weight's order."""
        return list(itertools.product(*[range(0, k * d, d) for k, d in zip(self.kernel, self.dilation, strict=True)]))

    def slices(self, positions: Sizes) -> list[tuple[slice, ...]]:
        """For each tap the slice of a padded (batch, ..., channels) array that it meets at all positions."""
        return [
            (
                slice(None),
                *[
                    slice(start, start + (n - 1) * step + 1, step)
                    for start, n, step in zip(offset, positions, self.stride, strict=True)
                ],
            )
            for offset in self.offsets()
        ]

    def views(self, xp: Any, x: Any, fill: float = 0.0) -> list[Any]:
        """For each tap the numbers that it meets: arrays of shape (batch, *positions, channels)."""
        positions = self.positions(tuple(x.shape[1:-1]))
        if self.padded:
            x = xp.pad(x, ((0, 0), *self.padding, (0, 0)), constant_values=fill)
        return [x[part] for part in self.slices(positions)]


def reach(kernel: int, dilation: int) -> int:
    """Distance from a kernel's first tap to its last, both included."""
    return (kernel - 1) * dilation + 1


def window(
    owner: str,
    sizes: Sizes,
    kernel: Sizes,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Window:
    """The window of these settings on an input of these sizes.

    Parameters
    ----------
    owner : str
        The operation or layer, for messages.
    stride, dilation : int or one int an axis
    padding : "valid", "same", int, or for each axis an int or a pair (before, after)
        "valid" is none; "same" is as much as gives ``ceil(size / stride)`` positions, an odd one after.

    Raises
    ------
    InputError
        If a setting can't be read.
    ShapeError
        If the kernel is larger than the padded input.

    Examples
    --------
    >>> window("conv", (8,), (3,), padding="same").padding
    ((1, 1),)
    """
    axes = len(sizes)
    steps = per_axis(owner, "stride", stride, axes)
    spread = per_axis(owner, "dilation", dilation, axes)
    extent = [reach(k, d) for k, d in zip(kernel, spread, strict=True)]
    result = Window(kernel, steps, borders(owner, padding, sizes, extent, steps), spread, groups)
    if any(n < 1 for n in result.positions(sizes)):
        padded = tuple([n + sum(pair) for n, pair in zip(sizes, result.padding, strict=True)])
        raise ShapeError(
            f"{owner}: a kernel that reaches over {tuple(extent)} is larger than the input of {sizes}"
            f"{f', padded to {padded}' if result.padded else ''}; use a smaller kernel, less dilation, "
            f"padding='same', or less striding and pooling before"
        )
    return result


def per_axis(owner: str, name: str, value: Any, axes: int, least: int = 1) -> Sizes:
    """A setting as one whole number an axis."""
    numbers = tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes
    if len(numbers) != axes or any(isinstance(n, bool) or not isinstance(n, int) or n < least for n in numbers):
        raise InputError(
            f"{owner}: {name} must be a whole number of at least {least}{f', or {axes} of them' * (axes > 1)}, "
            f"got {value!r}"
        )
    return numbers


def borders(
    owner: str, padding: Any, sizes: Sizes, extent: Sequence[int], stride: Sizes
) -> tuple[tuple[int, int], ...]:
    """Padding as a pair (before, after) for each axis."""
    if not isinstance(padding, (str, int, tuple, list)):
        raise InputError(f"{owner}: padding must be 'valid', 'same', whole numbers or pairs of them, got {padding!r}")
    if padding == "valid":
        return ((0, 0),) * len(sizes)
    if padding == "same":
        totals = [max((-(-n // s) - 1) * s + e - n, 0) for n, e, s in zip(sizes, extent, stride, strict=True)]
        return tuple([(total // 2, total - total // 2) for total in totals])
    each = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,) * len(sizes)
    pairs = [tuple(one) if isinstance(one, (tuple, list)) else (one, one) for one in each]
    flat = [n for pair in pairs for n in pair]
    if (
        len(pairs) != len(sizes)
        or any(len(pair) != 2 for pair in pairs)
        or any(isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in flat)
    ):
        raise InputError(
            f"{owner}: padding must be 'valid', 'same', a whole number of at least 0, or for each of {len(sizes)} axes "
            f"a number or a pair (before, after), got {padding!r}"
        )
    return tuple([(pair[0], pair[1]) for pair in pairs])
