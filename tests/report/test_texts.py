"""Both languages of the report have the same texts, and say the same of them."""

import importlib
import pkgutil
import re
import string
from pathlib import Path

import pytest

import backlit
from backlit.data.table.category import Category
from backlit.data.table.column import LeftOut
from backlit.data.table.moment import Moment
from backlit.data.table.number import Number
from backlit.doctor import symptoms
from backlit.doctor.findings import (
    constant_columns,
    depth,
    last_layer,
    learning_rate,
    overfitting,
    scale,
    sequences,
)  # fmt: skip
from backlit.languages import Template
from backlit.report import texts as words
from backlit.tasks import rows, table
from backlit.tasks.judge import scores
from backlit.train.divergence import Divergence

ROOM = Path(words.__file__).parent
EN, KO = words.catalogue("en"), words.catalogue("ko")


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_have_all_texts():
    assert EN["words"].keys() == KO["words"].keys()
    assert all(text.strip() for language in (EN, KO) for text in language["words"].values())


@pytest.mark.parametrize("key", EN["words"])
def test_the_same_values_are_put_in(key):
    assert fields(EN["words"][key]) == fields(KO["words"][key])


def test_what_the_page_asks_for_is_there_and_nothing_else():
    files = [*ROOM.glob("*.py"), *ROOM.glob("page/*.html")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    asked = set(re.findall(r'(?:say|known)\(\s*"([\w. -]+)"', text))
    missing = {key for key in asked if not key.endswith(".")} - set(EN["words"])
    assert not missing
    built = (
        "on.",
        "unit.",
        "part.",
        "task.",
        "stopped.",
        "score.",
        "better.",
        "verdict.",
        "errors.caption.",
        "findings.",
        "kind.",
    )
    unused = {key for key in EN["words"] if f'"{key}"' not in text and not key.startswith(built)}
    assert not unused


def test_korean_is_korean():
    same = ("R²", "AUC", "F1", "‖")
    for key, text in KO["words"].items():
        hangul = re.search(r"[가-힣]", text)
        assert hangul or any(word in text for word in same) or not re.sub(r"\{\w+\}", "", text).strip(" :()"), key


@pytest.mark.parametrize(
    ("sentence", "english", "korean"),
    [
        (scores.ALWAYS.say(name="cat"), "always 'cat', the most frequent class", "늘 가장 흔한 ‘cat’"),
        (scores.ALWAYS.say(name=3), "always 3, the most frequent class", "늘 가장 흔한 ‘3’"),
        (table.NO_TARGET.say(count=3, rows="rows", names="price"),
         "3 rows have no target (price) and are dropped", "목푯값(price)이 없는 3개를 뺐습니다."),
        (rows.CALIBRATED.say(temperature=1.25),
         "calibrated: outputs are divided by 1.25", "확률 보정: 출력을 1.25로 나눕니다."),
        ("nobody has said this before", "nobody has said this before", "nobody has said this before"),
    ],
)  # fmt: skip
def test_what_the_library_says(sentence, english, korean):
    assert sentence == english
    assert str(words.Said(sentence).within("ko")) == korean
    assert str(words.Said(sentence).within("en")) == english.replace("'", "&#39;")


def test_every_sentence_has_the_same_values_in_each_language():
    """All templates of the library, wherever they stand."""
    found = 0
    for info in pkgutil.walk_packages(backlit.__path__, "backlit."):
        if info.name.startswith(("backlit.cli", "backlit.__main__")):
            continue
        module = importlib.import_module(info.name)
        for value in vars(module).values():
            parts = value.values() if isinstance(value, dict) else [value]
            for template in parts:
                if isinstance(template, Template):
                    found += 1
                    assert template.places("en") >= template.places("ko"), template
                    assert template.ko.strip(), template
    assert found > 100


@pytest.mark.parametrize(
    ("message", "korean"),
    [
        (last_layer.FLOOR.where.of(layer="2", activation="Softmax", loss="CrossEntropy()"),
         "2번 층 Softmax, 손실 함수 CrossEntropy() 앞"),
        (last_layer.BOUNDED.source.of(own="softmax"), "손실 함수가 점수를 받아 softmax를 스스로 적용함"),
        (depth.VANISHED.where.of(first="0", last="6"), "0번 층부터 6번 층까지"),
        (scale.TOO_SMALL.where.of(most=3000.0), "열의 표준 편차가 커야 3e+03"),
        (overfitting.ROSE.where.of(end=0.9, best=0.4, epoch=12), "평가 손실 0.9, 가장 낮았을 때는 에포크 12의 0.4"),
        (learning_rate.HARDLY_MOVED.where.of(rate="10", updates=96), "학습률 10, 갱신 96번"),
        (constant_columns.COLUMNS.where.of(count=4, columns=64, shown="0, 32, 39, 56"),
         "열 64개 가운데 4개(0, 32, 39, 56)"),
        (symptoms.DEAD.of(share=0.12, layer="1"), "1번 층 ReLU 유닛의 12%가 모든 데이터에서 꺼져 있음"),
        (symptoms.DIVERGED.of(epoch=2, place=Divergence("layer", "1", 2, 3).place),
         "에포크 2에서 NaN이나 무한대가 나옴: 1번 층"),
        (learning_rate.CURVED.source.of(),
         "이차 손실이면 2이고, 신경망은 12까지 견디기도 함(Lewkowycz et al. 2020)"),
        (sequences.PILED_UP.where.of(share=0.6, steps=40, others=29),
         "시퀀스의 60%는 길이가 40으로 꽉 차 있고, 나머지는 길이가 29가지"),
    ],
)  # fmt: skip
def test_what_the_doctor_measured(message, korean):
    assert str(words.Said(message).within("ko")) == korean


@pytest.mark.parametrize(
    ("said", "english", "korean"),
    [
        (Number("a", fill=3.5, missing=0.1).done,
         "standardised; missing at the median 3.5, and marked", "표준화; 결측은 중앙값 3.5로 채우고 표시"),
        (Category("b", levels=("x", "y"), missing=0.1).done,
         "x is -1, y is 1; missing marked", "x 값은 -1, y 값은 1; 결측 표시"),
        (Moment("c", 0.0, ("weekday", "elapsed"), (0.0, 0.0), (1.0, 1.0)).done,
         "day of week, days elapsed", "요일, 지난 날수"),
        (LeftOut("d", note="as asked").done, "left out: as asked", "제외: as asked"),
    ],
)  # fmt: skip
def test_what_was_done_to_columns(said, english, korean):
    assert said == english
    assert str(words.Said(said).within("ko")) == korean


def test_values_are_escaped_in_every_language():
    text = words.say("title", name="<b>").__html__()
    assert "<b>" not in text
    assert text.count("&lt;b&gt;") == 2


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast():
    """4.5 : 1 for all text, by day and by night (WCAG 2.2, AA)."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    style = (ROOM / "page" / "style.css").read_text(encoding="utf-8")
    day, night = (dict(re.findall(r"--([\w-]+): (#\w{6})", part)) for part in style.split("@media")[:2])
    assert day.keys() == night.keys()
    for colours in (day, night):
        for ink in ("ink", "soft", "accent"):
            for paper in ("paper", "card"):
                assert contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper, colours)
        for ink in ("ink", "soft", "warn"):
            assert contrast(colours[ink], colours["warn-card"]) >= 4.5, (ink, colours)
