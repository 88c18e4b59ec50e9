"""Within `Masked`, pools and convolutions leave padding out: it never changes a result."""

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.errors import ShapeError
from backlit.graph import tree

SHORT = np.array([[3, 1, 2], [1, 2, 2]], dtype=np.int32)
LONG = np.pad(SHORT, ((0, 0), (0, 4)))

BODIES = {
    "mean": [bl.GlobalAvgPool()],
    "greatest": [bl.GlobalMaxPool()],
    "convolution": [bl.Conv1d(4, 3, padding="same"), bl.ReLU(), bl.Conv1d(3, 5, padding="same"), bl.GlobalMaxPool()],
    "recurrent": [bl.Bidirectional(bl.GRU(3, return_sequences=True)), bl.GlobalAvgPool()],
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_padding_changes_nothing_value_and_gradient(body):
    layer = bl.Masked(bl.Embedding(4, 5), *body)
    short, long = layer.build((3,), dtype="float64"), layer.build((7,), dtype="float64")
    np.testing.assert_allclose(short(SHORT), long(LONG), rtol=1e-12)
    compiled = bl.compile(lambda params, x: long.apply(params, x)[0])
    np.testing.assert_allclose(compiled(long.params, LONG), long(LONG), rtol=1e-12)
    gradients = [
        bl.grad(lambda params, net=net, x=x: (net.apply(params, x)[0] ** 2).sum())(short.params)
        for net, x in ((short, SHORT), (long, LONG))
    ]
    flat = [tree.flatten_dict(gradient) for gradient in gradients]
    for name in flat[0]:
        np.testing.assert_allclose(flat[0][name], flat[1][name], rtol=1e-10, atol=1e-12, err_msg=name)


def test_the_mean_of_ragged_rows_is_that_of_torchs_embedding_bag():
    rows = np.array([[3, 1, 2, 0], [1, 0, 0, 0], [2, 2, 3, 1]], dtype=np.int32)
    network = bl.Masked(bl.Embedding(4, 5), bl.GlobalAvgPool()).build((4,), dtype="float64")
    table = torch.tensor(network.params["body"]["0"]["weight"])
    bag = torch.nn.functional.embedding_bag(torch.tensor(rows.astype(int)), table, mode="mean", padding_idx=0)
    np.testing.assert_allclose(network(rows), bag.numpy(), rtol=1e-12)


def test_layers_that_change_the_steps_belong_outside():
    layer = bl.Masked(bl.Embedding(4, 5), bl.Conv1d(3, 3, stride=2), bl.GlobalAvgPool())
    with pytest.raises(ShapeError, match="keep layers that change the number of time steps outside"):
        layer.build((7,))(LONG)
