"""Claims hold the words of the prose: what is turned round there, or in what it rests on, is noticed."""

import ast
import dataclasses
import tomllib
from pathlib import Path

import pytest

from backlit.lessons import LESSONS, Lesson
from backlit.lessons.claims import held, holder, lost, prose
from backlit.lessons.running import LessonError, run
from backlit.lessons.source import Code, Prose, parse

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
    ("name", "right", "wrong"),
    [
        ("arrays", "from_middle = flats - middle", "from_middle = flats + middle"),
        ("arrays", "large = flats[:, 0] > 60", "large = flats[:, 0] < 60"),
        ("arrays", "costs = flats @ price + base", "costs = flats @ price - base"),
        ("backprop", "formula(-2 - h, 5.0, -4.0)) / (2 * h)", "formula(-2 - h, 5.0, -4.0)) / h"),
        ("backprop", "2.0 * bl.ops.maximum(a, b)", "2.0 * bl.ops.minimum(a, b)"),
        ("jacobians", "by_shapes = X.T @ G", "by_shapes = -X.T @ G"),
        ("jacobians", "from_the_front = 2 * n**3", "from_the_front = n**3"),
        ("by-hand", "delta = -(target[0] - o[0])", "delta = (target[0] - o[0])"),
        ("by-hand", "with_old = w[0] - 0.5", "with_old = w[0] + 0.5"),
        ("jacobians", "(1 - np.tanh(z) ** 2)  # only", "(1 - np.tanh(z))  # only"),
        ("jacobians", "columns, axis=1)", "columns, axis=0)"),
        ("by-hand", "at_the_output = shared * x3 * (1 - x3),", "at_the_output = shared * x3,"),
        ("by-hand", "np.argmax(errors < 1e-4)", "np.argmax(errors < 1e-3)"),
    ],
)
def test_what_is_turned_round_in_the_code_is_noticed(name: str, right: str, wrong: str) -> None:
    text = Path(LESSONS[name].path).read_text(encoding="utf-8")
    assert text.count(right) == 1
    with pytest.raises(LessonError):
        list(run(parse(text.replace(right, wrong), LESSONS[name].number, f"{name}.md")))


@pytest.mark.parametrize("lesson", [pytest.param(lesson, id=name) for name, lesson in LESSONS.items()])
def test_conditions_are_computed_from_what_the_lesson_shows_or_by_a_library(lesson: Lesson) -> None:
    """Not from constants alone, such as ``True`` or ``16 * 3**2 == 144``, which no change of the lesson refutes."""
    assert not [line for line, used in uses(lesson) if not used]


def test_a_condition_of_constants_is_noticed() -> None:
    assert uses(parse(TINY, 4, "tiny.md")) == [(15, set())]
    assert uses(parse(TINY.replace("2 > 1", "np.log(2) < 1"), 4, "tiny.md")) == [(15, {"np"})]


def uses(lesson: Lesson) -> list[tuple[int, set[str]]]:
    """Of each condition, its line and what it comes from: names of shown code, by way of the claims' own, libraries."""
    shown, made, conditions = {"bl", "np"}, dict[str, set[str]](), list[tuple[int, ast.expr]]()
    for part in lesson.parts:
        if not isinstance(part, Code):
            continue
        for statement in ast.parse(part.text).body:
            stored, loaded = _names(statement, ast.Store), _names(statement, ast.Load)
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                stored.add(statement.name)
            if not part.claim:
                shown |= stored
            for name in stored if part.claim else ():
                made[name] = made.get(name, set()) | loaded
            call = statement.value if isinstance(statement, ast.Expr) else None
            if part.claim and isinstance(call, ast.Call) and ast.unparse(call.func) == "holds":
                conditions.append((part.line + call.lineno - 1, call.args[2]))
    found = []
    for line, condition in conditions:
        used, left = set[str](), _names(condition, ast.Load)
        while left:
            used |= left
            left = set().union(*(made.get(name, set()) for name in left)) - used
        found.append((line, used & shown))
    return found


def _names(tree: ast.AST, kind: type[ast.expr_context]) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, kind)}


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


@pytest.mark.parametrize("words", ['"Two is", korean="둘은", condition=2 > 1', 'f"Two is", "둘은", 2 > 1', '"Two is"'])
def test_words_that_are_no_plain_strings_are_told_where_they_are(words: str) -> None:
    lesson = parse(TINY.replace('"Two is more than one", "둘은 하나보다 많습니다", 2 > 1', words), 4, "tiny.md")
    with pytest.raises(ValueError, match=r"tiny.md, line 15: holds takes its words as two plain strings"):
        held(lesson)


def test_words_are_looked_for_across_lines() -> None:
    lesson = parse(TINY, 4, "tiny.md")
    assert prose(lesson)["en"] == "s f Two is more than one."
    holder(lesson)("Two is more", "하나보다", True)
    with pytest.raises(AssertionError, match="not so"):
        holder(lesson)("Two is more", "하나보다", False)
