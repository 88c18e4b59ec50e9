"""What recurrent layers share, and the simplest of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from backlit.errors import InputError, ShapeError
from backlit.graph.op import namespace
from backlit.graph.ops.arithmetic import where
from backlit.graph.ops.linalg import linear
from backlit.graph.ops.recurrence import require_form, rnn
from backlit.graph.ops.shape import broadcast_to, transpose
from backlit.graph.tensor import value_of
from backlit.nn import initializers
from backlit.nn.context import Context, Params, Shape, ensure_context
from backlit.nn.hyperparameters import below_one, option, whole
from backlit.nn.key import Key
from backlit.nn.layer import Layer, require_axes
from backlit.nn.layers import activations
from backlit.nn.layers.saturation import limits

States = dict[str, Any]


@dataclass(frozen=True, repr=False)
class _Recurrent(Layer):
    """Base of the recurrent layers: options, parameters, start, mask, dropout, carried state and results.

    A kind of layer says how many `gates` it has, which `states` it carries, and how they `run`.
    """

    recurrent: ClassVar[bool] = True
    gates: ClassVar[tuple[str, ...]] = ("hidden",)
    states: ClassVar[tuple[str, ...]] = ("hidden",)

    units: int = whole()
    return_sequences: bool = False
    return_states: bool = False
    reverse: bool = False
    initial: str = "zeros"
    stateful: int = option(0, low=0, open_high=True, whole=True, words="the number of rows in a batch, or 0")
    dropout: float = below_one(0.0)
    recurrent_dropout: float = below_one(0.0)
    bias: bool = True
    weight_init: str = "xavier"
    recurrent_init: str = "orthogonal"
    bias_init: str = "zeros"
    form: str = "fused"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (self.weight_init, self.recurrent_init, self.bias_init):
            initializers.get(name)
        require_form(self.form)
        self._random_start()

    def _random_start(self) -> float:
        """Bound of a random start; 0 if it isn't one."""
        kind, _, text = self.initial.partition(":")
        if self.initial in ("zeros", "learned"):
            return 0.0
        try:
            bound = float(text or 1.0)
        except ValueError:
            bound = math.nan
        if kind != "random" or not 0 < bound < math.inf:
            raise InputError(
                f"{type(self).__name__}: initial must be 'zeros', 'learned', 'random' or 'random:0.1', "
                f"got {self.initial!r}"
            )
        return bound

    def _size(self, state: str) -> int:
        """Numbers in a state."""
        return self.units

    # ------------------------------------------------------------------------------------- parameters, shapes

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        output = self.output_shape(input_shape)

        def draw(name: str, kind: str, *shape: int) -> np.ndarray:
            part_key = key.child(name)
            parts = [initializers.get(kind)(part_key.child(gate), shape) for gate in self.gates]
            return np.concatenate([part.T for part in parts])  # by rows, gate after gate

        params: Params = {"weight": draw("weight", self.weight_init, input_shape[-1], self.units)}
        if self.bias:
            params["bias"] = draw("bias", self.bias_init, self.units)
        params["recurrent"] = {"weight": draw("recurrent", self.recurrent_init, self._size("hidden"), self.units)}
        if self.initial == "learned":
            params["initial"] = {name: np.zeros(self._size(name)) for name in self.states}
        return params, output

    def init_state(self, input_shape: Shape) -> dict[str, Any]:
        return {name: np.zeros((self.stateful, self._size(name))) for name in self.states} if self.stateful else {}

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) == 1:
            raise ShapeError(
                f"{self} needs inputs of shape (time, features), got {input_shape}; a recurrent layer before it gives "
                "every step's state with return_sequences=True"
            )
        require_axes(self, input_shape, 2, "(time, features)")
        size = self._size("hidden")
        return (input_shape[0], size) if self.return_sequences else (size,)

    def cost(self, input_shape: Shape) -> int:
        time, features = input_shape
        return time * len(self.gates) * self.units * (features + self._size("hidden"))

    # ---------------------------------------------------------------------------------------------- the call

    def run(self, params: Params, a: Any, start: States, **options: Any) -> States:
        """All steps' states, and whatever else can be read, time-major; `a` is what the inputs give to each gate."""
        raise NotImplementedError(f"{type(self).__name__} must define run(self, params, a, start, **options)")

    def __call__(
        self,
        params: Params,
        x: Any,
        ctx: Context | None = None,
        initial: States | None = None,
    ) -> Any:
        """The output for ``x: (rows, time, features)``; `initial` gives the states to start from, each (rows, size)."""
        ctx = ensure_context(ctx)
        self._require_input(params, x, ctx)
        if ctx.training and self.dropout:
            x = x * self._keep_factors(ctx, self.dropout, (x.shape[0], 1, x.shape[2]), x.dtype)
        a = linear(transpose(x, axes=(1, 0, 2)), params["weight"])
        if self.bias:
            a = a + params["bias"]
        rows = a.shape[1]
        keep = None
        if ctx.training and self.recurrent_dropout:
            keep = self._keep_factors(ctx, self.recurrent_dropout, (rows, self._size("hidden")), a.dtype)
        start = self._start(params, rows, a, ctx, initial)
        start = {name: part if part.dtype == a.dtype else part.astype(a.dtype) for name, part in start.items()}
        mask = None if ctx.time_mask is None else ctx.time_mask.T
        added = None if ctx.probe is None else ctx.probe.added(ctx.path, (*a.shape[:2], self._size("hidden")), a.dtype)
        options = {"mask": mask, "keep": keep, "reverse": self.reverse, "form": self.form}
        sequences = self.run(params, a, start, added=added, **options)
        if ctx.probe is not None:
            ctx.probe.states(ctx.path, self, sequences["hidden"], mask)
        last = {name: sequences[name][0 if self.reverse else -1] for name in self.states}
        if self._carries(ctx):
            self._carry(ctx, last)
        if self.return_sequences or self.return_states:
            sequences = {name: transpose(part, axes=(1, 0, 2)) for name, part in sequences.items()}
            if mask is not None:
                sequences = {name: where(ctx.time_mask[..., None], part, 0.0) for name, part in sequences.items()}
        output = sequences["hidden"] if self.return_sequences else last["hidden"]
        return (output, {**sequences, "last": last}) if self.return_states else output

    def _require_input(self, params: Params, x: Any, ctx: Context) -> None:
        shape, features = tuple(x.shape), params["weight"].shape[1]
        if len(shape) != 3:
            raise ShapeError(
                f"{self} needs inputs of shape (rows, time, features), got {shape}; reshape(rows, time, -1) gives "
                "numbers an axis of features, and return_sequences=True keeps the time axis of a layer before"
            )
        if shape[1] == 0:
            raise ShapeError(f"{self} got sequences without time steps, shape {shape}; leave empty sequences out")
        if shape[2] != features:
            raise ShapeError(f"{self} expected {features} features a step, got inputs of shape {shape}")
        if ctx.time_mask is not None and tuple(ctx.time_mask.shape) != shape[:2]:
            raise ShapeError(
                f"{self} is inside a Masked whose sequences have (rows, time) = {tuple(ctx.time_mask.shape)}, got "
                f"inputs of shape {shape}; keep layers that change the number of time steps outside of it"
            )

    def _keep_factors(self, ctx: Context, rate: float, shape: Shape, dtype: Any) -> Any:
        """Factors for all time steps: 1 / (1 - rate) with probability 1 - rate, else 0."""
        return (ctx.uniform(shape) >= rate).astype(dtype) * (1.0 / (1.0 - rate))

    def _start(self, params: Params, rows: int, like: Any, ctx: Context, given: States | None) -> States:
        """The states before the first step, (rows, size) each."""
        shapes: dict[str, Shape] = {name: (rows, self._size(name)) for name in self.states}
        if given is not None:
            return self._require_states(given, shapes, "the initial state has another batch size or number of units")
        if not self._carries(ctx):
            return self._first(params, shapes, like, ctx)
        carried = {name: ctx.state(name) for name in self.states}
        remedy = f"train with batch_size={self.stateful} and a multiple of it in rows, or set stateful={rows}"
        self._require_states(carried, shapes, remedy)
        if ctx.fresh is None:
            return carried
        first = self._first(params, shapes, like, ctx)
        return {name: where(ctx.fresh, first[name], part.astype(like.dtype)) for name, part in carried.items()}

    def _carries(self, ctx: Context) -> bool:
        """Whether the state goes on from batch to batch."""
        return bool(self.stateful) and (ctx.training or ctx.fresh is not None)

    def _first(self, params: Params, shapes: dict[str, Shape], like: Any, ctx: Context) -> States:
        """The states that `initial` says."""
        if self.initial == "learned":
            return {name: broadcast_to(params["initial"][name], shape=shape) for name, shape in shapes.items()}
        bound = self._random_start()
        if bound and ctx.training:
            return {name: (2.0 * ctx.uniform(shape) - 1.0) * bound for name, shape in shapes.items()}
        xp = namespace(value_of(like))
        return {name: xp.zeros(shape, dtype=like.dtype) for name, shape in shapes.items()}

    def _require_states(self, given: States, shapes: dict[str, Shape], remedy: str) -> States:
        got = {name: tuple(part.shape) for name, part in given.items()} if isinstance(given, dict) else given
        if got != shapes:
            raise ShapeError(f"{self} needs states {shapes} to start from, got {got}; {remedy}")
        return given

    def _carry(self, ctx: Context, last: States) -> None:
        """Keep the last states for the next batch; rows that only fill up this one keep theirs."""
        for name, state in last.items():
            before = ctx.state(name)
            state = value_of(state).astype(before.dtype)
            ctx.update(name, state if ctx.mask is None else where(ctx.mask[:, None], state, before))


@dataclass(frozen=True, repr=False)
class RNN(_Recurrent):
    """Recurrent layer ``hₜ = tanh(U xₜ + W hₜ₋₁ + b)``: (rows, time, features) -> (rows, units).

    Its parameters are U ("weight"), b ("bias") and W ("recurrent/weight"). W starts orthogonal, so that gradients
    through time neither grow nor shrink by it; tanh still shrinks them: see `LSTM`.

    Parameters
    ----------
    units : int
        Size of the state.
    return_sequences : bool
        Whether the output is every step's state (rows, time, units), or the last one's (rows, units).
    return_states : bool
        Whether the call returns a pair: the output, and a dict of all that can be read (see below).
    reverse : bool
        Read from the last step to the first; "the last state" is then the first step's.
    initial : str
        State before the first step: "zeros"; "learned", a parameter; "random" or "random:0.1", uniform between -1 and 1
        or -0.1 and 0.1 and new at each training step (zeros in evaluation).
    stateful : int
        If above 0: in training, row i goes on from the state that row i of the batch before ended with, without a
        gradient (truncated backpropagation through time). The number is that of rows in a batch. `fit` then takes the
        rows in their order, and starts anew, from `initial`, with each pass over them.
    dropout, recurrent_dropout : float
        Share of the inputs, and of the state, that is left out while training: the same ones at all time steps.
    bias : bool
        Whether there is one.
    weight_init, recurrent_init, bias_init : str
        Initialiser's names; each gate is drawn by itself.
    form : "fused", "scan" or "unrolled"
        One loop that keeps what it computed; plain operations under `backlit.scan`; every step as nodes that
        `backlit.explain` shows. The same numbers.
    activation : "tanh" or "relu"

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> network = bl.RNN(2, weight_init="constant:1", recurrent_init="zeros").build((3, 1))
    >>> network(np.array([[[0.0], [5.0], [1.0]]])).round(4).tolist()
    [[0.7616, 0.7616]]

    With ``return_states=True``, a dict beside the output: "hidden" (rows, time, units), and "last" with the last
    "hidden" (rows, units), which a call takes as `initial`.

    >>> layer = bl.RNN(2, return_states=True)
    >>> params, _ = layer.init(bl.Key(0), (3, 1))
    >>> output, states = layer(params, np.zeros((1, 3, 1)))
    >>> states["hidden"].shape, layer(params, np.zeros((1, 3, 1)), initial=states["last"])[0].shape
    ((1, 3, 2), (1, 2))

    References
    ----------
    Elman: Finding Structure in Time, Cognitive Science 14, 1990. The same dropout at all time steps: Gal, Ghahramani,
    NIPS 2016 (arXiv:1512.05287). ReLU: Le, Jaitly, Hinton, 2015 (arXiv:1504.00941).
    """

    activation: str = option("tanh", names=("tanh", "relu"))

    def run(self, params: Params, a: Any, start: States, **options: Any) -> States:
        weight = params["recurrent"]["weight"]
        return {"hidden": rnn(a, weight, start["hidden"], activation=self.activation, **options)[0]}

    def saturated(self, x: Any, y: Any) -> Any:
        """Which of the states `y` are saturated, as outputs of the activation; `x` isn't looked at."""
        function = activations.get(self.activation)
        low, high = (float(np.asarray(function({}, np.asarray(bound)))) for bound in limits(function) or (0.0, 0.0))
        return (y <= low) | (y >= high)
