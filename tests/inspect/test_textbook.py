"""Textbook mode: chains of factors against published numbers, PyTorch and finite differences."""

import re

import numpy as np
import pytest
import torch

import backlit as bl
from backlit import optim
from backlit.errors import InputError, ShapeError, UnknownNameError
from backlit.graph import tree

ROWS = np.array([[0.3, -0.2], [1.0, 0.5], [-0.7, 0.4]])


def w2():
    net = bl.Sequential(bl.Linear(2, bias=False), bl.Sigmoid(), bl.Linear(2, bias=False), bl.Sigmoid())
    weights = {
        "0": {"weight": np.array([[0.3, 0.25], [0.4, 0.35]])},
        "2": {"weight": np.array([[0.45, 0.4], [0.7, 0.6]])},
    }
    return net.build((2,), dtype="float64").replace(params=weights)


def w3():
    net = bl.Sequential(bl.Linear(2), bl.Sigmoid(), bl.Linear(1), bl.Sigmoid())
    return net.build((2,), dtype="float64", seed=4)


# ------------------------------------------------------------------------------------------------ worked examples


def test_w2_to_eight_digits():
    update = bl.explain_update(w2(), [0.1, 0.2], [0.4, 0.6], bl.SGD(0.5), loss=bl.SquaredError(half=True))
    expected = [0.29959556, 0.24919112, 0.39964496, 0.34928991, 0.43703857, 0.38685205, 0.69629578, 0.59624247]
    assert [f"{weight.new:.8f}" for weight in update.weights] == [f"{value:.8f}" for value in expected]
    assert f"{update.loss:.8f}" == "0.02397190"
    assert f"{update.loss_after:.8f}" == "0.02323634"
    shown = update.text
    for value in ("0.08", "0.11", "0.51998934", "0.5274723", "0.44498412", "0.68047592", "0.609446", "0.66384491"):
        assert f"= {value}" in shown, value
    for value in expected:
        assert f"{value:.8f}".rstrip("0") in shown
    np.testing.assert_allclose(
        np.concatenate([np.ravel(leaf) for leaf in tree.leaves(update.network.params)]), expected, rtol=0, atol=5e-9
    )


def test_w2_in_its_own_letters():
    names = {"x3": "h1", "x4": "h2", "x5": "o1", "x6": "o2", "y3": "z1", "y5": "z3", "y6": "z4", "L": "E"}
    names |= {"t5": "t1", "t6": "t2"} | {
        f"{layer}/weight[{i},{j}]": f"w{2 * layer + 2 * i + j + 1}" for layer in (0, 2) for i in (0, 1) for j in (0, 1)
    }
    update = bl.explain_update(
        w2(), [0.1, 0.2], [0.4, 0.6], bl.SGD(0.5), bl.SquaredError(half=True), "0/weight[0,0]", names=names
    )
    assert update["w₁"].formula.text == "∂E/∂w₁ = (Δ₅·w₅ + Δ₆·w₇)·σ'(z₁)·x₁ = Δ₃·x₁"
    assert "z₁ = w₁·x₁ + w₂·x₂ = 0.08,  h₁ = σ(z₁) = 0.51998934" in update.text
    assert "w₁ ← w₁ − η·∂E/∂w₁ = 0.3 − 0.5·0.00080887538 = 0.29959556" in update.text
    assert "Δ₅ = ∂E/∂z₃ = −(t₁ − o₁)·σ'(z₃)" in update.text


def test_w3_symbol_by_symbol():
    update = bl.explain_update(w3(), [0.1, 0.2], [1.0], bl.SGD(0.5))
    assert update["w₃₅"].formula.text == "∂L/∂w₃₅ = −2(y − ŷ)·σ'(y₅)·x₃ = Δ₅·x₃"
    assert update["w₃₅"].rule.text == "∂L/∂ŷ·∂ŷ/∂y₅·∂y₅/∂w₃₅"
    hidden = update["0/weight[0,0]"]
    assert hidden.formula.text == "∂L/∂w₁₃ = −2(y − ŷ)·σ'(y₅)·w₃₅·σ'(y₃)·x₁ = Δ₅·w₃₅·σ'(y₃)·x₁ = Δ₃·x₁"
    assert hidden.rule.text == "∂L/∂ŷ·∂ŷ/∂y₅·∂y₅/∂x₃·∂x₃/∂y₃·∂y₃/∂w₁₃"
    assert update["2/bias[0]"].formula.text == "∂L/∂b₅ = −2(y − ŷ)·σ'(y₅) = Δ₅"
    assert update["w₃₅"].formula.latex == (
        r"\frac{\partial L}{\partial w_{35}} = -2\left(y - \hat{y}\right) \cdot \sigma'\left(y_{5}\right) \cdot x_{3}"
        r" = \Delta_{5} \cdot x_{3}"
    )
    assert update.latex.startswith("\\begin{aligned}\ny_{3} &= w_{13} \\cdot x_{1} + w_{23} \\cdot x_{2} + b_{3} = ")
    assert update._repr_latex_().startswith("$$")


def test_w3_numbers_are_pytorch_s():
    net = w3()
    w1, b1, w5, b5 = (torch.tensor(leaf, requires_grad=True) for leaf in tree.leaves(net.params))
    x = torch.tensor([0.1, 0.2], dtype=torch.float64)
    y3 = w1 @ x + b1
    y5 = w5 @ torch.sigmoid(y3) + b5
    y3.retain_grad()
    y5.retain_grad()
    loss = ((1.0 - torch.sigmoid(y5)) ** 2).sum()
    loss.backward()
    update = bl.explain_update(net, [0.1, 0.2], [1.0], bl.SGD(0.5))
    assert update.loss == pytest.approx(loss.item(), rel=1e-13)
    gradients = np.concatenate([leaf.grad.numpy().ravel() for leaf in (w1, b1, w5, b5)])
    np.testing.assert_allclose([weight.gradient for weight in update.weights], gradients, rtol=1e-12)
    deltas = [*y5.grad.tolist(), *y3.grad.tolist()[::-1]]
    for line, name, value in zip(update.deltas, ("Δ₅", "Δ₄", "Δ₃"), deltas, strict=True):
        assert line.text.startswith(f"{name} = ∂L/∂y{name[1]} = ")
        assert line.text.endswith(f" = {value:.8g}".replace("-", "−"))


def test_the_formula_in_latex_is_drawn_by_matplotlib():
    from matplotlib.mathtext import MathTextParser

    update = bl.explain_update(w2(), [0.1, 0.2], [0.4, 0.6], bl.Adam(0.5))
    for weight in update.weights:
        for line in weight.lines:
            latex = line.latex.replace(r"\tfrac", r"\frac")
            MathTextParser("agg").parse(f"${latex}$")


# ------------------------------------------------------------------------------------------------ any network

DEEP = [layer for _ in range(3) for layer in (bl.Linear(2), bl.Tanh())]
NETWORKS = {
    "deep tanh": (bl.Sequential(*DEEP, bl.Linear(1)), (2,), "squared_error", "number"),
    "mean squared": (bl.Sequential(bl.Linear(3), bl.GELU(), bl.Linear(2)), (2,), "mean_squared_error", "number"),
    "half": (bl.Sequential(bl.Linear(2), bl.ELU()), (2,), bl.SquaredError(half=True), "number"),
    "huber": (bl.Sequential(bl.Linear(2), bl.Softplus()), (2,), "huber", "number"),
    "classes": (bl.Sequential(bl.Linear(3), bl.ReLU(), bl.Linear(3)), (2,), "cross_entropy", "class"),
    "smoothed": (bl.Sequential(bl.Linear(3)), (2,), bl.CrossEntropy(label_smoothing=0.1), "class"),
    "softmax": (
        bl.Sequential(bl.Linear(3), bl.Sigmoid(), bl.Linear(3), bl.Softmax()),
        (2,), bl.NegativeLogLikelihood(), "class",
    ),
    "binary": (bl.Sequential(bl.Linear(2), bl.SiLU(), bl.Linear(1)), (2,), "binary_cross_entropy", "binary"),
    "residual": (bl.Sequential(bl.Residual(bl.Tanh(), bl.Linear(2)), bl.Linear(1)), (2,), "squared_error", "number"),
    "projected": (bl.Residual(bl.Linear(3), bl.Sigmoid()), (2,), "squared_error", "number"),
    "parallel": (
        bl.Sequential(bl.Parallel(bl.Linear(2), bl.Sequential(bl.Linear(2), bl.Tanh())), bl.Linear(1)),
        (2,), "squared_error", "number",
    ),
    "mean of branches": (bl.Parallel(bl.Linear(2), bl.Linear(2), combine="mean"), (2,), "squared_error", "number"),
    "wired": (
        bl.Wired({"a": bl.Linear(2), "b": bl.Tanh(), "c": bl.Linear(2)}, [("a", "b"), ("a", "c"), ("b", "c")]),
        (2,), "squared_error", "number",
    ),
    "learned slope": (bl.Sequential(bl.Linear(2), bl.PReLU(), bl.Linear(1)), (2,), "squared_error", "number"),
    "normalised": (bl.Sequential(bl.Linear(3), bl.LayerNorm(), bl.Linear(1)), (2,), "squared_error", "number"),
    "recurrent": (bl.Sequential(bl.Reshape((2, 1)), bl.LSTM(2), bl.Linear(1)), (2,), "squared_error", "number"),
    "convolution": (
        bl.Sequential(bl.Reshape((2, 1)), bl.Conv1d(2, 2, padding=1), bl.ReLU(), bl.Flatten(), bl.Linear(1)),
        (2,), "squared_error", "number",
    ),
    "two in a row": (bl.Sequential(bl.Linear(2), bl.Tanh(), bl.Sigmoid()), (2,), "squared_error", "number"),
    "dropped": (bl.Sequential(bl.Linear(2), bl.Dropout(0.5), bl.ReLU(), bl.Linear(1)), (2,), "squared_error", "number"),
}  # fmt: skip


def targets(kind, rows, outputs):
    if kind == "class":
        return np.arange(rows) % outputs
    numbers = np.linspace(-0.4, 0.9, rows * outputs).reshape(rows, outputs)
    return (numbers > 0).astype(float) if kind == "binary" else numbers


def place_of(name):
    """Path and index of a weight's name."""
    path, _, index = name.rstrip("]").partition("[")
    return path, tuple(int(part) for part in index.split(",") if part)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_chains_are_the_slope_of_the_loss(name, rows):
    architecture, shape, loss, kind = NETWORKS[name]
    net = architecture.build(shape, dtype="float64", seed=3)
    x = ROWS[:rows]
    y = targets(kind, rows, net.output_shape[-1])
    names = [
        f"{path}[{','.join(map(str, index))}]"
        for path, leaf in tree.items(net.params)
        for index in np.ndindex(leaf.shape)
    ]
    update = bl.explain_update(net, x, y, bl.SGD(0.1), loss, names)
    chosen = bl.losses.get(loss)
    flat = tree.flatten_dict(net.params)
    for weight in update.weights:
        path, place = place_of(weight.name)
        changed = []
        for step in (1e-6, -1e-6):
            moved = {key: leaf.copy() for key, leaf in flat.items()}
            moved[path][place] += step
            changed.append(float(np.mean(chosen(net.apply(tree.nest(moved), x)[0], y))))
        slope = (changed[0] - changed[1]) / 2e-6
        found = 0.0
        if weight.factors:
            values = [np.broadcast_to(factor.values, rows) for factor in weight.factors]
            sums = " + " in weight.formula.text.rpartition(" = ")[2]  # several units use it
            found = np.mean(np.sum(values, axis=0) if sums else np.prod(values, axis=0))
        assert found == pytest.approx(slope, abs=2e-8), weight.formula.text
        assert weight.gradient == pytest.approx(slope, abs=2e-8)
        assert weight.new == pytest.approx(weight.old - 0.1 * slope, abs=1e-8)


def test_symbols_of_other_losses_and_layers():
    def formula(name, weight):
        architecture, shape, loss, kind = NETWORKS[name]
        net = architecture.build(shape, dtype="float64", seed=3)
        y = targets(kind, 1, net.output_shape[-1])
        return bl.explain_update(net, ROWS[:1], y, bl.SGD(0.1), loss, weight).weights[0].formula.text

    assert formula("classes", "2/weight[1,0]") == "∂L/∂w₃₇ = (p₇ − t₇)·x₃ = Δ₇·x₃"
    assert formula("binary", "2/bias[0]") == "∂L/∂b₅ = (p₅ − y) = Δ₅"
    assert formula("mean squared", "2/weight[0,0]") == "∂L/∂w₃₆ = −2/2·(t₆ − ŷ₆)·x₃ = Δ₆·x₃"
    assert formula("half", "0/weight[0,0]") == "∂L/∂w₁₃ = −(t₃ − ŷ₃)·ELU'(y₃)·x₁ = Δ₃·x₁"
    assert formula("huber", "0/weight[0,0]") == "∂L/∂w₁₃ = ∂L/∂ŷ₃·softplus'(y₃)·x₁ = Δ₃·x₁"
    assert "(Δ₉·∂ŷ₉/∂x₆ + Δ₁₀·∂ŷ₁₀/∂x₆ + Δ₁₁·∂ŷ₁₁/∂x₆)" in formula("softmax", "2/weight[0,0]")
    assert formula("residual", "0/body/1/weight[0,0]").startswith("∂L/∂w₃₅ = −2(y − ŷ)·w₇₉·x₃ = Δ₇·x₃ = Δ₅·x₃")
    assert "θ(1/slope" in formula("learned slope", "1/slope")


def test_integers_go_through_an_embedding():
    net = bl.Sequential(bl.Embedding(4, 2), bl.Flatten(), bl.Linear(1)).build((2,), dtype="float64")
    update = bl.explain_update(net, [1, 3], [0.5], bl.SGD(0.1))
    gradients = {weight.name: weight.gradient for weight in update.weights}
    assert gradients["0/weight[0,0]"] == 0.0
    assert gradients["0/weight[1,0]"] != 0.0
    assert "∂L/∂θ(0/weight[0,0]) = 0" in update.text


# ------------------------------------------------------------------------------------------------ the optimizer's step

OPTIMIZERS = [
    bl.SGD(0.1), bl.SGD(0.1, momentum=0.9, dampening=0.5), bl.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    bl.Momentum(0.1), bl.Nesterov(0.1), bl.AdaGrad(0.1), bl.RMSprop(0.1), bl.RMSprop(0.1, centered=True),
    bl.Adam(0.1), bl.Adam(0.1, amsgrad=True), bl.AdamW(0.1), bl.SGD(bl.Cosine(0.1, 10)),
    bl.optim.chain(bl.ClipGlobalNorm(0.01), bl.Adam(0.1)), bl.SGD(0.1, maximize=True),
]  # fmt: skip


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_steps_are_the_optimizer_s(optimizer):
    net, y = w3(), np.array([[1.0], [0.0], [0.3]])
    loss = bl.losses.get("squared_error")
    params, state = net.params, optimizer.init(net.params)
    told, held = net, None
    for step in range(3):
        gradients = bl.grad(lambda p: loss(net.apply(p, ROWS)[0], y).mean())(params)
        updates, state = optimizer.update(gradients, state, params, step)
        before, params = params, optim.apply_updates(params, updates)
        update = bl.explain_update(told, ROWS, y, optimizer, state=held, step=step)
        told, held = update.network, update.state
        for weight in update.weights:
            path, place = place_of(weight.name)
            assert weight.old == pytest.approx(float(tree.flatten_dict(before)[path][place]), rel=1e-12)
            assert weight.new == pytest.approx(float(tree.flatten_dict(params)[path][place]), rel=1e-12)
            shown = f" = {weight.new:.8g}".replace("-", "−")
            assert weight.lines[-1].text.endswith(shown)


def arithmetic(text):
    """The value of a line's numbers: what stands before its last sign of equality, worked out by hand."""
    sides = text.partition("←")[2].split(" = ") if "←" in text else text.split(" = ")
    numbers = sides[-2].replace("−", "-").replace("·", "*")
    assert re.fullmatch(r"[-+*/().\d e√]+", numbers), numbers
    numbers = re.sub(r"√([\d.e-]+)", r"(\1)**0.5", numbers)
    return eval(numbers, {"__builtins__": {}}), float(sides[-1].replace("−", "-"))  # noqa: S307 (checked above)


@pytest.mark.parametrize("optimizer", OPTIMIZERS[:12], ids=repr)
def test_the_numbers_on_a_line_give_its_result(optimizer):
    first = bl.explain_update(w3(), ROWS, np.array([[1.0], [0.0], [0.3]]), optimizer)
    second = bl.explain_update(
        first.network, ROWS, np.array([[1.0], [0.0], [0.3]]), optimizer, state=first.state, step=1
    )
    checked = 0
    for update in (first, second):
        for weight in update.weights:
            for line in weight.lines[1:]:
                sides = line.text.partition("←")[2].split(" = ") if "←" in line.text else line.text.split(" = ")
                if len(sides) > 1 and re.fullmatch(r"[−+*/().\d e√·]+", sides[-2]):
                    found, told = arithmetic(line.text)
                    assert found == pytest.approx(told, rel=2e-6, abs=1e-12), line.text
                    checked += 1
    assert checked >= 2 * 2 * len(first.weights)


def test_adam_s_numbers_are_pytorch_s():
    net = w3()
    tensors = [torch.tensor(leaf, requires_grad=True) for leaf in tree.leaves(net.params)]
    adam = torch.optim.Adam(tensors, lr=0.1)
    w1, b1, w5, b5 = tensors
    update = None
    for step in range(2):
        state = None if update is None else update.state
        update = bl.explain_update(net, [0.1, 0.2], [1.0], bl.Adam(0.1), state=state, step=step)
        net = update.network
        adam.zero_grad()
        hidden = torch.sigmoid(w1 @ torch.tensor([0.1, 0.2], dtype=torch.float64) + b1)
        ((1.0 - torch.sigmoid(w5 @ hidden + b5)) ** 2).sum().backward()
        adam.step()
    mean, square = (adam.state[w5][key][0, 0].item() for key in ("exp_avg", "exp_avg_sq"))
    lines = [line.text for line in update["w₃₅"].lines]
    assert any(line.startswith("m ← ") and line.endswith(f" = {mean:.8g}".replace("-", "−")) for line in lines)
    assert any(line.startswith("v ← ") and line.endswith(f" = {square:.8g}".replace("-", "−")) for line in lines)
    expected = np.concatenate([leaf.detach().numpy().ravel() for leaf in tensors])
    np.testing.assert_allclose([weight.new for weight in update.weights], expected, rtol=1e-10)


# ------------------------------------------------------------------------------------------------ as data, and limits


def test_steps_as_data():
    import json

    update = bl.explain_update(w3(), ROWS[:1], [[1.0]], "adam", weight="2/weight[0,1]")
    (step,) = json.loads(json.dumps(update.steps))
    assert [factor["symbol"] for factor in step["factors"]] == ["−2(y − ŷ)", "σ'(y₅)", "x₄"]
    assert np.prod([factor["values"][0] for factor in step["factors"]]) == pytest.approx(step["gradient"], rel=1e-12)
    assert step["old"] != step["new"]
    assert "2/weight[0,1]" in str(update)


def test_rows_are_averaged():
    update = bl.explain_update(w3(), ROWS, [[1.0], [0.0], [1.0]], bl.SGD(0.1), weight="2/weight[0,0]")
    line = update.weights[0].lines[2].text
    found = re.match(r"∂L/∂w₃₅ = 1/3·\((.*)\) = (.*)", line.replace("−", "-"))
    assert eval(found[1]) / 3 == pytest.approx(float(found[2]), rel=1e-6)  # noqa: S307 (our own digits)


def test_many_units_are_cut_short():
    net = bl.Sequential(bl.Linear(40), bl.Tanh(), bl.Linear(30), bl.Tanh(), bl.Linear(1)).build((3,))
    update = bl.explain_update(net, [1.0, 2.0, 3.0], [0.0], bl.SGD(0.1), weight="0/weight[0,0]")
    assert "… 55 more" in update.text
    assert "Δ₄₄·w₄,₄₄ + Δ₄₅·w₄,₄₅ + Δ₄₆·w₄,₄₆ + Δ₄₇·w₄,₄₇ + … + Δ₇₃·w₄,₇₃" in update.weights[0].formula.text
    assert update.network.dtype == np.float64


def test_nan_is_shown():
    net = w2()
    net.params["0"]["weight"][0, 0] = np.nan
    update = bl.explain_update(net, [0.1, 0.2], [0.4, 0.6], bl.SGD(0.5))
    assert "NaN" in update.text
    assert r"\mathrm{NaN}" in update.latex


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        ({"weight": "0/weigth[0,0]"}, UnknownNameError, "unknown weight '0/weigth'; did you mean '0/weight'"),
        ({"weight": "0/weight[0,2]"}, InputError, r"shape \(2, 2\), so its last element is '0/weight\[1,1\]'"),
        ({"weight": "0/weight"}, InputError, "last element is"),
        ({"weight": "[0,0]"}, InputError, "named by path and index"),
        ({"names": {"x9": "h"}}, UnknownNameError, "unknown symbol in names 'x9'"),
        ({"names": {"t3": "t1"}}, UnknownNameError, "unknown symbol in names 't3'"),
        ({"x": [1.0, 2.0, 3.0]}, ShapeError, r"one example of shape \(2\) or rows of it, got shape \(3,\)"),
        ({"y": [[1.0], [2.0]]}, ShapeError, "outputs have shape|one target for each row"),
        ({"x": "rows"}, InputError, "must be numbers"),
        ({"loss": "squared"}, UnknownNameError, "unknown loss"),
        ({"optimizer": "sdg"}, UnknownNameError, "did you mean 'sgd'"),
        ({"network": torch.nn.Linear(2, 1)}, InputError, "takes a Backlit network, got a Linear of PyTorch"),
        ({"network": bl.Linear(2)}, InputError, "build it"),
    ],
)  # fmt: skip
def test_bad_input(call, error, message):
    usual = {"network": w3(), "x": [0.1, 0.2], "y": [1.0], "optimizer": bl.SGD(0.1)}
    with pytest.raises(error, match=message):
        bl.explain_update(**(usual | call))


def test_networks_that_are_too_large():
    wide = bl.Sequential(bl.Linear(6000), bl.Linear(1)).build((3,))
    with pytest.raises(InputError, match=r"more than 5,000 with layer 0"):
        bl.explain_update(wide, [1.0, 2.0, 3.0], [0.0], bl.SGD(0.1), weight="0/weight[0,0]")
    with pytest.raises(InputError, match=r"30,001 weights; say which you want: weight='0/weight\[0,0\]'"):
        bl.explain_update(wide, [1.0, 2.0, 3.0], [0.0], bl.SGD(0.1))
    closed = bl.Sequential(bl.LSTM(64)).build((10, 8))
    with pytest.raises(InputError, match="derivatives of outputs by inputs and parameters, too many"):
        bl.explain_update(closed, np.ones((10, 8)), np.ones(64), bl.SGD(0.1), weight="0/bias[0]")
