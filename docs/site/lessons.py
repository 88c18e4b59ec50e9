"""The lessons' pages, in both languages, from the lessons themselves: what stands there has just been computed."""

from __future__ import annotations

from pathlib import Path

from backlit.lessons import LESSONS, Lesson
from backlit.lessons.page import page

WORDS = {
    "en": ("Lessons", "Each can be read here, run in the terminal, or opened as a notebook.", "{} minutes"),
    "ko": ("강의", "여기서 읽어도 되고, 터미널에서 실행하거나 노트북으로 열어도 됩니다.", "{}분"),
}


def pages() -> list[str]:
    """The pages in their order, for the navigation."""
    return ["lessons/index.md", *(f"lessons/{name}.md" for name in LESSONS)]


def write(folder: Path) -> None:
    """Write a page for each lesson and language, its pictures, and an index."""
    folder.mkdir(parents=True, exist_ok=True)
    for language in WORDS:
        suffix = "" if language == "en" else f".{language}"
        (folder / f"index{suffix}.md").write_text(index(language), encoding="utf-8")
        for name, lesson in LESSONS.items():
            made = page(lesson, language, quick=True)
            (folder / f"{name}{suffix}.md").write_text(made.markdown, encoding="utf-8")
            for picture, content in made.pictures.items():
                file = folder / picture
                file.with_name(f"{file.stem}{suffix}{file.suffix}").write_bytes(content)


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
