"""What Backlit has and PyTorch hasn't, as small modules: `Network.to_torch` puts them where nothing of PyTorch's fits.

Parameters and buffers are called as in Backlit, with "_" between levels: "recurrent_weight".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from backlit.errors import InputError
from backlit.nn.layer import Layer
from backlit.nn.layers.wired import INPUT, OUTPUT
from backlit.nn.shapes import named


class Own(nn.Module):
    """Base of the modules that stand for one layer; they know which."""

    def __init__(self, layer: Layer, params: Mapping[str, Any] = {}, buffers: Mapping[str, Any] = {}) -> None:
        super().__init__()
        self.layer: Any = layer
        self.paths = {path.replace("/", "_"): path for path in params}
        for path, array in params.items():
            self.register_parameter(path.replace("/", "_"), nn.Parameter(torch.tensor(np.asarray(array))))
        for name, array in buffers.items():
            self.register_buffer(name, torch.tensor(np.asarray(array)))

    def extra_repr(self) -> str:
        """The layer's settings."""
        text = repr(self.layer)
        return text[text.index("(") + 1 : -1]


# -------------------------------------------------------------------------------------- shapes and axes


class Permute(nn.Module):
    """Axes in another order; the batch stays the first."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, ...)``."""
        return x.permute(0, *self.axes)

    def extra_repr(self) -> str:
        """The axes."""
        return ", ".join(map(str, self.axes))


class Reshape(Own):
    """Each example in another shape."""

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, ...)``."""
        return x.reshape(x.shape[0], *self.layer.shape)


class Select(Own):
    """One place along an axis."""

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, ...)``."""
        return x.select(self.layer.axis, self.layer.index)


class Reorder(nn.Module):
    """Features in another order: those of a flattened picture, channels last instead of first."""

    def __init__(self, order: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("order", torch.tensor(order))

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, features)``."""
        return x[:, self.order]


# ------------------------------------------------------------------------------------------ small layers


class Step(Own):
    """1 where x > 0, else 0; its gradient is zero."""

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, ...)``."""
        return (x > 0).to(x.dtype) + 0 * x


class Temperature(Own):
    """Outputs divided by a fixed number."""

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, ...)``."""
        return x / self.layer.value


class Rescale(Own):
    """``(x - shift) · factor``, by channel or alike for all."""

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, ...)``, whole numbers too."""
        return ((x if x.is_floating_point() else x.to(self.shift.dtype)) - self.shift) * self.factor


class OneHot(Own):
    """A one at the place that each whole number names, in the module's type."""

    def __init__(self, layer: Layer, *values: Any) -> None:
        super().__init__(layer, *values)
        self.register_buffer("one", torch.ones(()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, ...)``, whole numbers."""
        return functional.one_hot(x, self.layer.count).to(self.one.dtype)


class EmbedColumns(Own):
    """The last inputs are codes of categories, each replaced by a vector."""

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, inputs)``."""
        first = x.shape[1] - len(self.layer.counts)
        vectors = [getattr(self, str(i))[x[:, first + i].long()] for i in range(len(self.layer.counts))]
        return torch.cat([x[:, :first], *vectors], dim=1)


class PiecewiseLinear(Own):
    """Each number also as its place between knots."""

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, inputs)``."""
        numbers = x[:, torch.tensor(np.repeat(np.arange(len(self.layer.knots)), self.layer.pieces), device=x.device)]
        return torch.cat([2 * ((numbers - self.low) * self.factor).clamp(0, 1) - 1, x], dim=1)


class DropConnect(nn.Linear):
    """A dense layer that drops weights while training."""

    rate = 0.5

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, ..., inputs)``."""
        return functional.linear(x, functional.dropout(self.weight, self.rate, self.training), self.bias)


class Conv1d(nn.Conv1d):
    """A convolution whose border isn't the same on both sides."""

    border: tuple[int, ...] = ()  # as `torch.nn.functional.pad` takes it

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, channels, size)``."""
        return super().forward(functional.pad(x, self.border))


class Conv2d(nn.Conv2d):
    """A convolution whose border isn't the same on both sides."""

    border: tuple[int, ...] = ()

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, channels, height, width)``."""
        return super().forward(functional.pad(x, self.border))


class ConvTranspose1d(nn.ConvTranspose1d):
    """A transposed convolution of which not the same is cut off on both sides."""

    border: tuple[int, ...] = ()

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, channels, size)``."""
        return functional.pad(super().forward(x), self.border)


class ConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution of which not the same is cut off on both sides."""

    border: tuple[int, ...] = ()

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, channels, height, width)``."""
        return functional.pad(super().forward(x), self.border)


# -------------------------------------------------------------------------------------------- containers


def combined(way: str, values: Iterable[Tensor], axis: int) -> Tensor:
    """Several tensors as one: see `backlit.Parallel`."""
    values = list(values)
    if len(values) == 1:
        return values[0]
    if way == "concatenate":
        return torch.cat(values, dim=axis)
    if way == "mean_softmax":
        shares = torch.stack([functional.log_softmax(z, dim=axis) for z in values])
        return torch.logsumexp(shares, dim=0) - math.log(len(values))
    if way == "mean_sigmoid":
        yes, no = (torch.logsumexp(torch.stack([-functional.softplus(s * z) for z in values]), dim=0) for s in (-1, 1))
        return yes - no
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total / len(values) if way == "mean" else total


class Residual(nn.Module):
    """``x + body(x)``, or ``projection(x) + body(x)``."""

    def __init__(self, body: nn.Module, projection: nn.Module | None) -> None:
        super().__init__()
        self.body = body
        self.projection = projection

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, ...)``."""
        return (x if self.projection is None else self.projection(x)) + self.body(x)


class Parallel(nn.Module):
    """The same input through several modules, put together along an axis, or added or averaged."""

    def __init__(self, parts: list[nn.Module], combine: str, axis: int) -> None:
        super().__init__()
        self.names = [str(i) for i in range(len(parts))]
        for name, part in zip(self.names, parts, strict=True):
            self.add_module(name, part)
        self.combine, self.axis = combine, axis

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, ...)``."""
        return combined(self.combine, [getattr(self, name)(x) for name in self.names], self.axis)


class Wired(nn.Module):
    """Named modules, connected at will; those with several inputs combine them: each its way, along its axis."""

    def __init__(
        self,
        nodes: dict[str, nn.Module],
        edges: tuple[tuple[str, str], ...],
        ways: dict[str, tuple[str, int]],
        shares: Any,
    ) -> None:
        super().__init__()
        self.nodes = nn.ModuleDict({f"node_{name}": node for name, node in nodes.items()})
        self.order, self.edges, self.ways = list(nodes), edges, ways
        self.shares = nn.ParameterDict({f"into_{name}": torch.tensor(np.asarray(w)) for name, w in shares.items()})

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, ...)``."""
        made = {INPUT: x}
        for name in self.order:
            made[name] = self.nodes[f"node_{name}"](self._arrived(name, made))
        return self._arrived(OUTPUT, made)

    def _arrived(self, name: str, made: dict[str, Tensor]) -> Tensor:
        values = [made[start] for start, end in self.edges if end == name]
        way, axis = self.ways[name]
        if f"into_{name}" in self.shares:
            shares = torch.sigmoid(self.shares[f"into_{name}"])
            return combined("sum", [share * value for share, value in zip(shares, values, strict=True)], axis)
        return combined("sum" if way == "weighted" else way, values, axis)


class Joint(nn.Module):
    """Named values as one: each with its axes turned, if it has others than are wanted, then put together."""

    def __init__(
        self, sources: list[str], way: str, axis: int, turns: Mapping[str, nn.Module], shares: Any = None
    ) -> None:
        super().__init__()
        self.sources, self.way, self.axis = sources, way, axis
        self.places = {name: f"from_{i}" for i, name in enumerate(sources) if name in turns}
        self.turns = nn.ModuleDict({place: turns[name] for name, place in self.places.items()})
        self.shares = None if shares is None else nn.Parameter(torch.tensor(np.asarray(shares)))

    def forward(self, made: Mapping[str, Tensor]) -> Tensor:
        """``made``: what there is, by name."""
        values = [
            self.turns[self.places[name]](made[name]) if name in self.places else made[name] for name in self.sources
        ]
        if self.shares is not None:
            values = [share * value for share, value in zip(torch.sigmoid(self.shares), values, strict=True)]
        return combined("sum" if self.way == "weighted" else self.way, values, self.axis)

    def extra_repr(self) -> str:
        """Where its values come from, and what becomes of them."""
        return ", ".join([*self.sources, *([f"combine={self.way!r}"] if len(self.sources) > 1 else [])])


class Several(nn.Module):
    """A network of several inputs or outputs: ``module(image, meta)``, by name or as a dict; outputs are a dict."""

    def __init__(
        self,
        inputs: tuple[str, ...],
        nodes: Mapping[str, nn.Module],
        joints: Mapping[str, Joint],
        outputs: Mapping[str, Joint],
    ) -> None:
        super().__init__()
        self.inputs, self.order, self.outputs = inputs, list(nodes), list(outputs)
        self.nodes = nn.ModuleDict({f"node_{name}": node for name, node in nodes.items()})
        self.joints = nn.ModuleDict({f"into_{name}": joint for name, joint in joints.items()})
        self.ends = nn.ModuleDict({f"end_{i}": joint for i, joint in enumerate(outputs.values())})

    def forward(self, *given: Any, **by_name: Tensor) -> Any:
        """``(batch, ...)`` each."""
        made = self._taken(given, by_name)
        for name in self.order:
            made[name] = self.nodes[f"node_{name}"](self.joints[f"into_{name}"](made))
        ends = {name: self.ends[f"end_{i}"](made) for i, name in enumerate(self.outputs)}
        return ends[OUTPUT] if self.outputs == [OUTPUT] else ends

    def _taken(self, given: tuple[Any, ...], by_name: dict[str, Tensor]) -> dict[str, Tensor]:
        inputs = self.inputs or (INPUT,)
        if len(given) > len(inputs):
            raise InputError(f"the module takes {', '.join(inputs)}, got {len(given)} tensors")
        if len(given) == 1 and isinstance(given[0], Mapping):
            by_name = {**given[0], **by_name}
            given = ()
        return named(dict(zip(inputs, given, strict=False)) | by_name, inputs, "what the module is given", "input")


class EachStep(nn.Module):
    """The same module at each step of a sequence."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, time, ...)``."""
        return self.body(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class Masked(nn.Module):
    """Tells the modules inside which steps are padding."""

    def __init__(self, body: nn.Module, value: float) -> None:
        super().__init__()
        self.body, self.value = body, value

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, time, ...)``."""
        known = ~torch.isnan(x) if math.isnan(self.value) else x != self.value
        mask = known.flatten(2).any(2) if x.dim() > 2 else known
        if math.isnan(self.value):
            x = torch.where(mask.reshape(*mask.shape, *[1] * (x.dim() - 2)), x, 0.0)
        for part in self.body.modules():
            if hasattr(part, "time_mask"):
                part.time_mask = mask
        return self.body(x)


class Hidden(nn.Module):
    """A module that sees zeros (or another number) where time steps are padding; channels last."""

    def __init__(self, module: nn.Module, value: float = 0.0) -> None:
        super().__init__()
        self.module, self.value = module, value
        self.time_mask: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, time, features)``."""
        return self.module(x if self.time_mask is None else torch.where(self.time_mask[..., None], x, self.value))


class Mean(nn.Module):
    """The mean over all places that aren't padding: (batch, ..., channels) -> (batch, channels)."""

    def __init__(self) -> None:
        super().__init__()
        self.time_mask: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, ..., channels)``."""
        if self.time_mask is None:
            return x.mean(dim=tuple(range(1, x.dim() - 1)))
        mask = self.time_mask[..., None]
        return torch.where(mask, x, 0.0).sum(1) / mask.sum(1)


class Maximum(nn.Module):
    """The greatest of each channel over all places: (batch, ..., channels) -> (batch, channels)."""

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, ..., channels)``."""
        return x.amax(dim=tuple(range(1, x.dim() - 1)))


class MeanOf(nn.Module):
    """A mean over windows in which a border of zeros doesn't count."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        """``x: (batch, channels, ...)``."""
        return self.module(x) / self.module(torch.ones_like(x))
