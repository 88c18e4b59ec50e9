"""`Run.diagnose`: all rules on all that is known of a run; causes first, what follows from them under them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from backlit.doctor.catalogue import ORDER
from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Diagnosis, Finding
from backlit.doctor.findings import fitting, gradients, initialisation, inputs, outputs, rates, sequences, structure
from backlit.errors import InputError

RULES = (
    *inputs.RULES, *sequences.RULES, *outputs.RULES, *structure.RULES, *initialisation.RULES, *gradients.RULES,
    *rates.RULES, *fitting.RULES,
)  # fmt: skip
# Causes that keep a network from learning whatever the other settings: what else looks wrong may well follow from them.
ROOTS = (
    "missing inputs", "mask hides the target", "truncated sequences", "padding not masked", "unrelated labels",
    "softmax twice", "activation before the loss", "softmax on one unit",
    "targets out of reach", "tiny batches in batch norm", "no non-linearity", "constant initialisation",
    "zero initialisation", "initial weights too small", "initial weights too large", "negative bias",
    "unscaled inputs", "off-centre inputs", "unconnected layer", "frozen layer", "saturating activations in depth",
    "gradient vanishes through layers", "gradient explodes through layers", "gradient vanishes through time",
    "gradient explodes through time", "source of NaN", "learning rate too high", "learning rate oscillating",
    "learning rate too low", "weight decay too strong",
    "dropout too strong", "classes as numbers", "unscaled targets",
)  # fmt: skip


def diagnose(run: Any) -> Diagnosis:
    """Findings about a run.

    Parameters
    ----------
    run : Run
        Trained with probes; loaded runs are as good.

    Returns
    -------
    Diagnosis

    Raises
    ------
    InputError
        If the run has nothing to judge by: no probes, and no epoch.

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
    return judged(evidence_of(run))


def evidence_of(run: Any) -> Evidence:
    """What is known of a run."""
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
    )


def judged(evidence: Evidence) -> Diagnosis:
    """All rules' findings, in order; those that follow from another one stand under it."""
    found = [finding for rule in RULES for finding in rule(evidence)]
    if not any(own.severity == "alarm" and own.name in ROOTS for own in found):
        found += [finding for rule in (*gradients.FALLBACK, *fitting.FALLBACK) for finding in rule(evidence)]
    found.sort(key=lambda own: (own.severity != "alarm", ORDER[own.name]))
    roots = [own for own in found if own.severity == "alarm" and own.name in ROOTS]
    if not roots:
        return Diagnosis(found)
    root = roots[0]
    followers = [own for own in found if own is not root and _follows(own, root)]
    told = (*root.consequences, *(f"{own.name}: {own.where}" for own in followers))
    root_told = replace(root, consequences=tuple(dict.fromkeys(told)))
    return Diagnosis(root_told if own is root else own for own in found if own not in followers)


LATER = ("overfitting", "too little capacity", "imbalance hidden by accuracy", "stopped early")


def _follows(own: Finding, root: Finding) -> bool:
    """Whether a finding is downstream of another: later in the order of causes, and no independent fact about data."""
    if own.severity == "remark" and own.name != "stopped early":
        return False
    return (own.name in ROOTS or own.name in LATER) and ORDER[own.name] > ORDER[root.name]
