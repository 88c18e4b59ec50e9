"""Tagged sentences in lines of a token and its tag each, as CoNLL's shared tasks have them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from backlit.data.text.reading import read_as_told
from backlit.errors import InputError

ENDINGS = (".conll", ".conllu", ".iob", ".iob2", ".bio")
UNIVERSAL = (2, 4)  # columns of the word and its part of speech in CoNLL-U's lines of ten


def is_tagged(name: str | Path) -> bool:
    """Whether a file's name says that it holds tagged sentences.

    >>> is_tagged("train.conllu"), is_tagged("train.csv")
    (True, False)
    """
    return Path(name).suffix.lower() in ENDINGS


def read_tagged(
    path: str | Path, encoding: str | None = None, word: int | None = None, tag: int | None = None
) -> tuple[list[list[str]], list[list[str]], list[str]]:
    r"""Sentences as lists of words, a list of tags for each, and what is to be said of the reading.

    A line has a word and what is known of it, with tabs or spaces between; an empty line ends a sentence. In the ten
    columns of CoNLL-U the word is the second and its part of speech the fourth; otherwise the word is the first and its
    tag the last. Lines of "-DOCSTART-", and CoNLL-U's comments and numbers such as 3-4 and 5.1, are passed over.

    Parameters
    ----------
    path : path
    encoding : str, optional
        By Python's name for it; told from the file if left out.
    word, tag : int, optional
        Their columns, from 1.

    Raises
    ------
    InputError
        If a line has too few columns (it is named), or there is no sentence.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.conll")
    ...     _ = path.write_text("the DET\ncat NOUN\n\nit PRON\n", encoding="utf-8")
    ...     read_tagged(path)
    ([['the', 'cat'], ['it']], [['DET', 'NOUN'], ['PRON']], [])
    """
    text, notes = read_as_told(path, encoding)
    universal = Path(path).suffix.lower() == ".conllu"
    word_place = word or (UNIVERSAL[0] if universal else 1)
    tag_place = tag or (UNIVERSAL[1] if universal else None)
    sentences: list[list[str]] = [[]]
    tags: list[list[str]] = [[]]
    for number, columns in _lines(text, universal):
        if not columns:
            if sentences[-1]:
                sentences.append([])
                tags.append([])
            continue
        needed = max(word_place, tag_place or 2)
        if len(columns) < needed:
            shown = " ".join(columns)
            raise InputError(
                f"{path}, line {number}: expected a word and its tag ({needed} columns or more), got {shown!r}"
            )
        sentences[-1].append(columns[word_place - 1])
        tags[-1].append(columns[tag_place - 1 if tag_place else -1])
    if not sentences[-1]:
        sentences, tags = sentences[:-1], tags[:-1]
    if not sentences:
        raise InputError(f"{path} has no sentences; expected a word and its tag on each line, an empty line between")
    return sentences, tags, notes


def _lines(text: str, universal: bool) -> Iterator[tuple[int, list[str]]]:
    """Lines with their numbers as columns, without those that hold no word."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("-DOCSTART-") or (universal and line.startswith("#")):
            continue
        columns = line.split("\t") if "\t" in line else line.split()
        if universal and columns and not columns[0].isdigit():
            continue
        yield number, [column.strip() for column in columns] if line.strip() else []
