"""Networks for sequences by their spec: one grammar for all, and what each kind of sequence makes of it."""

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError, UnknownNameError
from backlit.nn.spec.parts import CELLS, RECURRENT
from backlit.nn.spec.sequences import Writer, for_sequences, for_stream, for_texts, for_windows

BUILDERS = {
    "texts": lambda spec: for_texts(spec, 2, 0.0, 9, "words"),
    "windows": lambda spec: for_windows(spec, 2, "relu", 0.0),
    "stream": lambda spec: for_stream(spec, 9, 2, 0.0),
    "sequences": lambda spec: for_sequences(spec, (5,), 0.0, vocabulary=9, outputs=2),
}
SHAPES = {"texts": (5,), "windows": (5, 3), "stream": (5,), "sequences": (5,)}


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("builder", BUILDERS)
def test_every_kind_of_sequence_knows_every_cell(builder, kind):
    network = BUILDERS[builder](f"{kind}:4").build(SHAPES[builder], seed=0)
    assert any(name.startswith(type(CELLS[kind](1)).__name__) for name in map(repr, _layers(network.architecture)))


@pytest.mark.parametrize("kind", [kind for kind in RECURRENT if kind.startswith("bi")])
@pytest.mark.parametrize("builder", ["texts", "sequences"])
def test_both_directions_where_the_end_is_known(builder, kind):
    network = BUILDERS[builder](f"{kind}:4,3")
    both = [layer for layer in _layers(network) if isinstance(layer, bl.Bidirectional)]
    assert len(both) == 2
    assert network.output_shape(SHAPES[builder]) == (2,)


@pytest.mark.parametrize("spec", ["lstm:", "lstm:0", "lstm:4x", "lstm:4,,4", "lstm: 4", "gru:-1"])
@pytest.mark.parametrize("builder", BUILDERS)
def test_sizes_that_are_none_are_refused_alike(builder, spec):
    if spec.endswith(":"):  # as if no size had been named
        BUILDERS[builder](spec)
        return
    with pytest.raises(InputError, match=f"network '{spec}': expected "):
        BUILDERS[builder](spec)


@pytest.mark.parametrize("builder", BUILDERS)
def test_an_unknown_kind_is_answered_with_the_nearest(builder):
    with pytest.raises(UnknownNameError, match="did you mean 'lstm'"):
        BUILDERS[builder]("lstn:4")


def test_a_stream_goes_one_way_only():
    with pytest.raises(UnknownNameError, match=r"network for a text \(rnn, lstm, gru or transformer\) 'bilstm'"):
        for_stream("bilstm:8", 9, 2, 0.0)


def test_windows_take_one_recurrent_layer():
    with pytest.raises(InputError, match=r"network 'gru:8,8': expected the number of units, such as gru:32"):
        for_windows("gru:8,8", 2, "relu", 0.0)


def test_the_last_layer_for_windows_starts_at_zero():
    for spec in ("linear", "mlp:4", "rnn:4"):
        network = for_windows(spec, 2, "relu", 0.0).build((5, 3), seed=0)
        assert not np.asarray(network(np.ones((2, 5, 3)))).any()


def test_convolutions_see_more_characters_than_words():
    networks = [for_texts("cnn:4", 2, 0.0, 9, unit) for unit in ("words", "characters")]
    words, characters = (
        next(layer for layer in _layers(network) if isinstance(layer, bl.Conv1d)) for network in networks
    )
    assert (words, characters) == tuple(bl.Conv1d(4, k, padding="same", weight_init="kaiming") for k in (3, 5))


def test_a_writer_has_units_and_layers_of_the_spec():
    network = for_sequences("bigru:6,4", (5,), 0.0, vocabulary=9, writer=Writer(7, 3, "dot"))
    assert (network.decoder.units, network.decoder.cell, network.decoder.layers) == (4, "gru", 2)
    assert network.output_shape((5,))[0] == 3
    flat = for_sequences("lstm:4", (3, 3, 1), 0.0, writer=Writer(7, 3))
    assert isinstance(flat.encoder.layers[0], bl.Flatten)


def test_a_network_of_ones_own_reads_as_it_is():
    own = bl.GRU(3)
    assert for_sequences(own, (5, 2), 0.5, outputs=2) == bl.Sequential(own, bl.Linear(2))


def _layers(layer):
    yield layer
    for _, part in layer.parts():
        yield from _layers(part)
