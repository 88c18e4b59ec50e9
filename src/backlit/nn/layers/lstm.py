"""The long short-term memory layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from backlit.graph.ops.lstm import lstm
from backlit.nn import initializers
from backlit.nn.hyperparameters import finite, option
from backlit.nn.key import Key
from backlit.nn.layer import Params, Shape
from backlit.nn.layers.recurrent import States, _Recurrent


@dataclass(frozen=True, repr=False)
class LSTM(_Recurrent):
    """Long short-term memory: (rows, time, features) -> (rows, units), or (rows, time, units).

    ``i, f, o = σ(U xₜ + W hₜ₋₁ + b)`` and ``g = tanh(…)``, each with weights of its own; ``cₜ = f cₜ₋₁ + i g``,
    ``hₜ = o tanh(cₜ)``. Along the cell state c a gradient is only multiplied by f, so it lives for many steps.

    Parameters "weight" (U), "bias" (b) and "recurrent/weight" (W) hold i, f, g and o one after another, as in PyTorch,
    of whose two biases b is the sum. The fused form doesn't cover peepholes and projection, which take "scan".

    Parameters
    ----------
    units, return_sequences, return_states, reverse, initial, stateful, form :
        As of `RNN`.
    dropout, recurrent_dropout, bias, weight_init, recurrent_init, bias_init :
        As of `RNN`; each gate is drawn by itself.
    forget_bias : float
        Added to the forget gate's bias at the start, so that c is kept before anything is learned.
    peepholes : bool
        Whether i and f also see cₜ₋₁ and o sees cₜ, each unit its own: "peephole/weight" (3, units).
    projection : int
        If above 0: outputs are ``P hₜ`` of this size, which is also what the next step sees ("projection/weight").

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> two = bl.Sequential(bl.LSTM(16, return_sequences=True), bl.Dropout(0.2), bl.LSTM(8), bl.Linear(1))
    >>> two.build((20, 3))(np.zeros((5, 20, 3), dtype="float32")).shape
    (5, 1)

    With ``return_states=True``, a dict beside the output: "hidden", "cell", "input_gate", "forget_gate", "candidate",
    "output_gate", each (rows, time, units), and "last" with the last "hidden" and "cell".

    >>> layer = bl.LSTM(4, return_states=True)
    >>> output, states = layer(layer.init(bl.Key(0), (20, 3))[0], np.zeros((5, 20, 3)))
    >>> states["forget_gate"].shape, states["last"]["cell"].shape
    ((5, 20, 4), (5, 4))

    References
    ----------
    Hochreiter, Schmidhuber: Long Short-Term Memory, Neural Computation 9(8), 1997. Forget gate: Gers, Schmidhuber,
    Cummins, ICANN 1999; its bias 1: Jozefowicz, Zaremba, Sutskever, ICML 2015. Peepholes: Gers, Schraudolph,
    Schmidhuber, JMLR 3, 2002. Projection: Sak, Senior, Beaufays, 2014 (arXiv:1402.1128).
    """

    gates: ClassVar[tuple[str, ...]] = ("input_gate", "forget_gate", "candidate", "output_gate")
    states: ClassVar[tuple[str, ...]] = ("hidden", "cell")

    forget_bias: float = finite(1.0)
    peepholes: bool = False
    projection: int = option(0, low=0, open_high=True, whole=True, words="a size, or 0 for none")

    def _size(self, state: str) -> int:
        return self.projection if state == "hidden" and self.projection else self.units

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        params, output = super().init(key, input_shape)
        if self.bias:
            params["bias"][self.units : 2 * self.units] += self.forget_bias
        if self.peepholes:
            weight = initializers.get(self.weight_init)(key.child("peephole"), (self.units, 3)).T
            params["peephole"] = {"weight": weight}
        if self.projection:
            weight = initializers.get(self.weight_init)(key.child("projection"), (self.units, self.projection)).T
            params["projection"] = {"weight": weight}
        return params, output

    def cost(self, input_shape: Shape) -> int:
        extra = 3 * self.units * self.peepholes + self.units * self.projection
        return super().cost(input_shape) + input_shape[0] * extra

    def run(self, params: Params, a: Any, start: States, **options: Any) -> States:
        for name in ("peephole", "projection"):
            if name in params:
                options[name] = params[name]["weight"]
        weight = params["recurrent"]["weight"]
        hidden, cell, gates = lstm(a, weight, start["hidden"], start["cell"], **options)
        sequences = {"hidden": hidden, "cell": cell}
        return {**sequences, **by_gate(gates, self.gates)} if self.return_states else sequences


def by_gate(gates: Any, names: tuple[str, ...]) -> States:
    """Gates side by side as a dict."""
    units = gates.shape[-1] // len(names)
    return {name: gates[..., k * units : (k + 1) * units] for k, name in enumerate(names)}
