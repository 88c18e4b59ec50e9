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
    """
    patterns = (freeze,) if isinstance(freeze, str) else tuple(freeze)
    if not patterns:
        return optimizer
    paths = [path for path, _ in tree.items(network.params)]
    stay: set[str] = set()
    for pattern in patterns:
        fitting = _embedded(network, paths) if pattern == EMBEDDINGS else _fitting(pattern, paths)
        if not fitting:
            raise InputError(f"freeze: no parameter is called {pattern!r}; there are {', '.join(paths[:20])}")
        stay |= set(fitting)
    if len(stay) == len(paths):
        raise InputError("freeze: all parameters would stay as they are; leave some to train")
    return Frozen(optimizer, tuple(path for path in paths if path in stay))


def _fitting(pattern: str, paths: Sequence[str]) -> list[str]:
    return [path for path in paths if fnmatchcase(path, pattern) or path.startswith(f"{pattern}/")]


def _embedded(network: Network, paths: Sequence[str]) -> list[str]:
    """The tables of embeddings, those of decoders too."""
    layers = [path for path, part in network.architecture.walk() if isinstance(part, (Embedding, EmbedColumns))]
    named = [path for path in paths if "embedding" in path.split("/")]
    return [path for layer in layers for path in paths if path.startswith(f"{layer}/" if layer else "")] + named
