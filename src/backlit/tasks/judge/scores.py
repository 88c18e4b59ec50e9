"""Judgement: how good a run is on rows that it never saw, beside what guessing achieves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backlit.data.preparation import preparation_of
from backlit.nn.metrics import RMSE, LogLoss
from backlit.tasks.judge.calibration import reliability

LEVEL = 0.9  # of the intervals that are reported
TINY = 1e-12  # probabilities below it count as this in a log loss


def best_guess(run: Any, task: str, y: np.ndarray) -> dict[str, Any]:
    """What the training targets say without any input: shares of classes or labels, or the mean; as plain data."""
    if task == "classification":
        codes = run.targets.labels.encode(y)
        return {"shares": (np.bincount(codes, minlength=len(run.classes)) / len(codes)).tolist()}
    return {"mean": np.atleast_1d(y.mean(axis=0)).tolist()}


def judge(
    run: Any,
    task: str,
    guess: dict[str, Any],
    outputs: np.ndarray,
    y: np.ndarray,
    rivals: Mapping[str, np.ndarray] | None = None,
) -> dict[str, Any]:
    """Scores as plain data, saved with the run and printed as its report.

    Parameters
    ----------
    run : Run
    task : "classification", "regression" or "multi_label"
    guess : dict
        From `best_guess`.
    outputs, y : array
        What the network says of the rows to judge on (`Run.outputs`), and their targets.
    rivals : dict of name to array (rows, classes), optional
        Other methods' chances of each class for the same rows.

    Returns
    -------
    dict
        "task", "rows", "scores", "baseline" (what guessing scores, and how it guesses), "warnings", and by task
        "classes" with "confusion" and "calibration", or "labels", or "intervals".
    """
    found: dict[str, Any] = {"task": task, "rows": len(y), "scores": run.score(outputs, y)}
    if task == "classification":
        more = _classes(run, guess, outputs, y)
    elif task == "multi_label":
        more = _labels(run, guess, outputs, y)
    else:
        more = _numbers(run, guess, outputs, y)
    found["scores"] |= more.pop("scores", {})
    found |= more
    if rivals:
        found["rivals"] = {name: _rival(run, chances, y) for name, chances in rivals.items()}
    return found | {"warnings": _disappointments(found)}


def worst(run: Any, outputs: np.ndarray, y: np.ndarray, names: np.ndarray, most: int = 10) -> list[dict[str, Any]]:
    """The rows that were most confidently called something wrong, by name; the most confident first."""
    if run.loss.activation is None:
        return []
    chances = run.targets.probabilities(outputs, run.loss.activation).max(axis=1)
    called = run.targets.decode(outputs)
    wrong = np.flatnonzero(called != y)
    order = wrong[np.argsort(-chances[wrong], kind="stable")][:most]
    return [
        {"name": str(names[i]), "class": str(y[i]), "called": str(called[i]), "probability": float(chances[i])}
        for i in order
    ]


def _classes(run: Any, guess: dict[str, Any], outputs: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    shares = np.array(guess["shares"])
    truth, called = run.targets.labels.encode(y), run.targets.labels.encode(run.targets.decode(outputs))
    confusion = np.zeros((len(shares), len(shares)), dtype=int)
    np.add.at(confusion, (truth, called), 1)
    hits = np.diag(confusion)
    table = [
        {"class": name, "rows": int(rows), "recall": _share(hit, rows), "precision": _share(hit, calls)}
        for name, rows, calls, hit in zip(run.classes, confusion.sum(axis=1), confusion.sum(axis=0), hits, strict=True)
    ]
    recalls = [row["recall"] for row in table if row["recall"] is not None]
    majority = int(shares.argmax())
    scores = {"balanced_accuracy": float(np.mean(recalls))}
    baseline: dict[str, Any] = {
        "what": f"always {run.classes[majority]!r}, the most frequent class",
        "accuracy": float((truth == majority).mean()),
        "balanced_accuracy": 1 / len(recalls),
    }
    found = {"scores": scores, "baseline": baseline, "classes": table, "confusion": confusion.tolist()}
    if run.loss.activation is not None:
        chances = run.targets.probabilities(outputs, run.loss.activation)
        scores["log_loss"] = LogLoss()(outputs, run.targets.encode(y, "float64"))
        baseline["log_loss"] = float(-np.log(np.maximum(shares[truth], TINY)).mean())
        found["calibration"] = reliability(chances.max(axis=1), called == truth)
    return found


def _rival(run: Any, chances: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """The scores of another classifier."""
    truth, called = run.targets.labels.encode(y), chances.argmax(axis=1)
    recalls = [float((called[truth == code] == code).mean()) for code in np.unique(truth)]
    likelihood = np.take_along_axis(chances, truth[:, None], axis=1)
    return {
        "accuracy": float((called == truth).mean()),
        "balanced_accuracy": float(np.mean(recalls)),
        "log_loss": float(-np.log(np.maximum(likelihood, TINY)).mean()),
    }


def _labels(run: Any, guess: dict[str, Any], outputs: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    predicted = run.targets.decode(outputs)
    likely = (np.array(guess["mean"]) > 0.5).astype(int)
    names = preparation_of(run.preparation).target_names or range(y.shape[1])
    labels = []
    for i, name in enumerate(names):
        yes, called = y[:, i] == 1, predicted[:, i] == 1
        hits = int((yes & called).sum())
        labels.append(
            {
                "label": str(name),
                "rows": int(yes.sum()),
                "accuracy": float((yes == called).mean()),
                "baseline": float((y[:, i] == likely[i]).mean()),
                "recall": _share(hits, int(yes.sum())),
                "precision": _share(hits, int(called.sum())),
            }
        )
    accuracy = float((y == likely).mean())
    return {"baseline": {"what": "always the more frequent value", "accuracy": accuracy}, "labels": labels}


def _numbers(run: Any, guess: dict[str, Any], outputs: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    mean = np.array(guess["mean"]) if y.ndim > 1 else guess["mean"][0]
    errors = np.abs(y - run.targets.decode(outputs))
    baseline = {
        "what": "always the mean",
        "rmse": RMSE()(np.broadcast_to(mean, y.shape), y),  # of several outputs as their score: the mean of each one's
        "mae": float(np.mean(np.abs(y - mean))),
        "r2": 0.0,
    }
    found: dict[str, Any] = {"scores": {"mae": float(errors.mean())}, "baseline": baseline}
    if y.ndim > 1:
        found["targets"] = [
            {
                "target": str(name),
                "rmse": float(np.sqrt(np.mean(errors[:, i] ** 2))),
                "baseline": float(np.sqrt(np.mean((y[:, i] - mean[i]) ** 2))),
                "mae": float(errors[:, i].mean()),
            }
            for i, name in enumerate(preparation_of(run.preparation).target_names or range(y.shape[1]))
        ]
    if run.intervals is not None:
        half = run.intervals.half_width(LEVEL)
        found["intervals"] = {
            "level": LEVEL,
            "half_width": [q if np.isfinite(q) else None for q in half],
            "coverage": (errors.reshape(len(y), -1) <= np.array(half)).mean(axis=0).tolist(),
        }
    return found


def _disappointments(judgement: dict[str, Any]) -> list[str]:
    """Whether guessing would do as well: by what was trained for, or by the share that is right."""
    scores, guesses = judgement["scores"], judgement["baseline"]
    worse = [name for name in ("rmse", "log_loss") if name in guesses and scores[name] >= guesses[name]]
    if "accuracy" in guesses and scores["accuracy"] < guesses["accuracy"]:
        worse.append("accuracy")
    better = [
        f"{name} does better on these rows (accuracy {rival['accuracy']:.4g}, the network's {scores['accuracy']:.4g})"
        for name, rival in judgement.get("rivals", {}).items()
        if "accuracy" in scores and rival["accuracy"] > scores["accuracy"]
    ]
    if not worse:
        return better
    told = "; ".join(f"{name} {scores[name]:.4g}, guessing {guesses[name]:.4g}" for name in worse)
    return [f"no better than {guesses['what']} ({told}): don't rely on its predictions", *better]


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None
