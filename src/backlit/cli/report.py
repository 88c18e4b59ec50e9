"""The small report at the end of a training, as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from backlit.cli.output import table

MOST_CLASSES = 12  # with more, the confusion matrix doesn't fit


def training(job: Any, run: Any, scores: dict[str, float], folder: Path) -> str:
    """What was trained on what, how good it is, beside what guessing achieves, and what to type next."""
    truth = job.y[job.test]
    rows = f"{len(job.train)} training, {len(job.validation)} validation, {len(job.test)} test rows"
    best = f", best epoch {run.best_epoch}" if run.best_epoch else ""
    lines = [
        "",
        f"{job.name}: {rows}, {run.network.input_shape[0]} inputs; {run.network.size:,} parameters",
        f"{len(run.history)} epochs in {run.seconds:.1f} s ({run.stopped}{best})",
        "",
        *(_classes(job, run, truth, scores) if job.task == "classification" else _numbers(job, truth, scores)),
        "",
        f"run: {folder}",
        f"next: backlit show {folder}    backlit predict {folder} new.csv",
    ]
    return "\n".join(lines)


def _classes(job: Any, run: Any, truth: np.ndarray, scores: dict[str, float]) -> list[str]:
    classes, counts = np.unique(job.y[job.train], return_counts=True)
    majority = classes[counts.argmax()]
    head = [["test", "network", "always the most frequent class"]]
    head.append(["accuracy", f"{scores['accuracy']:.4f}", f"{(truth == majority).mean():.4f}"])
    head.append(["loss", f"{scores['loss']:.4f}", ""])
    predicted = run.predict(job.rows(job.test))
    known = np.array(run.classes)
    recall = [["class", "recall", "rows"]]
    for name in known:
        own = truth == name
        recall.append([name, f"{(predicted[own] == name).mean():.3f}" if own.any() else "-", str(int(own.sum()))])
    lines = [table(head), "", table(recall)]
    if len(known) <= MOST_CLASSES:
        matrix = [["true \\ predicted", *known]]
        matrix += [
            [name, *[int(((truth == name) & (predicted == other)).sum()) or "." for other in known]] for name in known
        ]
        lines += ["", table(matrix)]
    return lines


def _numbers(job: Any, truth: np.ndarray, scores: dict[str, float]) -> list[str]:
    guess = job.y[job.train].mean()
    rmse = float(np.sqrt(np.mean((truth - guess) ** 2)))
    rows = [["test", "network", "always the mean"]]
    rows.append(["RMSE", f"{scores['rmse']:.4g}", f"{rmse:.4g}"])
    rows.append(["R²", f"{scores['r2']:.4f}", "0"])
    return [table(rows)]
