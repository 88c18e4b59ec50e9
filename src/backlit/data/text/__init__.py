"""Text as numbers: units of text, tokenizers, pretrained word vectors, columns of texts."""

from backlit.data.text.reading import read_text
from backlit.data.text.texts import Symbols, Texts
from backlit.data.text.tokenizer import END, PADDING, START, UNKNOWN, Tokenizer

__all__ = ["END", "PADDING", "START", "UNKNOWN", "Symbols", "Texts", "Tokenizer", "read_text"]
