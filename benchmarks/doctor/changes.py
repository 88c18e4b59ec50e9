"""What a case does to its data: each change by its name, to all rows or to those of one part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Change = Callable[[np.ndarray, np.ndarray, Any, np.random.Generator], tuple[Any, Any]]
UNKNOWN = 1  # of tokens


def changed(x: np.ndarray, y: np.ndarray, fault: dict[str, Any], rng: np.random.Generator) -> tuple[Any, Any]:
    """Data with what a case does to it: each key one change, in order."""
    x, y = np.array(x, dtype=np.float32 if x.dtype.kind == "f" else x.dtype), np.array(y)
    for name, value in fault.items():
        x, y = CHANGES[name](x, y, value, rng)
    return x, y


def times(x, y, value, rng):
    return x * np.float32(value), y


def columns_times(x, y, value, rng):  # the first columns
    x[..., : len(value)] *= np.asarray(value, dtype=np.float32)
    return x, y


def columns_plus(x, y, value, rng):
    x[..., : len(value)] += np.asarray(value, dtype=np.float32)
    return x, y


def plus(x, y, value, rng):
    return x + np.float32(value), y


def nan(x, y, value, rng):  # a share of the rows
    x[rng.random(len(x)) < value] = np.nan
    return x, y


def shuffle(x, y, value, rng):
    return x, rng.permutation(y)


def noise(x, y, value, rng):  # a share of the labels drawn anew, or numbers blurred
    drawn = rng.permutation(y)
    return x, np.where(rng.random(len(y)) < value, drawn, y)


def contrary(x, y, value, rng):  # a share of the rows once more, with other labels
    again = rng.permutation(len(x))[: int(value * len(x))]
    other = (y[again] + 1) % (y.max() + 1) if y.dtype.kind == "i" else y[again] + 3 * y.std()
    return np.concatenate([x, x[again]]), np.concatenate([y, other])


def rare(x, y, value, rng):  # class 1 against all others, of which it is this share
    ones = np.flatnonzero(y == 1)
    others = np.flatnonzero(y != 1)
    kept = np.concatenate([others, ones[: max(4, int(value * len(others)))]])
    return x[kept], (y[kept] == 1).astype(int)


def constant(x, y, value, rng):
    x[..., :value] = 1.0
    return x, y


def as_numbers(x, y, value, rng):
    return x, y.astype(np.float32)


def target_plus(x, y, value, rng):
    return x, y + value


def target_times(x, y, value, rng):
    return x, y * value


def rows(x, y, value, rng):
    return x[:value], y[:value]


def first_steps(x, y, value, rng):  # only the first ones kept
    return x[:, :value], y


def hide(x, y, value, rng):  # the first steps set to zero
    x[:, :value] = 0
    return x, y


def flip(x, y, value, rng):  # a share of the labels of two classes
    return x, np.where(rng.random(len(y)) < value, 1 - y, y)


def blank(x, y, value, rng):  # nothing in the inputs tells of the targets
    return rng.normal(size=x.shape).astype(np.float32), y


def label_plus(x, y, value, rng):  # each class called as another one
    return x, (y + value) % (y.max() + 1)


def swapped(x, y, value, rng):  # two classes called as each other
    one, other = value
    return x, np.where(y == one, other, np.where(y == other, one, y))


def upturned(x, y, value, rng):  # pictures upside down, sequences from their end
    return x[:, ::-1].copy(), y


def squashed(x, y, value, rng):  # as another instrument would have it: large values cut off
    return np.clip(x, -value, value), y


def same_token(x, y, value, rng):  # every token but padding is this one
    x[x != 0] = value
    return x, y


def drift(x, y, value, rng):  # columns that move along with the row's number, by so much over all rows
    along = np.linspace(0, value, len(x), dtype=np.float32)
    return x + along.reshape(-1, *[1] * (x.ndim - 1)), y


def mirrored(x, y, value, rng):  # numbers with the other sign about their mean
    return x, 2 * y.mean() - y


def wrong_half(x, y, value, rng):  # in the last share of the rows, labels in another order
    begin = int((1 - value) * len(y))
    y[begin:] = rng.permutation(y[begin:])
    return x, y


def sort(x, y, value, rng):  # rows in the order of their targets
    order = np.argsort(y, kind="stable")
    return x[order], y[order]


def in_blocks(x, y, value, rng):  # rows of a class side by side, in so many blocks
    order = np.concatenate(
        [part[np.argsort(y[part], kind="stable")] for part in np.array_split(np.arange(len(y)), value)]
    )
    return x[order], y[order]


def tell(x, y, value, rng):  # one column more: the target, blurred by so much of its spread
    spread = y.std() if y.dtype.kind == "f" else 1.0
    column = y + value * spread * rng.normal(size=len(y))
    column = (column - column.mean()) / column.std()
    shape = (len(x), *x.shape[1:-1], 1)
    more = np.broadcast_to(column.reshape(-1, *[1] * (x.ndim - 1)), shape)
    return np.concatenate([x, more.astype(x.dtype)], axis=-1), y


def tell_pixel(x, y, value, rng):  # the first number of each row is the target, scaled
    x[(slice(None), *[0] * (x.ndim - 1))] = value * (y - y.mean()) / y.std()
    return x, y


def tell_last(x, y, value, rng):  # the last step is the target
    x[:, -1, 0] = y + value * rng.normal(size=len(y))
    return x, y


def hint(x, y, value, rng):  # one column more that tells something of the target: with a correlation of so much
    own = (y - y.mean()) / y.std()
    column = value * own + np.sqrt(1 - value**2) * rng.normal(size=len(y))
    return np.concatenate([x, column[:, None].astype(x.dtype)], axis=1), y


def outlier(x, y, value, rng):  # so many rows, so many times as large
    count, size = value
    x[rng.permutation(len(x))[:count]] *= np.float32(size)
    return x, y


def standard(x, y, value, rng):  # columns by their own mean and spread, whatever is in them
    mean, std = x.mean(axis=0), x.std(axis=0)
    return ((x - mean) / np.where(std > 0, std, 1)).astype(np.float32), y


def target_outlier(x, y, value, rng):  # so many targets, so far away
    count, size = value
    y = y.astype(np.float64)
    y[rng.permutation(len(y))[:count]] += size
    return x, y


def code(x, y, value, rng):  # a share of the numbers of the first columns stands for "not known"
    share, number, columns = value
    gone = rng.random((len(x), columns)) < share
    x[:, :columns][gone] = number
    return x, y


def filled(x, y, value, rng):  # the same, filled with the column's mean
    share, columns = value
    gone = rng.random((len(x), columns)) < share
    x[:, :columns] = np.where(gone, x[:, :columns].mean(axis=0), x[:, :columns])
    return x, y


def unknown(x, y, value, rng):  # a share of the tokens that aren't padding
    x[(rng.random(x.shape) < value) & (x != 0)] = UNKNOWN
    return x, y


def useless(x, y, value, rng):  # so many more columns that tell nothing
    return np.concatenate([x, rng.normal(size=(len(x), value)).astype(x.dtype)], axis=1), y


def unlike(x, y, value, rng):  # columns in another order
    return x[..., ::-1].copy() if value == "reversed" else x[..., rng.permutation(x.shape[-1])], y


def lost(x, y, value, rng):  # the first columns weren't there
    x[..., :value] = 0
    return x, y


def drawn(x, y, value, rng):  # so many rows, drawn with the classes as they are
    kept = rng.permutation(len(x))[:value]
    return x[kept], y[kept]


def mostly(x, y, value, rng):  # of class 0 only a share: classes in other proportions
    kept = (y != 0) | (rng.random(len(y)) < value)
    return x[kept], y[kept]


def zeroed(x, y, value, rng):  # a share of the rows is nothing but 0
    x[rng.random(len(x)) < value] = 0
    return x, y


CHANGES: dict[str, Change] = {
    change.__name__: change
    for change in (
        times, columns_times, columns_plus, plus, nan, shuffle, noise, contrary, rare, constant, as_numbers,
        target_plus, target_times, rows, hide, flip, blank, label_plus, mirrored, wrong_half, sort, in_blocks, tell,
        tell_pixel, tell_last, hint, outlier, standard, target_outlier, code, filled, unknown, useless, unlike, lost,
        drawn, mostly, zeroed, swapped, upturned, squashed, same_token, drift,
    )
} | {"steps": first_steps}  # fmt: skip
