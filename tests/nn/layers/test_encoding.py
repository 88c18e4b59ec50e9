"""PiecewiseLinear: against its formula in PyTorch, what it lets a linear layer do, and what it refuses."""

from itertools import pairwise

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.errors import InputError, ShapeError
from backlit.nn.layer import Layer

KNOTS = ((-1.0, 0.0, 0.5, 2.0), (), (0.0, 10.0))


def in_torch(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The output by the paper's formula, scaled to -1 … 1, and the gradient of the sum of its squares."""
    values = torch.tensor(x, requires_grad=True)
    pieces = [
        2 * torch.clamp((values[:, i] - low) / (high - low), 0, 1) - 1
        for i, knots in enumerate(KNOTS)
        for low, high in pairwise(knots)
    ]
    output = torch.cat([torch.stack(pieces, dim=1), values], dim=1)
    (output**2).sum().backward()
    return output.detach().numpy(), values.grad.numpy()


@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "xla"])
def test_output_and_gradient_are_those_of_pytorch(compiled: bool, rng: np.random.Generator) -> None:
    network = bl.PiecewiseLinear(KNOTS).build((4,), dtype="float64")
    x = rng.normal(0, 2, (50, 4))
    objective = bl.value_and_grad(lambda x: bl.ops.sum(network.apply({}, x)[0] ** 2.0))
    output, gradient = in_torch(x)
    value, found = (bl.compile(objective) if compiled else objective)(x)
    assert network(x) == pytest.approx(output, abs=1e-12)
    assert float(value) == pytest.approx((output**2).sum(), rel=1e-12)
    assert np.asarray(found) == pytest.approx(gradient, abs=1e-11)


def test_a_line_behind_it_bends_at_the_knots_and_goes_straight_on_beyond_them() -> None:
    x = np.linspace(-3, 3, 301)[:, None]
    y = np.interp(x[:, 0], [-3.0, -1.0, 0.5, 3.0], [-2.0, 0.0, 3.0, 5.5])  # one slope on both sides: the input's own
    pieces = np.asarray(bl.PiecewiseLinear(((-1.0, 0.5),)).build((1,), dtype="float64")(x))
    solution = bl.least_squares(pieces, y)
    assert pieces @ solution.weight[:, 0] + solution.bias == pytest.approx(y, abs=1e-9)


def test_many_knots_are_counted_in_its_text_and_kept_in_files() -> None:
    many = bl.PiecewiseLinear((tuple(np.linspace(0, 1, 33).tolist()), ()))
    assert repr(many) == "PiecewiseLinear(1 inputs, 32 pieces)"
    assert "PiecewiseLinear(1 inputs, 32 pieces)" in str(many.build((2,)))
    assert Layer.from_dict(many.to_dict()) == many


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bl.PiecewiseLinear(((1.0,),)), r"knots of input 0 must be two or more finite numbers in rising order"),
        (lambda: bl.PiecewiseLinear(((0.0, 1.0), (2.0, 1.0))), "knots of input 1 must be"),
        (lambda: bl.PiecewiseLinear(((0.0, float("nan")),)), "finite numbers"),
        (lambda: bl.PiecewiseLinear(((), ())), "needs knots for at least one input"),
        (lambda: bl.PiecewiseLinear(((0.0, 1.0), (0.0, 1.0))).build((1,)), "needs at least 2 inputs, got 1"),
        (lambda: bl.PiecewiseLinear(((0.0, 1.0),)).build((3, 2)), r"needs inputs of shape \(inputs,\)"),
    ],
)
def test_refuses(make, message: str) -> None:
    with pytest.raises((InputError, ShapeError), match=message):
        make()
