"""How large a network would be, told before it is made."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backlit import bounds
from backlit.errors import InputError
from backlit.graph import tree
from backlit.nn.key import Key


def require_size(architecture: Any, input_shape: tuple[int, ...]) -> None:
    """Refuse a network that is larger than the limits allow, before any weight is drawn.

    Raises
    ------
    InputError
        With the limit, and how it is raised.
    """
    count, pending = 0, [(architecture, 1)]
    while pending:
        layer, depth = pending.pop()
        count += 1
        bounds.require("layers", count, "the network has at least")
        bounds.require("nesting", depth, "the network has layers in layers, at least")
        pending += [(part, depth + 1) for _, part in layer.parts()]
    try:
        params, _ = architecture.init(Key.undrawn(), input_shape)
    except MemoryError as error:
        raise InputError(bounds.beyond("parameters", "the network has more weights than there is memory")) from error
    size = sum(math.prod(np.shape(leaf)) for leaf in tree.leaves(params))
    bounds.require("parameters", size, "the network has")
