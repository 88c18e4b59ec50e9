"""What is said of streams, options and blocks that can't be trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import StreamError
from backlit.train.ensemble import Folds
from backlit.train.streamed.blocks import without_end
from tests.train.common import blobs, mlp
from tests.train.streamed.common import Blocks

X, Y = blobs(120)
OPTIONS: dict[str, Any] = {"epochs": 2, "batch_size": 16, "metrics": []}


class Odd:
    """Blocks as they are given, in each pass."""

    def __init__(self, *blocks: Any) -> None:
        self.blocks = blocks

    def batches(self, epoch: int, shard: int = 0, shards: int = 1) -> Any:
        yield from self.blocks

    def state(self) -> dict[str, Any]:
        return {}


NAN = X.copy()
NAN[7, 2] = np.nan
STREAMS: dict[str, tuple[Callable[[], Any], str]] = {
    "nothing": (lambda: Odd(), "the stream ended at once: there are no rows to train on"),
    "blocks without rows": (lambda: Odd((X[:0], Y[:0])), "the stream ended at once: there are no rows to train on"),
    "another width": (
        lambda: Odd((X, Y), (X[:, :3], Y)),
        "the stream, block 2 of pass 1: rows of shape (3,); the network takes (4,)",
    ),
    "other targets": (
        lambda: Odd((X, Y), (X, Y + 0.5)),
        (
            "the stream, block 2 of pass 1: targets of type numbers, in the first block whole numbers: all blocks must "
            "be alike"
        ),
    ),
    "weights but once": (
        lambda: Odd((X, Y, np.ones(120)), (X, Y)),
        "the stream, block 2 of pass 1: weights missing, in the first block given: all blocks must be alike",
    ),
    "negative weights": (
        lambda: Odd((X, Y), (X, Y, -np.ones(120))),
        "the stream, block 2 of pass 1: weights given, in the first block missing: all blocks must be alike",
    ),
    "a missing value": (
        lambda: Odd((X, Y), (NAN, Y)),
        (
            "the stream, block 2 of pass 1: x: row 7, column 2 is missing (NaN); drop such rows or fill them in "
            "(preparation=bl.data.FillGaps().fit(x) does)"
        ),
    ),
    "rows without targets": (
        lambda: Odd((X, Y), (X, Y[:5])),
        "the stream, block 2 of pass 1: x has 120 rows and y 5: they must be equal",
    ),
    "no pair": (
        lambda: Odd((X, Y), X),
        "the stream, block 2 of pass 1: a stream must yield (x, y), (x, y, weights) or bl.data.Block, got ndarray",
    ),
    "a tuple of four": (
        lambda: Odd((X, Y, Y, Y)),
        "the stream, block 1 of pass 1: a stream must yield (x, y), (x, y, weights) or bl.data.Block, got a tuple of 4",
    ),
    "fewer rows than said": (
        lambda: Blocks(X, Y, rows=130),
        (
            "the stream: pass 1 had 120 rows, where 130 were expected: a stream must give the same rows in each pass "
            "(if it is a function, each call must begin anew)"
        ),
    ),
}


@pytest.mark.parametrize("case", STREAMS)
def test_a_stream_that_cant_be_trained_on_is_told_with_the_block(case: str) -> None:
    made, message = STREAMS[case]
    with pytest.raises(bl.InputError) as caught:
        bl.fit(mlp(), made(), **OPTIONS)
    assert str(caught.value) == message


class Shrinking(Blocks):
    def batches(self, epoch: int, shard: int = 0, shards: int = 1) -> Any:
        blocks = list(super().batches(epoch, shard, shards))
        yield from blocks if epoch < 1 else blocks[:2]


def test_a_second_pass_with_fewer_rows_is_told_and_the_first_is_kept() -> None:
    with pytest.raises(StreamError, match="pass 2 had 74 rows, where 120 were expected") as caught:
        bl.fit(mlp(), Shrinking(X, Y), **OPTIONS)
    kept: Any = caught.value.run
    assert len(kept.history) == 1


def test_unknown_classes_are_told_with_the_block() -> None:
    with pytest.raises(StreamError, match=r"block 1 of pass 1: targets: row \d+ has class 2, which training didn't"):
        bl.fit(mlp(), Blocks(X, Y, rows=120, classes=[0, 1]), **OPTIONS)


def test_too_many_classes_are_told_before_anything_is_trained() -> None:
    with pytest.raises(bl.ShapeError, match="the targets have 3 classes"):
        bl.fit(mlp(2), Blocks(X, Y), **OPTIONS)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "full": ({"batch_size": "full"}, "batch_size='full' takes all rows at once, which a stream never has"),
    "lbfgs": ({"optimizer": "lbfgs"}, "optimizer 'lbfgs' needs all rows at once, which a stream never has"),
    "exact": ({"optimizer": "least_squares"}, "optimizer 'least_squares' needs all rows at once"),
    "averaging": ({"average_every": 4}, "average_every: devices that update alone need all rows at hand"),
    "weights": ({"sample_weight": np.ones(120)}, "sample_weight: a stream gives weights with its rows"),
    "folds": ({"validation": Folds.draw(120, 2)}, "validation: folds are rows by number"),
    "share": ({"validation": 1.5}, "validation=1.5: a share must lie between 0 and 1"),
    "no validation": ({"validation": "rows"}, "validation data: expected a share such as 0.2, a stream or a pair"),
    "unwanted": ({"stream": False}, "stream=False: x is a stream, and read as one"),
    "class weights": ({"class_weight": {7: 2.0}}, "class_weight names ['7'], but the classes are [0, 1, 2]"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_options_that_need_all_rows_are_refused_by_name(case: str) -> None:
    options, message = REFUSED[case]
    with pytest.raises(bl.InputError) as caught:
        bl.fit(mlp(), Blocks(X, Y), **{**OPTIONS, **options})
    assert message in str(caught.value)


def test_balanced_classes_of_numbers_are_refused() -> None:
    with pytest.raises(bl.InputError, match="class_weight needs class targets; use weights beside the rows"):
        bl.fit(mlp(1), Blocks(X, X[:, 0]), class_weight="balanced", **OPTIONS)


def test_validation_that_ends_at_once_is_told() -> None:
    with pytest.raises(bl.InputError, match="validation data: the stream ended at once: there are no rows to judge by"):
        bl.fit(mlp(), Blocks(X, Y), validation=Odd(), **OPTIONS)


def test_a_share_without_end_needs_rows() -> None:
    with pytest.raises(bl.StreamError, match="a process's share of the stream ended at once: pass 1 had no rows"):
        next(without_end(lambda number: iter(()))(0))
