"""A network of another library as the doctor sees it: its layers as they followed one another, and its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.doctor.evidence import PlacedLayer
from backlit.graph import tree
from backlit.nn.layer import Layer, Network, Shape


@dataclass(frozen=True)
class _Foreign(Layer):
    """A layer that Backlit has no like of: it tells only its name."""

    name: str = ""

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True)
class _Model(Layer):
    """All layers of a network, for who walks over them."""

    layers: tuple[tuple[str, Layer], ...] = ()
    integers: bool = False
    name: str = ""

    @property
    def takes_integers(self) -> bool:
        return self.integers

    def parts(self) -> list[tuple[str, Layer]]:
        return list(self.layers)

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False, repr=False)
class Shadow(Network):
    """What stands for a network that can't be computed here: shapes, kinds and weights.

    Attributes
    ----------
    placed : tuple of PlacedLayer
        In the order in which they ran.
    outputs : tuple of int
        Shape of one output.
    """

    placed: tuple[PlacedLayer, ...] = ()
    outputs: Shape = ()

    @property
    def output_shape(self) -> Shape:
        return self.outputs

    def rows(self, containers: bool = False) -> list[tuple[str, Layer, Shape, int, int]]:
        """One line a layer: path, layer, output shape, parameters, and 0, since nothing is computed here."""
        sizes = {path: int(np.prod(leaf.shape)) for path, leaf in tree.items(self.params)}
        whole = [("", self.architecture, self.outputs, sum(sizes.values()), 0)] if containers else []
        return whole + [
            (
                part.path,
                _Foreign(part.kind) if part.name else part.layer,
                part.output,
                sum(size for path, size in sizes.items() if path.startswith(f"{part.path}/")),
                0,
            )
            for part in self.placed
        ]


def shadow(
    name: str,
    placed: tuple[PlacedLayer, ...],
    params: dict[str, Any],
    input_shape: Shape,
    output_shape: Shape,
    integers: bool,
) -> Shadow:
    """The stand-in of a network.

    Parameters
    ----------
    name : str
        Of its class.
    placed : tuple of PlacedLayer
    params : dict
        ``{path of the layer: {"weight": array (units, ..., inputs), "bias": ...}}``
    input_shape, output_shape : tuple of int
        Of one example.
    integers : bool
        Whether inputs are whole numbers.
    """
    model = _Model(tuple((part.path, part.layer) for part in placed), integers, name)
    return Shadow(model, params, input_shape, placed=placed, outputs=output_shape)


def foreign(name: str) -> Layer:
    """A layer of which only the name is known."""
    return _Foreign(name)
