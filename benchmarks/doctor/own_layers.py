"""Layers, and steps of optimizers, of the user's own, as the cases' lines name them; some do what none should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass as frozen
from functools import cache
from typing import Any


@cache
def layers() -> dict[str, Callable[..., Any]]:
    """The layers by the word of their line; `backlit` is imported when the first one is asked for."""
    import backlit as bl

    ops = bl.ops

    @frozen(frozen=True)
    class Log(bl.Layer):
        """Leaves the logarithm's range where its input does."""

        def __call__(self, params, x, ctx=None):
            return ops.log(x)

    @frozen(frozen=True)
    class Root(bl.Layer):
        """The square root, which has none of what is below 0."""

        def __call__(self, params, x, ctx=None):
            return ops.sqrt(x)

    @frozen(frozen=True)
    class Ratio(bl.Layer):
        """Shares of the row's sum: 0 / 0 where all of a row is 0."""

        def __call__(self, params, x, ctx=None):
            return x / ops.sum(x, axis=-1, keepdims=True)

    @frozen(frozen=True)
    class OverBatch(bl.Layer):
        """A softmax along the wrong axis: over the rows of the batch."""

        def __call__(self, params, x, ctx=None):
            return x.shape[0] * ops.softmax(x, axis=0)

    @frozen(frozen=True)
    class BatchCentred(bl.Layer):
        """Less the mean of the rows that are there, in use as in training."""

        def __call__(self, params, x, ctx=None):
            return x - ops.mean(x, axis=0, keepdims=True)

    @frozen(frozen=True)
    class NextRow(bl.Layer):
        """Each row with some of the row after it, as by a wrong axis of a concatenation."""

        share: float = 1.0

        def __call__(self, params, x, ctx=None):
            return x + self.share * ops.concatenate([x[1:], x[:1]], axis=0)

    @frozen(frozen=True)
    class BatchLargest(bl.Layer):
        """Divided by the largest number of the batch."""

        def __call__(self, params, x, ctx=None):
            return x / (ops.max(ops.abs(x)) + 1e-6)

    @frozen(frozen=True)
    class RowLargest(bl.Layer):
        """Divided by the largest number of the row: what `BatchLargest` should be."""

        def __call__(self, params, x, ctx=None):
            return x / (ops.max(ops.abs(x), axis=-1, keepdims=True) + 1e-6)

    @frozen(frozen=True)
    class Fog(bl.Layer):
        """Noise of a size, drawn anew each time while training."""

        size: float = 1.0

        def __call__(self, params, x, ctx=None):
            if ctx is None or not ctx.training:
                return x
            drawn = ctx.uniform(tuple(x.shape)).astype(x.dtype)
            return x + self.size * (2 * drawn - 1)

    @frozen(frozen=True)
    class Dimmed(bl.Layer):
        """Multiplied by a small number in use, but not in training."""

        by: float = 0.01

        def __call__(self, params, x, ctx=None):
            return x if ctx is not None and ctx.training else self.by * x

    @frozen(frozen=True)
    class Even(bl.Layer):
        """The size of each number, without its sign: what the sign tells is lost."""

        def __call__(self, params, x, ctx=None):
            return ops.abs(x)

    own = (Log, Root, Ratio, OverBatch, BatchCentred, NextRow, BatchLargest, RowLargest, Fog, Dimmed, Even)
    return {layer.__name__: layer for layer in own}


@cache
def steps() -> dict[str, Callable[..., Any]]:
    """Steps of an optimizer by the word of a case's optimizer."""
    import backlit as bl
    from backlit.graph import tree

    @frozen(frozen=True)
    class LeaveOut(bl.optim.Transform):
        """Leaves parameters as they are of which the path begins with `only`."""

        only: str = ""

        def init(self, params):
            return {}

        def update(self, gradients, state, params, step):
            paths = [path for path, _ in tree.items(gradients)]
            leaves, structure = tree.flatten(gradients)
            kept = [g * 0 if path.startswith(self.only) else g for path, g in zip(paths, leaves, strict=True)]
            return tree.unflatten(structure, kept), state

    @frozen(frozen=True)
    class Uphill(bl.optim.Transform):
        """Turns each step around: the loss is climbed."""

        def init(self, params):
            return {}

        def update(self, gradients, state, params, step):
            return tree.map(lambda g: -g, gradients), state

    return {"freeze": LeaveOut, "uphill": Uphill}


def optimizer(told: dict[str, Any]) -> Any:
    """The optimizer of a case: a name of the library's with settings, or one of the steps here around it.

    "freeze" and "uphill" stand behind Adam, or behind what `of` names.
    """
    import backlit as bl

    told = dict(told)
    name, rate = told.pop("name"), told.get("learning_rate")
    if isinstance(rate, dict):  # a schedule that counts in updates
        told["learning_rate"] = getattr(bl.optim, rate["name"])(**{k: v for k, v in rate.items() if k != "name"})
    if name not in steps():
        return bl.optim.get(name, **told)
    step = steps()[name](told.pop("only")) if name == "freeze" else steps()[name]()
    return bl.chain(bl.optim.get(told.pop("of", "adam"), **told), step)
