"""Bytes of a text file as UTF-8, whatever they were; binary files are told by their first bytes."""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterator
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
    "cp932": "CP932 (Japanese, Shift-JIS)",
    "gb18030": "GB18030 (Chinese, GBK)",
    "big5": "Big5 (Chinese)",
    "cp1251": "CP1251 (Cyrillic)",
    "koi8_r": "KOI8-R (Cyrillic)",
    "cp1253": "CP1253 (Greek)",
    "cp1255": "CP1255 (Hebrew)",
    "cp1256": "CP1256 (Arabic)",
}
# Between which charset-normalizer decides: not Korean, which is told more surely by its syllables, and none of the
# Latin ones, which it confuses in short texts (it took German and French tables of two rows for CP1250 or Big5).
LIBRARYS = ("cp932", "gb18030", "big5", "cp1251", "koi8_r", "cp1253", "cp1255", "cp1256")
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
    (b"\x93NUMPY", "a NumPy array", ".npy"),
    (b"\x89PNG", "a picture", None),
    (b"\xff\xd8\xff", "a picture", None),
    (b"%PDF", "a PDF", None),
    (b"\x89HDF", "an HDF5 file", None),
    (b"SQLite format 3", "a SQLite database", ".sqlite"),
    (b"<!DOCTYPE", "a web page", None),
    (b"<!doctype", "a web page", None),
    (b"<html", "a web page", None),
    (b"<HTML", "a web page", None),
    (b"<?xml", "XML", None),
    (b"\x1f\x9d", "compressed by compress", None),
)
FOREIGN = re.compile(rb"[^\x00-\x7f]+")
LINE_END = re.compile(rb"[\r\n]|\Z")
WORD = re.compile(r"[^\W\d_]+")
FREQUENT = "оеаинтсрвлкм"  # make seven of ten letters in Russian texts
NEVER_FIRST, SIGNS = "ьъыЬЪЫ", "«»—–№“”„…\u00a0"  # letters that begin no Russian word; signs beside them
FEW_LETTERS, SHAPED = 4, 0.9  # letters that tell an alphabet, and share of words with capitals where they belong
ENOUGH = 10_000  # words to tell a language by
LINES, NEAR = 500, 10_000  # that charset-normalizer gets, and bytes to either side
EVIDENCE = 2  # bytes that aren't ASCII from which it is asked
ALONE = 0.7  # share of such bytes that stand alone in Western words
KOREAN = 0.8  # share of syllables of the Korean standard among letters; Chinese read as CP949 has about 0.6
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1b\x1c-\x1f\x7f]")  # what no text holds; Ctrl-Z ended files once
SLIPS = 0.02  # share of such bytes up to which they are slips in a text


def what_is_it(data: bytes) -> tuple[str, str | None] | None:
    """What a file's first bytes say it is, with the ending such files have; None for what may be text."""
    return next(((kind, ending) for magic, kind, ending in SIGNATURES if data.startswith(magic)), None)


def as_utf8(
    data: bytes,
    path: Path,
    thorough: bool = True,
    expected: str = "a table such as CSV",
    encoding: str | None = None,
) -> tuple[bytes, str]:
    """The same text in UTF-8 without a byte order mark, and the encoding found, by Python's name for it.

    Tried in turn, and taken if all bytes make sense: the byte order mark; UTF-8; UTF-16, told by its zero bytes; CP949
    (which holds EUC-KR), if most letters that aren't ASCII are common Hangul syllables; CP1252 (which holds Latin-1),
    if most of them stand alone among ASCII; Japanese, Chinese, Cyrillic, Greek, Hebrew or Arabic as charset-normalizer
    finds them.

    Parameters
    ----------
    thorough : bool
        Otherwise UTF-8 is believed after a look at the first megabyte; whoever reads on checks the rest.
    expected : str
        What the file should be, for messages.
    encoding : str, optional
        The encoding, where the user knows it.

    Raises
    ------
    InputError
        If the bytes are no text, or none in the given encoding; if no encoding is called so.
    """
    if encoding is not None:
        return _as_given(data, path, encoding), encoding
    for mark, marked in MARKS:
        if data.startswith(mark):
            try:
                return _decoded(data[len(mark) :], marked), marked
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{path} isn't text: it starts as {SPOKEN[marked]}, but from byte {error.start} on it isn't"
                ) from error
    sample = data[:SAMPLE]
    utf8 = is_utf8(data if thorough else sample, thorough or len(data) <= SAMPLE)
    if b"\0" in data and not (utf8 and data.count(0) <= SLIPS * len(data)):
        wide = "utf-16-le" if data[1:SAMPLE:2].count(0) > data[:SAMPLE:2].count(0) else "utf-16-be"
        text = _attempted(data, wide)
        if text is None or not (b"\n" in text or b"\r" in text):  # noise is rare signs without an end of line
            raise _binary(path, data, expected)
        return _text(text, path, expected), wide
    if utf8:
        return _text(data, path, expected), "utf-8"
    for legacy in _legacy(data):
        text = _attempted(data, legacy)
        if text is not None:
            return _text(text, path, expected), legacy
    raise _binary(path, data, expected)


def _as_given(data: bytes, path: Path, encoding: str) -> bytes:
    """UTF-8 of what the user says to be in an encoding; its byte order mark is left out."""
    try:
        text = data.decode(encoding)
    except LookupError as error:
        raise InputError(
            f"there is no encoding {encoding!r}; name one such as utf-8, cp949, cp932 or latin-1"
        ) from error
    except UnicodeError as error:
        where = f": byte {error.start} makes no sense in it" if isinstance(error, UnicodeDecodeError) else ""
        raise InputError(f"{path} isn't text in the encoding {encoding}{where}") from error
    return text.removeprefix("\ufeff").encode(errors="replace")


def _legacy(data: bytes) -> Iterator[str]:
    """Encodings that aren't Unicode's, likeliest first."""
    korean = _attempted(data, "cp949")
    if korean is not None and _is_korean(korean):
        yield "cp949"
    if _stand_alone(data):
        yield "cp1252"
    sample = b"\n".join(itertools.islice(_foreign_lines(data), LINES))[:SAMPLE]
    yield from _cyrillic(sample)
    if sum(byte > 0x7F for byte in sample) >= EVIDENCE:
        from charset_normalizer import from_bytes

        best = from_bytes(sample, cp_isolation=list(LIBRARYS), enable_fallback=False).best()
        if best is not None:
            yield best.encoding
    yield from ("cp1252", "cp949")


def _cyrillic(sample: bytes) -> Iterator[str]:
    """CP1251 or KOI8-R, if one makes Cyrillic words: capitals at their start or throughout, of frequent letters."""
    for encoding in ("cp1251", "koi8_r"):
        text = sample.decode(encoding, "replace")
        words = [word for word in WORD.findall(text) if not word.isascii()]
        letters = "".join(words)
        foreign = [sign for sign in text if sign > "\x7f" and sign not in SIGNS]
        are_cyrillic = all("\u0400" <= sign <= "\u04ff" for sign in [*letters, *foreign])
        if len(letters) < FEW_LETTERS or not are_cyrillic or any(word[0] in NEVER_FIRST for word in words):
            continue
        shaped = sum(word.islower() or word.isupper() or word.istitle() for word in words)
        frequent = sum(letter in FREQUENT for letter in letters.lower())
        needed = 0.8 if letters.isupper() else 0.5
        if shaped >= SHAPED * len(words) and frequent >= needed * len(letters):
            yield encoding


def _foreign_lines(data: bytes) -> Iterator[bytes]:
    """Lines that aren't ASCII; of long ones what is near."""
    end = 0
    for piece in FOREIGN.finditer(data):
        if piece.start() < end:
            continue
        start = max(data.rfind(mark, max(0, piece.start() - NEAR), piece.start()) for mark in (b"\n", b"\r")) + 1
        after = LINE_END.search(data, piece.end(), piece.end() + NEAR)
        end = after.start() if after else piece.end()
        yield data[start or max(0, piece.start() - NEAR) : end]


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
    """Whether most letters that aren't ASCII are the syllables of the Korean standard, as far as a look goes.

    CP949's further syllables don't count: a German "Ä" before a letter is one of them.
    """
    pieces = itertools.islice(FOREIGN.finditer(text), ENOUGH)
    letters = [sign for piece in pieces for sign in piece[0].decode() if sign.isalpha() and sign > "\u10ff"]
    return bool(letters) and sum(map(_is_common, letters)) >= KOREAN * len(letters)


def _is_common(character: str) -> bool:
    code = character.encode("euc_kr", "ignore")
    return len(code) == 2 and 0xB0 <= code[0] <= 0xC8


def _stand_alone(data: bytes) -> bool:
    """Whether most bytes that aren't ASCII stand alone, and aren't those with which Japanese signs begin."""
    pieces = [piece[0] for piece in itertools.islice(FOREIGN.finditer(data), ENOUGH)]
    alone = [piece[0] for piece in pieces if len(piece) == 1]
    return len(alone) >= ALONE * len(pieces) and 4 * sum(byte in b"\x81\x82\x83" for byte in alone) < len(alone)


def _text(data: bytes, path: Path, expected: str) -> bytes:
    """A text in UTF-8, if it hasn't more control characters than slips would make."""
    if sum(1 for _ in CONTROL.finditer(data[:SAMPLE])) > SLIPS * min(len(data), SAMPLE):
        raise _binary(path, data, expected)
    return data


def _binary(path: Path, data: bytes, expected: str) -> InputError:
    signature = what_is_it(data)
    if signature is not None:
        return is_other(path, *signature)
    control = CONTROL.search(data)
    where = (
        "" if control is None else f": line {data[: control.start()].count(10) + 1} holds the byte 0x{control[0].hex()}"
    )
    return InputError(f"{path} isn't text (it looks binary){where}; expected {expected}")


def is_other(path: Path, kind: str, ending: str | None) -> InputError:
    """The error for a file whose content is of another kind than its name says."""
    remedy = f"if that is what you want to read, name it so that it ends in {ending}" if ending else "save it as CSV"
    return InputError(f"{path} isn't what its name says: it is {kind}; {remedy}")
