"""Ensembles: networks trained side by side in one program, then used as one network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.splitting import split
from backlit.errors import InputError
from backlit.graph import tree
from backlit.nn.layer import Layer, Network
from backlit.nn.layers.containers import Parallel

COMBINE = {"softmax": "mean_softmax", "sigmoid": "mean_sigmoid"}  # by the loss's activation; else the outputs' mean


@dataclass(frozen=True, eq=False)
class Folds:
    """Rows that each member of an ensemble holds back for validation; it learns from all others.

    So all rows are learned from by most members, and each is judged by one that hasn't seen it (L. Breiman, "Bagging
    predictors", 1996; cross-validated committees: B. Parmanto et al., 1996).

    Parameters
    ----------
    rows : tuple of int arrays
        One for each member, all of one length.

    Examples
    --------
    >>> [part.tolist() for part in Folds.draw(7, 3, seed=1).rows]
    [[3, 4], [1, 6], [0, 2]]
    """

    rows: tuple[np.ndarray, ...]

    @classmethod
    def draw(cls, rows: int, count: int, seed: int = 0, stratify: Any = None, groups: Any = None) -> Folds:
        """Equal shares of some rows by chance; classes shared out alike, or groups kept together.

        Groups make shares of different sizes, and rows may not divide evenly: what a share has beyond the smallest
        isn't held back by anyone.
        """
        parts = split(rows, [1 / count] * count, seed, stratify, groups=groups)
        least = min(len(part) for part in parts)
        return cls(tuple(part[:least] for part in parts))


def member_seeds(seed: int, count: int) -> list[int]:
    """The seed of each member: the first has the run's own, so that it is the network which that seed gives alone."""
    return [seed, *(int(np.random.SeedSequence((seed, i)).generate_state(1)[0]) for i in range(1, count))]


def drawn(network: Layer | Network, built: Network, seeds: list[int]) -> list[Network]:
    """The members to start from: drawn from their seeds, or all the same if the user gave parameters."""
    if isinstance(network, Network):
        return [built] * len(seeds)
    return [built, *(network.build(built.input_shape, seed=seed, dtype=str(built.dtype)) for seed in seeds[1:])]


def combined(architecture: Layer, count: int, loss: Any) -> Parallel:
    """The architecture of an ensemble: its members side by side, their probabilities, or numbers, averaged."""
    activation = getattr(loss, "activation", None)
    if isinstance(activation, dict):  # of each output
        return Parallel(*[architecture] * count, combine={name: _way(own) for name, own in activation.items()})
    return Parallel(*[architecture] * count, combine=_way(activation))


def _way(activation: str | None) -> str:
    return COMBINE.get(str(activation), "mean")


def united(network: Network, params: Any, state: dict[str, Any], count: int, loss: Any) -> Network:
    """One network of members whose parameters and state are stacked: their probabilities, or numbers, averaged."""
    members = {str(i): tree.map(lambda part, i=i: part[i], params) for i in range(count)}
    states = {f"{i}/{name}": value[i] for i in range(count) for name, value in state.items()}
    architecture = combined(network.architecture, count, loss)
    return Network(architecture, {k: v for k, v in members.items() if v}, network.input_shape, states)


def members(network: Network) -> list[Network]:
    """The single networks of an ensemble.

    Raises
    ------
    InputError
        If the network isn't an ensemble.
    """
    if not isinstance(network.architecture, Parallel):
        raise InputError(f"expected an ensemble, a bl.Parallel of networks, got {network.architecture!r}")
    networks = []
    for name, layer in network.architecture.parts():
        prefix = f"{name}/"
        state = {key.removeprefix(prefix): v for key, v in network.state.items() if key.startswith(prefix)}
        networks.append(Network(layer, network.params.get(name, {}), network.input_shape, state))
    return networks


def first_of(network: Network) -> tuple[Network, int]:
    """A network, and how many more like it there are: of an ensemble's members, which are alike, the first."""
    layer = network.architecture
    if not isinstance(layer, Parallel) or len(set(layer.layers)) > 1 or len(layer.layers) == 1:
        return network, 0
    first, *alike = members(network)
    return first, len(alike)
