"""TablePreparation: what is learned from training rows, and what a new file may bring."""

import json
import re
from datetime import date

import numpy as np
import pandas
import polars as pl
import pytest

import backlit as bl
from backlit.data import TablePreparation
from backlit.errors import InputError, UnknownNameError


@pytest.fixture
def frame():
    return pl.DataFrame(
        {
            "id": [f"row{i}" for i in range(40)],
            "size": [float(i) if i % 5 else None for i in range(40)],
            "colour": [["빨강", "파랑", "초록"][i % 3] for i in range(40)],
            "same": [1] * 40,
            "empty": [None] * 40,
            "y": [i % 3 for i in range(40)],
        }
    )


def test_each_column_is_understood_and_told_of(frame):
    preparation = TablePreparation.learn(frame, "y")
    told = {row["column"]: (row["kind"], row["done"], row["missing"]) for row in preparation.rows()}
    assert told == {
        "id": ("identifier", "left out: different in every row", 0.0),
        "size": ("whole number", "standardised; missing at the median 20, and marked", 0.2),
        "colour": ("category", "3 levels, one input each", 0.0),
        "same": ("constant", "left out: always 1", 0.0),
        "empty": ("empty", "left out: every value is missing", 1.0),
    }
    assert preparation.names == ["size", "size missing", "colour=빨강", "colour=초록", "colour=파랑"]
    x = preparation.apply(frame)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x[:, 0].std(), 1, atol=1e-6)
    assert x[0, 1:].tolist() == [1.0, 1.0, 0.0, 0.0]


def test_only_training_rows_are_learned_from(frame):
    half = TablePreparation.learn(frame, "y", rows=np.arange(20))
    assert half == TablePreparation.learn(frame[:20], "y")
    assert half != TablePreparation.learn(frame, "y")


def test_new_files_may_differ_in_order_and_extra_columns(frame):
    preparation = TablePreparation.learn(frame, "y")
    other = frame.select(["y", "colour", "size"]).with_columns(extra=pl.lit(1))
    np.testing.assert_array_equal(preparation.apply(other), preparation.apply(frame))
    np.testing.assert_array_equal(preparation.apply(frame.to_pandas()), preparation.apply(frame))
    new = frame.with_columns(colour=pl.lit("검정"))
    assert (preparation.apply(new)[:, 2:] == 0).all()
    assert preparation.unseen(new) == {"colour": 40}
    assert TablePreparation.from_dict(json.loads(json.dumps(preparation.to_dict()))) == preparation


def test_new_files_that_do_not_fit(frame):
    preparation = TablePreparation.learn(frame, "y")
    with pytest.raises(InputError, match="column 'colour' is missing; the network needs size, colour"):
        preparation.apply(frame.drop("colour"))
    text = frame.with_columns(size=pl.Series(["1"] * 39 + ["large"]))
    with pytest.raises(InputError, match="column 'size', row 40: expected a number, got 'large'"):
        preparation.apply(text)
    infinite = frame.with_columns(size=pl.Series([float("inf"), *[1.0] * 39]))
    with pytest.raises(InputError, match="column 'size', row 1 is infinite"):
        preparation.apply(infinite)
    for value in ("1_000", "NA", date(2020, 1, 1), True):
        with pytest.raises(InputError, match=f"column 'size', row 1: expected a number, got {re.escape(repr(value))}"):
            preparation.apply({"size": [value], "colour": ["빨강"]})
    with pytest.raises(InputError, match="column 'size', row 2 is infinite"):
        preparation.apply({"size": ["1", "inf"], "colour": ["빨강"] * 2})
    with pytest.raises(InputError, match=r"column 'size', row 1: 1e\+300 is far too large beside the training's"):
        preparation.apply({"size": [1e300], "colour": ["빨강"]})
    with pytest.raises(InputError, match="column 'size' is missing; is it called ' Size' now"):
        preparation.apply(frame.rename({"size": " Size"}))
    with pytest.raises(InputError, match=r"c9 and 2 more"):
        TablePreparation.learn({f"c{i}": [1, 2] for i in range(12)}).apply({"c1": [1]})
    with pytest.raises(InputError, match="these columns make no table"):
        preparation.apply({"size": [1], "colour": ["빨강", "파랑"]})
    with pytest.raises(InputError, match="two columns have the same name"):
        preparation.apply(pandas.DataFrame([[1, 2]], columns=["size", "size"]))
    with pytest.raises(InputError, match="expected a data frame"):
        preparation.apply(np.ones((3, 2)))


def test_frames_of_anyone(frame):
    preparation = TablePreparation.learn(frame, "y")
    assert TablePreparation.learn(frame.to_pandas(), "y").names == preparation.names
    assert TablePreparation.learn(frame.to_arrow(), "y") == preparation
    assert preparation.apply(frame[:0]).shape == (0, 5)
    assert preparation.apply({"size": ["1", " 2.5 "], "colour": ["빨강", "파랑"]}).shape == (2, 5)


def test_nothing_to_learn_from(frame):
    with pytest.raises(
        InputError, match=r"no column is left to learn from \(id: left out: different in every row; same"
    ):
        TablePreparation.learn(frame.select(["id", "same", "y"]), "y")
    with pytest.raises(InputError, match="there is no other column"):
        TablePreparation.learn(frame.select(["y"]), "y")
    with pytest.raises(UnknownNameError, match="did you mean 'colour'"):
        TablePreparation.learn(frame, "color")


def test_wishes_come_before_the_data(frame):
    preparation = TablePreparation.learn(frame, "y", wishes={"size": "category", "colour": "drop"})
    told = {row["column"]: (row["kind"], row["done"]) for row in preparation.rows()}
    assert told["colour"] == ("left out", "left out: as asked")
    assert told["size"][0] == "category"
    with pytest.raises(UnknownNameError, match="did you mean 'colour'"):
        TablePreparation.learn(frame, "y", wishes={"color": "drop"})
    with pytest.raises(UnknownNameError, match=r"unknown kind for column 'size' 'numbr'.*did you mean 'number'"):
        TablePreparation.learn(frame, "y", wishes={"size": "numbr"})
    with pytest.raises(InputError, match="column 'y' is the target, no input"):
        TablePreparation.learn(frame, "y", wishes={"y": "drop"})
    with pytest.raises(InputError, match="column 'colour', row 1: expected a number, got '빨강'"):
        TablePreparation.learn(frame, "y", wishes={"colour": "number"})


def test_many_levels_are_codes_behind_the_numbers(rng):
    city = [f"시{i % 60}" for i in range(900)]
    frame = pl.DataFrame({"city": city, "size": rng.normal(size=900)})
    preparation = TablePreparation.learn(frame)
    assert preparation.names == ["size", "city"]
    assert preparation.embedded == (61,)
    codes = preparation.apply(frame)[:, 1]
    assert preparation.apply({"city": ["시7", "nowhere", None], "size": [0, 0, 0]})[:, 1].tolist()[1:] == [60, 60]
    assert len(set(codes.tolist())) == 60
    assert codes.max() < 61


def test_a_run_on_a_table_takes_raw_rows(frame, tmp_path):
    preparation = TablePreparation.learn(frame, "y")
    net = bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(3))
    run = bl.fit(net, frame, frame["y"], preparation=preparation, epochs=2)
    same = bl.load(run.save(tmp_path / "run"))
    np.testing.assert_array_equal(same.predict(frame.to_pandas()), run.predict(frame))


def test_large_tables_are_prepared_like_small_ones(rng):
    frame = pl.DataFrame({"a": rng.normal(size=70_000), "b": rng.choice(["x", "y", "z"], 70_000)})
    preparation = TablePreparation.learn(frame)
    np.testing.assert_array_equal(preparation.apply(frame)[:500], preparation.apply(frame[:500]))
