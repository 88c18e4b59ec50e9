"""`Run.diagnose`: all rules on all that is known of a run; causes first, what follows from them under them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Consequence, Diagnosis, Finding, Kind, Role, Rule, Stage
from backlit.doctor.findings import kinds
from backlit.doctor.held import held_out
from backlit.doctor.remedies.own import NOT_HELD, pasted
from backlit.doctor.views import INPUT, View, each_output, united
from backlit.errors import InputError
from backlit.languages import Message
from backlit.settings import declared
from backlit.train.recipe import Recipe, recipe_of, told_by_folder
from backlit.train.training import Training

TIME_LIMIT = 10.0  # seconds that proofs take, unless told otherwise


def diagnose(
    run: Any,
    x: Any = None,
    y: Any = None,
    *,
    prove: bool = False,
    time_limit: float = TIME_LIMIT,
    recipe: Recipe | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Diagnosis:
    """Findings about a run.

    Parameters
    ----------
    run : Run
        Trained with probes; loaded runs are as good.
    x, y : as given to `fit`, optional
        Needed for proofs of loaded runs: others know their data.
    prove : bool
        Try causes by short trainings from the run's own start, each with one thing changed, beside the same without it:
        a finding then says "shown" or "likely", and one that its experiment refutes is dropped. Ctrl-C ends it early.
    time_limit : float
        Seconds that these trainings may take. None goes on for another epoch, and none is begun, that wouldn't be
        done by then, going by the longest so far; what wasn't tried is told. Only the first may take longer, if
        compiling it does.
    recipe : Recipe, optional
        What trained the run, in place of x and y.
    progress : callable, optional
        ``progress(what, share)`` is told what is being tried.

    Returns
    -------
    Diagnosis

    Raises
    ------
    InputError
        If the run has nothing to judge by: no probes, and no epoch. With `prove`, if its data is needed and wasn't
        given, or `time_limit` isn't a number of seconds above 0.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> x = np.random.default_rng(0).normal(size=(200, 4)).astype("float32")
    >>> net = bl.Sequential(bl.Linear(16), bl.ReLU(), bl.Linear(2), bl.Softmax())
    >>> run = bl.fit(net, x, (x[:, 0] > 0).astype(int), epochs=5)
    >>> run.diagnose().alarms
    Diagnosis(alarm: softmax twice)
    """
    if not run.history and run.diverged is None and not run.probes:
        raise InputError("this run has no epochs and no probes: there is nothing to judge it by; train it first")
    if not prove:
        return run_rules(evidence_of(run), given=given_to(run, recipe))
    if isinstance(time_limit, bool) or not isinstance(time_limit, (int, float)) or not 0 < time_limit < math.inf:
        raise InputError(f"time_limit must be a number of seconds above 0, got {time_limit!r}")
    from backlit.doctor.proof.prove import prove as proved

    recipe = recipe_of(run, x, y) if recipe is None else recipe
    rules = functools.partial(run_rules, given=given_to(run, recipe))
    return proved(run, evidence_of(run), recipe, rules, float(time_limit), progress)


def given_to(run: Any, recipe: Recipe | None = None) -> dict[str, Any]:
    """The options that a run was trained with, by name; of a loaded one `NOT_HELD` for what no file holds."""
    own = run.recipe if recipe is None else recipe
    if own is not None:
        return {name: getattr(own.training, name) for name in declared(Training)}
    told, lacking = told_by_folder(run)
    training = Training(**told)
    return {name: getattr(training, name) for name in declared(Training)} | dict.fromkeys(lacking, NOT_HELD)


def evidence_of(run: Any) -> Evidence:
    """What is known of a run."""
    held = held_out(run)
    return Evidence(
        network=run.network,
        loss=run.loss,
        optimizer=run.optimizer,
        start=run.start or {},
        looks=list(run.probes),
        history=list(run.history),
        settings=run.settings,
        stopped=run.stopped,
        diverged=run.diverged,
        best_epoch=run.best_epoch,
        rare=held.rare,
        answers=held.answers,
    )


def run_rules(
    evidence: Evidence, of: Iterable[Kind] | None = None, given: Mapping[str, Any] | None = None
) -> Diagnosis:
    """What the rules find, in order; findings that follow from another one stand under it.

    Parameters
    ----------
    evidence : Evidence
    of : kinds of findings, optional
        Whose rules are run; all that there are by default.
    given : dict, optional
        The options that the training was called with, which remedies repeat.
    """
    every = list(kinds().values() if of is None else of)
    findings = each_output(evidence, lambda views: _of_output(list(views), every))
    told = [pasted(finding, evidence, given or {}) for finding in findings]
    return Diagnosis(sorted(told, key=_place))


def _place(finding: Finding) -> tuple[bool, tuple[int, int]]:
    return finding.severity != "alarm", finding.kind.order


def _of_output(views: list[View], every: list[Kind]) -> list[Finding]:
    """What the rules find of one output, seen from each of its inputs; what follows stands under its cause."""

    def found(rules: Iterable[Rule]) -> list[Finding]:
        once = dict.fromkeys(rules)
        by_input = {view.name: [finding for rule in once for finding in rule(view.evidence)] for view in views}
        return united(by_input, INPUT)

    findings = found(rule for kind in every for rule in kind.rules)
    if not any(map(_explains, findings)):
        findings += found(rule for kind in every for rule in kind.fallback)
    alarms = {finding.kind for finding in findings if finding.severity == "alarm"}
    findings = [finding for finding in findings if finding.severity == "alarm" or finding.kind not in alarms]
    findings.sort(key=_place)
    root = next(filter(_explains, findings), None)
    if root is None:
        return findings
    followers = [finding for finding in findings if finding is not root and _follows(finding, root)]
    consequences: list[Message | Consequence] = []
    for each in (*root.consequences, *(Consequence(other.kind, other.message("where")) for other in followers)):
        if each not in consequences:
            consequences.append(each)
    first = replace(root, consequences=tuple(consequences))
    return [first if finding is root else finding for finding in findings if finding not in followers]


def _explains(finding: Finding) -> bool:
    """Whether a finding explains what else is wrong."""
    return finding.severity == "alarm" and finding.kind.role is Role.CAUSE


def _follows(finding: Finding, root: Finding) -> bool:
    """Whether a finding is downstream of another: later in the order of causes, and no fact about the data alone.

    A remark stands for itself, unless it is of an outcome.
    """
    if finding.severity == "remark" and finding.kind.role is not Role.OUTCOME:
        return False
    if finding.kind.apart or (root.kind.stage is Stage.START and finding.kind.stage is Stage.UPDATES):
        return False  # a rate doesn't follow from a start
    return finding.kind.role is not Role.FACT and finding.kind.order > root.kind.order
