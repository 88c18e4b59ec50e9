"""Clipping against torch.nn.utils.clip_grad_*."""

import math

import jax
import numpy as np
import pytest
import torch

from backlit import optim
from backlit.graph import tree
from tests.optim import problem

utils = torch.nn.utils


def per_tensor(leaves, limit, order):
    for leaf in leaves:
        utils.clip_grad_norm_([leaf], limit, order)


@pytest.fixture
def gradient(rng):
    return {"a": {"weight": rng.normal(size=(3, 4)), "bias": np.zeros(4)}, "b": rng.normal(size=5) * 100}


ORDERS = [2.0, 1.0, 3.0, 0.5, math.inf]
CASES = [
    *[
        (optim.ClipValue(limit), lambda leaves, limit=limit: utils.clip_grad_value_(leaves, limit))
        for limit in (0.3, 1e3)
    ],
    *[
        (optim.ClipNorm(limit, order=p), lambda leaves, limit=limit, p=p: per_tensor(leaves, limit, p))
        for limit in (0.5, 50.0)
        for p in ORDERS
    ],
    *[
        (optim.ClipGlobalNorm(limit, order=p), lambda leaves, limit=limit, p=p: utils.clip_grad_norm_(leaves, limit, p))
        for limit in (0.5, 1e6)
        for p in ORDERS
    ],
]


@pytest.mark.parametrize(("clip", "theirs"), CASES, ids=lambda case: repr(case) if hasattr(case, "limit") else "")
def test_equals_pytorch(clip, theirs, gradient):
    leaves = [torch.zeros(leaf.shape, dtype=torch.float64) for leaf in tree.leaves(gradient)]
    for leaf, value in zip(leaves, tree.leaves(gradient), strict=True):
        leaf.grad = torch.from_numpy(value.copy())
    theirs(leaves)
    clipped, state = clip.update(gradient, clip.init(gradient), gradient, 0)
    assert state == {}
    with jax.enable_x64(True):
        compiled, _ = jax.jit(clip.update)(gradient, {}, gradient, np.int32(0))
    by_name = [tree.flatten_dict(compiled)[path] for path in tree.paths(clipped)]  # JAX sorts the keys
    for ours, traced, expected in zip(tree.leaves(clipped), by_name, leaves, strict=True):
        np.testing.assert_allclose(ours, expected.grad.numpy(), rtol=1e-13)
        np.testing.assert_allclose(traced, expected.grad.numpy(), rtol=1e-13)


@pytest.mark.parametrize(
    "clip", [optim.ClipValue(0.1), optim.ClipNorm(0.1), optim.ClipGlobalNorm(0.1, math.inf)], ids=repr
)
def test_types_stay(clip):
    gradient = {"a": np.ones(2, "float32"), "b": np.ones(2, "float64")}
    clipped, _ = clip.update(gradient, {}, gradient, 0)
    assert [leaf.dtype for leaf in tree.leaves(clipped)] == ["float32", "float64"]


def test_before_an_optimizer():
    """50 steps of clipped Adam follow PyTorch's."""
    optimizer = optim.chain(optim.ClipGlobalNorm(0.1), optim.Adam(0.05))
    params = problem.start()
    state = optimizer.init(params)
    expected = problem.torch_trajectory(
        lambda leaves: torch.optim.Adam(leaves, lr=0.05), clip=lambda leaves: utils.clip_grad_norm_(leaves, 0.1)
    )
    for step, (x, y) in enumerate(zip(*problem.batches(), strict=True)):
        updates, state = optimizer.update(problem.gradients(params, x, y), state, params, step)
        params = optim.apply_updates(params, updates)
        for ours, theirs in zip(tree.leaves(params), expected[step], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10)


def test_nothing_to_clip():
    assert optim.ClipGlobalNorm(1.0).update({}, {}, {}, 0) == ({}, {})
