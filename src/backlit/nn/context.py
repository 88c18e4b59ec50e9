"""Context: what a layer's call needs besides parameters and input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypedDict
from zlib import crc32

from backlit.errors import BacklitError, InputError, ShapeError
from backlit.graph.ops.arithmetic import where
from backlit.graph.ops.random import uniform
from backlit.graph.ops.shape import concatenate
from backlit.graph.tensor import Array, Tensor

Shape = tuple[int, ...]
Params = dict[str, Any]
Tap = Callable[[str, Any], Any]


class Probe(Protocol):
    """Who watches a forward pass: told of each layer by its path, as it runs."""

    def enter(self, path: str) -> None:
        """A layer begins."""

    def layer(self, path: str, layer: Any, x: Any, output: Any) -> Any:
        """A layer has run; what is returned is its output."""

    def added(self, path: str, shape: Shape, dtype: Any) -> Any:
        """Zeros (time, rows, units) that a recurrent layer adds to its states, so that these have a gradient."""

    def states(self, path: str, layer: Any, states: Any, mask: Any) -> None:
        """A recurrent layer's states (time, rows, units), and the mask of its time steps (time, rows) or None."""


class CallOptions(TypedDict, total=False):
    """What whoever calls a whole network may say: attributes of `Context`."""

    training: bool
    seed: Any
    step: Any
    tap: Tap | None
    mask: Any
    targets: Any
    fresh: Any
    probe: Probe | None
    cache: dict[str, Any] | None


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
        ``tap(path, output)`` sees, and may replace, the output of every layer, and what a layer shows besides
        ("0/attend/weights").
    probe : Probe, optional
        Sees every layer's input and output, and the states of recurrent layers.
    cache : dict, optional
        What causal attention keeps of a sequence that is read piece by piece: a call with the dict that the call before
        had goes on where that one ended. None where each call has a whole sequence.
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
    cache: dict[str, Any] | None = None
    _draws: int = field(default=0, init=False)  # random arrays drawn so far at this path

    def child(self, name: str) -> Context:
        """The context of a part: same stream and state, longer path."""
        inner = object.__new__(type(self))  # `dataclasses.replace` takes as long as an operation on a row
        inner.__dict__.update(self.__dict__, path=self._at(name), _draws=0)
        return inner

    def _at(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name

    def run(self, name: str, layer: Any, params: Params, x: Any, **options: Any) -> Any:
        """Call a part of a container by its name; what goes wrong in it is told with its path."""
        inner = self.child(name)
        if self.probe is not None:
            self.probe.enter(inner.path)
        try:
            output = layer(params.get(name, {}), x, inner, **options)
        except BacklitError as error:
            tell_where(error, inner.path, layer)
            raise
        if type(output) is Tensor and output.name is None:
            output.name = inner.path
        if self.probe is not None:
            output = self.probe.layer(inner.path, layer, x, output)
        return output if self.tap is None else self.tap(inner.path, output)

    def show(self, name: str, value: Any) -> Any:
        """What a layer computes on its way and others may want to read, under a name of its own: the tap sees it."""
        path = self._at(name)
        if type(value) is Tensor and value.name is None:
            value.name = path
        return value if self.tap is None else self.tap(path, value)

    def with_earlier(self, name: str, value: Any, axis: int) -> Any:
        """An array behind those of the calls before, along an axis: see `cache`."""
        if self.cache is None:
            return value
        path = self._at(name)
        value = concatenate([self.cache[path], value], axis=axis) if path in self.cache else value
        self.cache[path] = value
        return value

    def steps_before(self, steps: int) -> int:
        """How many steps the calls before had, to which this one adds so many: see `cache`."""
        if self.cache is None:
            return 0
        path = self._at("steps")
        before: int = self.cache.get(path, 0)
        self.cache[path] = before + steps
        return before

    def uniform(self, shape: Shape) -> Array:
        """Uniform float32 numbers in [0, 1), the same bits in both engines, new ones for each step and each draw."""
        draw = self._draws
        self._draws += 1
        word = (self.seed * 0x9E3779B1 + self.step) & 0xFFFFFFFF
        return uniform((crc32(f"{self.path}#{draw}".encode()), word), shape)

    def hide(self, x: Any, value: float = 0.0) -> Any:
        """Inputs (rows, time, features) with `value` at the time steps that are padding (see `Masked`)."""
        self.require_steps(x)
        return x if self.time_mask is None else where(self.time_mask[..., None], x, value)

    def require_steps(self, x: Any) -> None:
        """Refuse inputs that don't have the time steps of the `Masked` around, if there is one."""
        if self.time_mask is not None and (len(x.shape) != 3 or tuple(x.shape[:2]) != tuple(self.time_mask.shape)):
            raise ShapeError(
                f"the sequences of the Masked around it have (rows, time) = {tuple(self.time_mask.shape)}, got inputs "
                f"of shape {tuple(x.shape)}; keep layers that change the number of time steps outside of it"
            )

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


def tell_where(error: BacklitError, path: str, layer: Any) -> None:
    """Put before an error's message in which layer it happened, unless an inner one was told already."""
    if not getattr(error, "layer", None):
        error.layer = path  # type: ignore[attr-defined]
        error.args = (f"layer {path} ({layer}): {error}",)


def ensure_context(ctx: Context | None) -> Context:
    """The context that was given, or a fresh one for this call alone: evaluation, and nothing kept."""
    return Context() if ctx is None else ctx
