"""Heads, blocks, positions and RMSNorm against PyTorch; masks and what padding must not change; errors."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.errors import BacklitError
from backlit.graph import tree
from backlit.nn.layer import Network
from tests.nn.common import Gradients, copy_into, draw_params, outputs_and_gradients, torch_gradients, weighing

ROWS, TIME, UNITS, HEADS = 3, 5, 8, 2
NAMES = {"qkv/weight": "in_proj_weight", "qkv/bias": "in_proj_bias", "out/weight": "out_proj.weight"}
NAMES |= {"out/bias": "out_proj.bias"}
PADDED = np.arange(TIME)[None] < np.array([[5], [3], [1]])  # steps that are real
close = np.testing.assert_allclose


def tree_of(network: Network) -> dict[str, np.ndarray]:
    return dict(tree.items(network.params))


def agree(ours: Gradients, theirs: Any, names: dict[str, str], real: Any = ...) -> None:
    """Output where it is real, gradients of parameters and of the input."""
    output, by_params, by_input = theirs
    close(ours[0]["output"][real], output[real], rtol=1e-10, atol=1e-12)
    close(ours[2], by_input, rtol=1e-9, atol=1e-11)
    flat = dict(tree.items(ours[1]))
    assert flat.keys() == names.keys()
    for path, name in names.items():
        close(flat[path], by_params[name], rtol=1e-9, atol=1e-11, err_msg=path)


class Attending(torch.nn.Module):
    """PyTorch's attention of a sequence to itself; its output at padding is nothing."""

    def __init__(self, inner: torch.nn.MultiheadAttention, causal: bool, real: np.ndarray | None) -> None:
        super().__init__()
        self.inner, self.real = inner, real
        self.mask = torch.triu(torch.ones(TIME, TIME, dtype=torch.bool), 1) if causal else None

    def forward(self, x: Any) -> Any:
        padding = None if self.real is None else torch.tensor(~self.real)
        y, self.weights = self.inner(
            x, x, x, attn_mask=self.mask, key_padding_mask=padding, need_weights=True, average_attn_weights=False
        )
        return y if self.real is None else y * torch.tensor(self.real)[..., None]


def padded(x: np.ndarray) -> np.ndarray:
    """The input with NaN at its ends, which `Masked` is told to take for padding."""
    return np.where(PADDED[..., None], x, np.nan)


@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "xla"])
@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
@pytest.mark.parametrize(("causal", "bias"), [(False, True), (True, True), (False, False)])
def test_multi_head_attention_equals_pytorchs(
    causal: bool, bias: bool, masked: bool, compiled: bool, rng: np.random.Generator
) -> None:
    layer = bl.MultiHeadAttention(UNITS, HEADS, causal=causal, bias=bias)
    network = draw_params(layer.build((TIME, UNITS), dtype="float64"), rng)
    inner = torch.nn.MultiheadAttention(UNITS, HEADS, bias=bias, batch_first=True)
    copy_into(inner, {NAMES[path]: leaf for path, leaf in tree_of(network).items()})
    x = rng.normal(size=(ROWS, TIME, UNITS))
    theirs = Attending(inner, causal, PADDED if masked else None)
    expected = torch_gradients(theirs, x)
    names = {path: f"inner.{NAMES[path]}" for path in tree_of(network)}
    if not masked:
        agree(outputs_and_gradients(network, x, compiled), expected, names)
        return
    around = bl.Masked(bl.Sequential(layer, Shown()), value=float("nan"))
    network = Network(around, {"body": {"0": network.params}}, (TIME, UNITS))
    ours = outputs_and_gradients(network, padded(x), compiled)
    close(np.where(PADDED[..., None], ours[2], 0.0), np.where(PADDED[..., None], expected[2], 0.0), atol=1e-11)
    agree((ours[0], ours[1]["body"]["0"], ours[2]), (*expected[:2], ours[2]), names, PADDED)


@dataclass(frozen=True)
class Shown(bl.Layer):
    """Hides what comes out at padding."""

    def __call__(self, params: Any, x: Any, ctx: Any = None) -> Any:
        return ctx.hide(x)


@pytest.mark.parametrize("causal", [False, True])
def test_the_weights_are_readable(causal: bool, rng: np.random.Generator) -> None:
    layer = bl.Sequential(bl.MultiHeadAttention(UNITS, HEADS, causal=causal))
    network = draw_params(layer.build((TIME, UNITS), dtype="float64"), rng)
    inner = torch.nn.MultiheadAttention(UNITS, HEADS, batch_first=True)
    copy_into(inner, {NAMES[path[2:]]: leaf for path, leaf in tree_of(network).items()})
    x = rng.normal(size=(ROWS, TIME, UNITS))
    theirs = Attending(inner, causal, None)
    theirs(torch.tensor(x))
    seen: dict[str, Any] = {}
    network.apply(network.params, x, tap=lambda path, y: seen.setdefault(path, y))
    weights = seen["0/attend/weights"]
    close(weights, theirs.weights.detach(), rtol=1e-11)
    close(weights.sum(axis=-1), 1.0)
    if causal:
        assert not np.triu(weights, 1).any()


@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
def test_attention_to_a_memory_equals_pytorchs(masked: bool, rng: np.random.Generator) -> None:
    layer = bl.MultiHeadAttention(UNITS, HEADS)
    network = draw_params(layer.build((TIME, UNITS), dtype="float64"), rng)
    inner = torch.nn.MultiheadAttention(UNITS, HEADS, batch_first=True)
    copy_into(inner, {NAMES[path]: leaf for path, leaf in tree_of(network).items()})
    given = rng.normal(size=(ROWS, 2, UNITS)), rng.normal(size=(ROWS, TIME, UNITS))
    mask = PADDED if masked else None
    theirs = [torch.tensor(x, requires_grad=True) for x in given]
    padding = torch.tensor(~PADDED) if masked else None
    expected = inner(theirs[0], theirs[1], theirs[1], key_padding_mask=padding)[0]
    weights = weighing(tuple(expected.shape))
    (expected * torch.tensor(weights)).sum().backward()

    def f(params: Any, x: Any, memory: Any) -> Any:
        y = layer(params, x, memory=memory, memory_mask=mask)
        return (y * weights).sum(), y

    g = bl.value_and_grad(f, (0, 1, 2), has_aux=True)
    by_name = dict(inner.named_parameters())
    for run in (g, bl.compile(g)):
        (_, y), (by_params, *by_inputs) = run(network.params, *given)
        close(y, expected.detach(), rtol=1e-10, atol=1e-12)
        for ours, other in zip(by_inputs, theirs, strict=True):
            close(ours, other.grad, rtol=1e-9, atol=1e-11)
        for path, leaf in tree.items(by_params):
            close(leaf, by_name[NAMES[path]].grad, rtol=1e-9, atol=1e-11)


def block_names(norm_first: bool) -> dict[str, str]:
    """Paths of a block's parameters by PyTorch's names."""
    start = int(norm_first)  # place of what comes after the norm
    names = {f"attention/body{'/1' * start}/{path}": f"self_attn.{name}" for path, name in NAMES.items()}
    for i, part in enumerate(("weight", "bias")):
        names[f"dense/body/{start}/{part}"] = f"linear1.{part}"
        names[f"dense/body/{start + 2}/{part}"] = f"linear2.{part}"
        own = ("scale", "bias")[i]
        norms = ("attention/body/0", "dense/body/0") if norm_first else ("norm1", "norm2")
        names |= {f"{norms[0]}/{own}": f"norm1.{part}", f"{norms[1]}/{own}": f"norm2.{part}"}
    return names


class Encoding(torch.nn.Module):
    """PyTorch's encoder layer with its masks."""

    def __init__(self, inner: torch.nn.TransformerEncoderLayer, causal: bool, real: np.ndarray | None) -> None:
        super().__init__()
        self.inner, self.real, self.causal = inner, real, causal
        self.mask = torch.triu(torch.ones(TIME, TIME, dtype=torch.bool), 1) if causal else None

    def forward(self, x: Any) -> Any:
        padding = None if self.real is None else torch.tensor(~self.real)
        y = self.inner(x, src_mask=self.mask, src_key_padding_mask=padding, is_causal=False)
        return y if self.real is None else y * torch.tensor(self.real)[..., None]


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize(("causal", "masked"), list(itertools.product([False, True], repeat=2)))
@pytest.mark.parametrize("norm_first", [True, False], ids=["norm first", "norm last"])
def test_a_block_equals_pytorchs_encoder_layer(
    norm_first: bool, causal: bool, masked: bool, activation: str, rng: np.random.Generator
) -> None:
    layer = bl.TransformerBlock(UNITS, HEADS, 6, activation, norm_first, causal=causal)
    network = draw_params(layer.build((TIME, UNITS), dtype="float64"), rng)
    names = block_names(norm_first)
    inner = torch.nn.TransformerEncoderLayer(
        UNITS, HEADS, 6, dropout=0.0, activation=activation, norm_first=norm_first, batch_first=True
    )
    copy_into(inner, {names[path]: leaf for path, leaf in tree_of(network).items()})
    x = rng.normal(size=(ROWS, TIME, UNITS))
    expected = torch_gradients(Encoding(inner, causal, PADDED if masked else None), x)
    for compiled in (False, True):
        if not masked:
            ours = outputs_and_gradients(network, x, compiled)
        else:
            around = bl.Masked(bl.Sequential(layer, Shown()), value=float("nan"))
            whole = Network(around, {"body": {"0": network.params}}, (TIME, UNITS))
            seen = outputs_and_gradients(whole, padded(x), compiled)
            ours = seen[0], seen[1]["body"]["0"], np.where(PADDED[..., None], seen[2], 0.0)
            expected = (*expected[:2], np.where(PADDED[..., None], expected[2], 0.0))
        agree(ours, expected, {path: f"inner.{name}" for path, name in names.items()}, PADDED if masked else ...)


@pytest.mark.parametrize("layer", [bl.MultiHeadAttention(4, 2, causal=True, rotary=True), bl.TransformerBlock(4, 2, 3)])
def test_second_order(layer: Any, rng: np.random.Generator) -> None:
    network = draw_params(layer.build((3, 4), dtype="float64"), rng)
    x = rng.normal(size=(2, 3, 4))
    bl.check_gradients(lambda params, x: network.apply(params, x)[0], network.params, x, order=2)


@pytest.mark.parametrize(("axes", "affine"), list(itertools.product([1, 2], [True, False])))
def test_rms_norm_equals_pytorchs(axes: int, affine: bool, rng: np.random.Generator) -> None:
    network = draw_params(bl.RMSNorm(axes=axes, affine=affine, epsilon=1e-3).build((3, 4), dtype="float64"), rng)
    x = rng.normal(2.0, 3.0, size=(5, 3, 4))
    module = torch.nn.RMSNorm((3, 4)[-axes:], eps=1e-3, elementwise_affine=affine)
    copy_into(module, {"weight": network.params["scale"]} if affine else {})
    expected = torch_gradients(module, x)
    for compiled in (False, True):
        agree(outputs_and_gradients(network, x, compiled), expected, {"scale": "weight"} if affine else {})


# ------------------------------------------------------------------------------------------------ positions


@pytest.mark.parametrize("size", [6, 7])
def test_sinusoids_by_their_formula(size: int) -> None:
    encoded = bl.PositionalEncoding(base=100.0)({}, np.zeros((2, 9, size)))
    for p, i in itertools.product(range(9), range(size)):
        turned = p / 100.0 ** (2 * (i // 2) / size)
        close(encoded[:, p, i], np.cos(turned) if i % 2 else np.sin(turned), atol=1e-12)


def test_rotary_is_a_product_of_complex_numbers(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 3, 5, 6))
    turned = torch.polar(torch.ones(5, 3), torch.arange(5.0)[:, None] * 10000.0 ** (-torch.arange(3.0) / 3)[None])
    pairs = torch.view_as_complex(torch.tensor(np.stack([x[..., :3], x[..., 3:]], axis=-1)))
    product = torch.view_as_real(pairs * turned.to(torch.complex128))
    expected = torch.cat([product[..., 0], product[..., 1]], dim=-1)
    close(bl.rotary(x), expected, atol=1e-6)  # PyTorch's angles are float32
    close(np.square(bl.rotary(x)).sum(axis=-1), np.square(x).sum(axis=-1))


@pytest.mark.parametrize("kind", ["sinusoidal", "learned", "rotary"])
@pytest.mark.parametrize("causal", [False, True])
def test_padding_changes_nothing_wherever_it_stands(kind: str, causal: bool, rng: np.random.Generator) -> None:
    block = bl.TransformerBlock(UNITS, HEADS, 6, causal=causal, rotary=kind == "rotary")
    position = [] if kind == "rotary" else [bl.PositionalEncoding(kind)]
    layer = bl.Sequential(bl.Masked(bl.Embedding(9, UNITS), *position, block, bl.GlobalAvgPool()), bl.Linear(2))
    long = draw_params(layer.build((7,), dtype="float64"), rng)
    short_params = dict(tree.items(long.params))
    for path in [path for path in short_params if path == "0/body/1/weight"]:
        short_params[path] = short_params[path][:4]
    short = layer.build((4,), dtype="float64").replace(params=tree.nest(short_params))
    tokens = rng.integers(1, 9, (3, 4))
    expected = short(tokens)
    for places in ([0, 1, 2, 3], [3, 4, 5, 6], [0, 2, 3, 6]):
        filled = np.zeros((3, 7), dtype=int)
        filled[:, places] = tokens
        close(long(filled), expected, rtol=1e-10)
        close(bl.compile(long.__call__)(filled), expected, rtol=1e-10)


def test_order_is_told_by_positions_alone(rng: np.random.Generator) -> None:
    """Without positions a sequence is a set; with any kind of them it isn't."""
    x = rng.normal(size=(1, 4, UNITS))
    for rotated, encode in itertools.product([False, True], [False, True]):
        first = [bl.PositionalEncoding()] if encode else []
        layer = bl.Sequential(*first, bl.TransformerBlock(UNITS, HEADS, 6, rotary=rotated), bl.GlobalAvgPool())
        network = draw_params(layer.build((4, UNITS), dtype="float64"), rng)
        same = np.allclose(network(x), network(x[:, ::-1]), rtol=1e-10)
        assert same == (not rotated and not encode)


def test_what_comes_later_changes_nothing_before(rng: np.random.Generator) -> None:
    layer = bl.Sequential(
        bl.PositionalEncoding(), *(bl.TransformerBlock(UNITS, HEADS, 6, causal=True) for _ in range(2))
    )
    network = draw_params(layer.build((TIME, UNITS), dtype="float64"), rng)
    x = rng.normal(size=(1, TIME, UNITS))
    changed = x.copy()
    changed[:, 3, 0] += 1.0
    before, after = network(x), network(changed)
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert (np.abs(before[:, 3:] - after[:, 3:]).max(axis=-1) > 1e-3).all()


def test_dropout_leaves_weights_out_and_keeps_their_mean(rng: np.random.Generator) -> None:
    layer = bl.ScaledDotProductAttention(HEADS, dropout=0.25)
    x = np.concatenate([np.zeros((400, TIME, 2 * UNITS)), np.ones((400, TIME, UNITS))], axis=2)  # equal weights, ones
    y, _ = layer.build((TIME, 3 * UNITS)).apply({}, x, training=True, seed=1, step=2)
    shares = np.unique(np.round(y * TIME * 0.75).astype(int))
    assert shares.tolist() == list(range(TIME + 1))  # so many were kept, scaled by 1 / 0.75
    close(y.mean(), 1.0, atol=0.02)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: bl.MultiHeadAttention(6, 4), r"MultiHeadAttention\(6, 4\): units must be a multiple of the heads"),
        (lambda: bl.TransformerBlock(6, 4), "units must be a multiple of the heads, got 6 and 4"),
        (lambda: bl.MultiHeadAttention(6, 2, rotary=True), "units / heads must be even, got 3"),
        (lambda: bl.ScaledDotProductAttention(2).build((5, 8)), "a multiple of 2 .one part for each head., got 8"),
        (lambda: bl.ScaledDotProductAttention(2, rotary=True).build((5, 18)), "each head needs an even size, got 3"),
        (lambda: bl.MultiHeadAttention(4, 2).build((4,)), r"shape \(time, features\), got \(4,\)"),
        (lambda: bl.TransformerBlock(8, 2).build((5, 4)), r"layer attention .* \(5, 4\) can't be added to .* \(5, 8\)"),
        (lambda: bl.TransformerBlock(8, 2, norm="batchnorm"), "norm must be 'layernorm' or 'rmsnorm', got 'batchnorm'"),
        (lambda: bl.TransformerBlock(8, 2, activation="gulu"), "unknown activation 'gulu'"),
        (lambda: bl.PositionalEncoding("rotary"), "kind must be 'sinusoidal' or 'learned', got 'rotary'"),
        (lambda: bl.PositionalEncoding(length=5), "sinusoids go on for any length; leave length out"),
        (lambda: bl.PositionalEncoding("learned", 4).build((5, 3)), "has 4 positions, got sequences of 5 steps"),
        (lambda: bl.PositionalEncoding().build((5,)), r"needs inputs of shape \(time, features\), got \(5,\)"),
        (lambda: bl.rotary(np.zeros((1, 1, 2, 3))), "rotary: pairs of features need an even size, got 3"),
        (lambda: bl.RMSNorm(axes=3).build((5, 4)), "needs inputs of at least 3 axes besides the batch"),
        (
            lambda: bl.MultiHeadAttention(4, 2, causal=True)({}, np.ones((1, 3, 4)), memory=np.ones((1, 3, 4))),
            "causal has no meaning for a memory; leave it out",
        ),
        (
            lambda: bl.Masked(bl.Embedding(3, 4), bl.MaxPool1d(2), bl.MultiHeadAttention(4, 2)).build((4,))(
                np.ones((2, 4), dtype=int)
            ),
            r"layer body/2/attend .*the sequences of the Masked around it have \(rows, time\) = \(2, 4\), got inputs",
        ),
    ],
)
def test_errors(call: Any, words: str) -> None:
    with pytest.raises(BacklitError, match=words):
        call()
