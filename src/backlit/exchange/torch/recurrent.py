"""Recurrent layers as PyTorch modules that give one tensor: PyTorch's kernels, or a loop where they lack the form."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from backlit.exchange.torch.own import Own, combined


class _Plain:
    """PyTorch's module, of which only the output is given: every step's, or the last of each direction."""

    sequences = True

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, time, features)``."""
        output, states = super().forward(x)  # type: ignore[misc]
        hidden = states[0] if isinstance(states, tuple) else states
        return output if self.sequences else hidden.transpose(0, 1).flatten(1)


class RNN(_Plain, nn.RNN):
    """See `torch.nn.RNN`."""


class LSTM(_Plain, nn.LSTM):
    """See `torch.nn.LSTM`."""


class GRU(_Plain, nn.GRU):
    """See `torch.nn.GRU`."""


class Steps(Own):
    """A recurrent layer step by step: learned starts, padding, peepholes, dropout of states, from the end."""

    def __init__(self, layer: Any, params: dict[str, Any]) -> None:
        super().__init__(layer, params)
        self.time_mask: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, time, features)``."""
        layer: Any = self.layer
        a = functional.linear(self._thinned(x, layer.dropout), self.weight, getattr(self, "bias", None))
        states = {name: self._start(name, x) for name in layer.states}
        keep = self._keep(states["hidden"], layer.recurrent_dropout)
        times = range(x.shape[1])
        seen: list[Tensor] = []
        for t in reversed(times) if layer.reverse else times:
            after = getattr(self, f"_{type(layer).__name__.lower()}")(a[:, t], states, keep)
            if self.time_mask is not None:
                real = self.time_mask[:, t, None]
                after = {name: torch.where(real, after[name], states[name]) for name in states}
            states = after
            seen.append(states["hidden"])
        if not layer.return_sequences:
            return states["hidden"]
        output = torch.stack(seen[::-1] if layer.reverse else seen, dim=1)
        return output if self.time_mask is None else torch.where(self.time_mask[..., None], output, 0.0)

    def _start(self, name: str, x: Tensor) -> Tensor:
        layer: Any = self.layer
        if layer.initial == "learned":
            return getattr(self, f"initial_{name}").expand(x.shape[0], -1)
        bound = layer._random_start() if self.training else 0.0
        return (2 * torch.rand(x.shape[0], layer._size(name), dtype=x.dtype, device=x.device) - 1) * bound

    def _thinned(self, x: Tensor, rate: float) -> Tensor:
        """Inputs without those features that are left out at all steps."""
        return x * self._keep(x[:, :1], rate)

    def _keep(self, like: Tensor, rate: float) -> Tensor:
        return functional.dropout(torch.ones_like(like), rate, self.training)

    def _product(self, hidden: Tensor) -> Tensor:
        return functional.linear(hidden, self.recurrent_weight)

    def _rnn(self, a: Tensor, states: dict[str, Tensor], keep: Tensor) -> dict[str, Tensor]:
        layer: Any = self.layer
        return {"hidden": getattr(torch, layer.activation)(a + self._product(states["hidden"] * keep))}

    def _lstm(self, a: Tensor, states: dict[str, Tensor], keep: Tensor) -> dict[str, Tensor]:
        cell = states["cell"]
        i, f, g, o = (a + self._product(states["hidden"] * keep)).chunk(4, dim=1)
        look = self.peephole_weight if self.layer.peepholes else (0.0, 0.0, 0.0)
        cell_after = torch.sigmoid(f + look[1] * cell) * cell + torch.sigmoid(i + look[0] * cell) * torch.tanh(g)
        hidden = torch.sigmoid(o + look[2] * cell_after) * torch.tanh(cell_after)
        if self.layer.projection:
            hidden = functional.linear(hidden, self.projection_weight)
        return {"hidden": hidden, "cell": cell_after}

    def _gru(self, a: Tensor, states: dict[str, Tensor], keep: Tensor) -> dict[str, Tensor]:
        hidden, units = states["hidden"], self.layer.units
        thinned = hidden * keep
        gates = a[:, : 2 * units] + functional.linear(thinned, self.recurrent_weight[: 2 * units])
        r, z = torch.sigmoid(gates).chunk(2, dim=1)
        weight = self.recurrent_weight[2 * units :]
        if self.layer.reset_after:
            inner = r * functional.linear(thinned, weight, getattr(self, "recurrent_bias", None))
        else:
            inner = functional.linear(r * thinned, weight)
        return {"hidden": (1 - z) * torch.tanh(a[:, 2 * units :] + inner) + z * hidden}


class Bidirectional(nn.Module):
    """Two recurrent modules, the second of which reads from the end, put together."""

    def __init__(self, forward: nn.Module, backward: nn.Module, combine: str) -> None:
        super().__init__()
        self.add_module("forward_layer", forward)
        self.add_module("backward_layer", backward)
        self.combine = combine

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, time, features)``."""
        return combined(self.combine, [self.forward_layer(x), self.backward_layer(x)], -1)
