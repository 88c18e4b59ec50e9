"""The playground: the lessons' exercises in the studio, opened on the site itself where Pyodide is there to run them.

`make pyodide` fetches Pyodide's core into build/pyodide; with NumPy's wheel of the same release beside it, the studio's
page is written into the site as static files, and each exercise links to it.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from backlit.languages import NAMES, Template
from backlit.lessons import LESSONS
from backlit.studio import static
from backlit.studio.assigning import link_to
from backlit.studio.exercises import Exercise, exercises

PYODIDE = Path(__file__).resolve().parents[2] / "build" / "pyodide"
PLACE = "playground"
TITLE = Template("Playground", "놀이터")
HERE = Template(
    "The [studio](studio.md) in this browser: [open it]({place}/index.html). Python is loaded once, about 20 MB; "
    "what you do stays on your machine.",
    "이 브라우저에서 쓰는 [스튜디오](studio.md): [열기]({place}/index.html). 처음에 파이썬을 20 MB쯤 내려받습니다. "
    "하는 일은 이 컴퓨터를 떠나지 않습니다.",
)
ELSEWHERE = Template(
    "Exercises of the lessons in the [studio](studio.md), each by its command.",
    "레슨의 연습 문제를 [스튜디오](studio.md)에서 엽니다. 문제마다 명령이 있습니다.",
)
LESSON = Template("Lesson {number}", "레슨 {number}")
OPEN = Template("Open it here", "여기서 열기")
TRY = Template("Try it in the studio", "스튜디오에서 해 보기")


def write(folder: Path) -> bool:
    """Write `playground.md` and its translations, and the page itself, if it can run; whether it can."""
    if lives():
        static.write(folder / PLACE, str(PYODIDE))
    for lang in NAMES:
        (folder / f"playground{'' if lang == 'en' else f'.{lang}'}.md").write_text(
            page(lang, lives()), encoding="utf-8"
        )
    return lives()


def lives() -> bool:
    """Whether the studio's page can run on the site."""
    return static.missing(PYODIDE) == []


def page(lang: str, lives: bool) -> str:
    """The page in a language; with links into the studio, if it lives on the site."""
    about = HERE.of(place=PLACE) if lives else ELSEWHERE.of()
    parts = [f"# {TITLE.of().within(lang)}", about.within(lang)]
    for each in exercises().values():
        lesson = LESSONS[each.lesson]
        task = each.assignment
        parts += [f"## {task.title[lang]} {{#{anchor(each)}}}", task.text[lang]]
        parts.append(
            f"[{LESSON.of(number=lesson.number).within(lang)}: {lesson.title[lang]}](lessons/{each.lesson}.md)"
        )
        if lives:
            parts.append(f"[{OPEN.of().within(lang)}]({PLACE}/index.html#{link_to(task)})")
        parts.append(f"```bash\nbacklit studio --exercise {shlex.quote(each.key)}\n```")
    return "\n\n".join(parts) + "\n"


def anchor(exercise: Exercise) -> str:
    """Of an exercise on the page."""
    return exercise.key.replace(" ", "-")


def of_lesson(name: str, lang: str) -> str:
    """What stands under a lesson: its exercises."""
    links = [
        f"[{each.assignment.title[lang]}](../playground.md#{anchor(each)})"
        for each in exercises().values()
        if each.lesson == name
    ]
    return f"\n{TRY.of().within(lang)}: {', '.join(links)}\n" if links else ""
