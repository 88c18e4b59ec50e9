"""Temperature: outputs divided by a number, to calibrate probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.nn.context import Context, Params
from backlit.nn.layer import Layer


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

    value: float

    def __post_init__(self) -> None:
        if not (isinstance(self.value, (int, float)) and np.isfinite(self.value) and self.value > 0):
            raise InputError(f"Temperature must be a finite number above 0, got {self.value!r}")

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        return x / float(self.value)
