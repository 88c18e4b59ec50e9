"""Networks that read step by step: layers with a state, and an output for each step."""

from __future__ import annotations

import dataclasses
from typing import Any

from backlit.errors import InputError
from backlit.graph import tree
from backlit.languages import Template
from backlit.nn.layer import Layer, Network
from backlit.nn.layers.containers import Sequential
from backlit.nn.layers.dropout import Dropout
from backlit.nn.layers.linear import Linear
from backlit.nn.spec.parts import CELLS

KINDS: tuple[Any, ...] = tuple(CELLS.values())
WORDS = {
    "rnn:8": Template("recurrent layer (RNN)", "순환 층(RNN)"),
    "lstm:8": Template("LSTM layer", "LSTM 층"),
    "gru:8": Template("GRU layer", "GRU 층"),
    "gru:8,8": Template("two GRU layers", "GRU 층 두 개"),
}
NO_STEPS = Template(
    "this network has no output for each character, which a text needs: take layers of kind rnn, lstm, gru or linear, "
    "or a network such as lstm:8",
    "텍스트에는 글자마다 출력이 있어야 하는데 이 신경망에는 없습니다. rnn, lstm, gru, linear 층이나 lstm:8 같은 "
    "신경망을 고르세요.",
)


def cell(kind: str, units: int, activation: str, **options: Any) -> Layer:
    """A recurrent layer that hands on every step's state; only RNN has a choice of activation."""
    if kind == "rnn" and activation in ("tanh", "relu"):
        options["activation"] = activation
    layer: Layer = CELLS[kind](units, return_sequences=True, **options)
    return layer


def each_step(architecture: Layer, shape: Any, outputs: int) -> Layer:
    """The network with an output for each step.

    Raises
    ------
    InputError
        If it can't have one.
    """
    if isinstance(architecture, Sequential):
        architecture = Sequential(*map(_opened, architecture.layers))
    if tuple(architecture.output_shape(shape)) != (shape[0], outputs):
        raise InputError(NO_STEPS.say())
    return architecture


def _opened(layer: Layer) -> Layer:
    return dataclasses.replace(layer, return_sequences=True) if isinstance(layer, KINDS) else layer


def own_rows(network: Network, path: str, unit: int) -> list[tuple[str, int]]:
    """Which rows of which parameters are a unit's own: of each gate, and from the state before."""
    params = dict(tree.items(network.params))
    layer: Any = dict(network.architecture.walk()).get(path)
    if not isinstance(layer, KINDS):
        return [(f"{path}/{name}", unit) for name in ("weight", "bias") if f"{path}/{name}" in params]
    if unit >= layer.units:
        return []
    names = [f"{path}/{name}" for name in ("weight", "bias", "recurrent/weight") if f"{path}/{name}" in params]
    rows = [(name, gate * layer.units + unit) for name in names for gate in range(len(layer.gates))]
    return [*rows, *([(f"{path}/recurrent/bias", unit)] if f"{path}/recurrent/bias" in params else [])]


def is_shown_by_unit(architecture: Layer) -> bool:
    """Whether it is a chain of which each unit at a step can be shown."""
    return isinstance(architecture, Sequential) and all(map(_is_plain, architecture.layers))


def _is_plain(layer: Layer) -> bool:
    bends = layer.facts is not None and layer.facts.elementwise
    return bends or isinstance(layer, (*KINDS, Linear, Dropout))
