"""Findings about training: rates, steps, capacity and fit, on evidence made by hand, with healthy twins."""

from __future__ import annotations

from typing import Any

import numpy as np

import backlit as bl
from backlit.doctor.evidence import Evidence
from backlit.doctor.findings import (
    capacity,
    decay,
    dropout,
    imbalance,
    learning_rate,
    overfitting,
    steps,
    stopped_early,
    unlearned,
)
from backlit.train.divergence import Divergence
from tests.doctor.common import evidence
from tests.doctor.making import (
    ARRIVED,
    BAD_PARAMETER,
    CLIP,
    CREEP,
    FALL,
    NO_DATA,
    OFF,
    PEAK,
    PERCEPTRON,
    RELU,
    RISING,
    SLIDE,
    STEP,
    TWO,
    WAVES,
    classes,
    fallen,
    net,
    simple,
)

# Of each finding and way in which it shows: evidence of it, and a healthy twin that differs where it matters.
NO_WEIGHT = {"effective": 0.8, "most": 0.3, "share": 0.3, "least": 1e-4, "least_class": 2, "least_share": 0.3}
FEW = {"recall": 0.2, "auc": 0.9, "rows": 5.0}
ONE_UNIT = net(bl.Linear(1), bl.Tanh(), bl.Linear(1))
CASES: list[tuple[Any, Any, Evidence, Evidence]] = [
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
        dropout.TOO_STRONG, dropout.ANSWERS,
        evidence(net=net(bl.Linear(4), bl.Tanh(), bl.Linear(1), bl.Dropout(0.2))),
        evidence(net=net(bl.Linear(4), bl.Tanh(), bl.Dropout(0.2), bl.Linear(1))),
    ),
    (
        imbalance.HIDDEN, imbalance.ONE_CLASS,
        evidence(net=TWO, loss="cross_entropy", data=classes(0.95, held=400), scores={"val_accuracy": 0.95}),
        evidence(net=TWO, loss="cross_entropy", data=classes(0.95, held=400), scores={"val_accuracy": 0.99}),
    ),
    *(
        (
            capacity.TOO_LITTLE, capacity.SIGNS[hidden, of_classes],
            evidence(net=network, loss=loss, data=data | simple(0.95, linear=0.1), scores={"accuracy": 0.2}, **ARRIVED),
            evidence(net=network, loss=loss, data=data | simple(0.95), scores={"accuracy": 0.2}, **ARRIVED),
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
        steps.LOPSIDED, steps.NOT_COUNTED,
        evidence(data={"weighing": NO_WEIGHT}),
        evidence([0.1] * 20, data={"weighing": NO_WEIGHT}),  # learned all the same
    ),
    (
        imbalance.HIDDEN, imbalance.FEW_LEARNED,
        evidence(net=TWO, loss="cross_entropy", rare=FEW | {"learned": 0.1, "training": 30.0}),
        evidence(net=TWO, loss="cross_entropy", rare=FEW | {"learned": 0.5, "training": 30.0}),
    ),
    (
        imbalance.HIDDEN, imbalance.STILL_FEW_LEARNED,
        evidence(
            net=TWO, loss="cross_entropy", rare=FEW | {"learned": 0.1, "training": 30.0},
            settings={"class_weight": "balanced"},
        ),
        evidence(
            net=TWO, loss="cross_entropy", rare=FEW | {"learned": 0.4, "training": 6.0},
            settings={"class_weight": "balanced"},
        ),
    ),
    (
        capacity.TOO_LITTLE, capacity.PERHAPS,
        evidence([0.5] * 20, net=ONE_UNIT, **ARRIVED), evidence([0.1] * 20, net=ONE_UNIT, **ARRIVED),
    ),
    (
        overfitting.OVERFITTING, overfitting.FAR_APART,
        evidence([0.01] * 20, [0.4] * 20, data={"held": 200}), evidence([0.2] * 20, [0.55] * 20, data={"held": 200}),
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
        stopped_early.STOPPED_EARLY, stopped_early.AT_ITS_BEST,
        evidence([1.0, 0.9], stopped="early stopping"), evidence([1.0, 0.9, 0.95], stopped="early stopping"),
    ),
]  # fmt: skip
