"""From a state to what is trained: the network, and the options of `backlit.fit`, each as objects and as Python."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Any

import numpy as np

from backlit import optim
from backlit.errors import InputError, ShapeError
from backlit.graph import tree
from backlit.languages import Template
from backlit.nn import losses
from backlit.nn.building import require_size
from backlit.nn.forward import fitting
from backlit.nn.layer import Layer, Network
from backlit.nn.layers import activations
from backlit.nn.layers.containers import Sequential
from backlit.nn.layers.dropout import Dropout
from backlit.nn.layers.linear import Linear
from backlit.nn.penalties import L1, L2
from backlit.nn.spec import build as of_word
from backlit.studio.recurrent import cell, each_step, own_rows
from backlit.studio.scripted import FOREVER, Rates, Scripted
from backlit.studio.sets import Rows
from backlit.studio.state import MOST_WEIGHTS, Change, NetworkState, State, TrainingState
from backlit.train.training import Training

CHUNK = 64  # updates that one call of the program may make
LOSS_OF_TEXTS = "cross_entropy"  # of the next character
NO_RUN = Template(
    "this data is no run's, so there is no network that it left: choose layers",
    "이 데이터는 실행 결과에서 온 것이 아니라서 남은 신경망이 없습니다. 층을 고르세요.",
)
PLACE = re.compile(r"([^\[\]]+)\[(\d+(?:,\d+)*)\]")


def architecture_of(state: NetworkState, rows: Rows) -> Layer:
    """The architecture, with the last layer that the data needs.

    Raises
    ------
    InputError, ShapeError
        If there can't be such a network.
    """
    if state.of_run:
        return _left(rows).architecture
    if state.architecture is not None:
        return Layer.from_dict(state.architecture)
    if state.word:
        shape = rows.x.shape[1:]
        word: Layer = of_word(state.word, rows.outputs, state.activation, input_shape=shape, seen_as=rows.picture)
        return word if rows.reading is None else each_step(word, shape, rows.outputs)
    options: dict[str, Any] = {"bias": state.bias} | ({"weight_init": state.initializer} if state.initializer else {})
    layers: list[Layer] = []
    for layer in state.layers:
        if layer.kind == "linear":
            layers += [Linear(layer.units, **options), activations.get(layer.activation)]
        else:
            layers.append(cell(layer.kind, layer.units, layer.activation, **options))
        layers += [Dropout(layer.dropout)] if layer.dropout else []
    layers.append(Linear(rows.outputs, **options))
    return Sequential(*layers, *([activations.get(state.output)] if state.output else []))


def network_of(state: State, rows: Rows) -> Network:
    """The network at update 0.

    Raises
    ------
    InputError, ShapeError
        If it can't be built, is too large for the studio, or weights to start from don't fit.
    """
    architecture, shape = architecture_of(state.network, rows), rows.x.shape[1:]
    size = require_size(architecture, fitting(architecture, shape))  # before any weight is drawn
    if size > MOST_WEIGHTS:
        raise InputError(f"network: {size:,} weights are too many for the studio, which takes {MOST_WEIGHTS:,}")
    if state.network.of_run:
        network = _left(rows).astype(state.training.dtype)
    else:
        network = architecture.build(shape, seed=state.training.seed, dtype=state.training.dtype)
    starts = {**(state.network.weights or {})}
    for change in state.history:
        if change.do == "edit" and change.at == 0:
            path, index = place_of(change.place, network)
            array = np.array(starts.get(path, flat(network)[path]), dtype=network.dtype)
            array[index] = change.value
            starts[path] = array
    return network if not starts else started(network, starts)


def _left(rows: Rows) -> Network:
    """The network that the data's run has left."""
    if rows.network is None:
        raise InputError(NO_RUN.say())
    network: Network = rows.network
    return network


def flat(network: Network) -> dict[str, Any]:
    """Parameters by path."""
    return dict(tree.items(network.params))


def started(network: Network, weights: dict[str, Any]) -> Network:
    """The network with some parameters set, by path.

    Raises
    ------
    ShapeError
        If one doesn't exist, or is of another shape.
    """
    params = flat(network)
    for path, values in weights.items():
        try:
            array = np.asarray(values, dtype=network.dtype)
        except (TypeError, ValueError) as error:
            raise ShapeError(f"weights of {path} must be lists of numbers, one within the other") from error
        if path not in params or array.shape != params[path].shape or not np.isfinite(array).all():
            shapes = ", ".join(f"{name} {leaf.shape}" for name, leaf in params.items())
            raise ShapeError(f"weights of {path!r} with shape {array.shape} don't fit the network: it has {shapes}")
        params[path] = array
    return network.replace(params=tree.map(lambda _, leaf: leaf, network.params, tree.nest(params)))


def place_of(place: str, network: Network) -> tuple[str, tuple[int, ...]]:
    """Path and index of a weight that is named as "0/weight[1,2]".

    Raises
    ------
    InputError
        If there is no such weight.
    """
    params, match = flat(network), PLACE.fullmatch(place)
    if match is None or match[1] not in params:
        raise InputError(f"there is no weight {place!r}; name one by path and index, such as {next(iter(params))}[0,0]")
    index, shape = tuple(map(int, match[2].split(","))), params[match[1]].shape
    if len(index) != len(shape) or any(i >= size for i, size in zip(index, shape, strict=True)):
        raise InputError(f"{match[1]} has shape {shape}, so there is no {place!r} in it")
    return match[1], index


def optimizer_of(state: State, network: Network) -> Any:
    """The optimizer, with what was changed by hand on the way."""
    training = state.training
    rates = [(0, training.rate), *((change.at, change.value) for change in state.history if change.do == "rate")]
    latest = dict(rates)  # of several at one update the last one counts
    first = latest.pop(0)
    if min((first, *latest.values())) < 0:
        raise InputError("a learning rate must be 0 or above")
    rate: Any = Rates((first, *latest.values()), (0, *latest)) if latest else first
    optimizer = optim.get(training.optimizer, learning_rate=rate)
    held = _held(state.history, network)
    edits = [change for change in state.history if change.do == "edit" and change.at > 0]
    if not held and not edits:
        return optimizer
    placed = tuple((*place_of(change.place, network), change.at - 1, change.value) for change in edits)
    return Scripted(optimizer, held, placed)


def _held(history: tuple[Change, ...], network: Network) -> tuple[tuple[str, int, int, int], ...]:
    """Which rows of parameters are held, from which update to which."""
    params = flat(network)
    since: dict[tuple[str, int], int] = {}
    spans: list[tuple[str, int, int, int]] = []
    for change in history:
        if change.do != "freeze":
            continue
        rows = own_rows(network, change.layer, change.unit)
        if not rows or any(row >= len(params[path]) for path, row in rows):
            raise InputError(f"there is no unit {change.unit} with weights of its own in layer {change.layer!r}")
        for path, row in rows:
            begun = since.pop((path, row), None)
            if change.on:
                since[path, row] = change.at if begun is None else begun
            elif begun is not None and begun < change.at:
                spans.append((path, row, begun, change.at))
    return (*spans, *((path, unit, begun, FOREVER) for (path, unit), begun in since.items()))


def frozen_now(state: State, update: int) -> set[tuple[str, int]]:
    """Layers and units that are held at an update."""
    held: set[tuple[str, int]] = set()
    for change in state.history:
        if change.do == "freeze" and change.at <= update:
            (held.add if change.on else held.discard)((change.layer, change.unit))
    return held


def optimizer_now(state: State, update: int) -> Any:
    """The optimizer with the rate that holds at an update, as a textbook has it."""
    changed = [change.value for change in state.history if change.do == "rate" and change.at <= update]
    return optim.get(state.training.optimizer, learning_rate=changed[-1] if changed else state.training.rate)


def penalty_of(training: TrainingState) -> Any:
    """The penalty, or None."""
    kinds = {"none": None, "l1": L1, "l2": L2}
    kind = kinds[training.penalty]
    return None if kind is None else kind(training.strength)


def engine_of(state: State) -> str:
    """Which engine "auto" means: the compiled one, where there is one."""
    if state.training.engine != "auto":
        return state.training.engine
    return "xla" if find_spec("jax") is not None else "numpy"


def training_of(state: State, network: Network, rows: Rows, updates: int, engine: str) -> Training:
    """The options of `backlit.fit`, of which an epoch is one update here."""
    training = state.training
    least = max(1, len(rows.classes or ())) if rows.reading is None else 1  # each class stands among those held back
    held = training.held if round(len(rows.x) * training.held) >= least else 0.0
    return Training(
        loss=losses.get(training.loss or LOSS_OF_TEXTS) if training.loss or rows.reading else None,
        encoding=rows.encoding,
        optimizer=optimizer_of(state, network),
        epochs=updates,
        steps_per_epoch=1,
        batch_size=training.batch or None,
        validation=held or None,
        seed=training.seed,
        penalty=penalty_of(training),
        engine=engine,  # type: ignore[arg-type]
        dtype=training.dtype,  # type: ignore[arg-type]
    )
