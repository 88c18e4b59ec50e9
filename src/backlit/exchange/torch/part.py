"""A layer on its way to PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from backlit.errors import InputError
from backlit.exchange.weights.order import Step
from backlit.nn.context import Params
from backlit.nn.layer import Layer


@dataclass(frozen=True)
class Part:
    """A layer that is to be built: where it stands and what it has learned."""

    path: str
    layer: Any
    params: Params
    state: dict[str, Any]
    steps: dict[str, Step]
    frozen: tuple[str, ...] = ()

    @property
    def step(self) -> Step:
        """Its shape and forms."""
        return self.steps[self.path]

    def inside(self, name: str, layer: Layer) -> Part:
        """A part of this container."""
        path = f"{self.path}/{name}" if self.path else name
        return Part(path, layer, self.params.get(name, {}), self.state.get(name, {}), self.steps, self.frozen)

    def parts(self) -> list[tuple[str, Part]]:
        """All parts, a projection that the shapes call for included."""
        return [(name, self.inside(name, layer)) for name, layer, _ in self.layer.open(self.step.shape)]

    def refuse(self, why: str) -> NoReturn:
        """Say which layer PyTorch has no counterpart for."""
        raise InputError(f"to_torch: layer {self.path or '-'} ({self.layer}): {why}")
