"""What notebooks show: whole, escaped, fetching nothing, and the same numbers as the plain text."""

import math
import re
from pathlib import Path
from xml.etree import ElementTree as Xml

import nbformat
import numpy as np
import polars as pl
import pytest
from nbclient import NotebookClient

import backlit as bl
from backlit.report.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, charts
from backlit.report.numerals import NO_BREAK, percent
from backlit.train.callbacks import History

ODD = "<script>alert('x')</script>&"
OLD = Path(__file__).resolve().parent.parent / "store" / "old"


@pytest.fixture(scope="module")
def run():
    rng = np.random.default_rng(0)
    a, c = rng.normal(size=90), rng.choice(["한글", ODD], 90)
    table = pl.DataFrame({"a": a, ODD: c, "kind": np.where(a + (c == ODD) > 0.5, ODD, "no")})
    return bl.fit(table, target="kind", epochs=12, network="mlp:4", ensemble=1, engine="numpy", progress=False)


@pytest.fixture(scope="module")
def things(run):
    x, y = bl.tensor(-2.0, name=ODD), bl.tensor(5.0, name="y")
    wired = bl.Sequential(bl.Residual(bl.Linear(3), bl.Tanh()), bl.Linear(1)).build((3,))
    layers = [part for _ in range(9) for part in (bl.Linear(9, weight_init="normal:0.001"), bl.Tanh())]
    sick = bl.check(bl.Sequential(*layers, bl.Linear(1)), np.eye(9), np.arange(9.0))
    empty = bl.Diagnosis()
    found = [run, run.network, run.judgement, run.history, wired, bl.explain(x * y + y), sick, empty, History()]
    return {f"{type(thing).__name__} {place}": thing for place, thing in enumerate(found)}


def shown(thing):
    """What a notebook shows, read as XML: where something isn't escaped or closed, that fails."""
    html = thing._repr_html_()
    return html, Xml.fromstring(html)  # noqa: S314, ours


def words(page):
    return " ".join("".join(page.itertext()).split())


def test_each_is_whole_escaped_and_fetches_nothing(things):
    for name, thing in things.items():
        html, page = shown(thing)
        tags = {element.tag.rpartition("}")[2] for element in page.iter()}
        assert not tags & {"script", "img", "link", "iframe", "object", "foreignObject"}, name
        for element in page.iter():
            for key, value in element.attrib.items():
                assert not key.startswith("on"), (name, key)
                assert not re.search(r"^(?:https?:|//|javascript:|data:)|url\(", value), (name, key, value)
        assert "@import" not in html, name
        assert "url(" not in html, name


def test_plain_text_is_what_it_was(run, things):
    assert repr(run).startswith("Run(12 epochs, epochs done, {'loss': ")
    assert repr(run.network).startswith("Network(Sequential(Linear(4")
    assert str(run.network).startswith("layer  kind")
    assert repr(run.judgement).startswith("Judgement(residuals=None, folds=None, task='classification'")
    assert repr(things["History 8"]) == "[]"
    assert repr(things["Diagnosis 7"]) == "Diagnosis(no findings)"
    assert repr(things["Explanation 5"]) == "Explanation of f: 4 nodes"


def test_a_run_shows_its_scores_curves_and_network(run):
    _, page = shown(run)
    text = words(page)
    scores = run.judgement["scores"]
    assert f"accuracy {scores['accuracy']:.4g}" in text.replace("accuracy accuracy", "accuracy")
    low, high = map(percent, run.judgement["ranges"]["accuracy"])
    assert f"accuracy, 95 % range {low.partition(NO_BREAK)[0]}–{high.replace(NO_BREAK, ' ')}" in text
    assert "Phrase(" not in text
    assert ODD in text  # as text, not as an element
    assert "한글" not in text  # a level of a column, of which nothing is told
    assert f"Network: {run.network.size:,} parameters" in text
    assert len([each for each in page.iter() if each.tag.endswith("polyline")]) == 4


def test_a_network_shows_each_layer_with_its_size(things):
    network = things["Network 4"]
    _, page = shown(network)
    rows = [["".join(cell.itertext()) for cell in row] for row in page.iter("tr")]
    assert rows == [
        ["layer", "kind", "output", "parameters", "multiply-adds"],
        ["0/body/0", "Linear(3)", "3", "12", "9"],
        ["0/body/1", "Tanh()", "3", "0", "0"],
        ["1", "Linear(1)", "1", "4", "3"],
        ["total", "", "1", "16", rows[-1][-1]],
    ]


def test_an_explanation_shows_the_rows_of_its_table(things):
    explanation = things["Explanation 5"]
    _, page = shown(explanation)
    rows = [tuple("".join(cell.itertext()) for cell in row) for row in page.iter("tr")]
    assert rows == explanation.rows()
    bad = bl.explain(bl.ops.log(bl.tensor(-1.0, name="x")))
    assert bad.first_nonfinite in words(shown(bad)[1])


def test_an_explanation_of_many_nodes_is_told_in_few_rows():
    x = bl.tensor(1.0)
    for _ in range(300):
        x = x * 1.01
    _, page = shown(bl.explain(x))
    assert len(list(page.iter("tr"))) < 130
    assert not [each for each in page.iter() if each.tag.endswith("svg")]


def test_a_diagnosis_shows_cause_measure_and_remedy(things):
    diagnosis = things["Diagnosis 6"]
    text = words(shown(diagnosis)[1])
    assert diagnosis
    for finding in diagnosis:
        for part in (finding.name, finding.cause, finding.measure, finding.remedy, finding.effect):
            assert " ".join(part.split()) in text
    assert "no findings" in words(shown(bl.Diagnosis())[1])


def test_a_curve_goes_from_the_first_epoch_to_the_last_and_from_the_least_value_to_the_greatest():
    history = [{"epoch": epoch, "loss": loss} for epoch, loss in ((1, 4.0), (2, 1.0), (3, 2.0))]
    (drawn,) = charts(history)
    (points,) = re.findall(r'points="([^"]+)"', drawn)
    places = [tuple(map(float, point.split(","))) for point in points.split()]
    middle = (LEFT + WIDTH - RIGHT) / 2
    two_thirds = TOP + (HEIGHT - TOP - BOTTOM) * 2 / 3
    assert places == [(LEFT, TOP), (middle, HEIGHT - BOTTOM), (WIDTH - RIGHT, pytest.approx(two_thirds, abs=0.06))]


@pytest.mark.parametrize("bad", [None, math.nan, math.inf])
def test_what_is_not_finite_is_left_out_of_a_curve(bad):
    history = [{"epoch": epoch, "loss": loss, "val_loss": bad} for epoch, loss in ((1, 4.0), (2, bad), (3, 2.0))]
    (drawn,) = charts(history)
    (points,) = re.findall(r'points="([^"]+)"', drawn)
    assert len(points.split()) == 2


def test_a_long_history_is_drawn_with_few_points_and_its_last():
    history = [{"epoch": epoch, "loss": 1 / epoch, ODD: 0.5} for epoch in range(1, 5001)]
    loss, odd = charts(history, best_epoch=4000)
    assert len(re.search(r'points="([^"]+)"', loss)[1].split()) <= 302
    assert "epoch 5,000" in loss
    assert "best epoch: 4000" in loss
    assert "<script" not in odd


@pytest.mark.parametrize(
    "folder", sorted(file.parent for file in OLD.glob("*/network.json")), ids=lambda path: path.name
)
def test_every_kind_of_run_is_shown(folder):
    loaded = bl.load(folder)
    _, page = shown(loaded)
    assert f"Run {folder.name}" in words(page)
    if loaded.judgement:
        shown(loaded.judgement)


@pytest.mark.slow
def test_a_notebook_that_is_run_shows_html_and_text(tmp_path):
    lines = (
        "import backlit as bl, numpy as np",
        "run = bl.fit(bl.Linear(1), np.eye(4), np.arange(4.0), epochs=3, engine='numpy')\nrun",
        "run.network",
        "run.history",
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(line) for line in lines])
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    for cell, start in zip(notebook.cells[1:], ("Run(3 epochs", "Network(Linear(1)", "[{'epoch': 1"), strict=True):
        data = next(output for output in cell.outputs if output.output_type == "execute_result").data
        assert data["text/plain"].startswith(start)
        Xml.fromstring(data["text/html"])  # noqa: S314, ours
