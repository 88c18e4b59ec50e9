"""Whether a row's output hangs on the rows that it is predicted with."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.graph import tree
from backlit.nn.layer import Network
from backlit.nn.shapes import rows_of

WORK = 2e9  # multiply-adds that it may take: what is told besides mustn't take longer than a training


def of_one_row(network: Network, x: Any) -> dict[str, Any]:
    """By how much a few rows' outputs change if the first is predicted alone, as "alone", of their own size.

    Empty where that can't be told: for a network that is too costly, or a layer that takes no batch of this size.

    Parameters
    ----------
    network : Network
    x : array (rows, ...), or several by name
        A few rows.

    Examples
    --------
    >>> import backlit as bl
    >>> of_one_row(bl.Sequential(bl.Linear(2)).build((3,)), np.ones((4, 3)))["alone"] < 1e-6
    True
    """
    try:
        if network.architecture.cost(network.input_shape) * (rows_of(x) + 1) > WORK:
            return {}
        with np.errstate(all="ignore"):
            whole = [np.asarray(part, np.float64) for part in _outputs(network, x)]
            single = [np.asarray(part, np.float64)[0] for part in _outputs(network, tree.map(lambda part: part[:1], x))]
        off = [np.abs(one - many[0]) for one, many in zip(single, whole, strict=True)]
    except Exception:  # noqa: BLE001 - a layer of one's own may want anything; no trained network is lost for a fact
        return {}
    size = max((float(np.abs(many).max()) for many in whole if many.size), default=0.0)
    most = max((float(part.max()) for part in off if part.size), default=0.0)
    return {"alone": most / size} if size and np.isfinite(most / size) else {}


def _outputs(network: Network, x: Any) -> list[Any]:
    return tree.leaves(network.apply(network.params, x)[0])
