"""RNN, GRU and LSTM by the native kernels: one call forward, one back, for a layer's whole time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.graph.kernels.native.calls import MOST, as_sizes, call, optional, pointer, registered, slots, take

Arrays = list[Any]
GATES = {"rnn": 1, "gru": 3, "lstm": 4}


@dataclass(frozen=True)
class Recurrence:
    """A kind of recurrence with its settings: `forward` and `backward` as `graph.ops.recurrence.fused` takes them.

    Parameters
    ----------
    kind : "rnn", "gru" or "lstm"
    names : tuple of str
        Of the inputs, in their order: "a", "weight", "h", and where there are any "c", "bias", "added".
    mask, keep, reverse, activation :
        As of `backlit.ops.rnn`.
    """

    kind: str
    names: tuple[str, ...]
    mask: Any = None
    keep: Any = None
    reverse: bool = False
    activation: str = "tanh"

    def forward(self, loop: Any, *arrays: Any) -> Arrays:
        """The results of the recurrence: states; of the LSTM cells, too; of the gated ones what the way back needs."""
        given = dict(zip(self.names, arrays, strict=True))
        a, gates = given["a"], GATES[self.kind]
        states = (*a.shape[:2], a.shape[2] // gates)
        kept = (0,) if self.kind == "rnn" else a.shape
        second = (0,) if self.kind == "rnn" else states
        sizes = self._sizes(states)
        function = call(
            "backlit_forward",
            [states, second, kept, _scratch(sizes)],
            {0: 0 if self.kind == "rnn" else 2},  # what the inputs give isn't needed afterwards: written over
        )
        inputs = [given["a"], given["weight"], given["h"], *[optional(given.get(n)) for n in ("c", "bias", "added")]]
        h, c, kept_gates, _ = function(*inputs, *self._masks(), **self._settings(sizes))
        return {"rnn": [h], "gru": [h, kept_gates, c], "lstm": [h, c, kept_gates]}[self.kind]

    def backward(self, loop: Any, upstreams: Any, results: Any, arrays: Any) -> Arrays:
        """Gradients of the inputs, from those of the states and cells."""
        given = dict(zip(self.names, arrays, strict=True))
        h, *kept = results
        c, gates = {"rnn": (None, None), "gru": (*kept[::-1],), "lstm": (*kept,)}[self.kind]
        wide, state = (*h.shape[:2], h.shape[2] * GATES[self.kind]), given["h"].shape
        sizes = self._sizes(h.shape)
        function = call(
            "backlit_backward",
            [
                wide,
                wide if self.kind == "gru" else (0,),
                given["weight"].shape,
                state,
                state if self.kind == "lstm" else (0,),
                h.shape if "added" in given else (0,),
                _scratch(sizes),
            ],
            None if self.kind == "rnn" else {0: 0},  # the gates' gradients take their place
        )
        dh, dc = upstreams[0], upstreams[1] if self.kind == "lstm" else None
        inputs = [gates, h, c, given["weight"], given["h"], given.get("c"), dh, dc, given.get("added")]
        found = function(*[optional(array) for array in inputs], *self._masks(), **self._settings(sizes))
        da, by_product, dweight, dh, dc, dadded, _ = found
        gradients = {"a": da, "weight": dweight, "h": dh, "c": dc, "added": dadded}
        if self.kind == "gru":
            gradients["bias"] = by_product[..., 2 * h.shape[2] :].sum(axis=(0, 1))
        return [gradients[name] for name in self.names]

    def _sizes(self, states: tuple[int, ...]) -> np.ndarray:
        return as_sizes(GATES[self.kind], *states, slots())

    def _masks(self) -> Arrays:
        return [optional(self.keep), optional(self.mask, np.bool_)]

    def _settings(self, sizes: np.ndarray) -> dict[str, Any]:
        return {"sizes": sizes, "reverse": np.int64(self.reverse), "relu": np.int64(self.activation == "relu")}


def _scratch(sizes: np.ndarray) -> tuple[int]:
    return (registered().handle.backlit_recurrence_scratch(pointer(sizes)),)


def native_recurrence(kind: str, arrays: dict[str, Any], mask: Any, keep: Any, **settings: Any) -> Recurrence | None:
    """The native form of a recurrence of these arrays; None where the plain path is taken.

    That is for other types than float32, for the GRU with its reset gate before the product, and for arrays that are
    empty or have 2³¹ numbers.
    """
    if (kind == "gru" and "bias" not in arrays) or not take(*arrays.values(), *([] if keep is None else [keep])):
        return None
    if arrays["weight"].size * slots() > MOST:  # scratch
        return None
    return Recurrence(kind, tuple(arrays), mask, keep, **settings)
