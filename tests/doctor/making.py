"""Networks and facts of which evidence is made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

import backlit as bl
from backlit.doctor.evidence import Evidence
from backlit.train.divergence import Divergence
from tests.doctor.common import evidence

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


def simple(
    best: float, guess: float = 0.0, rows: int = 250, linear: float | None = None, **more: Any
) -> dict[str, Any]:
    """What simple models make of the data; a line as much as neighbours, unless told otherwise."""
    line = best if linear is None else linear
    return {"reference": {"linear": line, "neighbours": best, "guess": guess, "rows": rows} | more}


RAGGED = {
    "steps": 40, "blank": 0, "padding": 0.0, "after": 0.5, "before": 0.0, "full": 0.05, "empty": 0.0, "lengths": 30,
}  # fmt: skip
MASKED = RAGGED | {"masked": 0.5, "inner": 0.3, "contrary": 0.2}
TWINS = {"contrary": 0.5, "repeated": 1.0, "chance": 0.3, "natural": 1.0, "agree": 0.51, "any": 0.5}
TAILED = {"targets": {"tails": 0.8, "middle": 1.5, "mean": 0.5, "std": 4.0}}
TOKENS = net(bl.Embedding(9, 4), bl.Flatten(), bl.Linear(2), shape=(5,))
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
