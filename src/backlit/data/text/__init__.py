"""Text as numbers: units of text, tokenizers, pretrained word vectors, columns of texts."""

from backlit.data.text.tokenizer import END, PADDING, START, UNKNOWN, Tokenizer

__all__ = ["END", "PADDING", "START", "UNKNOWN", "Tokenizer"]
