"""When to probe, and how many rows to look at: chosen so that probes cost a small share of the training.

Costs are seconds of a nominal machine, worked out from multiply-adds and counts of operations and never measured, so
that the same run is always probed at the same epochs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from backlit.nn.layer import Layer, Shape
from backlit.nn.network import Network
from backlit.nn.recurrent import _Recurrent
from backlit.train.batches import Batches
from backlit.train.probes.settings import ROWS, Probes

SHARE = 0.03  # of the training's time
FEWEST = 16  # rows that a probe looks at
GROUPS = 8  # at most, of the rows; the gradient's noise is its variance between them
COMPILING = 0.5  # seconds; probes that take less on NumPy, all together, aren't worth a program of their own
_PRODUCT = 1 / 15e9  # seconds for one multiply-add
_NUMBER = 3e-9  # seconds to go through one number of a layer or parameter
_LAYER = 4e-4  # seconds for all the small operations of one layer's probe
_STEP = 2e-5  # seconds for one update of the compiled program, whatever its size
_TIME_STEP = 1e-5  # seconds for one time step there and back, compiled
_TIME_STEP_AT_ONCE = 2e-4  # and operation by operation


@dataclass(frozen=True)
class Plan:
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


def plan(network: Network, batches: Batches, epochs: int, settings: Probes, members: int, compiled: bool) -> Plan:
    """The plan of a run in which `members` networks are trained at once, and one is probed."""
    layers = _leaves(network.architecture, network.input_shape)
    recurrent = [(layer, shape) for layer, shape in layers if isinstance(layer, _Recurrent)]
    time_steps = sum(shape[0] for _, shape in recurrent)
    products = 3 * network.architecture.cost(network.input_shape) * _PRODUCT  # forward, back to inputs and weights
    step = network.size * _NUMBER + _STEP + time_steps * (_TIME_STEP if compiled else _TIME_STEP_AT_ONCE)
    epoch = (len(batches.rows) * products + batches.steps * batches.accumulate * step) * members
    values = sum(math.prod(layer.output_shape(shape)) for layer, shape in layers)
    row = products + 4 * values * _NUMBER
    fixed = len(layers) * _LAYER + 4 * network.size * _NUMBER + time_steps * _TIME_STEP_AT_ONCE
    budget = SHARE * epochs * epoch
    rows = settings.rows or int(min(ROWS, max(FEWEST, (budget - fixed) / row)))
    stateful = max((layer.stateful for layer, _ in recurrent), default=0)
    groups, size = _grouped(min(rows, len(batches.rows)), batches.size, stateful)
    one = fixed + groups * size * row
    chosen = spaced(epochs, int(budget / one)) if settings.every is None else _every(epochs, settings.every)
    return Plan(chosen, groups, size, at_once=not compiled or len(chosen) * one < COMPILING)


def _leaves(layer: Layer, shape: Shape) -> list[tuple[Layer, Shape]]:
    """All layers that aren't containers, with the shape of their input."""
    if not layer.parts():
        return [(layer, shape)]
    return [leaf for _, part, part_shape in layer.open(shape) for leaf in _leaves(part, part_shape)]


def _grouped(rows: int, batch: int, stateful: int) -> tuple[int, int]:
    """Groups and rows in each: of a batch's size if there are enough rows for two, else halves."""
    if stateful:  # they go on from a batch's states
        return 1, stateful
    groups = min(GROUPS, max(2, rows // batch), rows)
    return groups, min(batch, rows // groups) or 1


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
