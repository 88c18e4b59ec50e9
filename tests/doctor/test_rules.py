"""Rules on evidence made by hand, each with a twin that must stay silent."""

import numpy as np
import pytest

import backlit as bl
from backlit.doctor.diagnose import judged
from backlit.doctor.evidence import Evidence
from backlit.doctor.findings import gradients, rates, sequences, structure
from backlit.train.divergence import Divergence

DATA = {"guess": 1.0, "held_guess": 1.0, "rows": 300, "held": 100, "kind": "number", "batch": 30}


def evidence(
    losses=None, ratio: float = 1e-3, net=None, loss: str = "mse", gradient: float = 0.1, still: str = "", **changes
) -> Evidence:
    """A run that got rid of a quarter of the guess's loss, and stays there."""
    losses = [0.8] * 20 if losses is None else losses
    net = net or bl.Sequential(bl.Linear(4), bl.Tanh(), bl.Linear(1)).build((3,))
    weights = [path for path in ("0/weight", "2/weight") if not changes.get("sequences")]
    params = {
        path: {"norm": 1.0, "gradient_norm": gradient, "update_ratio": 0.0 if path == still else ratio}
        for path in weights
    }
    data = DATA | {"sequences": changes.pop("sequences", {})} | changes.pop("data", {})
    start = {"data": data, "params": params, "layers": changes.pop("layers", {}), "loss": 1.1, "step": 0}
    looks = [{"epoch": e, "step": 10 * e, "params": params, "layers": {}} for e in (1, 10, 20)]
    history = [{"epoch": i, "loss": a, "val_loss": a, "r2": 1 - a, "val_r2": 1 - a} for i, a in enumerate(losses, 1)]
    return Evidence(net, bl.losses.get(loss), bl.SGD(0.1), start, looks, history, **changes)


def names(found) -> list[str]:
    return [own.name for own in found]


WAVES = list(0.6 + 0.3 * (np.arange(20) % 2))


def test_oscillating_is_told_from_too_high() -> None:
    assert names(rates.high(evidence(WAVES, ratio=0.2))) == ["learning rate oscillating"]
    assert names(rates.high(evidence([a + 1.5 for a in WAVES], ratio=0.2))) == ["learning rate too high"]
    assert not rates.high(evidence(ratio=0.2))
    (told,) = rates.high(evidence(WAVES, ratio=0.2))
    assert "bl.SGD(learning_rate=bl.optim.Cosine(0.033, 200))" in told.remedy
    assert bl.optim.Cosine(0.033, 200)(0) == 0.033


def test_small_steps_dont_overshoot() -> None:
    assert not rates.high(evidence([2.0] * 20, ratio=1e-4))
    assert names(rates.low(evidence([2.0] * 20, ratio=1e-4))) == ["learning rate too low"]


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
    assert names([*rates.nan(own), *rates.high(own)]) == [name]


def test_frozen() -> None:
    assert names(structure.frozen(evidence(still="0/weight"))) == ["frozen layer"]
    assert not structure.frozen(evidence())
    assert not structure.frozen(evidence(still="0/weight", gradient=0.0))  # that is an unconnected layer
    assert not structure.frozen(evidence(ratio=0.0))  # nothing moves: the rate


@pytest.mark.parametrize(("growth", "told"), [(1000.0, True), (20.0, False)])
def test_gradients_that_grow(growth: float, told: bool) -> None:
    net = bl.Sequential(bl.Linear(4), bl.ReLU(), bl.Linear(4), bl.ReLU(), bl.Linear(1)).build((3,))
    layers = {path: {"gradient_norm": norm} for path, norm in (("0", growth), ("2", 10.0), ("4", 1.0))}
    assert bool(gradients.growing(evidence(net=net, layers=layers))) == told


RAGGED = {
    "steps": 40, "blank": 0, "padding": 0.0, "after": 0.5, "before": 0.0, "full": 0.05, "empty": 0.0, "lengths": 30,
}  # fmt: skip


def recurrent(layer) -> bl.Network:
    return bl.Sequential(layer, bl.Linear(1)).build((40, 2))


def test_padding_that_is_read() -> None:
    assert names(sequences.padding(evidence(net=recurrent(bl.LSTM(3)), sequences=RAGGED))) == ["padding not masked"]
    masked = RAGGED | {"masked": 0.5, "inner": 0.0, "contrary": 0.0}
    assert not sequences.padding(evidence(net=recurrent(bl.Masked(bl.LSTM(3))), sequences=masked))
    assert not sequences.padding(evidence(net=recurrent(bl.LSTM(3)), sequences=RAGGED | {"after": 0.0, "before": 0.5}))
    assert not sequences.padding(evidence([0.05] * 20, net=recurrent(bl.LSTM(3)), sequences=RAGGED))


def test_sequences_that_were_cut() -> None:
    piled = RAGGED | {"full": 0.6}
    assert names(sequences.cut(evidence(net=recurrent(bl.LSTM(3)), sequences=piled))) == ["truncated sequences"]
    assert not sequences.cut(evidence(net=recurrent(bl.LSTM(3)), sequences=RAGGED))
    assert not sequences.cut(evidence(net=recurrent(bl.LSTM(3)), sequences=piled | {"full": 1.0}))
    assert not sequences.cut(evidence([0.05] * 20, net=recurrent(bl.LSTM(3)), sequences=piled))


def test_a_mask_that_hides_the_target() -> None:
    net = recurrent(bl.Masked(bl.LSTM(3)))
    masked = RAGGED | {"masked": 0.5, "inner": 0.3, "contrary": 0.2}
    assert names(sequences.mask(evidence(net=net, sequences=masked))) == ["mask hides the target"]
    assert not sequences.mask(evidence(net=net, sequences=masked | {"contrary": 0.01}))
    blank = {"steps": 40, "blank": 3}
    assert names(sequences.mask(evidence([1.0] * 20, net=net, sequences=blank))) == ["mask hides the target"]
    assert not sequences.mask(evidence([0.3] * 20, net=net, sequences=blank))


def test_what_follows_stands_under_its_cause() -> None:
    net = recurrent(bl.LSTM(3))
    found = judged(evidence([1.0] * 20, net=net, sequences=RAGGED))
    assert names(found.alarms) == ["padding not masked"]
