"""Scores of a run on rows that it never saw, beside what guessing achieves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backlit.data.preparation import preparation_of
from backlit.errors import InputError
from backlit.languages import Template, join
from backlit.nn.metrics import RMSE, LogLoss
from backlit.tasks.judge import ranges
from backlit.tasks.judge.calibration import reliability
from backlit.tasks.judge.counts import Counts, share
from backlit.train.intervals import Intervals
from backlit.train.judgement import Coverage, Guess, Judgement, LabelScores, TargetScores

LEVEL = 0.9  # of the intervals that are reported
TINY = 1e-12  # probabilities below it count as this in a log loss


ALWAYS = Template("always {name!r}, the most frequent class", "늘 가장 흔한 ‘{name}’")
MORE_FREQUENT = Template("always the more frequent value", "늘 더 흔한 값")
MEAN = Template("always the mean", "늘 평균")
BETTER = Template(
    "{name} does better on these rows (accuracy {rival:.4g}, the network's {own:.4g})",
    "이 데이터에서는 {name}의 정확도({rival:.4g})가 신경망({own:.4g})보다 높습니다.",
)
BESIDE_GUESSING = Template("{name} {own:.4g}, guessing {guess:.4g}", "{name} {own:.4g}, 추측하면 {guess:.4g}")
NO_BETTER = Template(
    "no better than {what} ({compared}): don't rely on its predictions",
    "‘{what}’보다 낫지 않습니다({compared}). 예측을 믿지 마십시오.",
)


def best_guess(run: Any, task: str, y: np.ndarray) -> Guess:
    """What the training targets say without any input: shares of classes, or the mean of labels or numbers."""
    if task == "classification":
        codes = run.targets.labels.encode(y)
        return Guess(shares=tuple((np.bincount(codes, minlength=len(run.classes)) / len(codes)).tolist()))
    return Guess(mean=tuple(np.atleast_1d(y.mean(axis=0)).tolist()))


def judge(
    run: Any,
    task: str,
    guess: Mapping[str, Any],
    outputs: np.ndarray,
    y: np.ndarray,
    *,
    rivals: Mapping[str, np.ndarray] | None = None,
    intervals: Intervals | None = None,
) -> Judgement:
    """The scores of a run, saved with it and printed as its report.

    Parameters
    ----------
    run : Run
    task : "classification", "regression" or "multi_label"
    guess : Guess
        From `best_guess`.
    outputs, y : array
        What the network says of the rows to judge on (`Run.outputs`), and their targets.
    rivals : dict of name to array (rows, classes), optional
        Other methods' chances of each class for the same rows.
    intervals : Intervals, optional
        Of numbers: their coverage is counted.

    Returns
    -------
    Judgement
        With "task", "rows", "scores", "baseline" (what guessing scores, and how it guesses), "warnings", and by task
        "classes" with "confusion" and "calibration", or "labels", or "intervals"; "ranges" of the scores.
    """
    of_task = {"classification": _classes, "multi_label": _labels}.get(task)
    guessed = Guess.from_dict(guess)
    parts = of_task(run, guessed, outputs, y) if of_task else _numbers(run, guessed, outputs, y, intervals)
    scores = {**run.score(outputs, y), **parts.pop("scores", {})}
    if rivals:
        parts["rivals"] = {name: _rival(run, chances, y) for name, chances in rivals.items()}
    warnings = disappointments(scores, parts["baseline"], parts.get("rivals", {}))
    return Judgement(task=task, rows=len(y), scores=scores, warnings=tuple(warnings), **parts)


def _classes(run: Any, guess: Guess, outputs: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    shares = np.array(guess.shares)
    truth, called = run.targets.labels.encode(y), run.targets.labels.encode(run.targets.decode(outputs))
    # By hand, and held against scikit-learn by the tests: loading that library would take longer than many trainings.
    counts = Counts.of(truth, called, len(shares))
    classes = counts.scores(run.classes)
    recalls = [each.recall for each in classes if each.recall is not None]
    majority = int(shares.argmax())
    scores = {"balanced_accuracy": float(np.mean(recalls))}
    baseline: dict[str, Any] = {
        "what": ALWAYS.say(name=run.classes[majority]),
        "accuracy": float((truth == majority).mean()),
        # Of the classes that there are it gets one right throughout, if that is among them.
        "balanced_accuracy": float((truth == majority).any()) / len(recalls),
    }
    parts: dict[str, Any] = {
        "scores": scores,
        "baseline": baseline,
        "classes": classes,
        "confusion": counts.confusion,
    }
    surprise = None
    if run.loss.activation is not None:
        chances = run.targets.probabilities(outputs, run.loss.activation)
        scores["log_loss"] = LogLoss()(outputs, run.targets.encode(y, "float64"))
        likelihood = np.take_along_axis(chances, truth[:, None], axis=1)[:, 0]
        surprise = ranges.of_mean(-np.log(np.maximum(likelihood, TINY)))
        baseline["log_loss"] = float(-np.log(np.maximum(shares[truth], TINY)).mean())
        parts["calibration"] = reliability(chances.max(axis=1), called == truth)
    parts["ranges"] = ranges.known(
        accuracy=ranges.of_share(int((called == truth).sum()), len(truth)), log_loss=surprise
    )
    return parts


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


def _labels(run: Any, guess: Guess, outputs: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    predicted = run.targets.decode(outputs)
    likely = (np.array(guess.mean) > 0.5).astype(int)
    labels = []
    for i, name in enumerate(_target_names(run, y)):
        yes, called = y[:, i] == 1, predicted[:, i] == 1
        hits = int((yes & called).sum())
        labels.append(
            LabelScores(
                name=str(name),
                rows=int(yes.sum()),
                accuracy=float((yes == called).mean()),
                baseline=float((y[:, i] == likely[i]).mean()),
                recall=share(hits, int(yes.sum())),
                precision=share(hits, int(called.sum())),
            )
        )
    baseline = {"what": MORE_FREQUENT.say(), "accuracy": float((y == likely).mean())}
    return {"baseline": baseline, "labels": tuple(labels)}


def _numbers(run: Any, guess: Guess, outputs: np.ndarray, y: np.ndarray, intervals: Intervals | None) -> dict[str, Any]:
    means, decoded = np.array(guess.mean), run.targets.decode(outputs)
    if decoded.shape != y.shape or means.size != y[0].size:
        raise InputError(f"the run predicts numbers of shape {decoded.shape}, the targets have shape {y.shape}")
    mean = means if y.ndim > 1 else means[0]
    errors = np.abs(y - decoded)
    baseline = {
        "what": MEAN.say(),
        "rmse": RMSE()(np.broadcast_to(mean, y.shape), y),  # of several outputs as their score: the mean of each one's
        "mae": float(np.mean(np.abs(y - mean))),
        "r2": 0.0,
    }
    parts: dict[str, Any] = {"scores": {"mae": float(errors.mean())}, "baseline": baseline}
    if y.ndim == 1:
        parts["ranges"] = ranges.known(rmse=ranges.of_root(errors**2), mae=ranges.of_mean(errors))
    else:
        parts["targets"] = tuple(
            TargetScores(
                name=str(name),
                rmse=float(np.sqrt(np.mean(errors[:, i] ** 2))),
                baseline=float(np.sqrt(np.mean((y[:, i] - means[i]) ** 2))),
                mae=float(errors[:, i].mean()),
            )
            for i, name in enumerate(_target_names(run, y))
        )
    if intervals is not None:
        half = intervals.half_width(LEVEL)
        inside = errors.reshape(len(y), -1) <= np.array(half)
        widths = tuple(width if np.isfinite(width) else None for width in half)
        parts["intervals"] = Coverage(LEVEL, widths, tuple(inside.mean(axis=0).tolist()))
    return parts


def _target_names(run: Any, y: np.ndarray) -> Any:
    return preparation_of(run.preparation).target_names or range(y.shape[1])


def disappointments(
    scores: Mapping[str, float], guesses: Mapping[str, Any], rivals: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Whether guessing would do as well: by what was trained for, or by the share that is right."""
    worse = [name for name in ("rmse", "log_loss") if name in guesses and scores[name] >= guesses[name]]
    if "accuracy" in guesses and scores["accuracy"] < guesses["accuracy"]:
        worse.append("accuracy")
    better: list[str] = [
        BETTER.say(name=name, rival=rival["accuracy"], own=scores["accuracy"])
        for name, rival in rivals.items()
        if "accuracy" in scores and rival["accuracy"] > scores["accuracy"]
    ]
    if not worse:
        return better
    compared = join("; ", [BESIDE_GUESSING.say(name=name, own=scores[name], guess=guesses[name]) for name in worse])
    return [NO_BETTER.say(what=guesses["what"], compared=compared), *better]
