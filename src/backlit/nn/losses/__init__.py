"""Losses: how wrong an output is, one number for each example.

A loss maps outputs and targets to ``(batch,)``; training takes their (weighted) mean. Shapes must fit exactly: an
output of shape (n, 1) against targets of shape (n,) would silently compare each with all.
"""

from __future__ import annotations

from backlit.nn.losses.base import FunctionLoss, Loss
from backlit.nn.losses.classification import (
    BinaryCrossEntropy,
    CrossEntropy,
    Hinge,
    NegativeLogLikelihood,
    SoftCrossEntropy,
)
from backlit.nn.losses.heads import Head, Heads
from backlit.nn.losses.naming import built_in, default_for, from_dict, get, names, to_dict
from backlit.nn.losses.regression import Huber, MeanAbsoluteError, MeanSquaredError, SquaredError

__all__ = [
    "BinaryCrossEntropy", "CrossEntropy", "FunctionLoss", "Head", "Heads", "Hinge", "Huber", "Loss",
    "MeanAbsoluteError", "MeanSquaredError", "NegativeLogLikelihood", "SoftCrossEntropy", "SquaredError", "built_in",
    "default_for", "from_dict", "get", "names", "to_dict",
]  # fmt: skip
