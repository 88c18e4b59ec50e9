"""Two processes train on a stream, each on its own shard, what one does on the same rows in the same batches."""

import json

import numpy as np
import polars as pl
import pytest

from tests.distributed import streams
from tests.distributed.pairs import ended, started

pytestmark = pytest.mark.slow
TOLERANCE = 1e-12
EQUAL = ("weighted", "counted", "by steps", "members", "carried", "empty")


def parts_of(folder):
    """Two files of a table."""
    (folder / "parts").mkdir()
    rng = np.random.default_rng(0)
    for part in range(2):
        x = rng.normal(size=(301, 3))
        kind = np.where(x @ [1.0, 2.0, -1.0] > 1, "high", "low")
        frame = pl.DataFrame({**{f"x{i}": x[:, i] for i in range(3)}, "kind": kind})
        frame.write_parquet(folder / "parts" / f"{part}.parquet", row_group_size=70)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What each of a pair of processes made of the cases."""
    folder = tmp_path_factory.mktemp("streams")
    parts_of(folder)
    for status, _, errors in ended(started("-m", "tests.distributed.streams", str(folder)), 300):
        assert status == 0, errors
    return [json.loads((folder / f"of_{i}.json").read_text()) for i in range(2)]


def alone(name):
    """The same case in this process, on rows in the order in which two see them."""
    held = np.arange(40)
    order = streams.interleaved(streams.ROWS, streams.BATCH)
    by_fours = streams.interleaved(streams.ROWS, 4)
    return {
        "weighted": lambda: streams.weighted(by_fours, held),
        "counted": lambda: streams.weighted(by_fours, held, rows_known=False),
        "by steps": lambda: streams.by_steps(order),
        "members": lambda: streams.members(order),
        "carried": lambda: streams.carried(streams.interleaved(96, streams.BATCH)),
        "empty": lambda: streams.empty(streams.BATCH // 2),
    }[name]()


@pytest.mark.parametrize("name", EQUAL)
def test_two_processes_train_what_one_does_on_the_same_batches(found, name):
    one, (two, _) = json.loads(json.dumps(alone(name))), found
    assert len(one["history"]) == len(two[name]["history"])
    for line, other in zip(one["history"], two[name]["history"], strict=True):
        assert line == pytest.approx(other, rel=TOLERANCE, abs=TOLERANCE)
    for here, there in zip(one["params"], two[name]["params"], strict=True):
        np.testing.assert_allclose(here, there, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("name", [*EQUAL, "table", "diverging"])
def test_both_processes_have_the_same_numbers(found, name):
    assert found[0][name] == found[1][name]


def test_a_table_is_judged_by_shares_as_by_one_process(found):
    table = found[0]["table"]
    assert table["history"][-1]["val_accuracy"] > 0.75
    (rows, scores, confusion), (rows_alone, scores_alone, confusion_alone) = table["judged"], table["alone"]
    assert (rows, confusion) == (rows_alone, confusion_alone)
    assert scores == pytest.approx(scores_alone, rel=1e-6)


def test_where_it_diverged_is_told(found):
    stopped, kind, epoch, step = found[0]["diverging"]["where"]
    assert stopped == "diverged"
    assert kind in ("parameter", "layer", "output", "loss", "sum of losses")
    assert epoch >= 1
    assert step >= 1


def test_a_share_that_fails_ends_all_and_what_was_learned_is_kept(found):
    first, second = (one["failing"] for one in found)
    assert first["error"].startswith("StreamError: process 1: the stream, block 1 of pass 3: the stream raised OSError")
    assert second["error"].startswith("StreamError: the stream, block 1 of pass 3: the stream raised OSError")
    assert first["epochs"] == second["epochs"] == 2


def test_what_cant_be_shared_is_refused_by_all(found):
    for one in found:
        assert one["deaf"]["error"].endswith(
            "the shares of 2 processes have 202 rows, the whole 101: batches(epoch, shard, shards) must give each row "
            "to exactly one share"
        )
        assert (
            "batch_size=1: each of 2 processes reads rows of its own, and gives a batch at" in one["one row"]["error"]
        )
        assert "processes must share a batch equally: choose a multiple of 2" in one["odd"]["error"]
