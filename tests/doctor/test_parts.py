"""Training and held-out rows beside each other: what is no fault of labels, and raises none."""

from typing import Any

import numpy as np
import pytest

from backlit.doctor.finding import Finding
from backlit.doctor.findings import parts
from backlit.train.probes.parts import parts_of
from tests.doctor.common import evidence

KNOWN, SCATTERED = [0.1] * 20, [1.1] * 20


def judged(told: dict[str, Any], kind: str) -> list[Finding]:
    """What is found where the network tells training rows, but not held-out ones."""
    e = evidence(KNOWN, SCATTERED, data={"parts": told, "kind": kind})
    return [*parts.shifted(e), *parts.wrong_labels(e)]


def rows(seed: int, count: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows of two classes, of which the second has so many."""
    rng = np.random.default_rng(seed)
    y = (np.arange(count) < share * count).astype(int)
    return rng.normal(size=(count, 4)) + 1.5 * y[:, None], y


@pytest.mark.parametrize("shares", [(0.5, 0.05), (0.05, 0.5), (0.5, 0.2), (0.2, 0.5)])
def test_classes_that_are_rarer_in_one_part_are_no_wrong_labels(shares: tuple[float, float]) -> None:
    (x, y), (held_x, held_y) = rows(0, 256, shares[0]), rows(1, 256, shares[1])
    assert not [found for found in judged(parts_of(x, y, held_x, held_y, "class"), "class") if found.kind.place == 4]


def test_shuffled_labels_are_found_though_classes_are_rarer() -> None:
    (x, y), (held_x, held_y) = rows(0, 256, 0.5), rows(1, 256, 0.25)
    told = parts_of(x, y, held_x - 1.5 * held_y[:, None], held_y, "class")
    assert parts.WRONG_LABELS in [found.kind for found in judged(told | {"apart": 0.5}, "class")]


def test_held_out_rows_stored_by_class_are_drawn_from_all_of_them() -> None:
    x, y = rows(0, 600, 0.5)
    told = parts_of(x, y, *rows(1, 900, 0.4), "class")  # the first 360 are of one class
    assert told["held"] == 256
    assert told["guess"] == 0.5
    assert told["across"] == pytest.approx(told["inner"], abs=0.06)
    assert judged(told, "class") == []


def test_a_level_that_drifts_is_no_other_label() -> None:
    rng = np.random.default_rng(0)
    x, held = rng.normal(size=(250, 3)), rng.normal(size=(120, 3))
    (found,) = judged(parts_of(x, x[:, 0], held, held[:, 0] + 1.2, "number"), "number")
    assert (found.kind, found.sign) == (parts.SHIFTED, parts.DRIFTED)
    assert "1.2 standard deviations off" in found.where
    assert "keep their order" in found.remedy
    (scaled,) = judged(parts_of(x, x[:, 0], held, held[:, 0] * -9, "number"), "number")
    assert (scaled.kind, scaled.sign) == (parts.WRONG_LABELS, parts.RENAMED)


@pytest.mark.parametrize("where", ["input", "target"])
def test_one_row_far_away_blames_no_labels(where: str) -> None:
    rng = np.random.default_rng(0)
    x, held = rng.normal(size=(250, 3)), rng.normal(size=(120, 3))
    y, held_y = x[:, 0] + 0.1 * x[:, 1], held[:, 0] + 0.1 * held[:, 1]
    if where == "input":
        held[7, 0] = 1e3
    else:
        held_y[7] = 1e3
    told = parts_of(x, y, held, held_y, "number")
    assert told["across"] > 0.8
    assert judged(told, "number") == []


def test_a_label_moved_by_a_row_is_looked_for_in_rows_that_follow_one_another() -> None:
    rng = np.random.default_rng(0)
    x, held = rng.normal(size=(250, 3)), rng.normal(size=(2000, 3))
    y, held_y = (x[:, 0] > 0).astype(int), np.roll(held[:, 0] > 0, 1).astype(int)
    (found,) = judged(parts_of(x, y, held, held_y, "class", stretch=(held[700:950], held_y[700:950])), "class")
    assert found.sign is parts.MOVED
