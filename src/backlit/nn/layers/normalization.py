"""Layers that give their inputs mean 0 and variance 1, by example or by batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import ShapeError
from backlit.graph.op import namespace
from backlit.graph.ops.arithmetic import sqrt, square
from backlit.graph.ops.normalization import batch_norm, statistics
from backlit.graph.tensor import value_of
from backlit.nn.context import Context, Params, Shape, ensure_context
from backlit.nn.hyperparameters import above_zero, share, whole
from backlit.nn.key import Key
from backlit.nn.layer import Layer


def _scale_and_shift(affine: bool, shape: Shape) -> Params:
    return {"scale": np.ones(shape), "bias": np.zeros(shape)} if affine else {}


def _identity(xp: Any, like: Any) -> tuple[Any, Any]:
    """Scale and bias that change nothing."""
    return xp.ones(like.shape[-1:], dtype=like.dtype), xp.zeros(like.shape[-1:], dtype=like.dtype)


@dataclass(frozen=True, repr=False)
class LayerNorm(Layer):
    """``y = (x - mean) / √(variance + epsilon) · scale + bias``, statistics over an example's last axes.

    Works alike in training and evaluation, and for every batch size.

    Parameters
    ----------
    axes : int
        How many of the last axes are normalised together.
    epsilon : float
        Keeps the quotient finite where all inputs are equal.
    affine : bool
        Whether to learn scale and bias, one each for every size of those axes.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> bl.LayerNorm().build((3,))(np.array([[1.0, 2.0, 3.0]])).round(3).tolist()
    [[-1.225, 0.0, 1.225]]

    References
    ----------
    Ba, Kiros, Hinton: Layer Normalization, 2016 (arXiv:1607.06450).
    """

    axes: int = whole(1)
    epsilon: float = above_zero(1e-5)
    affine: bool = True

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        if len(input_shape) < self.axes:
            raise ShapeError(f"{self} needs inputs of at least {self.axes} axes besides the batch, got {input_shape}")
        return _scale_and_shift(self.affine, input_shape[-self.axes :]), input_shape

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        axes = tuple(range(-self.axes, 0))
        centred = x - x.mean(axis=axes, keepdims=True)
        y = centred / sqrt(square(centred).mean(axis=axes, keepdims=True) + self.epsilon)
        return y * params["scale"] + params["bias"] if self.affine else y


@dataclass(frozen=True, repr=False)
class RMSNorm(Layer):
    """``y = x / √(mean of x² + epsilon) · scale``, the mean over an example's last axes.

    `LayerNorm` without the mean and the bias: cheaper, and in Transformers as good.

    Parameters
    ----------
    axes : int
        How many of the last axes are normalised together.
    epsilon : float
        Keeps the quotient finite where all inputs are zero.
    affine : bool
        Whether to learn a scale for every size of those axes.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> bl.RMSNorm().build((2,))(np.array([[3.0, 4.0]])).round(3).tolist()
    [[0.849, 1.131]]

    References
    ----------
    Zhang, Sennrich: Root Mean Square Layer Normalization, NeurIPS 2019 (arXiv:1910.07467).
    """

    axes: int = whole(1)
    epsilon: float = above_zero(1e-6)
    affine: bool = True

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        if len(input_shape) < self.axes:
            raise ShapeError(f"{self} needs inputs of at least {self.axes} axes besides the batch, got {input_shape}")
        return ({"scale": np.ones(input_shape[-self.axes :])} if self.affine else {}), input_shape

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        axes = tuple(range(-self.axes, 0))
        y = x / sqrt(square(x).mean(axis=axes, keepdims=True) + self.epsilon)
        return y * params["scale"] if self.affine else y


@dataclass(frozen=True, repr=False)
class BatchNorm(Layer):
    """``y = (x - mean) / √(variance + epsilon) · scale + bias``, statistics for each size of the last axis.

    In training mode they are those of the batch (over all other axes), and running values are moved towards them:
    ``running ← (1 - momentum) · running + momentum · batch``, with the unbiased variance. In evaluation mode the
    running values are used. Rows that only fill up a batch (`Context.mask`) don't count.

    Parameters
    ----------
    momentum : float
        Share of the newest batch in the running values, from 0 to 1.
    epsilon : float
        Keeps the quotient finite where all inputs are equal.
    affine : bool
        Whether to learn scale and bias, one each for every size of the last axis.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> network, x = bl.BatchNorm(momentum=1.0).build((1,)), np.array([[1.0], [3.0]])
    >>> y, state = network.apply(network.params, x, training=True)
    >>> y.round(3).tolist(), state["mean"].tolist(), state["variance"].tolist()
    ([[-1.0], [1.0]], [2.0], [2.0])

    References
    ----------
    Ioffe, Szegedy: Batch Normalization, ICML 2015 (arXiv:1502.03167).
    """

    momentum: float = share(0.1)
    epsilon: float = above_zero(1e-5)
    affine: bool = True

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        if not input_shape:
            raise ShapeError(f"{self} needs inputs of shape (..., features), got ()")
        return _scale_and_shift(self.affine, input_shape[-1:]), input_shape

    def init_state(self, input_shape: Shape) -> dict[str, Any]:
        return {"mean": np.zeros(input_shape[-1:]), "variance": np.ones(input_shape[-1:])}

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        if not ctx.training:
            y = (x - ctx.state("mean")) / sqrt(ctx.state("variance") + self.epsilon)
            return y * params["scale"] + params["bias"] if self.affine else y
        array = value_of(x)
        xp = namespace(array)
        mask = xp.ones((array.shape[0],), dtype=bool) if ctx.mask is None else ctx.mask.astype(bool)
        self._update_statistics(array, mask, ctx)
        scale, bias = (params["scale"], params["bias"]) if self.affine else _identity(xp, array)
        return batch_norm(x, scale, bias, mask, epsilon=self.epsilon)

    def _update_statistics(self, x: Any, mask: Any, ctx: Context) -> None:
        mean, variance, number = statistics(x, mask)
        momentum = self.momentum * mask.any().astype(x.dtype)  # a batch of filling alone teaches nothing
        self._follow(ctx, "mean", mean, momentum)
        self._follow(ctx, "variance", variance * (number / namespace(x).maximum(number - 1.0, 1.0)), momentum)

    def _follow(self, ctx: Context, name: str, batch: Any, momentum: Any) -> None:
        running = ctx.state(name)
        ctx.update(name, ((1.0 - momentum) * running + momentum * batch).astype(running.dtype))
