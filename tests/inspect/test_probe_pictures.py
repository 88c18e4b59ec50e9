"""Pictures of probes: what is drawn, and what is said when there is nothing to draw."""

import numpy as np
import pytest

import backlit as bl


@pytest.fixture(scope="module")
def run():
    rng = np.random.default_rng(0)
    net = bl.Sequential(bl.RNN(4, return_sequences=True), bl.LSTM(3), bl.Linear(4), bl.ReLU(), bl.Linear(1))
    return bl.fit(net, rng.normal(size=(40, 6, 2)), rng.normal(size=40), epochs=6, probes=bl.Probes(every=1))


def test_flow_draws_layers_and_time(run):
    layers, *through_time = run.flow().axes
    assert [axis.get_title() for axis in through_time] == ["through time: 0", "through time: 1"]
    assert [text.get_text().split()[0] for text in layers.get_xticklabels()] == ["0", "1", "2", "3", "4"]
    assert [line.get_label() for line in layers.lines] == ["epoch 1", "epoch 3", "epoch 4", "epoch 6"]
    drawn = layers.lines[-1].get_ydata()
    assert list(drawn) == [run.probes[-1]["layers"][str(i)]["gradient_norm"] for i in range(5)]
    assert list(through_time[0].lines[-1].get_ydata()) == run.probes[-1]["layers"]["0"]["steps"]["gradient_norm"]


def test_activations_draw_every_layer(run):
    titles = [axis.get_title() for axis in run.activations().axes if axis.axison]
    assert titles == ["input", "0 RNN", "1 LSTM", "2 Linear", "3 ReLU", "4 Linear"]
    assert "after epoch 2" in run.activations(2).get_suptitle()


def test_layers_of_a_kind_share_a_range(run):
    limits = [axis.get_xlim() for axis in run.activations().axes if "Linear" in axis.get_title()]
    assert limits[0] == limits[1]


def test_many_layers_are_thinned_out():
    deep = bl.Sequential(*[bl.Tanh() for _ in range(60)])
    made = bl.probe(deep, np.linspace(-1, 1, 30).reshape(10, 3)).activations()
    assert "30 of 61 layers" in made.get_suptitle()


def test_constant_and_infinite_layers_are_drawn():
    net = bl.Sequential(bl.Linear(2, weight_init="zeros"), bl.Linear(1, weight_init="constant:1e38")).build(2)
    zero = bl.probe(net, np.eye(2)).activations()
    assert any("all 0" in axis.get_xlabel() for axis in zero.axes)
    huge = bl.probe(bl.Linear(2, weight_init="constant:1e38").build(2), np.full((2, 2), 9.0)).activations()
    assert any("NaN or infinite" in text.get_text() for axis in huge.axes for text in axis.texts)


def test_no_histograms_no_picture():
    found = bl.probe(bl.Linear(1), np.eye(2), probes=bl.Probes(histograms=False))
    with pytest.raises(bl.InputError, match=r"have no histograms"):
        found.activations()
