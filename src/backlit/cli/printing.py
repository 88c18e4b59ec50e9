"""A run and its judgement as text for a terminal."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backlit.cli.output import bar, table
from backlit.cli.pictures import strip
from backlit.data.pictures import Clips, Pictures
from backlit.data.preparation import preparation_of
from backlit.doctor.finding import Diagnosis, Finding
from backlit.report.description import Honesty, Table, described
from backlit.report.numerals import NO_BREAK, percent
from backlit.report.reproduce import amended
from backlit.report.texts import Phrase, Text
from backlit.train.judgement import Judgement, Mistakes

MOST_CLASSES = 12  # with more, the confusion matrix doesn't fit
MOST_COLUMNS = 40
MOST_PICTURES, MOST_WRONG = 4, 2  # that fit into 80 characters
PROMPT = 8  # characters that a text is begun with, where no space ends the first word


def training(run: Any, folder: Path, alarms: Diagnosis) -> str:
    """What was trained on what, how good it is beside what guessing achieves, what is wrong, what to type next."""
    judgement = Judgement.of(run.judgement)
    folded = f" (in {judgement.folds} folds)" if judgement.folds else ""
    parts = [
        f"{count} {part}{folded if part == 'training' else ''}"
        for part, count in (judgement.parts or {}).items()
        if count
    ]
    best = f", best epoch {run.best_epoch}" if run.best_epoch else ""
    inputs = _inputs(run.network.input_shape)
    lines = ["", f"{', '.join(parts)} {judgement.what}, {inputs}; {run.network.size:,} parameters"]
    if preparation_of(run.preparation).rows():
        lines[1:1] = [columns(run.preparation), ""]
    lines += [str(judgement.plan), f"{len(run.history)} epochs in {run.seconds:.1f} s ({run.stopped}{best})", ""]
    lines += [scores(judgement), ""]
    if alarms:
        lines += ["something is wrong:", "", *(_alarm(finding, run) for finding in alarms), ""]
    then = f"backlit diagnose {folder}" if alarms else f"backlit show {folder}"
    lines += [f"run: {folder}", f"next: {then}    {_use(run, judgement, folder)}"]
    return "\n".join(lines)


def _alarm(finding: Finding, run: Any) -> str:
    """A finding in brief: what is wrong, where, and what to change."""
    remedy = amended(run, finding.command) or finding.remedy
    return "\n".join([f"  {finding.name}: {finding.where}", f"    {finding.cause}", f"    remedy: {remedy}"])


def _use(run: Any, judgement: Judgement, folder: Path) -> str:
    """The command that uses a run."""
    if judgement.sample is not None:
        return f"backlit generate {folder} --prompt {shlex.quote(judgement.sample.split()[0][:PROMPT])}"
    pictures = isinstance(getattr(run.preparation, "inner", run.preparation), Pictures)
    file = "clip" if isinstance(run.preparation, Clips) else "new.png" if pictures else "new.csv"
    return f"backlit predict {folder} {file}"


def _inputs(shape: tuple[int, ...]) -> str:
    """What goes in, in words."""
    sizes = " × ".join(map(str, shape))
    if len(shape) == 4:
        return f"clips of {sizes}"
    return f"pictures of {sizes}" if len(shape) == 3 else f"{sizes} inputs"


def columns(preparation: Any, most: int = MOST_COLUMNS) -> str:
    """One line a column: kind, what was done, share of missing values."""
    rows = preparation.rows()
    shown = [[row["column"], row["kind"], _spaced(percent(row["missing"])), row["done"]] for row in rows[:most]]
    text = table([["column", "kind", "missing", "what was done"], *shown], left=(0, 1, 3))
    more = len(rows) - most
    return text + (f"\n  … and {more} more columns (backlit show RUN --columns)" if more > 0 else "")


def scores(given: Mapping[str, Any]) -> str:
    """Scores beside the baseline, and what goes with the task."""
    judgement = Judgement.of(given)
    description = described(judgement, most_classes=MOST_CLASSES)
    corner = judgement.judged_on or judgement.what
    blocks = [_table(description.scores, corner) if description.scores else "  no scores"]
    tables = (description.classes, description.confusion, description.labels, description.targets)
    blocks += [_table(each) for each in tables if each is not None]
    if description.intervals is not None:
        blocks.append(f"  {_told(description.intervals)}")
    if description.calibration is not None:
        blocks.append(_calibration(description.calibration))
    if description.steps is not None:
        blocks.append(_table(description.steps, measure="mae"))
    mistakes = judgement.mistakes
    if mistakes is not None and mistakes.named and mistakes.rows:
        blocks.append(_mistakes(mistakes))
    elif mistakes is not None and mistakes.right:
        wrong = mistakes.rows[:MOST_WRONG]
        shown = mistakes.right[: MOST_PICTURES - len(wrong)]
        also = f", and the {len(wrong)} most confidently wrong" if wrong else ""
        blocks.append(f"  {len(shown)} read right{also}:\n\n{strip((*shown, *wrong))}")
    if description.examples is not None:
        blocks.append(_table(description.examples, left=(0, 1, 2)))
    if description.sample is not None:
        blocks.append("  what it writes (temperature 0.8):\n\n" + textwrap.indent(description.sample, "    "))
    blocks += [f"  {_told(warning)}" for warning in description.warnings]
    return "\n\n".join(blocks)


def _table(described: Table, corner: str | None = None, measure: str = "", left: tuple[int, ...] = (0,)) -> str:
    """A table; without a caption, the corner and the first head of numbers tell what it is about."""
    heads = [_head(head) for head in described.heads]
    heads[0] = corner or heads[0]
    heads[1] = f"{measure}: {heads[1]}" if measure else heads[1]
    return table([heads, *([_told(cell) for cell in row] for row in described.rows)], left=left)


def _calibration(calibration: Honesty) -> str:
    """Confidence against the share that is right, bin by bin."""
    heads = (*calibration.bins.heads, "")
    rows = zip(calibration.bins.rows, calibration.right, strict=True)
    bins = Table(heads, tuple((*row, bar(share)) for row, share in rows))
    return f"  {_told(calibration.caption)} {_told(calibration.advice)}\n{_table(bins, left=(3,))}"


def _mistakes(mistakes: Mistakes) -> str:
    """The files that were most confidently called something wrong."""
    rows = [[row.name, row.truth, row.called, _told(percent(row.probability))] for row in mistakes.rows]
    return table([["most confidently wrong", "is", "called", "probability"], *rows], left=(0, 1, 2))


def _head(value: Any) -> str:
    """A head of the catalogue's without its capital letter, unless it is an abbreviation; others as they are."""
    head = _told(value)
    return head[:1].lower() + head[1:] if isinstance(value, Phrase) and head[1:2].islower() else head


def _told(value: Any) -> str:
    """A text in English, or a cell; a percent sign stands by its number."""
    text = value.within("en").unescape() if isinstance(value, Text) else str(value)
    return text.replace(NO_BREAK + "%", "%")


def _spaced(text: str) -> str:
    return text.replace(NO_BREAK, " ")
