"""A lesson as a Jupyter notebook (format 4.5), with the outputs of the run that made it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from backlit.inspect.draw import Drawing
from backlit.lessons.pictures import png
from backlit.lessons.running import FIGURE, FilledProse, RunCode, run, setup
from backlit.lessons.source import Lesson

_WORDS = {
    "en": {
        "numbers": "The numbers in the text are those of the run that made this notebook; change the code and run it.",
        "exercises": "## Exercises",
        "yours": "# your answer",
    },
    "ko": {
        "numbers": "글 속의 숫자는 이 노트북을 만들 때 실행한 결과입니다. 코드를 바꿔 가며 다시 실행해 보세요.",
        "exercises": "## 연습 문제",
        "yours": "# 여기에 답을 적어 주세요",
    },
}


def notebook(
    lesson: Lesson, language: str = "en", *, quick: bool = False, steps: Iterable[FilledProse | RunCode] | None = None
) -> str:
    """Run a lesson, and write it as a notebook: its file's text.

    Figures stand under the code that made them; exercises have a cell for the answer each, and one that checks them.
    `steps` are those of a run that was made before: in English, or in this language.
    """
    words = _WORDS[language]
    head = f"# {lesson.number}. {lesson.title[language]}"
    cells = [
        _markdown("\n\n".join([head, lesson.summary[language], lesson.follows[language], words["numbers"]])),
        _code("%matplotlib inline\n" + setup(language, quick), []),
    ]
    done = run(lesson, language, quick=quick) if steps is None else steps
    told = [step for step in done if isinstance(step, FilledProse) or not step.code.claim]
    for place, step in enumerate(told):
        if isinstance(step, FilledProse):
            cells.append(_markdown(FIGURE.sub(r"*\1*", step.text[language])))
            continue
        after = told[place + 1] if place + 1 < len(told) else None
        figures = after.figures if isinstance(after, FilledProse) else {}
        cells.append(_cell(step, figures, language))
    cells.append(_markdown(words["exercises"]))
    names = [f"exercise_{exercise.number}" for exercise in lesson.exercises]
    for exercise, name in zip(lesson.exercises, names, strict=True):
        cells.append(_markdown(f"### {exercise.number}\n\n{exercise.prose.text[language]}"))
        cells.append(_code(f"{name} = None  {words['yours']}", []))
    answers = ", ".join(f"{name}={name}" for name in names)
    cells.append(_code(f'lessons.check("{lesson.name}", "{language}", {answers})', []))
    for number, cell in enumerate(cells):
        cell["id"] = f"{lesson.name}-{number}"
    contents = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(contents, ensure_ascii=False, indent=1) + "\n"


def _cell(step: RunCode, figures: dict[str, Any], language: str) -> dict[str, Any]:
    """A block of code with what it printed, and the figures that the prose after it speaks of."""
    source = step.code.text.strip()
    outputs: list[dict[str, Any]] = []
    if step.printed:
        outputs.append({"output_type": "stream", "name": "stdout", "text": step.printed})
    if figures:
        source += f"\ndisplay({', '.join(_shown(name, figure, language) for name, figure in figures.items())})"
    for figure in figures.values():
        picture = base64.b64encode(png(figure, language)).decode("ascii")
        outputs.append({"output_type": "display_data", "metadata": {}, "data": {"image/png": picture}})
    return _code(source, outputs)


def _shown(name: str, figure: Any, language: str) -> str:
    """What shows a picture in the notebook's language."""
    return f'{name}.within("{language}")' if isinstance(figure, Drawing) and language != "en" else name


def _markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _code(source: str, outputs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "metadata": {},
        "execution_count": None,
        "source": source.strip(),
        "outputs": outputs,
    }
