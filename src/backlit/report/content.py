"""What the report says of a run before and after training: plain data and texts in both languages for the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backlit.data.preparation import preparation_of
from backlit.inspect.draw import draw
from backlit.report.description import Description, described, score_name, span, unit, where
from backlit.report.figures import inlined
from backlit.report.numerals import percent, short
from backlit.report.texts import Phrase, Said, known, say
from backlit.train.ensemble import first_of
from backlit.train.judgement import Judgement

MOST_COLUMNS = 40
TASKS = {  # by kind of target
    "class": "classification", "binary": "classification", "probability": "classification", "number": "regression",
    "multi_label": "multi_label", "text": "text", "heads": "heads",
}  # fmt: skip


def sizes(shape: Any) -> str:
    """The shape of an example, "8 × 8 × 1", or of several by name."""
    if isinstance(shape, dict):
        return "; ".join(f"{name} {sizes(one)}" for name, one in shape.items())
    return " × ".join(map(str, shape)) or "1"


def name_of(run: Any) -> str:
    """What the run is called: its folder, else its data."""
    if run.folder is not None:
        return str(run.folder.resolve().name)
    data = str((run.config or {}).get("data") or "")
    return Path(data).name or type(run.network.architecture).__name__


def judged(run: Any) -> Judgement:
    """The judgement; an empty one if there is none."""
    return Judgement.of(run.judgement)


def verdict(run: Any) -> Phrase:
    """What came of it, in a sentence."""
    judgement = judged(run)
    scores, baseline = judgement.scores or {}, judgement.baseline or {}
    if run.diverged:
        return say("verdict.diverged")
    if not run.history:
        return say("verdict.empty")
    if not scores:
        return say("verdict.none")
    rows: dict[str, Any] = {"rows": short(judgement.rows), "on": where(judgement)}
    if judgement.steps and "mae" in scores and {"mae", "what"} <= baseline.keys():
        errors = {"own": short(scores["mae"]), "other": short(baseline["mae"]), "what": Said(baseline["what"])}
        return say("verdict.forecast", **rows, **errors)
    kind, score, form = {
        "classification": ("classification", "accuracy", percent),
        "multi_label": ("multi_label", "accuracy", percent),
        "regression": ("regression", "rmse", short),
        "text": ("text", "bits", short),
    }.get(judgement.task or "", ("none", "", short))
    if score not in scores or score not in baseline:
        return say("verdict.none")
    own, other = form(scores[score]), form(baseline[score])
    told = span(judgement, score, form)
    within = say("verdict.within.rmse" if score == "rmse" else "verdict.within", span=told) if told else ""
    return say(f"verdict.{kind}", **rows, own=own, other=other, within=within)


def keys(run: Any) -> list[tuple[str, list[Any]]]:
    """The few numbers that tell what kind of run this is, the score first; what each is, in one line or two."""
    rows = [*_first(judged(run)), (short(len(run.history)), [say("key.epochs")])]
    if run.best_epoch:
        rows.append((short(run.best_epoch), [say("key.best")]))
    rows.append((f"{run.seconds:.1f}", [say("key.seconds")]))
    return [*rows, (short(run.network.size), [say("key.parameters")])]


def _first(judgement: Judgement) -> list[tuple[str, list[Any]]]:
    """The score that people ask for, with its range."""
    scores = judgement.scores or {}
    for name, form in (("accuracy", percent), ("rmse", short), ("bits", short)):
        if name in scores:
            told = span(judgement, name, form)
            return [(form(scores[name]), [score_name(name), *([say("key.range", span=told)] if told else [])])]
    return []


def data(run: Any) -> dict[str, Any]:
    """What was trained on what."""
    judgement, config = judged(run), run.config or {}
    preparation = preparation_of(run.preparation)
    target = preparation.target_names or config.get("target") or ""
    task = "forecast" if judgement.steps else judgement.task or TASKS.get(run.targets.kind, "unknown")
    facts = [
        (say("data.source"), config.get("data")),
        (say("data.target"), target if isinstance(target, str) else ", ".join(map(str, target))),
        (say("data.task"), known(f"task.{task}", task)),
        (say("data.inputs"), sizes(run.network.input_shape)),
        (say("data.plan"), Said(judgement.plan) if judgement.plan else None),
        (say("data.loss"), run.settings.get("loss")),
        (say("data.optimizer"), run.settings.get("optimizer")),
        (say("data.stopped"), known(f"stopped.{run.stopped}", run.stopped)),
    ]
    rows = preparation.rows()
    parts = [
        (known(f"part.{part}", part), say("data.counted", count=short(count), unit=unit(judgement)))
        for part, count in (judgement.parts or {}).items()
        if count
    ]
    return {
        "facts": [(name, value) for name, value in facts if value],
        "parts": parts,
        "folds": say("data.folds", folds=judgement.folds) if judgement.folds else None,
        "columns": [
            (row["column"], known(f"kind.{row['kind']}", row["kind"]), percent(row["missing"]), Said(row["done"]))
            for row in rows[:MOST_COLUMNS]
        ],
        "more": len(rows) - MOST_COLUMNS,
        "notes": [Said(note) for note in judgement.notes or ()],
    }


def network(run: Any) -> dict[str, Any]:
    """Layer by layer; of an ensemble's members, which are alike, the first."""
    first, alike = first_of(run.network)
    layers = [(path, repr(layer), sizes(shape), short(size)) for path, layer, shape, size, _ in first.rows()]
    drawing = {"name": "drawing", "svg": inlined(draw(first)), "caption": say("network.drawing")}
    return {"layers": layers, "members": alike + 1, "parameters": short(run.network.size), "drawing": drawing}


def result(run: Any) -> Description:
    """Scores beside the baseline, and what goes with the task."""
    ways = {name: getattr(metric, "direction", None) for name, metric in run.metrics.items()}
    return described(judged(run), {name: way for name, way in ways.items() if way})


def last(run: Any) -> list[tuple[Any, str]]:
    """The last epoch's numbers."""
    record = run.history[-1] if run.history else {}
    return [(score_name(name), short(value)) for name, value in record.items() if name not in ("epoch", "seconds")]
