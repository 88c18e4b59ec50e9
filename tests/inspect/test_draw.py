"""Pictures of graphs and networks: what stands where, against the numbers that they show."""

import itertools
import re
import time
from xml.etree import ElementTree as Xml

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.errors import InputError, UnknownNameError
from backlit.inspect.draw.layout import layered
from backlit.inspect.draw.scene import FORWARD, GRADIENT, Box, Curve, Heat, Label, text_width

SVG = "{http://www.w3.org/2000/svg}"


def w1():
    x, y, z = bl.tensor(-2.0, name="x"), bl.tensor(5.0, name="y"), bl.tensor(-4.0, name="z")
    return (x + y) * z


def w2():
    net = bl.Sequential(bl.Linear(2, bias=False), bl.Sigmoid(), bl.Linear(2, bias=False), bl.Sigmoid())
    weights = {
        "0": {"weight": np.array([[0.3, 0.25], [0.4, 0.35]])},
        "2": {"weight": np.array([[0.45, -0.4], [0.7, 0.6]])},
    }
    return net.build((2,), dtype="float64").replace(params=weights)


def w4():
    return bl.Sequential(bl.Linear(100, bias=False), bl.Sigmoid(), bl.Linear(10, bias=False)).build((1000,))


def unrolled(steps=3, **options):
    return bl.Sequential(bl.RNN(2, form="unrolled", **options), bl.Linear(1)).build((steps, 2))


def branched():
    return bl.Sequential(
        bl.Conv2d(4, 3),
        bl.Flatten(),
        bl.Residual(bl.Linear(8), bl.ReLU(), bl.Linear(5)),
        bl.Parallel(bl.Linear(4), bl.Sequential(bl.Linear(4), bl.Tanh())),
    ).build((5, 5, 1))


def wired():
    edges = bl.random_wiring("watts_strogatz", 8, neighbours=4, probability=0.75, seed=1)
    return bl.Wired(bl.Sequential(bl.ReLU(), bl.Linear(16)), edges).build((16,))


HELL = np.eye(4)[[0, 1, 2, 2]]


def speller():
    return bl.Sequential(bl.RNN(8, return_sequences=True), bl.Linear(3)).build((4, 4), dtype="float64")


def deep():
    return bl.Sequential(
        bl.Embedding(20, 4), bl.LSTM(3, return_sequences=True), bl.Dropout(0.1), bl.GRU(2), bl.Linear(4), bl.Linear(1)
    ).build((12,))


def texts(drawing, **wanted):
    labels = [shape for shape in drawing.scene.shapes if isinstance(shape, Label)]
    return [s for s in labels if all(getattr(s, key) == value for key, value in wanted.items())]


def titles(drawing):
    return [title for title, _ in drawing.scene.groups if title]


# ------------------------------------------------------------------------------------------------ operations


def test_w1_has_values_above_and_gradients_below():
    drawing = bl.draw(w1())
    above, below = texts(drawing, color=FORWARD), texts(drawing, color=GRADIENT)
    found = {(a.text, b.text) for a in above for b in below if a.x == b.x and 0 < b.y - a.y < 30}
    assert found == {("−2", "−4"), ("5", "−4"), ("−4", "3"), ("3", "−4"), ("−12", "1")}
    assert all(label.italic for label in below)  # told apart without colour, too
    assert not any(label.italic for label in above)
    assert {label.text for label in texts(drawing, bold=True)} == {"x", "y", "z", "f"}
    assert {"+", "×"} <= {label.text for label in texts(drawing)}
    assert "q = x + y: value 3, gradient −4" in titles(drawing)


def test_svg_is_well_formed_accessible_and_self_contained():
    for drawing in (bl.draw(w1()), bl.draw(w2()), bl.draw(w2(), depth="neurons")):
        root = Xml.fromstring(drawing.svg)  # noqa: S314
        assert root.tag == f"{SVG}svg"
        assert [child.tag for child in root][:2] == [f"{SVG}title", f"{SVG}desc"]
        assert root[0].text == drawing.title
        assert len(root[1].text) > 40
        assert root.get("aria-labelledby") == f"{root[0].get('id')} {root[1].get('id')}"
        assert not root.findall(f".//{SVG}script")
        assert "href" not in drawing.svg
        assert drawing._repr_svg_() == drawing.svg


def test_a_value_with_several_uses_shows_what_comes_back_from_each():
    x = bl.tensor(3.0, name="x")
    drawing = bl.draw(x * x + 2.0 * x)
    shown = sorted(label.text for label in texts(drawing, color=GRADIENT))
    assert shown == ["1", "1", "1", "2", "3", "3", "8"]  # 3 + 3 + 2 = 8 come back to x
    assert sum("gradient that comes back to x" in title for title in titles(drawing)) == 3
    assert any(label.text == "2 ×" for label in texts(drawing))  # a constant stands in the operation's sign


def test_small_arrays_are_whole_and_large_ones_heat_maps():
    v = bl.tensor([[0.1, -0.2], [0.3, 0.4]], name="v")
    large = bl.tensor(np.linspace(-1, 1, 10_000).reshape(10, 1000), name="W")
    drawing = bl.draw((v @ v).sum() + (large * large).sum())
    shown = [label.text for label in texts(drawing, color=FORWARD)]
    assert "⎡0.1  −0.2⎤" in shown
    assert "⎣0.3  \u20070.4⎦" in shown
    assert "10×1000" in shown
    heats = [shape for shape in drawing.scene.shapes if isinstance(shape, Heat)]
    assert heats[0].values.shape == (10, 20)
    np.testing.assert_allclose(heats[0].values.mean(), 0.0, atol=1e-12)
    blocks = large.value.reshape(10, 20, 50).mean(axis=2)
    assert any(np.allclose(heat.values, blocks) for heat in heats)
    colors = {cell[4] for cell in heats[0].cells()}
    assert len(colors) > 20


def test_array_constants_stand_in_the_picture():
    x = bl.tensor([1.0, 2.0], name="x")
    drawing = bl.draw((x * np.array([3.0, 4.0])).sum())
    assert any(label.text == "constant" for label in texts(drawing))
    assert any(label.text == "[3, 4]" for label in texts(drawing, color=FORWARD))
    assert any(shape.dashed for shape in drawing.scene.shapes if isinstance(shape, Box))


def test_nan_is_shown_with_its_origin():
    x = bl.tensor(-1.0, name="x")
    drawing = bl.draw(bl.ops.log(x) * 2.0 + x)
    assert any(label.text == "NaN" and label.bold for label in texts(drawing))
    assert any("log(x) made the first NaN" in label.text for label in texts(drawing))
    values = bl.tensor(np.array([[np.nan] * 20] * 3), name="v")
    drawing = bl.draw(values.sum())
    assert any("3×20, 60 NaN or infinite" in label.text for label in texts(drawing))
    heat = next(shape for shape in drawing.scene.shapes if isinstance(shape, Heat))
    assert {cell[4] for cell in heat.cells()} == {"#000000"}


def test_a_network_s_forward_pass_to_the_loss():
    x, y = np.array([[0.1, 0.2]]), np.array([[0.4, 0.6]])
    drawing = bl.draw(w2(), "operations", x=x, y=y, loss="squared_error")
    shown = {label.text for label in texts(drawing)}
    assert {"x", "0/weight", "2/weight", "linear", "σ", "L"} <= shown
    assert not any("random numbers" in text for text in shown)
    assert any("∂L/∂(this value)" in text for text in shown)
    assert any("∂(Σ output)/∂(this value)" in label.text for label in texts(bl.draw(w2(), "operations")))
    assert any("random numbers" in label.text for label in texts(bl.draw(w2(), "operations")))
    assert "[0.08, 0.11]" in shown


def test_the_legend_says_which_gradient_it_is():
    x = bl.tensor(np.ones(2), name="x")

    def legends(output, upstream=None):
        return [label.text for label in texts(bl.draw(bl.explain(output, upstream))) if "in italics" in label.text]

    assert "∂(Σ f)/∂(this value)" in legends(x * 2)[0]
    assert "∂(f · upstream)/∂(this value)" in legends(x * 2, [1.0, 0.0])[0]
    assert "∂f/∂(this value)" in legends((x * 2).sum())[0]
    assert "∂(f · upstream)/∂(this value)" in legends((x * 2).sum(), 3.0)[0]


def test_integers_are_run_through_an_embedding():
    net = bl.Sequential(bl.Embedding(5, 2), bl.Flatten(), bl.Linear(1)).build((3,))
    assert "0/weight" in {label.text for label in texts(bl.draw(net, "operations"))}


def test_an_unrolled_network_s_operations():
    drawing = bl.draw(unrolled(), "operations")
    shown = {label.text for label in texts(drawing)}
    assert {"h[0]", "h[1]", "h[2]", "tanh", "0/recurrent/weight", "[0]", "[1]", "[2]"} <= shown
    assert sum("gradient that comes back to 0/recurrent/weight" in title for title in titles(drawing)) == 3


def test_many_nodes_are_summarised_by_name():
    net = bl.Sequential(*[bl.Residual(bl.Linear(4), bl.Tanh(), bl.Linear(4)) for _ in range(12)]).build((4,))
    drawing = bl.draw(net, "operations", x=np.ones((1, 4)))
    assert "summarised" in drawing.title
    boxes = [title for title in titles(drawing) if re.search(r"operations? \(", title)]
    assert len(boxes) <= 24
    counted = sum(int(title.split(": ")[1].split(" ")[0].replace(",", "")) for title in boxes)
    assert counted == 12 * (2 * 2 + 1 + 1)  # linear and bias twice, tanh, sum
    numbers = sum(int(title.split("), ")[1].split(" ")[0].replace(",", "")) for title in boxes)
    assert numbers == net.size + 4


def test_a_summary_s_numbers_are_the_explanation_s():
    x = bl.tensor(0.5, name="x")
    f = x
    for i in range(200):
        f = bl.ops.sin(f) + 0.9 * x
        if i in (60, 120):
            f.name = f"after{i}"
    explanation = bl.explain(f)
    expected = {name: explanation[name] for name in ("after60", "after120")}
    for drawing in (bl.draw(f), bl.draw(explanation)):
        shown = [label.text for label in texts(drawing)]
        for report in expected.values():
            assert f"{float(report.value):.4g}" in shown
            assert f"{float(report.upstream):.4g}".replace("-", "−") in shown


def test_a_graph_of_many_nodes_does_not_freeze():
    x = bl.tensor(0.5, name="x")
    f = x
    for _ in range(20_000):
        f = f * 0.999 + 0.1
    begun = time.perf_counter()
    drawing = bl.draw(f)
    assert "40,001 nodes, summarised" in drawing.title
    assert len([title for title in titles(drawing) if "operations (" in title]) == 8
    assert len(bl.explain(f).table().splitlines()) < 100
    assert time.perf_counter() - begun < 20  # well under a second on an idle machine


def test_nan_in_a_large_graph_is_told():
    f = bl.tensor(-1.0, name="x")
    for _ in range(100):
        f = bl.ops.log(f) + 1.0
    assert any("NaN" in label.text and label.bold for label in texts(bl.draw(f)))


# ------------------------------------------------------------------------------------------------ layers


def test_layers_have_shapes_and_parameters():
    drawing = bl.draw(w4())
    shown = [label.text for label in texts(drawing)]
    for text in ("input", "1000", "Linear(100, bias=False)", "100,000 parameters", "Sigmoid", "→ 10"):
        assert text in shown, text
    assert "3 layers, 101,000 parameters" in shown
    assert drawing.description.count("from") == 3


def test_branches_part_and_meet():
    drawing = bl.draw(branched())
    shown = [label.text for label in texts(drawing)]
    assert shown.count("+") == 1
    assert shown.count("concatenate") == 1
    assert "2/projection" in shown
    arrows = [shape for shape in drawing.scene.shapes if isinstance(shape, Curve) and shape.arrow]
    assert len(arrows) == 13
    plain = bl.draw(bl.Residual(bl.Linear(3)).build((3,)))
    assert "+, from input and Linear(3)" in plain.description


def test_unrolled_layers_are_drawn_step_by_step():
    drawing = bl.draw(unrolled())
    assert "RNN h₂, 2, from RNN h₁ and x₂" in drawing.description
    assert "Linear(1) at 1, output 1, 3 parameters, from RNN h₃" in drawing.description
    long = bl.draw(unrolled(30, return_sequences=True))
    assert "… 26 more steps" in long.description
    assert "stack, from RNN h₁ and RNN h₂ and RNN h₃ and RNN h₃₀" in long.description


def test_many_layers_close_their_containers_and_then_lose_their_middle():
    blocks = bl.Sequential(*[bl.Residual(bl.Linear(4), bl.ReLU()) for _ in range(20)]).build((4,))
    assert "Residual of 1" in {label.text for label in texts(bl.draw(blocks))}
    deep = bl.draw(bl.Sequential(*[bl.Linear(4) for _ in range(100)]).build((4,)))
    assert "… 77 more" in {label.text for label in texts(deep)}
    assert "1,540 parameters" in {label.text for label in texts(deep)}


# ------------------------------------------------------------------------------------------------ neurons


def lines_of(drawing):
    """Weight lines by the units that they join."""
    found = {}
    for title, shapes in drawing.scene.groups:
        if title.startswith("weight from"):
            words = title.replace(":", "").split()
            found[int(words[3]), int(words[6])] = shapes[0]
    return found


def test_weights_are_line_widths_and_signs():
    net = w2()
    drawing = bl.draw(net, depth="neurons")
    lines = lines_of(drawing)
    assert set(lines) == {(1, 3), (1, 4), (2, 3), (2, 4), (3, 5), (3, 6), (4, 5), (4, 6)}
    second = np.array([[lines[3, 5].line, lines[4, 5].line], [lines[3, 6].line, lines[4, 6].line]]) - 0.5
    np.testing.assert_allclose(second / second.max(), np.abs(net.params["2"]["weight"]) / 0.7, rtol=1e-12)
    assert [pair for pair, line in lines.items() if line.dashed] == [(4, 5)]  # the negative one
    assert {"0.3", "0.25", "−0.4", "0.7"} <= {label.text for label in texts(drawing)}
    assert drawing.title == "Network 2-2-2"


def test_large_layers_are_elided():
    drawing = bl.draw(w4(), depth="neurons")
    circles = [title for title in titles(drawing) if title.startswith("unit ")]
    assert len(circles) == 8 + 8 + 10
    assert titles(drawing).count("992 more units") == 1
    assert titles(drawing).count("92 more units") == 1
    assert {"1", "1000", "1001", "1100", "1101", "1110"} <= {label.text for label in texts(drawing)}
    lines = lines_of(drawing)
    weight = w4().params["0"]["weight"]
    assert lines[7, 1100].dashed == bool(weight[99, 6] < 0)


def test_biases_recurrence_and_layers_that_are_not_dense():
    drawing = bl.draw(unrolled(), depth="neurons")
    assert any("loop" in label.text for label in texts(drawing))
    assert any(title.startswith("unit 3, bias 0") for title in titles(drawing))
    mixed = bl.draw(branched(), depth="neurons")
    assert {"Conv2d", "Residual of 1"} <= {label.text for label in texts(mixed)}
    bad = w2().replace(params={"0": {"weight": np.full((2, 2), np.nan)}, "2": {"weight": np.zeros((2, 2))}})
    assert "weight from unit 1 to unit 3: NaN" in titles(bl.draw(bad, depth="neurons"))


NAMES = {"x1": "x1", "x2": "x2", "x3": "h1", "y3": "z1", "x4": "h2", "y4": "z2", "x5": "o1", "y5": "z3", "x6": "o2"}
NAMES |= {"y6": "z4", "t5": "t1", "t6": "t2"}
NAMES |= {f"{2 * (n // 4)}/weight[{n % 4 // 2},{n % 2}]": f"w{n + 1}" for n in range(8)}


def test_units_have_names_sums_outputs_and_targets():
    weights = {"0": {"weight": [[0.3, 0.25], [0.4, 0.35]]}, "2": {"weight": [[0.45, 0.4], [0.7, 0.6]]}}
    net = w2().replace(params={path: {"weight": np.array(own["weight"])} for path, own in weights.items()})
    drawing = bl.draw(net, "neurons", x=[0.1, 0.2], y=[0.4, 0.6], labels=NAMES)
    written = {label.text for label in texts(drawing)}
    assert {"w₁ 0.3", "w₂ 0.25", "w₃ 0.4", "w₄ 0.35", "w₅ 0.45", "w₆ 0.4", "w₇ 0.7", "w₈ 0.6"} <= written
    assert {"x₁ = 0.1", "z₁ = 0.08", "h₁ = 0.52", "z₂ = 0.11", "z₄ = 0.6805", "o₂ = 0.6638", "t₁ = 0.4"} <= written
    assert {"x₁", "h₁", "h₂", "o₁", "o₂"} <= written
    usual = {label.text for label in texts(bl.draw(net, "neurons", x=[[0.1, 0.2]]))}
    assert {"y₃ = 0.08", "x₃ = 0.52", "0.25", "3"} <= usual


def test_labels_are_in_the_language_that_is_asked_for():
    english, korean = bl.draw(w2(), "neurons"), bl.draw(w2(), "neurons").within("ko")
    assert {"input", "2 values", "2 units"} <= {label.text for label in texts(english)}
    assert {"입력", "값 2개", "유닛 2개"} <= {label.text for label in texts(korean)}
    assert english.within("ko").svg == korean.svg
    assert len(english.scene.shapes) == len(korean.scene.shapes)
    assert any("∂f/∂(이 값)" in label.text for label in texts(bl.draw(w1()).within("ko")))
    assert {"→ 2", "매개변수 4개"} <= {label.text for label in texts(bl.draw(w2()).within("ko"))}
    assert any(label.text == "모든 단계에서 같은 가중치" for label in texts(bl.draw(speller(), "time").within("ko")))
    with pytest.raises(UnknownNameError, match="language of pictures"):
        bl.draw(w1()).within("kr")


def test_names_of_ours_are_in_the_picture_s_language_and_names_of_others_stay():
    graph = bl.draw(w2(), "operations").within("ko")
    assert {"출력"} <= {label.text for label in texts(graph)}
    assert "출력의 그래프" in graph.title
    assert any("∂(Σ 출력)/∂(이 값)" in label.text for label in texts(graph))
    whole = bl.explain(bl.tensor([1.0, 2.0], name="output") * 2, upstream=[1.0, 3.0])
    given = {label.text for label in texts(bl.draw(whole).within("ko"))}
    assert "output" in given
    assert any("∂(f · 상류)/∂(이 값)" in text for text in given)
    branches = {label.text for label in texts(bl.draw(branched()).within("ko"))}
    assert "이어 붙이기" in branches
    assert not {"concatenate", "input", "output"} & branches


def test_a_picture_goes_from_language_to_language():
    english = bl.draw(w2(), "neurons", x=[0.1, 0.2])
    korean = english.within("ko")
    assert korean.within("en").svg == english.svg != korean.svg
    assert (korean.title, english.title) == ("신경망 2-2-2", "Network 2-2-2")
    assert korean.description.startswith("왼쪽부터: 입력")
    assert {"유닛 3", "유닛 1 → 유닛 3의 가중치: 0.3"} <= set(titles(korean))
    assert not [title for title in titles(korean) if title and not re.search("[가-힣]", title)]


def test_the_voice_is_told_its_language():
    """Of what is heard: Korean in a Korean picture, and English there where nobody has put it into Korean."""
    space = "{http://www.w3.org/2000/svg}"
    for lang in ("en", "ko"):
        for drawing in (bl.draw(w2(), "neurons"), bl.draw(w1()), bl.draw(w4()), bl.draw(speller(), "time")):
            root = Xml.fromstring(drawing.within(lang).svg)  # noqa: S314
            assert root.get("lang") == lang
            for heard in (*root.iter(f"{space}title"), *root.iter(f"{space}desc")):
                is_korean = bool(re.search("[가-힣]", heard.text or ""))
                assert (heard.get("lang") or lang) == ("ko" if is_korean else "en")


@pytest.mark.parametrize(
    ("names", "there"),
    [
        ({"0/weight[5,5]": "w"}, r"0/weight\[1,1\]"), ({"1/weight[0,0]": "w"}, "2/weight"), ({"y99": "z"}, "x6"),
        ({"y1": "z"}, "x6"), ({"t1": "t"}, "t5"), ({"zzz/bias[9]": "b"}, r"2/bias\[1\]"), ({"0/bias[2]": "b"}, "bias"),
        ({"0/weight[0]": "w"}, "weight"), ({"x0": "x"}, "x1"), ({"x7": "x"}, "x6"), ({"M": "x"}, "L"),
    ],
)  # fmt: skip
def test_names_are_of_what_is_there(names, there):
    net = w2().replace(params={p: {"weight": np.ones((2, 2)), "bias": np.ones(2)} for p in ("0", "2")})
    with pytest.raises(UnknownNameError, match=there):
        bl.draw(net, "neurons", labels=names)
    bl.draw(net, "neurons", labels={"0/weight[1, 1]": "w", "y6": "z", "t5": "t", "2/bias[1]": "b", "L": "E", "x1": "a"})


def test_units_of_a_row_are_the_ones_that_are_numbered_so():
    closed = bl.Sequential(bl.Linear(2), bl.BatchNorm(), bl.Linear(1)).build((2,))
    with pytest.raises(InputError, match="unit 5 of the picture is x7 in explain_update"):
        bl.draw(closed, "neurons", x=[1.0, 2.0])
    boxed = bl.Sequential(bl.Linear(2), bl.BatchNorm()).build((2,))
    with pytest.raises(InputError, match="the last layer, 1, is drawn as a box"):
        bl.draw(boxed, "neurons", x=[1.0, 2.0], y=[0.4, 0.6])
    with pytest.raises(UnknownNameError):
        bl.draw(boxed, "neurons", labels={"x0": "x"})


def test_a_graph_takes_nothing_beside_it():
    with pytest.raises(InputError, match="labels is for networks"):
        bl.draw(w1(), labels={"x1": "a"})
    x = bl.tensor(1.0, name="x")
    long = x
    for _ in range(90):
        long = long + x
    with pytest.raises(InputError, match="slopes' is for graphs of up to 80 nodes, this one has 91"):
        bl.draw(long, "slopes")


def test_names_at_broken_lines_differ_where_what_goes_on_differs():
    blocks = bl.Sequential(*[bl.Sequential(bl.Linear(3), bl.Tanh()) for _ in range(9)]).build((3,))
    drawing = bl.draw(blocks, "operations")
    ends = [label.text for label in texts(drawing, anchor="end", size=10.0)]
    begins = [label.text for label in texts(drawing, anchor="start", size=10.0)]
    assert len(set(ends)) > 5
    assert set(ends) <= set(begins)
    assert len(set(ends)) == len(ends)  # each weight is used once


def test_legends_speak_of_what_is_there():
    assert "its bias" not in " ".join(label.text for label in texts(bl.draw(w2(), "neurons")))
    assert "its bias" in " ".join(label.text for label in texts(bl.draw(unrolled(), "neurons")))
    assert "counted through" in " ".join(label.text for label in texts(bl.draw(w4(), "neurons")))


def test_local_slopes_are_written_if_asked_for():
    plain, local = bl.draw(w1()), bl.draw(w1(), "slopes")
    assert not any("∂q" in label.text for label in texts(plain))
    written = {label.text for label in texts(local, color="#595959")}
    assert {"∂q/∂x = 1", "∂q/∂y = 1", "∂f/∂q = −4", "∂f/∂z = 3"} <= written
    x = bl.tensor(3.0, name="x")
    several = [label.text for label in texts(bl.draw(x * x, "slopes")) if label.text.startswith("∂f/∂x")]
    assert several == ["∂f/∂x = 3", "∂f/∂x = 3"]


def test_a_long_graph_goes_on_in_further_rows():
    drawing = bl.draw(w2(), "operations", x=[[0.1, 0.2]], y=[[0.4, 0.6]], loss="squared_error")
    long = bl.tensor(1.0, name="x")
    for _ in range(30):
        long = bl.ops.tanh(long * 1.5)
    folded = bl.draw(long)
    assert drawing.scene.width < 1700
    assert folded.scene.width < 1700 < 30 * 80
    assert any("goes on at that name" in label.text for label in texts(folded))
    assert not any("goes on" in label.text for label in texts(bl.draw(w1())))
    broken = [label for label in texts(folded, size=10.0) if label.anchor in ("start", "end")]
    assert len(broken) % 2 == 0
    assert sorted(label.text for label in broken if label.anchor == "end") == sorted(
        label.text for label in broken if label.anchor == "start"
    )


def numbers_in(title):
    return [float(part.replace("−", "-")) for part in title.partition(": ")[2].split(", ")]


def test_a_network_in_time_shows_its_states_and_letters():
    network = speller()
    drawing = bl.draw(network, "time", x=HELL, labels=("hell", "ello"))
    letters = texts(drawing, size=13.0, color=FORWARD)
    below, above = max(label.y for label in letters), min(label.y for label in letters)
    assert "".join(label.text for label in letters if label.y == below) == "hell"
    assert "".join(label.text for label in letters if label.y == above) == "ello"
    assert [title for title in titles(drawing) if title.startswith("h at")] == [f"h at step {n}" for n in (1, 2, 3, 4)]
    weights = {label.text for label in texts(drawing, italic=False)}
    assert {"xh", "hh", "hy"} <= weights
    params, state = network.params["0"], np.zeros(8)
    painted = [
        shape.values for shape in drawing.scene.shapes if isinstance(shape, Heat) and shape.values.shape == (1, 8)
    ]
    for step in range(4):
        state = np.tanh(params["weight"] @ HELL[step] + params["recurrent"]["weight"] @ state + params["bias"])
        np.testing.assert_allclose(painted[step][0], state, rtol=1e-12)


def test_only_the_last_column_goes_on_where_the_last_state_alone_is_handed_on():
    drawing = bl.draw(deep(), "time")
    assert [title for title in titles(drawing) if title.startswith("y at")] == ["y at step 12"]
    assert "Dropout" not in titles(drawing)
    assert {"xh(1)", "hh(2)"} <= {label.text for label in texts(drawing)}
    assert any(label.text == "…" for label in texts(drawing))


def test_a_cell_shows_the_gates_as_they_were_computed():
    x = np.random.default_rng(0).normal(size=(5, 3))
    network = bl.LSTM(4).build((5, 3), dtype="float64")
    shown = {
        title.partition(":")[0]: numbers_in(title) for title in titles(bl.draw(network, "cell", x=x)) if ": " in title
    }
    theirs = torch.nn.LSTM(3, 4, dtype=torch.float64)
    with torch.no_grad():
        theirs.weight_ih_l0[:] = torch.tensor(network.params["weight"])
        theirs.weight_hh_l0[:] = torch.tensor(network.params["recurrent"]["weight"])
        theirs.bias_ih_l0[:] = torch.tensor(network.params["bias"])
        theirs.bias_hh_l0[:] = 0.0
        _, (h, c) = theirs(torch.tensor(x[:4]))
        gates = theirs.weight_ih_l0 @ torch.tensor(x[4]) + theirs.weight_hh_l0 @ h[0] + theirs.bias_ih_l0
        i, f, g, o = gates.reshape(4, 4)
    wanted = {"input gate": i.sigmoid(), "forget gate": f.sigmoid(), "candidate": g.tanh(), "output gate": o.sigmoid()}
    for name, values in wanted.items():
        np.testing.assert_allclose(shown[name], values.numpy(), rtol=6e-3)
    cell = f.sigmoid() * c[0] + i.sigmoid() * g.tanh()
    painted = [shape.values[0] for shape in bl.draw(network, "cell", x=x).scene.shapes if isinstance(shape, Heat)]
    assert any(np.allclose(values, cell.numpy()) for values in painted)
    assert any(np.allclose(values, (o.sigmoid() * cell.tanh()).numpy()) for values in painted)


# ------------------------------------------------------------------------------------------------ all of them

EVERY = {
    "w1": lambda: bl.draw(w1()),
    "w2 layers": lambda: bl.draw(w2()),
    "w2 neurons": lambda: bl.draw(w2(), "neurons"),
    "w2 operations": lambda: bl.draw(w2(), "operations"),
    "w4 layers": lambda: bl.draw(w4()),
    "w4 neurons": lambda: bl.draw(w4(), "neurons"),
    "w4 operations": lambda: bl.draw(w4(), "operations"),
    "rnn layers": lambda: bl.draw(unrolled()),
    "rnn neurons": lambda: bl.draw(unrolled(), "neurons"),
    "rnn operations": lambda: bl.draw(unrolled(), "operations"),
    "long rnn": lambda: bl.draw(unrolled(25, return_sequences=True)),
    "long rnn operations": lambda: bl.draw(unrolled(25, return_sequences=True), "operations"),
    "branched": lambda: bl.draw(branched()),
    "branched neurons": lambda: bl.draw(branched(), "neurons"),
    "wired": lambda: bl.draw(wired()),
    "one node": lambda: bl.draw(bl.tensor(2.0, name="x")),
    "time": lambda: bl.draw(speller(), "time", x=HELL, labels=("hell", "ello")),
    "time of several": lambda: bl.draw(deep(), "time", labels=(None, ["what", "comes", "out"] * 4)),
    "time backwards": lambda: bl.draw(bl.LSTM(3, reverse=True).build((3, 2)), "time", x=np.ones((3, 2))),
    "lstm cell": lambda: bl.draw(bl.LSTM(4).build((4, 4)), "cell", x=HELL),
    "lstm cell without values": lambda: bl.draw(bl.LSTM(4).build((4, 4)), "cell"),
    "gru cell": lambda: bl.draw(bl.GRU(40).build((4, 4)), "cell", x=HELL),
    "gru cell of one unit": lambda: bl.draw(bl.GRU(1, reset_after=False).build((4, 4)), "cell", x=HELL),
    "w2 named": lambda: bl.draw(w2(), "neurons", x=[0.1, 0.2], y=[0.4, 0.6], labels=NAMES),
    "w2 in Korean": lambda: bl.draw(w2(), "neurons", x=[0.1, 0.2]).within("ko"),
    "slopes": lambda: bl.draw(w1(), "slopes"),
    "folded": lambda: bl.draw(unrolled(4), "operations"),
    "convolution": lambda: bl.draw(bl.Sequential(bl.Conv2d(16, 3, padding="same"), bl.ReLU()).build((8, 8, 3))),
    "rnn cell": lambda: bl.draw(speller(), "cell", x=HELL),
}


@pytest.mark.parametrize("name", list(EVERY))
def test_what_is_heard_is_korean_in_a_korean_picture(name):
    """All of it but names from the code; the legend and numbers are the same picture's in both languages."""
    space, english = "{http://www.w3.org/2000/svg}", EVERY[name]()
    root = Xml.fromstring(english.within("ko").svg)  # noqa: S314
    heard = [each.text for tag in ("title", "desc") for each in root.iter(f"{space}{tag}")]
    assert re.search("[가-힣]", heard[0])
    prose = r"\b(value|gradient|from|at|of|numbers?|operations?|nodes|parameters|more|step|gate|state|first|with|its)\b"
    assert not [text for text in heard if re.search(prose, text)]
    assert len(heard) == len(re.findall("<(?:title|desc)", english.svg))


@pytest.mark.parametrize("name", EVERY)
def test_nothing_overlaps_or_leaves_the_paper(name):
    scene = EVERY[name]().scene
    boxes = [s for s in scene.shapes if isinstance(s, Box) and s.fill != "none" and s.line and s.width > 20]
    for a, b in itertools.combinations(boxes, 2):
        apart = (
            a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y
        )  # fmt: skip
        assert apart, (name, a, b)
    for shape in scene.shapes:
        if isinstance(shape, Label):
            wide = text_width(shape.text, shape.size, shape.bold)
            left = shape.x - {"start": 0.0, "middle": wide / 2, "end": wide}[shape.anchor]
            assert left >= 0, (name, shape)
            assert left + wide <= scene.width + 1, (name, shape)
            assert 0 < shape.y <= scene.height, (name, shape)
        elif isinstance(shape, (Box, Heat)):
            assert shape.x >= 0, (name, shape)
            assert shape.y >= 0, (name, shape)
            assert shape.x + shape.width <= scene.width, (name, shape)
            assert shape.y + shape.height <= scene.height, (name, shape)


@pytest.mark.parametrize(
    "name", ["w1", "rnn operations", "wired", "time", "lstm cell", "gru cell", "w2 named", "slopes", "folded"]
)  # fmt: skip
def test_values_do_not_cover_each_other(name):
    scene = EVERY[name]().scene
    rooms = []
    for s in scene.shapes:
        if isinstance(s, Label) and s.color in (FORWARD, GRADIENT):
            wide = text_width(s.text, s.size)
            left = s.x if s.anchor == "start" else s.x - wide / 2
            rooms.append((left, s.y - 9, left + wide, s.y, s.text))
        elif isinstance(s, Heat):
            rooms.append((s.x, s.y, s.x + s.width, s.y + s.height, "heat"))
    for a, b in itertools.combinations(rooms, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (name, a, b)


@pytest.mark.parametrize("sizes", [(2, 2, 1), (2, 3, 1), (3, 4, 2), (2, 4, 4, 1), (4, 4, 4)])
def test_no_number_is_hidden_in_trained_networks(sizes):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(40, sizes[0])), random.normal(size=(40, sizes[-1]))
    hidden = [layer for units in sizes[1:-1] for layer in (bl.Linear(units), bl.Tanh())]
    run = bl.fit(
        bl.Sequential(*hidden, bl.Linear(sizes[-1])),
        x,
        y,
        epochs=5,
        optimizer=bl.Adam(0.1),
        engine="numpy",
        probes=None,
    )
    for options in ({}, {"x": x[0], "y": y[0]}):
        scene = bl.draw(run, "neurons", **options).scene
        rooms = [
            (s.x - text_width(s.text, s.size) / 2, s.y - 9, s.x + text_width(s.text, s.size) / 2, s.y, s.text)
            for s in scene.shapes
            if isinstance(s, Label) and s.anchor == "middle" and s.size == 10.5
        ]
        circles = [s for s in scene.shapes if isinstance(s, Box) and s.radius == s.width / 2 == 17.0]
        assert len(rooms) >= sum(a * b for a, b in itertools.pairwise(sizes))
        for a, b in itertools.combinations(rooms, 2):
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (sizes, a, b)
        for a, circle in itertools.product(rooms, circles):
            away = a[2] <= circle.x or circle.x + 34 <= a[0] or a[3] <= circle.y or circle.y + 34 <= a[1]
            assert away, (sizes, a, circle)


def test_the_same_picture_each_time():
    assert bl.draw(unrolled(), "operations").svg == bl.draw(unrolled(), "operations").svg


def test_edges_run_to_the_right_and_around():
    sizes = dict.fromkeys("abcd", (40.0, 20.0))
    placed = layered(sizes, [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")])
    for start, end in (("a", "b"), ("b", "c"), ("c", "d")):
        assert placed.slots[start].right < placed.slots[end].left
    bends = placed.bends["a", "d"]
    xs = [x for x, _ in bends]
    assert xs == sorted(xs)
    for name in "bc":  # the long edge passes beside the nodes
        slot = placed.slots[name]
        assert all(abs(y - slot.y) >= 10 for x, y in bends if slot.left <= x <= slot.right)


def test_files(tmp_path):
    from matplotlib.image import imread

    drawing = bl.draw(w1(), path=tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == drawing.svg
    assert drawing.save(tmp_path / "b.PNG") == tmp_path / "b.PNG"
    pixels = imread(tmp_path / "b.PNG", format="png")
    scene = drawing.scene
    assert pixels.shape[1] == pytest.approx(2 * scene.width, abs=2)
    assert pixels.shape[0] == pytest.approx(2 * scene.height, abs=2)
    assert 0.7 < pixels[..., :3].mean() < 0.99  # neither blank nor black
    drawing.save(tmp_path / "c.pdf")
    assert (tmp_path / "c.pdf").read_bytes().startswith(b"%PDF")
    for network in (w4(), unrolled(), branched()):
        for depth in ("layers", "neurons"):
            bl.draw(network, depth, tmp_path / "d.png")


def test_names_in_korean_and_with_signs_of_xml(tmp_path):
    x = bl.tensor(2.0, name="<입력> & $x$")
    drawing = bl.draw(x * x, path=tmp_path / "a.png")
    root = Xml.fromstring(drawing.svg)  # noqa: S314
    assert "<입력> & $x$" in {text.text for text in root.iter(f"{SVG}text")}


# ------------------------------------------------------------------------------------------------ bad input


class Model:
    """As Keras names its own."""


Model.__module__ = "keras.src.models"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bl.draw(w1(), "graphs"), "unknown depth 'graphs'"),
        (lambda: bl.draw(w2(), "neuron"), "did you mean 'neurons'"),
        (lambda: bl.draw(w1(), "layers"), "for networks; a graph is drawn as depth='operations'"),
        (lambda: bl.draw(torch.nn.Linear(2, 3)), "a Linear of PyTorch; rebuild it from bl.Sequential"),
        (lambda: bl.draw(Model()), "a Model of Keras; rebuild it"),
        (lambda: bl.draw(bl.Linear(3)), "Linear without parameters; build it"),
        (lambda: bl.draw(3.0), "draw takes a Tensor, an Explanation, a Network or a Run, got float"),
        (lambda: bl.draw(w1(), path="graph.jpeg"), r"\.svg, \.png, \.pdf; graph\.jpeg ends in '\.jpeg'"),
        (lambda: bl.draw(w1(), path="graph"), "graph has no ending"),
        (lambda: bl.draw(w1(), path="/nowhere/at/all/graph.svg"), "can't be written"),
        (lambda: bl.draw(w2(), "time"), r"is for a chain of layers \(Sequential\) with an RNN, a GRU or an LSTM"),
        (lambda: bl.draw(w2(), "cell", labels=("a", "b")), "labels is for depth='neurons' or depth='time'"),
        (lambda: bl.draw(speller(), "time", labels="hello"), "labels must be a pair"),
        (
            lambda: bl.draw(speller(), "time", labels=("hell", "hello")),
            "outputs: the network has 4 steps, got 5 labels",
        ),
        (lambda: bl.draw(bl.LSTM(3, peepholes=True).build((4, 2)), "cell"), "peepholes"),
        (
            lambda: bl.draw(w2(), x=np.ones((1, 2))),
            "x is for depth='operations' or depth='slopes' or depth='neurons' or .*, got depth='layers'",
        ),
        (lambda: bl.draw(w2(), "operations", x=np.ones((1, 2)), y=np.ones((1, 2))), "both y and loss, or neither"),
        (lambda: bl.draw(w2(), "operations", x=np.ones((1, 3))), "inputs of shape"),
        (
            lambda: bl.draw(w2(), "neurons", x=np.ones((2, 2))),
            "one row of numbers, shape \\(2,\\), got shape \\(2, 2\\)",
        ),
        (lambda: bl.draw(w2(), "neurons", y=[0.4, 0.6]), "give the row as x"),
        (lambda: bl.draw(w2(), "neurons", x=[0.1, 0.2], y=[0.4]), "y has 1 targets, the network 2 outputs"),
        (lambda: bl.draw(w2(), "neurons", labels={"v3": "h"}), "symbol in labels"),
        (lambda: bl.draw(w2(), "neurons", labels=["h"]), "labels of units and weights must be a dict of texts"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(bl.BacklitError, match=message):
        call()


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (torch.nn.Linear(2, 3), "got a Linear of PyTorch; rebuild"),
        (w2(), "got a Network, which bl.draw takes"),
        (1.0, "got float"),
    ],
)
def test_explain_says_what_it_got(what, message):
    with pytest.raises(bl.GradientError, match=message):
        bl.explain(what)


def test_a_node_that_does_not_exist():
    with pytest.raises(UnknownNameError, match="unknown node 'X'"):
        bl.explain(w1())["X"]


def test_a_picture_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    place = tmp_path / "a.png"
    place.write_bytes(b"old")
    monkeypatch.setattr("backlit.inspect.draw.drawing.save_png", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(InputError, match="can't be written: full"):
        bl.draw(w1(), path=place)
    assert place.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_a_run_is_drawn_as_its_network():
    x = np.random.default_rng(0).normal(size=(20, 2))
    run = bl.fit(bl.Sequential(bl.Linear(2), bl.Tanh(), bl.Linear(1)), x, x[:, :1], epochs=1, progress=False)
    assert bl.draw(run, "neurons").svg == bl.draw(run.network, "neurons").svg
    told = bl.explain_update(run, x[0], x[0, :1], "sgd", weight="2/weight[0,0]")
    assert told.weights[0].symbol.text == "w₃₅"


@pytest.mark.parametrize(
    ("lang", "made", "given"),
    [
        ("en", "q2 = log(q1) made the first NaN or infinite value, from [1, -3]", "x was given with [nan, 1]"),
        (
            "ko",
            "NaN 또는 무한대가 처음 나온 곳: q2 = log(q1), 받은 값 [1, -3]",
            "NaN 또는 무한대가 처음부터 들어 있음: x = [nan, 1]",
        ),
    ],
)
def test_where_nan_comes_from_is_told_in_the_picture_s_language(lang, made, given) -> None:
    with np.errstate(invalid="ignore"):
        first = bl.ops.log(bl.tensor([0.5, -1.5], name="x") * 2).sum()
    second = bl.tensor([np.nan, 1.0], name="x").sum()
    for graph, line in ((first, made), (second, given)):
        assert f">{line}<" in bl.draw(graph).within(lang).svg
