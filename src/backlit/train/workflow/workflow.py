"""The whole way from material to a judged run."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

from backlit.data.table import TablePreparation
from backlit.data.table.audit import suspicions
from backlit.errors import InputError
from backlit.train.calibration import calibrated
from backlit.train.callbacks import EarlyStopping
from backlit.train.fit import fit
from backlit.train.intervals import Intervals
from backlit.train.run import Run
from backlit.train.workflow.judging import best_guess, judge
from backlit.train.workflow.material import Material
from backlit.train.workflow.options import Options
from backlit.train.workflow.parts import Parts, divide
from backlit.train.workflow.plan import Plan, plan_for


def train(
    material: Material,
    options: Options,
    *,
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
    checkpoint, resume, overwrite, progress :
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
    started = time.monotonic() if started is None else started
    parts, notes = divide(material, options.split, options.seed)
    preparation = material.learn(parts.train)
    notes = [*material.notes, *notes, *_warnings(material, parts, preparation)]
    chosen = plan_for(options, material, parts.train, preparation)
    for note in notes if say else ():
        say(note)
    if options.balance and material.task != "classification":
        raise InputError("balance weighs classes; the target holds numbers or several labels")
    run = fit(
        chosen.network,
        material.raw[parts.train],
        material.y[parts.train],
        loss=chosen.loss,
        optimizer=chosen.optimizer,
        epochs=chosen.epochs,
        batch_size=chosen.batch_size,
        validation=(material.raw[parts.validation], material.y[parts.validation]),
        preparation=preparation,
        seed=options.seed,
        penalty=chosen.penalty,
        class_weight="balanced" if options.balance else None,
        early_stopping=EarlyStopping(chosen.patience) if chosen.patience else None,
        engine=options.engine,
        standardize_targets=material.task == "regression",
        checkpoint=checkpoint,
        resume=resume,
        overwrite=overwrite,
        progress=progress,
        config=config,
        **_more(options, chosen, started),
    )
    if run.diverged:
        return run
    return _judged(run, material, parts, options, chosen, notes)


def _more(options: Options, chosen: Plan, started: float) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if chosen.ensemble > 1:
        more["ensemble"] = chosen.ensemble
    if options.time_limit is not None:
        more["time_limit"] = max(0.001, options.time_limit - (time.monotonic() - started))
    return more


def _warnings(material: Material, parts: Parts, preparation: Any) -> list[str]:
    if not isinstance(preparation, TablePreparation):
        return []
    other = parts.raw_test if material.test is not None else None
    return suspicions(material.raw, preparation, material.y, parts.train, parts.test, other)


def _judged(run: Run, material: Material, parts: Parts, options: Options, chosen: Plan, notes: list[str]) -> Run:
    """The run with its calibration, its intervals and its scores."""
    held, y_held = material.raw[parts.validation], material.y[parts.validation]
    if options.calibrate:
        network, temperature = calibrated(run, held, y_held)
        run = dataclasses.replace(run, network=network)
        notes = [*notes, f"calibrated: outputs are divided by {temperature:.3g}"]
    guess = best_guess(run, material.task, material.y[parts.train])
    run.judgement = {
        "residuals": Intervals.learn(run.predict(held), y_held).to_dict() if material.task == "regression" else None
    }
    judged_on, raw, y = ("test", parts.raw_test, parts.y_test) if len(parts.y_test) else ("validation", held, y_held)
    run.judgement |= {
        **judge(run, material.task, guess, raw, y),
        "guess": guess,
        "judged_on": judged_on,
        "parts": {"training": len(parts.train), "validation": len(parts.validation), "test": len(parts.y_test)},
        "plan": chosen.describe(),
        "notes": notes,
    }
    return run
