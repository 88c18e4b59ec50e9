"""What noise allows for: against drawn samples, and on curves whose answer is known."""

import numpy as np
import pytest

import backlit as bl
from backlit.doctor.evidence import Evidence
from backlit.doctor.findings.imbalance import imbalance
from backlit.doctor.findings.overfitting import overfitting
from backlit.doctor.noise import between_epochs, of_loss, of_share


def test_errors_against_drawn_samples() -> None:
    rng = np.random.default_rng(0)
    drawn = np.square(rng.normal(size=(4000, 50))).mean(axis=1)
    assert of_loss(1.0, 50) == pytest.approx(drawn.std(), rel=0.05)
    assert of_share(0.7, 50) == pytest.approx((rng.random((4000, 50)) < 0.7).mean(axis=1).std(), rel=0.05)
    curve = np.linspace(2, 1, 4000) + 0.1 * rng.normal(size=4000)
    assert between_epochs(curve) == pytest.approx(0.1, rel=0.05)


def curves(held: list[float], train: list[float], rows: int, accuracy: float = 0.75) -> Evidence:
    net = bl.Sequential(bl.Linear(2)).build((2,))
    history = [
        {"loss": a, "val_loss": b, "accuracy": 0.9, "val_accuracy": accuracy}
        for a, b in zip(train, held, strict=True)
    ]  # fmt: skip
    data = {"guess": 0.693, "held_guess": 0.693, "held": rows, "rows": 3 * rows, "kind": "class"}
    return Evidence(net, bl.losses.get("cross_entropy"), bl.SGD(0.1), {"data": data}, history=history)


FALLING = list(np.linspace(0.69, 0.5, 20))


def test_a_rise_within_noise_is_none() -> None:
    """A fifth of the labels flipped: 0.6325 rises to 0.6498 on 150 rows, which is a quarter of the small gain."""
    held = [*np.linspace(0.69, 0.6325, 10), *np.linspace(0.6325, 0.6498, 10)]
    assert not overfitting(curves(held, FALLING, 150))


@pytest.mark.parametrize("rows", [120, 2000])
def test_a_clear_rise_is_told(rows: int) -> None:
    held = [*np.linspace(0.69, 0.45, 10), *np.linspace(0.45, 0.9, 10)]
    assert [own.name for own in overfitting(curves(held, FALLING, rows))] == ["overfitting"]


def test_the_same_rise_needs_enough_rows() -> None:
    held = [*np.linspace(0.69, 0.45, 10), *np.linspace(0.45, 0.62, 10)]
    assert overfitting(curves(held, FALLING, 2000))
    assert not overfitting(curves(held, FALLING, 12))


@pytest.mark.parametrize(("rows", "told"), [(40, False), (400, True)])
def test_imbalance_needs_rare_rows(rows: int, told: bool) -> None:
    own = curves([0.2] * 4, [0.2] * 4, rows, accuracy=0.95)
    own.start["data"]["held_targets"] = {"shares": [0.95, 0.05]}
    assert bool(imbalance(own)) == told
