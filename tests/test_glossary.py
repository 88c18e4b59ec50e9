"""One word for one thing, in lessons, documents, reports, findings and pictures."""

import importlib
import re
import sys
from pathlib import Path

import pytest

from backlit.lessons import LESSONS

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "docs" / "site"))  # they call each other by these names
glossary, words = map(importlib.import_module, ["glossary", "terms"])
TERMS = words.terms()
LEFT = {term: other["ko"] for other in TERMS for term in other.get("not", ())}
WHERE = (
    "src/backlit/**/*.md", "src/backlit/**/*.json", "src/backlit/**/*.toml", "src/backlit/**/*.py", "docs/*.ko.md",
    "docs/site/*.py", "docs/site/*.toml", "*.ko.md",
)  # fmt: skip
PAGES = sorted(page for where in WHERE for page in ROOT.glob(where) if page.name != "glossary.toml")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_text_keeps_to_the_words_of_the_glossary(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = {word: instead for word, instead in LEFT.items() if word in text}
    assert not found, "".join(f"\n{word} → {instead}" for word, instead in found.items())


def test_a_word_that_was_left_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.ko.md"
    page.write_text("그래디언트가 사라집니다.", encoding="utf-8")
    with pytest.raises(AssertionError, match="그래디언트 → 기울기"):
        test_every_text_keeps_to_the_words_of_the_glossary(page)


def test_the_glossary_has_each_word_once_in_each_language() -> None:
    for lang in ("en", "ko"):
        words = [term[lang] for term in TERMS]
        assert len(words) == len(set(words))
    assert not set(LEFT) & {term["ko"] for term in TERMS}


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term["en"])
def test_a_word_is_used_by_the_lesson_that_explains_it(term: dict) -> None:
    lesson = LESSONS[term["lesson"]]
    text = Path(lesson.path).read_text(encoding="utf-8").casefold()
    words = [word for word in re.split(r", | ", term["en"]) if len(word) > 3]
    assert any(word[:6].casefold() in text for word in words), words
    assert any(word in text for word in re.split(r", | ", term["ko"])), term["ko"]
    assert term["about"]["en"].endswith(".")
    assert re.search("[가-힣]", term["about"]["ko"])


def test_the_page_is_made_in_both_languages(tmp_path: Path) -> None:
    glossary.write(tmp_path)
    english, korean = ((tmp_path / name).read_text(encoding="utf-8") for name in ("glossary.md", "glossary.ko.md"))
    assert english.count("\n| ") == korean.count("\n| ") == len(TERMS) + 1
    assert '| <a id="gradient"></a>gradient | 기울기 |' in english
    assert '| <a id="gradient"></a>기울기 | gradient |' in korean
