"""What older run folders say in another way.

Their `network.json` tells where training diverged as {"epoch", "step", "layer", "member"}, "layer" being an English
sentence; today's holds the record `Divergence`. This is the one place that reads such a sentence.
"""

from __future__ import annotations

import re
from typing import Any

from backlit.train.divergence import Divergence, Place

_SENTENCES: tuple[tuple[str, Place], ...] = (
    (r"parameter (?P<path>.+), which the update before had made infinite or NaN", "parameter"),
    (r"the input data", "inputs"),
    (r"layer (?P<path>.*)", "layer"),
    (r"the network's output", "output"),
    (r"the loss (?P<path>.+)", "loss"),
    (r"the sum of the losses, which reach (?P<greatest>\S+)", "sum of losses"),
    (r"the validation loss", "validation loss"),
)


def divergence(told: dict[str, Any]) -> Divergence:
    """The record, from what an index of any format holds.

    Examples
    --------
    >>> divergence({"epoch": 2, "step": 5, "layer": "the loss CrossEntropy()", "member": None})
    Divergence(kind='loss', path='CrossEntropy()', epoch=2, step=5, member=None, greatest=None, block='')
    """
    if "layer" not in told:
        return Divergence(**told)
    for pattern, kind in _SENTENCES:
        if match := re.fullmatch(pattern, told["layer"]):
            parts = match.groupdict()
            greatest = float(parts["greatest"]) if "greatest" in parts else None
            return Divergence(kind, parts.get("path", ""), told["epoch"], told["step"], told.get("member"), greatest)
    raise ValueError(f"diverged: no place is called {told['layer']!r}")
