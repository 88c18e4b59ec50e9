"""Data larger than memory: read in pieces, understood in one pass, handed out in blocks."""

from backlit.data.streams.opening import open_table
from backlit.data.streams.stream import Block, Stream
from backlit.data.streams.streaming import Parts, as_block, as_stream, is_stream, parts
from backlit.data.streams.table import StreamedTable
from backlit.data.streams.understanding import Understanding, understand

__all__ = [
    "Block",
    "Parts",
    "Stream",
    "StreamedTable",
    "Understanding",
    "as_block",
    "as_stream",
    "is_stream",
    "open_table",
    "parts",
    "understand",
]
