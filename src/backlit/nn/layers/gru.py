"""The gated recurrent unit layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from backlit.graph.op import namespace
from backlit.graph.ops.gru import gru
from backlit.graph.tensor import value_of
from backlit.nn import initializers
from backlit.nn.key import Key
from backlit.nn.layer import Params, Shape
from backlit.nn.layers.lstm import by_gate
from backlit.nn.layers.recurrent import States, _Recurrent


@dataclass(frozen=True, repr=False)
class GRU(_Recurrent):
    """Gated recurrent unit: (rows, time, features) -> (rows, units), or (rows, time, units).

    ``r, z = σ(U xₜ + W hₜ₋₁ + b)``, ``hₜ = (1 - z) n + z hₜ₋₁`` with a candidate n, of which two forms were published:

    * ``reset_after=True``: ``n = tanh(Uⁿ xₜ + bⁿ + r (Wⁿ hₜ₋₁ + bʳ))``, PyTorch's and cuDNN's;
    * ``reset_after=False``: ``n = tanh(Uⁿ xₜ + bⁿ + Wⁿ (r hₜ₋₁))``, that of the paper's last version.

    Parameters "weight" (U), "bias" (b) and "recurrent/weight" (W) hold r, z and n one after another, as in PyTorch, of
    whose two biases b is the sum, but for the candidate's second one, which is "recurrent/bias" (bʳ).

    Parameters
    ----------
    units, return_sequences, return_states, reverse, initial, stateful, form :
        As of `RNN`.
    dropout, recurrent_dropout, bias, weight_init, recurrent_init, bias_init :
        As of `RNN`; each gate is drawn by itself.
    reset_after : bool
        Whether the reset gate acts after the matrix product, or before.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> bl.GRU(8, return_sequences=True).build((20, 3))(np.zeros((5, 20, 3), dtype="float32")).shape
    (5, 20, 8)

    With ``return_states=True``, a dict beside the output: "hidden", "reset_gate", "update_gate" and "candidate", each
    (rows, time, units), and "last" with the last "hidden".

    References
    ----------
    Cho et al.: Learning Phrase Representations using RNN Encoder-Decoder, EMNLP 2014 (arXiv:1406.1078v1 and v3).
    """

    gates: ClassVar[tuple[str, ...]] = ("reset_gate", "update_gate", "candidate")

    reset_after: bool = True

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        params, output = super().init(key, input_shape)
        if self.reset_after and self.bias:
            bias_key = key.child("recurrent").child("bias")
            params["recurrent"]["bias"] = initializers.get(self.bias_init)(bias_key, (self.units,))
        return params, output

    def run(self, params: Params, a: Any, start: States, **options: Any) -> States:
        weight, bias = params["recurrent"]["weight"], params["recurrent"].get("bias")
        if self.reset_after and bias is None:
            bias = namespace(value_of(a)).zeros((self.units,), dtype=a.dtype)
        hidden, gates = gru(a, weight, start["hidden"], bias, **options)
        return {"hidden": hidden, **by_gate(gates, self.gates)} if self.return_states else {"hidden": hidden}
