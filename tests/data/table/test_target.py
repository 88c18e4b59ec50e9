"""Targets of tables: the task, the values, and what is refused."""

from datetime import date, time
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from backlit.data.table import TableTarget
from backlit.errors import InputError, UnknownNameError


def learn(values, task=None):
    frame = pl.DataFrame({"y": values})
    target = TableTarget.learn(frame, "y", task)
    return target.values(frame), target.task


@pytest.mark.parametrize(
    ("values", "task", "expected"),
    [
        (["a", "b"], None, "classification"),
        ([True, False], None, "classification"),
        ([0, 1], None, "classification"),
        ([0.5, 1.5], None, "regression"),
        (list(range(100)), None, "regression"),
        (list(range(100)), "classification", "classification"),
        ([0, 1], "regression", "regression"),
        (list(range(10)), None, "regression"),
        (list(range(10)) * 2, None, "classification"),
        ([3.0, 1.0] * 5, None, "classification"),
        ([0.5, 1.5], "classification", "classification"),
        ([2**60, 2**60 + 1], None, "classification"),
        ([Decimal("1.5"), Decimal(2)], None, "regression"),
        (["나", "가", "가"], None, "classification"),
    ],
)
def test_the_task_is_told_from_the_target(values, task, expected):
    y, decided = learn(values, task)
    assert decided == expected
    assert y.tolist() == values


def test_numbers_written_as_text_are_regressed():
    y, task = learn([str(i / 2) for i in range(50)])
    assert task == "regression"
    assert y.tolist() == [i / 2 for i in range(50)]
    assert learn(["1", " 2"], "regression")[0].tolist() == [1.0, 2.0]
    assert learn(["1", "2"])[0].tolist() == ["1", "2"]


def test_several_columns_are_labels_or_numbers():
    frame = pl.DataFrame({"sold": ["yes", "no", "yes"], "new": [0, 1, 1], "a": [0.5, 1.0, 2.0], "b": [1, 2, 3]})
    labels = TableTarget.learn(frame, ["sold", "new"])
    assert labels.task == "multi_label"
    assert labels.values(frame).tolist() == [[1, 0], [0, 1], [1, 1]]
    assert TableTarget.from_dict(labels.to_dict()) == labels
    numbers = TableTarget.learn(frame, ["a", "b"])
    assert numbers.task == "regression"
    assert numbers.values(frame).tolist() == [[0.5, 1], [1, 2], [2, 3]]
    with pytest.raises(InputError, match="several targets"):
        TableTarget.learn(frame, ["a", "b"], "classification")
    with pytest.raises(InputError, match="'sold' holds two values: train a network for each"):
        TableTarget.learn(frame, ["a", "sold"])
    with pytest.raises(InputError, match="target is named twice"):
        TableTarget.learn(frame, ["a", "a"])
    three = frame.with_columns(sold=pl.Series(["yes", "no", "perhaps"]))
    with pytest.raises(InputError, match="target 'sold' has 3 values"):
        labels.values(three)


def test_rows_without_a_target():
    frame = pl.DataFrame({"y": [1.0, float("nan"), None], "z": ["a", None, "b"]})
    assert TableTarget.present(frame, ["y"]).tolist() == [True, False, False]
    assert TableTarget.present(frame, ["y", "z"]).tolist() == [True, False, False]


def test_files_to_evaluate_may_hold_one_class():
    target = TableTarget(("y",), "classification")
    assert target.values(pl.DataFrame({"y": ["a", "a"]})).tolist() == ["a", "a"]


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        ([1.0, float("nan"), 2.0], None, "row 2 is missing"),
        ([1.0, float("inf"), 2.0], "classification", "row 2 isn't finite"),
        ([*map(str, range(50)), "비쌈"], None, "row 51 is '비쌈', no number, so it can't be regressed; mend the row"),
        ([True, False], "regression", "row 1 is 'true', no number"),
        ([], None, "there are no rows"),
        ([[1], [2]], None, r"holds List\(Int64\); expected numbers, text or booleans"),
        ([date(2024, 1, 31), date(2024, 2, 1)], None, "holds dates or times; expected numbers, text or booleans"),
        ([time(2, 31), time(2, 42)], None, "holds dates or times"),
        (["a", "a"], "classification", "is 'a' in every row"),
        ([1, None], None, "row 2 is missing"),
        ([None, None], None, "every value is missing"),
        ([3, 3], None, "is 3 in every row"),
        (["a", "b"], "regression", "can't be regressed"),
        (["1", "inf"], "regression", "row 2 isn't finite"),
        ([1.5, float("inf")], None, "row 2 isn't finite"),
        ([1, 2], "ranking", "unknown task"),
    ],
)
def test_targets_refuse(values, task, message):
    with pytest.raises(InputError, match=message):
        learn(values, task)
    with pytest.raises(UnknownNameError, match=r"did you mean 'y'|unknown task"):
        TableTarget.learn(pl.DataFrame({"y": values}), "yy", task)


def test_classes_keep_their_type():
    assert learn([True, False])[0].dtype == np.dtype(bool)
    assert learn([2.0, 1.0] * 3)[0].dtype == np.dtype(np.int64)
