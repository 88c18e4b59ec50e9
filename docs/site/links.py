"""What leads from lessons to the reference, the glossary and the papers, and back: `links.toml`, and what code uses."""

from __future__ import annotations

import ast
import html
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import reference
from terms import anchor, terms

from backlit.languages import NAMES, Template
from backlit.lessons import LESSONS, Lesson
from backlit.lessons.source import Code

TABLE = Path(__file__).with_name("links.toml")
TITLE = Template("Papers", "논문")
ABOUT = Template(
    "What lessons and names of the reference rest on, with where to find it.",
    "레슨과 레퍼런스의 바탕이 된 논문과 그 주소입니다.",
)
LESSON = Template("Lesson {number}, {title}", "{number}번 레슨, {title}")
FURTHER = Template("Further", "더 보기")
USED = Template("In the [reference](../reference/index.md): {names}.", "[레퍼런스](../reference/index.md): {names}.")
WORDS = Template("In the [glossary](../glossary.md): {words}.", "[용어집](../glossary.md): {words}.")
PAPERS = Template("[Papers](../papers.md):", "[논문](../papers.md):")
TAUGHT = Template("Taught in {lesson}.", "{lesson}에서 다룹니다.")
WORD = Template("Glossary: {words}.", "용어집: {words}.")
PLACES = {"doi": "https://doi.org/", "arXiv": "https://arxiv.org/abs/"}
OUTSIDE = re.compile(r"^```.*?^```|<math.*?</math>|`[^`\n]*`|\[[^\[\]]*\]\([^)]*\)", flags=re.DOTALL | re.MULTILINE)
MENTIONED = {"en": re.compile(r"\blesson (\d+)\b"), "ko": re.compile(r"(\d+)번 레슨")}


@cache
def table() -> dict[str, Any]:
    """The file, with papers from the oldest on."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


@cache
def things() -> dict[str, Any]:
    """Every public thing by its name."""
    return reference.public()


def used(lesson: Lesson) -> list[str]:
    """Public names in the code that a lesson shows, in the order of the alphabet."""
    shown = [part.text for part in lesson.parts if isinstance(part, Code) and not part.claim]
    nodes = [node for text in shown for node in ast.walk(ast.parse(text))]
    called = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
    return sorted(called & set(things()), key=str.lower)


def teacher(name: str) -> Lesson | None:
    """The lesson that teaches a public name."""
    return next((LESSONS[lesson] for lesson, names in table()["teaches"].items() if name in names), None)


def place(name: str, root: str, ending: str = ".md") -> str:
    """Where a public name stands, from a page with this way to the root."""
    thing = things()[name]
    return f"{root}reference/{reference.page_of(thing).name}{ending}#{reference.defined(thing)}"


def named(names: list[str], root: str) -> str:
    """Public names as links of Markdown."""
    return " · ".join(f"[`{name.removeprefix('bl.')}`]({place(name, root)})" for name in names)


def cited(paper: dict[str, Any]) -> str:
    """A paper as Markdown, its DOI or arXiv number as the link."""
    kind, _, number = paper["at"].partition(":")
    shown = paper["at"] if kind in PLACES else paper["at"].removeprefix("https://")
    return f"{paper['by']}: *{paper['title']}*, {paper['year']}. [{shown}]({PLACES.get(kind, kind + ':')}{number})"


def of_lesson(lesson: Lesson, lang: str) -> str:
    """The end of a lesson's page: names of the reference, words of the glossary, papers."""
    own = [term for term in terms() if term["lesson"] == lesson.name]
    papers = [paper for paper in table()["paper"] if lesson.name in paper.get("lessons", ())]
    words = " · ".join(f"[{term[lang]}](../glossary.md#{anchor(term)})" for term in own)
    lines = ["", f"## {FURTHER.of().within(lang)}", "", USED.of(names=named(used(lesson), "../")).within(lang)]
    lines += ["", WORDS.of(words=words).within(lang)] if words else []
    lines += ["", PAPERS.of().within(lang), "", *(f"- {cited(paper)}" for paper in papers)] if papers else []
    return "\n".join([*lines, ""])


def between_lessons(text: str, lang: str) -> str:
    """A lesson's page whose mentions of other lessons, "lesson 4", are links; not in code and formulas."""

    def link(found: re.Match[str]) -> str:
        other = next((name for name, lesson in LESSONS.items() if lesson.number == int(found[1])), None)
        return f"[{found[0]}]({other}.md)" if other else found[0]

    parts, start = [], 0
    for code in OUTSIDE.finditer(text):
        parts += [MENTIONED[lang].sub(link, text[start : code.start()]), code[0]]
        start = code.end()
    return "".join([*parts, MENTIONED[lang].sub(link, text[start:])])


def on_reference(content: str, lang: str) -> str:
    """A page of the reference, as HTML, with the lesson and the words of each name under its signature."""
    names = {reference.defined(thing): name for name, thing in things().items()}

    def put(found: re.Match[str]) -> str:
        return found[0] + of_name(names.get(found[2], ""), lang)

    return reference.HEADED.sub(put, content)


def of_name(name: str, lang: str) -> str:
    """The lesson that teaches a name and the words that belong to it, as HTML; "" if there is neither."""
    lesson = teacher(name)
    words = [term for term in terms() if name in table()["words"].get(term["en"], ())]
    said = []
    if lesson:
        title = LESSON.of(number=lesson.number, title=lesson.title[lang]).within(lang)
        said.append(TAUGHT.of(lesson=_link(f"../lessons/{lesson.name}.html", title)).within(lang))
    if words:
        links = [_link(f"../glossary.html#{anchor(term)}", term[lang]) for term in words]
        said.append(WORD.of(words=", ".join(links)).within(lang))
    return f'\n<p class="taught">{" ".join(said)}</p>\n' if said else ""


def _link(target: str, text: str) -> str:
    return f'<a href="{target}">{html.escape(text)}</a>'


def write(folder: Path) -> None:
    """Write the papers' page, in each language."""
    for lang in NAMES:
        suffix = "" if lang == "en" else f".{lang}"
        (folder / f"papers{suffix}.md").write_text(page(lang), encoding="utf-8")


def page(lang: str) -> str:
    """All papers, each with its lessons and names."""
    rows = []
    for paper in table()["paper"]:
        lessons = [LESSONS[name] for name in paper.get("lessons", ())]
        links = [f"[{LESSON.of(number=each.number, title=each.title[lang]).within(lang)}](lessons/{each.name}.md)"
                 for each in lessons]  # fmt: skip
        links += [named(paper["names"], "")] if "names" in paper else []
        rows.append(f"- {cited(paper)} · {' · '.join(links)}")
    return "\n".join([f"# {TITLE.of().within(lang)}", "", ABOUT.of().within(lang), "", *rows, ""])
