"""Layer: hyperparameters as plain data, and two pure functions: `init` and the call."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol
from zlib import crc32

from backlit.errors import BacklitError, InputError, ShapeError, unknown
from backlit.graph.ops.arithmetic import where
from backlit.graph.ops.random import uniform
from backlit.graph.tensor import Array, Tensor
from backlit.nn.key import Key

Shape = tuple[int, ...]
Params = dict[str, Any]
Tap = Callable[[str, Any], Any]


class Probe(Protocol):
    """Who watches a forward pass: told of each layer by its path, as it runs."""

    def enter(self, path: str) -> None:
        """A layer begins."""

    def layer(self, path: str, layer: Layer, x: Any, output: Any) -> Any:
        """A layer has run; what is returned is its output."""

    def added(self, path: str, shape: Shape, dtype: Any) -> Any:
        """Zeros (time, rows, units) that a recurrent layer adds to its states, so that these have a gradient."""

    def states(self, path: str, layer: Layer, states: Any, mask: Any) -> None:
        """A recurrent layer's states (time, rows, units), and the mask of its time steps (time, rows) or None."""


@dataclass(eq=False)
class Context:
    """What a call needs besides parameters and input: mode, random stream, running state, probes.

    Attributes
    ----------
    training : bool
        Training mode (dropout on, batch statistics) or evaluation.
    seed, step : int or array
        Origin of the random stream: the run's seed and the number of updates done.
    path : str
        Where in the network this call is: "2/0".
    mask : array (batch,), optional
        False for rows that only fill up a batch: they must not count in a batch's statistics.
    time_mask : array (batch, time), optional
        False for time steps that only fill up a sequence: recurrent layers stand still there (see `Masked`).
    targets : array, optional
        What the output should be, as the loss takes it; only a layer that writes sequences looks at it (see `Decoder`).
    fresh : boolean, optional
        Whether layers that carry a state from batch to batch start anew with this one. None where nobody carries it.
    tap : callable, optional
        ``tap(path, output)`` sees, and may replace, the output of every layer.
    probe : Probe, optional
        Sees every layer's input and output, and the states of recurrent layers.
    """

    training: bool = False
    seed: Any = 0
    step: Any = 0
    path: str = ""
    states: dict[str, Array] = field(default_factory=dict)
    updates: dict[str, Array] = field(default_factory=dict)
    tap: Tap | None = None
    mask: Any = None
    time_mask: Any = None
    targets: Any = None
    fresh: Any = None
    probe: Probe | None = None
    _draws: list[int] = field(default_factory=lambda: [0])

    def child(self, name: str) -> Context:
        """The context of a part: same stream and state, longer path."""
        return Context(
            self.training, self.seed, self.step, self._at(name), self.states, self.updates, self.tap, self.mask,
            self.time_mask, self.targets, self.fresh, self.probe,
        )  # fmt: skip

    def _at(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name

    def run(self, name: str, layer: Layer, params: Params, x: Any, **options: Any) -> Any:
        """Call a part of a container by its name; what goes wrong in it is told with its path."""
        inner = self.child(name)
        if self.probe is not None:
            self.probe.enter(inner.path)
        try:
            output = layer(params.get(name, {}), x, inner, **options)
        except BacklitError as error:
            if not getattr(error, "layer", None):
                error.layer = inner.path  # type: ignore[attr-defined]
                error.args = (f"layer {inner.path} ({layer}): {error}",)
            raise
        if type(output) is Tensor and output.name is None:
            output.name = inner.path
        if self.probe is not None:
            output = self.probe.layer(inner.path, layer, x, output)
        return output if self.tap is None else self.tap(inner.path, output)

    def uniform(self, shape: Shape) -> Array:
        """Uniform float32 numbers in [0, 1), the same bits in both engines, new ones for each step and each draw."""
        draw = self._draws[0]
        self._draws[0] += 1
        word = (self.seed * 0x9E3779B1 + self.step) & 0xFFFFFFFF
        return uniform((crc32(f"{self.path}#{draw}".encode()), word), shape)

    def hide(self, x: Any, value: float = 0.0) -> Any:
        """Inputs (rows, time, features) with `value` at the time steps that are padding (see `Masked`)."""
        if self.time_mask is None:
            return x
        if len(x.shape) != 3 or tuple(x.shape[:2]) != tuple(self.time_mask.shape):
            raise ShapeError(
                f"the sequences of the Masked around it have (rows, time) = {tuple(self.time_mask.shape)}, got inputs "
                f"of shape {tuple(x.shape)}; keep layers that change the number of time steps outside of it"
            )
        return where(self.time_mask[..., None], x, value)

    def state(self, name: str) -> Array:
        """A running value of this layer, as `init_state` made it and `update` changed it."""
        path = self._at(name)
        if path not in self.states:
            known = ", ".join(self.states) or "none"
            raise InputError(f"there is no running value {path!r}; give the network's state (known: {known})")
        return self.updates.get(path, self.states[path])

    def update(self, name: str, value: Array) -> None:
        """Set a running value for the steps to come."""
        self.updates[self._at(name)] = value.value if type(value) is Tensor else value


@dataclass(frozen=True)
class Layer:
    """Base of all layers; subclass it as a frozen dataclass that holds hyperparameters only.

    Shapes given to `init` leave out the batch axis; arrays in a call have it first.

    Examples
    --------
    A layer of one's own, with a learned factor for each input:

    >>> import numpy as np, backlit as bl
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Scale(bl.Layer):
    ...     start: float = 1.0
    ...     def init(self, key, input_shape):
    ...         return {"factor": np.full(input_shape, self.start)}, input_shape
    ...     def __call__(self, params, x, ctx=bl.Context()):
    ...         return x * params["factor"]
    >>> network = bl.Sequential(Scale(2.0)).build((3,))
    >>> network(np.ones((1, 3), dtype="float32")).tolist()
    [[2.0, 2.0, 2.0]]
    """

    kinds: ClassVar[dict[str, type[Layer]]] = {}
    recurrent: ClassVar[bool] = False  # whether it goes through sequences step by step

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.__name__.startswith("_"):  # a base that others share isn't a layer by itself
            Layer.kinds[cls.__name__] = cls

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        """Parameters to start from (float64 NumPy arrays, nested dicts) and the output's shape."""
        return {}, input_shape

    def output_shape(self, input_shape: Shape) -> Shape:
        """The output's shape; layers with many parameters override it, so as not to draw them for it."""
        return self.init(Key(0), input_shape)[1]

    def init_state(self, input_shape: Shape) -> dict[str, Any]:
        """Running values that aren't learned by gradient, such as a batch norm's mean; nested by part."""
        states = {name: layer.init_state(shape) for name, layer, shape in self.open(input_shape)}
        return {name: state for name, state in states.items() if state}

    def __call__(self, params: Params, x: Any, ctx: Context = Context()) -> Any:  # noqa: B008 (an empty context has no state to share)
        """The output for a batch ``x: (batch, *input_shape)``."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, params, x, ctx)")

    @property
    def takes_integers(self) -> bool:
        """Whether inputs are whole numbers, such as an embedding's indices."""
        inside = self.parts()
        return bool(inside) and inside[0][1].takes_integers

    def cost(self, input_shape: Shape) -> int:
        """Multiply-adds for one example."""
        return sum(layer.cost(shape) for _, layer, shape in self.open(input_shape))

    def parts(self) -> list[tuple[str, Layer]]:
        """Named layers inside this one, in order."""
        return []

    def open(self, input_shape: Shape) -> list[tuple[str, Layer, Shape]]:
        """The parts with the shape of the input that reaches each."""
        return [(name, layer, input_shape) for name, layer in self.parts()]

    def build(self, input_shape: Shape | int, seed: int = 0, dtype: str = "float32") -> Any:
        """A `Network`: this architecture with parameters for inputs of `input_shape` (without the batch axis).

        Raises
        ------
        ShapeError
            If a layer can't take the shape that reaches it.
        """
        from backlit.nn.network import Network

        return Network.build(self, input_shape, seed, dtype)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `Layer.from_dict` is the inverse."""
        values = {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}
        return {"layer": type(self).__name__, **values}

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Layer:
        """The layer that `to_dict` described; a layer of your own must have been defined (imported) before."""
        rest = dict(data)
        name = rest.pop("layer", None)
        if name not in Layer.kinds:
            raise unknown("layer", name, Layer.kinds)
        kind = Layer.kinds[name]
        try:
            return kind(**{key: _unplain(value) for key, value in rest.items()})
        except TypeError as error:
            raise InputError(f"layer {name} can't be made from {sorted(rest)}: {error}") from error

    def __repr__(self) -> str:
        return short_repr(self)


def short_repr(instance: Any) -> str:
    """A dataclass's repr with only what differs from the defaults: ``Linear(64)``."""
    shown = []
    positional = True
    for f in dataclasses.fields(instance):
        value = getattr(instance, f.name)
        if f.default is not dataclasses.MISSING:
            positional = False
            if value == f.default:
                continue
        shown.append(repr(value) if positional else f"{f.name}={value!r}")
    return f"{type(instance).__name__}({', '.join(shown)})"


def _plain(value: Any) -> Any:
    if isinstance(value, Layer):
        return value.to_dict()
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _unplain(value: Any) -> Any:
    if isinstance(value, dict):
        return Layer.from_dict(value) if "layer" in value else {key: _unplain(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_unplain(item) for item in value)
    return value


def require_axes(layer: Layer, shape: Shape, count: int, meaning: str) -> None:
    """Refuse an input of another number of axes than the layer works on."""
    if len(shape) != count:
        raise ShapeError(f"{layer} needs inputs of shape {meaning}, got {shape}")


def require_positive(layer: Layer, **sizes: Any) -> None:
    """Refuse hyperparameters that aren't whole numbers above zero."""
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise InputError(f"{type(layer).__name__}: {name} must be a whole number of at least 1, got {size!r}")


def init_part(key: Key, name: str, layer: Layer, shape: Shape) -> tuple[Params, Shape]:
    """`init` of a container's part; what goes wrong in it is told with its path."""
    try:
        return layer.init(key.child(name), shape)
    except BacklitError as error:
        if not getattr(error, "layer", None):
            path = "/".join((*key.path, name))
            error.layer = path  # type: ignore[attr-defined]
            error.args = (f"layer {path} ({layer}): {error}",)
        raise
