"""What a judgement says, described once, in all languages: the page shows it as HTML, the commands as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from backlit.report.numerals import NO_BREAK, percent, short
from backlit.report.texts import Phrase, Said, known, say
from backlit.train.judgement import Calibration, Judgement

MOST_CLASSES = 16  # with more, a confusion matrix is no table
MOST_STEPS = 12
LOWER = (
    "loss",
    "log_loss",
    "rmse",
    "mae",
    "scaled_mae",
    "bits",
    "perplexity",
    "character_error",
)  # scores of which less is better


@dataclass(frozen=True)
class Table:
    """Heads and rows of cells: texts in all languages, or plain ones."""

    heads: tuple[Any, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Count:
    """A cell of a confusion matrix."""

    rows: int
    percent: int  # of the true class's rows
    right: bool

    def __str__(self) -> str:
        return str(self.rows or ".")


@dataclass(frozen=True)
class Honesty:
    """Whether confidence means what it says."""

    caption: Phrase
    advice: Phrase
    bins: Table
    right: tuple[float, ...]  # shares, for bars


@dataclass(frozen=True)
class Description:
    """The parts of a judgement that there are."""

    where: Phrase
    scores: Table | None
    classes: Table | None
    confusion: Table | None
    labels: Table | None
    targets: Table | None
    intervals: Phrase | None
    calibration: Honesty | None
    steps: Table | None
    sample: str | None
    examples: Table | None
    warnings: tuple[Said, ...]


def described(
    judgement: Judgement, directions: Mapping[str, str] | None = None, most_classes: int = MOST_CLASSES
) -> Description:
    """The tables and sentences of a judgement.

    Parameters
    ----------
    judgement : Judgement
    directions : dict of score to "min" or "max", optional
        Which way is better, where the score's name doesn't tell.
    most_classes : int
        With more, there is no table of what is taken for what.
    """
    return Description(
        where=where(judgement),
        scores=_scores(judgement, directions or {}),
        classes=_classes(judgement),
        confusion=_confusion(judgement, most_classes),
        labels=_labels(judgement),
        targets=_targets(judgement),
        intervals=_intervals(judgement),
        calibration=_calibration(judgement),
        steps=_steps(judgement),
        sample=judgement.sample,
        examples=_examples(judgement),
        warnings=tuple(map(Said, judgement.warnings or ())),
    )


def unit(judgement: Judgement) -> Any:
    """What is counted: rows, windows, or the tokens of a text."""
    return known(f"unit.{judgement.what}", judgement.what)


def where(judgement: Judgement) -> Phrase:
    """What it was judged on, such as "test rows"."""
    key = f"on.{judgement.judged_on or 'test'}"
    return say(key if key in ("on.training", "on.validation", "on.held-out folds") else "on.test", unit=unit(judgement))


def score_name(name: str) -> Any:
    """A score's name, of one on validation rows with the rows' name."""
    part = name.removeprefix("val_")
    text = known(f"score.{part}", part)
    return text if part == name else (known("part.validation", ""), text)


def _scores(judgement: Judgement, directions: Mapping[str, str]) -> Table | None:
    """Scores beside those of what needs no network; the last column tells which way is better."""
    scores, baseline = judgement.scores or {}, judgement.baseline or {}
    if not scores:
        return None
    others: dict[str, Mapping[str, Any]] = dict(judgement.rivals or {})
    what = baseline.get("what")
    if what is not None and what not in others:
        others = {what: baseline} | others
    names = [name for name in scores if name != "loss" or len(scores) == 1]  # the loss is in units of training
    ways = {name: directions.get(name) or ("min" if name in LOWER else "max") for name in names}
    rows = [
        (
            score_name(name),
            short(scores[name]),
            *(short(other.get(name)) for other in others.values()),
            say(f"better.{ways[name]}"),
        )
        for name in names
    ]
    heads = [say("result.score"), say("result.own"), *(Said(name) for name in others), say("result.better")]
    if judgement.ranges:
        heads.insert(2, say("result.range"))
        rows = [(*row[:2], span(judgement, name), *row[2:]) for name, row in zip(names, rows, strict=True)]
    return Table(tuple(heads), tuple(rows))


def span(judgement: Judgement, name: str, form: Callable[[Any], str] = short) -> str:
    """The range of a score: "0.973–0.998"; empty if it isn't known."""
    bounds = (judgement.ranges or {}).get(name)
    if bounds is None:
        return ""
    low, high = map(form, bounds)
    sign = f"{NO_BREAK}%"
    return f"{low.removesuffix(sign) if high.endswith(sign) else low}–{high}"


def _classes(judgement: Judgement) -> Table | None:
    if not judgement.classes:
        return None
    heads = (say("classes.class"), say("classes.recall"), say("classes.precision"), say("classes.rows"))
    rows = [(each.name, percent(each.recall), percent(each.precision), each.rows) for each in judgement.classes]
    return Table(heads, tuple(rows))


def _confusion(judgement: Judgement, most_classes: int) -> Table | None:
    """Counts with their share of the true class's rows; None if there are none, or too many for a table."""
    names = [each.name for each in judgement.classes or ()]
    if not names or len(names) > most_classes or judgement.confusion is None:
        return None
    rows = []
    for place, (name, counts) in enumerate(zip(names, judgement.confusion, strict=True)):
        total = sum(counts) or 1
        cells = [Count(count, round(100 * count / total), place == i) for i, count in enumerate(counts)]
        rows.append((name, *cells))
    return Table((say("confusion.corner"), *names), tuple(rows))


def _labels(judgement: Judgement) -> Table | None:
    if not judgement.labels:
        return None
    heads = (say("labels.label"), say("labels.accuracy"), say("labels.baseline"), say("classes.recall"))
    rows = [
        (each.name, *map(percent, (each.accuracy, each.baseline, each.recall, each.precision)), each.rows)
        for each in judgement.labels
    ]
    return Table((*heads, say("classes.precision"), say("classes.rows")), tuple(rows))


def _targets(judgement: Judgement) -> Table | None:
    if not judgement.targets:
        return None
    heads = (say("targets.target"), say("score.rmse"), say("targets.baseline"), say("score.mae"))
    rows = [(each.name, *map(short, (each.rmse, each.baseline, each.mae))) for each in judgement.targets]
    return Table(heads, tuple(rows))


def _intervals(judgement: Judgement) -> Phrase | None:
    """Half the width of intervals and what they hold, in a sentence; forecasts tell it step by step."""
    intervals = judgement.intervals
    if intervals is None or judgement.steps:
        return None
    widths = ", ".join("± " + short(half) for half in intervals.half_width if half is not None)
    return say(
        "intervals.said",
        level=percent(intervals.level),
        widths=widths or say("intervals.few"),
        coverage=", ".join(percent(share) for share in intervals.coverage),
        on=where(judgement),
    )


def _calibration(judgement: Judgement) -> Honesty | None:
    calibration = judgement.calibration
    if calibration is None:
        return None
    heads = (say("calibration.confidence"), say("calibration.right"), say("classes.rows"))
    rows = [(percent(each.confidence), percent(each.accuracy), each.rows) for each in calibration.bins]
    return Honesty(
        caption=say("calibration.caption", error=f"{calibration.error:.3f}"),
        advice=_advice(calibration, bool(judgement.streamed)),
        bins=Table(heads, tuple(rows)),
        right=tuple(each.accuracy for each in calibration.bins),
    )


def _advice(calibration: Calibration, streamed: bool) -> Phrase:
    """Whether to believe probabilities."""
    if calibration.honest is None:
        return say("calibration.few", noise=f"{calibration.noise:.3f}")
    if calibration.honest:
        return say("calibration.good")
    return say("calibration.streamed" if streamed else "calibration.bad")


def _examples(judgement: Judgement) -> Table | None:
    """What was written for a few inputs, beside what is true."""
    if not judgement.examples:
        return None
    heads = (say("examples.given"), say("examples.truth"), say("examples.written"))
    return Table(heads, tuple((each.given, each.truth, each.written) for each in judgement.examples))


def _steps(judgement: Judgement) -> Table | None:
    """Mean absolute errors by step ahead: all if they are few, else the first, the last and some evenly between."""
    steps, intervals = judgement.steps, judgement.intervals
    if not steps:
        return None
    names = [name for name in steps[0] if name != "step"]
    shown = list(range(len(steps)))
    if len(steps) > MOST_STEPS:
        shown = sorted({round(i * (len(steps) - 1) / (MOST_STEPS - 1)) for i in range(MOST_STEPS)})
    heads = [say("steps.step"), *(say("result.own") if name == "network" else Said(name) for name in names)]
    rows: list[tuple[Any, ...]] = [(steps[i]["step"], *(short(steps[i][name]["mae"]) for name in names)) for i in shown]
    if intervals is not None:
        heads += [say("steps.interval", level=percent(intervals.level)), say("steps.holds")]
        widths = [intervals.half_width[i] for i in shown]
        holds = [percent(intervals.coverage[i]) for i in shown]
        rows = [
            (*row, say("intervals.few"), "–") if width is None else (*row, "± " + short(width), share)
            for row, width, share in zip(rows, widths, holds, strict=True)
        ]
    return Table(tuple(heads), tuple(rows))
