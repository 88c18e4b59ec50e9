"""The report of a run: content, escaping, form, size, whatever the run has or lacks."""

import base64
import dataclasses
import io
import json
import re
import shlex

import numpy as np
import polars as pl
import pytest
from PIL import Image
from typer.main import get_command

import backlit as bl
from backlit.cli import config as configuration
from backlit.cli.main import app
from backlit.cli.train import Outcome
from backlit.doctor.finding import Kind, Role, Sign, Stage
from backlit.languages import Template
from backlit.report.labels import translated
from backlit.report.numerals import NO_BREAK, percent, short
from backlit.report.reproduce import amended, command
from backlit.settings import declared
from backlit.tasks.judge import forecast
from backlit.tasks.judge.scores import BESIDE_GUESSING, MEAN, NO_BETTER
from backlit.tasks.judge.worst import mistakes
from tests.report.common import checked

EVIL = "<script>alert(1)</script>"


def rows(n=160, seed=0):
    rng = np.random.default_rng(seed)
    size, town = rng.normal(80, 25, n), rng.choice(["Mapo", '노원 & "so on"'], n)
    price = 9 * size + 300 * (town == "Mapo") + rng.normal(0, 40, n)
    kind = np.where(price + rng.normal(0, 150, n) > 900, EVIL, "쌈")
    return pl.DataFrame({"크기": size.round(1), "town": town, "price": price.round(), "kind": kind})


@pytest.fixture(scope="module")
def classifier():
    return bl.fit(rows(), target="kind", network="mlp:16", epochs=12, ensemble=1, seed=0)


@pytest.fixture(scope="module")
def regression():
    return bl.fit(rows().drop("kind"), target="price", network="mlp:16", epochs=12, ensemble=2, seed=0)


def arrays(**options):
    x = np.random.default_rng(0).normal(size=(80, 3)).astype("float32")
    net = bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(1))
    return bl.fit(net, x, x @ np.array([1.0, 2.0, 3.0]), **{"epochs": 3, "validation": 0.2, "probes": None} | options)


@pytest.fixture(scope="module")
def told(classifier):
    return classifier.report()


@pytest.mark.slow
def test_a_classifier_is_told_of(classifier, told):
    page = checked(told)
    english, korean = page.text("en"), page.text("ko")
    scores = classifier.judgement["scores"]
    assert f"{percent(scores['accuracy'])} of the" in re.sub(" %", "\u00a0%", english)
    for heading in ("Findings", "Result", "Class by class", "Learning curves", "Gradient flow", "Activations"):
        assert heading in english
        assert heading not in korean
    for heading in ("진단", "결과", "클래스(class)별 결과", "학습 곡선(learning curve)", "기울기 흐름(gradient flow)"):
        assert heading in korean
        assert heading not in english
    for number in (short(scores["log_loss"]), short(classifier.judgement["baseline"]["accuracy"])):
        assert number in english
        assert number in korean
    assert classifier.judgement["plan"] in english
    assert "최대 12에포크" in korean
    assert (
        sum(own.get("role") == "img" for own in page.all("svg")) == 7
    )  # 2 curves, calibration, flow, activations, the network in each language


def test_the_score_stands_first_with_its_range(classifier, told):
    accuracy, (low, high) = classifier.judgement["scores"]["accuracy"], classifier.judgement["ranges"]["accuracy"]
    first = re.search(r'<div class="first"><dt>(.*?)</dt><dd>(.*?)</dd>', told)
    assert first[2] == percent(accuracy)
    span = f"{percent(low).partition(NO_BREAK)[0]}–{percent(high)}"
    assert f"95 % range {span}" in first[1]
    assert f"95 % 범위 {span}" in first[1]
    assert told.index('class="first"') < told.index("best epoch")


def test_the_network_is_drawn(classifier, told):
    assert '<figure class="drawn wide">' in told[told.index('id="network-caption"') - 18000 :]
    page = checked(told)
    english, korean = page.text("en"), page.text("ko")
    assert "A box is a layer" in english
    assert "입력" in korean[korean.index("신경망의 층(layer) 구성") :]  # in the drawing, and heard
    assert "output 16" in english
    assert "출력 16" in korean


def test_on_paper_nothing_is_folded_or_cut(browser, told, tmp_path):
    (tmp_path / "report.html").write_text(told, encoding="utf-8")
    page = browser.new_page(viewport={"width": 718, "height": 1047})  # A4 within margins of a centimetre
    page.goto((tmp_path / "report.html").as_uri())
    folded = page.locator("details:not([open]) table, details:not([open]) pre")
    assert folded.count() >= 2
    assert not any(each.is_visible() for each in folded.all())
    page.emulate_media(media="print")
    assert any(each.is_visible() for each in folded.all())
    whole = page.evaluate(
        """() => ['table', '.caption', 'figure'].map(
            what => getComputedStyle(document.querySelector(what)).breakInside)"""
    )
    assert whole == ["avoid"] * 3
    assert page.evaluate("document.documentElement.scrollWidth") <= 718
    page.close()


WORD = re.compile(r"[a-z]{3}")
NAMES = {"log_loss", "rmse", "mae", "r2"}  # of scores, as the history has them


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["classifier", "regression", "series"])
def test_words_in_pictures_follow_the_language(kind, request):
    if kind == "series":
        months = pl.date_range(pl.date(2010, 1, 1), pl.date(2017, 12, 1), "1mo", eager=True)
        sold = 100 + 10 * np.sin(np.arange(96) * 2 * np.pi / 12) + np.random.default_rng(0).normal(size=96)
        frame = pl.DataFrame({"month": months, "sold": sold})
        run = bl.fit(frame, target="sold", time="month", horizon=3, network="lstm:8", epochs=3, ensemble=1)
    else:
        run = request.getfixturevalue(kind)
    layers = {layer for record in run.probes.last()["layers"].values() for layer in record["layer"].split()}
    pictures = "".join(re.findall(r"<svg role=.*?</svg>", run.report(), flags=re.DOTALL))
    korean = re.findall(r'<text[^>]*lang="ko">([^<]*)<', pictures)
    assert "에포크" in korean
    plain = re.findall(r"<text(?![^>]*lang=)[^>]*>([^<]+)</text>", pictures)
    left = {text for text in plain if WORD.search(text)} - NAMES
    assert {text for text in left if not set(text.split()) & layers} <= set(run.history[-1])


def test_methods_are_called_in_pictures_what_they_are_called_in_tables():
    for method in (forecast.LAST, forecast.LINEAR, forecast.SMOOTHED, forecast.WEIGHED):
        assert translated(method, "ko") == method.within("ko")


def test_a_remedy_is_the_whole_command_of_this_run():
    run = bl.fit(rows(), target="kind", network="mlp:16", epochs=2, ensemble=1, seed=0)
    run.config = {"data": "my houses.csv", "target": ["kind"], "learning_rate": 10.0, "epochs": 2}
    assert amended(run, "--lr 0.001") == "backlit train 'my houses.csv' --target kind --epochs 2 --lr 0.001"
    assert amended(run, "backlit train TABLE --target COLUMN  # scales columns") is None
    assert amended(run, "") is None
    run.config = None
    assert amended(run, "--lr 0.001") == "--lr 0.001"


def test_confusion_and_errors_are_the_judgements(classifier, told):
    text = checked(told).text("en")
    for counts in classifier.judgement["confusion"]:
        assert " ".join(map(str, counts)) in text
    wrong = classifier.judgement["errors"]["rows"]
    assert wrong
    assert classifier.judgement["errors"]["columns"] == ["크기", "town", "price"]
    shown = text.partition("Errors worth looking at Most confidently wrong")[2]
    places = [shown.index(short(row["cells"][0])) for row in wrong]
    assert places == sorted(places)


@pytest.mark.slow
def test_names_from_the_data_are_escaped(classifier):
    text = classifier.report("ko")
    assert EVIL not in text
    assert "&lt;script&gt;alert(1)" in text
    assert EVIL in checked(text).text()
    named = dataclasses.replace(classifier, config={"data": f"{EVIL}.csv", "target": ['" onload="x']})
    assert EVIL not in named.report()
    checked(named.report())


def test_figures_escape_too():
    run = arrays(metrics=["mae"])
    for record in run.history:
        record[EVIL] = record["loss"]
    assert EVIL not in run.report()
    assert EVIL in checked(run.report()).text()


def test_worst_rows_are_the_worst(regression):
    found = regression.judgement["errors"]
    offs = [row["off"] for row in found["rows"]]
    assert len(offs) == 10
    assert offs == sorted(offs, reverse=True)
    assert all(abs(row["called"] - row["truth"]) == pytest.approx(row["off"]) for row in found["rows"])
    assert offs[0] >= regression.judgement["scores"]["mae"]
    page = checked(regression.report())
    assert "always the mean" in page.text("en")
    assert "늘 평균" in page.text("ko")
    assert "Of the ensemble, the first network is looked at" in page.text("en")
    assert "90\u00a0% intervals" in "".join(data for own, data in page.words if own == "en")


def test_most_confident_errors_come_first():
    class Sure:
        class loss:  # noqa: N801
            activation = "softmax"

        class targets:  # noqa: N801
            decode = staticmethod(lambda outputs: outputs.argmax(axis=1))
            probabilities = staticmethod(lambda outputs, activation: outputs)
            labels = (0, 1)

    outputs = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.05, 0.95]])
    found = mistakes(Sure, outputs, np.array([1, 0, 1, 0]), raw=np.arange(8.0).reshape(4, 2), seen_as=(1, 2))
    assert [row["probability"] for row in found["rows"]] == [0.95, 0.9, 0.8]
    assert found["rows"][0] == {"truth": 0, "called": 1, "probability": 0.95, "pixels": [[6.0, 7.0]]}
    json.dumps(found)


def test_errors_that_are_pictures_are_shown():
    digits = bl.data.load("digits")
    run = arrays()
    pixels = digits.x[0].reshape(8, 8).tolist()
    row = {"truth": 3, "called": 8, "probability": 0.9, "pixels": pixels}
    run.judgement = {"task": "classification", "errors": {"columns": [], "rows": [row]}}
    (image,) = checked(run.report()).all("img")
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(image["src"].partition(",")[2]))))
    assert shown.shape == (96, 96)
    expected = np.kron(np.array(pixels) / max(map(max, pixels)) * 255, np.ones((12, 12))).astype(np.uint8)
    assert np.array_equal(shown, expected)


def test_pictures_are_shown_while_their_files_are_there(tmp_path):
    Image.new("RGB", (10, 20), "red").save(tmp_path / "a.png")
    run = arrays()
    run.config = {"data": str(tmp_path)}
    row = {"class": "cat", "called": "dog", "probability": 0.99}
    names = ("a.png", "gone.png", "../out.png")
    run.judgement = {"task": "classification", "worst": [row | {"name": name} for name in names]}
    page = checked(run.report())
    assert [own["alt"] for own in page.all("img")] == ["a.png"]
    assert all(name in page.text() for name in names)


def test_a_run_without_probes_says_so():
    page = checked(arrays().report())
    assert "has no probes" in page.text("en")
    assert "probes='standard'" in page.text("ko")
    assert "프로브(probe) 기록이 없어" in page.text("ko")
    assert "Gradient flow" not in page.text("en")


def test_probes_without_histograms_leave_that_picture_out():
    page = checked(arrays(probes=bl.Probes(histograms=False)).report())
    assert "Gradient flow" in page.text("en")
    assert "Activations" not in page.text("en")


def test_a_run_that_nobody_judged():
    page = checked(arrays().report())
    assert "No rows were set aside to judge this run" in page.text("en")
    assert "평가용으로 따로 떼어 둔 데이터가 없습니다" in page.text("ko")
    assert "Task regression" in page.text("en")
    assert "epochs 3" in page.text("en")  # settings of a run from Python
    assert "Findings" not in page.text("en")  # there is nobody to say that all is well


def test_a_diverged_run_says_so_first():
    run = arrays(optimizer=bl.SGD(0.4), epochs=200)
    assert run.diverged
    page = checked(run.report("ko"))
    assert "학습이 발산했습니다. 이 가중치는 쓰지 마십시오." in page.text("ko")
    assert f"in epoch {run.diverged.epoch}, step {run.diverged.step}" in page.text("en")
    assert page.text("en").index("Training diverged") < page.text("en").index("Result")


def test_warnings_and_interruptions_are_findings(regression):
    compared = BESIDE_GUESSING.say(name="rmse", own=3.0, guess=2.0)
    warning = NO_BETTER.say(what=MEAN.say(), compared=compared)
    assert warning == "no better than always the mean (rmse 3, guessing 2): don't rely on its predictions"
    judgement = regression.judgement | {"warnings": [warning]}
    page = checked(dataclasses.replace(regression, judgement=judgement, stopped="interrupted").report())
    assert "No better than without a network" in page.text("en")
    assert "예측을 믿지 마십시오" in page.text("ko")
    assert "Training was interrupted" in page.text("en")
    assert "Training has not come to its end" in checked(dataclasses.replace(regression, stopped="").report()).text(
        "en"
    )


def test_an_untrained_run():
    run = arrays()
    empty = dataclasses.replace(run, history=bl.History(), probed=bl.ProbeHistory(), settings={})
    assert "not one epoch" in checked(empty.report()).text("en")


SIGN = Sign(Template("epoch 7 <b>", "에포크 7 <b>"), Template("gap", "차이"), Template("a paper", "논문"))
KIND = Kind(
    name=Template("overfitting", "과적합(overfitting)"),
    stage=Stage.FITTING,
    place=2,
    role=Role.OUTCOME,
    cause=Template("It learns by heart.", "학습 데이터를 외우고 있어, 다른 데이터에서는 나빠집니다."),
    remedy="bl.fit(..., l2=1e-3)",
    command="--l2 0.001",
    effect=Template("less", "줄어듭니다."),
    signs=(SIGN,),
)


def test_the_doctors_findings_come_first(classifier, monkeypatch):
    worse = Template("worse held-out loss", "평가 손실이 더 나쁨").of()
    new = dataclasses.replace(KIND, name=Template("of a new kind", "새로운 종류"), command="")
    found = [KIND.found(SIGN, 0.123456, 0.05, (worse,)), new.found(SIGN, None, 0.05, severity="remark")]
    monkeypatch.setattr(bl.Run, "diagnose", lambda run: found)
    page = checked(classifier.report())
    english, korean = page.text("en"), page.text("ko")
    for words in ("Alarm: overfitting", "It learns by heart.", "epoch 7 <b>", "gap: 0.1235", "0.05 (a paper)",
                  "worse held-out loss", "bl.fit(..., l2=1e-3)", "--l2 0.001", "Remark: of a new kind"):  # fmt: skip
        assert words in english
    assert english.index("Alarm: overfitting") < english.index("Scores on the")
    assert "경고: 과적합(overfitting)" in korean
    assert "학습 데이터를 외우고 있어" in korean
    assert "It learns by heart" not in korean.partition("참고")[0]


def test_a_doctor_with_nothing_to_judge_by(classifier, monkeypatch):
    def nothing(run):
        raise bl.InputError("nothing to judge by")

    monkeypatch.setattr(bl.Run, "diagnose", nothing)
    fine = dataclasses.replace(classifier, judgement=classifier.judgement | {"warnings": []}, probed=bl.ProbeHistory())
    assert "Nothing stands out" in checked(fine.report()).text("en")


@pytest.mark.slow
@pytest.mark.parametrize("classes", [3, 40])
def test_many_classes_are_a_picture(classes):
    run = arrays()
    names = [f"class {i} <i>" for i in range(classes)]
    table = [{"class": name, "recall": 0.5, "precision": None, "rows": 2} for name in names]
    confusion = np.eye(classes, dtype=int).tolist()
    scores = {"loss": 1.0, "accuracy": 0.5}
    run.judgement = {"task": "classification", "rows": 9, "scores": scores, "classes": table, "confusion": confusion,
                     "baseline": {"what": "always 'a', the most frequent class", "accuracy": 0.1}}  # fmt: skip
    page = checked(run.report())
    assert ("confusion-picture-caption" in run.report()) == (classes > 16)
    assert all(name in page.text() for name in names)


def test_forecasts_labels_targets_and_texts():
    run = arrays()
    own = {"mae": 1.0, "rmse": 2.0}
    others = {forecast.LAST_SEASON["week"].say(): {"mae": 3.0, "rmse": 4.0}, forecast.LINEAR: {"mae": 2.5, "rmse": 4.0}}
    steps = [{"step": i + 1, "network": own, **others} for i in range(30)]
    intervals = {"level": 0.9, "half_width": [2.0] * 29 + [None], "coverage": [0.91] * 30}
    run.judgement = {
        "task": "regression",
        "rows": 20,
        "scores": own,
        "rivals": others,
        "steps": steps,
        "baseline": {"what": "linear (ridge)", **others["linear (ridge)"]},
        "intervals": intervals,
    }
    page = checked(run.report())
    assert "20 test windows" in page.text("en")
    assert "지난주와 같게" in page.text("ko")
    assert "not enough rows" in page.text("en")
    labels = [{"label": "a", "rows": 3, "accuracy": 0.9, "baseline": 0.7, "recall": None, "precision": 0.5}]
    targets = [{"target": "t", "rmse": 1.5, "baseline": 2.5, "mae": 1.25}]
    run.judgement = {
        "task": "multi_label",
        "rows": 20,
        "scores": {"accuracy": 0.9},
        "labels": labels,
        "targets": targets,
        "baseline": {"what": "always the more frequent value", "accuracy": 0.7},
    }
    page = checked(run.report())
    assert "Label by label" in page.text("en")
    assert "1.25" in page.text("ko")
    run.judgement = {
        "task": "text",
        "unit": "characters",
        "rows": 20,
        "scores": {"bits": 1.5},
        "sample": f"ab {EVIL}",
        "baseline": {"what": "counting pairs", "bits": 2.5},
        "parts": {"training": 9, "test": 0},
    }
    page = checked(run.report())
    assert f"ab {EVIL}" in page.text("en")
    assert "1.5 bits" in page.text("en")
    assert "9 characters" in page.text("en")
    assert "0 characters" not in page.text("en")


def test_long_histories_and_wide_tables_stay_small(regression):
    history = bl.History({"epoch": i + 1, "loss": 1 + np.sin(i) / 9, "val_loss": 1.0, "rmse": np.cos(i), "seconds": 0.1}
                         for i in range(20_000))  # fmt: skip
    run = dataclasses.replace(regression, history=history)
    run.judgement = regression.judgement | {"notes": ["n" * 100] * 50}
    checked(run.report())


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("</h1>", ""),
        ('id="result"', 'id="findings"'),
        ('href="#result"', 'href="#nothing"'),
        ("<h2", "<h4"),
        ("<footer>", '<footer><img src="https://example.org/a.png">'),
        ("<footer>", "<footer><script></script>"),
        ("xlink:href=", "onclick='' xlink:href="),
    ],
)
def test_the_check_of_pages_notices(told, was, becomes):
    assert was in told
    with pytest.raises(AssertionError):
        checked(told.replace(was, becomes, 1).replace("</h2>", "</h4>" if was == "<h2" else "</h2>", 1))


@pytest.mark.slow
def test_languages():
    run = arrays(epochs=1)
    assert '<html lang="ko">' in run.report("ko")
    assert "<title>학습 보고서: Sequential</title>" in run.report("ko")
    assert "<title>Training report: Sequential</title>" in run.report()
    with pytest.raises(bl.errors.UnknownNameError, match="language of the report 'fr'"):
        run.report("fr")


def test_reports_of_one_run_differ_in_their_date_alone(classifier, told):
    def undated(text):
        return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "", text)

    assert undated(classifier.report()) == undated(told)


def test_the_command_makes_the_same_choices(tmp_path, monkeypatch):
    """What the report says to type is parsed by the command to the config that it came from."""
    monkeypatch.chdir(tmp_path)
    config = {
        "data": "my houses.csv", "target": ["price", "a b"], "columns": "zip=category,id=drop", "dropout": 0.2,
        "learning_rate": 0.002, "l1": 0.0, "l2": 0.0, "balance": True, "seed": 3, "engine": "xla", "batch_size": 16,
        "time_limit": "5m", "test": "held out.csv", "skip_broken": True, "network": "mlp:64,32",
        "devices": 1,
    }  # fmt: skip
    line = shlex.split(" ".join(command(config)))
    train = get_command(app).commands["train"]
    context = train.make_context("train", line[2:])
    kept = configuration.to_keep(configuration.choices(context, None, None, without=declared(Outcome)))
    assert {name: value for name, value in kept.items() if value not in ([], ())} == config


def test_options_that_were_left_open_are_not_in_the_command():
    assert command({"data": "iris", "target": (), "text": [], "balance": False}) == ["backlit train", "iris"]


def test_numbers_as_people_read_them():
    assert percent(0.99999) != "100\u00a0%"
    assert percent(0.00001) != "0\u00a0%"
    assert short(float("nan")) == "nan"
    assert short(-12345.6) == "-12,346"
