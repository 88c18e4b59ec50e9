"""How a lesson is written, and what is said of one that is written otherwise."""

import os
import signal

import pytest

from backlit.errors import InputError, UnknownNameError
from backlit.lessons import LESSONS, find, saying
from backlit.lessons.formulas import to_mathml, to_unicode
from backlit.lessons.running import FilledProse, LessonError, RunCode, run
from backlit.lessons.source import parse

HEAD = """+++
name = "tiny"
minutes = 1
title = {en = "Tiny", ko = "작은 것"}
summary = {en = "s", ko = "요"}
follows = {en = "f", ko = "노"}
+++
"""
BODY = """
<!-- en -->
Two.
<!-- ko -->
둘.

```python
two = 1 + 1
print("two is", two)
```

```python claim
assert two == 2
```

<!-- en -->
It's «two:.3f», half of it «two / 2:.1%», and `«` alone means nothing.
<!-- ko -->
«two»입니다.

<!-- exercise -->
<!-- en -->
Three?
<!-- ko -->
셋은?

```python solution
exercise_1 = 3
```

```python check
assert answer == 3, say("no", "아니요")
```
"""


def test_a_lesson_is_read_and_run() -> None:
    lesson = parse(HEAD + BODY.replace(", and `«` alone means nothing", ""), 4, "tiny.md")
    assert (lesson.name, lesson.number, lesson.title["ko"], len(lesson.exercises)) == ("tiny", 4, "작은 것", 1)
    steps = list(run(lesson))
    assert [type(step) for step in steps] == [FilledProse, RunCode, RunCode, FilledProse]
    assert isinstance(steps[1], RunCode)
    assert steps[1].printed == "two is 2\n"
    assert isinstance(steps[3], FilledProse)
    assert steps[3].text == {"en": "It's 2.000, half of it 100.0%.", "ko": "2입니다."}


@pytest.mark.parametrize(("value", "told"), [("1 + 1", "2로"), ("1 + 2", "3으로"), ("0.0144 / 100", "0.000144로")])
def test_a_value_decides_the_particle_after_it(value: str, told: str) -> None:
    body = BODY.replace(", and `«` alone means nothing", "").replace("assert two == 2", "").replace("1 + 1", value)
    steps = list(run(parse(HEAD + body.replace("«two»입니다", "«two:g»{으로/로} 줄었습니다"), 4, "tiny.md")))
    assert isinstance(steps[-1], FilledProse)
    assert steps[-1].text["ko"] == f"{told} 줄었습니다."


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("two == 2", "two == 3", "tiny.md, line 20: a claim doesn't hold"),
        ("1 + 1", "1 + None", "tiny.md, line 15: TypeError"),
        ("«two:.3f»", "«three:.3f»", "tiny.md: «three:.3f» has no value: 'three' is undefined"),
        ("«two:.3f»", "![two](figure:two)", "two is shown as a figure"),
    ],
)
def test_a_lesson_that_went_wrong_says_where(old: str, new: str, message: str) -> None:
    text = (HEAD + BODY.replace(", and `«` alone means nothing", "")).replace(old, new)
    with pytest.raises(LessonError, match=message):
        list(run(parse(text, 1, "tiny.md")))


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("after", ["", "[][0]"])
def test_ctrl_c_ends_a_lesson_that_is_training(after: str) -> None:
    training = "bl.fit(bl.Linear(1), np.ones((8, 1)), np.ones(8), epochs=3, engine='numpy', callbacks=[stop])"
    code = f"import os, signal\ndef stop(*_):\n    os.kill(os.getpid(), signal.SIGINT)\nrun = {training}\n{after}"
    text = HEAD + "\n```python\n" + code + "\n```\n"
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        list(run(parse(text, 1, "tiny.md")))
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no head", "begins with TOML"),
        (HEAD + "\nprose", "prose without a language"),
        (HEAD + "\n<!-- en -->\nonly English", "isn't there in ko"),
        (HEAD + "\n<!-- fr -->\nquoi", "unknown mark in tiny.md, line 8 'fr'"),
        (HEAD + "\n```python check\n1\n```\n", "line 10: check can't stand here"),
        (HEAD + BODY.replace("python check", "python solution"), "line 39: solution can't stand here"),
        (HEAD + BODY.partition("```python check")[0], "tiny.md: exercise 1 has no check"),
        (HEAD + BODY + "\n<!-- en -->\nfour\n<!-- ko -->\n넷\n", "prose can't stand here"),
    ],
)
def test_a_file_that_is_no_lesson(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse(text, 1, "tiny.md")


def test_lessons_are_found_by_name_and_number() -> None:
    lesson = find("backprop")
    assert find(str(lesson.number)) is lesson
    assert [entry.number for entry in LESSONS.values()] == sorted(own.number for own in LESSONS.values())
    with pytest.raises(UnknownNameError, match="did you mean 'backprop'"):
        find("backprob")
    with pytest.raises(UnknownNameError, match="language of the lessons 'kr'; did you mean 'ko'"):
        saying("kr")


def test_formulas_for_readers_without_latex() -> None:
    text = "slope $\\frac{\\partial L}{\\partial w_1}$, `$code$`, $5 and $6\n\n$$\nx^2\n$$\n"
    assert to_unicode(text).startswith("slope ∂L/∂w_1, `$code$`, $5 and $6\n")
    assert "```text\nx^2\n```" in to_unicode(text)
    assert to_mathml(text).count("<math") == 2
    assert "`$code$`" in to_mathml(text)
