"""The doctor's findings as messages carry them, and their remedies as other states."""

from __future__ import annotations

from typing import Any

from backlit.doctor.finding import Diagnosis, Finding
from backlit.nn.layer import Layer
from backlit.nn.penalties import L1, L2
from backlit.optim.transform import as_transform
from backlit.studio.looks import Looks
from backlit.studio.state import OPTIMIZERS, State
from backlit.studio.timeline import Timeline
from backlit.studio.words import both
from backlit.train.recipe import Recipe


def in_short(finding: Finding) -> dict[str, Any]:
    """A finding as a frame has it."""
    return {"key": finding.name, "title": both(finding.kind.name), "layer": layer_of(finding)}


def in_full(finding: Finding, change: dict[str, Any] | None) -> dict[str, Any]:
    """A finding with what is wrong, where, what to do, and the parts of a state that do it."""
    return {
        **in_short(finding),
        "severity": finding.severity,
        "text": both(finding.kind.cause),
        "where": both(finding.message("where")),
        "measure": both(finding.message("measure")),
        "measured": finding.measured,
        "threshold": finding.threshold,
        "remedy": both(finding.remedy),
        "effect": both(finding.kind.effect),
        "change": change,
    }


def layer_of(finding: Finding) -> str | None:
    """Path of the layer that it is about, if it is about one."""
    path = finding.values.get("path", finding.values.get("layer"))
    return path if isinstance(path, str) else None


def changes_of(timeline: Timeline, looks: Looks, diagnosis: Diagnosis) -> list[dict[str, Any] | None]:
    """For each finding the parts of a state that its remedy changes; None where someone has to decide."""
    job = timeline.job
    network = job.network
    steps = max(1, timeline.updates_per_epoch)
    training = job.training.replace(epochs=max(1, timeline.at // steps), steps_per_epoch=None, chunk=None)
    recipe = Recipe(network.architecture, timeline.rows.x, timeline.rows.y, training)
    if len(timeline.rows.x) > 1:  # "hello" is one row, of which none can be held back
        recipe = recipe.with_validation()
    run = _Run(looks, timeline)
    return [_change(timeline.state, recipe, finding, run) for finding in diagnosis]


class _Run:
    """What remedies ask of a run."""

    def __init__(self, looks: Looks, timeline: Timeline) -> None:
        self.network, self.history, self.probes = timeline.network, looks.history(), [looks.record()]
        self.loss, self.settings, self.start = timeline.job.loss, timeline.job.training.to_dict(), looks.start
        self.best_epoch, self.optimizer = None, timeline.job.optimizer
        self.diverged, self.stopped, self.targets = timeline.diverged, "epochs done", timeline.job.targets


def _change(state: State, recipe: Recipe, finding: Finding, run: Any) -> dict[str, Any] | None:
    try:
        ways = finding.kind.ways(recipe, run)
    except (AttributeError, LookupError, TypeError, ValueError):  # a remedy that asks more of a run than there is here
        return None
    parts = (parts_of(state, recipe, way.recipe) for way in ways)
    return next((part for part in parts if part), None)


def parts_of(state: State, before: Recipe, after: Recipe) -> dict[str, Any] | None:
    """What of a state is another one after a change of a recipe; None where a state can't say it."""
    training, old = after.training, before.training
    changed: dict[str, Any] = {}
    optimizer = as_transform(training.optimizer)
    if optimizer != as_transform(old.optimizer):
        kind = type(optimizer.last).__name__.lower()
        if kind not in OPTIMIZERS or optimizer.rate is None:
            return None
        changed |= {"rate": optimizer.rate} | (
            {} if kind == state.training.optimizer.partition(":")[0] else {"optimizer": kind}
        )
    if training.batch_size != old.batch_size:
        changed["batch"] = training.batch_size or 0
    if training.penalty != old.penalty:
        kinds = {type(None): "none", L1: "l1", L2: "l2"}
        if type(training.penalty) not in kinds:
            return None
        changed["penalty"] = kinds[type(training.penalty)]
        if training.penalty is not None:
            changed["strength"] = getattr(training.penalty, "strength", 0.0)
    parts: dict[str, Any] = {"training": state.training.to_dict() | changed} if changed else {}
    if after.architecture != before.architecture:
        parts["network"] = {"architecture": _plain(after.architecture)}
    return parts or None


def _plain(architecture: Layer) -> dict[str, Any]:
    return architecture.to_dict()
