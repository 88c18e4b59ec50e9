"""What a run's files hold, as types: whatever is read from a folder is held to them before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

import numpy as np

from backlit import bounds
from backlit.errors import InputError, shown
from backlit.graph import tree
from backlit.nn.layer import Layer, Network
from backlit.nn.shapes import example_shape, size_of
from backlit.schema import Number, fitted
from backlit.settings import MISSING, declared
from backlit.train.probes.measure import BINS
from backlit.train.probes.told import Look, Start
from backlit.train.training import Training

MOST_BINS = 10 * BINS  # of a histogram: other versions may have had others


class Chosen(TypedDict, total=False):
    """What only some networks have."""

    frozen: tuple[str, ...]


class Index(Chosen):
    """network.json, its format and checksums aside."""

    architecture: dict[str, Any]
    input_shape: tuple[int, ...] | dict[str, tuple[int, ...]]
    dtype: Literal["float32", "float64"]
    loss: dict[str, Any]
    metrics: tuple[str, ...] | dict[str, tuple[str, ...]]
    optimizer: dict[str, Any] | str | None
    settings: dict[str, Any]
    stopped: str
    best_epoch: int | None
    diverged: dict[str, Any] | None


class Data(TypedDict):
    """data.json."""

    targets: dict[str, Any]
    preparation: dict[str, Any] | None


class SinceFormat2(TypedDict, total=False):
    """What older states don't tell."""

    stopped: str | None
    probes: tuple[Any, ...]


class Saved(SinceFormat2):
    """What goes with the tensors of a state."""

    settings: dict[str, Any]
    epoch: int
    history: tuple[Any, ...]
    plateau: dict[str, Number] | None
    best_epoch: int
    best_value: float


class Line(TypedDict):
    """A line of the history; metrics, which are numbers, besides."""

    epoch: int
    loss: float
    seconds: float


def line(record: Any) -> dict[str, Any]:
    """A line of the history, with the columns that every run has."""
    fitted(dict[str, Number], record)
    made: dict[str, Any] = fitted(Line, record)
    return made


def look(record: Any) -> dict[str, Any]:
    """A record of the probes; that of the start tells of data and weights, too."""
    kind = Start if isinstance(record, dict) and "data" in record else Look
    made: dict[str, Any] = fitted(kind, record)
    for group in ("layers", "gradients"):
        for path, part in made.get(group, {}).items():
            bins = len(part.get("histogram", ()))
            if bins > MOST_BINS:
                raise InputError(f"{group}/{path}/histogram has {bins} bins, at most {MOST_BINS} can be")
    return made


def settings_of(told: Any) -> dict[str, Any]:
    """The settings of a training: each may be what its declaration allows, others short texts and numbers."""
    told = fitted(dict[str, Any], told, "settings")
    options = declared(Training)
    for name, value in told.items():
        if name not in options:
            fitted(str | Number | bool | tuple[str, ...], value, f"settings/{name}")
            continue
        try:
            known = options[name].form.read(value)
        except (AttributeError, TypeError) as error:
            raise InputError(f"settings/{name} can't be {shown(value)}") from error
        if known is MISSING:
            fitted(str | float | bool, value, f"settings/{name}")
        else:
            options[name].accept(known)
    return told


def network_of(index: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> Network:
    """The network that an index describes, without its weights; none that is larger than those.

    Raises
    ------
    InputError
        If it needs more numbers than there are, is beyond the limits on layers and values, or can't be.
    """
    numbers = sum(tensor.size for tensor in tensors.values())
    bounds.require("layers", _layers(index["architecture"]), "the network has")
    _require_within(example_shape(index["input_shape"]), numbers, "an example has")
    architecture = Layer.from_dict(index["architecture"])
    network = Network.empty(architecture, index["input_shape"], index["dtype"], most=numbers)
    frozen = tuple(index.get("frozen", ()))
    if not set(frozen) <= set(tree.paths(network.params)):
        raise InputError(f"parameters {frozen} are frozen, but the network has others")
    for place in architecture.walk_shapes(network.input_shape):
        _require_within(place.layer.output_shape(place.shape), numbers, f"layer {place.path or '-'} gives")
    return network.replace(frozen=frozen)


def _layers(architecture: Any) -> int:
    """How many layers a description has."""
    count, rest = 0, [architecture]
    while rest:
        part = rest.pop()
        count += isinstance(part, dict) and "layer" in part
        rest += [each for each in (part.values() if isinstance(part, dict) else part) if isinstance(each, (dict, list))]
    return count


def _require_within(shape: Any, numbers: int, what: str) -> None:
    bounds.require("values", size_of(shape), what, least=numbers)
