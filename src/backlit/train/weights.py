"""Weights: how much each row counts in the loss, as a whole and for each output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError, about
from backlit.train.training import Training


def weights_of(n: int, targets: Any, encoded: Any, training: Training) -> tuple[np.ndarray | None, Any]:
    """Weight of each row, or None if all are 1; and for several outputs what it is multiplied by for each, or None.

    Raises
    ------
    InputError, ShapeError
        If weights don't fit rows, classes or outputs.
    """
    return weights_from(n, targets, encoded, training.sample_weight, training.class_weight, training.dtype)


def weights_from(
    n: int, targets: Any, encoded: Any, sample: Any, by_class: Any, dtype: str, whole: bool = True
) -> tuple[np.ndarray | None, Any]:
    """As `weights_of`; rows that aren't the whole data may all have a weight of 0."""
    if targets.kind != "heads":
        if isinstance(sample, Mapping):
            raise InputError("sample_weight is by output, but the network has one output: give a number for each row")
        return _product(_of_rows(n, sample, dtype, whole), _of_classes(n, targets, encoded, by_class, dtype)), None
    names = tuple(targets.heads)
    of_all = None if isinstance(sample, Mapping) else _of_rows(n, sample, dtype, whole)
    samples = _by_output(sample if isinstance(sample, Mapping) else None, names, "sample_weight")
    if by_class is not None and not isinstance(by_class, Mapping):
        example = f"class_weight={{{names[0]!r}: 'balanced'}}"
        raise InputError(f"class_weight of a network of several outputs is by output, {example}, got {by_class!r}")
    classes = _by_output(by_class, names, "class_weight")
    by_head: dict[str, Any] = {}
    for name, own in targets.heads.items():
        with about(f"output {name!r}"):
            by_head[name] = _product(
                _of_rows(n, samples.get(name), dtype, whole),
                _of_classes(n, own, encoded[name], classes.get(name), dtype),
            )
    if all(each is None for each in by_head.values()):
        return of_all, None
    return of_all, {name: np.ones(n, dtype) if each is None else each for name, each in by_head.items()}


def _by_output(given: Any, names: tuple[str, ...], what: str) -> dict[str, Any]:
    for name in given or ():
        if name not in names:
            raise InputError(f"{what}: {name!r} is no output; the network's outputs are {', '.join(map(repr, names))}")
    return dict(given or {})


def _product(first: np.ndarray | None, second: np.ndarray | None) -> np.ndarray | None:
    if first is None or second is None:
        return second if first is None else first
    return second * first


def _of_rows(n: int, given: Any, dtype: str, whole: bool) -> np.ndarray | None:
    """The weights that were given for the rows."""
    if given is None:
        return None
    try:
        weights: np.ndarray = np.asarray(given, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise InputError(f"sample_weight must hold a number for each row ({error})") from error
    if weights.shape != (n,):
        raise ShapeError(f"sample_weight must have shape ({n},), one a row, got {weights.shape}")
    if not (np.isfinite(weights).all() and (weights >= 0).all() and (weights.sum() > 0 or not whole)):
        raise InputError("sample_weight must be finite and at least 0, with some above 0")
    return weights


def _of_classes(n: int, targets: Any, encoded: np.ndarray, class_weight: Any, dtype: str) -> np.ndarray | None:
    """The weight of each row's class."""
    if class_weight is None:
        return None
    if targets.labels is None:
        raise InputError("class_weight needs class targets; use sample_weight for numbers")
    if len(encoded.reshape(-1)) != n:
        raise InputError(
            "class_weight needs one class a row; for a class at each step use CrossEntropy(class_weights=…)"
        )
    classes = list(targets.labels.classes)
    codes = encoded.reshape(n).astype(int)
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise InputError(f"class_weight must be 'balanced' or a dict of class to weight, got {class_weight!r}")
        counts = np.bincount(codes, minlength=len(classes))
        by_class = n / (len(classes) * np.maximum(counts, 1))
    else:
        if not isinstance(class_weight, Mapping):
            raise InputError(f"class_weight must be 'balanced' or a dict of class to weight, got {class_weight!r}")
        absent = set(class_weight) - set(classes)
        if absent:
            raise InputError(f"class_weight names {sorted(map(str, absent))}, but the classes are {classes}")
        try:
            by_class = np.array([float(class_weight.get(name, 1.0)) for name in classes])
        except (TypeError, ValueError) as error:
            raise InputError(f"class_weight must have a number for each class, got {class_weight}") from error
        if not (np.isfinite(by_class).all() and (by_class >= 0).all()):
            raise InputError(f"class weights must be finite and at least 0, got {class_weight}")
    weights: np.ndarray = by_class[codes].astype(dtype)
    return weights
