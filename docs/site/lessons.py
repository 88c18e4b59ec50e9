"""The lessons' pages, in both languages, from the lessons themselves: what stands there has just been computed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

WORDS = {
    "en": ("Lessons", "Each can be read here, run in the terminal and opened as a notebook:", "lesson"),
    "ko": ("강의", "여기서 읽어도 되고, 터미널에서 실행하거나 노트북으로 열어도 됩니다.", "강의"),
}


def names() -> list[str]:
    """The lessons in their order."""
    if find_spec("backlit.lessons") is None:
        return []
    from backlit.lessons import LESSONS

    return list(LESSONS)


def write(folder: Path) -> None:
    """Write a page for each lesson and language, its pictures, and an index."""
    folder.mkdir(parents=True, exist_ok=True)
    for language, (title, about, _) in WORDS.items():
        suffix = "" if language == "en" else f".{language}"
        lines = [f"# {title}", "", about, "", *example(), "", *index(language), ""]
        (folder / f"index{suffix}.md").write_text("\n".join(lines), encoding="utf-8")
        for name in names():
            from backlit.lessons import LESSONS
            from backlit.lessons.page import page

            made = page(LESSONS[name], language, quick=True)
            (folder / f"{name}{suffix}.md").write_text(made.markdown, encoding="utf-8")
            for picture, content in made.pictures.items():
                (folder / picture).with_suffix(f"{suffix}{Path(picture).suffix}").write_bytes(content)


def index(language: str) -> list[str]:
    """A line for each lesson: its title, and what it is about."""
    if not names():
        return []
    from backlit.lessons import LESSONS

    return [
        f"{lesson.number}. [{lesson.title[language]}]({name}.md): {lesson.summary[language]}"
        for name, lesson in LESSONS.items()
    ]


def example() -> list[str]:
    """How a lesson is run."""
    first = next(iter(names()), "NAME")
    return ["```bash", "backlit lessons", f"backlit lesson {first} --quick", "```"]
