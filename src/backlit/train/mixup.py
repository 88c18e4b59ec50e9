"""Mixup: training on rows blended with others, and on both of their targets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.graph import tree

Mix = dict[str, Any]  # "share" () and "partners" (size,) of one batch; empty where nothing is mixed
_STREAM = 1  # tells these draws from those of the shuffling


@dataclass(frozen=True)
class Mixup:
    """How rows are mixed: ``x' = λ x + (1 − λ) x_p`` with ``l' = λ w l(out, y) + (1 − λ) w_p l(out, y_p)``.

    One λ ~ Beta(α, α) a batch, and each row's partner p by a random order of the batch's rows. Rows of weight 0, which
    fill up the last batch, are nobody's partner.

    Parameters
    ----------
    alpha : float
        Above 0; the larger, the more alike the two shares.
    seed : int
        The draws depend on it and on the epoch alone.

    References
    ----------
    Zhang, Cisse, Dauphin, Lopez-Paz: mixup: Beyond Empirical Risk Minimization, ICLR 2018 (arXiv:1710.09412).
    """

    alpha: float
    seed: int

    def draw(self, epoch: int, weights: np.ndarray) -> Mix:
        """``share`` (steps, accumulate) and ``partners`` (steps, accumulate, size) for an epoch with these weights."""
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((self.seed, epoch, _STREAM))))
        share = rng.beta(self.alpha, self.alpha, weights.shape[:2]).astype(np.float32)
        unused = weights == 0
        places = np.argsort(unused, axis=-1, kind="stable")  # those that count, then the rest, both in order
        drawn = np.argsort(np.where(unused, 1.0 + np.arange(weights.shape[-1]), rng.random(weights.shape)), axis=-1)
        partners = np.empty(weights.shape, np.int32)
        np.put_along_axis(partners, places, drawn.astype(np.int32), axis=-1)
        return {"share": share, "partners": partners}


def create(alpha: Any, seed: int, takes_integers: bool) -> Mixup | None:
    """What `fit` was asked for: None for 0; refuse what can't be."""
    number = isinstance(alpha, (int, float)) and not isinstance(alpha, bool)
    if not number or not 0 <= alpha < math.inf:
        raise InputError(f"mixup must be a number of at least 0 (α of its Beta distribution, 0.2 say), got {alpha!r}")
    if alpha and takes_integers:
        raise InputError(
            f"mixup={alpha!r}: the network takes whole numbers, such as an embedding's indices, which can't be mixed; "
            "use mixup=0"
        )
    return Mixup(float(alpha), seed) if alpha else None


def parts_of(batches: Mix) -> Mix:
    """Of all that describes batches, what says how they are mixed."""
    return {name: batches[name] for name in ("share", "partners") if name in batches}


def blend(x: Any, mix: Mix) -> Any:
    """A batch of inputs, mixed."""
    return tree.map(lambda array: _blended(array, mix), x) if mix else x


def _blended(x: Any, mix: Mix) -> Any:
    share = mix["share"].astype(x.dtype) if x.dtype.kind == "f" else mix["share"]  # pictures come as bytes
    return share * x + (1 - share) * x[mix["partners"]]


def summed_loss(loss: Any, output: Any, y: Any, weights: Any, mix: Mix) -> Any:
    """``Σ w·l`` over a batch, by head; for mixed rows by both targets, each with the weight of the row that it is from.

    `weights` are those of `Loss.spread`.
    """
    by_first = _weighed(loss.by_head(output, y), weights)
    if not mix:
        return by_first
    partners = mix["partners"]
    other_y, other_weights = tree.map(lambda array: array[partners], (y, weights))
    by_second = _weighed(loss.by_head(output, other_y), other_weights)
    share = mix["share"]

    def both(first: Any, second: Any) -> Any:
        part = share.astype(first.dtype)
        return part * first + (1 - part) * second

    return tree.map(both, by_first, by_second)


def _weighed(losses: Any, weights: Any) -> Any:
    return tree.map(lambda loss, weight: (loss * weight).sum(), losses, weights)
