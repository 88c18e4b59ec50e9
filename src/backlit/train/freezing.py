"""Which parameters stay as they are: said by their paths, or by what they are."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from backlit.errors import InputError
from backlit.graph import tree
from backlit.nn.layer import Network
from backlit.nn.layers.embedding import EmbedColumns, Embedding
from backlit.optim.freezing import Frozen

EMBEDDINGS = "embeddings"


def frozen(optimizer: Any, network: Network, freeze: str | Sequence[str]) -> Any:
    """The optimizer, for all parameters but those that are to stay.

    Parameters
    ----------
    optimizer : Transform
    network : Network
    freeze : str or list of str
        "embeddings", or patterns of paths: "0" and "0/*" are all of the first layer.

    Raises
    ------
    InputError
        If a pattern fits no parameter, or none would be left to train.

    Those that the network itself says are frozen stay, too.
    """
    stay = {*network.frozen, *_meant(network, freeze, "freeze")}
    if not stay:
        return optimizer
    paths = tree.paths(network.params)
    if stay.issuperset(paths):
        raise InputError("freeze: all parameters would stay as they are; leave some to train")
    return Frozen(optimizer, tuple(path for path in paths if path in stay))


def freeze(network: Network, *patterns: str) -> Network:
    """The network with some parameters frozen: training leaves them as they are, and its table says so.

    What `fit`'s option `freeze` says of one training stays with the network here, in what training returns and in a
    run's folder, too, until `unfreeze`.

    Parameters
    ----------
    network : Network
    *patterns : str
        Paths of layers or parameters, or patterns of them: "0" and "0/*" are all of the first layer, "*/bias" every
        bias; "embeddings" are the tables of embeddings.

    Raises
    ------
    InputError
        If a pattern fits no parameter.

    Examples
    --------
    >>> import backlit as bl
    >>> network = bl.Sequential(bl.Linear(3), bl.ReLU(), bl.Linear(2)).build((4,)).freeze("0")
    >>> print(network)
    layer  kind       output  parameters  multiply-adds  weights
    0      Linear(3)  (3,)            15             12  weight 3×4 frozen, bias 3 frozen
    1      ReLU()     (3,)             0              0
    2      Linear(2)  (2,)             8              6  weight 2×3, bias 2
    total             (2,)            23             18  15 frozen
    >>> network.unfreeze("0/bias").frozen
    ('0/weight',)
    """
    stay = {*network.frozen, *_meant(network, patterns, "freeze")}
    return network.replace(frozen=tuple(path for path in tree.paths(network.params) if path in stay))


def unfreeze(network: Network, *patterns: str) -> Network:
    """The network with all parameters trained again, or with those that the patterns name: see `freeze`."""
    loose = set(_meant(network, patterns, "unfreeze")) if patterns else set(network.frozen)
    return network.replace(frozen=tuple(path for path in network.frozen if path not in loose))


def _meant(network: Network, patterns: str | Sequence[str], verb: str) -> list[str]:
    """Paths of the parameters that patterns name."""
    paths = tree.paths(network.params)
    found: list[str] = []
    for pattern in (patterns,) if isinstance(patterns, str) else tuple(patterns):
        fitting = _embedded(network, paths) if pattern == EMBEDDINGS else _fitting(pattern, paths)
        if not fitting:
            raise InputError(f"{verb}: no parameter is called {pattern!r}; there are {', '.join(paths[:20])}")
        found += fitting
    return found


def _fitting(pattern: str, paths: Sequence[str]) -> list[str]:
    return [path for path in paths if fnmatchcase(path, pattern) or path.startswith(f"{pattern}/")]


def _embedded(network: Network, paths: Sequence[str]) -> list[str]:
    """The tables of embeddings, those of decoders too."""
    layers = [path for path, part in network.architecture.walk() if isinstance(part, (Embedding, EmbedColumns))]
    named = [path for path in paths if "embedding" in path.split("/")]
    return [path for layer in layers for path in paths if path.startswith(f"{layer}/" if layer else "")] + named
