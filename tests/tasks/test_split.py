"""Splits of rows: what stands in which part, and what couldn't be done as wished."""

import numpy as np
import pytest

from backlit.errors import InputError
from backlit.tasks.options import Options
from backlit.tasks.split import divide, fold, shares_of
from backlit.tasks.task import Material

RAW = np.arange(60.0)[:, None]
THIRDS = np.array(["a", "b", "c"] * 20)


def material(**changes):
    return Material("rows", RAW, THIRDS, "classification", **changes)


def whole(parts):
    return np.sort(np.concatenate([parts.train, parts.validation, parts.test])).tolist()


@pytest.mark.parametrize(
    "made",
    [material(), material(order=np.arange(60)), material(groups=np.repeat(np.arange(20), 3))],
    ids=["classes", "times", "groups"],
)
def test_every_row_stands_in_one_part(made):
    parts, notes = divide(made, (0.6, 0.2, 0.2), 0)
    assert whole(parts) == list(range(60))
    assert notes == []
    assert np.array_equal(parts.raw_test, RAW[parts.test])


def test_times_follow_each_other():
    parts, _ = divide(material(order=np.arange(60)[::-1]), (0.6, 0.2, 0.2), 0)
    assert parts.train.min() > parts.validation.max() > parts.validation.min() > parts.test.max()


def test_the_users_own_parts_are_kept_and_what_is_missing_is_cut_off():
    given = np.repeat([0, 2], [45, 15])
    parts, _ = divide(material(given=given), (0.6, 0.2, 0.2), 0)
    assert parts.test.tolist() == list(range(45, 60))
    assert len(parts.validation) == 9
    assert len(parts.train) == 36


def test_a_test_file_takes_the_test_rows_place():
    raw, truth = RAW[:4], np.array(["a", "b", "never", "c"])

    class Rows(np.ndarray):
        def filter(self, here):
            return self[here]

    parts, notes = divide(material(test=(raw.view(Rows), truth)), (0.6, 0.2, 0.2), 0)
    assert len(parts.train) + len(parts.validation) == 60
    assert parts.y_test.tolist() == ["a", "b", "c"]
    assert notes == ["1 test rows have a class that training doesn't have; they aren't judged"]
    with pytest.raises(InputError, match="no test row has a class that training has"):
        divide(material(test=(raw[2:3].view(Rows), truth[2:3])), (0.8, 0.2), 0)


def test_small_classes_are_all_learned_from():
    y = np.array(["rare", *["often"] * 59])
    parts, (note,) = divide(Material("rows", RAW, y, "classification"), (0.6, 0.2, 0.2), 0)
    assert 0 in parts.train
    assert "all are learned from and none judged: class rare (1)" in note


@pytest.mark.parametrize(
    ("rows", "shares", "message"),
    [
        (60, (1.0,), "split needs the shares of training, validation and test rows"),
        (2, (0.6, 0.2, 0.2), "rows: 2 rows can't be split into training, validation and test rows"),
    ],
)
def test_what_cannot_be_split(rows, shares, message):
    with pytest.raises(InputError, match=message):
        shares_of(Material("rows", RAW[:rows], THIRDS[:rows], "classification"), shares)


def test_each_member_holds_back_another_share():
    made = material()
    parts, _ = divide(made, (0.6, 0.2, 0.2), 0)
    pooled, folds = fold(made, parts, 4, Options())
    held_back = np.concatenate(folds.rows)
    assert len(set(held_back.tolist())) == len(held_back) == 48
    assert len(pooled.train) == 48
    assert not len(pooled.validation)
    assert pooled.test is parts.test


@pytest.mark.parametrize(
    ("changes", "members", "options"),
    [
        ({}, 1, {}),
        ({}, 4, {"calibrate": True}),
        ({"order": np.arange(60)}, 4, {}),
        ({"given": np.zeros(60, int)}, 4, {}),
        ({"groups": np.zeros(60, int)}, 4, {}),
    ],
)
def test_where_one_set_of_validation_rows_is_needed(changes, members, options):
    made = material(**changes)
    parts, _ = divide(material(), (0.6, 0.2, 0.2), 0)
    assert fold(made, parts, members, Options(**options)) == (parts, None)
