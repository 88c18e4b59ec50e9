"""Findings about networks: layers, starts, gradients and loops, on evidence made by hand, with healthy twins."""

from __future__ import annotations

from typing import Any

import backlit as bl
from backlit.doctor.evidence import Evidence
from backlit.doctor.findings import (
    batch_dependence,
    depth,
    last_layer,
    loop,
    start,
    still_layers,
    structure,
    through_time,
    undefined,
)
from backlit.train.divergence import Divergence
from tests.doctor.common import STARTS, evidence
from tests.doctor.making import OFF, RELU, RNN, SIX, TOKENS, TWO, by_step, deep, flow, net

# Of each finding and way in which it shows: evidence of it, and a healthy twin that differs where it matters.
CASES: list[tuple[Any, Any, Evidence, Evidence]] = [
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
        last_layer.ACTIVATION_BEFORE_LOSS, last_layer.SQUEEZED,
        evidence(net=net(bl.Linear(3), bl.Softmax()), loss="hinge"),
        evidence(net=net(bl.Linear(3), bl.Tanh()), loss="hinge"),
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
    (
        start.ZERO, start.SAME_VECTOR,
        evidence(net=TOKENS, weights={"0/weight": {"rms": 0.0, "alike": True}}, norm=0.0),
        evidence(net=TOKENS, weights={"0/weight": {"rms": 0.0, "alike": True}}, norm=0.5),
    ),
    (
        start.CONSTANT, start.SAME_VECTOR,
        evidence(net=TOKENS, weights={"0/weight": {"rms": 1.0, "alike": True}}, still=("0/weight",)),
        evidence(net=TOKENS, weights={"0/weight": {"rms": 1.0, "alike": True}}),
    ),
    (start.TOO_SMALL, start.SMALL, evidence(weights={"0/weight": {"rms": 1e-3}}), evidence()),
    (start.TOO_LARGE, start.LARGE, evidence(weights={"0/weight": {"rms": 5.0}}), evidence()),
    (
        start.NEGATIVE_BIAS, start.BELOW,
        evidence(net=RELU, layers=OFF, weights={"0/bias": {"mean": -5.0}}),
        evidence(net=RELU, layers=OFF, weights={"0/bias": {"mean": -0.5}}),
    ),
    (
        still_layers.UNCONNECTED, still_layers.OF_ONE,
        evidence(net=net(bl.Linear(1), bl.LayerNorm(), bl.Linear(2))),
        evidence(net=net(bl.Linear(2), bl.LayerNorm(), bl.Linear(2))),
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
        batch_dependence.DEPENDENT, batch_dependence.TOGETHER,
        evidence(data={"alone": 0.5}), evidence(data={"alone": 1e-6}),
    ),
    (
        last_layer.SOFTMAX_TWICE, last_layer.APPLIED,
        evidence(net=net(bl.Linear(3), bl.Softmax()), loss=bl.losses.SoftCrossEntropy()),
        evidence(net=net(bl.Linear(3)), loss=bl.losses.SoftCrossEntropy()),
    ),
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
