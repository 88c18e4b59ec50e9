"""Rules on evidence made by hand, each with a twin that must stay silent."""

import numpy as np
import pytest

import backlit as bl
from backlit.doctor.diagnose import run_rules
from backlit.doctor.findings import (
    capacity,
    depth,
    duplicates,
    learning_rate,
    scale,
    sequences,
    still_layers,
    undefined,
    unrelated_labels,
)
from backlit.train.divergence import Divergence
from tests.doctor.common import evidence, names
from tests.doctor.making import held_out, simple

WAVES = list(0.6 + 0.3 * (np.arange(20) % 2))


def test_oscillating_is_told_from_too_high() -> None:
    assert names(learning_rate.high(evidence(WAVES, ratio=0.2))) == ["learning rate oscillating"]
    assert names(learning_rate.high(evidence([a + 1.5 for a in WAVES], ratio=0.2))) == ["learning rate too high"]
    assert not learning_rate.high(evidence(ratio=0.2))
    (told,) = learning_rate.high(evidence(WAVES, ratio=0.2))
    assert "bl.SGD(learning_rate=bl.optim.Cosine(start=0.033, steps=200))" in told.remedy
    assert bl.optim.Cosine(start=0.033, steps=200)(0) == 0.033


def test_small_steps_dont_overshoot() -> None:
    assert not learning_rate.high(evidence([2.0] * 20, ratio=1e-4))
    assert names(learning_rate.low(evidence([2.0] * 20, ratio=1e-4))) == ["learning rate too low"]


@pytest.mark.parametrize(
    ("loss", "place", "name"),
    [
        ("mse", "loss", "learning rate too high"),
        ("mse", "layer", "learning rate too high"),
        ("nll", "loss", "source of NaN"),
    ],
)
def test_who_can_make_a_nan(loss: str, place: str, name: str) -> None:
    own = evidence([1.0, 1.1], ratio=0.2, loss=loss, diverged=Divergence(place, "0", 2, 3))
    assert names([*undefined.nan(own), *learning_rate.high(own)]) == [name]


def test_frozen() -> None:
    assert names(still_layers.frozen(evidence(still=("0/weight",)))) == ["frozen layer"]
    assert not still_layers.frozen(evidence())
    assert not still_layers.frozen(evidence(still=("0/weight",), gradient=0.0))  # that is an unconnected layer
    assert not still_layers.frozen(evidence(ratio=0.0))  # nothing moves: the rate


@pytest.mark.parametrize(("growth", "told"), [(1000.0, True), (20.0, False)])
def test_gradients_that_grow(growth: float, told: bool) -> None:
    net = bl.Sequential(bl.Linear(4), bl.ReLU(), bl.Linear(4), bl.ReLU(), bl.Linear(1)).build((3,))
    layers = {path: {"gradient_norm": norm} for path, norm in (("0", growth), ("2", 10.0), ("4", 1.0))}
    assert bool(depth.growing(evidence(net=net, layers=layers))) == told


def test_a_loss_that_is_climbed_or_summed_says_nothing_of_the_rate() -> None:
    rising = list(np.linspace(1.2, 5.0, 20))
    assert names(learning_rate.high(evidence(rising, ratio=0.05))) == ["learning rate too high"]
    assert not learning_rate.high(evidence(rising, ratio=0.05, optimizer=bl.SGD(0.1, maximize=True)))
    summed = evidence([0.2 * 300] * 20, [0.2 * 100] * 20, settings={"reduction": "sum"})
    assert summed.skill(False) == summed.skill(True) == pytest.approx(0.8)


def test_what_a_line_knows_needs_no_width() -> None:
    narrow = bl.Sequential(bl.Linear(4), bl.Tanh(), bl.Linear(1)).build((3,))
    arrived = {"net": narrow, "ratio": 0.01, "start": {"params": {}}}
    assert names(capacity.capacity(evidence(data=simple(0.95, linear=0.1), **arrived))) == ["too little capacity"]
    assert not capacity.capacity(evidence(data=simple(0.95), **arrived))


def test_what_shares_of_tokens_tell_is_told() -> None:
    by_heart = {"net": bl.Sequential(bl.Linear(4), bl.Tanh(), bl.Linear(2)).build((3,)), "loss": "cross_entropy"}
    shares = {"shares": [0.5, 0.5]}

    def told(inner: float) -> list[str]:
        parts = held_out(
            token=3, inner=inner, across=inner, within=inner, guess=0.5, guess_inner=0.5, counted_inner=250
        )
        data = {"kind": "class", "targets": shares, "held_targets": shares, **parts}
        return names(unrelated_labels.by_heart(evidence([0.1] * 20, [1.2] * 20, data=data, **by_heart)))

    assert told(0.51) == ["unrelated labels"]
    assert told(0.9) == []


def test_rows_that_repeat_by_nature_are_no_copies() -> None:
    shared = {"shared": {"count": 80, "share": 0.4, "chance": 0.0}}
    twins = {"contrary": 0.2, "repeated": 0.4, "chance": 0.0}
    copies = evidence(data=shared | {"twins": twins | {"contrary": 0.0, "natural": False}})
    assert names(duplicates.leak(copies)) == ["leak between splits"]
    natural = evidence(data=shared | {"twins": twins | {"natural": True}})
    assert not duplicates.leak(natural)
    assert [found.severity for found in duplicates.contrary(natural)] == ["remark"]


def test_inputs_off_centre_are_an_alarm_before_training_only_far_off() -> None:
    def told(offset: float) -> list[str]:
        facts = {"std": 1.0, "least_std": 1.0, "most_std": 1.0, "most_rms": offset, "median_rms": offset}
        return [
            own.severity for own in scale.scale(evidence(trained=False, data={"inputs": facts | {"offset": offset}}))
        ]

    assert (told(30.0), told(5.0), told(3.0)) == (["alarm"], ["remark"], [])


RAGGED = {
    "steps": 40, "blank": 0, "padding": 0.0, "after": 0.5, "before": 0.0, "full": 0.05, "empty": 0.0, "lengths": 30,
}  # fmt: skip


def recurrent(layer) -> bl.Network:
    return bl.Sequential(layer, bl.Linear(1)).build((40, 2))


def sequence(facts, losses=(0.8,) * 20, masked: bool = False):
    """A recurrent network's run on sequences of which this is known."""
    layer = bl.Masked(bl.LSTM(3)) if masked else bl.LSTM(3)
    return evidence(losses, net=recurrent(layer), data={"sequences": facts})


def test_padding_that_is_read() -> None:
    assert names(sequences.padding(sequence(RAGGED))) == ["padding not masked"]
    masked = RAGGED | {"masked": 0.5, "inner": 0.0, "contrary": 0.0}
    assert not sequences.padding(sequence(masked, masked=True))
    assert not sequences.padding(sequence(RAGGED | {"after": 0.0, "before": 0.5}))
    assert not sequences.padding(sequence(RAGGED, [0.05] * 20))


def test_sequences_that_were_cut() -> None:
    piled = RAGGED | {"full": 0.6}
    assert names(sequences.cut(sequence(piled))) == ["truncated sequences"]
    assert not sequences.cut(sequence({**piled, "whole": True}))  # lengths may pile up by themselves
    assert not sequences.cut(sequence(RAGGED))
    assert not sequences.cut(sequence(piled | {"full": 1.0}))
    assert not sequences.cut(sequence(piled, [0.05] * 20))


def test_a_mask_that_hides_the_target() -> None:
    net = recurrent(bl.Masked(bl.LSTM(3)))
    masked = RAGGED | {"masked": 0.5, "inner": 0.3, "contrary": 0.2}
    assert names(sequences.mask(evidence(net=net, data={"sequences": masked}))) == ["mask hides the target"]
    assert not sequences.mask(evidence(net=net, data={"sequences": masked | {"contrary": 0.01}}))
    blank = {"steps": 40, "blank": 3}
    assert names(sequences.mask(evidence([1.0] * 20, net=net, data={"sequences": blank}))) == ["mask hides the target"]
    assert not sequences.mask(evidence([0.3] * 20, net=net, data={"sequences": blank}))


def test_what_follows_stands_under_its_cause() -> None:
    net = recurrent(bl.LSTM(3))
    found = run_rules(evidence([1.0] * 20, net=net, data={"sequences": RAGGED}))
    assert names(found.alarms) == ["padding not masked"]
