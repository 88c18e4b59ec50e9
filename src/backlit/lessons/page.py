"""A lesson as a page of the documentation: Markdown with what the code printed and drew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backlit.lessons.formulas import to_mathml
from backlit.lessons.pictures import shown
from backlit.lessons.running import FIGURE, FilledProse, RunCode, run, setup
from backlit.lessons.source import Exercise, Lesson

_WORDS = {
    "en": {
        "begin": "The code below runs wherever it is pasted, in this order. To see a picture, save it: a plot by "
        '`picture.savefig("picture.png")`, a drawing by `graph.save("graph.svg")`. These lines come first:',
        "exercises": "Exercises",
        "exercise": "Exercise {}",
        "answer": "An answer",
        "run": "Run it yourself: `backlit lesson {name}`, or as a notebook: "
        "`backlit lesson {name} --notebook {name}.ipynb`. "
        "Write your answers as `exercise_1`, `exercise_2`, `exercise_3` into a file, and have them checked: "
        "`backlit lesson {name} --check answers.py`.",
    },
    "ko": {
        "begin": "아래의 코드는 차례대로 붙여 넣으면 어디에서나 돌아갑니다. 그림은 파일로 저장해야 보입니다. 그래프는 "
        '`picture.savefig("picture.png")`, 신경망이나 계산 과정을 그린 것은 `graph.save("graph.svg")`로 저장합니다. '
        "먼저 다음 줄을 실행하세요.",
        "exercises": "연습 문제",
        "exercise": "연습 문제 {}",
        "answer": "풀이 예",
        "run": "직접 실행해 보세요: `backlit lesson {name} --lang ko`. "
        "노트북으로는 `backlit lesson {name} --lang ko --notebook {name}.ipynb`입니다. "
        "답은 파일에 `exercise_1`, `exercise_2`, `exercise_3`으로 적고 "
        "`backlit lesson {name} --lang ko --check answers.py`로 채점합니다.",
    },
}


@dataclass(frozen=True)
class Page:
    """Markdown, and the pictures that it shows, by file name."""

    markdown: str
    pictures: dict[str, bytes]


def page(
    lesson: Lesson, language: str = "en", *, quick: bool = True, steps: Iterable[FilledProse | RunCode] | None = None
) -> Page:
    """Run a lesson and write it down; `steps` are those of a run made before, in English or this language."""
    pictures: dict[str, bytes] = {}
    words = _WORDS[language]
    lines = [f"# {lesson.number}. {lesson.title[language]}", lesson.summary[language], lesson.follows[language]]
    lines += [words["begin"], f"```python\n{setup(language, quick).strip()}\n```"]
    for step in run(lesson, language, quick=quick) if steps is None else steps:
        if isinstance(step, RunCode):
            if not step.code.claim:
                lines.append(f"```python\n{step.code.text.strip()}\n```")
                if step.printed.strip():
                    lines.append(f"```text\n{step.printed.rstrip()}\n```")
            continue
        files = {}
        for name, figure in step.figures.items():
            kind, content = shown(figure, language)
            files[name] = f"{lesson.name}-{name}.{kind}"
            pictures[files[name]] = content
        lines.append(to_mathml(FIGURE.sub(lambda at: f"![{at[1]}]({files[at[2]]})", step.text[language])))  # noqa: B023
    lines += [f"## {words['exercises']}", words["run"].format(name=lesson.name)]
    lines += [_exercise(exercise, language) for exercise in lesson.exercises]
    return Page("\n\n".join(lines) + "\n", pictures)


def _exercise(exercise: Exercise, language: str) -> str:
    words = _WORDS[language]
    solution = "\n".join(f"    {line}".rstrip() for line in exercise.solution.text.strip().splitlines())
    task = to_mathml(exercise.prose.text[language])
    title = words["exercise"].format(exercise.number)
    return f'### {title}\n\n{task}\n\n??? note "{words["answer"]}"\n\n    ```python\n{solution}\n    ```'
