"""A network of several inputs and outputs, and rows for it, that the tests share."""

from typing import Any

import numpy as np

import backlit as bl

EDGES = [
    ("image", "look"), ("words", "read"), ("look", "join"), ("read", "join"), ("meta", "join"), ("join", "kind"),
    ("join", "price"),
]  # fmt: skip


def rows(count: int = 60, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Pictures, whole numbers and a table, with classes and numbers that depend on them."""
    rng = np.random.default_rng(seed)
    image, meta = rng.normal(size=(count, 5, 5, 1)), rng.normal(size=(count, 3))
    words = rng.integers(0, 7, size=(count, 4))
    kind = np.array(["low", "mid", "top"])[(image.mean((1, 2, 3)) > 0).astype(int) + (meta[:, 0] > 0)]
    price = 2 * meta[:, 1] + words[:, 0] / 3
    return {"image": image, "meta": meta, "words": words}, {"kind": kind, "price": price}


def net(**nodes: bl.Layer) -> bl.Wired:
    """Three inputs of three ranks, one of them whole numbers, joined; two outputs."""
    parts: dict[str, bl.Layer] = {
        "look": bl.Sequential(bl.Conv2d(2, 3), bl.ReLU(), bl.Flatten()),
        "read": bl.Sequential(bl.Embedding(7, 3), bl.LSTM(4)),
        "join": bl.Sequential(bl.Linear(8), bl.Tanh()),
        "kind": bl.Linear(3),
        "price": bl.Linear(1),
    }
    ends = {"inputs": ("image", "meta", "words"), "outputs": ("kind", "price")}
    return bl.Wired(parts | nodes, EDGES, combine="concatenate", **ends)
