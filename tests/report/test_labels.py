"""Names that come with the data stay as they are in pictures, in each language; Backlit's own labels don't."""

import re

import numpy as np
import pytest
from matplotlib.text import Text

import backlit as bl
from backlit.inspect import plots
from backlit.inspect.importance import Importance
from backlit.lessons.pictures import labels_in, saying
from backlit.nn.metrics import METRICS, Metric
from backlit.report.figures import svg
from backlit.report.labels import translated

TAKEN = ("loss", "epoch", "input", "all rows")  # labels of the catalogue, the last one by a pattern with a place
TEXT = re.compile(r'<text[^>]*?(?: lang="(\w+)")?>([^<]*)</text>')


def confusion():
    return plots.confusion(np.eye(4) * 3, TAKEN)


def attention():
    return plots.attention(np.eye(4), TAKEN, TAKEN)


def importance():
    rows = [{"column": name, "lost": 0.5, "spread": 0.1} for name in TAKEN]
    return plots.importance(Importance(measure="accuracy", score=0.9, rows=rows))


def boundary():
    x = np.random.default_rng(0).normal(size=(80, 2)).astype("float32")
    classes = np.array(TAKEN[2:])[(x[:, 0] > 0).astype(int)]
    run = bl.fit(bl.Linear(2), x, classes, epochs=1, seed=0, engine="numpy")
    return plots.decision_boundary(run, x, classes, names=TAKEN[:2])


PICTURES = (confusion, attention, importance, boundary)


@pytest.mark.parametrize("draw", PICTURES)
def test_a_report_has_the_data_s_names_once_and_untranslated(draw):
    texts = TEXT.findall(str(svg(draw(), "drawn", "caption")))
    assert {name for lang, name in texts if not lang} >= set(TAKEN)
    korean = {translated(name, "ko") for name in TAKEN}
    assert None not in korean, "the catalogue has other words now"
    assert not {name for _, name in texts} & korean
    assert not {name for lang, name in texts if lang == "en"} & set(TAKEN)


@pytest.mark.parametrize("draw", PICTURES)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_picture_in_a_language_has_the_data_s_names(draw, lang):
    figure = draw()
    with labels_in(figure, lang):
        figure.draw_without_rendering()
        assert {text.get_text() for text in figure.findobj(Text)} >= set(TAKEN)


def test_own_labels_beside_the_same_names_are_translated():
    figure = plots.confusion(np.eye(2), ["predicted", "true class"])
    texts = TEXT.findall(str(svg(figure, "drawn", "caption")))
    for name, korean in (("predicted", "예측"), ("true class", "실제 클래스")):
        assert texts.count(("", name)) == 2  # a row's and a column's
        assert texts.count(("en", name)) == texts.count(("ko", korean)) == 1


@pytest.mark.parametrize(
    ("lang", "titles"),
    [("en", ["input/loss", "input/rows", "all Linear"]), ("ko", ["입력/loss", "입력/rows", "all Linear"])],
)
def test_inputs_and_parts_keep_their_names(lang, titles):
    x = {name: np.random.default_rng(0).normal(size=(8, 2)).astype("float32") for name in ("loss", "rows")}
    network = bl.Wired({"all": bl.Linear(1)}, [(name, "all") for name in x], combine="concatenate", inputs=tuple(x))
    figure = bl.probe(network, x).activations()
    with labels_in(figure, lang):
        assert [axis.get_title() for axis in figure.axes if axis.get_title()] == titles
    drawn = [text for shown, text in TEXT.findall(str(svg(figure, "drawn", "caption"))) if shown in ("", lang)]
    assert {*titles} <= {*drawn}


def test_a_measure_of_the_user_s_keeps_its_name():
    history = [{"epoch": 1, "loss": 0.5, "accuracy": 0.5, "rows": 0.2}]
    with labels_in(figure := plots.learning_curves(history), "ko"):
        assert [axis.get_title() for axis in figure.axes] == ["손실", "정확도", "rows"]


@pytest.mark.parametrize(
    ("name", "korean"),
    [("balanced_accuracy", "균형 정확도"), ("top_3", "상위 3개 정확도"), ("r2", "R²"), ("log_loss", "로그 손실")],
)
def test_own_measures_are_translated_also_within_a_label(name, korean):
    history = [{"epoch": 1, "loss": 0.5, name: 0.5}]
    with labels_in(figure := plots.learning_curves(history), "ko"):
        assert [axis.get_title() for axis in figure.axes] == ["손실", korean]
    assert translated(f"{name} lost when the column is shuffled (of 0.9)", "ko") == (
        f"열을 섞었을 때 잃는 {korean} (전체 0.9)"
    )
    assert translated(f"val_{name} (less is better)", "ko") == f"검증 {korean} (작을수록 좋음)"
    assert translated("rows (less is better)", "ko") == "rows (작을수록 좋음)"  # a measure of the user's


def test_every_measure_of_ours_has_korean_words():
    own = [name for name, kind in METRICS.items() if kind.__module__.startswith("backlit.")]
    assert len(own) > 8
    assert not [name for name in own if name != "top_k" and not translated(name, "ko")]


def test_a_registered_measure_of_the_user_s_keeps_its_name(monkeypatch):
    class Rows(Metric):
        def __call__(self, outputs, targets, weights=None):
            return 0.0

    monkeypatch.setitem(METRICS, "rows", Rows)
    with labels_in(figure := plots.learning_curves([{"epoch": 1, "loss": 0.5, "rows": 0.2}]), "ko"):
        assert [axis.get_title() for axis in figure.axes] == ["손실", "rows"]


def test_columns_without_names_are_counted_in_the_picture_s_language():
    rows = np.random.default_rng(0).normal(size=(30, 2)).astype("float32")
    run = bl.fit(bl.Linear(1), rows, rows[:, 0], epochs=1, seed=0, engine="numpy")
    found = bl.importance(run, rows, rows[:, 0], repeats=1)
    named = [{**row, "column": row["column"][:]} for row in found.rows]
    for own, names in ((found, {"0번 열", "1번 열"}), (Importance(found.measure, found.score, named), {"column 0"})):
        with labels_in(figure := plots.importance(own), "ko"):
            figure.draw_without_rendering()
            assert {text.get_text() for text in figure.findobj(Text)} >= names


def test_labels_that_know_their_languages_are_put_into_one_wherever_they_stand():
    say = saying("en")
    figure, axis = plots.figure()
    axis.barh([say("by hand", "손으로"), "by hand, too"], [1, 2], label=say("bars", "막대"))
    axis.set(title=say("loss", "손해"))
    axis.legend()

    def drawn():
        figure.draw_without_rendering()
        return {text.get_text() for text in figure.findobj(Text)}

    english, korean = {"by hand", "bars", "loss"}, {"손으로", "막대", "손해"}
    assert drawn() >= english | {"by hand, too"}
    with labels_in(figure, "ko"):
        assert drawn() >= korean | {"by hand, too"}
        assert not drawn() & english
    assert drawn() >= english


def test_own_names_of_ticks_are_translated_also_when_they_are_drawn():
    figure, axis = plots.figure()
    axis.set_xticks([0, 1, 2], ["training", "another", 7])

    def drawn():
        figure.draw_without_rendering()
        return [text.get_text() for text in axis.get_xticklabels()]

    with labels_in(figure, "ko"):
        assert drawn() == ["학습", "another", "7"]
    assert drawn() == ["training", "another", "7"]
