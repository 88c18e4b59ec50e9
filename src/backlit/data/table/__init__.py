"""Tables: columns understood, cleaned and turned into the inputs and targets of a network."""

from backlit.data.table.category import Category
from backlit.data.table.column import Column, LeftOut
from backlit.data.table.moment import Moment
from backlit.data.table.number import Number
from backlit.data.table.preparation import TablePreparation
from backlit.data.table.target import TableTarget
from backlit.data.table.understanding import WISHES, understand
from backlit.data.table.values import as_polars

__all__ = [
    "WISHES",
    "Category",
    "Column",
    "LeftOut",
    "Moment",
    "Number",
    "TablePreparation",
    "TableTarget",
    "as_polars",
    "understand",
]
