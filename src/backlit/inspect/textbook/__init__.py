"""Textbook mode: one training step by hand."""

from backlit.inspect.textbook.update import Update, explain_update
from backlit.inspect.textbook.weights import WeightUpdate

__all__ = ["Update", "WeightUpdate", "explain_update"]
