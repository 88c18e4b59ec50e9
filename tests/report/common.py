"""What every page must be, whoever's report it is."""

import itertools
import re
from html.parser import HTMLParser

VOID = {"meta", "input", "img", "br", "hr", "link"}


class Page(HTMLParser):
    """A page as its elements; faults of its form are collected on the way."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.faults, self.elements, self.words = [], [], [], []
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag, _ in self.open]

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append((tag, dict(attributes)))

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if not self.open or self.open[-1][0] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1][0] if self.open else 'nothing'}")
        else:
            self.open.pop()
            if tag not in ("span", "a"):
                self.words.append((None, " "))

    def handle_data(self, data):
        if not any(tag == "style" for tag, _ in self.open):
            languages = [own["lang"] for _, own in self.open if own.get("class") == "t"]
            self.words.append((languages[-1] if languages else None, data))

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, lang=None):
        """The words that are shown in a language, or all."""
        told = "".join(data for own, data in self.words if lang is None or own in (None, lang))
        return re.sub(r"\s+", " ", told)


def checked(text):
    """The page, after all that must hold for any."""
    page = Page(text)
    assert page.faults == []
    assert text.startswith("<!DOCTYPE html>")
    assert len(text.encode()) < 2_000_000
    ids = [own["id"] for _, own in page.elements if "id" in own]
    assert len(ids) == len(set(ids))
    for _, own in page.elements:
        for name in ("href", "xlink:href"):
            there = own.get(name, "data:image/png;")  # nothing from elsewhere
            assert there.startswith("data:image/png;") or (there[:1] == "#" and there[1:] in ids), own
        for name in ("for", "aria-labelledby"):
            assert name not in own or set(own[name].split()) <= set(ids), own
        assert own.get("src", "data:image/png;").startswith("data:image/png;")
        assert not [name for name in own if name.startswith("on")]
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)
    assert "url(http" not in text
    assert "@import" not in text
    assert not {"script", "link", "iframe", "object", "base", "form"} & {tag for tag, _ in page.elements}
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert all(own.get("alt") for own in page.all("img"))
    assert all(own.get("role") == "img" and own.get("aria-labelledby") for own in page.all("svg"))
    assert all(own.get("scope") in ("row", "col") for own in page.all("th"))
    (page_language,) = [own["lang"] for own in page.all("html")]
    (first,) = [own["id"] for own in page.all("input") if "checked" in own]
    assert first == f"show-{page_language}"
    shown = {own.get("lang") for _, own in page.elements if own.get("class") == "t"}
    assert shown == {"en", "ko"}
    return page
