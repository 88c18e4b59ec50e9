"""Claims hold the words of the prose: what is turned round there, or in what it rests on, is noticed."""

import dataclasses
import tomllib
from pathlib import Path

import pytest

from backlit.lessons import LESSONS, Lesson
from backlit.lessons.claims import held, holder, lost, prose
from backlit.lessons.running import LessonError, run
from backlit.lessons.source import Prose, parse

PLANTED = tomllib.loads((Path(__file__).parent / "planted.toml").read_text(encoding="utf-8"))["planted"]
TINY = """+++
name = "tiny"
minutes = 1
title = {en = "Tiny", ko = "작은 것"}
summary = {en = "s", ko = "요"}
follows = {en = "f", ko = "노"}
+++
<!-- en -->
Two is
more than one.
<!-- ko -->
둘은 하나보다 많습니다.

```python claim
holds("Two is more than one", "둘은 하나보다 많습니다", 2 > 1)
```
"""


def planted(lesson: Lesson, language: str, right: str, wrong: str) -> Lesson:
    """The lesson with a sentence turned round, in one language."""
    parts = [
        Prose({**part.text, language: part.text[language].replace(right, wrong)}) if isinstance(part, Prose) else part
        for part in lesson.parts
    ]
    assert parts != list(lesson.parts), f"{lesson.name} doesn't say: {right}"
    return dataclasses.replace(lesson, parts=tuple(parts))


@pytest.mark.parametrize("lesson", [pytest.param(lesson, id=name) for name, lesson in LESSONS.items()])
def test_claims_speak_of_what_the_lesson_says(lesson: Lesson) -> None:
    assert not lost(lesson)
    assert len(held(lesson)) >= 10


def test_sentences_that_were_turned_round_are_noticed() -> None:
    missed = []
    for each in PLANTED:
        sentence = {key: each[key] for key in ("language", "right", "wrong")}
        if not lost(planted(LESSONS[each["lesson"]], **sentence)):
            missed.append(each)
    assert len(PLANTED) >= 20
    assert {each["lesson"] for each in PLANTED} == set(LESSONS)
    assert {each["language"] for each in PLANTED} == {"en", "ko"}
    print(f"{len(PLANTED) - len(missed)} of {len(PLANTED)} sentences that were turned round are noticed")  # noqa: T201
    assert not missed


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("more than one.", "less than one.", "doesn't say: Two is more than one"),
        ("많습니다.", "적습니다.", "doesn't say: 둘은 하나보다 많습니다"),
        ("2 > 1", "2 < 1", "not so: Two is more than one"),
    ],
)
def test_a_claim_fails_by_its_words_and_by_its_condition(right: str, wrong: str, message: str) -> None:
    assert TINY.count(right) == 1
    list(run(parse(TINY, 4, "tiny.md")))
    lesson = parse(TINY.replace(right, wrong), 4, "tiny.md")
    with pytest.raises(LessonError, match=message):
        list(run(lesson))
    assert bool(lost(lesson)) == ("say" in message)


def test_words_are_looked_for_across_lines() -> None:
    lesson = parse(TINY, 4, "tiny.md")
    assert prose(lesson)["en"] == "s f Two is more than one."
    holder(lesson)("Two is more", "하나보다", True)
    with pytest.raises(AssertionError, match="not so"):
        holder(lesson)("Two is more", "하나보다", False)
