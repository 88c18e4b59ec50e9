"""Judging by blocks: sums over all rows, and from a sample what can't be had from sums."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from backlit import distributed
from backlit.graph import tree
from backlit.languages import Template
from backlit.nn.metrics import RMSE, Accuracy, BalancedAccuracy, LogLoss
from backlit.nn.metrics.regression import MAE
from backlit.tasks.judge import ranges
from backlit.tasks.judge.counts import Counts
from backlit.tasks.judge.scores import TINY, best_guess, disappointments, judge
from backlit.tasks.judge.worst import mistakes, worse
from backlit.train.inputs import outcomes_of
from backlit.train.intervals import Intervals
from backlit.train.judgement import Guess, Judgement, Mistakes
from backlit.train.scores import named_losses, of_loss
from backlit.train.streamed.reader import blocks_of, reading, unpacked
from backlit.train.streamed.sharing import of_all, sound
from backlit.train.streamed.tallies import Sample, Tally

KEPT = 65_536  # rows from which calibration, intervals and the like are had
OUTPUTS, FEWEST = 1 << 25, 1 << 10  # numbers that the outputs of these have, and rows, with very many classes
SOME = {
    "classification": Template(
        "calibration is of a sample of {kept:,} of the {rows:,} rows that were judged on; scores and counts are of all",
        "보정은 평가한 {rows:,}행 가운데 표본 {kept:,}행에서, 점수와 행 수는 모든 행에서 구했습니다.",
    ),
    "multi_label": Template(
        "each label's figures are of a sample of {kept:,} of the {rows:,} rows that were judged on; scores are of all",
        "레이블별 값은 평가한 {rows:,}행 가운데 표본 {kept:,}행에서, 점수는 모든 행에서 구했습니다.",
    ),
    "regression": Template(
        "baseline and intervals are of {kept:,} of the {rows:,} rows that were judged on; scores are of all",
        "기준값과 구간은 평가한 {rows:,}행 가운데 표본 {kept:,}행에서, 점수는 모든 행에서 구했습니다.",
    ),
}


class _Seen:
    """What of all rows was added up, and the rows that were kept."""

    def __init__(self, run: Any, task: str) -> None:
        kind = {"classification": run.targets.kind, "multi_label": "multi_label"}.get(task, "number")
        more: dict[str, list[Any]] = {
            "classification": [Accuracy(kind), BalancedAccuracy(kind)],
            "multi_label": [Accuracy(kind)],
        }
        extra: list[Any] = more.get(task, [RMSE(kind), MAE(kind)])
        if task == "classification" and run.loss.activation not in (None, "identity"):
            extra.append(LogLoss(kind))
        self.run, self.task = run, task
        self.tally = Tally({**{metric.name: metric for metric in extra}, **run.metrics})
        classes = len(run.classes) if task == "classification" else 0
        self.sample = Sample(min(KEPT, max(FEWEST, OUTPUTS // max(1, classes))), _apart(0x1DA))
        self.rows, self.loss = 0, None
        self.worst: Mistakes | None = None
        nobody = np.zeros(0, np.int64)
        self.counts = Counts.of(nobody, nobody, classes)

    def add(self, outputs: np.ndarray, y: np.ndarray, x: Any) -> None:
        """Count a block."""
        run = self.run
        encoded = run.targets.encode(y, "float64")
        losses = tree.map(lambda each: float(np.asarray(each, np.float64).sum()), run.loss.by_head(outputs, encoded))
        self.loss = losses if self.loss is None else tree.map(lambda a, b: a + b, self.loss, losses)
        self.rows += len(y)
        unit = run.targets.own_unit
        self.tally.add(unit(outputs), unit(encoded), run.loss.spread(np.ones(len(y))))
        if self.task == "classification":
            truth, called = run.targets.labels.encode(y), run.targets.labels.encode(run.targets.decode(outputs))
            self.counts += Counts.of(truth, called, len(run.classes))
        self.sample.add({"outputs": outputs, "y": y})
        self.worst = worse(self.worst, mistakes(run, outputs, y, raw=x))

    def count(self, stream: Any) -> None:
        """Count this process's share of the rows."""
        for outputs, y, x in predicted(self.run, stream):
            self.add(outputs, y, x)

    def join(self) -> None:
        """Count what the other processes counted."""
        if distributed.count() == 1:
            return
        told = of_all({"rows": self.rows, "loss": self.loss, "counts": vars(self.counts)} if self.rows else None)
        kept = [one for one in told if one is not None]
        self.rows = sum(int(one["rows"]) for one in kept)
        self.loss = tree.map(lambda *parts: float(sum(parts)), *(one["loss"] for one in kept))
        self.counts = functools.reduce(operator.add, (Counts(**one["counts"]) for one in kept))
        self.tally.of_all()
        self.sample.of_all()
        found = distributed.gathered(None if self.worst is None else self.worst.to_dict())
        self.worst = functools.reduce(worse, (None if one is None else Mistakes.from_dict(one) for one in found))

    def scores(self) -> dict[str, float]:
        """Of all rows."""
        named = named_losses(self.run.loss, tree.map(lambda each: each / self.rows, self.loss))
        return {**named, **of_loss(self.run.metrics, named), **self.tally.figures()}


def judge_in_blocks(run: Any, task: str, stream: Any, found: Any) -> Judgement:
    """The judgement of a run on all rows of a stream; each of several processes reads its share of them.

    Parameters
    ----------
    run : Result
    task : "classification", "regression" or "multi_label"
    stream : Stream
        The rows to judge on.
    found : Understanding
        For what the training targets say without any input, and validation rows for the intervals.
    """
    seen = _Seen(run, task)
    sound(lambda: seen.count(stream))
    seen.join()
    kept = seen.sample.rows()
    intervals = _intervals(run, found) if task == "regression" else None
    guess = _guess(run, task, found)
    judgement = judge(run, task, guess, kept["outputs"], kept["y"], intervals=intervals)
    judgement = judgement.replace(residuals=intervals, guess=guess, mistakes=seen.worst, streamed=True)
    if seen.rows == len(kept["y"]):
        return judgement
    note = SOME[task].say(kept=len(kept["y"]), rows=seen.rows)
    judgement = judgement.replace(rows=seen.rows, scores={**(judgement.scores or {}), **seen.scores()}, notes=(note,))
    if task == "classification":
        judgement = _classes(run, judgement, seen.counts, guess)
    scores: Any = judgement.scores or {}
    return judgement.replace(warnings=tuple(disappointments(scores, judgement.baseline or {}, {})))


def predicted(run: Any, stream: Any) -> Any:
    """Outputs, targets and raw rows of this process's share, block by block."""
    index, count = distributed.index(), distributed.count()
    for place, block in blocks_of(stream, 0, index, count, "the rows to judge on"):
        with reading(place):
            x, y, _ = unpacked(block)
            if len(y):
                yield run.outputs(x), outcomes_of((), run.preparation, x, y, None), x


def _apart(stream: int) -> tuple[int, ...]:
    """The seed of a sample, each process's own."""
    index = distributed.index()
    return (0, stream, index) if index else (0, stream)


def _guess(run: Any, task: str, found: Any) -> Guess:
    """What the training targets say without any input: of all of them, where that is known."""
    if task == "classification" and found.class_counts is not None:
        counts = np.array(found.class_counts, dtype=float)
        return Guess(shares=tuple((counts / counts.sum()).tolist()))
    if task == "regression" and found.target_moments is not None:
        return Guess(mean=tuple(np.ravel(found.target_moments[0]).astype(float).tolist()))
    return best_guess(run, task, found.sample_y)


def _intervals(run: Any, found: Any) -> Intervals:
    """How far off predictions may be, from validation rows, or some of very many."""
    sample = Sample(KEPT, _apart(0x1A7))

    def count() -> None:
        for outputs, y, _ in predicted(run, found.validation):
            sample.add({"outputs": outputs, "y": y})

    sound(count)
    if distributed.count() > 1:
        sample.of_all()
    rows = sample.rows()
    return Intervals.learn(run.targets.decode(rows["outputs"]), rows["y"])


def _classes(run: Any, judgement: Judgement, counts: Counts, guess: Guess) -> Judgement:
    """Counts of classes, of all rows, in place of those of the sample."""
    rows = counts.rows
    shares = np.array(guess.shares)
    majority, whole = int(shares.argmax()), int(rows.sum())
    there = int((rows > 0).sum())
    baseline = {
        **(judgement.baseline or {}),
        "accuracy": float(rows[majority] / whole),
        "balanced_accuracy": float(rows[majority] > 0) / there,
    }
    if "log_loss" in baseline:
        baseline["log_loss"] = float(-(rows * np.log(np.maximum(shares, TINY))).sum() / whole)
    known: dict[str, Any] = {**(judgement.ranges or {})}
    known |= ranges.known(accuracy=ranges.of_share(int(counts.hits.sum()), whole)) or {}
    classes = counts.scores(run.classes)
    return judgement.replace(baseline=baseline, classes=classes, confusion=counts.confusion, ranges=known)
