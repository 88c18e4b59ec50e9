"""What probes tell, as types: the records that a run keeps, and reads again."""

from __future__ import annotations

from typing import Any, TypedDict

from backlit.schema import Number


class Spread(TypedDict):
    """Numbers that every layer has."""

    layer: str
    mean: Number
    std: Number
    min: Number
    max: Number


class Measures(Spread, total=False):
    """Numbers of a layer: see `backlit.ProbeHistory`."""

    zeros: Number
    saturated: Number
    dead: Number
    bad: Number
    gradient_norm: Number
    histogram: list[int]
    steps: dict[str, list[Number]]


class Values(TypedDict):
    """Where an array's values lie."""

    min: Number
    max: Number
    histogram: list[int]


class Sometimes(TypedDict, total=False):
    """What a look tells if it was asked for."""

    loss: Number
    losses: dict[str, Number]
    params: dict[str, dict[str, Number]]
    gradients: dict[str, Values]


class Look(Sometimes):
    """One look at the network while it trains."""

    epoch: int
    step: int
    rows: int
    layers: dict[str, Measures]


class Reference(TypedDict, total=False):
    """What simple models reach."""

    linear: float
    neighbours: float
    guess: float
    rows: int
    agreement: Number
    chance: Number


class TargetFacts(TypedDict, total=False):
    """Of the targets."""

    classes: int
    shares: list[float]
    low: Number
    high: Number
    mean: Number
    std: Number
    whole: bool
    distinct: int | None
    bad: Number


class OfInput(TypedDict, total=False):
    """Facts on one of several inputs."""

    bad_rows: int
    inputs: dict[str, Number | list[int]]
    sequences: dict[str, Any]
    coded: dict[str, Number]
    far: dict[str, Number]
    tokens: dict[str, Number]


class OfOutput(TypedDict, total=False):
    """Facts on one of several outputs."""

    kind: str
    guess: Number
    targets: TargetFacts
    reference: Reference
    twins: dict[str, Number]
    leaking: dict[str, Number]
    weighing: dict[str, Number]
    far_targets: dict[str, Number]
    held_guess: Number
    held_targets: TargetFacts


class Data(TypedDict, total=False):
    """Facts on the training rows, and on those held back."""

    rows: int
    batch: int
    kind: str
    guess: Number
    targets: TargetFacts
    bad_rows: int
    inputs: dict[str, Number | list[int]]
    reference: Reference
    twins: dict[str, Number]
    sequences: dict[str, Any]
    held: int
    shared: dict[str, Number]
    held_guess: Number
    held_targets: TargetFacts
    coded: dict[str, Number]
    far: dict[str, Number]
    tokens: dict[str, Number]
    leaking: dict[str, Number]
    weighing: dict[str, Number]
    far_targets: dict[str, Number]
    parts: dict[str, Number]
    order: dict[str, Number]
    alone: Number
    by_input: dict[str, OfInput]
    by_output: dict[str, OfOutput]


class Weights(TypedDict, total=False):
    """A parameter as it was drawn."""

    rms: Number
    mean: Number
    largest: Number
    alike: bool
    columns: bool


class Start(Look):
    """The look before the first update."""

    data: Data
    weights: dict[str, Weights]
