"""Data in the forms of other libraries: data sets of Hugging Face, PyTorch, TensorFlow and Keras."""

from backlit.exchange.data.examples import from_dataset, is_dataset
from backlit.exchange.data.huggingface import as_pictures, as_tables, is_huggingface, parts_of

__all__ = ["as_pictures", "as_tables", "from_dataset", "is_dataset", "is_huggingface", "parts_of"]
