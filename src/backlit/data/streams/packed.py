"""A file's bytes from front to back, unpacked as they are read."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from backlit.data.streams.found import Found
from backlit.errors import InputError
from backlit.extras import need

SIZE = 1 << 23  # bytes that are read at a time
DAMAGED = (gzip.BadGzipFile, EOFError, OSError, zlib.error, lzma.LZMAError, ValueError)


@contextlib.contextmanager
def opened(file: Found) -> Iterator[IO[bytes]]:
    """A file's bytes, unpacked as they are read."""
    try:
        stream = _open(file.path, file.ending)
    except OSError as error:
        raise InputError(f"{file.path} can't be read: {error}") from error
    with stream:
        yield stream


def _open(path: Path, ending: str) -> IO[bytes]:
    if ending == ".zst":
        if sys.version_info >= (3, 14):
            from compression import zstd

            return zstd.ZstdFile(path)
        zstandard = need("zstandard", extra="zstd", why="reading files compressed by Zstandard")
        whole: IO[bytes] = zstandard.ZstdDecompressor().stream_reader(path.open("rb"), read_across_frames=True)
        return whole
    openers: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    opened: IO[bytes] = openers[ending](path, "rb") if ending in openers else path.open("rb")
    return opened


def read(opened: IO[bytes], size: int, file: Found) -> bytes:
    """As many bytes, or what is left."""
    pieces, count = [], 0
    try:
        while count < size and (piece := opened.read(size - count)):
            pieces.append(piece)
            count += len(piece)
    except DAMAGED as error:
        what = "decompressed" if file.ending else "read"
        raise InputError(f"{file.path} can't be {what}: {error!s:.200}; is it damaged?") from error
    return b"".join(pieces)


def skip(opened: IO[bytes], count: int, file: Found) -> None:
    """Past so many bytes: at once, or reading them where a file is packed."""
    if not file.ending:
        opened.seek(count)
        return
    while count:
        passed = len(read(opened, min(count, SIZE), file))
        if not passed:
            return
        count -= passed
