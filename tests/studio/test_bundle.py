"""The page's modules as one program: each once, after those that it imports."""

import re

import pytest

from backlit.studio import bundle


@pytest.fixture
def written(monkeypatch, tmp_path):
    """Write the modules of a page, and have them joined."""

    def write(**modules):
        for name, text in modules.items():
            (tmp_path / f"{name}.js").write_text(text)
        (tmp_path / "index.html").write_text('<head>\n<script src="main.js" type="module"></script>\n</head>')
        monkeypatch.setattr(bundle, "PAGE", tmp_path)
        for cached in (bundle.program, bundle._module):
            cached.cache_clear()
        return bundle.program()

    yield write
    monkeypatch.undo()
    for cached in (bundle.program, bundle._module):
        cached.cache_clear()


def test_every_module_of_the_page_is_in_its_program_once_after_those_that_it_imports():
    text = bundle.program()
    places = re.findall(r"^const module\d+ = \(\(\) => \{ // (.+)$", text, re.MULTILINE)
    without = {"widget.js", "static.js", "worker-pyodide.js"}  # of pages in a notebook and without a server
    there = {path.relative_to(bundle.PAGE).as_posix() for path in bundle.PAGE.rglob("*.js")}
    assert set(places) == {place for place in there if place not in without and not place.endswith(".iife.min.js")}
    assert len(places) == len(set(places))
    assert places[0] == "early.js"
    assert places[-1] == "main.js"
    assert places.index("lit.js") < places.index("element.js") < places.index("app.js")


def test_names_are_handed_on(written):
    text = written(
        main='import { a, b as c } from "./x.js";\nimport "./y.js";\na(c);\n',
        x='export const a = 1;\nexport * from "./y.js";\nconst d = 2;\nexport { d as b };\n',
        y="export async function e() {}\n",
    )
    assert "const { a: a, b: c } = module1;" in text
    assert "return { ...module0, b: d, a };" in text
    assert "return { e };" in text


@pytest.mark.parametrize(
    ("modules", "said"),
    [
        ({"main": 'import "./x.js";', "x": 'import "./main.js";'}, "in a circle: main.js → x.js → main.js"),
        ({"main": "export default 3;"}, "main.js imports or exports in a way that can't be joined: export default 3;"),
        ({"main": 'import x from "./x.js";', "x": ""}, "can't be joined: import x"),
    ],
)
def test_what_cannot_be_joined_is_told(written, modules, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        written(**modules)
