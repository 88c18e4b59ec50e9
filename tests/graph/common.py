"""Every operation at every sample of it, as the registry lists them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

import backlit as bl
from backlit.graph import ops  # noqa: F401 - fills the registry
from backlit.graph.registry import REGISTRY, Entry, Sample


@dataclass(frozen=True)
class Case:
    """One operation at one sample."""

    entry: Entry
    sample: Sample
    name: str

    def inputs(self, dtype: str = "float64") -> list[np.ndarray]:
        """The sample's inputs; real numbers in this type."""
        rng = np.random.default_rng(0)
        arrays = [draw.array(rng) for draw in self.sample.inputs]
        return [x.astype(dtype) if x.dtype.kind == "f" else x for x in arrays]

    def outputs(self, inputs: Any) -> list[Any]:
        """The operation's results, as a list."""
        result = self.sample.call(self.entry.function, *inputs)
        return result if isinstance(result, list) else [result]

    @property
    def is_step(self) -> bool:
        op = getattr(self.entry.function, "op", None)
        return op is not None and op.is_step

    @property
    def differentiable(self) -> bool:
        return self.entry.order > 0 and not self.is_step

    def gradients(self, inputs: list[Any]) -> list[Any]:
        """Gradients of the weighted results with respect to each real input."""
        places = real_places(inputs)
        return bl.grad(lambda real: self.weighted(with_real(inputs, places, real)))([inputs[i] for i in places])

    def second(self, inputs: list[Any]) -> list[Any]:
        """Gradients of the gradients' sum of squares: the derivative rules are themselves differentiated."""
        places = real_places(inputs)

        def slope(real: list[Any]) -> Any:
            parts = bl.grad(lambda inner: self.weighted(with_real(inputs, places, inner)))(real)
            return sum([(part * part).sum() for part in parts])

        return bl.grad(slope)([inputs[i] for i in places])

    def weighted(self, inputs: list[Any]) -> Any:
        """The results' elements times fixed different weights, summed: each of them counts for itself."""
        total = 0.0
        for output in self.outputs(inputs):
            total = total + (output * weights(output)).sum()
        return total


def weights(output: Any) -> np.ndarray:
    """Numbers from 0.5 to 1.5, all different, in the output's type."""
    size = int(np.prod(output.shape))
    return (0.5 + (np.arange(size) * 0.618034) % 1.0).reshape(output.shape).astype(output.dtype)


def real_places(inputs: list[Any]) -> list[int]:
    return [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]


def with_real(inputs: list[Any], places: list[int], real: list[Any]) -> list[Any]:
    """The inputs with other real ones."""
    full = list(inputs)
    for place, value in zip(places, real, strict=True):
        full[place] = value
    return full


CASES = [Case(entry, s, f"{name}-{i}") for name, entry in REGISTRY.items() for i, s in enumerate(entry.samples)]


def silent(f: Any, *args: Any) -> Any:
    """`f`'s result, when zero gradients are no news."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bl.ZeroGradientWarning)
        return f(*args)
