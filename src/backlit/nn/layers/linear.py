"""The fully connected layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import ShapeError
from backlit.graph.ops.linalg import linear
from backlit.nn import initializers
from backlit.nn.context import Context, Params, Shape
from backlit.nn.hyperparameters import whole
from backlit.nn.key import Key
from backlit.nn.layer import Layer


@dataclass(frozen=True, repr=False)
class Linear(Layer):
    """``y = x Wᵀ + b`` on the last axis: (batch, ..., inputs) -> (batch, ..., units).

    Parameters
    ----------
    units : int
        Number of outputs.
    bias : bool
        Whether to add b.
    weight_init, bias_init : str
        Initialiser's name, such as "xavier", "kaiming", "zeros", "normal:0.01" (see `backlit.initializers`).

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> network = bl.Linear(2, weight_init="constant:0.5").build((3,))
    >>> network(np.ones((1, 3), dtype="float32")).tolist()
    [[1.5, 1.5]]
    """

    units: int = whole()
    bias: bool = True
    weight_init: str = "xavier"
    bias_init: str = "zeros"

    def __post_init__(self) -> None:
        super().__post_init__()
        initializers.get(self.weight_init)
        initializers.get(self.bias_init)

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        if not input_shape:
            raise ShapeError(f"{self} needs inputs of shape (features,) or more axes, got (); use reshape(-1, 1)")
        inputs = input_shape[-1]
        weight = initializers.get(self.weight_init)(key.child("weight"), (inputs, self.units))
        params: Params = {"weight": weight.T}
        if self.bias:
            params["bias"] = initializers.get(self.bias_init)(key.child("bias"), (self.units,))
        return params, self.output_shape(input_shape)

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units)

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        weight = params["weight"]
        if x.shape[-1] != weight.shape[1]:
            raise ShapeError(f"expected inputs of last size {weight.shape[1]}, got shape {tuple(x.shape)}")
        y = linear(x, weight)
        return y + params["bias"] if self.bias else y

    def cost(self, input_shape: Shape) -> int:
        return int(np.prod(input_shape)) * self.units
