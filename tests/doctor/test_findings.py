"""Every kind of finding, in each way in which it shows, on evidence made by hand; and a healthy twin of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding
from backlit.doctor.findings import (
    batch_dependence,
    capacity,
    constant_columns,
    decay,
    depth,
    dropout,
    duplicates,
    imbalance,
    kinds,
    last_layer,
    leaking_column,
    learning_rate,
    loop,
    missing_inputs,
    odd_values,
    order,
    overfitting,
    parts,
    scale,
    sequences,
    start,
    steps,
    still_layers,
    stopped_early,
    structure,
    targets,
    through_time,
    undefined,
    unlearned,
    unrelated_labels,
)  # fmt: skip
from backlit.languages import NAMES
from backlit.train.divergence import Divergence
from tests.doctor.common import STARTS, evidence, names

WAVES = list(0.6 + 0.3 * (np.arange(20) % 2))
FALL = list(np.linspace(1.0, 0.2, 20))
CREEP = list(np.linspace(1.0, 0.9, 20))
SLIDE = list(np.linspace(0.95, 0.7, 20))
NO_DATA: dict[str, Any] = {}


def net(*layers: bl.Layer, shape: tuple[int, ...] = (3,)) -> bl.Network:
    return bl.Sequential(*layers).build(shape)


def deep(activation: bl.Layer) -> bl.Network:
    return net(bl.Linear(4), activation, bl.Linear(4), activation, bl.Linear(1))


def recurrent(layer: bl.Layer) -> bl.Network:
    return net(layer, bl.Linear(1), shape=(40, 2))


def flow(first: float) -> dict[str, Any]:
    """Gradients at three layers, the last one's 1."""
    return {path: {"gradient_norm": norm} for path, norm in (("0", first), ("2", first**0.5), ("4", 1.0))}


def by_step(first: float, last: float) -> dict[str, Any]:
    """Gradients at twelve time steps."""
    return {"0": {"layer": "RNN", "steps": {"gradient_norm": list(np.geomspace(first, last, 12))}}}


def columns(std: float = 1.0, offset: float = 0.0, size: float = 1.0, **more: Any) -> dict[str, Any]:
    facts = {"std": std, "offset": offset, "least_std": std, "most_std": std, "most_rms": size, "median_rms": size}
    return {"inputs": facts | more}


def classes(share: float, **more: Any) -> dict[str, Any]:
    shares = {"shares": [share, 1 - share]}
    return {"kind": "class", "targets": shares, "held_targets": shares} | more


def simple(best: float, guess: float = 0.0, rows: int = 250, **more: Any) -> dict[str, Any]:
    """What simple models make of the data."""
    return {"reference": {"linear": best, "neighbours": best, "guess": guess, "rows": rows} | more}


RAGGED = {
    "steps": 40, "blank": 0, "padding": 0.0, "after": 0.5, "before": 0.0, "full": 0.05, "empty": 0.0, "lengths": 30,
}  # fmt: skip
MASKED = RAGGED | {"masked": 0.5, "inner": 0.3, "contrary": 0.2}
LSTM, MASKED_LSTM = recurrent(bl.LSTM(3)), recurrent(bl.Masked(bl.LSTM(3)))
RNN = recurrent(bl.RNN(3))
TWO = net(bl.Linear(4), bl.Tanh(), bl.Linear(2))
SIX = net(*[layer for _ in range(6) for layer in (bl.Linear(4), bl.Tanh())], bl.Linear(1))
OFF = {"1": {"layer": "ReLU", "dead": 0.9}, "0": {"std": 1.0}}
RELU = net(bl.Linear(4), bl.ReLU(), bl.Linear(1))
BAD_PARAMETER = Divergence("parameter", "0/weight", 2, 3)
PERCEPTRON = net(bl.Linear(1))

PARTS = {
    "rows": 250, "held": 100, "apart": 0.5, "column": 1, "moved": 0.1, "stretched": 1.0, "inner": 0.9, "within": 0.9,
    "across": 0.9, "next": 0.0, "recoded": 0.9, "guess": 0.0, "guess_inner": 0.0,
}  # fmt: skip


def held_out(**changes: Any) -> dict[str, Any]:
    """What is known of training and held-out rows beside each other: they are alike, but for the changes."""
    return {"parts": PARTS | changes}


ARRIVED = {"ratio": 0.01, "start": {"params": {}}}  # weights have travelled, and nothing is known of the first gradient
KNOWN, SCATTERED = [0.1] * 20, [1.1] * 20  # training rows learned, others not
CLIP = bl.chain(bl.optim.ClipGlobalNorm(1e-4), bl.SGD(0.1))
STEP = bl.SGD(bl.optim.Step(0.1, every=20, factor=1e-3))
PEAK = [*np.linspace(0.5, 0.9, 10), *np.linspace(0.9, 0.84, 10)]
RISING = [*np.linspace(1.0, 0.3, 10), *np.linspace(0.3, 0.4, 10)]


def fallen(peak: list[float]) -> Evidence:
    """Classes that are known by heart, and a held-out accuracy of this course while the loss hardly rises."""
    e = evidence(
        [0.01] * 20, [*np.linspace(0.5, 0.3, 10), *np.linspace(0.3, 0.31, 10)], net=TWO, loss="cross_entropy",
        data={"kind": "class", "held": 400},
    )  # fmt: skip
    for line, value in zip(e.history, peak, strict=True):
        line |= {"val_accuracy": value, "accuracy": 1.0}
    return e


# Of each finding and way in which it shows: evidence of it, and a healthy twin that differs where it matters.
CASES: list[tuple[Any, Any, Evidence, Evidence]] = [
    (missing_inputs.MISSING_INPUTS, missing_inputs.COUNTED, evidence(data={"bad_rows": 3}), evidence()),
    (
        missing_inputs.MISSING_INPUTS, missing_inputs.MET,
        evidence(diverged=Divergence("inputs", "", 1, 1)), evidence(diverged=BAD_PARAMETER),
    ),
    (
        duplicates.LEAK, duplicates.HELD_OUT,
        evidence(data={"shared": {"count": 20, "share": 0.2, "chance": 0.0}}),
        evidence(data={"shared": {"count": 20, "share": 0.2, "chance": 0.1}}),
    ),
    (
        duplicates.CONTRARY_DUPLICATES, duplicates.DISAGREEING,
        evidence(data={"twins": {"contrary": 0.2, "repeated": 0.2, "chance": 0.0}}),
        evidence(data={"twins": {"contrary": 0.01, "repeated": 0.2, "chance": 0.0}}),
    ),
    (
        sequences.MASKED_TARGET, sequences.BEHIND_MASK,
        evidence(net=MASKED_LSTM, data={"sequences": MASKED}),
        evidence(net=MASKED_LSTM, data={"sequences": MASKED | {"contrary": 0.01}}),
    ),
    (
        sequences.MASKED_TARGET, sequences.BLANK,
        evidence([1.0] * 20, net=MASKED_LSTM, data={"sequences": {"steps": 40, "blank": 3}}),
        evidence([0.3] * 20, net=MASKED_LSTM, data={"sequences": {"steps": 40, "blank": 3}}),
    ),
    (
        sequences.TRUNCATED, sequences.PILED_UP,
        evidence(net=LSTM, data={"sequences": RAGGED | {"full": 0.6}}),
        evidence(net=LSTM, data={"sequences": RAGGED | {"full": 1.0}}),
    ),
    (
        sequences.UNMASKED_PADDING, sequences.READ,
        evidence(net=LSTM, data={"sequences": RAGGED}),
        evidence(net=LSTM, data={"sequences": RAGGED | {"before": 0.5, "after": 0.0}}),
    ),
    (
        unrelated_labels.UNRELATED_LABELS, unrelated_labels.BY_LOSS,
        evidence(FALL, [1.05] * 20), evidence(FALL, FALL),
    ),
    (
        unrelated_labels.UNRELATED_LABELS, unrelated_labels.BY_R2,
        evidence([1.0] * 20, data=simple(0.0)), evidence([1.0] * 20, data=simple(0.5)),
    ),
    (
        unrelated_labels.UNRELATED_LABELS, unrelated_labels.BY_ACCURACY,
        evidence([1.0] * 20, net=TWO, loss="cross_entropy", data=classes(0.5, **simple(0.5, guess=0.5))),
        evidence([1.0] * 20, net=TWO, loss="cross_entropy", data=classes(0.5, **simple(0.9, guess=0.5))),
    ),
    (
        targets.CLASSES_AS_NUMBERS, targets.WHOLE,
        evidence(data={"targets": {"whole": True, "distinct": 10}, **simple(0.2, agreement=0.9, chance=0.1)}),
        evidence(data={"targets": {"whole": True, "distinct": 10}, **simple(0.2, agreement=0.2, chance=0.1)}),
    ),
    (
        targets.UNSCALED_TARGETS, targets.SPREAD,
        evidence(data={"targets": {"mean": 500.0, "std": 100.0}}),
        evidence(data={"targets": {"mean": 1.0, "std": 2.0}}),
    ),
    (
        last_layer.SOFTMAX_TWICE, last_layer.FLOOR,
        evidence(net=net(bl.Linear(3), bl.Softmax()), loss="cross_entropy"),
        evidence(net=net(bl.Linear(3), bl.Softmax()), loss="nll"),
    ),
    (
        last_layer.ACTIVATION_BEFORE_LOSS, last_layer.BOUNDED,
        evidence(net=net(bl.Linear(3), bl.Tanh()), loss="cross_entropy"),
        evidence(net=net(bl.Linear(3), bl.LeakyReLU()), loss="cross_entropy"),
    ),
    (
        last_layer.SOFTMAX_ON_ONE_UNIT, last_layer.ONE_UNIT,
        evidence(net=net(bl.Linear(1), bl.Softmax()), loss="binary_cross_entropy"),
        evidence(net=net(bl.Linear(2), bl.Softmax()), loss="nll"),
    ),
    (
        last_layer.TARGETS_OUT_OF_REACH, last_layer.OUTSIDE,
        evidence(net=net(bl.Linear(1), bl.Sigmoid()), data={"targets": {"low": -2.0, "high": 2.0}}),
        evidence(net=net(bl.Linear(1), bl.Sigmoid()), data={"targets": {"low": 0.0, "high": 1.0}}),
    ),
    (
        structure.TINY_BATCHES, structure.FEW_NUMBERS,
        evidence(net=net(bl.Linear(4), bl.BatchNorm(), bl.Linear(1)), data={"batch": 2}),
        evidence(net=net(bl.Linear(4), bl.BatchNorm(), bl.Linear(1)), data={"batch": 4}),
    ),
    (
        structure.TINY_BATCHES, structure.ONE_NUMBER,
        evidence(net=net(bl.Linear(4), bl.BatchNorm(), bl.Linear(1)), data={"batch": 1}),
        evidence(net=net(bl.Linear(4), bl.LayerNorm(), bl.Linear(1)), data={"batch": 1}),
    ),
    (
        structure.NO_NON_LINEARITY, structure.NOTHING_BETWEEN,
        evidence(net=net(bl.Linear(8), bl.Dropout(0.1), bl.Linear(1))),
        evidence(net=net(bl.Linear(8), bl.Softplus(), bl.Linear(1))),
    ),
    (
        start.CONSTANT, start.COPIES,
        evidence(weights={"0/weight": STARTS | {"alike": True}, "2/weight": STARTS | {"columns": True}}),
        evidence(weights={"0/weight": STARTS | {"alike": True}, "2/weight": STARTS | {"columns": False}}),
    ),
    (
        start.ZERO, start.COPIES,
        evidence(net=RELU, weights={"0/weight": {"rms": 0.0, "alike": True}}),
        evidence(net=RELU, weights={"0/weight": STARTS | {"alike": False}}),
    ),
    (start.TOO_SMALL, start.SMALL, evidence(weights={"0/weight": {"rms": 1e-3}}), evidence()),
    (start.TOO_LARGE, start.LARGE, evidence(weights={"0/weight": {"rms": 5.0}}), evidence()),
    (
        start.NEGATIVE_BIAS, start.BELOW,
        evidence(net=RELU, layers=OFF, weights={"0/bias": {"mean": -5.0}}),
        evidence(net=RELU, layers=OFF, weights={"0/bias": {"mean": -0.5}}),
    ),
    (scale.UNSCALED_INPUTS, scale.TOO_LARGE, evidence(data=columns(std=100.0, size=100.0)), evidence(data=columns())),
    (scale.UNSCALED_INPUTS, scale.TOO_SMALL, evidence(data=columns(std=0.01, size=0.01)), evidence(data=columns())),
    (
        scale.OFF_CENTRE_INPUTS, scale.OFF_CENTRE,
        evidence(data=columns(offset=20.0, size=20.0)), evidence(data=columns(offset=1.7, size=1.9)),
    ),
    (
        constant_columns.CONSTANT_COLUMNS, constant_columns.COLUMNS,
        evidence(data={"inputs": {"constant": 6, "columns": 9, "constant_columns": [0, 2, 3, 4, 5, 7]}}),
        evidence(data={"inputs": {"constant": 0, "columns": 9}}),
    ),
    (still_layers.UNCONNECTED, still_layers.SILENT, evidence(gradient=0.0), evidence()),
    (still_layers.UNCONNECTED, still_layers.MANY_SILENT, evidence(net=SIX, gradient=0.0), evidence(net=SIX)),
    (still_layers.FROZEN, still_layers.STILL, evidence(still=("0/weight",)), evidence(ratio=0.0)),
    (
        still_layers.FROZEN, still_layers.MANY_STILL,
        evidence(net=SIX, still=tuple(f"{2 * i}/weight" for i in range(6))), evidence(net=SIX),
    ),
    (
        depth.SATURATING, depth.VANISHED,
        evidence(net=deep(bl.Sigmoid()), layers=flow(1e-6)), evidence(net=deep(bl.Sigmoid()), layers=flow(0.1)),
    ),
    (
        depth.VANISHING, depth.FADED,
        evidence(net=deep(bl.Tanh()), layers=flow(1e-6)), evidence(net=deep(bl.Tanh()), layers=flow(0.1)),
    ),
    (
        depth.EXPLODING, depth.EXPLODED,
        evidence(net=deep(bl.ReLU()), layers=flow(1e4)), evidence(net=deep(bl.ReLU()), layers=flow(20.0)),
    ),
    (
        through_time.VANISHING, through_time.FAINT,
        evidence(net=RNN, layers=by_step(1e-5, 1.0), late_layers=by_step(1e-5, 1.0)),
        evidence(net=RNN, layers=by_step(0.5, 1.0), late_layers=by_step(0.5, 1.0)),
    ),
    (
        through_time.VANISHING, through_time.FAINT_AT_THE_END,
        evidence([1.0] * 20, net=RNN, layers=by_step(0.5, 1.0), late_layers=by_step(1e-5, 1.0)),
        evidence([1.0] * 20, net=RNN, layers=by_step(0.5, 1.0), late_layers=by_step(0.5, 1.0)),
    ),
    (
        through_time.EXPLODING, through_time.STRONG,
        evidence(net=RNN, layers=by_step(1e4, 1.0), late_layers=by_step(1.0, 1.0)),
        evidence(net=RNN, layers=by_step(10.0, 1.0), late_layers=by_step(1.0, 1.0)),
    ),
    (
        through_time.EXPLODING, through_time.OVERFLOWN,
        evidence([], net=RNN, diverged=Divergence("validation loss", "", 1, 1), start={"loss": None}),
        evidence([], net=RNN, diverged=Divergence("validation loss", "", 3, 1)),
    ),
    (
        undefined.SOURCE_OF_NAN, undefined.FIRST_BAD,
        evidence([1.0], loss="nll", diverged=Divergence("loss", "NegativeLogLikelihood()", 2, 3)),
        evidence([1.0], diverged=Divergence("loss", "MeanSquaredError()", 2, 3)),
    ),
    (
        undefined.SOURCE_OF_NAN, undefined.BELOW_ZERO,
        evidence(net=TWO, loss="nll"), evidence(net=net(bl.Linear(2), bl.Softmax()), loss="nll"),
    ),
    (
        decay.TOO_STRONG, decay.BOUNDED,
        evidence(optimizer=bl.AdamW(1e-3, weight_decay=10.0)), evidence(optimizer=bl.AdamW(1e-3, weight_decay=0.01)),
    ),
    (
        decay.TOO_STRONG, decay.BY_PENALTY,
        evidence(norm=0.1, settings={"penalty": "L2(1.0)"}), evidence(norm=0.9, settings={"penalty": "L2(1.0)"}),
    ),
    (
        decay.TOO_STRONG, decay.BY_DECAY,
        evidence(norm=0.1, optimizer=bl.AdamW(1e-3, weight_decay=0.1)), evidence(norm=0.1),
    ),
    (
        learning_rate.TOO_HIGH, learning_rate.CURVED,
        evidence(net=PERCEPTRON, trained=False, optimizer=bl.SGD(0.3), sharpness=10.0),
        evidence(net=PERCEPTRON, trained=False, optimizer=bl.SGD(0.1), sharpness=10.0),
    ),
    (
        learning_rate.TOO_HIGH, learning_rate.FIRST_LEAP,
        evidence(trained=False, ratio=4.0, optimizer=bl.Adam(3.0)),
        evidence(trained=False, ratio=0.1, optimizer=bl.Adam(0.01)),
    ),
    (learning_rate.TOO_HIGH, learning_rate.DIVERGED, evidence(diverged=BAD_PARAMETER, ratio=0.2), evidence()),
    (
        learning_rate.TOO_HIGH, learning_rate.LEAPING,
        evidence([a + 1.5 for a in WAVES], ratio=0.2), evidence([a + 1.5 for a in WAVES], ratio=1e-3),
    ),
    (learning_rate.TOO_HIGH, learning_rate.RISEN, evidence([3.0] * 20, ratio=0.05), evidence([3.0] * 20, ratio=1e-3)),
    (learning_rate.OSCILLATING, learning_rate.COULD_SETTLE, evidence(WAVES, ratio=0.2), evidence(ratio=0.2)),
    (
        learning_rate.OSCILLATING, learning_rate.WAVERING,
        evidence(WAVES, ratio=0.2, optimizer=bl.SGD(lambda step: 0.1)),
        evidence(ratio=0.2, optimizer=bl.SGD(lambda step: 0.1)),
    ),
    (learning_rate.TOO_LOW, learning_rate.HARDLY_MOVED, evidence(ratio=1e-4), evidence(ratio=1e-3)),
    (
        dropout.TOO_STRONG, dropout.DROPPED,
        evidence(net=net(bl.Linear(4), bl.Dropout(0.9), bl.Tanh(), bl.Linear(1))),
        evidence(net=net(bl.Linear(4), bl.Dropout(0.5), bl.Tanh(), bl.Linear(1))),
    ),
    (
        imbalance.HIDDEN, imbalance.ONE_CLASS,
        evidence(net=TWO, loss="cross_entropy", data=classes(0.95, held=400), scores={"val_accuracy": 0.95}),
        evidence(net=TWO, loss="cross_entropy", data=classes(0.95, held=400), scores={"val_accuracy": 0.99}),
    ),
    *(
        (
            capacity.TOO_LITTLE, capacity.SIGNS[hidden, of_classes],
            evidence(net=network, loss=loss, data=data | simple(0.95), scores={"accuracy": 0.2}, **ARRIVED),
            evidence(net=network, loss=loss, data=data | simple(0.3), scores={"accuracy": 0.2}, **ARRIVED),
        )
        for of_classes, loss, data, flat, wide in (
            (False, "mse", NO_DATA, PERCEPTRON, net(bl.Linear(4), bl.Tanh(), bl.Linear(1))),
            (True, "cross_entropy", {"kind": "class"}, net(bl.Linear(2)), TWO),
        )
        for hidden, network in ((False, flat), (True, wide))
    ),
    (
        overfitting.OVERFITTING, overfitting.ROSE,
        evidence(FALL, [*np.linspace(1.0, 0.4, 10), *np.linspace(0.4, 1.2, 10)], data={"held": 10**5}),
        evidence(FALL, [*np.linspace(1.0, 0.4, 10), *np.linspace(0.4, 0.5, 10)], data={"held": 10**5}),
    ),
    (
        overfitting.OVERFITTING, overfitting.LEARNED_BY_HEART,
        evidence([0.01] * 20, [0.8] * 20), evidence([0.01] * 20, [0.2] * 20),
    ),
    (
        overfitting.OVERFITTING, overfitting.BEHIND,
        evidence([0.2] * 20, [0.6] * 20, data=simple(0.95)), evidence([0.2] * 20, [0.6] * 20, data=simple(0.3)),
    ),
    (
        learning_rate.TOO_HIGH, learning_rate.GREW,
        evidence(diverged=BAD_PARAMETER), evidence(diverged=Divergence("loss", "MeanSquaredError()", 1, 1)),
    ),
    (
        learning_rate.TOO_HIGH, learning_rate.KILLED,
        evidence([1.0] * 20, net=net(bl.Linear(8), bl.ReLU(), bl.Linear(1)), ratio=0.05, late_layers=OFF),
        evidence([1.0] * 20, net=RELU, ratio=0.05, late_layers=OFF),  # of four units the last goes off by chance
    ),
    (
        parts.SHIFTED, parts.APART,
        evidence(KNOWN, SCATTERED, data=held_out(apart=0.99)), evidence(KNOWN, SCATTERED, data=held_out(apart=0.6)),
    ),
    (
        parts.SHIFTED, parts.DRIFTED,
        evidence(KNOWN, SCATTERED, data=held_out(across=-1.0, levelled=0.9, drift=1.2)),
        evidence(KNOWN, SCATTERED, data=held_out(across=-1.0, levelled=-0.5, drift=0.2)),
    ),
    (
        parts.WRONG_LABELS, parts.RENAMED,
        evidence(KNOWN, SCATTERED, data=held_out(across=-1.0, levelled=-0.5, drift=0.2)),
        evidence(KNOWN, SCATTERED, data=held_out(across=-1.0, levelled=0.9, drift=1.2)),
    ),
    (
        parts.WRONG_LABELS, parts.SCRAMBLED,
        evidence(KNOWN, SCATTERED, data=held_out(across=0.0, within=0.0, recoded=0.0)),
        evidence(KNOWN, SCATTERED, data=held_out(across=0.8)),
    ),
    (
        parts.WRONG_LABELS, parts.MOVED,
        evidence(KNOWN, SCATTERED, data=held_out(across=0.0, within=0.0, recoded=0.0, next=0.9)),
        evidence(KNOWN, SCATTERED, data=held_out(next=0.9)),
    ),
    (
        parts.WRONG_LABELS, parts.RENAMED,
        evidence(KNOWN, SCATTERED, data=held_out(across=-1.0)), evidence(KNOWN, SCATTERED, data=held_out()),
    ),
    (
        odd_values.CODES, odd_values.CODED,
        evidence(data={"coded": {"code": -999.0, "column": 1, "share": 0.1, "times": 90.0}}),
        evidence(data={"coded": {}}),
    ),
    (
        odd_values.OUTLYING, odd_values.FAR_OUT,
        evidence(data={"far": {"rows": 1, "share": 0.01, "column": 1, "times": 2000.0}}), evidence(data={"far": {}}),
    ),
    (
        odd_values.OUTLYING, odd_values.TARGETS_FAR_OUT,
        evidence(data={"far_targets": {"rows": 3, "share": 0.01, "column": 0, "times": 2000.0}}),
        evidence(data={"far_targets": {}}),
    ),
    (
        leaking_column.LEAKING, leaking_column.COLUMN,
        evidence(data={"leaking": {"column": 2, "agreement": 1.0}}), evidence(data={"leaking": {}}),
    ),
    (
        order.SORTED, order.IN_ORDER,
        evidence(data={"order": {"alike": 0.99}}, settings={"shuffle": False}),
        evidence(data={"order": {"alike": 0.99}}, settings={"shuffle": True}),
    ),
    (
        order.UNKNOWN, order.COMMONEST,
        evidence(data={"tokens": {"distinct": 2.0, "most": 0.99, "commonest": 1.0}}),
        evidence(data={"tokens": {"distinct": 90.0, "most": 0.1, "commonest": 1.0}}),
    ),
    (
        batch_dependence.DEPENDENT, batch_dependence.TOGETHER,
        evidence(data={"alone": 0.5}), evidence(data={"alone": 1e-6}),
    ),
    (steps.CLIPPING, steps.CLIPPED, evidence(optimizer=CLIP), evidence(optimizer=CLIP, gradient=1e-4)),
    (
        steps.MOMENTUM, steps.LONG_MEMORY,
        evidence(optimizer=bl.SGD(0.1, momentum=0.999)), evidence(optimizer=bl.SGD(0.1, momentum=0.9)),
    ),
    (
        steps.TOO_SOON, steps.OVER,
        evidence(optimizer=STEP), evidence(optimizer=bl.SGD(bl.optim.Cosine(0.1, 200))),
    ),
    (
        steps.DELTA_TOO_SMALL, steps.DELTA,
        evidence(loss=bl.losses.Huber(1e-3), data={"targets": {"std": 1.0}}),
        evidence(loss=bl.losses.Huber(1e-3), data={"targets": {"std": 1.0}}, optimizer=bl.Adam()),
    ),
    (
        steps.LOPSIDED, steps.FEW_COUNT,
        evidence(data={"weighing": {"effective": 0.01}}), evidence(data={"weighing": {"effective": 0.8}}),
    ),
    (
        steps.LOPSIDED, steps.ONE_COUNTS,
        evidence(data={"weighing": {"effective": 0.4, "most": 0.99, "share": 0.5}}),
        evidence(data={"weighing": {"effective": 0.4, "most": 0.99, "share": 0.99}}),
    ),
    (
        targets.UNSCALED_TARGETS, targets.TINY,
        evidence([1.1] * 20, data={"targets": {"mean": 0.0, "std": 1e-3}}),
        evidence([0.96] * 20, data={"targets": {"mean": 0.0, "std": 1e-3}}),  # as little as there is to be learned
    ),
    (
        targets.UNSCALED_TARGETS, targets.TINY,
        evidence(data={"targets": {"mean": 0.0, "std": 1e-3}} | simple(0.95)),
        evidence(data={"targets": {"mean": 0.0, "std": 0.1}} | simple(0.95)),
    ),
    (
        imbalance.HIDDEN, imbalance.FEW_FOUND,
        evidence(net=TWO, loss="cross_entropy", rare={"recall": 0.1, "auc": 0.8, "rows": 40.0}),
        evidence(net=TWO, loss="cross_entropy", rare={"recall": 0.0, "auc": 0.9, "rows": 5.0}),  # by chance
    ),
    (
        imbalance.HIDDEN, imbalance.STILL_FEW,
        evidence(
            net=TWO, loss="cross_entropy", rare={"recall": 0.1, "auc": 0.8, "rows": 40.0},
            settings={"class_weight": "balanced"},
        ),
        evidence(
            net=TWO, loss="cross_entropy", data=classes(0.95, held=400), scores={"val_accuracy": 0.9},
            settings={"class_weight": "balanced"},
        ),
    ),
    (
        overfitting.OVERFITTING, overfitting.PAST_BEST,
        evidence([0.01] * 20, RISING, data={"held": 10**4}), evidence([0.2] * 20, RISING, data={"held": 10**4}),
    ),
    (
        overfitting.OVERFITTING, overfitting.PAST_NOTHING,
        evidence([0.001] * 20, [1.0, *[0.0] * 9, *np.linspace(0.1, 0.23, 10)], data={"held": 10**4}),
        evidence([0.001] * 20, [-9.0, *[-9.9] * 9, *np.linspace(-9.85, -9.8, 10)], data={"held": 10**4}),
    ),
    (overfitting.OVERFITTING, overfitting.FELL_FROM_BEST, fallen(PEAK), fallen([*PEAK[:10], *[0.9] * 10])),
    (
        last_layer.SOFTMAX_TWICE, last_layer.APPLIED,
        evidence(net=net(bl.Linear(3), bl.Softmax()), loss=bl.losses.SoftCrossEntropy()),
        evidence(net=net(bl.Linear(3)), loss=bl.losses.SoftCrossEntropy()),
    ),
    (
        unlearned.WORSE_THAN_GUESSING, unlearned.END,
        evidence([9.0] * 20), evidence([1.05] * 20),
    ),
    (
        stopped_early.STOPPED_EARLY, stopped_early.UNDER_WAY,
        evidence(CREEP, [1.0] * 20, data=simple(0.95)), evidence([1.0] * 20, data=simple(0.95)),
    ),
    (
        unlearned.OPEN, unlearned.NOT_LEARNED,
        evidence(net=net(bl.Linear(99), bl.Tanh(), bl.Linear(1)), data=simple(0.95)), evidence(data=simple(0.2)),
    ),
    (unlearned.OPEN, unlearned.NO_GAIN, evidence([1.0] * 20), evidence([0.7] * 20)),
    (stopped_early.STOPPED_EARLY, stopped_early.STILL_FALLING, evidence(SLIDE), evidence()),
    (
        loop.BROADCAST, loop.SHAPES,
        evidence(loop={"broadcast": {"outputs": (32, 1), "targets": (32,), "times": 32.0}}), evidence(loop={}),
    ),
    (loop.UNCLEARED, loop.KEPT, evidence(loop={"uncleared": 1.0}), evidence(loop={"uncleared": 0.2})),
    (
        loop.EVALUATION, loop.EVALUATING,
        evidence(loop={"evaluation": 0.9, "modal": ["bn"]}), evidence(loop={"evaluation": 0.9, "modal": []}),
    ),
]  # fmt: skip
IDS = [f"{kind.key} {place}" for place, (kind, *_) in enumerate(CASES)]


def look(kind: Any, e: Evidence) -> list[Finding]:
    """What a kind's own rules find of it."""
    rules = [*kind.rules, *kind.fallback]
    if kind is undefined.SOURCE_OF_NAN:
        rules.append(last_layer.last_activation)
    return [finding for rule in rules for finding in rule(e) if finding.kind is kind]


@pytest.mark.parametrize(("kind", "sign", "sick", "healthy"), CASES, ids=IDS)
def test_it_is_found_where_it_is_and_not_in_its_twin(kind: Any, sign: Any, sick: Evidence, healthy: Evidence) -> None:
    found = look(kind, sick)
    assert [finding.sign for finding in found][:1] == [sign]
    assert look(kind, healthy) == []


@pytest.mark.parametrize(("kind", "sign", "sick", "healthy"), CASES, ids=IDS)
def test_it_is_told_in_every_language(kind: Any, sign: Any, sick: Evidence, healthy: Evidence) -> None:
    finding = look(kind, sick)[0]
    told = str(finding)
    assert told.startswith(f"{finding.severity.upper()}  {kind.key}: {finding.where}\n  {finding.cause}")
    assert f"\n  remedy     {finding.remedy}" in told
    assert "{" not in finding.remedy + finding.command
    assert (finding.measured is not None) == ("\n  measured   " in told)
    for lang in NAMES:
        for part in ("where", "measure", "source"):
            words = finding.message(part).within(lang)
            assert words.strip()
            assert "{" not in words


def test_every_kind_has_a_case_for_every_way_in_which_it_shows() -> None:
    cases = {(kind.key, id(sign)) for kind, sign, *_ in CASES}
    assert cases == {(kind.key, id(sign)) for kind in kinds().values() for sign in kind.signs}


@pytest.mark.parametrize("kind", kinds().values(), ids=list(kinds()))
def test_texts_are_there_in_every_language_and_ask_for_the_same_values(kind: Any) -> None:
    for template in (kind.name, kind.cause, kind.effect):
        assert all(getattr(template, lang).strip() and not template.places(lang) for lang in NAMES)
        assert any("가" <= letter <= "힣" for letter in template.ko)
    for sign in kind.signs:
        for template in (sign.where, sign.measure, sign.source):
            assert template.places("en") == template.places("ko")
    assert kind.rules or kind.fallback


def test_the_order_from_cause_to_effect() -> None:
    assert len({kind.order for kind in kinds().values()}) == len(kinds())
    assert list(kinds()) == [
        "missing inputs", "leak between splits", "contrary duplicates", "shifted split", "labels wrong in one part",
        "leaking column", "sorted rows", "unknown tokens", "mask hides the target", "truncated sequences",
        "padding not masked", "unrelated labels", "classes as numbers", "unscaled targets", "lopsided weights",
        "softmax twice",
        "activation before the loss", "softmax on one unit", "targets out of reach",
        "outputs and targets of different shapes", "batch-dependent outputs",
        "tiny batches in batch norm", "no non-linearity",
        "constant initialisation", "zero initialisation", "initial weights too small", "initial weights too large",
        "negative bias", "codes for missing values", "outlying rows",
        "unscaled inputs", "off-centre inputs", "constant columns", "unconnected layer",
        "frozen layer", "gradients never cleared", "trained in evaluation mode", "saturating activations in depth",
        "gradient vanishes through layers", "gradient explodes through layers", "gradient vanishes through time",
        "gradient explodes through time", "source of NaN", "clipping too strong",
        "momentum too high", "rate falls too soon", "delta too small",
        "weight decay too strong", "learning rate too high",
        "learning rate oscillating", "learning rate too low", "dropout too strong", "imbalance hidden by accuracy",
        "too little capacity", "overfitting", "stopped early", "open cause",
        "worse than guessing",
    ]  # fmt: skip


def test_a_healthy_run_has_no_finding() -> None:
    assert names(look_at_all(evidence(FALL, data=columns()))) == ["stopped early"]
    assert look_at_all(evidence([0.05] * 20, data=columns())) == []


def look_at_all(e: Evidence) -> list[Finding]:
    from backlit.doctor.diagnose import run_rules

    return list(run_rules(e))
