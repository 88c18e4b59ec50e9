"""Bytes of a text file as UTF-8, whatever they were; binary files are told by their first bytes."""

from __future__ import annotations

import codecs
import itertools
import re
from pathlib import Path

from backlit.errors import InputError

CHUNK = 1 << 24
SAMPLE = 1 << 20
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
SPOKEN = {
    "utf-8-sig": "UTF-8 with a byte order mark",
    "utf-16-le": "UTF-16 (little-endian)",
    "utf-16-be": "UTF-16 (big-endian)",
    "utf-32-le": "UTF-32 (little-endian)",
    "utf-32-be": "UTF-32 (big-endian)",
    "cp949": "CP949 (Korean)",
    "cp1252": "CP1252 (Western European)",
}
SIGNATURES = (
    (b"PAR1", "a Parquet file", ".parquet"),
    (b"ARROW1", "an Arrow file", ".arrow"),
    (b"FEA1", "a Feather file of the old version 1", None),
    (b"PK\x03\x04", "a zip archive (Excel and NumPy files are such)", ".xlsx or .npz"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Office file", ".xls"),
    (b"\x1f\x8b", "compressed by gzip", ".csv.gz"),
    (b"BZh", "compressed by bzip2", None),
    (b"\xfd7zXZ\x00", "compressed by xz", None),
    (b"\x28\xb5\x2f\xfd", "compressed by Zstandard", None),
    (b"\x93NUMPY", "a NumPy array", None),
    (b"\x89PNG", "a picture", None),
    (b"\xff\xd8\xff", "a picture", None),
    (b"%PDF", "a PDF", None),
    (b"\x89HDF", "an HDF5 file", None),
    (b"SQLite format 3", "a SQLite database", None),
)
FOREIGN = re.compile(rb"[^\x00-\x7f]+")
ENOUGH = 10_000  # words to tell a language by
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1b\x1c-\x1f\x7f]")  # what no text holds; Ctrl-Z ended files once


def what_is_it(data: bytes) -> tuple[str, str | None] | None:
    """What a file's first bytes say it is, with the ending such files have; None for what may be text."""
    return next(((what, ending) for magic, what, ending in SIGNATURES if data.startswith(magic)), None)


def as_utf8(data: bytes, path: Path, thorough: bool = True, expected: str = "a table such as CSV") -> tuple[bytes, str]:
    """The same text in UTF-8 without a byte order mark, and the encoding found, by Python's name for it.

    Tried in turn, and taken if all bytes make sense: the byte order mark; UTF-8; UTF-16, told by its zero bytes; CP949
    (which holds EUC-KR), if most of what isn't ASCII are common Hangul syllables; CP1252 (which holds Latin-1).

    Parameters
    ----------
    thorough : bool
        Otherwise UTF-8 is believed after a look at the first megabyte; whoever reads on checks the rest.
    expected : str
        What the file should be, for messages.

    Raises
    ------
    InputError
        If the bytes are no text.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            try:
                return _decoded(data[len(mark) :], encoding), encoding
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{path} isn't text: it starts as {SPOKEN[encoding]}, but from byte {error.start} on it isn't"
                ) from error
    if b"\0" in data:
        encoding = "utf-16-le" if data[1:SAMPLE:2].count(0) > data[:SAMPLE:2].count(0) else "utf-16-be"
        text = _attempted(data, encoding)
        if text is None or not (b"\n" in text or b"\r" in text):  # noise is rare signs without an end of line
            raise _binary(path, data, expected)
        return _text(text, path, expected), encoding
    if is_utf8(data if thorough else data[:SAMPLE], thorough or len(data) <= SAMPLE):
        return _text(data, path, expected), "utf-8"
    korean = _attempted(data, "cp949")
    if korean is not None and _is_korean(korean):
        return _text(korean, path, expected), "cp949"
    western = _attempted(data, "cp1252")
    if western is not None:
        return _text(western, path, expected), "cp1252"
    if korean is None:
        raise _binary(path, data, expected)
    return _text(korean, path, expected), "cp949"


def _attempted(data: bytes, encoding: str) -> bytes | None:
    try:
        return _decoded(data, encoding)
    except UnicodeDecodeError:
        return None


def is_utf8(data: bytes, whole: bool = True) -> bool:
    """Whether all bytes are; a piece that isn't the whole may end within a character."""
    try:
        return data.isascii() or bool(_decoded(data, "utf-8", whole))
    except UnicodeDecodeError:
        return False


def _decoded(data: bytes, encoding: str, whole: bool = True) -> bytes:
    """Other text in UTF-8, a piece at a time: the whole would need four bytes a character in between."""
    decoder = codecs.getincrementaldecoder(encoding.removesuffix("-sig"))()
    view = memoryview(data)
    if encoding.startswith("utf-8"):
        for start in range(0, len(data), CHUNK):
            decoder.decode(view[start : start + CHUNK], whole and start + CHUNK >= len(data))
        return data
    pieces = []
    for start in range(0, len(data), CHUNK):
        piece = decoder.decode(view[start : start + CHUNK], start + CHUNK >= len(data))
        pieces.append(piece.encode())
    return b"".join(pieces)


def _is_korean(text: bytes) -> bool:
    """Whether most of what isn't ASCII are the syllables of the Korean standard, as far as a look goes.

    CP949's further syllables don't count: a German "Ä" before a letter is one of them.
    """
    pieces = itertools.islice(FOREIGN.finditer(text), ENOUGH)
    foreign = b"".join(piece[0] for piece in pieces).decode()
    return 2 * sum(map(_is_common, foreign)) > len(foreign)


def _is_common(character: str) -> bool:
    code = character.encode("euc_kr", "ignore")
    return len(code) == 2 and 0xB0 <= code[0] <= 0xC8


def _text(data: bytes, path: Path, expected: str) -> bytes:
    if CONTROL.search(data[:SAMPLE]) is not None:
        raise _binary(path, data, expected)
    return data


def _binary(path: Path, data: bytes, expected: str) -> InputError:
    what = what_is_it(data)
    if what is None:
        return InputError(f"{path} isn't text (it looks binary); expected {expected}")
    return is_other(path, *what)


def is_other(path: Path, what: str, ending: str | None) -> InputError:
    """The error for a file whose content is of another kind than its name says."""
    remedy = f"if that is what you want to read, name it so that it ends in {ending}" if ending else "save it as CSV"
    return InputError(f"{path} isn't what its name says: it is {what}; {remedy}")
