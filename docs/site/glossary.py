"""The glossary: a word in both languages, what it means, and the lesson that explains it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import links
from terms import anchor, terms

from backlit.languages import NAMES, Template
from backlit.lessons import LESSONS

TITLE = Template("Glossary", "용어집")
ABOUT = Template(
    "The words of lessons, documents and reports, in English and Korean.",
    "레슨과 문서, 보고서에서 쓰는 말을 한국어와 영어로 적었습니다.",
)
HEADS = Template("| word | Korean | what it is | lesson, reference |", "| 용어 | 영어 | 뜻 | 레슨, 레퍼런스 |")


def write(folder: Path) -> None:
    """Write `glossary.md` and its translations."""
    for lang in NAMES:
        suffix = "" if lang == "en" else f".{lang}"
        (folder / f"glossary{suffix}.md").write_text(page(lang), encoding="utf-8")


def page(lang: str) -> str:
    """The page in a language, in its alphabet's order."""
    other = next(name for name in NAMES if name != lang)
    rows = [
        f'| <a id="{anchor(term)}"></a>{term[lang]} | {term[other]} | {term["about"][lang]} | {_links(term, lang)} |'
        for term in sorted(terms(), key=lambda term: str(term[lang]).casefold())
    ]
    said = [each.of().within(lang) for each in (TITLE, ABOUT, HEADS)]
    return "\n".join([f"# {said[0]}", "", said[1], "", said[2], "|---|---|---|---|", *rows, ""])


def _links(term: dict[str, Any], lang: str) -> str:
    """The lesson that explains a word, and the public names that belong to it."""
    lesson = f"[{LESSONS[term['lesson']].title[lang]}](lessons/{term['lesson']}.md)"
    names = links.table()["words"].get(term["en"])
    return f"{lesson} · {links.named(names, '')}" if names else lesson
