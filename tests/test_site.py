"""The documentation site: it builds strictly, is whole, and needs nothing from elsewhere."""

import dataclasses
import importlib
import json
import re
import runpy
import subprocess
import sys
import tomllib
import xml.etree.ElementTree
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbformat
import numpy as np
import pytest
import typer
from matplotlib.text import Text

import backlit as bl
from backlit.cli.main import app
from backlit.lessons import LESSONS
from backlit.lessons.pictures import labels_in
from backlit.lessons.source import Code
from backlit.studio.session import Session
from backlit.studio.sharing import state_of

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = "https://backlit.example/docs"
sys.path.append(str(ROOT / "docs" / "site"))  # they call each other by these names
finish, kept, lessons, links, openings, pictures, playground, reference, running, summaries, terms = map(
    importlib.import_module,
    [
        "finish",
        "kept",
        "lessons",
        "links",
        "openings",
        "pictures",
        "playground",
        "reference",
        "running",
        "summaries",
        "terms",
    ],
)


@pytest.mark.slow
def test_the_site(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """One test, since the build is what takes the time; the lessons are run by tests of their own."""
    site = tmp_path / "site"
    command = ["docs/site/build.py", "--outline", "--to", str(site), "--address", ADDRESS]
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    pages = {name: text for name, text in pages.items() if not name.startswith("playground/")}  # no page of words
    nothing_comes_from_elsewhere(site, pages)
    links_lead_to_pages_and_places_on_them(site, pages)
    both_languages(pages)
    a_gallery_of_pictures(site, pages)
    the_map_names_every_page(site, pages)
    every_public_name_is_in_the_reference(pages)
    signatures_are_as_they_are_called(pages)
    every_option_is_in_the_command_reference(pages)
    search_finds_both_languages(site)
    everyone_can_use_it(site, request.getfixturevalue("browser"))  # last: without a browser, all else is still tested


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
    for place, languages, word in (("", {"en"}, "learning rate"), ("ko/", {"en", "ko"}, "학습률")):
        found = json.loads((site / place / "search" / "search_index.json").read_text(encoding="utf-8"))
        locations = {page["location"] for page in found["docs"]}
        assert {"tables.html", "gallery.html"} <= locations  # from the language's own root
        assert not any(location.startswith("ko/") for location in locations)
        assert set(found["config"]["lang"]) == languages
        assert word in "".join(page["text"] for page in found["docs"])
        assert (site / place / "search" / "search_index.js").is_file()  # for a site that is opened from files
        base = re.findall(r'"base":\s*"([^"]*)"', (site / place / "tables.html").read_text(encoding="utf-8"))
        assert base == ["."], place  # where its page looks for it


def a_gallery_of_pictures(site: Path, pages: dict[str, str]) -> None:
    for place in ("", "ko/"):
        shown = re.findall(r'<img alt="[^"]+" src="([^"]+)"', pages[f"{place}gallery.html"])
        assert len(shown) == len(set(shown)) > 20
        for picture in shown:
            assert (site / place / picture).stat().st_size > 1000, picture
            assert f'href="{picture}"' in pages[f"{place}gallery.html"], picture  # opens in its full size
    english, korean = (site / place / "gallery-curves.png" for place in ("", "ko"))
    assert english.read_bytes() != korean.read_bytes()  # its labels are in the page's language


def the_map_names_every_page(site: Path, pages: dict[str, str]) -> None:
    root = xml.etree.ElementTree.parse(site / "sitemap.xml").getroot()  # noqa: S314, our own
    named = {place.text for place in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")}
    assert named == {f"{ADDRESS}/{name}" for name in pages if name != "404.html"}


LOOKED_AT = ("index", "gallery", "lessons/linear", "lessons/sequences", "reference/trackers", "glossary")


def everyone_can_use_it(site: Path, browser: Any) -> None:
    """No serious fault by axe-core, and nothing that sticks out of a phone's width."""
    from tests.studio.browser.test_everyone import serious, too_wide

    for place, scheme, width in (("", "light", 1280), ("ko/", "dark", 390)):
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
        page = context.new_page()
        for name in LOOKED_AT:
            page.goto((site / f"{place}{name}.html").as_uri())
            assert serious(page) == [], (place, name)
            assert not too_wide(page), (place, name)
        context.close()


def test_the_gallery_has_every_picture_and_its_calls_are_one_program(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL))
    drawing = set(bl.plots.__all__) - {"figure", "label"}
    assert not [name for name in drawing if f"bl.plots.{name}(" not in code]
    for depth in ("neurons", "operations", "time", "cell"):
        assert f'depth="{depth}"' in code
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    drawn = re.findall(r'"(gallery-[\w]+\.(?:png|svg))"', code)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(drawn)


def test_every_public_name_and_command_has_a_korean_sentence() -> None:
    names, public = summaries.korean(), reference.public()
    assert set(names) == set(public)
    assert set(summaries.korean("commands")) == set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    for name, sentence in (names | summaries.korean("commands")).items():
        assert re.search(r"[가-힣]", sentence), name
    said = {name: " ".join((thing.__doc__ or "").split()) for name, thing in public.items()}
    raw = tomllib.loads(summaries.FILE.read_text(encoding="utf-8"))["names"]
    formulas = [(name, part) for name, sentence in raw.items() for part in re.findall(r"``(.+?)``", sentence)]
    assert len(formulas) > 100
    assert not [(name, part) for name, part in formulas if part not in said[name]]


def test_a_korean_sentence_stands_under_its_name() -> None:
    before = '<h2 id="backlit.nn.layers.linear.Linear" class="doc">bl.Linear</h2><pre></pre>\n'
    before += '<div class="doc doc-contents first">'
    made = reference.with_summaries(f"{before}<p>English</p>")
    assert made.startswith(before)
    assert '<p class="summary" lang="ko">마지막 축에 <code>y = x Wᵀ + b</code>' in made
    other = before.replace("Linear", "Unknown")
    assert reference.with_summaries(other) == other


def test_the_table_of_links_names_what_there_is() -> None:
    table, words = links.table(), {term["en"] for term in terms.terms()}
    taught = [name for names in table["teaches"].values() for name in names]
    assert len(taught) == len(set(taught))  # one lesson each
    assert set(table["teaches"]) == set(LESSONS)
    assert set(table["words"]) <= words
    named = {name for paper in table["paper"] for name in paper.get("names", ())}
    assert {*taught, *named, *(name for names in table["words"].values() for name in names)} <= set(reference.public())
    assert {lesson for paper in table["paper"] for lesson in paper.get("lessons", ())} == set(LESSONS)
    assert [paper["year"] for paper in table["paper"]] == sorted(paper["year"] for paper in table["paper"])
    for paper in table["paper"]:
        assert re.fullmatch(r"doi:10\.\d{4,}/\S+|arXiv:\d{4}\.\d{4,5}|https://\S+", paper["at"]), paper
        assert paper.get("lessons") or paper.get("names"), paper
    assert len({paper["at"] for paper in table["paper"]}) == len(table["paper"])


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_lesson_leads_to_names_words_and_papers_and_they_lead_back(lang: str) -> None:
    end = links.of_lesson(LESSONS["optimizers"], lang)
    assert "[`AdaGrad`](../reference/optimizers.md#backlit.optim.adaptive.AdaGrad)" in end
    assert "](../glossary.md#learning-rate)" in end
    assert "[arXiv:1412.6980](https://arxiv.org/abs/1412.6980)" in end
    heading = '<h2 id="backlit.optim.adaptive.Adam" class="doc">bl.Adam</h2>\n<div class="doc doc-contents first">'
    back = links.on_reference(heading + "<p>Docs</p>", lang)
    assert '<a href="../lessons/optimizers.html">' in back
    assert '<a href="../glossary.html#optimizer">' in back
    assert back.endswith("<p>Docs</p>")
    papers = links.page(lang)
    assert re.search(
        r"Kingma, Ba.*1412\.6980.*\(lessons/optimizers\.md\).*reference/optimizers\.md#\S+\.Adam\)", papers
    )


def test_code_that_a_lesson_shows_is_looked_through_for_names() -> None:
    shown = "x = bl.optim.SoftThreshold(0.1)\nbl.fit(bl.Linear(2), own.fit)"
    lesson = LESSONS["arrays"]
    parts = (Code(shown, 1), Code("bl.grad(x)", 2, claim=True))
    assert links.used(dataclasses.replace(lesson, parts=parts)) == ["bl.fit", "bl.Linear", "bl.optim.SoftThreshold"]


def test_lessons_that_are_mentioned_are_links() -> None:
    text = "as in lesson 4, but `lesson 5` and lesson 99\n```python\n# lesson 6\n```\n[lesson 7](x.md)"
    linked = links.between_lessons(text, "en")
    assert linked == text.replace("in lesson 4", "in [lesson 4](jacobians.md)")
    assert links.between_lessons("10번 레슨에서", "ko") == "[10번 레슨](optimizers.md)에서"


def test_labels_of_figures_are_put_into_korean() -> None:
    figure, axis = bl.plots.figure()
    axis.set(xlabel="learning rate", ylabel="loss", title="suggested: 0.02")
    axis.text(0, 0, "malic_acid")
    english, korean = ("learning rate", "loss", "suggested: 0.02"), ("학습률", "손실", "추천: 0.02")

    def labels() -> tuple[str, str, str]:
        return axis.get_xlabel(), axis.get_ylabel(), axis.get_title()

    with labels_in(figure, "ko") as known:
        assert known == 3
        assert labels() == korean
    assert labels() == english
    with pytest.raises(OSError, match="disk full"), labels_in(figure, "ko"):
        raise OSError("disk full")
    assert labels() == english


def test_what_comes_with_the_data_stays_as_it_is() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 2)).astype("float32")
    classes = np.array(["training", "input"])[(rows[:, 0] > 0).astype(int)]
    run = bl.fit(bl.Linear(2), rows, classes, epochs=1, seed=0, engine="numpy")
    own = bl.plots.decision_boundary(run, rows, classes[::-1], names=("loss", "weight"), titles=["learning rate"])
    with labels_in(own, "ko"):
        (axis,), (legend,) = own.axes, own.legends
        assert (axis.get_xlabel(), axis.get_ylabel(), axis.get_title()) == ("loss", "weight", "learning rate")
        assert {"training", "input", "오답"} == {text.get_text() for text in legend.get_texts()}


def test_pictures_of_networks_have_korean_labels() -> None:
    rows = np.random.default_rng(0).normal(size=(20, 5)).astype("float32")
    convolutions = bl.Sequential(bl.Conv2d(20, 3), bl.Conv2d(20, 3)).build((8, 8, 1))
    figures = (
        bl.plots.decision_boundary(bl.Linear(2).build((5,)), rows),
        bl.plots.filters(convolutions, "1"),
        bl.plots.feature_maps(convolutions, "0", np.zeros((1, 8, 8, 1))),
        bl.plots.weights_as_images(bl.Sequential(bl.Linear(100)).build(64)),
        bl.plots.attention(np.full((2, 3, 3), 1 / 3)),
    )
    for figure in figures:
        with labels_in(figure, "ko"):
            figure.draw_without_rendering()
            texts = {text.get_text() for text in figure.findobj(Text) if re.search("[A-Za-z]{2}", text.get_text())}
            assert not texts


def test_a_korean_page_s_drawings_are_korean(tmp_path: Path) -> None:
    code = pictures.PRELUDE.format(here=str(ROOT / "docs" / "site"))
    code += "import backlit as bl\nnet = bl.Sequential(bl.Linear(2), bl.Tanh()).build((2,))\n"
    code += 'bl.draw(net, depth="neurons", path="net.svg")'
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    english, drawn = ((tmp_path / name).read_text(encoding="utf-8") for name in ("net.svg", "net.ko.svg"))
    assert ">2 units<" in english
    assert ">유닛 2개<" in drawn
    assert "line width" not in drawn


def test_a_site_is_put_beside_those_of_other_versions(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for place in ("", "ko/", "lessons/"):
        (site / place).mkdir(parents=True, exist_ok=True)
        foot = '<div class="md-copyright__highlight">Backlit · Apache-2.0</div><p>Apache-2.0</p>'
        (site / place / "index.html").write_text(foot, encoding="utf-8")
    versions = tmp_path / "versions"
    for version in ("0.9.1", "0.10.0", "0.10.0rc1", "0.9.1"):
        found = finish.put_beside_others(site, versions, version)
    assert found == ["0.10.0", "0.10.0rc1", "0.9.1"]
    assert {path.name for path in versions.iterdir()} == {"index.html", *found}  # nothing half done is left
    with pytest.raises(ValueError, match="beside the site"):
        finish.put_beside_others(site, site / "versions", "0.9.1")
    page = (versions / "0.9.1" / "lessons" / "index.html").read_text(encoding="utf-8")
    assert page.count("other versions") == 1
    (link,) = re.findall(r'href="([^"]+)"', page)
    listed = (versions / "0.9.1" / "lessons" / link).resolve()
    assert listed == versions / "index.html"
    for target in re.findall(r'href="([^"]+)"', listed.read_text(encoding="utf-8")):
        assert (versions / target).is_file()


def test_a_copy_that_fails_leaves_the_version_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, versions = tmp_path / "site", tmp_path / "versions"
    site.mkdir()
    (site / "index.html").write_text("old", encoding="utf-8")
    finish.put_beside_others(site, versions, "1.0")

    def fails(_: Path, made: Path) -> None:
        made.mkdir()
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(finish.shutil, "copytree", fails)
        with pytest.raises(OSError, match="disk full"):
            finish.put_beside_others(site, versions, "1.0")
    assert (versions / "1.0" / "index.html").read_text(encoding="utf-8") == "old"
    assert finish.put_beside_others(site, versions, "1.1") == ["1.1", "1.0"]


def test_the_search_has_one_name_however_often_it_is_given(tmp_path: Path) -> None:
    page = tmp_path / "ko" / "index.html"
    page.parent.mkdir()
    page.write_text(f"<div {finish.DIALOG}></div>", encoding="utf-8")
    for _ in range(2):
        finish.name_the_search(tmp_path)
        assert page.read_text(encoding="utf-8") == f'<div {finish.DIALOG} aria-label="검색"></div>'
    page.write_text("<div></div>", encoding="utf-8")
    with pytest.raises(LookupError, match="dialog for the search"):
        finish.name_the_search(tmp_path)


def test_a_name_without_a_korean_sentence_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "korean", dict)
    with pytest.raises(LookupError, match=r"bl.Linear is public, but has no sentence in docs/site/summaries.ko.toml"):
        reference.sentence("bl.Linear")


def test_only_what_scrolls_is_a_stop_and_nothing_live_is_offered_from_files(tmp_path: Path, browser: Any) -> None:
    wide, narrow = (f"<div style='width: {n}px'>{n}</div>" for n in (3000, 30))
    box = "<div class='md-typeset__scrollwrap' style='overflow: auto'>{}</div>"
    page = f"<h2>Tables</h2>{box.format(wide)}<h2>More<a>¶</a></h2>{box.format(narrow)}<details class='live'></details>"
    script = (ROOT / "docs" / "assets" / "reading.js").read_text(encoding="utf-8")
    file = tmp_path / "page.html"
    file.write_text(f"<body><article class='md-typeset'>{page}</article><script>{script}</script>", encoding="utf-8")
    told = "boxes => boxes.map(box => ['tabindex', 'role', 'aria-label'].map(name => box.getAttribute(name)))"
    tab = browser.new_page(viewport={"width": 400, "height": 600})
    tab.goto(file.as_uri())
    tab.wait_for_selector("[tabindex]")
    assert tab.eval_on_selector_all(".md-typeset__scrollwrap", told) == [["0", "region", "Tables"], [None] * 3]
    assert tab.locator("details.live").count() == 0
    tab.set_viewport_size({"width": 3200, "height": 600})
    tab.wait_for_selector("[tabindex]", state="detached")
    tab.close()


def test_a_map_needs_an_address(tmp_path: Path) -> None:
    (tmp_path / "sitemap.xml").write_text("<loc>Noneindex.html</loc>", encoding="utf-8")
    finish.map_it(tmp_path, "")
    assert not (tmp_path / "sitemap.xml").exists()


def test_a_lesson_is_run_again_only_when_its_text_or_code_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "FOLDER", tmp_path)
    text = Path(lessons.LESSONS["arrays"].path)
    wanted = {"arrays": text}
    assert kept.bring_up_to_date(wanted) == {"arrays": tmp_path / "arrays"}
    record = json.loads((tmp_path / "arrays" / running.RECORD).read_text(encoding="utf-8"))
    assert "lessons/running.py" in record["files"]
    assert not [name for name in record["files"] if name.startswith(("studio/", "sklearn/", "cli/"))]
    monkeypatch.setattr(kept, "run", lambda *_: pytest.fail("it was run again"))
    kept.bring_up_to_date(wanted)
    other = tmp_path / "other.md"
    other.write_text(text.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert not kept.is_fresh(tmp_path / "arrays", other)
    for part, name, value in (("files", "lessons/running.py", "0"), ("versions", "numpy", "1.0")):
        stale = {**record, part: {**record[part], name: value}}
        (tmp_path / "arrays" / running.RECORD).write_text(json.dumps(stale), encoding="utf-8")
        assert not kept.is_fresh(tmp_path / "arrays", text), part
    others = [{name: value for name, value in record.items() if name != left} for left in ("files", "text", "made by")]
    for other_form in (*others, [], "record", {**record, "files": 1}):
        (tmp_path / "arrays" / running.RECORD).write_text(json.dumps(other_form), encoding="utf-8")
        assert not kept.is_fresh(tmp_path / "arrays", text)
    (tmp_path / "arrays" / running.RECORD).write_text(json.dumps(record), encoding="utf-8")
    assert kept.is_fresh(tmp_path / "arrays", text)
    kernels = tmp_path / "libbacklit.kernels"
    kernels.write_bytes(b"compiled otherwise")
    with monkeypatch.context() as other_kernels:
        other_kernels.setattr(running, "KERNELS", kernels)
        assert not kept.is_fresh(tmp_path / "arrays", text)
    pictures_in = {}
    for language in ("en", "ko"):
        markdown, pictures_in[language], notebook, machine = lessons.read(tmp_path / "arrays", language)
        nbformat.validate(nbformat.reads(notebook, as_version=4))
        assert set(re.findall(r"!\[[^\]]*\]\(([^)]+)\)", markdown)) == set(pictures_in[language])
    assert re.search("[가-힣]", markdown)
    assert pictures_in["en"] != pictures_in["ko"]  # of one run, labels in the page's language
    head = lessons.head(lessons.LESSONS["arrays"], "ko", "arrays.ko.ipynb", machine)
    assert '(arrays.ko.ipynb){ download="arrays.ko.ipynb" }' in head
    assert machine in head
    assert "윤곽" in lessons.head(lessons.LESSONS["arrays"], "ko", "", "")


def test_a_lesson_s_process_keeps_to_its_core_before_a_library_counts_them() -> None:
    heavy = '{"numpy", "jax", "matplotlib", "backlit"}'
    code = f"import sys, running; sys.exit(bool({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "docs" / "site", check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("lesson", openings.OPENINGS)
def test_a_lesson_opens_in_the_studio(lesson: str) -> None:
    assert lesson in lessons.LESSONS
    link = openings.link_to(lesson)
    assert Session(state_of(link)).side("a").timeline.job.network.size > 0
    live = openings.block(lesson, "ko", "../../playground")
    assert f'src="../../playground/index.html#{link}"' in live
    assert 'loading="lazy"' in live
    (command,) = re.findall(r"`backlit studio --state '(.+)'`", openings.block(lesson, "en", ""))
    assert state_of(command) == state_of(link)
    assert len(command) < 200  # that a reader can read
    assert openings.button(lesson, "en", "") == openings.button("arrays", "en", "../playground") == ""


def test_the_playground_has_each_exercise_and_links_to_it_where_the_page_can_run() -> None:
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
