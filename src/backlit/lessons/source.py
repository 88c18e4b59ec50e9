"""A lesson as it is written: one Markdown file with both languages and the code that they share.

A file begins with TOML between lines of `+++`. Then prose, each piece after `<!-- en -->` or `<!-- ko -->`, and code:

    ```python             run, and shown with what it prints
    ```python claim       run, not shown: asserts what the prose says; `holds` ties it to the words (claims.py)
    <!-- exercise -->     what follows is an exercise: prose, then
    ```python solution    an answer, as `exercise_1 = ...`
    ```python check       asserts that `answer` is right; `say(english, korean)` makes the message

In prose, `«loss:.3f»` is a value of the code in Python's format, `![what is seen](figure:name)` a figure of the code,
and `$...$` or `$$...$$` a formula in LaTeX. After a value, `{을/를}` is a Korean particle in its two forms, of which
the value decides.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, NamedTuple

from backlit.errors import InputError, unknown
from backlit.languages import NAMES


@dataclass(frozen=True)
class Prose:
    """A piece of text in each language."""

    text: Mapping[str, str]


@dataclass(frozen=True)
class Code:
    """A block of code: shown, or a claim that is only run; and the line of the file where it begins."""

    text: str
    line: int
    claim: bool = False


@dataclass(frozen=True)
class Exercise:
    """An exercise: what is asked, an answer, and the code that judges one."""

    number: int
    prose: Prose
    solution: Code
    check: Code


@dataclass(frozen=True)
class Lesson:
    """A lesson.

    Attributes
    ----------
    name : str
        As in `backlit lesson NAME`.
    number : int
        Its place, from 1.
    title, summary : mapping of language to str
    minutes : int
        Of reading, about.
    follows : mapping of language to str
        The study note that it follows, and where it differs from it.
    parts : tuple of Prose and Code
    exercises : tuple of Exercise
    path : str
        The file.
    """

    name: str
    number: int
    title: Mapping[str, str]
    summary: Mapping[str, str]
    minutes: int
    follows: Mapping[str, str]
    parts: tuple[Prose | Code, ...]
    exercises: tuple[Exercise, ...]
    path: str = field(repr=False)


_FENCE = re.compile(r"^```python ?(claim|solution|check|)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"^<!-- (\w+) -->$", re.MULTILINE)


def parse(text: str, number: int, path: str) -> Lesson:
    """The lesson that a file's text is.

    Raises
    ------
    InputError
        If the file isn't written as a lesson is; with file and line.
    """
    if not text.startswith("+++\n") or "\n+++\n" not in text:
        raise InputError(f"{path}: a lesson begins with TOML between two lines of +++")
    head, body = text[4:].split("\n+++\n", 1)
    lines_before = text[: len(text) - len(body)].count("\n")
    header: dict[str, Any] = tomllib.loads(head)
    sections: list[list[_Piece]] = [[]]
    for piece in _pieces(body, lines_before + 1):
        if piece.kind == "exercise":
            sections.append([])
        else:
            sections[-1].append(piece)
    text_pieces, *exercise_pieces = sections
    parts = tuple(_part(piece, path) for piece in text_pieces)
    exercises = tuple(_exercise(i, pieces, path) for i, pieces in enumerate(exercise_pieces, 1))
    return Lesson(**header, number=number, parts=parts, exercises=exercises, path=path)


class _Piece(NamedTuple):
    """A part of a file as it stands there; code has the word after "python" as its kind."""

    kind: str
    text: str
    line: int


def _part(piece: _Piece, path: str) -> Prose | Code:
    if piece.kind == "prose":
        return _prose(piece.text, f"{path}, line {piece.line}")
    if piece.kind in ("", "claim"):
        return Code(piece.text, piece.line, claim=piece.kind == "claim")
    raise _misplaced(piece, path)


def _exercise(number: int, pieces: list[_Piece], path: str) -> Exercise:
    for piece, kind in zip_longest(pieces, ("prose", "solution", "check")):
        if piece is None:
            raise InputError(f"{path}: exercise {number} has no {kind}; see backlit/lessons/source.py")
        if piece.kind != kind:
            raise _misplaced(piece, path)
    prose, solution, check = pieces
    text = _prose(prose.text, f"{path}, line {prose.line}")
    return Exercise(number, text, Code(solution.text, solution.line), Code(check.text, check.line))


def _misplaced(piece: _Piece, path: str) -> InputError:
    where = f"{path}, line {piece.line}"
    return InputError(f"{where}: {piece.kind or 'code'} can't stand here; see backlit/lessons/source.py")


def _pieces(body: str, line: int) -> Iterator[_Piece]:
    """Kind, text and first line of each piece: prose with its marks, code, the beginning of an exercise."""
    start = 0
    for fence in _FENCE.finditer(body):
        yield from _text(body[start : fence.start()], line + body[:start].count("\n"))
        yield _Piece(fence[1], fence[2], line + body[: fence.start(2)].count("\n"))
        start = fence.end()
    yield from _text(body[start:], line + body[:start].count("\n"))


def _text(text: str, line: int) -> Iterator[_Piece]:
    before, *after = text.split("<!-- exercise -->")
    if before.strip():
        yield _Piece("prose", before, line)
    for exercise in after:
        yield _Piece("exercise", "", line)
        if exercise.strip():
            yield _Piece("prose", exercise, line)


def _prose(text: str, where: str) -> Prose:
    """A text in all languages, from its pieces after their marks."""
    before, *marked = _MARK.split(text)
    if before.strip():
        raise InputError(f"{where}: prose without a language; begin it with <!-- en --> or <!-- ko -->")
    pieces: dict[str, str] = dict.fromkeys(NAMES, "")
    for language, piece in zip(marked[::2], marked[1::2], strict=True):
        if language not in NAMES:
            raise unknown(f"mark in {where}", language, [*NAMES, "exercise"])
        pieces[language] += piece.strip() + "\n\n"
    missing = [language for language, piece in pieces.items() if not piece.strip()]
    if missing:
        raise InputError(f"{where}: this piece of prose isn't there in {', '.join(missing)}")
    return Prose({language: piece.strip() for language, piece in pieces.items()})


def _all() -> dict[str, Lesson]:
    lessons = {}
    texts = resources.files("backlit.lessons").joinpath("texts")
    for file in sorted(texts.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".md"):
            lesson = parse(file.read_text(encoding="utf-8"), int(file.name.split("-")[0]), str(file))
            lessons[lesson.name] = lesson
    return lessons


def find(name: str) -> Lesson:
    """The lesson of this name or number; UnknownNameError with the nearest name otherwise."""
    for lesson in LESSONS.values():
        if name in (lesson.name, str(lesson.number)):
            return lesson
    raise unknown("lesson", name, LESSONS)


LESSONS: Mapping[str, Lesson] = MappingProxyType(_all())
