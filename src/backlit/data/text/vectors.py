"""Word vectors as files hold them: word2vec's formats, text and binary, and GloVe's."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backlit.errors import InputError


@dataclass(frozen=True, eq=False)
class Vectors:
    """Words with a vector each.

    Attributes
    ----------
    words : tuple of str
    matrix : float32 array (words, features)

    Examples
    --------
    >>> vectors = Vectors(("cat", "dog"), np.eye(2, dtype="float32"))
    >>> vectors["dog"].tolist(), "cow" in vectors.words
    ([0.0, 1.0], False)
    """

    words: tuple[str, ...]
    matrix: np.ndarray

    def __post_init__(self) -> None:
        if self.matrix.ndim != 2 or len(self.matrix) != len(self.words):
            raise InputError(f"Vectors: expected a row for each of {len(self.words)} words, got {self.matrix.shape}")

    def __getitem__(self, word: str) -> np.ndarray:
        try:
            return self.matrix[self.words.index(word)]
        except ValueError:
            raise InputError(f"there is no vector for {word!r}") from None


def read_vectors(path: str | Path, words: Collection[str] | None = None) -> Vectors:
    r"""Read word vectors: a line for each word, the word and its numbers with spaces between them.

    The first line of word2vec's format says how many words and features there are; GloVe's has no such line. Words may
    have spaces in them (as a few of GloVe's do): the numbers are the last on their line. If a word comes twice, the
    first line counts.

    Parameters
    ----------
    path : path
        Text in UTF-8, or word2vec's binary format (a word, a space and its numbers as 32 bits each, after the first
        line), or such a file packed with gzip (.gz).
    words : collection of str, optional
        Keep only these, and their lower-case forms: the memory is that of the kept ones. A tokenizer's are
        ``tokenizer.tokens``.

    Raises
    ------
    InputError
        If the file can't be read, is no such file (the line is named), or has none of the words.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "vectors.txt")
    ...     _ = file.write_text("2 3\ncat 1 0 0.5\ndog 0 1 0.25\n", encoding="utf-8")
    ...     read_vectors(file, words=["dog"]).matrix.tolist()
    [[0.0, 1.0, 0.25]]
    """
    path = Path(path)
    header = _binary_header(path)
    if header is not None:
        return _read_binary(path, *header, words)
    vocabulary = None if words is None else {*words, *(word.lower() for word in words)}
    vectors: dict[str, np.ndarray] = {}
    features, count, declared = 0, 0, None
    for number, line in _lines(path):
        parts = line.split(" ")
        if number == 1 and len(parts) == 2 and all(part.isdecimal() for part in parts):
            declared, features = int(parts[0]), int(parts[1])
            continue
        if not line:
            continue
        features = features or _features(parts)
        count += 1
        name = parts[:-features] if features else []
        word = " ".join(name)
        if not word or (len(name) > 1 and _features(name)):
            expected = features or "its"
            raise InputError(f"{path}, line {number}: expected a word and {expected} numbers, got {line[:60]!r}")
        if (vocabulary is not None and word not in vocabulary) or word in vectors:
            continue
        vectors[word] = _vector(parts[-features:], path, number)
    if declared is not None and count != declared:
        raise InputError(f"{path} has {count} words, its first line says {declared}: it is cut off, or damaged")
    if not count:
        raise InputError(f"{path} is empty; expected a word and its numbers on each line")
    if not vectors:
        raise InputError(f"{path} has none of the {len(vocabulary or ())} words asked for; is it in the same language?")
    return Vectors(tuple(vectors), np.stack(list(vectors.values())))


def _binary_header(path: Path) -> tuple[int, int] | None:
    """Words and features of a file in word2vec's binary format; None if it is text."""
    with contextlib.suppress(OSError, EOFError, zlib.error), _opened(path) as file:
        counts = file.readline(64).split()
        if len(counts) != 2 or not all(part.isdigit() for part in counts):
            return None
        words, features = map(int, counts)
        line = file.readline(64 * features + 1024)
        try:
            return None if _features(line.decode("utf-8").split()) == features else (words, features)
        except UnicodeDecodeError:
            return words, features
    return None


def _read_binary(path: Path, count: int, features: int, words: Collection[str] | None) -> Vectors:
    """The vectors of a file in word2vec's binary format."""
    vocabulary = None if words is None else {*words, *(word.lower() for word in words)}
    vectors: dict[str, np.ndarray] = {}
    size = 4 * features
    try:
        with _opened(path) as file:
            file.readline()
            for number in range(1, count + 1):
                letters = bytearray()
                while (letter := file.read(1)) not in (b" ", b""):
                    letters += letter
                numbers = file.read(size)
                if len(numbers) < size:
                    raise InputError(f"{path}: word {number} of {count} is cut off, or the file is damaged")
                word = letters.strip().decode("utf-8", "replace")
                if (vocabulary is None or word in vocabulary) and word not in vectors:
                    vectors[word] = np.frombuffer(numbers, "<f4").astype(np.float32)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} can't be read: {error}") from error
    bad = next((word for word, vector in vectors.items() if not np.isfinite(vector).all()), None)
    if bad is not None:
        raise InputError(f"{path}, word {bad!r}: its numbers aren't finite; is the file damaged?")
    if not vectors:
        raise InputError(f"{path} has none of the {len(vocabulary or ())} words asked for; is it in the same language?")
    return Vectors(tuple(vectors), np.stack(list(vectors.values())))


def _opened(path: Path) -> Any:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, without the space at their ends."""
    try:
        with _opened(path) as file:
            for number, line in enumerate(file, 1):
                yield number, _decoded(line, path, number)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} can't be read: {error}") from error


def _decoded(line: bytes, path: Path, number: int) -> str:
    try:
        return line.decode("utf-8").rstrip("\r\n\t ").replace("\t", " ")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}, line {number} isn't UTF-8 ({error.reason}); word2vec's binary format begins with the numbers of "
            "words and features"
        ) from error


def _features(parts: list[str]) -> int:
    """How many numbers a line of a file without a first line ends with, at least one thing before them."""
    count = 0
    for part in reversed(parts[1:]):
        try:
            float(part)
        except ValueError:
            break
        count += 1
    return count


def _vector(numbers: list[str], path: Path, line: int) -> np.ndarray:
    try:
        vector = np.array(numbers, dtype=np.float32)
    except ValueError:
        vector = np.array([np.nan], dtype=np.float32)
    if not np.isfinite(vector).all():
        preview = " ".join(numbers)[:60]
        raise InputError(f"{path}, line {line}: expected {len(numbers)} numbers after the word, got {preview!r}")
    return vector
