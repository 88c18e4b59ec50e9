"""Examples: what is learned from, as arrays on the host, checked before anything slow happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit import bounds
from backlit.data.frames import as_arrays
from backlit.data.preparation import preparation_of
from backlit.data.splitting import split
from backlit.data.textual import array_of
from backlit.errors import BacklitError, InputError, ShapeError
from backlit.nn import losses
from backlit.nn.layer import Layer, Network
from backlit.train.ensemble import Folds
from backlit.train.scores import metric_table
from backlit.train.targets import Targets, is_one_hot
from backlit.train.training import Training


@dataclass(frozen=True, eq=False)
class Split:
    """Which rows each member learns from, and which rows of which arrays are its validation.

    Attributes
    ----------
    training : list of int arrays
        Row numbers, one array a member.
    validation : list of int arrays, or None
        Row numbers in `inputs` and `encoded`; None without validation.
    inputs, encoded : array
        Those of the examples, or of validation data of the user's own.
    """

    training: list[np.ndarray]
    validation: list[np.ndarray] | None
    inputs: np.ndarray
    encoded: np.ndarray


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows, targets and weights as arrays, and the network and loss that they fit.

    Attributes
    ----------
    network : Network
        As training begins: drawn from the seed, or as given.
    loss : Loss
    targets : Targets
    metrics : dict
        By name.
    inputs : array (rows, ...)
    encoded : array (rows, ...)
        Targets as the loss takes them.
    weights : array (rows,) or None
        None if all are 1.
    split : Split
    """

    network: Network
    loss: Any
    targets: Any
    metrics: dict[str, Any]
    inputs: np.ndarray
    encoded: np.ndarray
    weights: np.ndarray | None
    split: Split


def examples_of(network: Layer | Network, x: Any, y: Any, training: Training) -> Examples:
    """Check network, data and options together.

    Raises
    ------
    ShapeError, InputError
        If they don't fit; the message says what to change.
    """
    if not isinstance(network, (Layer, Network)):
        raise InputError(f"network must be a layer such as bl.Sequential(...) or a bl.Network, got {network!r}")
    integers = network.takes_integers
    inputs, outcomes = _arrays(x, y, training, integers)
    loss = losses.get(training.loss) if training.loss is not None else losses.default_for(_task(outcomes))
    built = _built(network, inputs, training)
    if not built.size:
        raise InputError(f"{built.architecture} has no weights, so there is nothing to train")
    bounds.require("parameters", built.size * training.ensemble, "the ensemble has")
    built.check_inputs(inputs)
    if training.loss is None and outcomes.shape[1:] == built.output_shape and is_one_hot(outcomes):
        raise InputError(
            "y is one-hot, a 1 among zeros in each row: pass y.argmax(axis=1), or the classes themselves, to learn "
            "classes; loss='mean_squared_error' learns the zeros and ones as numbers"
        )
    encoding = training.encoding
    if encoding is None:
        encoding = Targets.learn(outcomes, loss.target, built.output_shape, loss, training.standardize_targets)
    encoded = encoding.encode(outcomes, training.dtype)
    weights = _weights(len(encoded), encoding, encoded, training)
    return Examples(
        network=built,
        loss=loss,
        targets=encoding,
        metrics=metric_table(training.metrics, loss),
        inputs=inputs,
        encoded=encoded,
        weights=weights,
        split=_split(training, built, inputs, encoded, encoding),
    )


def _built(network: Layer | Network, inputs: np.ndarray, training: Training) -> Network:
    shape, dtype = inputs.shape[1:], training.dtype
    built = network if isinstance(network, Network) else network.build(shape, seed=training.seed, dtype=dtype)
    if built.input_shape != shape:
        raise ShapeError(f"the network takes rows of shape {built.input_shape}, got x of shape {inputs.shape}")
    return built if str(built.dtype) == dtype else built.astype(dtype)


def _split(training: Training, network: Network, inputs: np.ndarray, encoded: np.ndarray, targets: Any) -> Split:
    """Validation as the user said it: none, a share, data of their own, or folds for an ensemble."""
    validation, members = training.validation, training.ensemble
    everything = np.arange(len(inputs))
    if validation is None:
        return Split([everything] * members, None, inputs, encoded)
    if isinstance(validation, Folds):
        if len(validation.rows) != members:
            raise InputError(f"validation has {len(validation.rows)} folds for an ensemble of {members}: give one each")
        learned = [np.setdiff1d(everything, rows) for rows in validation.rows]
        if len({len(rows) for rows in learned}) > 1 or not all(len(rows) for rows in validation.rows):
            raise InputError("the folds must hold back equally many rows, at least one each")
        return Split(learned, list(validation.rows), inputs, encoded)
    if isinstance(validation, (int, float)) and not isinstance(validation, bool):
        if not 0 < validation < 1:
            raise InputError(f"validation={validation!r}: a share must lie between 0 and 1, 0.2 say")
        stratify = encoded if targets.kind == "class" and encoded.ndim == 1 else None
        shares = (1 - validation, validation)
        learned_rows, validation_rows = split(len(encoded), shares, seed=training.seed, stratify=stratify)
        return Split([learned_rows] * members, [validation_rows] * members, inputs, encoded)
    if not (isinstance(validation, (tuple, list)) and len(validation) == 2):
        raise InputError(f"validation must be a share such as 0.2 or a pair (x, y), got {type(validation).__name__}")
    other_inputs, other_outcomes = _arrays(*validation, training, network.takes_integers)
    if other_inputs.shape[1:] != inputs.shape[1:]:
        raise ShapeError(f"validation rows have shape {other_inputs.shape[1:]}, training rows {inputs.shape[1:]}")
    try:
        network.check_inputs(other_inputs)
    except InputError as error:
        raise InputError(f"validation data: {error}") from error
    other_encoded = targets.encode(other_outcomes, training.dtype)
    return Split([everything] * members, [np.arange(len(other_inputs))] * members, other_inputs, other_encoded)


def _arrays(x: Any, y: Any, training: Training, integers: bool) -> tuple[np.ndarray, np.ndarray]:
    if y is None:
        raise InputError("y is None: give a target for each row of x")
    preparation = preparation_of(training.preparation)
    inputs, _ = as_arrays(preparation.apply(x), keep_integers=integers, dtype=training.dtype)
    try:
        outcomes = array_of(preparation.relative(x, y))
    except ValueError as error:
        if isinstance(error, BacklitError):
            raise
        raise ShapeError(f"y has rows of different lengths; every row needs as many targets ({error})") from error
    if outcomes.ndim == 0 or len(outcomes) != len(inputs):
        raise ShapeError(
            f"x has {len(inputs)} rows and y {outcomes.shape[0] if outcomes.ndim else 'none'}: they must be equal"
        )
    if not len(inputs):
        raise InputError("there are no rows to train on")
    return inputs, outcomes


def _task(y: np.ndarray) -> str:
    return "regression" if y.dtype.kind == "f" else "classification"


def _weights(n: int, targets: Any, encoded: np.ndarray, training: Training) -> np.ndarray | None:
    """Weight of each row, or None if all are 1."""
    weights, class_weight = None, training.class_weight
    if training.sample_weight is not None:
        try:
            weights = np.asarray(training.sample_weight, dtype=training.dtype)
        except (TypeError, ValueError) as error:
            raise InputError(f"sample_weight must hold a number for each row ({error})") from error
        if weights.shape != (n,):
            raise ShapeError(f"sample_weight must have shape ({n},), one a row, got {weights.shape}")
        if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
            raise InputError("sample_weight must be finite and at least 0, with some above 0")
    if class_weight is None:
        return weights
    by_row = _class_weights(n, targets, encoded, class_weight).astype(training.dtype)
    return by_row if weights is None else by_row * weights


def _class_weights(n: int, targets: Any, encoded: np.ndarray, class_weight: Any) -> np.ndarray:
    """The weight of each row's class."""
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
        absent = set(class_weight) - set(classes)
        if absent:
            raise InputError(f"class_weight names {sorted(map(str, absent))}, but the classes are {classes}")
        try:
            by_class = np.array([float(class_weight.get(name, 1.0)) for name in classes])
        except (TypeError, ValueError) as error:
            raise InputError(f"class_weight must have a number for each class, got {class_weight}") from error
        if not (np.isfinite(by_class).all() and (by_class >= 0).all()):
            raise InputError(f"class weights must be finite and at least 0, got {class_weight}")
    weights: np.ndarray = by_class[codes]
    return weights
