"""Convolution and pooling over a grid of settings: PyTorch, every form of every engine, adjoints, ties, mistakes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

import backlit as bl
from backlit import ops
from backlit.graph import kernels
from backlit.graph.kernels import numpy as by_numpy
from backlit.graph.kernels import xla as by_xla
from backlit.graph.kernels.blocks import block
from backlit.graph.ops.convolution import _conv, _conv_input, _conv_weight
from backlit.graph.window import Window, window

F = torch.nn.functional
CLOSE: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-12}


def first(x: torch.Tensor) -> torch.Tensor:
    return x.movedim(-1, 1)


def last(x: torch.Tensor) -> torch.Tensor:
    return x.movedim(1, -1)


def compare(ours: Any, theirs: Any, *arrays: np.ndarray, compiled: bool = False) -> None:
    """Values, and all gradients of a weighted sum, on NumPy or XLA (`test_every_form_gives_the_same` ties both)."""
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    expected = theirs(*tensors)
    weights = np.random.default_rng(3).normal(size=tuple(expected.shape))
    (expected * torch.tensor(weights)).sum().backward()
    f = bl.value_and_grad(lambda *a: (ours(*a) * weights).sum(), tuple(range(len(arrays))))
    np.testing.assert_allclose(ours(*arrays), expected.detach(), **CLOSE)
    for mine, tensor in zip((bl.compile(f) if compiled else f)(*arrays)[1], tensors, strict=True):
        np.testing.assert_allclose(mine, tensor.grad, **CLOSE)


GRID = [
    {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    for stride, padding, dilation, groups in itertools.product((1, 2, 3), (0, 2), (1, 2), (1, 2))
]
RAGGED = [
    {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "groups": 1},
    {"stride": (1, 3), "padding": (0, 2), "dilation": (2, 1), "groups": 4},
]


@pytest.mark.parametrize("settings", GRID, ids=str)
def test_conv_on_lines_equals_pytorch(settings: Any, rng: np.random.Generator) -> None:
    x, weight = rng.normal(size=(3, 11, 4)), rng.normal(size=(6, 3, 4 // settings["groups"]))
    theirs = lambda x, w: last(F.conv1d(first(x), first(w), **settings))
    compare(lambda x, w: ops.conv(x, w, **settings), theirs, x, weight)


@pytest.mark.parametrize("settings", [*GRID[::3], *RAGGED], ids=str)
def test_conv_on_pictures_equals_pytorch(settings: Any, rng: np.random.Generator) -> None:
    x, weight = rng.normal(size=(2, 7, 9, 4)), rng.normal(size=(8, 3, 2, 4 // settings["groups"]))
    theirs = lambda x, w: last(F.conv2d(first(x), first(w), **settings))
    compare(lambda x, w: ops.conv(x, w, **settings), theirs, x, weight, compiled=settings in RAGGED)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")  # PyTorch, about a copy
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("kernel", [(3, 3), (2, 4)])
def test_same_equals_pytorchs(kernel: tuple[int, int], dilation: int, rng: np.random.Generator) -> None:
    x, weight = rng.normal(size=(2, 6, 7, 2)), rng.normal(size=(3, *kernel, 2))
    compare(
        lambda x, w: ops.conv(x, w, padding="same", dilation=dilation),
        lambda x, w: last(F.conv2d(first(x), first(w), padding="same", dilation=dilation)),
        x,
        weight,
    )


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize("size", [5, 6, 7])
def test_same_gives_the_size_divided_by_the_stride_rounded_up(stride: int, size: int) -> None:
    found = window("conv", (size,), (3,), stride, "same")
    assert found.positions((size,)) == (-(-size // stride),)
    before, after = found.padding[0]
    assert after - before in (0, 1)


@pytest.mark.parametrize(
    "settings",
    [
        {"stride": s, "padding": p, "dilation": d, "groups": g, "output_padding": o}
        for s, p, d, g, o in itertools.product((1, 2, 3), (0, 1), (1, 2), (1, 2), (0, 1))
        if o < s
    ],
    ids=str,
)
def test_transposed_conv_equals_pytorch(settings: Any, rng: np.random.Generator) -> None:
    x, weight = rng.normal(size=(2, 4, 3, 4)), rng.normal(size=(4, 3, 2, 6 // settings["groups"]))
    theirs = lambda x, w: last(F.conv_transpose2d(first(x), first(w), **settings))
    compare(lambda x, w: ops.conv_transpose(x, w, **settings), theirs, x, weight)


@pytest.mark.parametrize("size", [3, 4])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_transposed_conv_with_same_makes_pictures_stride_times_as_large(size: int, stride: int) -> None:
    """And undoes the shape of the convolution of the same settings, whose adjoint it is."""
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(2, size, 3)), rng.normal(size=(3, 4, 2))
    y = ops.conv_transpose(x, weight, stride=stride, padding="same")
    assert y.shape == (2, size * stride, 2)
    u = rng.normal(size=y.shape)
    np.testing.assert_allclose((y * u).sum(), (x * ops.conv(u, weight, stride=stride, padding="same")).sum())


# ---------------------------------------------------------------------------------------------------- forms

WINDOWS = [
    (sizes, Window(kernel, stride, padding, dilation, groups), inputs, out)
    for sizes, kernel, stride, padding, dilation, groups, inputs, out in [
        ((6,), (3,), (1,), ((0, 0),), (1,), 1, 2, 3),
        ((9,), (2,), (3,), ((2, 1),), (2,), 2, 4, 2),
        ((5, 6), (3, 2), (1, 1), ((0, 0), (0, 0)), (1, 1), 1, 3, 2),
        ((5, 6), (2, 3), (2, 3), ((1, 0), (2, 2)), (1, 2), 1, 2, 4),
        ((5, 6), (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1), 3, 3, 6),  # tiles, a row left over
        ((5, 5), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 3, 3, 3),  # depthwise
        ((4, 4), (1, 1), (2, 2), ((3, 3), (0, 0)), (1, 1), 1, 2, 2),  # positions that see nothing but border
    ]
]
each_window = pytest.mark.parametrize(("sizes", "found", "inputs", "out"), WINDOWS, ids=str)


def arrays(sizes: Any, found: Window, inputs: int, out: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(6, *sizes, inputs))
    weight = rng.normal(size=(out, *found.kernel, inputs // found.groups))
    return x, weight, rng.normal(size=(6, *found.positions(sizes), out))


@pytest.mark.slow
@each_window
@pytest.mark.parametrize("small", [False, True], ids=["whole", "blocks"])
def test_every_form_gives_the_same(
    sizes: Any, found: Window, inputs: int, out: int, small: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XLA's own convolution is the oracle for patches in both engines and for taps, in one piece and in blocks."""
    if small:
        for engine in (by_numpy, by_xla):
            monkeypatch.setattr(engine, "block", lambda batch, each: 2)
    x, weight, g = arrays(sizes, found, inputs, out)
    forms: list[Any] = [by_xla.OWN, by_xla.PATCHES]
    forms += [by_xla.TAPS] if found.groups == inputs == out else []

    def all_three(form: Any, x: Any, weight: Any, g: Any) -> Any:
        return [form.conv(x, weight, found), form.conv_input(g, weight, found, sizes), form.conv_weight(x, g, found)]

    oracle, *others = bl.compile(lambda *arrays: [all_three(form, *arrays) for form in forms])(x, weight, g)
    for results in [all_three(by_numpy, x, weight, g), *others]:
        for mine, theirs in zip(results, oracle, strict=True):
            np.testing.assert_allclose(mine, theirs, **CLOSE)


@each_window
def test_the_three_operations_are_each_others_adjoints(sizes: Any, found: Window, inputs: int, out: int) -> None:
    """One number, ⟨g, conv(x, w)⟩, in three ways; and the same by way of the rules."""
    x, weight, g = arrays(sizes, found, inputs, out)
    number = (g * _conv(x, weight, window=found)).sum()
    np.testing.assert_allclose((x * _conv_input(g, weight, window=found, sizes=sizes)).sum(), number)
    np.testing.assert_allclose((weight * _conv_weight(x, g, window=found)).sum(), number)
    for f, inputs_ in [
        (lambda a, b: _conv(a, b, window=found), (x, weight)),
        (lambda a, b: _conv_input(a, b, window=found, sizes=sizes), (g, weight)),
        (lambda a, b: _conv_weight(a, b, window=found), (x, g)),
    ]:
        assert bl.check_gradients(f, *inputs_, tolerance=1e-7) < 1e-7


def test_the_form_is_chosen_by_shape() -> None:
    plain, deep = window("conv", (8, 8), (3, 3)), window("conv", (8, 8), (3, 3), groups=4)
    assert by_xla.form(plain, 4, 4) is by_xla.PATCHES
    assert by_xla.form(deep, 4, 4) is by_xla.TAPS
    assert by_xla.form(deep, 4, 8) is by_xla.PATCHES
    assert by_xla.form(window("conv", (8, 8), (3, 3)), 1, 1) is by_xla.PATCHES


def test_a_window_says_what_is_special_about_it() -> None:
    assert repr(window("conv", (8, 8), (3, 3))) == "Window(3×3)"
    special = window("conv", (8, 8), (3, 2), stride=2, padding=(1, (0, 2)), dilation=(1, 2), groups=2)
    assert repr(special) == "Window(3×2, stride 2×2, dilation 1×2, padding 1+1×0+2, 2 groups)"


def test_kernels_belong_to_a_namespace() -> None:
    import jax.numpy as jnp

    assert kernels.of(np) is by_numpy
    assert kernels.of(jnp) is by_xla


@pytest.mark.parametrize("batch", [1, 7, 30, 128])
def test_blocks_divide_the_batch(batch: int) -> None:
    assert block(batch, 1) == batch
    for each in (1 << 18, 1 << 21, 1 << 30):
        size = block(batch, each)
        assert batch % size == 0
        assert size == batch or size * each <= 4 << 20 or size == 1


def test_float32_stays_float32_and_an_empty_batch_passes(rng: np.random.Generator) -> None:
    x, weight = rng.normal(size=(2, 5, 2)).astype("float32"), rng.normal(size=(3, 2, 2)).astype("float32")
    f = bl.value_and_grad(lambda x, w: ops.avg_pool(ops.conv(x, w), size=2, stride=1, padding=1).sum(), (0, 1))
    for run in (f, bl.compile(f)):
        value, gradients = run(x, weight)
        assert {np.asarray(a).dtype for a in (value, *gradients)} == {np.dtype("float32")}
    assert ops.conv(x[:0], weight).shape == (0, 4, 3)
    assert bl.compile(ops.conv)(x[:0], weight).shape == (0, 4, 3)


# -------------------------------------------------------------------------------------------------- pooling

POOLS = [
    {"kernel_size": k, "stride": s, "padding": p}
    for k, s, p in itertools.product((2, 3), (None, 1, 2), (0, 1))
    if p <= k // 2
]


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("settings", POOLS, ids=str)
def test_pooling_equals_pytorch(kind: str, axes: int, settings: Any, rng: np.random.Generator) -> None:
    x = rng.normal(size=(*(2, 7, 6)[: axes + 1], 3))
    options = {} if kind == "max" else {"count_include_pad": False}
    theirs = getattr(F, f"{kind}_pool{axes}d")
    size, stride, padding = settings.values()
    if kind == "avg" and stride is None:
        stride = size
    compare(
        lambda x: getattr(ops, f"{kind}_pool")(x, size=size, stride=stride, padding=padding),
        lambda x: last(theirs(first(x), size, stride, padding, **options)),
        x,
        compiled=axes == 2 and (size, padding) == (2, 1),
    )


@pytest.mark.parametrize("compiled", [False, True])
def test_the_greatest_that_tie_share_the_gradient(compiled: bool) -> None:
    """As in `max`; PyTorch gives it all to the first."""
    f = bl.grad(lambda x: (ops.max_pool(x, size=2) * np.array([[[6.0], [8.0]]])).sum())
    gradient = (bl.compile(f) if compiled else f)(np.array([[[1.0], [1.0], [0.0], [2.0]]]))
    np.testing.assert_array_equal(np.asarray(gradient)[0, :, 0], [3.0, 3.0, 0.0, 8.0])


def test_a_border_is_never_the_greatest_and_never_counts() -> None:
    x = np.full((1, 3, 1), -5.0)
    assert ops.max_pool(x, size=2, stride=2, padding=1).tolist() == [[[-5.0], [-5.0]]]
    assert ops.avg_pool(x, size=2, stride=2, padding=1).tolist() == [[[-5.0], [-5.0]]]


# ------------------------------------------------------------------------------------------------- mistakes

X, W = np.ones((2, 6, 6, 4)), np.ones((3, 3, 3, 4))


@pytest.mark.parametrize(
    ("f", "kind", "text"),
    [
        (
            lambda: ops.conv(X[0, 0], W),
            bl.ShapeError,
            r"conv: x needs shape \(batch, size, channels\) or .* got \(6, 4\) and",
        ),
        (lambda: ops.conv(X, W[0]), bl.ShapeError, r"the weight as many axes, \(out, \.\.\., channels / groups\); got"),
        (
            lambda: ops.conv(X[..., :3], W),
            bl.ShapeError,
            r"x of shape \(2, 6, 6, 3\) has 3 channels, .* is for 4; channels come last",
        ),
        (lambda: ops.conv(X, W, groups=2), bl.ShapeError, r"has 4 channels, .* is for 4 in each of 2 groups"),
        (
            lambda: ops.conv(X, W[..., :2], groups=2),
            bl.ShapeError,
            r"3 output channels can't be split into 2 equal groups",
        ),
        (lambda: ops.conv(X, W, groups=0), bl.InputError, r"groups must be a whole number of at least 1, got 0"),
        (
            lambda: ops.conv(X[:, :2], W),
            bl.ShapeError,
            r"a kernel that reaches over \(3, 3\) is larger than the input of \(2, 6\); use a smaller",
        ),
        (
            lambda: ops.conv(X, W, dilation=4, padding=1),
            bl.ShapeError,
            r"reaches over \(9, 9\) .* \(6, 6\), padded to \(8, 8\)",
        ),
        (
            lambda: ops.conv(X, W, stride=0),
            bl.InputError,
            r"stride must be a whole number of at least 1, or 2 of them, got 0",
        ),
        (lambda: ops.conv(X, W, stride=(1, 2, 3)), bl.InputError, r"stride must be .* got \(1, 2, 3\)"),
        (lambda: ops.conv(X, W, padding="full"), bl.InputError, r"padding must be 'valid', 'same', .* got 'full'"),
        (lambda: ops.conv(X, W, padding=-1), bl.InputError, r"padding must be .* got -1"),
        (lambda: ops.conv(X, W, padding=(1, (1, 2, 3))), bl.InputError, r"padding must be .* for each of 2 axes"),
        (
            lambda: ops.conv_transpose(X, W),
            bl.ShapeError,
            r"has 4 channels, .* is for 3; channels come last in x and first in",
        ),
        (lambda: ops.conv_transpose(X[..., :3], W, groups=2), bl.ShapeError, r"3 input channels can't be split into 2"),
        (
            lambda: ops.conv_transpose(X[..., :3], W, output_padding=1),
            bl.InputError,
            r"output_padding must be below the stride \(1, 1\)",
        ),
        (
            lambda: ops.conv_transpose(X[:, :1, :1, :3], W, padding=2),
            bl.ShapeError,
            r"gives an output of \(-1, -1\); use less padding",
        ),
        (
            lambda: ops.conv_transpose(X[..., :3], W, padding="same", stride=2, output_padding=1),
            bl.InputError,
            r"padding='same' decides the output's size",
        ),
        (lambda: ops.max_pool(X[0, 0], size=2), bl.ShapeError, r"max_pool: x needs shape \(batch, size, channels\) or"),
        (lambda: ops.max_pool(X, size=7), bl.ShapeError, r"max_pool: a kernel that reaches over \(7, 7\) is larger"),
        (
            lambda: ops.avg_pool(X, size=2, padding=2),
            bl.InputError,
            r"padding must be below the window's size \(2, 2\), got 2",
        ),
        (lambda: ops.avg_pool(X, size=2.0), bl.InputError, r"size must be a whole number of at least 1"),
    ],
)
def test_mistakes_say_what_was_wanted(f: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        f()
