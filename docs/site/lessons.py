"""The lessons' pages, in both languages, from the lessons themselves: what stands there has just been computed."""

from __future__ import annotations

from pathlib import Path

from backlit.lessons import LESSONS, Lesson
from backlit.lessons.page import page
from backlit.lessons.running import run

WORDS = {
    "en": ("Lessons", "Each can be read here, run in the terminal, or opened as a notebook.", "{} minutes"),
    "ko": ("강의", "여기서 읽어도 되고, 터미널에서 실행하거나 노트북으로 열어도 됩니다.", "{}분"),
}


def pages() -> list[str]:
    """The pages in their order, for the navigation."""
    return ["lessons/index.md", *(f"lessons/{name}.md" for name in LESSONS)]


def write(folder: Path, once: bool = False) -> None:
    """Write a page for each lesson and language, its pictures, and an index.

    With `once` each lesson is run once, not in each language: half the time, and Korean pages have English pictures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for language in WORDS:
        (folder / f"index{suffix(language)}.md").write_text(index(language), encoding="utf-8")
    for name, lesson in LESSONS.items():
        steps = list(run(lesson, "en", quick=True)) if once else None
        for language in WORDS:
            made = page(lesson, language, quick=True, steps=steps)
            (folder / f"{name}{suffix(language)}.md").write_text(made.markdown, encoding="utf-8")
            for picture, content in made.pictures.items():
                file = folder / picture
                file.with_name(f"{file.stem}{suffix(language)}{file.suffix}").write_bytes(content)


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
