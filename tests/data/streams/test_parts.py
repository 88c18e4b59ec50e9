"""Rows shared out to parts and processes, and their order: stable, disjoint, everything, another in each epoch."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest

from backlit.data.streams import open_table, understand
from backlit.data.streams.columns import ColumnStream
from backlit.data.streams.parts import TablePart
from backlit.errors import InputError


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a hundred rows, so that a table has many."""
    monkeypatch.setattr("backlit.data.streams.table.rows_of_piece", lambda *_: 100)


def frame(rows: int = 2000) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "number": np.arange(rows) + 0.5,
            "who": [f"p{value}" for value in rng.integers(0, 60, rows)],
            "when": rng.permutation(rows),
            "y": rng.normal(size=rows),
        }
    )


def ids(blocks: Iterator[Any]) -> list[float]:
    return [value for block in blocks for value in block.x["number"].to_list()]


def numbers(part: TablePart, epoch: int = 0, shard: int = 0, shards: int = 1) -> list[float]:
    return ids(part.batches(epoch, shard, shards))


def test_parts_hold_every_row_once_in_their_shares() -> None:
    found = understand(open_table(frame()), "y", split=(0.6, 0.2, 0.2))
    parts = [numbers(part) for part in (found.train, found.validation, found.test)]
    assert sorted(itertools.chain(*parts)) == sorted(frame()["number"].to_list())
    assert [part.rows for part in (found.train, found.validation, found.test)] == [len(part) for part in parts]
    for rows, share in zip(map(len, parts), (0.6, 0.2, 0.2), strict=True):
        assert abs(rows - 2000 * share) < 4 * np.sqrt(2000 * share * (1 - share))
    assert parts[1] == sorted(parts[1])  # validation rows come as they stand


def test_the_split_is_the_same_in_any_order_and_another_with_another_seed() -> None:
    mixed = frame().sample(fraction=1.0, shuffle=True, seed=4)
    first, second = (set(numbers(understand(open_table(table), "y").test)) for table in (frame(), mixed))
    assert first == second
    other = set(numbers(understand(open_table(frame()), "y", seed=1).test))
    assert len(first & other) < 0.3 * len(first)


def test_equal_rows_are_in_one_part() -> None:
    twice = pl.concat([frame(), frame()[:200]])
    found = understand(open_table(twice), "y")
    parts = [set(numbers(part)) for part in (found.train, found.validation, found.test)]
    assert sum(map(len, parts)) == len(set().union(*parts))
    assert "equal rows are in the same part" in " ".join(found.notes)


def test_rows_that_are_alike_by_nature_are_split_by_their_place() -> None:
    rng = np.random.default_rng(0)
    table = pl.DataFrame({"a": rng.integers(0, 3, 3000), "b": rng.integers(0, 2, 3000), "y": rng.integers(0, 2, 3000)})
    found = understand(open_table(table), "y")
    assert "alike by nature" in " ".join(found.notes)
    assert abs(found.test.rows - 450) < 90


def test_a_group_is_not_divided() -> None:
    found = understand(open_table(frame()), "y", group="who")
    owners = dict(frame().select("number", "who").iter_rows())
    parts = [{owners[number] for number in numbers(part)} for part in (found.train, found.validation, found.test)]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 60
    assert {row["column"]: row["kind"] for row in found.preparation.rows()}["who"] == "left out"


def test_rows_without_a_group_are_shared_out_one_by_one() -> None:
    table = frame().with_columns(pl.when(pl.col("number") < 1000).then("who").alias("who"))
    found = understand(open_table(table), "y", group="who")
    alone = [sum(number > 1000 for number in numbers(part)) for part in (found.train, found.validation, found.test)]
    assert min(alone) > 100


def test_the_latest_rows_are_the_test_rows() -> None:
    found = understand(open_table(frame()), "y", time="when")
    when = dict(frame().select("number", "when").iter_rows())
    times = [[when[number] for number in numbers(part)] for part in (found.train, found.validation, found.test)]
    assert max(times[0]) < min(times[1]) <= max(times[1]) < min(times[2])
    assert [len(part) for part in times] == [1400, 300, 300]
    assert "test rows from" in " ".join(found.notes)


def test_times_may_be_dates() -> None:
    days = pl.Series("when", np.datetime64("2024-01-01") + np.arange(2000).astype("timedelta64[D]"))
    found = understand(open_table(frame().with_columns(days)), "y", time="when", split=(0.8, 0.2))
    assert "validation rows from 2028-05-1" in " ".join(found.notes)
    assert (found.train.rows, found.validation.rows, found.test.rows) == (1600, 400, 0)


@pytest.mark.parametrize("shards", [1, 2, 3, 7, 50])
def test_processes_share_an_epoch_out_evenly(shards: int) -> None:
    """There are 20 pieces, fewer than the last of these numbers."""
    train = understand(open_table(frame()), "y").train
    owned = [numbers(train, 3, shard, shards) for shard in range(shards)]
    assert sorted(itertools.chain(*owned)) == sorted(numbers(train))
    assert max(map(len, owned)) - min(map(len, owned)) <= 1


def test_each_epoch_has_an_order_of_its_own_which_is_the_same_again() -> None:
    train = understand(open_table(frame()), "y").train
    first, again, second = numbers(train, 0), numbers(train, 0), numbers(train, 1)
    assert first == again
    assert sorted(first) == sorted(second)
    assert np.mean(np.array(first) == np.array(second)) < 0.05
    other = understand(open_table(frame()), "y", seed=5).train
    assert numbers(other, 0)[:20] != first[:20]


def test_a_window_mixes_rows_from_all_over() -> None:
    train = understand(open_table(frame()), "y").train
    block = next(iter(train.batches(0)))
    pieces = {int(number // 100) for number in block.x["number"]}
    assert len(pieces) >= 4
    neighbours = np.abs(np.diff(block.x["number"].to_numpy()))
    assert np.median(neighbours) > 50


def test_unshuffled_rows_come_as_they_stand() -> None:
    train = understand(open_table(frame()), "y", shuffle=False).train
    assert numbers(train, 0) == numbers(train, 1) == sorted(numbers(train))


def test_blocks_have_targets_and_say_where_a_row_stands() -> None:
    found = understand(open_table(frame()), "y")
    block = next(iter(found.train.batches(2)))
    truth = dict(frame().select("number", "y").iter_rows())
    assert [truth[number] for number in block.x["number"]] == block.y.tolist()
    assert block.where(3) == f"table, row {int(block.x['number'][3] + 0.5)}"


def test_states_tell_data_and_split_apart() -> None:
    one, same, other = (understand(open_table(frame()), "y", seed=seed).train for seed in (0, 0, 1))
    assert one.state() == same.state() != other.state()
    assert one.state()["part"] == "training"


def test_moments_and_classes_are_those_of_the_training_rows() -> None:
    found = understand(open_table(frame()), "y")
    y = np.concatenate([block.y for block in found.train.batches(0)])
    means, deviations = found.target_moments or ([], [])
    assert means == [pytest.approx(y.mean(), rel=1e-12)]
    assert deviations == [pytest.approx(y.std(), rel=1e-12)]
    assert found.classes is None
    grouped = understand(open_table(frame()), "who")
    values, counts = np.unique(np.concatenate([block.y for block in grouped.train.batches(0)]), return_counts=True)
    assert grouped.classes == values.tolist()
    assert grouped.class_counts == counts.tolist()


def test_rows_of_classes_that_training_lacks_are_left_out_and_told() -> None:
    table = frame().with_columns(pl.when(pl.col("when") >= 1900).then(pl.lit("late")).otherwise(
        pl.when(pl.col("number") < 900).then(pl.lit("a")).otherwise(pl.lit("b"))).alias("class"))  # fmt: skip
    found = understand(open_table(table), "class", time="when")
    assert found.classes == ["a", "b"]
    assert found.test.rows == len(numbers(found.test)) == 200
    assert set(found.test_sample_y) == {"a", "b"}
    assert "100 test rows have a class that training doesn't have; they are left out" in found.notes


def test_shares_and_shards_are_checked() -> None:
    table = open_table(frame())
    with pytest.raises(
        InputError, match="split needs the shares of training, validation and test rows, which add up to 1"
    ):
        understand(table, "y", split=(0.5, 0.2))
    with pytest.raises(InputError, match="shard must lie between 0 and 1, got 2"):
        next(iter(understand(table, "y").train.batches(0, 2, 2)))
    with pytest.raises(InputError, match="column 'when' has too few different times to split by"):
        understand(open_table(frame().with_columns(when=pl.lit(1))), "y", time="when")
    with pytest.raises(InputError, match="no row is left for"):
        understand(open_table(frame(3)), "y")
    with pytest.raises(InputError, match="hash of column 'who', whose values are too few"):
        understand(open_table(frame().with_columns(who=pl.lit("one"))), "y", group="who")
    with pytest.raises(InputError, match="split by a group or by time, not by both"):
        understand(table, "y", group="who", time="when")
    with pytest.raises(InputError, match="column 'y' is the target; it can't be the group as well"):
        understand(table, "y", group="y")
    late = frame().with_columns(pl.when(pl.col("when") != 7).then("when").alias("when"))
    row = frame()["when"].to_list().index(7) + 1
    with pytest.raises(InputError, match=f"table, row {row}, time 'when' is missing; rows can only be put in order"):
        understand(open_table(late), "y", time="when")


def in_turn(rows: int = 2000) -> Any:
    def blocks() -> Any:
        for start in range(0, rows, 250):
            yield frame(rows)[start : start + 250]

    return blocks


def test_what_is_read_from_its_beginning_is_told_and_mixed_in_part() -> None:
    note = (
        "blocks can only be read from its beginning: rows come in its order in each epoch, mixed with those near them"
    )
    found = understand(open_table(in_turn()), "y")
    assert any(note in str(said) for said in found.notes)
    assert not any(note in str(said) for said in understand(open_table(frame()), "y").notes)
    assert not any(note in str(said) for said in understand(open_table(in_turn()), "y", shuffle=False).notes)


@pytest.mark.parametrize("shards", [1, 2])
def test_columns_of_what_is_read_from_its_beginning_are_mixed_anew_in_each_epoch(shards: int) -> None:
    table = open_table(in_turn())

    def passed(epoch: int, **more: Any) -> list[float]:
        stream = ColumnStream.of(table, inputs=["number"], target="y", **more)
        blocks = [block for shard in range(shards) for block in stream.batches(epoch, shard, shards)]
        for block in blocks:
            assert block.where(3) == f"{table.name}, row {int(block.x[3, 0]) + 1}"
        return [float(value) for block in blocks for value in block.x[:, 0]]

    first, again, second = passed(0), passed(0), passed(1)
    assert first == again
    assert first != second
    assert sorted(first) == sorted(second) == [row + 0.5 for row in range(2000)]
    in_order = [row + 0.5 for shard in range(shards) for row in range(shard, 2000, shards)]
    assert passed(0, shuffle=False) == in_order
    if shards == 1:
        assert sorted(first[:450]) == in_order[:450]  # of near ones
