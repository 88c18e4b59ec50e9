"""The studio's state as data: what is learned, by which network, how, and what was changed by hand on the way.

All of what is seen follows from it, bit for bit. It is what links hold, what is undone, and what a page that is loaded
again comes back to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backlit.errors import InputError, shown, unknown
from backlit.languages import Template
from backlit.nn import initializers, losses
from backlit.nn.layers import activations
from backlit.schema import fitted
from backlit.settings import Form, Record, nonnegative, option, plain

MOST_ROWS, MOST_POINTS, MOST_CLASSES = 20_000, 2000, 20
MOST_TYPED, MOST_STEPS = 2000, 100  # characters of a text that is typed in, and of a window of texts
MOST_LAYERS, MOST_UNITS, MOST_WEIGHTS = 12, 512, 500_000
MOST_UPDATES = 10_000_000
MOST_CHANGES = 500
OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")
PENALTIES = ("none", "l1", "l2")
ENGINES = ("auto", "numpy", "xla")
LAYERS = ("linear", "rnn", "lstm", "gru")
TOO_LONG = Template(
    "data: a text of {count:,} characters is too long to be typed in, where {most:,} are the most; drop it as a file",
    "데이터: 직접 쓰는 텍스트는 {most:,}자까지인데 {count:,}자입니다. 파일로 끌어다 놓으세요.",
)
AS_GIVEN = Form(plain, lambda value: value)  # what a record holds to its types by itself


def _whole(default: int, low: int, high: int) -> Any:
    return option(default, low=low, high=high, whole=True)


@dataclass(frozen=True, repr=False)
class DataState(Record):
    """What is learned.

    Parameters
    ----------
    name : str
        A set of `catalog.data`, "points" or "file".
    rows, noise, seed, groups :
        Of generated sets; None: as the set has them.
    points : tuple
        Of "points": (x, y, class) each.
    file, target, inputs :
        Of "file": its name as `uploaded` told it, the column to predict, and two that it is predicted from.
    text, steps :
        Of "text": what was typed in; of every text, the characters of a window, 0 for as many as are usual.
    """

    name: str = option("moons")
    rows: int = _whole(300, 4, MOST_ROWS)
    noise: float | None = option(None, low=0.0, high=10.0)
    seed: int = _whole(0, 0, 2**31 - 1)
    groups: int | None = option(None, low=2, high=8, whole=True)
    points: tuple[tuple[float, ...], ...] = option((), form=AS_GIVEN)
    file: str = option("")
    target: str = option("")
    inputs: tuple[str, ...] = option((), form=AS_GIVEN)
    text: str = option("")
    steps: int = _whole(0, 0, MOST_STEPS)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.text) > MOST_TYPED:
            raise InputError(TOO_LONG.say(count=len(self.text), most=MOST_TYPED))
        object.__setattr__(self, "points", points_of(self.points))
        object.__setattr__(self, "inputs", fitted(tuple[str, ...], self.inputs, "inputs"))

    def _title(self) -> str:
        return "data: "


def points_of(given: Any) -> tuple[tuple[float, ...], ...]:
    """Points that were drawn, checked: numbers of the plane, and a class from 0 to 7."""
    rows: tuple[tuple[float, ...], ...] = fitted(tuple[tuple[float, ...], ...], given, "points")
    if len(rows) > MOST_POINTS:
        raise InputError(f"data: at most {MOST_POINTS} points can be drawn, got {len(rows)}")
    for number, row in enumerate(rows):
        if len(row) != 3 or not all(abs(value) <= 1e6 for value in row) or row[2] not in range(8):
            raise InputError(f"data: point {number} must be x, y and a class from 0 to 7, got {shown(list(row))}")
    return rows


@dataclass(frozen=True, repr=False)
class LayerState(Record):
    """A hidden layer: units, what follows them, the share that is dropped in training, and what kind of layer it is."""

    units: int = _whole(8, 1, MOST_UNITS)
    activation: str = option("tanh")
    dropout: float = option(0.0, low=0.0, high=0.95)
    kind: str = option("linear", names=LAYERS)

    def __post_init__(self) -> None:
        super().__post_init__()
        activations.get(self.activation)

    def _title(self) -> str:
        return "layer: "


@dataclass(frozen=True, repr=False)
class NetworkState(Record):
    """The network: hidden layers, or a word such as "mlp:8,8", or an architecture as data, or a run's.

    Parameters
    ----------
    layers : tuple of LayerState
    word : str
        In place of layers, where it isn't empty.
    architecture : dict or None
        In place of both: as `Layer.to_dict` gives it, with its last layer.
    of_run : bool
        In place of all three: the network that the data's run has left, with its weights.
    initializer : str
        Of the weights of `layers`: its name, or "" for the one that suits each activation's layer by default.
    bias : bool
    activation : str
        Between the layers of `word`.
    output : str
        What follows the last layer: "" for nothing, as losses take it.
    weights : dict
        Weights to start from in place of drawn ones, by path.
    """

    layers: tuple[LayerState, ...] = option((LayerState(), LayerState()), form=AS_GIVEN)
    word: str = option("")
    architecture: dict[str, Any] | None = option(None, kinds=(dict,), words="an object", form=AS_GIVEN)
    of_run: bool = option(False)
    initializer: str = option("")
    bias: bool = option(True)
    activation: str = option("relu")
    output: str = option("")
    weights: Mapping[str, Any] | None = option(None, form=AS_GIVEN)

    def __post_init__(self) -> None:
        super().__post_init__()
        layers = tuple(
            layer if isinstance(layer, LayerState) else LayerState.from_dict(fitted(dict[str, Any], layer, "layers"))
            for layer in self.layers
        )
        if len(layers) > MOST_LAYERS:
            raise InputError(f"network: at most {MOST_LAYERS} hidden layers, got {len(layers)}")
        if self.initializer:
            initializers.get(self.initializer)
        activations.get(self.activation)
        if self.output:
            activations.get(self.output)
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "weights", fitted(dict[str, Any], self.weights or {}, "weights"))

    def _title(self) -> str:
        return "network: "


@dataclass(frozen=True, repr=False)
class TrainingState(Record):
    """How it is trained.

    Parameters
    ----------
    optimizer : str
        A name, or one with settings: "momentum:0.95".
    rate : float
        The learning rate at update 0.
    batch : int
        Rows of an update; 0: all.
    penalty, strength :
        "none", "l1" or "l2".
    loss : str
        Its name; "" for the data's usual one.
    held : float
        Share of the rows held back from training.
    seed : int
        Of weights, batches, dropout, and which rows are held back.
    engine : str
        "numpy", "xla", or "auto": compiled where it is worth it.
    dtype : str
    """

    optimizer: str = option("adam")
    rate: float = option(0.03, low=0.0, high=1000.0)
    batch: int = _whole(32, 0, MOST_ROWS)
    penalty: str = option("none", names=PENALTIES)
    strength: float = nonnegative(0.001)
    loss: str = option("")
    held: float = option(0.2, low=0.0, high=0.9)
    seed: int = _whole(0, 0, 2**31 - 1)
    engine: str = option("auto", names=ENGINES)
    dtype: str = option("float32", names=("float32", "float64"))

    def __post_init__(self) -> None:
        super().__post_init__()
        kind = self.optimizer.partition(":")[0]
        if kind not in OPTIMIZERS:
            raise unknown("optimizer of the studio", kind, OPTIMIZERS)
        if self.loss:
            losses.get(self.loss)

    def _title(self) -> str:
        return "training: "


@dataclass(frozen=True, repr=False)
class Change(Record):
    """Something that was changed by hand before an update.

    Parameters
    ----------
    at : int
        Updates made by then.
    do : str
        "rate", "edit" or "freeze".
    value : float
        The new rate or weight.
    place : str
        Of a weight: "0/weight[1,2]".
    layer, unit, on :
        Which unit is held (or let go).
    """

    at: int = _whole(0, 0, MOST_UPDATES)
    do: str = option("rate", names=("rate", "edit", "freeze"))
    value: float = option(0.0, low=-1e9, high=1e9)
    place: str = option("")
    layer: str = option("")
    unit: int = _whole(0, 0, 1_000_000)
    on: bool = option(True)

    def _title(self) -> str:
        return "history: "

    def to_dict(self) -> dict[str, Any]:
        """What it says, without what doesn't concern it."""
        names = {"rate": ("value",), "edit": ("place", "value"), "freeze": ("layer", "unit", "on")}[self.do]
        return {"at": self.at, "do": self.do, **{name: getattr(self, name) for name in names}}

    def same(self, other: Change) -> bool:
        """Whether both change the same thing."""
        return (self.do, self.place, self.layer, self.unit) == (other.do, other.place, other.layer, other.unit)


@dataclass(frozen=True, repr=False)
class State(Record):
    """All of it.

    Examples
    --------
    >>> state = State.from_dict({"data": {"name": "circles"}, "network": {"layers": [{"units": 4}]}})
    >>> state.data.name, state.network.layers[0].units, state.training.optimizer
    ('circles', 4, 'adam')
    >>> State.from_dict(state.to_dict()) == state
    True
    """

    data: DataState = field(default_factory=DataState)
    network: NetworkState = field(default_factory=NetworkState)
    training: TrainingState = field(default_factory=TrainingState)
    history: tuple[Change, ...] = ()
    at: int = _whole(0, 0, MOST_UPDATES)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `from_dict` is the inverse."""
        return {
            "data": self.data.to_dict(),
            "network": self.network.to_dict(),
            "training": self.training.to_dict(),
            "history": [change.to_dict() for change in self.history],
            "at": self.at,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> State:
        """A state of plain data; parts that are left out have their defaults.

        Raises
        ------
        InputError
            If something is unknown, of another kind or out of its bounds; the message names it.
        """
        return cls().changed(data)

    def changed(self, parts: Mapping[str, Any]) -> State:
        """The state with other parts, each whole; what isn't said of them has its default."""
        kinds: dict[str, type[Record]] = {"data": DataState, "network": NetworkState, "training": TrainingState}
        known = (*kinds, "history", "at")
        parts = fitted(dict[str, Any], parts, "state")
        for name in parts:
            if name not in known:
                raise unknown("part of the state", name, known)
        made: dict[str, Any] = {
            name: kind.from_dict(fitted(dict[str, Any], parts[name], name))
            for name, kind in kinds.items()
            if name in parts
        }
        history = fitted(tuple[dict[str, Any], ...], parts.get("history", ()), "history")
        if len(history) > MOST_CHANGES:
            raise InputError(f"history: at most {MOST_CHANGES} changes, got {len(history)}")
        made["history"] = tuple(sorted((Change.from_dict(change) for change in history), key=lambda change: change.at))
        made["at"] = parts.get("at", 0)
        return self.replace(**made)

    def with_change(self, change: Change) -> State:
        """With one change more; what came after it is forgotten, and one of the same thing at once replaced."""
        earlier = [one for one in self.history if one.at < change.at or (one.at == change.at and not one.same(change))]
        return self.replace(history=(*earlier, change))
