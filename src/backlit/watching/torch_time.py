"""∂L/∂hₜ of PyTorch's recurrent layers, step by step.

Their kernels go through all steps at once and tell only how the loss depends on each step's output directly. What comes
back from later steps is found by going through the steps again, with the same weights, for a few rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

LARGEST = 1e300  # what left the range of 64 bits is told as


def state_gradients(module: Any, x: Any, direct: Any) -> np.ndarray | None:
    """‖∂L/∂hₜ‖ of a row by time step, root mean square over the rows: of the last of stacked layers.

    Parameters
    ----------
    module : torch.nn.RNN, LSTM or GRU
    x : tensor (rows, time, inputs), or (time, rows, inputs) as the module takes it
    direct : tensor (rows, time, units)
        How the loss depends on each output by itself.

    Returns
    -------
    array (time,), or None
        None for what isn't gone through again: both directions at once, projections, packed sequences.
    """
    if module.bidirectional or getattr(module, "proj_size", 0) or x.ndim != 3:
        return None
    x = x.double() if module.batch_first else x.double().transpose(0, 1)  # what explodes leaves the range of 32 bits
    steps = min(x.shape[1], direct.shape[1])
    rows = min(len(x), len(direct))
    weights = [[p.detach().double() for p in layer] for layer in module.all_weights]
    with torch.enable_grad():
        states = _states(module, x[:rows, :steps], weights)
        upstream = list(direct[:rows, :steps].to(x.device, x.dtype).unbind(1))
        whole = torch.autograd.grad(states, states, upstream, allow_unused=True)
    norms = [0.0 if g is None else float(g.square().sum() / rows) ** 0.5 for g in whole]
    return np.nan_to_num(np.array(norms), nan=LARGEST, posinf=LARGEST)


def _states(module: Any, x: Any, weights: list[list[Any]]) -> list[Any]:
    """The last layer's state after each step, in one graph."""
    size = module.hidden_size
    zeros = x.new_zeros(len(x), size)
    hidden = [zeros.clone().requires_grad_() for _ in weights]
    cell = [zeros.clone() for _ in weights]
    step = _STEPS[type(module).__name__ if type(module).__name__ in _STEPS else module.mode.split("_")[0]]
    states = []
    for row in x.unbind(1):
        entering = row
        for number, own in enumerate(weights):
            bias = own[2:] if module.bias else [None, None]
            a = torch.nn.functional.linear(entering, own[0], bias[0])
            b = torch.nn.functional.linear(hidden[number], own[1], bias[1])
            hidden[number], cell[number] = step(module, a, b, hidden[number], cell[number])
            entering = hidden[number]
        states.append(entering)
    return states


def _rnn(module: Any, a: Any, b: Any, hidden: Any, cell: Any) -> tuple[Any, Any]:
    return (torch.relu(a + b) if module.nonlinearity == "relu" else torch.tanh(a + b)), cell


def _lstm(module: Any, a: Any, b: Any, hidden: Any, cell: Any) -> tuple[Any, Any]:
    entering, forget, candidate, output = (a + b).chunk(4, dim=1)
    cell = torch.sigmoid(forget) * cell + torch.sigmoid(entering) * torch.tanh(candidate)
    return torch.sigmoid(output) * torch.tanh(cell), cell


def _gru(module: Any, a: Any, b: Any, hidden: Any, cell: Any) -> tuple[Any, Any]:
    (reset_a, update_a, new_a), (reset_b, update_b, new_b) = a.chunk(3, dim=1), b.chunk(3, dim=1)
    update = torch.sigmoid(update_a + update_b)
    new = torch.tanh(new_a + torch.sigmoid(reset_a + reset_b) * new_b)
    return (1 - update) * new + update * hidden, cell


_STEPS = {"RNN": _rnn, "LSTM": _lstm, "GRU": _gru}
