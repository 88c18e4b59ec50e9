"""Layers that leave things out while training: outputs, or weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from backlit.nn.context import Context, Params, ensure_context
from backlit.nn.hyperparameters import below_one
from backlit.nn.layer import Layer
from backlit.nn.layers.linear import Linear


def keep_factors(ctx: Context, rate: float, like: Any, shape: tuple[int, ...] | None = None) -> Any:
    """An array like the given one, or of another shape: 1 / (1 - rate) with probability 1 - rate, else 0."""
    drawn = ctx.uniform(tuple(like.shape) if shape is None else shape)
    return (drawn >= _cast(rate, drawn)).astype(like.dtype) * _cast(1.0 / (1.0 - rate), like)


def _cast(number: Any, like: Any) -> Any:
    """A number in an array's type, where it is an argument of a program; Python's own adapt by themselves."""
    return number if _is_plain(number) else number.astype(like.dtype)


def _is_plain(number: Any) -> bool:
    """Whether a number is known while a program is made: then 0 leaves the layer out."""
    return type(number) in (float, int)


@dataclass(frozen=True, repr=False)
class Dropout(Layer):
    """Sets each number to 0 with probability `rate` while training, and scales the others by ``1 / (1 - rate)``.

    So the expectation stays, and in evaluation mode the layer does nothing. Every step trains another thinned
    network; the whole one, used in evaluation, is read as their ensemble.

    Parameters
    ----------
    rate : float
        From 0 to below 1.
    by_channel : bool
        Drop whole channels (sizes of the last axis) of an example rather than single numbers: neighbours in a picture
        are so much alike that one tells what another would have.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> layer, x = bl.Dropout(0.5), np.ones((1, 6))
    >>> layer({}, x).tolist(), sorted(set(layer({}, x, bl.Context(training=True)).reshape(-1).tolist()))
    ([[1.0, 1.0, 1.0, 1.0, 1.0, 1.0]], [0.0, 2.0])

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov: Dropout, JMLR 15, 2014. By channel: Tompson,
    Goroshin, Jain, LeCun, Bregler: Efficient Object Localization Using Convolutional Networks, CVPR 2015
    (arXiv:1411.4280).
    """

    numbers: ClassVar[tuple[str, ...]] = ("rate",)

    rate: float = below_one(0.5)
    by_channel: bool = False

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        if not ctx.training or (_is_plain(self.rate) and not self.rate):
            return x
        shape = (x.shape[0], *[1] * (len(x.shape) - 2), x.shape[-1]) if self.by_channel else None
        return x * keep_factors(ctx, self.rate, x, shape)


@dataclass(frozen=True, repr=False)
class DropConnect(Linear):
    """`Linear` that drops weights rather than outputs: each is 0 with probability `rate` while training.

    The others are scaled by ``1 / (1 - rate)``, so that the expectation stays; biases are kept. One draw serves
    a whole batch; the paper draws anew for each example, which costs a copy of the weights each.

    Parameters
    ----------
    units, bias, weight_init, bias_init :
        As of `Linear`.
    rate : float
        From 0 to below 1.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> layer = bl.DropConnect(1, rate=0.5, weight_init="constant:1")
    >>> params, _ = layer.init(bl.Key(0), (4,))
    >>> x = np.array([[1.0, 10.0, 100.0, 1000.0]])
    >>> layer(params, x).tolist(), set(str(layer(params, x, bl.Context(training=True))[0, 0])) <= set("02.")
    ([[1111.0]], True)

    References
    ----------
    Wan, Zeiler, Zhang, LeCun, Fergus: Regularization of Neural Networks using DropConnect, ICML 2013.
    """

    numbers: ClassVar[tuple[str, ...]] = ("rate",)

    rate: float = below_one(0.5)

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        ctx = ensure_context(ctx)
        if ctx.training and not (_is_plain(self.rate) and not self.rate):
            params = {**params, "weight": params["weight"] * keep_factors(ctx, self.rate, params["weight"])}
        return super().__call__(params, x, ctx)
