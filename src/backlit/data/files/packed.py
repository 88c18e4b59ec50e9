"""Files as bytes: found, read, decompressed; standard input and pipes, too."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any

from backlit import bounds
from backlit.errors import InputError, unknown
from backlit.extras import need

STANDARD_INPUT = "-"
PIECE, FEW = 1 << 20, 1 << 10  # bytes that are unpacked, or taken, at a time
PART = "::"  # before a table, sheet or member of a file
ADDRESS = re.compile("[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def located(path: str | Path) -> tuple[Path, str | None]:
    """A path, and which part of the file is meant: ``data.sqlite::flights``.

    >>> located("data.sqlite::flights")
    (PosixPath('data.sqlite'), 'flights')
    """
    if ADDRESS.match(str(path)):
        raise InputError(f"{path} is an address, and nothing is fetched from elsewhere: download it first")
    file, mark, part = str(path).rpartition(PART)
    if not mark or not file or Path(path).exists():
        return Path(path), None
    return Path(file), part


def contents(path: Path) -> bytes:
    """A file's bytes.

    Raises
    ------
    InputError
        If it is missing (the nearest name is told), a folder, empty, or can't be read.
    """
    if str(path) == STANDARD_INPUT:
        data = sys.stdin.buffer.read()
        if not data:
            raise InputError("standard input is empty")
        return data
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder; expected a table file such as CSV or Parquet")
        if not path.exists():
            folder = path.parent
            near = get_close_matches(path.name, [p.name for p in folder.iterdir()], n=1) if folder.is_dir() else []
            raise InputError(f"there is no file {path}" + (f"; did you mean {folder / near[0]}?" if near else ""))
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} can't be read: {error}") from error
    if not data:
        raise InputError(f"{path} is empty")
    return data


def unpacked(data: bytes, path: Path, member: str | None = None) -> tuple[bytes, str, str | None]:
    """The file's bytes, decompressed, the ending that tells their format, and the part of it that is still meant.

    Parameters
    ----------
    data : bytes
    path : path
    member : str, optional
        Which file of a zip archive, if there are several.

    Raises
    ------
    InputError
        If they can't be decompressed, or an archive doesn't hold one file.
    """
    ending = path.suffix.lower()
    if not path.is_file():  # a pipe, or standard input, has no ending
        ending = next((ending for ending, magic in MAGIC.items() if data.startswith(magic)), ending)
    if ending == ".zip":
        data, name = _member(data, path, member)
        return data, PurePosixPath(name).suffix.lower(), None
    if ending not in PACKED:
        return data, ending, member
    try:
        data = joined(PACKED[ending](data), path, len(data))
    except InputError:
        raise
    except (gzip.BadGzipFile, OSError, EOFError, MemoryError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise InputError(f"{path} can't be decompressed: {error!s:.200}; is it damaged?") from error
    if not data:
        raise InputError(f"{path} is empty")
    return data, Path(path.stem).suffix.lower(), member


def joined(pieces: Iterable[bytes], path: Path, size: int) -> bytes:
    """What a packed file of so many bytes holds, unless it is more than the limit allows.

    Raises
    ------
    InputError
        As soon as there is more: a few megabytes can unpack to thousands.
    """
    whole = io.BytesIO()
    for piece in pieces:
        whole.write(piece)
        if whole.tell() > max(bounds.current().unpacked, bounds.TIMES * size):
            raise InputError(bounds.beyond("unpacked", f"{path} unpacks to {whole.tell():,} bytes or more"))
    return whole.getvalue()


def _pieces(file: Any) -> Iterator[bytes]:
    return iter(lambda: file.read(PIECE), b"")


def _by(opened: Callable[[io.BytesIO], Any]) -> Callable[[bytes], Iterator[bytes]]:
    def pieces(data: bytes) -> Iterator[bytes]:
        with opened(io.BytesIO(data)) as file:
            yield from _pieces(file)

    return pieces


def _zstandard(data: bytes) -> Iterator[bytes]:
    if sys.version_info >= (3, 14):
        from compression import zstd

        yield from _pieces(zstd.ZstdFile(io.BytesIO(data)))
        return
    zstandard = need("zstandard", extra="zstd", why="reading files compressed by Zstandard")
    try:
        frame = zstandard.ZstdDecompressor().decompressobj()
        for start in range(0, len(data), FEW):  # few at a time: each block of four bytes may unpack to 128 KiB
            piece = data[start : start + FEW]
            while piece:  # frame by frame; reading them as one stream wouldn't tell that the last one is cut
                if frame.eof:
                    frame = zstandard.ZstdDecompressor().decompressobj()
                yield frame.decompress(piece)
                piece = frame.unused_data if frame.eof else b""
        if not frame.eof:
            raise ValueError("it ends before its data does")
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error


def _member(data: bytes, path: Path, member: str | None) -> tuple[bytes, str]:
    """The one file of a zip archive, or the one that is named."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = [name for name in archive.namelist() if not name.endswith("/") and not _is_hidden(name)]
            name = _meant(files, path, member)
            with archive.open(name) as file:
                return joined(_pieces(file), path, len(data)), name
    except InputError:
        raise
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, zlib.error, EOFError) as error:
        raise InputError(f"{path} can't be decompressed: {error}; is it damaged?") from error


def _meant(files: list[str], path: Path, member: str | None) -> str:
    if member is not None and member not in files:
        raise unknown(f"file of {path}", member, files)
    if member is None and len(files) != 1:
        raise InputError(
            f"{path} holds {len(files)} files ({', '.join(files[:10])}); say which: {path}{PART}NAME"
            if files
            else f"{path} holds no file"
        )
    return member or files[0]


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


PACKED: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    ".gz": _by(gzip.open),
    ".bz2": _by(bz2.open),
    ".xz": _by(lzma.open),
    ".zst": _zstandard,
}
MAGIC = {".gz": b"\x1f\x8b", ".bz2": b"BZh", ".xz": b"\xfd7zXZ\x00", ".zst": b"\x28\xb5\x2f\xfd"}


def packer(ending: str) -> Callable[[bytes], bytes] | None:
    """What compresses bytes for a file of this ending; None for one that isn't compressed.

    Raises
    ------
    InputError
        If nothing is written in that way.
    """
    if ending in (".zst", ".zip"):
        raise InputError(f"{ending} isn't written; name the file so that it ends in .gz, .bz2 or .xz")
    return {".gz": lambda data: gzip.compress(data, mtime=0), ".bz2": bz2.compress, ".xz": lzma.compress}.get(ending)
