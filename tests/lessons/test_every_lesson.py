"""Each lesson: its code runs, its claims hold, its prose has no typed result, its exercises know right from wrong."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from matplotlib.text import Text
from nbclient import NotebookClient

from backlit.inspect.draw import Drawing
from backlit.languages import Said
from backlit.lessons import LESSONS, Lesson, pictures
from backlit.lessons.answers import judge
from backlit.lessons.notebook import notebook
from backlit.lessons.running import FilledProse, execute, run
from backlit.lessons.source import Code, Prose

EACH = [pytest.param(lesson, id=name) for name, lesson in LESSONS.items()]
SHORT = ("arrays", "backprop", "by-hand", "jacobians")  # without a training that takes its time
RUN = [
    pytest.param(lesson, id=name, marks=[] if name in SHORT else pytest.mark.slow) for name, lesson in LESSONS.items()
]
# Not results: code, formulas, computed values, what headings and links have.
NO_RESULT = re.compile(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|«[^»]*»|\]\([^)]*\)", re.DOTALL)


@pytest.mark.parametrize("lesson", RUN)
def test_it_runs_and_its_claims_hold(lesson: Lesson, monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, str] = {}

    def heard(english: str, korean: str) -> Said:
        said[english] = korean
        return Said({"en": english, "ko": korean})

    monkeypatch.setattr(pictures, "_english", heard)
    steps = list(run(lesson, quick=True))
    filled = [step for step in steps if isinstance(step, FilledProse)]
    assert len(steps) == len(lesson.parts)
    assert any(step.figures for step in filled)
    for step in filled:
        assert "«" not in "".join(step.text.values())
    drawn = {text for step in filled for figure in step.figures.values() for text in labels(figure, "ko")}
    assert set(said.values()) <= drawn  # of a run in English: no label has lost its Korean on the way


def labels(figure: Any, language: str) -> set[str]:
    """What is written in a figure; drawings are in each language by themselves."""
    if isinstance(figure, Drawing):
        return set()
    with pictures.labels_in(figure, language):
        figure.draw_without_rendering()
        return {text.get_text() for text in figure.findobj(Text)}


@pytest.mark.parametrize("lesson", EACH)
def test_it_asserts_what_it_says(lesson: Lesson) -> None:
    claims = [part for part in lesson.parts if isinstance(part, Code) and part.claim]
    assert sum(claim.text.count("assert ") for claim in claims) >= 5
    assert len(lesson.exercises) == 3


@pytest.mark.parametrize("lesson", EACH)
def test_no_result_is_typed(lesson: Lesson) -> None:
    for part in lesson.parts:
        if isinstance(part, Prose):
            for text in part.text.values():
                assert not re.findall(r"\d+[.]\d{2,}", NO_RESULT.sub("", text)), text


@pytest.mark.parametrize("lesson", EACH)
def test_no_particle_is_typed_after_a_number_that_may_change(lesson: Lesson) -> None:
    """After %, which is read as 퍼센트 whatever the number, it may be."""
    for part in lesson.parts:
        if isinstance(part, Prose):
            assert not re.findall(r"«[^»]*[^%»]»(?:으로|로|을|를|은|는|이|가)(?=[\s,.])", part.text["ko"])


@pytest.mark.parametrize("lesson", EACH)
def test_figures_are_the_same_in_both_languages(lesson: Lesson) -> None:
    for part in lesson.parts:
        if isinstance(part, Prose):
            shown = [sorted(re.findall(r"\(figure:(\w+)\)", text)) for text in part.text.values()]
            assert shown[0] == shown[1]


@pytest.mark.slow
@pytest.mark.parametrize("lesson", EACH)
def test_answers_are_told_right_from_wrong(lesson: Lesson) -> None:
    right: dict[str, object] = {}
    for exercise in lesson.exercises:
        execute(exercise.solution, right, lesson)
    for language in ("en", "ko"):
        assert all(verdict.right for verdict in judge(lesson, right, language)), judge(lesson, right, language)
    for wrong in (-77.25, "no", lambda *_: None, (9e9, 9e9), [[0.5]]):
        answers = {f"exercise_{number}": wrong for number in (1, 2, 3)}
        assert not any(verdict.right for verdict in judge(lesson, answers))
    assert not any(verdict.right for verdict in judge(lesson, {}))


@pytest.mark.slow
def test_a_notebook_is_valid_and_runs_in_jupyter(tmp_path: Path) -> None:
    text = notebook(LESSONS["backprop"], "ko", quick=True)
    written = nbformat.reads(text, as_version=4)
    nbformat.validate(written)
    assert "![" not in text
    assert sum("image/png" in output.get("data", {}) for output in outputs(written)) == 3
    read = nbformat.reads(text, as_version=4)
    NotebookClient(read, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = outputs(read)
    assert sum("image/svg+xml" in output.get("data", {}) for output in shown) == 3
    tables = [
        output["data"]["text/plain"] for output in shown if "epoch" in output.get("data", {}).get("text/plain", "")
    ]
    assert [table.splitlines()[-1].split()[0] for table in tables] == [
        "200/200",
        "10/10",
    ]  # the live tables of training
    assert "아직 답이 없습니다" in shown[-1]["text"]


def outputs(read: Any) -> list[Any]:
    return [output for cell in read.cells for output in cell.get("outputs", ())]
