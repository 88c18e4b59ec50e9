"""Data: built-in sets, tables, scaling, splitting, encoding."""

from backlit.data.datasets import Dataset, load, names
from backlit.data.encoding import Labels, one_hot
from backlit.data.frames import as_arrays
from backlit.data.reading import Source, read, read_source
from backlit.data.scaling import Center, MinMax, Standardize
from backlit.data.splitting import split
from backlit.data.table import TablePreparation
from backlit.data.text import TextColumn, Tokenizer, Vectors, read_vectors

__all__ = [
    "Center",
    "Dataset",
    "Labels",
    "MinMax",
    "Source",
    "Standardize",
    "TablePreparation",
    "TextColumn",
    "Tokenizer",
    "Vectors",
    "as_arrays",
    "load",
    "names",
    "one_hot",
    "read",
    "read_source",
    "read_vectors",
    "split",
]
