"""Looking inside: explanations of graphs, and pictures."""

from backlit.inspect import plots

__all__ = ["plots"]
