"""Data: built-in sets, tables, texts, scaling, splitting, encoding."""

from backlit.data.datasets import Dataset, load, names
from backlit.data.files import Source, read, read_source
from backlit.data.frames import as_arrays
from backlit.data.gaps import FillGaps
from backlit.data.generated import DIRECTIONS, gestures
from backlit.data.labels import Labels, one_hot
from backlit.data.pictures import Pictures
from backlit.data.scaling import Center, MinMax, Standardize
from backlit.data.splitting import split
from backlit.data.streams import Block, Stream, open_table, understand
from backlit.data.table import TablePreparation
from backlit.data.text import Subwords, TextColumn, Tokenizer, Vectors, read_text, read_vectors

__all__ = [
    "DIRECTIONS",
    "Block",
    "Center",
    "Dataset",
    "FillGaps",
    "Labels",
    "MinMax",
    "Pictures",
    "Source",
    "Standardize",
    "Stream",
    "Subwords",
    "TablePreparation",
    "TextColumn",
    "Tokenizer",
    "Vectors",
    "as_arrays",
    "gestures",
    "load",
    "names",
    "one_hot",
    "open_table",
    "read",
    "read_source",
    "read_text",
    "read_vectors",
    "split",
    "understand",
]
