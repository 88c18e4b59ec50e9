"""The whole way from material to a judged run."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np

from backlit.data.series import SeriesPreparation
from backlit.data.table import Moment, TablePreparation
from backlit.data.table.audit import suspicions
from backlit.errors import InputError
from backlit.store.checkpoint import train as fit
from backlit.tasks import plan
from backlit.tasks.judge.calibration import calibrated
from backlit.tasks.judge.forecast import judge_windows
from backlit.tasks.judge.scores import best_guess, judge, worst
from backlit.tasks.judge.worst import errors
from backlit.tasks.options import Options
from backlit.tasks.split import Parts, divide, fold
from backlit.tasks.task import Material
from backlit.train.callbacks import EarlyStopping
from backlit.train.ensemble import Folds
from backlit.train.ensemble import members as members_of
from backlit.train.intervals import Intervals
from backlit.train.recipe import Recipe
from backlit.train.result import Run
from backlit.train.training import Training


def train(
    material: Material,
    options: Options,
    *,
    probes: Any = "standard",
    checkpoint: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool | None = None,
    say: Any = None,
    config: dict[str, Any] | None = None,
    started: float | None = None,
) -> Run:
    """Split, prepare, plan, train, calibrate and judge.

    Parameters
    ----------
    material : Material
    options : Options
    probes, checkpoint, resume, overwrite, progress :
        As for `fit`.
    say : callable, optional
        ``say(sentence)`` is told what was found in the data before training begins.
    config : dict, optional
        Kept with the run.
    started : float, optional
        When the job began (`time.monotonic`), if before this call: the time limit counts from there.

    Returns
    -------
    Run
        With `judgement`: scores on the test rows (on the validation rows if there are no others), baseline, notes.
    """
    recipe, resolved = recipe_for(material, options, say=say, started=started)
    run = fit(
        recipe.replace(
            probes=probes,
            checkpoint=checkpoint,
            resume=resume,
            overwrite=overwrite,
            progress=progress,
            config=None if config is None else config | resolved,
        )
    )
    run.recipe = recipe
    return run if run.diverged or not run.history or recipe.finish is None else recipe.finish(run)


def recipe_for(
    material: Material, options: Options, *, say: Any = None, started: float | None = None
) -> tuple[Recipe, dict[str, Any]]:
    """What `train` trains, before it does, and the choices made for it as options that would make them again.

    Parameters
    ----------
    material, options, say, started :
        As for `train`.
    """
    started = time.monotonic() if started is None else started
    parts, notes = divide(material, options.split, options.seed)
    if options.balance and material.task != "classification":
        raise InputError("balance weighs classes; the target holds numbers or several labels")
    folded = material.order is None and material.names is None
    members = plan.members(options, len(parts.train), folded, material.family)
    parts, folds = fold(material, parts, members, options)
    preparation = material.learn(parts.train)
    notes = [*material.notes, *notes, *_warnings(material, parts, preparation)]
    for note in notes if say else ():
        say(note)
    chosen = plan.plan_for(options, material, parts.train, preparation, members)
    given: dict[str, Any] = {
        "loss": chosen.loss, "optimizer": chosen.optimizer, "epochs": chosen.epochs, "batch_size": chosen.batch_size,
        "validation": folds or (material.raw[parts.validation], material.y[parts.validation]),
        "preparation": preparation, "seed": options.seed, "penalty": chosen.penalty,
        "class_weight": "balanced" if options.balance else None,
        "early_stopping": EarlyStopping(chosen.patience) if chosen.patience else None,
        "engine": options.engine, "devices": options.devices,
        "standardize_targets": material.task == "regression", "ensemble": members, "mixup": chosen.mixup,
        "time_limit": _rest(options.time_limit, started),
    }  # fmt: skip

    def finish(run: Run) -> Run:
        return _judged(run, material, parts, folds, options, chosen, notes)

    x, y = material.raw[parts.train], material.y[parts.train]
    return Recipe(chosen.network, x, y, Training(**given), finish), chosen.resolved(options)


def _rest(limit: float | None, started: float) -> float | None:
    """What is left of the time limit."""
    return None if limit is None else max(1e-3, limit - (time.monotonic() - started))


def _warnings(material: Material, parts: Parts, preparation: Any) -> list[str]:
    if material.suspect is not None:
        return material.suspect(parts)
    if not isinstance(preparation, TablePreparation):
        return []
    notes = []
    for column in preparation.columns:
        dated = isinstance(column, Moment) and "elapsed" in column.parts and material.order is None
        if dated and material.raw[column.name].n_unique() > len(material.y) / 2:
            notes.append(
                f"rows have a time of their own ({column.name!r}) and are split by chance; "
                f"to be judged on what comes later, split by it: time {column.name!r}"
            )
    other = parts.raw_test if material.test is not None else None
    return notes + suspicions(material.raw, preparation, material.y, parts.train, parts.test, other)


def _judged(
    run: Run,
    material: Material,
    parts: Parts,
    folds: Folds | None,
    options: Options,
    chosen: plan.Plan,
    notes: list[str],
) -> Run:
    """The run with its calibration, its intervals and its scores."""
    if options.calibrate:
        held, truth = material.raw[parts.validation], material.y[parts.validation]
        network, temperature = calibrated(run, held, truth)
        run = dataclasses.replace(run, network=network)
        notes = [*notes, f"calibrated: outputs are divided by {temperature:.3g}"]
    guess = best_guess(run, material.task, material.y[parts.train])
    run.judgement = {"residuals": None}
    if material.task == "regression" or not len(parts.y_test):
        outputs, truth = _held_out(run, material, parts, folds)
    if material.task == "regression":
        run.judgement["residuals"] = Intervals.learn(run.targets.decode(outputs), truth).to_dict()
    judged = parts.test if len(parts.y_test) else parts.validation
    judged_on = "test" if len(parts.y_test) else "held-out folds" if folds else "validation"
    if isinstance(run.preparation, SeriesPreparation):
        found = judge_windows(run, parts.raw_test if len(parts.y_test) else material.raw[parts.validation])
    else:
        if len(parts.y_test):
            outputs, truth = run.outputs(parts.raw_test), parts.y_test
        ask = material.family.rivals if material.family else None
        rivals: dict[str, np.ndarray] = {}
        if ask and material.task == "classification" and not (folds and not len(parts.y_test)):
            held = parts.raw_test if len(parts.y_test) else material.raw[parts.validation]
            rivals = ask(run, material.raw[parts.train], material.y[parts.train], held)
        found = judge(run, material.task, guess, outputs, truth, rivals)
    run.judgement |= {
        **found,
        "guess": guess,
        "judged_on": judged_on,
        "parts": {"training": len(parts.train), "validation": len(parts.validation), "test": len(parts.y_test)},
        "folds": len(folds.rows) if folds else None,
        "plan": chosen.describe(),
        "notes": notes,
    }
    if len(parts.y_test) and not isinstance(run.preparation, SeriesPreparation) and material.names is None:
        run.judgement["errors"] = errors(run, material, parts.raw_test, outputs, truth)
    if material.names is not None and folds is None:
        run.judgement["worst"] = worst(run, outputs, truth, material.names[judged])
    return run


def _held_out(run: Run, material: Material, parts: Parts, folds: Folds | None) -> tuple[np.ndarray, np.ndarray]:
    """Outputs for rows that weren't learned from, and their targets: validation rows, or each fold by its member."""
    if folds is None:
        held = material.raw[parts.validation]
        return run.outputs(held), run.relative(held, material.y[parts.validation])
    rows = [parts.train[own] for own in folds.rows]
    alone = [dataclasses.replace(run, network=member) for member in members_of(run.network)]
    outputs = [member.outputs(material.raw[own]) for member, own in zip(alone, rows, strict=True)]
    return np.concatenate(outputs), material.y[np.concatenate(rows)]
