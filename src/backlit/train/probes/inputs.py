"""Facts on inputs: their columns, tokens and time steps, and rows that are there more than once."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.graph import tree
from backlit.nn.layer import Layer
from backlit.nn.shapes import rows_of
from backlit.train.probes.columns import coded, far_away, tokens_of
from backlit.train.probes.padding import real_steps, sequences_of

FEW_VALUES = 0.1  # of the number of rows, that a column takes


def of_input(x: np.ndarray, layer: Layer) -> dict[str, Any]:
    """Facts on an input, and on its time steps for the layer that it goes to."""
    facts: dict[str, Any] = {"sequences": sequences_of(x, layer)[0]}
    if x.dtype.kind == "f":
        facts["bad_rows"] = int((~np.isfinite(x.reshape(len(x), -1)).all(axis=1)).sum())
        real = real_steps(x, layer)  # what a mask hides is no number
        facts["inputs"] = _inputs(x if real is None else x[real])
        if not facts["bad_rows"]:
            facts["coded"], facts["far"] = coded(x, real), far_away(x, real)
    elif x.dtype.kind in "iu" and layer.takes_integers:
        facts["tokens"] = tokens_of(x)
    return facts


def real_numbers(x: Any) -> np.ndarray | None:
    """Inputs for simple models: real numbers, of several inputs side by side; None if there are others."""
    parts = tree.leaves(x)
    if any(part.dtype.kind != "f" or not np.isfinite(part).all() for part in parts):
        return None
    return parts[0] if len(parts) == 1 else np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def _inputs(x: np.ndarray) -> dict[str, Any]:
    """Of the columns: of tables each, of pictures the channels, of sequences the numbers of a step."""
    flat = x.reshape(-1, x.shape[-1]).astype(np.float64)
    flat = flat[np.isfinite(flat).all(axis=1)]
    if not len(flat):
        return {"columns": x.shape[-1]}
    mean, std, size = flat.mean(axis=0), flat.std(axis=0), np.sqrt(np.square(flat).mean(axis=0))
    moving = std > 1e-7 * np.maximum(size, 1e-30)
    facts: dict[str, Any] = {
        "columns": x.shape[-1], "constant": int((~moving).sum()), "rms": np.sqrt(np.square(size).mean()),
        "largest": np.abs(flat).max(), "low": flat.min(), "high": flat.max(),
    }  # fmt: skip
    if moving.any():
        ratio = np.abs(mean[moving]) / std[moving]
        facts |= {
            "std": np.sqrt(np.square(std[moving]).mean()), "offset": np.median(ratio),
            "least_std": std[moving].min(), "most_std": std[moving].max(), "most_rms": size.max(),
            "median_rms": np.median(size[moving]),
        }  # fmt: skip
    constant = np.flatnonzero(~moving)
    facts["constant_columns"] = [int(i) for i in constant[:20]]
    return facts


def _keys(x: Any) -> np.ndarray:
    """One whole number a row, equal for equal rows (and in one case of 2⁶⁴ for others)."""
    flat = [np.ascontiguousarray(part.reshape(len(part), -1)) for part in tree.leaves(x)]
    return np.array([hash(b"".join([part.tobytes() for part in row])) for row in zip(*flat, strict=True)])


def _chance(x: Any) -> float:
    """How probably two rows are equal if columns don't depend on each other: Π Σ p²."""
    total = 0.0
    for part in tree.leaves(x):
        flat = part.reshape(len(part), -1)[:512]
        for column in flat.T[:4096]:
            counts = np.unique(column, return_counts=True)[1]
            total += float(np.log(np.square(counts / len(flat)).sum()))
            if total < -40:
                return float(np.exp(total))
    return float(np.exp(total))


def twins_of(x: Any, y: np.ndarray, kind: str, blank: bool = False) -> dict[str, Any]:
    """Rows that occur more than once with different targets: their share, and what chance would make it.

    "natural" is 1 where rows repeat as they do where there are few that can be: each column takes few values, and about
    as many rows are there three times as chance makes of those that are there twice. Copies come in pairs.
    "agree" is how often a row's twin has its target (of numbers, how much less twins differ than any two rows), "any"
    how often any other of these rows has it.

    Parameters
    ----------
    x, y, kind :
        Training rows and their targets.
    blank : bool
        Whether rows of nothing but zeros count, too.
    """
    if kind not in ("class", "binary", "number") or y.size != len(y):
        return {}
    _, place, counts = np.unique(_keys(x), return_inverse=True, return_counts=True)
    repeated = (counts[place] > 1) & (blank | ~_blank(x))
    if not repeated.any():
        return dict.fromkeys(("repeated", "contrary", "chance", "natural"), 0.0)
    values = y.reshape(len(y)).astype(np.float64)
    low, high = np.full(len(counts), np.inf), np.full(len(counts), -np.inf)
    np.minimum.at(low, place, values)
    np.maximum.at(high, place, values)
    differ = (high - low) > (0 if kind != "number" else 0.5 * values.std())
    share, thrice = float(repeated.mean()), float((repeated & (counts[place] > 2)).mean())
    usual = share + (1 - share) * np.log1p(-min(share, 1 - 1e-9))  # of rows drawn evenly: 1 - e⁻ᵏ (1 + k)
    return {
        "repeated": share, "contrary": float((differ[place] & repeated).mean()),
        "chance": min(1.0, _chance(x) * len(x)),
        "natural": float(thrice >= usual / 2 and _most_values(x) <= len(x) * FEW_VALUES),
        **_agreement(np.unique(place[repeated], return_inverse=True)[1], values[repeated], kind),
    }  # fmt: skip


def _agreement(group: np.ndarray, values: np.ndarray, kind: str) -> dict[str, float]:
    """How often two rows of a group have the same target, and how often any two rows have; each row counts alike."""
    sizes = np.bincount(group)
    if kind == "number":  # the share of the variance that lies between groups
        mean = np.bincount(group, values) / sizes
        within = np.bincount(group, np.square(values - mean[group])) / (sizes - 1)
        whole = values.var(ddof=1)
        return {"agree": float(1 - (within * sizes).sum() / len(values) / whole) if whole > 0 else 1.0, "any": 0.0}
    labels = np.unique(values, return_inverse=True)[1]
    pairs, counts = np.unique(group * (labels.max() + 1) + labels, return_counts=True)
    same = counts * (counts - 1) / (sizes[pairs // (labels.max() + 1)] - 1)
    every = np.bincount(labels)
    rows = len(values)
    return {"agree": float(same.sum() / rows), "any": float((every * (every - 1)).sum() / (rows * (rows - 1)))}


def _most_values(x: Any) -> int:
    """How many values a column takes, of that one which takes most."""
    flats = [part.reshape(len(part), -1) for part in tree.leaves(x)]
    return max((len(np.unique(column)) for flat in flats for column in flat.T[:4096]), default=0)


def _blank(x: Any) -> np.ndarray:
    """Which rows hold nothing but zeros: of these, being equal tells nothing."""
    return np.logical_and.reduce([~part.reshape(len(part), -1).any(axis=1) for part in tree.leaves(x)])


def shared_of(x: Any, validation: Any, rows: int) -> dict[str, Any]:
    """Held-out rows that are training rows, too: how many were seen, their share, and what chance would make it."""
    validation = tree.map(lambda part, like: part.astype(like.dtype, copy=False), validation, x)
    repeated = np.isin(_keys(validation), _keys(x)) & ~_blank(validation)
    both = tree.map(lambda one, other: np.concatenate([one[:256], other[:256]]), x, validation)
    chance = min(1.0, _chance(both) * rows)
    return {
        "count": int(repeated.sum()), "share": min(1.0, float(repeated.mean()) * rows / rows_of(x)), "chance": chance,
    }  # fmt: skip
