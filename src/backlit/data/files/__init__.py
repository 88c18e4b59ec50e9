"""Table files as data frames; how each was read is told, and whatever is wrong is told by line and column."""

from backlit.data.files.source import Source, read, read_source

__all__ = ["Source", "read", "read_source"]
