"""What is done to the built site: a search for each language, a map for search engines, versions side by side.

These steps know folders and HTML, and nothing of the tool that built them.
"""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import quote

LANGUAGES = {"en": "", "ko": "ko/"}  # where each has its pages
LICENCE = "Apache-2.0"  # the foot of a page, after the version
FOOT = re.compile(r'(md-copyright__highlight">[^<]*)' + LICENCE)
OTHERS = 'other versions · <span lang="ko">다른 버전</span>'
DIALOG = 'data-md-component="search" role="dialog"'
SEARCH = {"en": "Search", "ko": "검색"}
BASE = re.compile(r'("base":\s*")([^"]*)"')


def finish(site: Path, address: str = "") -> None:
    """All of it; the map only if the site's address is known, since it must name pages in full."""
    name_the_search(site)
    divide_the_search(site)
    map_it(site, address)


def name_the_search(site: Path) -> None:
    """Tell readers of the screen what the dialog is for, which the theme leaves out.

    Raises
    ------
    LookupError
        If no page has the dialog: then the theme writes it otherwise than `DIALOG` says.
    """
    found = 0
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        name = SEARCH[language_of(page.relative_to(site).as_posix())]
        named = f'{DIALOG} aria-label="{name}"'
        found += DIALOG in text
        if DIALOG in text and named not in text:
            page.write_text(text.replace(DIALOG, named), encoding="utf-8")
    if not found:
        raise LookupError(f"no page of {site} has a dialog for the search, {DIALOG}: see docs/site/finish.py")


def divide_the_search(site: Path) -> None:
    """An index for each language's pages, where its pages look for it."""
    found: dict[str, Any] = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    if {language for language, place in LANGUAGES.items() if (site / place / "search").is_dir()} == set(LANGUAGES):
        return  # done before
    for language, place in LANGUAGES.items():
        docs = [
            {**page, "location": page["location"].removeprefix(place)}
            for page in found["docs"]
            if language_of(page["location"]) == language
        ]
        # English words stand on Korean pages, too: names, code.
        languages = ["en"] if language == "en" else ["en", language]
        index = {"config": {**found["config"], "lang": languages}, "docs": docs}
        folder = site / place / "search"
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
        (folder / "search_index.json").write_text(text, encoding="utf-8")
        (folder / "search_index.js").write_text(f"var __index = {text}", encoding="utf-8")  # for pages from files
    for page in (site / "ko").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(BASE.sub(lambda at: f'{at[1]}{a_step_less(at[2])}"', text, count=1), encoding="utf-8")


def language_of(location: str) -> str:
    """Of a page, by its place."""
    return "ko" if location.startswith(LANGUAGES["ko"]) else "en"


def a_step_less(base: str) -> str:
    """The way to the language's own root, where that to the site's is known.

    >>> a_step_less("../.."), a_step_less("..")
    ('..', '.')
    """
    return "/".join(base.split("/")[:-1]) or "."


def map_it(site: Path, address: str) -> None:
    """Write sitemap.xml: every page, with the same page in the other language."""
    (site / "sitemap.xml.gz").unlink(missing_ok=True)
    if not address:
        (site / "sitemap.xml").unlink(missing_ok=True)
        return
    root = address.rstrip("/") + "/"
    pages = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    pages = [page for page in pages if page != "404.html" and not page.startswith("playground/")]
    lines = []
    for page in pages:
        plain = page.removeprefix(LANGUAGES["ko"])
        others = "".join(
            f'<xhtml:link rel="alternate" hreflang="{language}" href="{root}{place}{plain}"/>'
            for language, place in LANGUAGES.items()
            if f"{place}{plain}" in pages
        )
        lines.append(f"<url><loc>{html.escape(root + page)}</loc>{others}</url>")
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    head += 'xmlns:xhtml="http://www.w3.org/1999/xhtml">\n'
    (site / "sitemap.xml").write_text(head + "\n".join(lines) + "\n</urlset>\n", encoding="utf-8")


def put_beside_others(site: Path, versions: Path, version: str) -> list[str]:
    """Copy the site into a folder that holds one of each version, with a page that lists them; the newest first.

    What is there stays as it is until the copy is whole.

    Raises
    ------
    ValueError
        If the folder is within the site, which would be copied into itself.
    """
    if versions.resolve().is_relative_to(site.resolve()):
        raise ValueError(f"the folder of versions must be beside the site, got {versions} within {site}")
    place, made, old = versions / version, versions / f".{version}.new", versions / f".{version}.old"
    for left in (made, old):  # by a copy that was interrupted
        shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(site, made)
    for page in made.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        up = "../" * len(page.relative_to(versions).parts[:-1])
        linked = FOOT.sub(rf'\1{LICENCE} · <a href="{up}index.html">{OTHERS}</a>', text)
        page.write_text(linked, encoding="utf-8")
    if place.exists():
        place.rename(old)
    made.rename(place)
    shutil.rmtree(old, ignore_errors=True)
    names = [each.parent.name for each in versions.glob("*/index.html") if not each.parent.name.startswith(".")]
    found = sorted(names, key=ordered, reverse=True)
    rows = "".join(
        f'<li><a href="{quote(name)}/index.html">Backlit {html.escape(name)}</a> · '
        f'<a href="{quote(name)}/ko/index.html" lang="ko">한국어</a></li>'
        for name in found
    )
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>Backlit: versions</title><main><h1>Versions · <span lang="ko">버전</span></h1>'
        f"<ul>{rows}</ul></main></html>\n"
    )
    listed = versions / ".index.html.new"
    listed.write_text(text, encoding="utf-8")
    listed.replace(versions / "index.html")
    return found


def ordered(version: str) -> list[tuple[int, str]]:
    """Numbers by their size, 0.10 after 0.9; what comes before a version's release before it, 1.0rc2 before 1.0.

    >>> sorted(["0.10.0", "0.10.0rc1", "0.10.0.dev0", "0.9.1", "0.10.0-rc2", "0.10", "0.10.1"], key=ordered)
    ['0.9.1', '0.10', '0.10.0.dev0', '0.10.0rc1', '0.10.0-rc2', '0.10.0', '0.10.1']
    """
    parts = re.findall(r"\d+|[a-z]+", version.lower())
    return [*((int(part), "") if part.isdigit() else (-1, part) for part in parts), (-1, "~")]  # ~ is after any letter
