"""The lessons' pages, in both languages, from the lessons themselves: what stands there has just been computed."""

from __future__ import annotations

import re
from pathlib import Path

import playground
from matplotlib.figure import Figure

from backlit.lessons import LESSONS, Lesson
from backlit.lessons.page import page
from backlit.lessons.running import FIGURE, FilledProse, RunCode
from backlit.lessons.source import Code
from backlit.studio.exercises import exercises

WORDS = {
    "en": ("Lessons", "Each can be read here, run in the terminal, or opened as a notebook.", "{} minutes"),
    "ko": ("레슨", "여기서 읽어도 되고, 터미널에서 실행하거나 노트북으로 열어도 됩니다.", "{}분"),
}

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
    """Write a page for each lesson and language, its pictures, and an index.

    With `outline` no lesson is run: their pages have no numbers and empty pictures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for language in WORDS:
        (folder / f"index{suffix(language)}.md").write_text(index(language), encoding="utf-8")
    for name, lesson in LESSONS.items():
        for language in WORDS:
            made = page(lesson, language, steps=outlined(lesson) if outline else None)
            markdown = made.markdown + in_the_studio(name, language) + playground.of_lesson(name, language)
            (folder / f"{name}{suffix(language)}.md").write_text(markdown, encoding="utf-8")
            for picture, content in made.pictures.items():
                file = folder / picture
                file.with_name(f"{file.stem}{suffix(language)}{file.suffix}").write_bytes(content)


def outlined(lesson: Lesson) -> list[FilledProse | RunCode]:
    """A lesson's steps as if it had been run."""
    steps: list[FilledProse | RunCode] = []
    for part in lesson.parts:
        if isinstance(part, Code):
            steps.append(RunCode(part, ""))
        else:
            texts = {language: re.sub("«[^»]+»", "…", text) for language, text in part.text.items()}
            figures = {name: Figure((1, 1)) for text in texts.values() for _, name in FIGURE.findall(text)}
            steps.append(FilledProse(texts, figures))
    return steps


def suffix(language: str) -> str:
    """What a file's name has for its language."""
    return "" if language == "en" else f".{language}"


def index(language: str) -> str:
    """What the lessons are about, and how they are run."""
    title, about, minutes = WORDS[language]
    lines = [f"# {title}", "", about, "", *example(next(iter(LESSONS.values())), language), ""]
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
