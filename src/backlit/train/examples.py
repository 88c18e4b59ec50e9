"""Examples: what is learned from, as arrays on the host, checked before anything slow happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit import bounds
from backlit.data.splitting import split
from backlit.errors import InputError, ShapeError, about
from backlit.graph import tree
from backlit.nn.layer import Layer, Network
from backlit.nn.losses import Heads, Loss
from backlit.nn.shapes import rows_of, shape_of
from backlit.train.ensemble import Folds
from backlit.train.heads import HeadTargets, loss_for
from backlit.train.inputs import inputs_of, outcomes_of
from backlit.train.scores import metric_table
from backlit.train.targets import Targets, is_one_hot
from backlit.train.training import Training
from backlit.train.weights import weights_of


@dataclass(frozen=True, eq=False)
class Split:
    """Which rows each member learns from, and which rows of which arrays are its validation.

    Attributes
    ----------
    training : list of int arrays
        Row numbers, one array a member.
    validation : list of int arrays, or None
        Row numbers in `inputs` and `encoded`; None without validation.
    inputs, encoded : array, or dict of arrays
        Those of the examples, or of validation data of the user's own.
    """

    training: list[np.ndarray]
    validation: list[np.ndarray] | None
    inputs: Any
    encoded: Any


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
    inputs : array (rows, ...), or dict of arrays by input
    encoded : array (rows, ...), or dict of arrays by output
        Targets as the loss takes them.
    weights : array (rows,) or None
        None if all are 1.
    by_head : dict of arrays by output, or None
        What the weights are multiplied by for each output; None if that is 1.
    split : Split
    """

    network: Network
    loss: Any
    targets: Any
    metrics: dict[str, Any]
    inputs: Any
    encoded: Any
    weights: np.ndarray | None
    by_head: Any
    split: Split

    @property
    def known(self) -> Any:
        """By output, 1 for each held-out row whose target counts and 0 for others; None if all count.

        Weights are of training, but a row of weight 0 for an output has no target there that could be held against it.
        """
        if self.by_head is None or self.split.inputs is not self.inputs:
            return None
        return counted(self.by_head)


def counted(by_head: Any) -> Any:
    """1 where weights by output are above 0, and 0 elsewhere; None for none."""
    return tree.map(lambda weights: (weights > 0).astype(weights.dtype), by_head)


def examples_of(network: Layer | Network, x: Any, y: Any, training: Training) -> Examples:
    """Check network, data and options together.

    Raises
    ------
    ShapeError, InputError
        If they don't fit; the message says what to change.
    """
    if not isinstance(network, (Layer, Network)):
        raise InputError(f"network must be a layer such as bl.Sequential(...) or a bl.Network, got {network!r}")
    inputs, outcomes = _arrays(network, x, y, training)
    loss = loss_for(training.loss, training.loss_weights, network.output_names, outcomes)
    built = _built(network, inputs, training)
    if not built.size:
        raise InputError(f"{built.architecture} has no weights, so there is nothing to train")
    bounds.require("parameters", built.size * training.ensemble, "the ensemble has")
    built.check_inputs(inputs)
    encoding = _encoding(training, outcomes, loss, built)
    encoded = encoding.encode(outcomes, training.dtype)
    weights, by_head = weights_of(rows_of(encoded), encoding, encoded, training)
    return Examples(
        network=built,
        loss=loss,
        targets=encoding,
        metrics=metric_table(training.metrics, loss),
        inputs=inputs,
        encoded=encoded,
        weights=weights,
        by_head=by_head,
        split=_split(training, built, inputs, encoded, encoding),
    )


def _encoding(training: Training, outcomes: Any, loss: Loss, network: Network) -> Any:
    """How targets are encoded: learned from them, or as the user said."""
    if training.encoding is not None:
        _refuse_one_hot(training.loss, outcomes, network.output_shape)
        return training.encoding
    if isinstance(loss, Heads):
        for name, outcome in outcomes.items():
            given = training.loss.get(name) if isinstance(training.loss, Mapping) else training.loss
            with about(f"output {name!r}"):
                _refuse_one_hot(given, outcome, network.output_shape[name])
        return HeadTargets.learn(outcomes, network.output_shape, loss, training.standardize_targets)
    _refuse_one_hot(training.loss, outcomes, network.output_shape)
    return Targets.learn(outcomes, loss.target, network.output_shape, loss, training.standardize_targets)


def _refuse_one_hot(loss: Any, outcomes: Any, outputs: Any) -> None:
    """Refuse classes as other libraries write them, unless a loss says what they are."""
    if loss is None and outcomes.shape[1:] == outputs and is_one_hot(outcomes):
        raise InputError(
            "y is one-hot, a 1 among zeros in each row: pass y.argmax(axis=1), or the classes themselves, to learn "
            "classes; loss='mean_squared_error' learns the zeros and ones as numbers"
        )


def _built(network: Layer | Network, inputs: Any, training: Training) -> Network:
    shape, dtype = shape_of(inputs), training.dtype
    built = network if isinstance(network, Network) else network.build(shape, seed=training.seed, dtype=dtype)
    if built.input_shape != shape:
        got = f"x of shape {inputs.shape}" if hasattr(inputs, "shape") else f"rows of x of shape {shape}"
        raise ShapeError(f"the network takes rows of shape {built.input_shape}, got {got}")
    return built if str(built.dtype) == dtype else built.astype(dtype)


def _split(training: Training, network: Network, inputs: Any, encoded: Any, targets: Any) -> Split:
    """Validation as the user said it: none, a share, data of their own, or folds for an ensemble."""
    validation, members = training.validation, training.ensemble
    everything = np.arange(rows_of(inputs))
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
        shares = (1 - validation, validation)
        stratify = _classes(encoded, targets)
        learned_rows, validation_rows = split(rows_of(encoded), shares, seed=training.seed, stratify=stratify)
        return Split([learned_rows] * members, [validation_rows] * members, inputs, encoded)
    if not (isinstance(validation, (tuple, list)) and len(validation) == 2):
        raise InputError(f"validation must be a share such as 0.2 or a pair (x, y), got {type(validation).__name__}")
    with about("validation data"):
        other_inputs, other_outcomes = _arrays(network, *validation, training)
    if shape_of(other_inputs) != shape_of(inputs):
        raise ShapeError(f"validation rows have shape {shape_of(other_inputs)}, training rows {shape_of(inputs)}")
    with about("validation data"):
        network.check_inputs(other_inputs)
    other_encoded = targets.encode(other_outcomes, training.dtype)
    return Split([everything] * members, [np.arange(rows_of(other_inputs))] * members, other_inputs, other_encoded)


def _classes(encoded: Any, targets: Any) -> np.ndarray | None:
    """The classes of the rows, by which they are shared out; of several outputs those of the first that has some."""
    heads = targets.heads.items() if targets.kind == "heads" else ()
    for own, codes in [(own, encoded[name]) for name, own in heads] or [(targets, encoded)]:
        if own.kind == "class" and codes.ndim == 1:
            return codes
    return None


def _arrays(network: Layer | Network, x: Any, y: Any, training: Training) -> tuple[Any, Any]:
    inputs = inputs_of(network, training.preparation, x, training.dtype)
    outcomes = outcomes_of(network.output_names, training.preparation, x, y, rows_of(inputs))
    if not rows_of(inputs):
        raise InputError("there are no rows to train on")
    return inputs, outcomes
