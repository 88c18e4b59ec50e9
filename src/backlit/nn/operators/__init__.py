"""ONNX's operators in Backlit's operations: `OPERATORS` by name, entered by the modules that declare them."""

from backlit.nn.operators import (
    arithmetic,
    choosing,
    normalizing,
    places,
    products,
    recurring,
    reducing,
    reshaping,
    scaling,
    windows,
)
from backlit.nn.operators.table import OPERATORS, Call, Operator

__all__ = [
    "OPERATORS",
    "Call",
    "Operator",
    "arithmetic",
    "choosing",
    "normalizing",
    "places",
    "products",
    "recurring",
    "reducing",
    "reshaping",
    "scaling",
    "windows",
]
