"""Training and held-out rows beside each other: what is no fault of labels, and raises none."""

from typing import Any

import numpy as np
import pytest

import backlit as bl
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


def texts(seed: int, rows: int, shortest: int, longest: int, often: float = 0.02) -> np.ndarray:
    """Rows of tokens of one distribution, filled up with 0; the last token stands so often besides."""
    rng = np.random.default_rng(seed)
    x = rng.choice(np.arange(1, 41), size=(rows, 60), p=np.arange(40, 0, -1) / 820)
    x[rng.random(x.shape) < often] = 40
    x[np.arange(60) >= rng.integers(shortest, longest + 1, rows)[:, None]] = 0
    return x


def told_of(x: np.ndarray, held_x: np.ndarray, network: tuple[bl.Layer, ...]) -> dict[str, Any]:
    """What is known of the parts before training."""
    y, held_y = x[:, 0] % 2, held_x[:, 0] % 2
    net = bl.Sequential(*network)
    options = {"epochs": 1, "validation": (held_x, held_y), "engine": "numpy", "seed": 0, "progress": False}
    told: dict[str, Any] = bl.fit(net, x, y, **options).start["data"]["parts"]
    return told


@pytest.mark.parametrize("pooled", [True, False])
def test_texts_that_differ_in_length_alone_are_no_other_tokens(pooled: bool) -> None:
    network = (bl.Embedding(41, 4), bl.GlobalAvgPool() if pooled else bl.GRU(4), bl.Linear(2))
    for seed in range(3):
        told = told_of(texts(seed, 200, 30, 60), texts(9 + seed, 100, 10, 40), network)
        assert told["apart"] < 0.65
        assert told["by_length"] > 0.9
        (found,) = [each for each in judged(told, "class") if each.kind is parts.SHIFTED]
        assert found.sign is parts.LENGTHS
    alike = told_of(texts(0, 200, 10, 60), texts(9, 100, 10, 60), network)
    assert [each.sign for each in judged(alike, "class") if each.kind is parts.SHIFTED] == []
    other = told_of(texts(0, 200, 10, 60), texts(9, 100, 10, 60, 0.5), network)
    assert other["token"] == 40
    assert [each.sign for each in judged(other, "class") if each.kind is parts.SHIFTED] == [parts.TOKENS]


def test_the_limit_that_is_told_is_the_one_that_is_used() -> None:
    rng = np.random.default_rng(0)
    x, held_x = rng.normal(size=(40, 3)), rng.normal(size=(20, 3)) + 3
    (found,) = judged(parts_of(x, x[:, 0], held_x, held_x[:, 0] * 0, "none"), "number")
    assert found.sign is parts.APART
    assert found.threshold == pytest.approx(0.5 + 4 * (61 / (12 * 800)) ** 0.5)
