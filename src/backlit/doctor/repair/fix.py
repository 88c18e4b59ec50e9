"""`Run.fix`: remedies tried in the order of the findings, each kept only if held-out rows are predicted better."""

from __future__ import annotations

import dataclasses
from typing import Any

from backlit.doctor.diagnose import diagnose
from backlit.doctor.repair.bench import Bench, Progress, StoppedError
from backlit.doctor.repair.budget import Budget
from backlit.doctor.repair.result import Repair
from backlit.doctor.repair.search import Search
from backlit.errors import InputError
from backlit.train.judgement import Judgement
from backlit.train.recipe import Recipe, recipe_of
from backlit.train.result import Result

SEEDS, ROUNDS = 3, 5
WHOLE = 1.0  # trainings that are kept for the end, where all rows are learned from again


def fix(
    run: Any,
    x: Any = None,
    y: Any = None,
    *,
    seeds: int = SEEDS,
    rounds: int = ROUNDS,
    suit: bool = True,
    progress: Progress | None = None,
    recipe: Recipe | None = None,
    **options: Any,
) -> Repair:
    """Apply the remedies of a run's diagnosis, train again, keep what helps.

    Mistakes that can be proved are mended first, unless the held-out loss rises by a hundredth. Then all that the
    findings leave open competes: remedies, two together, other rates, lengths and widths, trained side by side from
    the run's own start by successive halving. The winner is compared with what there is, with seeds that didn't
    choose it and on the rows that the run holds back (a fifth, if it holds back none); it is kept if their loss is
    lower beyond the noise of seeds and rows, and by at least a hundredth: see `compare`. What is kept is diagnosed
    again. All together takes no more updates than 20 trainings of the run. Test rows, if there are any, decide
    nothing.

    Parameters
    ----------
    run : Run
        Stays as it is, and so does its folder.
    x, y : as given to `fit`, optional
        Needed for loaded runs.
    seeds : int
        Pairs of trainings, before and after, that decide; up to twice as many where they don't, and two where the gain
        is plain.
    rounds : int
        Most changes that are kept.
    suit : bool
        Whether rates, lengths of training and what else is usual compete, too, and not the findings' remedies alone.
    progress : callable, optional
        ``progress(what, share done)`` is told what is being tried.
    recipe : Recipe, optional
        What trained the run, if it doesn't know itself.
    **options
        Of `fit`, where a loaded run's folder doesn't tell them: penalty, validation, sample_weight. Callbacks aren't
        called.

    Returns
    -------
    Repair

    Raises
    ------
    InputError
        If the data is needed and wasn't given, or isn't that of the training; if the run has nothing to judge by.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> net = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(1))
    >>> run = bl.fit(net, x, x.sum(axis=1), optimizer=bl.SGD(1e-6), validation=0.3, engine="numpy")
    >>> print(run.fix(rounds=1, suit=False).kept[0].change)
    learning rate 1e-06 → 0.01
    """
    for name, value, least in (("seeds", seeds, 2), ("rounds", rounds, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"{name} must be a whole number of at least {least}, got {value!r}")
    original = recipe if recipe is not None else recipe_of(run, x, y, **options)
    first = original.with_validation()
    bench = Bench(first, seeds, Budget.of(first, run), progress)
    search = Search(bench, first, run, reserve=0.0 if original.training.validation is not None else WHOLE)
    interrupted = False
    try:
        if _as_trained(run, original):
            bench.know(first, run)
        search.repair(diagnose(run if run.probes else bench.trial(first, 0).run), rounds, suit)
        mended = _trained(search, original) if search.kept else run
    except (StoppedError, KeyboardInterrupt):
        interrupted, mended = True, run
        if search.kept:
            mended = search.run
    if mended is not run:
        mended = _finished(mended, search, run, original)
    left = diagnose(mended)
    return Repair(
        run=mended,
        original=run,
        changes=tuple(search.attempts),
        decide=tuple(finding for name, finding in search.undecided.items() if name in {other.name for other in left}),
        left=left,
        test=_test(run, mended),
        trainings=bench.trainings,
        candidates=search.tried,
        updates=bench.budget.spent,
        length=bench.budget.trainings,
        interrupted=interrupted,
    )


def _as_trained(run: Result, recipe: Recipe) -> bool:
    """Whether the run itself is what its recipe gives with its seed and the same rows held back."""
    return (
        recipe.training.validation is not None
        and bool(run.probes)
        and bool(run.history)
        and run.stopped not in ("interrupted", "time limit", "callback")
        and run.network.architecture == recipe.trained
    )


def _trained(search: Search, original: Recipe) -> Result:
    """The mended run; where the original held nothing back, trained on all rows again if it needs none for stopping."""
    recipe, bench = search.recipe, search.bench
    if original.training.validation is not None or recipe.training.early_stopping:
        return bench.trial(recipe, 0).run
    bench.stage = "all rows"
    return bench.train(recipe.replace(validation=None, probes="standard"))


def _finished(mended: Result, search: Search, run: Result, original: Recipe) -> Result:
    """The mended run with what the original has besides: scores on test rows, and what it was made by."""
    words = [change.words for change in search.kept]
    if original.finish is not None and mended.history and not mended.diverged:
        mended = original.finish(mended)
        judgement = Judgement.of(mended.judgement)
        mended.judgement = judgement.replace(notes=[*(judgement.notes or ()), *(f"mended: {each}" for each in words)])
    config = None if run.config is None else dict(run.config)
    for change in search.kept:
        config = None if config is None or change.config is None else config | change.config
    return dataclasses.replace(mended, config=config, settings=mended.settings | {"mended": words}, folder=None)


def _test(run: Result, mended: Result) -> dict[str, dict[str, float]] | None:
    """Scores on test rows before and after."""
    before, after = run.judgement or {}, mended.judgement or {}
    if mended is run or before.get("judged_on") != "test" or after.get("judged_on") != "test":
        return None
    return {"before": before["scores"], "after": after["scores"]}
