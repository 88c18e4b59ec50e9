"""Claims: words of a lesson's prose, in each language, tied to the condition under which they are true.

A block of ```python claim asserts, and calls ``holds(english, korean, condition)``: the condition is true, and these
words stand in the lesson. So whoever turns a sentence round, or what it rests on, meets the claim that holds it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from backlit.languages import NAMES
from backlit.lessons.source import Code, Lesson, Prose


@dataclass(frozen=True)
class Held:
    """Words that a claim speaks of, by language, and the line of the file where it does."""

    words: Mapping[str, str]
    line: int


def holder(lesson: Lesson) -> Callable[[str, str, object], None]:
    """The function `holds` of a lesson's claims."""
    texts = prose(lesson)

    def holds(english: str, korean: str, condition: object) -> None:
        lost = [words for words, text in zip((english, korean), texts.values(), strict=True) if words not in text]
        if lost:
            raise AssertionError(f"the lesson doesn't say: {lost[0]}")
        if not condition:
            raise AssertionError(f"not so: {english}")

    return holds


def prose(lesson: Lesson) -> dict[str, str]:
    """All that a lesson says, by language, on one line each."""
    pieces = [part.text for part in lesson.parts if isinstance(part, Prose)]
    said = [lesson.summary, lesson.follows, *pieces, *(exercise.prose.text for exercise in lesson.exercises)]
    return {language: " ".join(" ".join(text[language] for text in said).split()) for language in NAMES}


def held(lesson: Lesson) -> list[Held]:
    """The words that a lesson's claims hold; read from the claims, without running them.

    Raises
    ------
    ValueError
        If words aren't written as plain strings: where.
    """
    found = []
    for part in lesson.parts:
        if isinstance(part, Code) and part.claim:
            for node in ast.walk(ast.parse(part.text)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "holds":
                    line, plain = part.line + node.lineno - 1, [_plain(words) for words in node.args[:2]]
                    if len(plain) != len(NAMES) or None in plain:
                        raise ValueError(f"{lesson.path}, line {line}: holds takes its words as two plain strings")
                    found.append(Held(dict(zip(NAMES, plain, strict=True)), line))
    return found


def _plain(words: ast.expr) -> Any:
    return words.value if isinstance(words, ast.Constant) and isinstance(words.value, str) else None


def lost(lesson: Lesson) -> list[Held]:
    """Claims whose words the lesson doesn't say: in its prose, something was turned round or reworded."""
    texts = prose(lesson)
    return [claim for claim in held(lesson) if any(words not in texts[lang] for lang, words in claim.words.items())]
