"""What a text is made of: code points, conjoining jamo, bytes or words, and the way back."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

UNITS = ("characters", "words", "bytes", "syllables", "jamo")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
CODE_POINTS = 0x110000

# The arithmetic of Hangul syllables, from the Unicode Standard, section 3.12.
SYLLABLES, SYLLABLE_COUNT = 0xAC00, 11172
LEADING, VOWEL, TRAILING = 0x1100, 0x1161, 0x11A7
WITH_LEADING, WITH_VOWEL = 588, 28  # syllables that share a leading consonant; and a vowel as well

NO_SPACE_BEFORE = frozenset(".,;:!?)]}%…’”»›、。，．！？；：）」』】》〉")  # noqa: RUF001
NO_SPACE_AFTER = frozenset("([{“‘«‹¿¡#@$€£₩（「『【《〈\n")  # noqa: RUF001
CHUNK = 1 << 20  # characters that are split into words at a time


def clean(text: str, compose: bool = True) -> str:
    """The text with nothing in it that can't be written: lone surrogates are replaced; composed (NFC) if asked for."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return unicodedata.normalize("NFC", text) if compose else text


def code_points(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Code points of the composed texts, one after another, uint32, and how many each text has."""
    texts = [clean(text) for text in texts]
    joined = texts[0] if len(texts) == 1 else "".join(texts)
    points = np.frombuffer(joined.encode("utf-32-le"), dtype="<u4")
    return points, np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))


def jamo(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """As `code_points`, with two or three conjoining jamo for each Hangul syllable."""
    points, lengths = code_points(texts)
    place = points - np.uint32(SYLLABLES)  # below, it wraps around to a large number
    is_syllable = place < SYLLABLE_COUNT
    if not is_syllable.any():
        return points, lengths
    trailing = np.where(is_syllable, place % WITH_VOWEL, 0)
    counts = np.where(is_syllable, 2 + (trailing > 0), 1)
    ends = np.cumsum(counts)
    first = ends - counts
    result = np.empty(ends[-1], dtype=np.uint32)
    result[first] = np.where(is_syllable, LEADING + place // WITH_LEADING, points)
    result[first[is_syllable] + 1] = VOWEL + place[is_syllable] % WITH_LEADING // WITH_VOWEL
    closed = trailing > 0
    result[first[closed] + 2] = TRAILING + trailing[closed]
    before = np.concatenate([[0], ends])[np.concatenate([[0], np.cumsum(lengths)])]
    return result, np.diff(before)


def to_bytes(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """UTF-8 of the texts as they are, one after another, uint8, and how many bytes each has."""
    parts = [clean(text, compose=False).encode() for text in texts]
    return np.frombuffer(b"".join(parts), dtype=np.uint8), np.fromiter(map(len, parts), np.int64, len(parts))


def words(text: str) -> Iterator[list[str]]:
    """Words, punctuation marks and line ends of the composed text, some at a time."""
    text = clean(text)
    find = _pattern().findall
    start = 0
    while start < len(text):
        end = min(start + CHUNK, len(text))
        if end < len(text):
            space = max(text.rfind(" ", start, end), text.rfind("\n", start, end))  # a word isn't cut in two
            end = space if space > start else end
        yield find(text[start:end])
        start = end


def join_words(tokens: Iterable[str]) -> str:
    """A readable text of words: see `Tokenizer`."""
    parts: list[str] = []
    glued, quoted = True, False
    for word in tokens:
        closes = word in NO_SPACE_BEFORE or word == "\n" or (word == '"' and quoted)
        if not glued and not closes:
            parts.append(" ")
        parts.append(word)
        quoted ^= word == '"'
        glued = word in NO_SPACE_AFTER or (word == '"' and quoted)
    return "".join(parts)


@functools.cache
def _pattern() -> re.Pattern[str]:
    """Letters with their combining marks, apostrophes and decimal points within words; single marks; line ends."""
    marks = "".join(chr(i) for i in range(0x300, 0x10000) if unicodedata.category(chr(i))[0] == "M")
    letter = rf"[\w{marks}\u200c\u200d]"  # with the joiners that Persian and Indic words have inside
    return re.compile(rf"{letter}+(?:['’]{letter}+|(?<=\d)[.,](?=\d){letter}+)*|\n|[^\w\s]")
