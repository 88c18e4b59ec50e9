"""Remedies for values that aren't what they seem: gaps, codes that stand for gaps, rows far outside."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.data.frames import as_targets, columns_of
from backlit.data.gaps import FillGaps
from backlit.data.scaling import Scaling
from backlit.doctor.repair import words as says
from backlit.doctor.repair.change import Change
from backlit.languages import join
from backlit.nn.changing import in_front
from backlit.nn.layers.rescale import Rescale
from backlit.train.ensemble import Folds
from backlit.train.probes.columns import codes_in, far_rows
from backlit.train.probes.padding import real_steps
from backlit.train.recipe import Recipe


def kept_rows(recipe: Recipe) -> np.ndarray | slice:
    """The rows of `recipe.x` that some member learns from."""
    validation = recipe.training.validation
    if not isinstance(validation, Folds):
        return slice(None)
    held = validation.rows[0]
    for rows in validation.rows[1:]:
        held = np.intersect1d(held, rows)
    return np.setdiff1d(np.arange(_count(recipe.x)), held)


def _count(x: Any) -> int:
    columns = columns_of(x)
    return len(next(iter(columns.values()))) if columns else len(x)


def _numbers(x: Any) -> np.ndarray | None:
    """Raw inputs as an array (rows, ..., columns) that may have gaps; None for anything else."""
    columns = columns_of(x)
    try:
        array = np.stack([*columns.values()], axis=1) if columns else np.asarray(x)
        array = array.astype(np.float64)
    except (TypeError, ValueError):
        return None
    return array if array.ndim > 1 else None


def filled(recipe: Recipe, run: Any) -> list[Change]:
    """Gaps and codes for gaps filled by the medians of training rows, before anything else sees the rows."""
    prepared = recipe.training.preparation
    if recipe.architecture.input_names or recipe.architecture.takes_integers:
        return []
    if not (prepared is None or isinstance(prepared, Scaling)):
        return []
    raw = _numbers(recipe.x)
    if raw is None:
        return []
    known = raw[kept_rows(recipe)]
    codes = tuple(sorted({each["code"] for each in codes_in(known, real_steps(known, recipe.architecture))}))
    gaps = int((~np.isfinite(known)).sum())
    if not codes and not gaps:
        return []
    names = columns_of(recipe.x)
    learned = FillGaps(codes).fit(known)
    preparation = FillGaps(codes, learned.fills, tuple(names) if names else None)
    candidate = recipe.replace(preparation=preparation)
    if prepared is not None:  # its scale was that of the gaps
        rows = learned.apply(known).reshape(-1, known.shape[-1])
        shift, scale = type(prepared).measure(rows)
        scale = np.where(scale > 0, scale, 1.0)
        first = Rescale(tuple(map(float, shift)), tuple(map(float, scale)))
        candidate = candidate.replace(in_front(first, recipe.architecture))
    told = ", ".join([f"{code:g}" for code in codes] + (["NaN"] if gaps else []))
    return [Change(says.FILLED.say(codes=told), candidate)]


def without_outlying(recipe: Recipe, run: Any) -> list[Change]:
    """Rows far outside left out of training, by weight 0; and inputs scaled by what the others have."""
    if recipe.architecture.input_names or isinstance(recipe.y, dict) or recipe.architecture.takes_integers:
        return []
    raw, y = _numbers(recipe.x), as_targets(recipe.y)
    far = np.zeros(len(y), bool) if raw is None else far_rows(raw, real_steps(raw, recipe.architecture))
    if y.dtype.kind == "f":
        far = far | far_rows(y.reshape(len(y), -1))
    given = recipe.training.sample_weight
    present = np.ones(len(y)) if given is None else np.asarray(given, dtype=np.float64)
    learned = np.zeros(len(y), bool)
    learned[kept_rows(recipe)] = True
    learned &= present > 0
    if not (far & learned).any():
        return []
    weights = np.where(far, 0.0, present)
    words = says.LEFT_OUT.say(rows=int((far & learned).sum()))
    left_out = recipe.replace(sample_weight=weights)
    changes = []
    if raw is not None and recipe.training.preparation is None:
        rows = raw[learned & ~far].reshape(-1, raw.shape[-1])
        mean, std = rows.mean(axis=0), rows.std(axis=0)
        first = Rescale(tuple(mean.tolist()), tuple(np.where(std > 0, std, 1.0).tolist()))
        changes.append(
            Change(
                join(", ", [words, says.SCALED_BY_OTHERS.say()]),
                left_out.replace(in_front(first, recipe.architecture)),
            )
        )
    return [*changes, Change(words, left_out)]
