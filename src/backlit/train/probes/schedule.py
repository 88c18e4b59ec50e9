"""When to probe, and how many rows to look at: chosen so that probes cost a small share of the training.

Costs are seconds of a nominal machine, worked out from multiply-adds and counts of operations and never measured, so
that the same run is always probed at the same epochs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from backlit.nn.layer import Network
from backlit.nn.layers.recurrent import _Recurrent
from backlit.train.batches import Batches
from backlit.train.probes.settings import ROWS, Probes

SHARE = 0.02  # of the training's time
LEAST = 0.005  # seconds that probes may take at any rate: less than compiling varies by
OFTEN = 8  # probes that a run should have; where they can't all see ROWS rows, they see fewer
FEWEST = 8  # rows that a probe looks at
GROUPS = 8  # at most, of the rows; the gradient's noise is its variance between them
COMPILING = 60.0  # seconds; probes that take less on NumPy, all together, aren't worth 3 to 5 s of compiling


@dataclass(frozen=True)
class Speed:
    """Seconds for one multiply-add, one number of a layer, one parameter, one layer, one time step, and for nothing."""

    product: float
    number: float
    parameter: float
    layer: float
    time_step: float
    call: float


TRAINING = Speed(1 / 100e9, 0.0, 5e-10, 0.0, 1e-5, 2e-5)  # an update of the compiled program
COMPILED = Speed(1 / 100e9, 1e-8, 5e-9, 5e-5, 2e-5, 1e-3)  # a probe
AT_ONCE = Speed(1 / 30e9, 2e-8, 2e-8, 3e-4, 1.5e-4, 5e-4)  # a probe, or an update, on NumPy


@dataclass(frozen=True)
class ProbePlan:
    """What the probes of a run look at.

    Attributes
    ----------
    epochs : frozenset of int
        After which epochs.
    groups, size : int
        How many groups of how many rows.
    at_once : bool
        Whether they run on NumPy rather than compiled.
    """

    epochs: frozenset[int]
    groups: int
    size: int
    at_once: bool


def probe_plan(
    network: Network, batches: Batches, epochs: int, settings: Probes, members: int, compiled: bool
) -> ProbePlan:
    """The plan of a run in which `members` networks are trained at once, and one is probed."""
    places = network.architecture.walk_shapes(network.input_shape)
    layers = [(place.layer, place.shape) for place in places if not place.layer.parts()]
    recurrent = [(layer, shape) for layer, shape in layers if isinstance(layer, _Recurrent)]
    time_steps = sum(shape[0] for _, shape in recurrent)
    stateful = max((layer.stateful for layer, _ in recurrent), default=0)
    products = 3 * network.architecture.cost(network.input_shape)  # forward, and back to inputs and weights
    values = sum(math.prod(layer.output_shape(shape)) for layer, shape in layers)
    own = TRAINING if compiled else AT_ONCE
    update = own.call + network.size * own.parameter + time_steps * own.time_step
    epoch = batches.steps * batches.accumulate * (batches.size * products * own.product + update)
    budget = max(SHARE * epochs * epoch * members, LEAST)

    def planned(speed: Speed) -> tuple[ProbePlan, float]:
        fixed = speed.call + len(layers) * speed.layer + network.size * speed.parameter + time_steps * speed.time_step
        row = products * speed.product + values * speed.number
        rows = settings.rows or _affordable(budget, min(OFTEN, epochs), fixed, row)
        groups, size = _grouped(min(rows, len(batches.rows)), batches.size, stateful)
        one = fixed + groups * size * row
        chosen = spaced(epochs, int(budget / one)) if settings.every is None else _every(epochs, settings.every)
        return ProbePlan(chosen, groups, size, speed is AT_ONCE), len(chosen) * one

    at_once, seconds = planned(AT_ONCE)
    return at_once if not compiled or seconds < COMPILING else planned(COMPILED)[0]


def _affordable(budget: float, count: int, fixed: float, row: float) -> int:
    """Rows for `count` probes; as many as cost no more than what a probe costs at any rate; but one must be in it."""
    wanted = max(budget / count - fixed, min(fixed, budget - fixed))
    return int(min(ROWS, max(FEWEST, wanted / max(row, 1e-12))))


def _grouped(rows: int, batch: int, stateful: int) -> tuple[int, int]:
    """Groups and rows in each: of a batch's size if there are enough rows for two, else halves, if they're worth it."""
    if stateful:  # they go on from a batch's states
        return 1, stateful
    groups = min(GROUPS, max(2, rows // batch)) if rows >= 2 * FEWEST else 1
    return groups, min(batch, rows // groups)


def _every(epochs: int, every: int) -> frozenset[int]:
    return frozenset({*range(every, epochs + 1, every), epochs})


def spaced(epochs: int, count: int) -> frozenset[int]:
    """At most about `count` of the epochs, the last among them: often at first, then at equal distances.

    >>> sorted(spaced(20, 9)), sorted(spaced(100, 3)), sorted(spaced(5, 9))
    ([1, 2, 4, 8, 12, 16, 20], [1, 10, 100], [1, 2, 3, 4, 5])
    """
    if count <= 1:
        return frozenset({epochs})
    period = 1
    while period <= epochs:
        chosen = {2**i for i in range(period.bit_length()) if 2**i < period}
        chosen |= {*range(period, epochs + 1, period), epochs}
        if len(chosen) <= count:
            return frozenset(chosen)
        period *= 2
    return frozenset(round(epochs ** (i / (count - 1))) for i in range(count))
