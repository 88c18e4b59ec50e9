"""What the report says of a run before and after training: plain data and texts in both languages for the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backlit.data.preparation import preparation_of
from backlit.report.numerals import percent, short
from backlit.report.texts import Phrase, Told, known, say

MOST_COLUMNS = 40
MOST_CLASSES = 16  # with more, the confusion matrix is a picture
MOST_STEPS = 12
TASKS = {  # by kind of target
    "class": "classification", "binary": "classification", "probability": "classification", "number": "regression",
    "multi_label": "multi_label", "text": "text",
}  # fmt: skip
HONEST = 0.05  # calibration error below which probabilities may be taken at their word
LOWER = ("loss", "log_loss", "rmse", "mae", "scaled_mae", "bits", "perplexity")  # scores of which less is better


def name_of(run: Any) -> str:
    """What the run is called: its folder, else its data."""
    if run.folder is not None:
        return str(run.folder.resolve().name)
    data = str((run.config or {}).get("data") or "")
    return Path(data).name or type(run.network.architecture).__name__


def judged(run: Any) -> dict[str, Any]:
    """The judgement, or nothing."""
    return run.judgement or {}


def where(run: Any) -> Phrase:
    """What was judged on, such as "test rows"."""
    found = judged(run)
    unit = found.get("unit", "windows" if "steps" in found else "rows")
    part = found.get("judged_on", "test")
    key = f"on.{part}"
    return say(key if key in ("on.training", "on.validation", "on.held-out folds") else "on.test", unit=_unit(unit))


def _unit(unit: str) -> Any:
    return known(f"unit.{unit}", unit)


def verdict(run: Any) -> Phrase:
    """What came of it, in a sentence."""
    found = judged(run)
    if run.diverged:
        return say("verdict.diverged")
    if not run.history:
        return say("verdict.empty")
    if not found.get("scores"):
        return say("verdict.none")
    scores, baseline, rows = found["scores"], found.get("baseline", {}), short(found.get("rows"))
    told: dict[str, Any] = {"rows": rows, "on": where(run)}
    if "steps" in found:
        own = {"own": short(scores["mae"]), "other": short(baseline["mae"]), "what": Told(baseline["what"])}
        return say("verdict.forecast", **told, **own)
    kind, score, form = {
        "classification": ("classification", "accuracy", percent),
        "multi_label": ("multi_label", "accuracy", percent),
        "regression": ("regression", "rmse", short),
        "text": ("text", "bits", short),
    }.get(found.get("task", ""), ("none", "", short))
    if score not in scores or score not in baseline:
        return say("verdict.none")
    return say(f"verdict.{kind}", **told, own=form(scores[score]), other=form(baseline[score]))


def keys(run: Any) -> list[tuple[Any, Phrase]]:
    """The few numbers that tell what kind of run this is."""
    rows: list[tuple[Any, Phrase]] = [(short(len(run.history)), say("key.epochs"))]
    if run.best_epoch:
        rows.append((short(run.best_epoch), say("key.best")))
    rows.append((f"{run.seconds:.1f}", say("key.seconds")))
    return [*rows, (short(run.network.size), say("key.parameters"))]


def data(run: Any) -> dict[str, Any]:
    """What was trained on what."""
    found, config = judged(run), run.config or {}
    preparation = preparation_of(run.preparation)
    target = preparation.target_names or config.get("target") or ""
    task = "forecast" if "steps" in found else found.get("task") or TASKS.get(run.targets.kind, "unknown")
    facts = [
        (say("data.source"), config.get("data")),
        (say("data.target"), target if isinstance(target, str) else ", ".join(map(str, target))),
        (say("data.task"), known(f"task.{task}", task)),
        (say("data.inputs"), " × ".join(map(str, run.network.input_shape)) or "1"),
        (say("data.plan"), Told(found["plan"]) if "plan" in found else None),
        (say("data.loss"), run.settings.get("loss")),
        (say("data.optimizer"), run.settings.get("optimizer")),
        (say("data.stopped"), known(f"stopped.{run.stopped}", run.stopped)),
    ]
    rows = preparation.rows()
    unit = found.get("unit", "windows" if "steps" in found else "rows")
    parts = [
        (known(f"part.{part}", part), say("data.counted", count=short(count), unit=_unit(unit)))
        for part, count in found.get("parts", {}).items()
        if count
    ]
    return {
        "facts": [(name, value) for name, value in facts if value],
        "parts": parts,
        "folds": say("data.folds", folds=found["folds"]) if found.get("folds") else None,
        "columns": [
            (row["column"], known(f"kind.{row['kind']}", row["kind"]), percent(row["missing"]), Told(row["done"]))
            for row in rows[:MOST_COLUMNS]
        ],
        "more": len(rows) - MOST_COLUMNS,
        "notes": [Told(note) for note in found.get("notes", ())],
    }


def network(run: Any) -> dict[str, Any]:
    """Layer by layer; of an ensemble's members, which are alike, the first."""
    from backlit.nn.layers.containers import Parallel

    layer = run.network.architecture
    rows = run.network.rows()
    count = len(layer.layers) if isinstance(layer, Parallel) and len(set(layer.layers)) == 1 else 1
    if count > 1:
        rows = [(path.removeprefix("0/"), *rest) for path, *rest in rows if path.startswith("0/")]
    layers = [(path, repr(own), " × ".join(map(str, shape)), short(size)) for path, own, shape, size, _ in rows]
    return {"layers": layers, "members": count, "parameters": short(run.network.size)}


def result(run: Any) -> dict[str, Any]:
    """Scores beside the baseline, and what goes with the task."""
    found = judged(run)
    scores, baseline = found.get("scores", {}), found.get("baseline", {})
    others = dict(found.get("rivals", {}))
    if baseline and baseline.get("what") not in others:
        others = {baseline["what"]: baseline} | others
    table = [
        (_score(name), _better(run, name), short(own), [short(other.get(name)) for other in others.values()])
        for name, own in scores.items()
        if name != "loss" or len(scores) == 1  # in units of training
    ]
    last = run.history[-1] if run.history else {}
    labels = [(r["label"], *map(percent, (r["accuracy"], r["baseline"], r["recall"], r["precision"])), r["rows"])
              for r in found.get("labels", ())]  # fmt: skip
    targets = [(r["target"], *map(short, (r["rmse"], r["baseline"], r["mae"]))) for r in found.get("targets", ())]
    return {
        "others": [Told(str(name)) for name in others],
        "scores": table,
        "last": [(_score(name), short(value)) for name, value in last.items() if name not in ("epoch", "seconds")],
        "classes": [(r["class"], percent(r["recall"]), percent(r["precision"]), r["rows"]) for r in _classes(found)],
        "confusion": _confusion(found),
        "labels": labels,
        "targets": targets,
        "intervals": _intervals(found, run) if "steps" not in found else None,
        "calibration": _calibration(found),
        "steps": _steps(found),
        "sample": found.get("sample"),
    }


def _score(name: str) -> Any:
    part = name.removeprefix("val_")
    text = known(f"score.{part}", part)
    return text if part == name else (known("part.validation", ""), text)


def _better(run: Any, name: str) -> Phrase:
    way = getattr(run.metrics.get(name), "direction", None) or ("min" if name in LOWER else "max")
    return say(f"better.{way}")


def _classes(found: dict[str, Any]) -> list[dict[str, Any]]:
    return list(found.get("classes", ()))


def _confusion(found: dict[str, Any]) -> dict[str, Any] | None:
    """Counts with their share of the true class's rows; None if there are none, or too many for a table."""
    names = [row["class"] for row in _classes(found)]
    if not names or len(names) > MOST_CLASSES or "confusion" not in found:
        return None
    rows = []
    for place, (name, counts) in enumerate(zip(names, found["confusion"], strict=True)):
        total = sum(counts) or 1
        cells = [(count, round(100 * count / total), place == i) for i, count in enumerate(counts)]
        rows.append((name, cells))
    return {"names": names, "rows": rows}


def _intervals(found: dict[str, Any], run: Any) -> Phrase | None:
    intervals = found.get("intervals")
    if not intervals:
        return None
    halves = intervals["half_width"]
    widths = ", ".join("± " + short(half) for half in halves if half is not None)
    return say(
        "intervals.said",
        level=percent(intervals["level"]),
        widths=widths or say("intervals.few"),
        coverage=", ".join(percent(share) for share in intervals["coverage"]),
        on=where(run),
    )


def _calibration(found: dict[str, Any]) -> dict[str, Any] | None:
    if "calibration" not in found:
        return None
    error = found["calibration"]["error"]
    return {"error": f"{error:.3f}", "advice": say("calibration.good" if error < HONEST else "calibration.bad")}


def _steps(found: dict[str, Any]) -> dict[str, Any] | None:
    """Errors by step ahead: all steps if they are few, else the first, the last and some evenly between."""
    steps = found.get("steps")
    if not steps:
        return None
    names = [name for name in steps[0] if name != "step"]
    intervals = found.get("intervals")
    shown = list(range(len(steps)))
    if len(steps) > MOST_STEPS:
        shown = sorted({round(i * (len(steps) - 1) / (MOST_STEPS - 1)) for i in range(MOST_STEPS)})
    rows = []
    for i in shown:
        half = intervals["half_width"][i] if intervals else None
        bounds = () if not intervals else ("± " + short(half) if half is not None else say("intervals.few"),)
        holds = () if not intervals else (percent(intervals["coverage"][i]) if half is not None else "–",)
        rows.append((steps[i]["step"], *(short(steps[i][name]["mae"]) for name in names), *bounds, *holds))
    level = percent(intervals["level"]) if intervals else None
    heads = [known("result.own", name) if name == "network" else Told(name) for name in names]
    return {"names": heads, "level": level, "rows": rows}
