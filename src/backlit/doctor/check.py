"""`check`: network, data and settings before any training."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.doctor.diagnose import run_rules
from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Diagnosis
from backlit.doctor.findings.missing_inputs import COUNTED, MISSING_INPUTS
from backlit.doctor.sharpness import largest_curvature
from backlit.errors import BacklitError
from backlit.nn.layer import Layer, Network
from backlit.settings import build
from backlit.train.prepare import prepare
from backlit.train.probes.facts import start_of
from backlit.train.probes.prober import Prober
from backlit.train.probes.settings import Probes
from backlit.train.training import Training, looking

ROWS = 256  # that are looked at
WORK = 2e9  # multiply-adds that λ_max may take


def check(
    network: Layer | Network,
    x: Any,
    y: Any,
    *,
    loss: Any = None,
    optimizer: Any = "adam",
    batch_size: int | None = 32,
    validation: Any = None,
    seed: int = 0,
    **options: Any,
) -> Diagnosis:
    """What is wrong before training: static facts, and one look at the network with some of the data.

    Parameters
    ----------
    network, x, y, loss, optimizer, batch_size, validation, seed, **options :
        As for `fit`: penalty, sample_weight, class_weight, preparation, standardize_targets, dtype, ….

    Returns
    -------
    Diagnosis
        Alarms and remarks; printed, it tells measure, threshold, cause and remedy of each.

    Raises
    ------
    ShapeError, InputError
        If data, network and options don't fit together: then training would refuse them, too.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> x = np.random.default_rng(0).normal(size=(200, 4))
    >>> bl.check(bl.Sequential(bl.Linear(8), bl.Linear(2)), x * 1000, (x[:, 0] > 0).astype(int))
    Diagnosis(alarm: no non-linearity)
    >>> bl.check(bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(2)), x, (x[:, 0] > 0).astype(int))
    Diagnosis(no findings)
    """
    asked = dict(options)
    options = looking(options)
    bad = _bad_rows(x) if options.get("preparation") is None else 0
    if bad:  # training would refuse them
        return Diagnosis([MISSING_INPUTS.found(COUNTED, float(bad), 0.0, bad=bad, rows=len(x))])
    given = {"loss": loss, "optimizer": optimizer, "batch_size": batch_size, "validation": validation, "seed": seed}
    job = prepare(network, x, y, build(Training, {"epochs": 1, **given, **options}, "bl.check"))
    start = start_of(job, Prober(job, Probes(rows=ROWS)))()
    return run_rules(
        Evidence(
            network=job.network,
            loss=job.loss,
            optimizer=job.optimizer,
            start=start,
            settings={"batch_size": batch_size, "shuffle": job.training.shuffle},
            sharpness=_sharpness(job),
        ),
        given={**given, **asked},
    )


def _bad_rows(x: Any) -> int:
    """Rows of numbers that hold NaN or infinity; 0 for what isn't numbers."""
    try:
        values = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError):
        return 0
    return int((~np.isfinite(values.reshape(len(values), -1)).all(axis=1)).sum()) if values.ndim > 1 else 0


def _sharpness(job: Any) -> float | None:
    """λ_max where it is quickly had, else None: of networks with operations that have no second derivative, say."""
    rows = min(len(job.batches[0].rows), ROWS)
    if job.network.architecture.cost(job.network.input_shape) * rows * 40 * 6 > WORK:
        return None
    seen = job.batches[0].rows[:: max(1, len(job.batches[0].rows) // rows)][:rows]
    if len(job.batches[0].rows) <= 4 * ROWS:
        seen = job.batches[0].rows
    try:
        return largest_curvature(job.network, job.data["x"][seen], job.data["y"][seen], job.loss, steps=40)
    except (BacklitError, NotImplementedError, TypeError):
        return None
