"""`probe`: a look into any network, trained or not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit import engine as engines
from backlit.errors import InputError
from backlit.graph import tree
from backlit.nn.layer import Layer, Network
from backlit.nn.shapes import rows_at, rows_of, shape_of
from backlit.settings import build
from backlit.train.inputs import inputs_of
from backlit.train.prepare import prepare
from backlit.train.probes.history import ProbeRecords, plain
from backlit.train.probes.look import look_for
from backlit.train.probes.prober import Prober, kinds, record
from backlit.train.probes.settings import ROWS, probes_of
from backlit.train.training import Training, looking

if TYPE_CHECKING:
    from typing import Unpack

    from backlit.train.options import TrainingOptions


def probe(
    network: Layer | Network,
    x: Any,
    y: Any = None,
    **options: Unpack[TrainingOptions],
) -> ProbeRecords:
    """Look into a network as it is, before training say: activations, and with targets gradients and the next update.

    Parameters
    ----------
    network : Layer or Network
        An architecture is built from `seed`, as `fit` would.
    x : array, nested list or data frame, (rows, ...)
        Inputs; of more than 256 rows (or ``Probes(rows=...)``) some are chosen by the seed.
    y : array, list or series, optional
        Targets as for `fit`; without them there are no gradients.
    **options
        Of `fit`: probes, loss, optimizer, batch_size, preparation, seed, and so on.

    Returns
    -------
    ProbeRecords
        Of one record, of epoch 0; ``.activations()`` and ``.flow()`` are pictures.

    Raises
    ------
    ShapeError, InputError
        If data and network don't fit together.

    Examples
    --------
    Weights that are too small: activations shrink from layer to layer, and nothing would be learned.

    >>> import backlit as bl, numpy as np
    >>> x = np.random.default_rng(0).normal(size=(200, 50))
    >>> layers = [part for _ in range(3) for part in (bl.Linear(50, weight_init="normal:0.01"), bl.Tanh())]
    >>> record = bl.probe(bl.Sequential(*layers), x)[0]
    >>> [round(record["layers"][path]["std"], 4) for path in ("1", "3", "5")]
    [0.0708, 0.005, 0.0004]
    """
    training = build(Training, looking(options, epochs=1), "bl.probe")
    settings = probes_of(training.probes)
    if settings is None:
        raise InputError(f"probes must be 'standard' or bl.Probes(...) to look at anything, got {training.probes!r}")
    rows = settings.rows or ROWS
    settings = replace(settings, rows=rows)
    if y is not None:
        job = prepare(network, x, y, training)
        return ProbeRecords([Prober(job, settings)(job.start, 0)])
    if not isinstance(network, (Layer, Network)):
        raise InputError(f"network must be a layer such as bl.Sequential(...) or a bl.Network, got {network!r}")
    inputs = inputs_of(network, training.preparation, x)
    count = rows_of(inputs)
    if not count:
        raise InputError("there are no rows to look at")
    built = network if isinstance(network, Network) else network.build(shape_of(inputs), seed=training.seed)
    inputs = tree.map(lambda part: part.astype(built.dtype) if part.dtype.kind == "f" else part, inputs)
    if count > rows:
        inputs = rows_at(inputs, np.random.default_rng(training.seed).permutation(count)[:rows])
        count = rows
    look = look_for(
        architecture=built.architecture,
        input_shape=built.input_shape,
        loss=None,
        optimizer=None,
        penalty=None,
        engine=engines.get("numpy"),
        settings=replace(settings, watch=()),
    )
    train_state = {
        "params": built.params,
        "state": built.state,
        "seed": np.uint32(training.seed % 2**32),
        "step": np.int32(0),
    }
    sample = {"x": tree.map(lambda part: part[None], inputs), "weights": np.ones((1, count), built.dtype)}
    with np.errstate(all="ignore"):
        found = plain(look.run(train_state, sample, 1.0, 1, 1.0))
    return ProbeRecords([record(0, 0, count, found, kinds(built))])
