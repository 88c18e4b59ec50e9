"""What a run's judgement says, as text for a terminal."""

from __future__ import annotations

import shlex
import textwrap
from pathlib import Path
from typing import Any

from backlit.cli.forecast_report import forecast_scores
from backlit.cli.output import bar, table
from backlit.data.pictures import Pictures
from backlit.data.preparation import preparation_of

MOST_CLASSES = 12  # with more, the confusion matrix doesn't fit
MOST_COLUMNS = 40
CERTAIN = 0.05  # calibration error below which probabilities may be taken at their word


def training(run: Any, folder: Path) -> str:
    """What was trained on what, how good it is beside what guessing achieves, and what to type next."""
    judgement = run.judgement
    folded = f" (in {judgement['folds']} folds)" if judgement.get("folds") else ""
    named = {part: part + (folded if part == "training" else "") for part in judgement["parts"]}
    rows = ", ".join(f"{count} {named[part]}" for part, count in judgement["parts"].items() if count)
    best = f", best epoch {run.best_epoch}" if run.best_epoch else ""
    what = judgement.get("unit", "windows" if "steps" in judgement else "rows")
    lines = ["", f"{rows} {what}, {_inputs(run.network.input_shape)}; {run.network.size:,} parameters"]
    if preparation_of(run.preparation).rows():
        lines[1:1] = [columns(run.preparation), ""]
    lines += [judgement["plan"], f"{len(run.history)} epochs in {run.seconds:.1f} s ({run.stopped}{best})", ""]
    lines += [scores(judgement), "", f"run: {folder}"]
    lines += [f"next: backlit show {folder}    {_use(run, folder)}"]
    return "\n".join(lines)


def _use(run: Any, folder: Path) -> str:
    """The command that uses a run."""
    if "sample" in run.judgement:
        return f"backlit generate {folder} --prompt {shlex.quote(run.judgement['sample'].split()[0])}"
    return f"backlit predict {folder} {'new.png' if isinstance(run.preparation, Pictures) else 'new.csv'}"


def columns(preparation: Any, most: int = MOST_COLUMNS) -> str:
    """One line a column: kind, what was done, share of missing values."""
    rows = preparation.rows()
    shown = [[row["column"], row["kind"], _percent(row["missing"]), row["done"]] for row in rows[:most]]
    text = table([["column", "kind", "missing", "what was done"], *shown], left=(0, 1, 3))
    more = len(rows) - most
    return text + (f"\n  … and {more} more columns (backlit show RUN --columns)" if more > 0 else "")


def scores(judgement: dict[str, Any]) -> str:
    """Scores beside the baseline, and what goes with the task."""
    if "steps" in judgement:
        return forecast_scores(judgement)
    baseline = judgement["baseline"]
    rivals = judgement.get("rivals", {})
    head = [[judgement.get("judged_on", "rows"), "network", baseline["what"], *rivals]]
    for name, own in judgement["scores"].items():
        if name == "loss" and len(judgement["scores"]) > 1:
            continue  # in units of training
        others = [
            "" if (value := guesses.get(name)) is None else _short(value) for guesses in (baseline, *rivals.values())
        ]
        head.append([name, _short(own), *others])
    blocks = [table(head)]
    if "classes" in judgement:
        blocks += _classes(judgement)
    if "labels" in judgement:
        rows = [
            [r["label"], *map(_short, (r["accuracy"], r["baseline"], r["recall"], r["precision"])), r["rows"]]
            for r in judgement["labels"]
        ]
        blocks.append(table([["label", "accuracy", "by guessing", "recall", "precision", "rows with it"], *rows]))
    if "targets" in judgement:
        rows = [[r["target"], *map(_short, (r["rmse"], r["baseline"], r["mae"]))] for r in judgement["targets"]]
        blocks.append(table([["target", "rmse", "by the mean", "mae"], *rows]))
    if "intervals" in judgement:
        blocks.append(_intervals(judgement["intervals"], judgement.get("judged_on", "")))
    if "calibration" in judgement:
        blocks.append(_calibration(judgement["calibration"]))
    if judgement.get("worst"):
        blocks.append(_worst(judgement["worst"]))
    if "sample" in judgement:
        blocks.append("  what it writes (temperature 0.8):\n\n" + textwrap.indent(judgement["sample"], "    "))
    blocks += [f"  {warning}" for warning in judgement.get("warnings", ())]
    return "\n\n".join(blocks)


def _classes(judgement: dict[str, Any]) -> list[str]:
    rows = [[r["class"], _short(r["recall"]), _short(r["precision"]), r["rows"]] for r in judgement["classes"]]
    blocks = [table([["class", "recall", "precision", "rows"], *rows])]
    names = [row["class"] for row in judgement["classes"]]
    if len(names) <= MOST_CLASSES:
        matrix = [
            [name, *[count or "." for count in line]] for name, line in zip(names, judgement["confusion"], strict=True)
        ]
        blocks.append(table([["true \\ predicted", *names], *matrix]))
    return blocks


def _inputs(shape: tuple[int, ...]) -> str:
    """What goes in, in words."""
    sizes = " × ".join(map(str, shape))
    return f"pictures of {sizes}" if len(shape) == 3 else f"{sizes} inputs"


def _worst(worst: list[dict[str, Any]]) -> str:
    """The rows that were most confidently wrong."""
    rows = [[row["name"], row["class"], row["called"], _percent(row["probability"])] for row in worst]
    return table([["most confidently wrong", "is", "called", "probability"], *rows], left=(0, 1, 2))


def _intervals(intervals: dict[str, Any], judged_on: str) -> str:
    level = intervals["level"]
    widths = ", ".join("not enough rows" if q is None else f"± {q:.4g}" for q in intervals["half_width"])
    cover = ", ".join(f"{share:.1%}" for share in intervals["coverage"])
    return f"  {level:.0%} intervals: prediction {widths}; they hold {cover} of the {judged_on} rows"


def _calibration(calibration: dict[str, Any]) -> str:
    """Confidence against accuracy, bin by bin."""
    error = calibration["error"]
    rows = [
        [_percent(b["confidence"]), _percent(b["accuracy"]), b["rows"], bar(b["accuracy"])] for b in calibration["bins"]
    ]
    advice = "" if error < CERTAIN else "; --calibrate may mend it"
    lines = table([["confidence", "right", "rows", ""], *rows], left=(3,))
    return f"  calibration error {error:.3f}{advice}\n{lines}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share == 0 or share >= 0.01 else f"{100 * share:.1g} %"


def _short(value: Any) -> str:
    return "-" if value is None else f"{value:.4g}" if abs(value) >= 1000 else f"{value:.4f}"
