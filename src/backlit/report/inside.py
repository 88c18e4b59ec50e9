"""Learning curves, and what the probes saw: pictures, and the same as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.data.preparation import preparation_of
from backlit.errors import InputError
from backlit.report.content import judged
from backlit.report.description import MOST_CLASSES, described
from backlit.report.figures import errors_by_step, svg
from backlit.report.numerals import percent, short
from backlit.report.texts import known, say

MOST_METRICS = 6
MOST_POINTS = 1000  # rows in the picture of the boundary


def curves(run: Any) -> list[dict[str, Any]]:
    """A picture for the loss and each metric, so that they stand side by side or, on a phone, one below the other."""
    from backlit.inspect.plots import learning_curves

    if not run.history:
        return []
    columns = list(run.history[-1])
    names = [c for c in columns if c not in ("epoch", "seconds", "penalty") and not c.startswith("val_")]
    pictures: list[dict[str, Any]] = []
    for name in names[:MOST_METRICS]:
        validation = f"val_{name}" in columns
        lines = [name, f"val_{name}"] if validation else [name]
        records = [{"epoch": r["epoch"], **{key: _number(r.get(key)) for key in lines}} for r in run.history]
        ends = [short(_finite(records, lines[-1], order)) for order in (1, -1)]
        caption = say(
            "curves.caption" if validation else "curves.caption.one",
            name=known(f"score.{name}", name),
            first=ends[0],
            last=ends[1],
        )
        made = learning_curves(records, best_epoch=run.best_epoch)
        pictures.append(_picture(made, f"curve-{len(pictures)}", caption))
    return pictures


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _finite(records: list[dict[str, Any]], name: str, order: int) -> float | None:
    values = [record[name] for record in records if np.isfinite(record[name])]
    return values[::order][0] if values else None


def _picture(made: Any, name: str, caption: Any) -> dict[str, Any]:
    return {"name": name, "svg": svg(made, name, f"{name}-caption"), "caption": caption}


def of_result(run: Any) -> dict[str, Any]:
    """Pictures beside the scores: confusion of many classes, honesty of probabilities, errors by step ahead."""
    from backlit.inspect import plots

    judgement = judged(run)
    made: dict[str, Any] = dict.fromkeys(("confusion", "calibration", "steps", "boundary"))
    if len(judgement.classes or ()) > MOST_CLASSES and judgement.confusion is not None:
        made["confusion"] = _picture(plots.confusion(judgement), "confusion-picture", say("confusion.caption"))
    description = described(judgement)
    if judgement.calibration is not None and judgement.calibration.bins and description.calibration is not None:
        drawn = plots.reliability(judgement.calibration)
        made["calibration"] = _picture(drawn, "calibration-picture", description.calibration.caption)
    if judgement.steps and len(judgement.steps) > 1:
        made["steps"] = _picture(errors_by_step(judgement["steps"]), "steps-picture", say("steps.figure"))
    if run.recipe is not None and has_boundary(run):
        x, y = run.recipe.x[:MOST_POINTS], run.recipe.y[:MOST_POINTS]
        drawn = plots.decision_boundary(run, x, y, resolution=100)
        made["boundary"] = _picture(drawn, "boundary-picture", say("boundary.caption"))
    return made


def has_boundary(run: Any) -> bool:
    """Whether all that a run looks at is two numbers, and what it says is one thing."""
    from backlit.inspect.plots.boundary import two_columns

    if run.network.input_names or run.network.output_names:
        return False
    one = run.classes is not None or run.network.output_shape == (1,)
    arrays = run.network.input_shape == (2,) and not run.network.takes_integers
    tabular = bool(preparation_of(run.preparation).rows())
    return (
        one
        and run.targets.kind in ("class", "binary", "number")
        and (two_columns(run) is not None if tabular else arrays)
    )


def of_probes(run: Any) -> dict[str, Any] | None:
    """Gradient flow, activations, and both as numbers; None if there are no probes."""
    if not run.probes:
        return None
    last = run.probes.last()
    shown: dict[str, Any] = {"flow": None, "activations": None, "layers": [], "params": [], "first": _ensemble(run)}
    shown["last"] = say("inside.table.caption", epoch=last["epoch"], rows=last["rows"])
    for name, caption in (
        ("flow", say("flow.caption")),
        ("activations", say("activations.caption", epoch=last["epoch"])),
    ):
        try:
            shown[name] = _picture(getattr(run, name)(), f"{name}-picture", caption)
        except InputError:  # these probes were made without what it needs
            continue
    shown["layers"] = [
        (
            path,
            record.get("layer", ""),
            *(short(record.get(key)) for key in ("mean", "std")),
            *(percent(record.get(key)) for key in ("zeros", "saturated", "dead")),
            short(record.get("gradient_norm")),
        )
        for path, record in last["layers"].items()
    ]
    shown["params"] = [
        (path, *(short(record.get(key)) for key in ("norm", "gradient_norm", "update_ratio")))
        for path, record in last.get("params", {}).items()
    ]
    return shown


def _ensemble(run: Any) -> bool:
    return bool((run.settings.get("ensemble") or 1) > 1)
