"""The documentation site: it builds strictly, is whole, and needs nothing from elsewhere."""

import json
import re
import runpy
import subprocess
import sys
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer

import backlit as bl
from backlit.cli.main import app

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_the_site(tmp_path: Path) -> None:
    """One test, since the build is what takes the time; the lessons are run by tests of their own."""
    site = tmp_path / "site"
    for command in (
        ["docs/site/gather.py", "--outline"],
        ["-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)],
    ):
        done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    pages = {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    pages = {name: text for name, text in pages.items() if not name.startswith("playground/")}  # no page of words
    nothing_comes_from_elsewhere(site, pages)
    links_lead_to_pages_and_places_on_them(site, pages)
    both_languages(pages)
    every_public_name_is_in_the_reference(pages)
    signatures_are_as_they_are_called(pages)
    every_option_is_in_the_command_reference(pages)
    search_finds_both_languages(site)


def test_links_lead_to_the_same_page_on_the_site() -> None:
    relinked = runpy.run_path(str(ROOT / "docs" / "site" / "gather.py"))["relinked"]
    page = ROOT / "docs" / "text.md"
    for written, wanted in {
        "[a](tables.md#use) and [b](../CHANGELOG.md)": "[a](tables.md#use) and [b](changelog.md)",
        "[c](../benchmarks/RESULTS.md), [d](https://x.org/y)": "[c](results.md), [d](https://x.org/y)",
        "[the code](../src/backlit/errors.py)": "the code",
        "`net[0](x)`\n\n    net[0](x)\n\n```python\nnet[0](x)\n```\n": None,
    }.items():
        assert relinked(written, page) == (wanted or written)
    assert relinked("[a](docs/tables.md)", ROOT / "CONTRIBUTING.md") == "[a](tables.md)"


def nothing_comes_from_elsewhere(site: Path, pages: dict[str, str]) -> None:
    for name, text in pages.items():
        fetched = re.findall(r"<(?:script|link|img|iframe|source|object)\b[^>]*", text)
        assert fetched, name
        for tag in fetched:
            if 'rel="canonical"' not in tag and 'rel="alternate"' not in tag:
                assert not re.search(r'(?:src|href|data)="?(?:https?:)?//', tag), (name, tag)
        assert 'class="mermaid"' not in text, f"{name}: diagrams are drawn by a script from elsewhere"
    for path in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", path.read_text(encoding="utf-8")), path


def links_lead_to_pages_and_places_on_them(site: Path, pages: dict[str, str]) -> None:
    places = {name: {unescape(place) for place in re.findall(r'\bid="([^"]+)"', text)} for name, text in pages.items()}
    for name, text in pages.items():
        if name == "404.html":  # its links are from the site's root
            continue
        for link in set(re.findall(r'<a\b[^>]*?\bhref="([^"]*)"', text)):
            if re.match(r"[a-z]+:", link):
                continue
            target, _, place = unquote(unescape(link)).partition("#")
            path = ((site / name).parent / target).resolve() if target else site / name
            assert path.exists(), (name, link)
            if place:
                assert place in places[path.relative_to(site).as_posix()], (name, link)


def both_languages(pages: dict[str, str]) -> None:
    assert {name for name in pages if not name.startswith("ko/") and name != "404.html"} == {
        name.removeprefix("ko/") for name in pages if name.startswith("ko/")
    }
    assert '<html lang="ko"' in pages["ko/index.html"]
    assert "하드웨어" in pages["ko/index.html"]
    assert 'href="ko/tables.html" hreflang="ko"' in pages["tables.html"]  # the switch stays on the page
    assert "이 페이지는 아직 영어로만 있습니다" in pages["ko/architecture.html"]
    assert "이 페이지는 아직 영어로만 있습니다" not in pages["ko/tables.html"]


def every_public_name_is_in_the_reference(pages: dict[str, str]) -> None:
    index = pages["reference/index.html"]
    for name in set(bl.__all__) - {"__version__"}:
        thing = getattr(bl, name)
        if not hasattr(thing, "__qualname__"):  # a module: its names, one by one
            continue
        (link,) = re.findall(rf'<a href="([^"]+)">{name}</a>', index)
        page, _, place = link.partition("#")
        assert place == f"{thing.__module__}.{thing.__qualname__}"
        assert f'id="{place}"' in pages[f"reference/{page}"], name
    for name in bl.ops.__all__:
        assert f">ops.{name}</a>" in index, name


def signatures_are_as_they_are_called(pages: dict[str, str]) -> None:
    operations, optimizers, layers = (
        plain(pages[f"reference/{name}.html"]) for name in ("operations", "optimizers", "layers")
    )
    assert "exp(x: Any) -> Any" in operations  # without the array namespace, which is declared first
    assert "epsilon: float = 1e-10" in optimizers  # declared with its range
    assert "Whether the output is every step's state" in layers  # docstrings that are completed by code
    assert "OPTIONS" not in layers
    assert "<blockquote>" not in "".join(pages.values())  # examples that were taken for quotations


def plain(page: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", page))


def every_option_is_in_the_command_reference(pages: dict[str, str]) -> None:
    text = plain(pages["reference/command.html"])
    sections = dict(
        re.findall(r"^backlit ([\w-]+)¶\n(.*?)(?=^backlit [\w-]+¶|\Z)", text, flags=re.DOTALL | re.MULTILINE)
    )
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(sections) == set(commands)
    for name, command in commands.items():
        for option in command.params:
            for flag in (*option.opts, *option.secondary_opts):
                if flag.startswith("-") and flag != "--help":
                    assert re.search(rf"(?<![\w-]){re.escape(flag)}(?![\w-])", sections[name]), (name, flag)


def search_finds_both_languages(site: Path) -> None:
    found = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    locations = {page["location"] for page in found["docs"]}
    assert {"tables.html", "ko/tables.html", "reference/layers.html"} <= locations
    assert set(found["config"]["lang"]) == {"en", "ko"}
    assert (site / "search" / "search_index.js").is_file()  # for a site that is opened from files


def test_the_playground_has_each_exercise_and_links_to_it_where_the_page_can_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs" / "site")
    import playground

    from backlit.studio.exercises import exercises
    from backlit.studio.sharing import linked

    for lang in ("en", "ko"):
        there, elsewhere = playground.page(lang, True), playground.page(lang, False)
        links = re.findall(r"\(playground/index\.html#(\S+)\)", there)
        assert [linked(link)[0] for link in links] == [each.assignment.start for each in exercises().values()]
        assert "index.html" not in elsewhere
        assert all(
            f"backlit studio --exercise {each.key.split()[0]}" in elsewhere.replace("'", "")
            for each in exercises().values()
        )
        assert "(../playground.md#xor)" in playground.of_lesson("linear", lang)
        assert playground.of_lesson("transformers", lang) == ""
