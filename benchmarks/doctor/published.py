"""Published criteria, stated again from what their papers, documentation and sources say, with their own thresholds.

Each takes what was seen of a run and gives the names of its problems, in the order in which it tests for them. What
they call a problem is mapped to the findings of the doctor that it may stand for, generously.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.doctor.watch import Seen


@dataclass(frozen=True)
class Told:
    """What criteria may know of a run."""

    seen: list[Seen]
    history: list[dict[str, Any]]
    diverged: bool
    classes: bool
    x: np.ndarray
    y: np.ndarray
    last: str  # kind of the last layer
    units: int
    loss: str  # which activation the loss brings: "softmax", "sigmoid", "identity", or none
    rate: float | None
    ratios: list[float]  # of updates to weights, greatest of each look

    def column(self, name: str) -> np.ndarray:
        return np.array([row[name] for row in self.history if row.get(name) is not None], dtype=float)


def _norms(seen: Seen) -> list[float]:
    return [float(np.linalg.norm(g)) for g in seen.gradients.values()]


def _bad(told: Told) -> bool:
    return told.diverged or any(
        not np.isfinite(a).all() for s in told.seen for a in [*s.gradients.values(), *s.weights.values()]
    )


def _misfit(told: Told) -> bool:
    """An output activation that doesn't fit the loss, by name and width."""
    if told.classes:
        return told.last in ("Softmax", "Sigmoid", "ReLU", "Tanh") and told.loss in ("softmax", "sigmoid")
    low, high = {"Sigmoid": (0, 1), "Softmax": (0, 1), "Tanh": (-1, 1), "ReLU": (0, np.inf)}.get(
        told.last, (-np.inf, np.inf)
    )
    return bool(told.y.min() < low or told.y.max() > high)


def auto_trainer(told: Told) -> list[str]:
    """AutoTrainer (Zhang et al., ICSE 2021; journal version 2023): nothing but where accuracy is bad or stalls."""
    found = []
    if told.loss != "none" and told.classes and _misfit(told):
        found.append("activation or loss")
    if _bad(told) or (told.column("loss") >= 1e3).any():
        found.append("exploding gradient")
    accuracy = told.column("accuracy")
    if not len(accuracy):
        return found  # it needs accuracy: regression is left out
    held = told.column("val_accuracy")
    best = max(accuracy.max(), held.max() if len(held) else 0.0)
    stalls = len(accuracy) > 1 and np.diff(accuracy).max() <= 0.01
    waves = _waves(accuracy)
    if best >= 0.6 and not stalls and not waves:
        return found
    begin = 0.3 * len(told.history)
    for seen in (own for own in told.seen if own.epoch >= begin):
        norms = _norms(seen)
        hidden = [np.abs(a).mean() for kind, a in list(seen.activations.values())[:-1]]
        if hidden and max(hidden) >= 10:
            found.append("abnormal data")
        if len(norms) > 1 and norms[-1] > 0:
            ratio = norms[0] / norms[-1]
            if ratio > 70:
                found.append("exploding gradient")
            if ratio < 1e-3 and norms[0] < 1e-4:
                found.append("vanishing gradient")
        entries = np.concatenate([g.ravel() for g in seen.gradients.values()]) if seen.gradients else np.ones(1)
        if (entries == 0).mean() >= 0.7 and any(kind == "ReLU" for kind, _ in seen.activations.values()):
            found.append("dying ReLU")
    if waves:
        found.append("oscillating loss")
    if best < 0.6 and len(accuracy) > 1 and np.diff(accuracy).max() <= 0.01:
        found.append("slow convergence")
    return list(dict.fromkeys(found))


def _waves(accuracy: np.ndarray) -> bool:
    """Peaks and troughs of 0.03 at a fifth of the epochs or more."""
    if len(accuracy) < 3:
        return False
    moves = np.diff(accuracy)
    turns = accuracy[1:-1][moves[1:] * moves[:-1] < 0]
    deep = (np.abs(np.diff(turns)) >= 0.03).sum()
    return bool(deep >= 0.2 * len(accuracy))


def deep_diagnosis(told: Told) -> list[str]:
    """DeepDiagnosis (Wardat et al., ICSE 2022): symptoms, then an explanation from a chain of questions."""
    symptom = []
    losses, accuracy = told.column("loss"), told.column("accuracy")
    if _bad(told):
        symptom.append("numerical error")
    for seen in told.seen:
        if any(0 < np.abs(g).mean() < 1e-7 for g in seen.gradients.values()):
            symptom.append("vanishing gradient")
        for path, (kind, _) in seen.activations.items():
            if kind in ("Tanh", "Sigmoid") and (np.abs(seen.before[path]) > 5).mean() > 0.5:
                symptom.append("saturated activation")
    if told.seen and any((a <= 0).mean() >= 0.7 for kind, a in told.seen[-1].activations.values() if kind == "ReLU"):
        symptom.append("dead node")
    if len(losses) >= 5 and any((losses[i : i + 5] == losses[i]).all() for i in range(len(losses) - 4)):
        symptom.append("loss not decreasing")
    if len(accuracy) >= 20 and any((accuracy[i : i + 20] == accuracy[i]).all() for i in range(len(accuracy) - 19)):
        symptom.append("accuracy not increasing")
    if _misfit(told):
        symptom.append("out of range")
    symptom = list(dict.fromkeys(symptom))
    if not symptom:
        return []
    return [f"{symptom[0]}: {_explained(told, symptom[0])}", *symptom[1:]]


def _explained(told: Told, symptom: str) -> str:
    if symptom == "out of range":
        return "layer"
    first = told.seen[0] if told.seen else None
    if first and any(not 1e-5 <= w.var() <= 10 for w in first.weights.values()):
        return "weights"
    if told.x.dtype.kind == "f" and (told.x.min() < -1 or told.x.max() > 1):
        return "data"
    last = told.seen[-1] if told.seen else None
    if last and told.rate:
        weights = (max(float(np.linalg.norm(w)), 1e-30) for w in last.weights.values())
        steps = [told.rate * g / w for g, w in zip(_norms(last), weights, strict=True)]
        if min(steps) < 1e-5:
            return "rate low"
        if max(steps) > 1e-1:
            return "rate high"
    return "layer"


def sage_maker(told: Told) -> list[str]:
    """SageMaker Debugger's built-in rules with their documented defaults; a step is an epoch here."""
    found = []
    if _bad(told):
        found.append("ExplodingTensor")
    for seen in told.seen:
        if any(np.abs(g).mean() < 1e-7 for g in seen.gradients.values()):
            found.append("VanishingGradient")
        if any((w == 0).all() for w in seen.weights.values()):
            found.append("AllZero")
        for path, (kind, a) in seen.activations.items():
            units = a.reshape(-1, a.shape[-1])
            into = seen.before[path].reshape(-1, seen.before[path].shape[-1])
            if kind == "ReLU" and ((units > 0).mean(axis=0) < 0.01).mean() > 0.5:
                found.append("DeadRelu")
            if kind == "Tanh" and (np.abs(into) > 9.4999).any(axis=0).mean() > 0.5:
                found.append("TanhSaturation")
            if kind == "Sigmoid" and ((into < -23) | (into > 17)).any(axis=0).mean() > 0.5:
                found.append("SigmoidSaturation")
    if told.seen:
        spreads = [w.var() for w in told.seen[0].weights.values()]
        if len(spreads) > 1 and max(spreads) > 10 * max(min(spreads), 1e-30):
            found.append("PoorWeightInitialization")
        for a, b, c in zip(told.seen, told.seen[1:], told.seen[2:], strict=False):
            looks = zip(*(own.weights.values() for own in (a, b, c)), strict=True)
            if any(np.allclose(u, v) and np.allclose(v, w) for u, v, w in looks):
                found.append("UnchangedTensor")
    if any(ratio > 10 for ratio in told.ratios):
        found.append("WeightUpdateRatio high")
    if any(ratio < 1e-8 for ratio in told.ratios):
        found.append("WeightUpdateRatio low")
    if told.classes:
        counts = np.bincount(told.y.astype(int).ravel())
        if counts.min() == 0 or counts.max() / counts[counts > 0].min() > 10:
            found.append("ClassImbalance")
    train, held = told.column("loss"), told.column("val_loss")
    if len(train) > 10 and (train[10:] >= 0.999 * train[:-10]).any():
        found.append("LossNotDecreasing")
    if len(held) == len(train) and len(held) and ((held - train) / np.maximum(train, 1e-12) > 0.1).any():
        found.append("Overfit")
    if len(held) > 10 and held[:-10].min() <= held[-10:].min():
        found.append("Overtraining")
    return list(dict.fromkeys(found))


def torchmortem(told: Told) -> list[str]:
    """The thresholds of torchmortem 0.1.1; the package itself watches PyTorch's modules only."""
    found = []
    if _bad(told) or any(max(_norms(seen), default=0) > 1000 for seen in told.seen):
        found.append("exploding gradients")
    few = np.mean([min(_norms(seen), default=1) < 1e-8 for seen in told.seen]) if told.seen else 0
    far = [max(n) / max(min(n), 1e-30) > 100 for n in map(_norms, told.seen) if len(n) > 1]
    if few >= 0.3 or any(far):
        found.append("vanishing gradients")
    for seen in told.seen[-1:]:
        for kind, a in seen.activations.values():
            if kind == "ReLU" and (np.abs(a) < 1e-6).mean() > 0.5:
                found.append("dead units")
            if (np.abs(a) > 0.95).mean() > 0.5:
                found.append("saturation")
    if told.ratios and np.median(told.ratios) < 1e-5:
        found.append("updates too small")
    if told.ratios and np.median(told.ratios) > 1e-1:
        found.append("updates too large")
    losses = told.column("loss")
    if len(losses) > 1 and (losses[1:] > 2 * np.minimum.accumulate(losses)[:-1]).any():
        found.append("loss spike")
    return list(dict.fromkeys(found))


_START = {"initial weights too small", "zero initialisation", "constant initialisation"}
_GONE = {
    "saturating activations in depth", "gradient vanishes through layers", "gradient vanishes through time",
    "padding not masked", "unconnected layer", *_START,
}  # fmt: skip
_GROWN = {
    "initial weights too large", "gradient explodes through layers", "gradient explodes through time",
    "learning rate too high", "unscaled targets", "unscaled inputs", "source of NaN", "missing inputs",
}  # fmt: skip
_DEAD = {"negative bias", "learning rate too high", "unscaled inputs", "off-centre inputs", *_START}
_FLAT = {"initial weights too large", "unscaled inputs", "off-centre inputs", "learning rate too high"}
_RATE = {"learning rate too high", "learning rate oscillating"}
_SLOW = {"learning rate too low", "stopped early", "weight decay too strong"}
_END = {
    "softmax twice", "activation before the loss", "softmax on one unit", "targets out of reach", "classes as numbers",
}  # fmt: skip
_DATA = {"unscaled inputs", "off-centre inputs", "missing inputs", "constant columns", "unscaled targets"}
_STUCK = {*_SLOW, *_END, "unrelated labels", "too little capacity", "no non-linearity", "mask hides the target"}
_WEIGHTS = {*_START, "initial weights too large", "negative bias"}
MEANS: dict[str, set[str]] = {
    "vanishing gradient": _GONE, "exploding gradient": _GROWN, "dying ReLU": _DEAD, "oscillating loss": _RATE,
    "slow convergence": _SLOW, "activation or loss": _END, "abnormal data": _DATA,
    "numerical error": _GROWN, "saturated activation": _FLAT, "dead node": _DEAD, "loss not decreasing": _STUCK,
    "accuracy not increasing": _STUCK, "out of range": _END, "weights": _WEIGHTS, "data": _DATA,
    "rate low": {"learning rate too low"}, "rate high": _RATE,
    "layer": {*_END, "no non-linearity", "saturating activations in depth", "gradient vanishes through layers"},
    "ExplodingTensor": _GROWN, "VanishingGradient": _GONE, "AllZero": {"zero initialisation"}, "DeadRelu": _DEAD,
    "TanhSaturation": _FLAT, "SigmoidSaturation": _FLAT, "PoorWeightInitialization": _WEIGHTS,
    "UnchangedTensor": {*_GONE, *_SLOW, "frozen layer"}, "WeightUpdateRatio high": _RATE,
    "WeightUpdateRatio low": {"learning rate too low", "frozen layer"},
    "ClassImbalance": {"imbalance hidden by accuracy"}, "LossNotDecreasing": {*_STUCK, *_RATE},
    "Overfit": {"overfitting"}, "Overtraining": {"overfitting"},
    "exploding gradients": _GROWN, "vanishing gradients": {*_GONE, "frozen layer"}, "dead units": _DEAD,
    "saturation": _FLAT, "updates too small": {"learning rate too low", "frozen layer"}, "updates too large": _RATE,
    "loss spike": _RATE,
}  # fmt: skip
TOOLS: dict[str, Callable[[Told], list[str]]] = {
    "AutoTrainer's criteria": auto_trainer, "DeepDiagnosis's criteria": deep_diagnosis,
    "SageMaker Debugger's rules": sage_maker, "torchmortem's thresholds": torchmortem,
}  # fmt: skip


def stands_for(name: str) -> set[str]:
    """The findings that a name may mean; of "symptom: explanation" those of both."""
    return set().union(*(MEANS[part] for part in name.split(": ")))
