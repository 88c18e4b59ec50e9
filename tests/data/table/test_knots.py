"""Knots of a table's numbers: quantiles, values where these are few, and fewer where there are many numbers."""

import numpy as np

from backlit.data.table.knots import knots


def test_pieces_hold_equal_shares_of_the_rows(rng: np.random.Generator) -> None:
    x = rng.lognormal(0, 1, (5000, 1))
    (found,) = knots(x, most=8, room=100)
    assert np.histogram(x[:, 0], found)[0].tolist() == [625] * 8


def test_few_values_are_all_knots_and_two_are_none() -> None:
    x = np.stack([np.arange(60) % 5, np.arange(60) % 2, np.zeros(60)], axis=1)
    assert knots(x, most=16, room=100) == ((0.0, 1.0, 2.0, 3.0, 4.0), (), ())


def test_a_value_of_most_rows_is_one_knot(rng: np.random.Generator) -> None:
    x = np.where(rng.random((1000, 1)) < 0.7, 0.0, rng.random((1000, 1)))
    (found,) = knots(x, most=10, room=100)
    assert found[0] == 0.0
    assert list(found) == sorted(set(found))
    assert len(found) in (4, 5)


def test_many_numbers_share_the_room(rng: np.random.Generator) -> None:
    x = rng.standard_normal((300, 50))
    assert {len(places) - 1 for places in knots(x, most=32, room=200)} == {4}
    assert not any(knots(x, most=32, room=99))


def test_long_tables_are_seen_in_part(rng: np.random.Generator) -> None:
    x = rng.random((200_001, 1)).astype("float32")
    assert np.abs(np.array(knots(x, most=4, room=100)[0]) - [0, 0.25, 0.5, 0.75, 1]).max() < 0.02
