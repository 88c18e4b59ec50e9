"""Textbook mode: one training step by hand."""

from backlit.inspect.textbook.update import Update, WeightUpdate, explain_update

__all__ = ["Update", "WeightUpdate", "explain_update"]
