"""The lessons' pages, in both languages, from the lessons themselves: what stands there has just been computed."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path

import kept
import links
import openings
import playground
import running
from matplotlib.figure import Figure

from backlit.languages import Template
from backlit.lessons import LESSONS, Lesson
from backlit.lessons.page import page
from backlit.lessons.running import FIGURE, FilledProse, RunCode
from backlit.lessons.source import Code
from backlit.studio.exercises import exercises

ABOUT = Template(
    "Each can be read here, run in the terminal, or opened as a notebook. They follow a set of study notes, named "
    "under each title, and say where they differ; you don't need to have the notes.",
    "여기서 읽어도 되고, 터미널에서 실행하거나 노트북으로 열어도 됩니다. 제목 아래에 적은 스터디 노트를 따라가면서 "
    "노트와 다른 점을 밝힙니다. 노트가 없어도 읽을 수 있습니다.",
)
WORDS = {"en": ("Lessons", "{} minutes"), "ko": ("레슨", "{}분")}

NOTEBOOK = {"en": "Download as a notebook", "ko": "노트북으로 내려받기"}
COMPUTED = {
    "en": "Numbers and pictures: the whole lesson, run for this site on one core ({}). Times are that machine's.",
    "ko": "숫자와 그림: 이 사이트를 만들 때 레슨 전체를 코어 하나({})에서 실행한 결과이며 시간도 거기서 쟀습니다.",
}
NOT_RUN = {
    "en": "This page is an outline: the lesson wasn't run for it, so it has no numbers.",
    "ko": "이 페이지는 윤곽만 보여 줍니다. 레슨을 실행하지 않고 만들어서 숫자가 없습니다.",
}
PICTURE = re.compile(r"!\[([^\]]*)\]\(([\w.-]+)\)")
VALUE = re.compile(r"«[^»]+»(?:\{[^{}]+\})?")
STUDIO = {
    "en": ("In the studio", "Exercises that [the studio](../studio.md) checks:"),
    "ko": ("스튜디오에서", "[스튜디오](../studio.md)가 채점하는 연습 문제입니다."),
}


def in_the_studio(lesson: str, language: str) -> str:
    """Which of the studio's exercises are this lesson's, and how each is begun."""
    own = [each for each in exercises().values() if each.lesson == lesson]
    if not own:
        return ""
    title, about = STUDIO[language]
    lines = [f"{each.assignment.title[language]}: `backlit studio --exercise '{each.key}'`" for each in own]
    return "\n".join(["", f"## {title}", "", about, "", *(f"- {line}" for line in lines), ""])


def pages() -> list[str]:
    """The pages in their order, for the navigation."""
    return ["lessons/index.md", *(f"lessons/{name}.md" for name in LESSONS)]


def write(folder: Path, outline: bool = False) -> None:
    """Write a page and a notebook for each lesson and language, its pictures, and an index.

    With `outline` no lesson is run: their pages have no numbers, empty pictures, and no notebooks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    run = {} if outline else kept.bring_up_to_date({name: Path(lesson.path) for name, lesson in LESSONS.items()})
    for language in WORDS:
        (folder / f"index{suffix(language)}.md").write_text(index(language), encoding="utf-8")
    for name, language in product(LESSONS, WORDS):
        lesson = LESSONS[name]
        if outline:
            made = page(lesson, language, steps=outlined(lesson))
            markdown, pictures, notebook, where = made.markdown, made.pictures, "", ""
        else:
            markdown, pictures, notebook, where = read(run[name], language)
        for picture, content in pictures.items():
            file = folder / picture
            file.with_name(f"{file.stem}{suffix(language)}{file.suffix}").write_bytes(content)
        beside = f"{name}{suffix(language)}.ipynb"
        if notebook:
            (folder / beside).write_text(notebook, encoding="utf-8")
        title, rest = markdown.split("\n\n", 1)
        parts = (title, head(lesson, language, beside if notebook else "", where), zoomable(rest))
        text = "\n\n".join(part for part in parts if part) + in_the_studio(name, language)
        place = ("../" if language == "en" else "../../") + playground.PLACE if playground.lives() else ""
        text += "\n" + openings.block(name, language, place) + "\n" + playground.of_lesson(name, language)
        text = links.between_lessons(text, language) + links.of_lesson(lesson, language)
        (folder / f"{name}{suffix(language)}.md").write_text(text, encoding="utf-8")


def read(folder: Path, language: str) -> tuple[str, dict[str, bytes], str, str]:
    """Of a lesson that was run: its Markdown, its pictures by file name, its notebook, and the machine that ran it."""
    place = folder / language
    pictures = {file.name: file.read_bytes() for kind in ("png", "svg") for file in sorted(place.glob(f"*.{kind}"))}
    record = json.loads((folder / running.RECORD).read_text(encoding="utf-8"))
    markdown, notebook = ((place / name).read_text(encoding="utf-8") for name in (running.PAGE, running.NOTEBOOK))
    return markdown, pictures, notebook, record["machine"]


def head(lesson: Lesson, language: str, notebook: str, where: str) -> str:
    """What stands under the title: how long it takes, the notebook, the studio, and whose numbers these are."""
    links = [WORDS[language][1].format(lesson.minutes)]
    links += [f'[{NOTEBOOK[language]}]({notebook}){{ download="{notebook}" }}'] if notebook else []
    links += [openings.button(lesson.name, language, "../playground" if playground.lives() else "")]
    computed = COMPUTED[language].format(where) if where else NOT_RUN[language]
    return " · ".join(link for link in links if link) + f'\n\n<p class="computed">{computed}</p>'


def zoomable(markdown: str) -> str:
    """Pictures that open by themselves, in their full size, when they are clicked on."""
    return PICTURE.sub(r"[![\1](\2)](\2)", markdown)


def outlined(lesson: Lesson) -> list[FilledProse | RunCode]:
    """A lesson's steps as if it had been run."""
    steps: list[FilledProse | RunCode] = []
    for part in lesson.parts:
        if isinstance(part, Code):
            steps.append(RunCode(part, ""))
        else:
            texts = {language: VALUE.sub("…", text) for language, text in part.text.items()}
            figures = {name: Figure((1, 1)) for text in texts.values() for _, name in FIGURE.findall(text)}
            steps.append(FilledProse(texts, figures))
    return steps


def suffix(language: str) -> str:
    """What a file's name has for its language."""
    return "" if language == "en" else f".{language}"


def index(language: str) -> str:
    """What the lessons are about, and how they are run."""
    title, minutes = WORDS[language]
    lines = [f"# {title}", "", ABOUT.of().within(language), "", *example(next(iter(LESSONS.values())), language), ""]
    for name, lesson in LESSONS.items():
        long = minutes.format(lesson.minutes)
        lines += [f"{lesson.number}. [**{lesson.title[language]}**]({name}.md) ({long}): {lesson.summary[language]}"]
    return "\n".join([*lines, ""])


def example(lesson: Lesson, language: str) -> list[str]:
    """How a lesson is run."""
    lang = "" if language == "en" else f" --lang {language}"
    return [
        "```bash",
        f"backlit lessons{lang}",
        f"backlit lesson {lesson.name}{lang}",
        f"backlit lesson {lesson.name}{lang} --notebook {lesson.name}.ipynb",
        "```",
    ]
