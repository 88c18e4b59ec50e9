"""Initialisers: distributions, fans, names, and what they do to ten layers (worked example W6)."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

import backlit as bl
from backlit.errors import InputError, ShapeError, UnknownNameError
from backlit.nn import initializers

LINEAR = (300, 200)
KERNEL = (3, 3, 40, 60)  # fan-in 360, fan-out 540

NORMAL = [
    ("normal", LINEAR, 0.01),
    ("normal:0.01", LINEAR, 0.01),
    ("normal:0.05", LINEAR, 0.05),
    ("xavier_normal", LINEAR, np.sqrt(2 / 500)),
    ("xavier_normal", KERNEL, np.sqrt(2 / 900)),
    ("xavier_fan_in", LINEAR, np.sqrt(1 / 300)),
    ("xavier_fan_in", KERNEL, np.sqrt(1 / 360)),
    ("lecun", LINEAR, np.sqrt(1 / 300)),
    ("kaiming", LINEAR, np.sqrt(2 / 300)),
    ("kaiming", KERNEL, np.sqrt(2 / 360)),
    ("kaiming:0.5", LINEAR, np.sqrt(2 / (1.25 * 300))),
]
UNIFORM = [
    ("uniform", LINEAR, 0.05),
    ("uniform:0.3", LINEAR, 0.3),
    ("xavier", LINEAR, np.sqrt(6 / 500)),
    ("xavier", KERNEL, np.sqrt(6 / 900)),
    ("kaiming_uniform", LINEAR, np.sqrt(6 / 300)),
    ("kaiming_uniform:0.5", LINEAR, np.sqrt(6 / (1.25 * 300))),
]


@pytest.mark.parametrize(("name", "shape", "std"), NORMAL)
def test_normal_ones(name: str, shape: tuple[int, ...], std: float) -> None:
    values = initializers.get(name)(bl.Key(0), shape)
    assert (values.shape, values.dtype) == (shape, np.float64)
    assert values.std() == pytest.approx(std, rel=4 / np.sqrt(2 * values.size))  # four standard errors
    assert stats.kstest(values.reshape(-1), "norm", args=(0, std)).pvalue > 1e-3


@pytest.mark.parametrize(("name", "shape", "bound"), UNIFORM)
def test_uniform_ones(name: str, shape: tuple[int, ...], bound: float) -> None:
    values = initializers.get(name)(bl.Key(0), shape)
    assert abs(values).max() <= bound
    assert stats.kstest(values.reshape(-1), "uniform", args=(-bound, 2 * bound)).pvalue > 1e-3


def test_constant_ones() -> None:
    assert not initializers.get("zeros")(bl.Key(0), (3,)).any()
    assert initializers.get("ones")(bl.Key(0), (2,)).tolist() == [1.0, 1.0]
    assert initializers.get("constant:-2.5")(bl.Key(0), (2, 1)).tolist() == [[-2.5], [-2.5]]


@pytest.mark.parametrize("shape", [(5, 5), (7, 4), (4, 7), (2, 3, 4)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    q = initializers.get("orthogonal:2")(bl.Key(0), shape)
    assert q.shape == shape
    flat = q.reshape(-1, shape[-1]) / 2
    smaller = flat.T @ flat if flat.shape[0] >= flat.shape[1] else flat @ flat.T
    np.testing.assert_allclose(smaller, np.eye(len(smaller)), atol=1e-12)


def test_keys_decide() -> None:
    draw = initializers.get("xavier")
    a, b, c = (draw(key, (4, 4)) for key in (bl.Key(0, ("0",)), bl.Key(0, ("0",)), bl.Key(0, ("1",))))
    assert (a == b).all()
    assert not (a == c).any()


def test_linear_layers_take_the_right_fan_in() -> None:
    """The weight is kept as (units, inputs), but fan-in is the number of inputs."""
    weight = bl.Linear(50, weight_init="kaiming").build((800,)).params["weight"]
    assert weight.std() == pytest.approx(np.sqrt(2 / 800), rel=0.02)


def test_register() -> None:
    bl.initializers.register("half_identity", lambda key, shape: 0.5 * np.eye(*shape))
    network = bl.Linear(2, weight_init="half_identity").build((2,))
    assert network.params["weight"].tolist() == [[0.5, 0.0], [0.0, 0.5]]
    assert bl.Layer.from_dict(network.architecture.to_dict()) == network.architecture
    assert "half_identity" in initializers.names()


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("xaver", UnknownNameError, "unknown initializer 'xaver'; did you mean 'xavier'"),
        ("constant", InputError, "initializer 'constant' needs a number, as in 'constant:0.5'"),
        ("normal:wide", InputError, "after the colon there must be a finite number of at least 0, got 'wide'"),
        ("normal:-1", InputError, "after the colon there must be a finite number of at least 0, got '-1'"),
        ("kaiming:nan", InputError, "after the colon there must be a finite number, got 'nan'"),
        ("zeros:1", InputError, "initializer 'zeros' takes no number, got 'zeros:1'"),
        (np.zeros, InputError, "an initializer is chosen by name.*register"),
    ],
)
def test_wrong_names(name: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        bl.Linear(3, weight_init=name)


def test_refusals() -> None:
    with pytest.raises(
        ShapeError, match=r"layer 0 \(Linear\(3, bias_init='xavier'\)\): xavier needs a weight of shape"
    ):
        bl.Sequential(bl.Linear(3, bias_init="xavier")).build((2,))
    with pytest.raises(InputError, match="initializer 'zeros' is one of Backlit's own"):
        initializers.register("zeros", lambda key, shape: np.zeros(shape))
    with pytest.raises(InputError, match="letters, digits and '_' only, got 'a:b'"):
        initializers.register("a:b", lambda key, shape: np.zeros(shape))
    initializers.register("wrong_shape", lambda key, shape: np.zeros(3))
    with pytest.raises(ShapeError, match=r"'wrong_shape' was asked for shape \(3, 2\) and returned \(3,\)"):
        bl.Linear(2, weight_init="wrong_shape").build((3,))


# W6: the spread of activations, layer by layer


def spread_by_layer(activation: bl.Layer, init: str, width: int = 512, depth: int = 10) -> list[float]:
    """Standard deviation of the outputs of each activation, for standard normal inputs."""
    layers = [layer for _ in range(depth) for layer in (bl.Linear(width, weight_init=init), activation)]
    network = bl.Sequential(*layers).build((width,), seed=1)
    found: list[float] = []

    def tap(path: str, output: np.ndarray) -> np.ndarray:
        if int(path) % 2:
            found.append(float(output.std()))
        return output

    network.apply(network.params, np.random.default_rng(0).normal(size=(500, width)).astype("float32"), tap=tap)
    return found


def test_w6_small_normal_weights_let_tanh_vanish() -> None:
    spread = spread_by_layer(bl.Tanh(), "normal:0.01")
    ratios = np.divide(spread[1:], spread[:-1])
    np.testing.assert_allclose(ratios, 0.01 * np.sqrt(512), rtol=0.03)  # std · √fan-in, each layer
    assert spread[-1] < 1e-6


def test_w6_larger_normal_weights_saturate_tanh() -> None:
    """What counts is std · √fan-in: 2.3 here, so that values pile up at -1 and 1."""
    spread = spread_by_layer(bl.Tanh(), "normal:0.05", width=2048)
    assert min(spread) > 0.75


@pytest.mark.parametrize("init", ["xavier", "xavier_normal", "xavier_fan_in"])
def test_w6_xavier_keeps_tanh_alive(init: str) -> None:
    spread = spread_by_layer(bl.Tanh(), init)
    assert all(np.diff(spread) < 0)  # slowly smaller, since tanh flattens
    assert 0.2 < spread[-1] < spread[0] < 0.65


def test_w6_xavier_lets_relu_fade_and_kaiming_does_not() -> None:
    xavier, kaiming = (spread_by_layer(bl.ReLU(), init) for init in ("xavier_fan_in", "kaiming"))
    np.testing.assert_allclose(np.divide(xavier[1:], xavier[:-1]), np.sqrt(0.5), rtol=0.12)  # half the variance a layer
    assert xavier[-1] < 0.05
    assert 0.6 < min(kaiming) < max(kaiming) < 1.1


def test_w6_the_notes_rule_for_kaiming_would_explode() -> None:
    """``2 / √Din``, as the notes write it, is √2 too large: variances double. The paper's rule is √(2 / Din)."""
    notes = spread_by_layer(bl.ReLU(), f"normal:{2 / np.sqrt(512)}")
    np.testing.assert_allclose(np.divide(notes[1:], notes[:-1]), np.sqrt(2), rtol=0.12)
    assert notes[-1] > 15


def test_zero_and_constant_weights_cannot_start(rng: np.random.Generator) -> None:
    """From zeros no gradient reaches the first layer; from one constant all hidden units stay alike."""
    x, y = rng.normal(size=(20, 3)), rng.integers(0, 2, 20)

    def slopes(init: str) -> Any:
        layers = bl.Sequential(bl.Linear(4, weight_init=init), bl.Tanh(), bl.Linear(2, weight_init=init))
        network = layers.build((3,), dtype="float64")
        return bl.grad(lambda p: bl.CrossEntropy()(network.apply(p, x)[0], y).mean())(network.params)

    zero = slopes("zeros")
    assert not zero["0"]["weight"].any()
    assert not zero["2"]["weight"].any()
    alike = slopes("constant:0.5")["0"]["weight"]
    np.testing.assert_allclose(alike - alike[:1], 0.0, atol=1e-15)
