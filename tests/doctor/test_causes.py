"""Causes claimed only where what was measured bears them out."""

from __future__ import annotations

import numpy as np
import pytest

import backlit as bl
from backlit.doctor.diagnose import evidence_of
from backlit.doctor.findings import capacity, decay, imbalance, learning_rate, overfitting, unlearned, unrelated_labels
from backlit.doctor.symptoms import dead
from backlit.train.divergence import Divergence
from tests.doctor.common import evidence, names
from tests.doctor.making import ARRIVED, classes, simple

BELOW = simple(0.95, linear=0.2)  # what neighbours reach; this network does no better than a line


@pytest.mark.parametrize(
    "changes",
    [
        {"ratio": 1e-3},  # the weights hardly moved
        {"optimizer": bl.SGD(bl.optim.Step(0.1, every=20, factor=1e-3))},  # the rate died
        {"optimizer": bl.SGD(0.1, momentum=0.999)},
        {"late_layers": {"1": {"layer": "Tanh", "saturated": 0.9}}},
        {"net": bl.Sequential(bl.Linear(200), bl.Tanh(), bl.Linear(1))},  # large enough to know each row
        {"start": {}, "gradient": 0.1},  # the gradient is what it was at first
    ],
)
def test_a_flat_loss_alone_is_no_lack_of_capacity(changes: dict) -> None:
    assert names(capacity.capacity(evidence(data=BELOW, **ARRIVED))) == ["too little capacity"]
    assert not capacity.capacity(evidence(data=BELOW, **(ARRIVED | changes)))


LEFT = {"start": {"params": {}}, "ratio": 0.01, "loss": "cross_entropy"}  # all has been learned, by steps that went far
OF_TEN = {"kind": "class"}


@pytest.mark.parametrize(
    ("layers", "shape", "suspected"),
    [
        ([bl.Conv2d(1, 3), bl.Tanh(), bl.GlobalAvgPool(), bl.Linear(10)], (8, 8, 1), True),
        ([bl.Linear(3), bl.Tanh(), bl.Linear(10)], (20,), True),
        ([bl.LSTM(4), bl.Linear(10)], (6, 3), True),
        ([bl.LSTM(4, return_sequences=True), bl.Linear(10)], (6, 3), True),  # a class at each step
        ([bl.Conv2d(8, 3), bl.Tanh(), bl.Flatten(), bl.Linear(10)], (8, 8, 1), False),  # 8 channels, 288 numbers
        ([bl.Embedding(65, 4), bl.LSTM(64, return_sequences=True), bl.Linear(65)], (6,), False),  # a table of low rank
        ([bl.Linear(64), bl.Residual(bl.Linear(4), bl.Tanh(), bl.Linear(64)), bl.Linear(10)], (20,), False),
        ([bl.ReLU(), bl.Linear(64), bl.Tanh(), bl.Linear(10)], (1,), False),  # the inputs are one number
    ],
)
def test_a_network_is_suspected_where_fewer_numbers_pass_than_there_are_classes(
    layers: list, shape: tuple, suspected: bool
) -> None:
    net = bl.Sequential(*layers).build(shape)
    found = capacity.narrow(evidence([0.6] * 20, net=net, data=OF_TEN, **LEFT))
    assert names(found) == ["too little capacity"] * suspected


def test_who_learned_and_who_compresses_isnt_too_narrow() -> None:
    net = bl.Sequential(bl.Linear(2), bl.Tanh(), bl.Linear(8)).build((8,))
    assert not capacity.narrow(evidence([0.6] * 20, net=net, **(LEFT | {"loss": "mse"})))  # an autoencoder
    few = bl.Sequential(bl.Linear(3), bl.Tanh(), bl.Linear(10)).build((20,))
    assert not capacity.narrow(evidence([0.2] * 20, net=few, data=OF_TEN, **LEFT))  # little is left
    picture = bl.Sequential(bl.Conv2d(8, 3), bl.ReLU(), bl.Flatten(), bl.Linear(10)).build((28, 28, 1))
    assert not capacity.narrow(evidence([0.4] * 20, [0.42] * 20, net=picture, data=OF_TEN, **LEFT))


def test_an_open_cause_says_what_was_ruled_out() -> None:
    wide = bl.Sequential(bl.Linear(99), bl.Tanh(), bl.Linear(1))
    (found,) = unlearned.open_cause(evidence(net=wide, data=BELOW, **ARRIVED))
    assert "ruled out: steps too large, steps too small, targets that nothing tells" in str(found)
    assert "배제된 원인: 너무 큰 갱신, 너무 작은 갱신" in found.message("where").within("ko")


def test_a_cause_is_not_open_where_the_loss_still_falls() -> None:
    wide = bl.Sequential(bl.Linear(99), bl.Tanh(), bl.Linear(1))
    falling = evidence(np.linspace(1.0, 0.5, 20), net=wide, data=BELOW, **ARRIVED)
    assert not unlearned.open_cause(falling)
    assert names(unlearned.open_cause(evidence([0.5] * 20, net=wide, data=BELOW, **ARRIVED))) == ["open cause"]
    assert not unlearned.open_cause(evidence([0.5] * 5, net=wide, data=BELOW, **ARRIVED))  # too few to tell


def test_a_loss_that_rises_while_answers_stay_as_good_is_a_remark() -> None:
    held = [*np.linspace(1.0, 0.1, 10), *np.linspace(0.1, 0.4, 10)]
    options = {"net": bl.Sequential(bl.Linear(4), bl.Tanh(), bl.Linear(2)), "loss": "cross_entropy"}
    data = {"kind": "class", "held": 10**4, **simple(0.9, guess=0.5)}
    for end, severity in ((0.94, "remark"), (0.9, "alarm")):
        e = evidence([0.01] * 20, held, data=data, scores={"accuracy": 1.0, "val_accuracy": 0.95}, **options)
        for line in e.history[-4:]:
            line["val_accuracy"] = end
        assert [found.severity for found in overfitting.overfitting(e)] == [severity]


def test_no_finding_about_rates_without_an_update_or_a_gradient() -> None:
    at_once = Divergence("loss", "MeanSquaredError()", 1, 1)
    assert not learning_rate.high(evidence([], diverged=at_once))
    assert not learning_rate.low(evidence([2.0] * 20, ratio=0.0, gradient=0.0))
    assert not learning_rate.low(evidence([2.0] * 20, ratio=1e-6, gradient=0.0))
    assert not learning_rate.low(evidence([2.0] * 20, ratio=1e-7, optimizer=bl.SGD(1.0)))  # 10⁵ is no rate
    (told,) = learning_rate.low(evidence([2.0] * 20, ratio=1e-5, optimizer=bl.Adam(1e-5)))
    assert "learning_rate=0.01" in told.remedy


def test_no_finding_within_its_limit() -> None:
    for e in (evidence(diverged=Divergence("parameter", "0/weight", 2, 3)), evidence([3.0] * 20, ratio=0.05)):
        (found,) = learning_rate.high(e)
        assert found.measured is None or found.measured > found.threshold


def test_units_are_lost_where_the_first_layer_loses_them() -> None:
    layers = {
        "10": {"layer": "ReLU", "dead": 1.0}, "3": {"layer": "ReLU", "dead": 0.9}, "1": {"layer": "ReLU", "dead": 0.1},
    }  # fmt: skip
    assert dead({"layers": layers}) == ("3", 0.9)
    assert dead({"layers": {"1": {"layer": "ReLU", "dead": 0.2}, "3": {"layer": "ReLU", "dead": 0.4}}}) == ("3", 0.4)


def test_the_returned_weights_are_judged() -> None:
    spike = evidence([0.2] * 19 + [5.0])
    assert spike.end("loss") == 5.0
    assert evidence([0.2] * 18 + [0.21, 0.19]).end("loss") == pytest.approx(0.2)
    assert names(unlearned.worse(spike)) == ["worse than guessing"]


def test_a_decay_that_simple_models_would_not_lack_is_left_alone() -> None:
    weak = evidence([0.75] * 20, norm=0.1, optimizer=bl.AdamW(1e-3, weight_decay=0.1), data=simple(0.25))
    assert not decay.decay(weak)
    strong = evidence([0.95] * 20, norm=0.1, optimizer=bl.AdamW(1e-3, weight_decay=0.1), data=simple(0.9))
    assert [(found.name, found.severity) for found in decay.decay(strong)] == [("weight decay too strong", "alarm")]


def test_a_decay_that_grows_with_too_high_a_rate_is_not_the_cause() -> None:
    of = {"norm": 0.1, "data": simple(0.9)}
    leap = decay.ADAPTIVE_LEAP + 1
    assert not decay.decay(evidence([0.95] * 20, optimizer=bl.AdamW(10.0), ratio=leap, **of))
    assert decay.decay(evidence([0.95] * 20, settings={"penalty": "L2(1.0)"}, ratio=leap, **of))  # which no rate made


def test_a_decay_where_nothing_can_be_learned_is_a_remark() -> None:
    noise = evidence([1.0] * 20, norm=0.1, optimizer=bl.AdamW(1e-3, weight_decay=0.1), data=simple(0.02))
    assert [(found.name, found.severity) for found in decay.decay(noise)] == [("weight decay too strong", "remark")]
    unknown = evidence([1.0] * 20, norm=0.1, optimizer=bl.AdamW(1e-3, weight_decay=0.1))  # no simple model tells
    assert [found.severity for found in decay.decay(unknown)] == ["alarm"]


def test_few_rare_rows_held_out_are_judged_by_those_of_training() -> None:
    few = {
        "rare": {"recall": 0.0, "auc": 0.5, "rows": 4.0},
        "net": bl.Sequential(bl.Linear(2)),
        "loss": "cross_entropy",
    }
    data = classes(0.96, rows=400, held=100)
    sick = evidence(data=data, scores={"accuracy": 0.96, "val_accuracy": 0.96}, **few)
    assert [found.sign for found in imbalance.imbalance(sick)] == [imbalance.ONE_CLASS]
    assert not imbalance.imbalance(evidence(data=data, scores={"accuracy": 0.99, "val_accuracy": 0.96}, **few))


@pytest.mark.parametrize("options", [{"accumulate": 4}, {"steps_per_epoch": 3}])
def test_updates_are_those_that_were_made(options: dict) -> None:
    x = np.random.default_rng(0).normal(size=(120, 2)).astype("float32")
    net = bl.Sequential(bl.Linear(1))
    run = bl.fit(net, x, x[:, :1], epochs=4, batch_size=10, engine="numpy", progress=False, **options)
    e = evidence_of(run)
    assert (e.steps, e.updates) == (3, 12)
    assert e.updates == run.probes[-1]["step"]


def test_few_rows_of_many_columns_dont_show_that_labels_are_unrelated() -> None:
    net = bl.Sequential(bl.Linear(1)).build((100,))
    sick, few = ({"data": simple(0.0, rows=rows)} for rows in (600, 150))
    assert names(unrelated_labels.unlearnable(evidence([1.0] * 20, net=net, **sick))) == ["unrelated labels"]
    assert not unrelated_labels.unlearnable(evidence([1.0] * 20, net=net, **few))


def test_code_can_be_pasted() -> None:
    kept = bl.SGD(bl.optim.Cosine(0.1, 100), momentum=0.9)
    assert eval(learning_rate.pasted(kept), {"bl": bl}) == kept  # noqa: S307 - the doctor's own words


def test_words_suit_the_network() -> None:
    from backlit.doctor.findings import depth
    from tests.doctor.making import deep, flow

    (tanh,) = depth.layers(evidence(net=deep(bl.Tanh()), layers=flow(1e-6)))
    assert "sigmoid" not in str(tanh)
    (sigmoid,) = depth.layers(evidence(net=deep(bl.Sigmoid()), layers=flow(1e-6)))
    assert "each sigmoid passes at most 1/4" in str(sigmoid)


def test_a_start_brings_no_rate_with_it() -> None:
    from backlit.doctor.diagnose import run_rules

    waves = list(2.6 + 0.3 * (np.arange(20) % 2))
    found = run_rules(evidence(waves, ratio=0.2, weights={"0/weight": {"rms": 50.0}}))
    assert names(found.alarms)[:2] == ["initial weights too large", "learning rate too high"]
    assert "learning rate" not in " ".join(map(str, found[0].consequences))
