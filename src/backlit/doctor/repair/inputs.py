"""Remedies for inputs: they become part of the network or of the run, so that raw rows can be predicted as before."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.data.by_input import ByInput
from backlit.data.frames import as_arrays
from backlit.data.scaling import Standardize
from backlit.doctor.repair import words as says
from backlit.doctor.repair.change import Change
from backlit.nn.changing import in_front
from backlit.nn.layers.rescale import Rescale
from backlit.train.ensemble import Folds
from backlit.train.recipe import Recipe

TINY = 1e-7  # of a column's size: it doesn't vary


def training_rows(recipe: Recipe) -> np.ndarray:
    """The inputs as the network gets them, without the rows that all members hold back."""
    inputs = recipe.x if recipe.training.preparation is None else recipe.training.preparation.apply(recipe.x)
    array = as_arrays(inputs, keep_integers=recipe.architecture.takes_integers)[0]
    validation = recipe.training.validation
    if isinstance(validation, Folds):
        held_back = validation.rows[0]
        for rows in validation.rows[1:]:
            held_back = np.intersect1d(held_back, rows)
        array = np.delete(array, held_back, axis=0)
    return array


def _columns(recipe: Recipe) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean and standard deviation of each column (channel, feature of a step); None for whole numbers, as of tokens."""
    if recipe.architecture.takes_integers:
        return None
    x = training_rows(recipe)
    flat = x.reshape(-1, x.shape[-1]).astype(np.float64)
    return flat.mean(axis=0), flat.std(axis=0)


def _rescaled(recipe: Recipe, shift: np.ndarray, scale: np.ndarray) -> Recipe:
    return recipe.replace(in_front(Rescale(tuple(shift.tolist()), tuple(scale.tolist())), recipe.architecture))


def standardized(recipe: Recipe, run: Any) -> list[Change]:
    """A first layer that brings each column to mean 0 and variance 1; of several inputs a preparation for each."""
    if recipe.architecture.input_names:
        return _standardized_by_input(recipe)
    columns = _columns(recipe)
    if columns is None:
        return []
    mean, std = columns
    still = std <= TINY * np.maximum(np.abs(mean), 1e-30)
    candidate = _rescaled(recipe, mean, np.where(still, 1.0, std))
    return [Change(says.STANDARDISED.say(), candidate)]


def _standardized_by_input(recipe: Recipe) -> list[Change]:
    """Tables of real numbers among several inputs that nothing prepares yet, standardised by their training rows."""
    prepared = recipe.training.preparation
    if not isinstance(prepared, ByInput | None):
        return []
    known = prepared.inputs if prepared else {}
    examples = recipe.examples()
    rows = np.unique(np.concatenate(examples.split.training))
    tables = {name: part[rows] for name, part in examples.inputs.items() if part.dtype.kind == "f" and part.ndim == 2}
    made = {name: Standardize().fit(part) for name, part in tables.items() if name not in known}
    if not made:
        return []
    return [
        Change(says.INPUTS_SCALED.say(names=", ".join(made)), recipe.replace(preparation=ByInput({**known, **made})))
    ]


def without_constants(recipe: Recipe, run: Any) -> list[Change]:
    """A first layer that turns columns that never change to zero."""
    columns = _columns(recipe)
    if columns is None:
        return []
    mean, std = columns
    still = (std <= TINY * np.maximum(np.abs(mean), 1e-30)) & (mean != 0)
    if not still.any():
        return []
    candidate = _rescaled(recipe, np.where(still, mean, 0.0), np.ones(len(mean)))
    return [Change(says.CONSTANTS.say(), candidate)]
