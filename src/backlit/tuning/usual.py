"""What is tried where the user doesn't say: chosen on tables that no published figure is of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backlit.tasks.plan import is_slow
from backlit.tuning.space import Choice, Interval, Space

NETWORKS = ("mlp:64", "mlp:128,64", "mlp:256,128", "residual:128,128")
OF_RATE = 8.0  # times the planned one, up and down
PIECES = (0, 8, 32)


def usual_space(planned: Mapping[str, Any]) -> Space:
    """Rates about the planned one, dropout, decay; of tables networks of some widths and how numbers are encoded.

    Sizes of batches aren't: another rate does much the same, and each size is a program more to compile.

    Parameters
    ----------
    planned : mapping
        The settings as they are without a search: they are in the space.
    """
    space: Space = {}
    rate = planned.get("learning_rate")
    if isinstance(rate, float) and rate > 0:
        space["learning_rate"] = Interval(float(f"{rate / OF_RATE:.2g}"), float(f"{rate * OF_RATE:.2g}"), log=True)
    network = planned.get("network")
    quick = isinstance(network, str) and not is_slow(network)
    if isinstance(network, str):
        space["dropout"] = Interval(0.0, 0.5)
    if str(planned.get("optimizer", "")).startswith("adamw"):
        space["weight_decay"] = Interval(0.003, 0.3, log=True)
    if quick:
        space["network"] = Choice((network, *(word for word in NETWORKS if word != network)))
        if planned.get("pieces"):
            space["pieces"] = Choice(PIECES)
    return space
