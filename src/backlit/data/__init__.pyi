from .datasets import Dataset, load, names
from .files import Source, read, read_source
from .frames import as_arrays
from .gaps import FillGaps
from .generated import DIRECTIONS, gestures
from .labels import Labels, one_hot
from .pictures import Pictures
from .scaling import Center, MinMax, Standardize
from .splitting import split
from .streams import Block, Stream, open_table, understand
from .table import TablePreparation
from .text import Subwords, TextColumn, Tokenizer, Vectors, read_text, read_vectors

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
