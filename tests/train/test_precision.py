"""Matrix products of bfloat16 on request: what is rounded, what stays float32, and that networks learn as well."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import backlit as bl
from backlit.graph.kernels import product
from backlit.graph.precision import products_in
from benchmarks import costs

NETWORKS = {
    "dense": (lambda: bl.Sequential(bl.Linear(6), bl.ReLU(), bl.Linear(3)), (5,)),
    "convolution": (lambda: bl.Sequential(bl.Conv2d(4, 3), bl.ReLU(), bl.Flatten(), bl.Linear(3)), (6, 6, 2)),
    "lstm": (lambda: bl.Sequential(bl.LSTM(4), bl.Linear(3)), (7, 2)),
    "gru": (lambda: bl.Sequential(bl.GRU(4), bl.Linear(3)), (7, 2)),
    "gru, reset before": (lambda: bl.Sequential(bl.GRU(4, reset_after=False), bl.Linear(3)), (7, 2)),
    "rnn": (lambda: bl.Sequential(bl.RNN(4), bl.Linear(3)), (7, 2)),
    "transformer": (lambda: bl.Sequential(bl.TransformerBlock(4, 2, causal=True), bl.Flatten(), bl.Linear(3)), (7, 4)),
}


def rounded(x: np.ndarray) -> np.ndarray:
    """To bfloat16's 8 bits, the nearest, by the bits of float32; in float64."""
    bits = x.astype(np.float32).view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    return bits.astype(np.uint32).view(np.float32).astype(np.float64)


def test_inputs_are_rounded_and_sums_are_not(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(9, 300)).astype(np.float32), rng.normal(size=(300, 4)).astype(np.float32)
    with products_in("bfloat16"):
        found = jax.jit(lambda a, b: product(a, b))(a, b)
        by_letters = jax.jit(lambda a, b: bl.ops.einsum("ij,jk->ik", a, b))(a, b)
        assert np.array_equal(product(a, b), a @ b)  # NumPy's
    right = rounded(a) @ rounded(b)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-5 * np.abs(right).max())
    np.testing.assert_allclose(by_letters, right, rtol=0, atol=1e-5 * np.abs(right).max())
    assert np.abs(right - a.astype(np.float64) @ b).max() > 1e-3 * np.abs(right).max()  # else nothing was tested


def test_a_product_of_three_is_rounded_at_each_step(rng: np.random.Generator) -> None:
    a, b, c = (rng.normal(size=shape).astype(np.float32) for shape in ((4, 50), (50, 60), (60, 3)))
    with products_in("bfloat16"):
        chain = jax.make_jaxpr(lambda *arrays: bl.ops.einsum("ij,jk,kl->il", *arrays))(a, b, c)
        found = jax.jit(lambda *arrays: bl.ops.einsum("ij,jk,kl->il", *arrays))(a, b, c)
    kinds = [
        [str(value.aval.dtype) for value in each.invars]
        for each in costs.equations(chain.jaxpr)
        if each.primitive.name == "dot_general"
    ]
    assert kinds == [["bfloat16"] * 2] * 2
    ways = (rounded(rounded(a) @ rounded(b)) @ rounded(c), rounded(a) @ rounded(rounded(b) @ rounded(c)))
    assert min(np.abs(found - way).max() for way in ways) < 1e-2 * np.abs(ways[0]).max()


def test_a_constant_of_numpys_is_rounded_on_either_side(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(5, 40)).astype(np.float32), rng.normal(size=(40, 3)).astype(np.float32)
    right = rounded(a) @ rounded(b)
    with products_in("bfloat16"):
        left, behind = jax.jit(lambda b: product(a, b))(b), jax.jit(lambda a: product(a, b))(a)
    np.testing.assert_allclose(left, right, rtol=0, atol=1e-5 * np.abs(right).max())
    np.testing.assert_array_equal(left, behind)


def test_what_looks_and_trains_nothing_takes_the_options_of_a_training(rng: np.random.Generator) -> None:
    network, x = bl.Sequential(bl.Linear(4), bl.Tanh(), bl.Linear(1)), rng.normal(size=(30, 3))
    y = x.sum(axis=1)
    options = {"precision": "bfloat16", "dtype": "float32"}
    assert bl.check(network, x, y, **options) == bl.check(network, x, y)
    for given in ({}, {"y": y}):
        assert bl.probe(network, x, **given, **options) == bl.probe(network, x, **given)
    assert bl.sharpness(network, x, y, precision="bfloat16") == bl.sharpness(network, x, y)
    for look in (bl.check, bl.sharpness):
        with pytest.raises(bl.InputError, match="unknown precision 'float8'"):
            look(network, x, y, precision="float8")


def products(name: str, precision: str | None) -> list[set[str]]:
    """Types of the inputs of each product of a training program; native kernels as "kernel"."""
    make, shape = NETWORKS[name]
    options = {"batch_size": 4, "loss": "cross_entropy", "precision": precision}
    work = costs.Work(make, shape, 3, 4, lambda: options)
    from backlit.graph import tree
    from backlit.train.loop import Replay, arguments

    job = work.job()
    leaves, structure = tree.flatten(arguments(job, Replay(job.start, 0, 1)))
    with jax.enable_x64(True):
        traced = jax.make_jaxpr(lambda *a: tree.leaves(job.program._train(*tree.unflatten(structure, list(a)))))(
            *leaves
        )
    found = []
    for equation in costs.equations(traced.jaxpr):
        if equation.primitive.name in ("dot_general", "conv_general_dilated"):
            found.append({str(value.aval.dtype) for value in equation.invars})
            assert str(equation.outvars[0].aval.dtype) == "float32"
        elif equation.primitive.name == "ffi_call":
            found.append({"kernel"})
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_every_product_of_a_training_is(name: str) -> None:
    narrow, wide = products(name, "bfloat16"), products(name, None)
    assert len(narrow) >= 3
    assert all(kinds == {"bfloat16"} for kinds in narrow)
    assert all(kinds in ({"float32"}, {"kernel"}) for kinds in wide)


def test_on_an_accelerator_convolutions_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose form is XLA's own, which is tried here on the processor."""
    from backlit.graph.kernels import xla

    monkeypatch.setattr(xla, "form", lambda *_: xla.OWN)
    narrow = products("convolution", "bfloat16")
    assert all(kinds == {"bfloat16"} for kinds in narrow)


def test_weights_keep_what_bfloat16_would_lose() -> None:
    """A weight of 1 that goes on by 1/1000 a step: bfloat16's next number is 1/128 away."""
    network = bl.Linear(1, bias=False).build((1,)).replace(params={"weight": np.ones((1, 1), np.float32)})
    x, y = np.ones((1, 1), np.float32), np.full((1, 1), 2.0, np.float32)
    run = bl.fit(
        network, x, y, loss="mean_squared_error", optimizer=bl.SGD(5e-4), epochs=10, batch_size="full", metrics=[],
        precision="bfloat16", probes=None,
    )  # fmt: skip
    (weight,) = run.network.params.values()
    assert weight.dtype == np.float32
    assert weight[0, 0] == pytest.approx(1.01, abs=2e-4)


@pytest.fixture(scope="module")
def digits() -> Any:
    data = bl.data.load("digits")
    order = np.random.default_rng(0).permutation(len(data.y))
    return (data.x[order] / 16).astype(np.float32), data.y[order]


def accuracy(network: Any, x: np.ndarray, y: np.ndarray, precision: str | None, **options: Any) -> float:
    held = (x[1400:], y[1400:])
    settings = {"epochs": 10, "validation": held, "seed": 0, "probes": None, "precision": precision} | options
    run = bl.fit(network, x[:1400], y[:1400], **settings)
    assert run.settings.get("precision") == precision
    assert all(part.dtype == np.float32 for part in jax.tree.leaves(run.network.params))
    own = np.mean(run.predict(x[1400:]) == y[1400:])
    assert run.history[-1]["val_accuracy"] == pytest.approx(own, abs=1e-6)  # both are judged in float32
    return float(own)


@pytest.mark.slow
def test_digits_are_learned_as_well(digits: Any) -> None:
    network = bl.Sequential(bl.Linear(64), bl.ReLU(), bl.Linear(10))
    narrow, wide = (accuracy(network, *digits, precision, epochs=20) for precision in ("bfloat16", None))
    assert wide > 0.93
    assert narrow == pytest.approx(wide, abs=0.01)


@pytest.mark.slow
def test_a_convolutional_network_learns_as_well(digits: Any) -> None:
    x, y = digits
    network = bl.Sequential(bl.Conv2d(8, 3), bl.ReLU(), bl.MaxPool2d(2), bl.Flatten(), bl.Linear(10))
    narrow, wide = (
        accuracy(network, x.reshape(-1, 8, 8, 1), y, precision, optimizer=bl.Adam(3e-3))
        for precision in ("bfloat16", None)
    )
    assert wide > 0.92
    assert narrow == pytest.approx(wide, abs=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "bfloat16", "engine": "numpy"}, "precision='bfloat16': NumPy has no such numbers; use engine="),
        ({"precision": "bfloat16", "dtype": "float64"}, "precision='bfloat16' is for dtype='float32', got"),
        ({"precision": "float8"}, "unknown precision 'float8'"),
        ({"precision": "bfloat16", "optimizer": "least_squares"}, "computes in float64: leave precision="),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(bl.InputError, match=message):
        bl.fit(bl.Linear(1), np.ones((4, 2)), np.ones((4, 1)), **options)


def test_it_is_part_of_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from backlit.cli.main import main

    monkeypatch.setattr("sys.argv", ["backlit", "train", "iris", "--precision", "bfloat16", "--engine", "numpy"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "NumPy has no such numbers" in capsys.readouterr().err


def test_gradients_of_bfloat16_have_float32s_range() -> None:
    """Why no loss is scaled: what float16 loses below 6e-8 is there."""
    with products_in("bfloat16"):
        small = jax.jit(lambda a, b: product(a, b))(jnp.full((1, 1), 1e-30), jnp.ones((1, 1)))
    assert float(small[0, 0]) == pytest.approx(1e-30, rel=4e-3)
    assert np.float16(1e-30) == 0
