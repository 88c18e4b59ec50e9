"""Text as numbers: units of text, tokenizers, word vectors, columns of texts."""

from backlit.data.text.preparation import TextColumn
from backlit.data.text.reading import read_text
from backlit.data.text.subwords import Subwords
from backlit.data.text.texts import Symbols, Texts
from backlit.data.text.tokenizer import END, PADDING, START, UNKNOWN, Tokenizer
from backlit.data.text.vectors import Vectors, read_vectors

__all__ = [
    "END",
    "PADDING",
    "START",
    "UNKNOWN",
    "Subwords",
    "Symbols",
    "TextColumn",
    "Texts",
    "Tokenizer",
    "Vectors",
    "read_text",
    "read_vectors",
]
