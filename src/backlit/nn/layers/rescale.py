"""Fixed scaling as a network's first layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError
from backlit.nn.context import Context, Params, Shape, ensure_context
from backlit.nn.hyperparameters import above_zero
from backlit.nn.key import Key
from backlit.nn.layer import Layer


@dataclass(frozen=True, repr=False)
class Rescale(Layer):
    """``y = (x - shift) / scale``, for each size of the last axis; takes whole numbers, such as pixels, as they are.

    Inside the network, so that pictures stay bytes on the device, a quarter of what float32 takes. Shift and scale are
    running values that never change: they have the network's type.

    Parameters
    ----------
    shift, scale : tuple of float
        One for each size of the last axis, or one for all.

    Raises
    ------
    ShapeError
        If the inputs' last axis has another size.
    InputError
        If they don't belong to each other, or a scale isn't above zero.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> network = bl.Rescale((128.0,), (64.0,)).build((2, 2, 1))
    >>> network(np.full((1, 2, 2, 1), 192, dtype="uint8"))[0, 0, 0].tolist()
    [1.0]
    """

    shift: tuple[float, ...]
    scale: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("shift", "scale"):
            value = getattr(self, name)
            numbers = tuple(value) if isinstance(value, (list, tuple)) else (value,)
            if not all(isinstance(n, (int, float)) and not isinstance(n, bool) and math.isfinite(n) for n in numbers):
                raise InputError(f"Rescale: {name} must hold finite numbers, got {value!r}")
            object.__setattr__(self, name, numbers)
        if len(self.shift) != len(self.scale) or not self.shift or min(self.scale) <= 0:
            raise InputError(f"Rescale needs as many shifts as scales, and scales above 0, got {self}")

    @property
    def takes_integers(self) -> bool:
        return True

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        if len(self.shift) > 1 and input_shape[-1:] != (len(self.shift),):
            raise ShapeError(f"{self} needs inputs of last size {len(self.shift)}, got shape {input_shape}")
        return {}, input_shape

    def init_state(self, input_shape: Shape) -> dict[str, Any]:
        return {"shift": np.array(self.shift), "factor": 1 / np.array(self.scale)}

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        shift = ctx.state("shift")
        return ((x if x.dtype.kind == "f" else x.astype(shift.dtype)) - shift) * ctx.state("factor")


@dataclass(frozen=True, repr=False)
class Temperature(Layer):
    """Outputs divided by a fixed number: ``z / T``; T > 1 makes probabilities less certain, T < 1 more.

    C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017.

    Raises
    ------
    InputError
        If T isn't a finite number above zero.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> bl.Temperature(2.0).build((2,))(np.array([[1.0, 4.0]])).tolist()
    [[0.5, 2.0]]
    """

    value: float = above_zero()

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return x / float(self.value)
