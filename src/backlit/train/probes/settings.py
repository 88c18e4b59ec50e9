"""What probes look at, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from backlit.errors import InputError
from backlit.settings import Record, count, option

ROWS = 256  # that a probe looks at, unless that would cost too much


@dataclass(frozen=True)
class Probes(Record):
    """What is measured while training: ``bl.fit(..., probes=bl.Probes(every=1))``.

    Parameters
    ----------
    every : int or None
        Probe after every so many epochs. None spaces the probes so that they cost about 3 % of the training: after
        epochs 1, 2, 4, 8, …, then at equal distances. The last epoch is always probed.
    layers : tuple of str, optional
        Paths of the layers to look at, with wildcards: ``("0", "2/*")``; all of them if left out.
    time_steps : bool
        Whether recurrent layers are also told step by step.
    histograms : bool
        Whether each layer's histogram is kept.
    rows : int, optional
        Training rows that are looked at, always the same ones; at most 256, and fewer where those would cost too much.
    watch : tuple of str
        Other nodes of the graph: a layer's path and the name of an operation in it, as `backlit.explain` names them.
        "0/linear" is what ``Linear`` at path "0" has before its bias is added; "0/add#2" the second sum there.
    gradients : bool
        Whether the histogram of each parameter's gradient is kept, too; trackers that show it ask for it themselves.

    Raises
    ------
    InputError
        If a value is of the wrong kind.
    UnknownNameError
        When training begins, if there is no node of a name in `watch`; the message names the nearest one.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    >>> net = bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(1))
    >>> run = bl.fit(net, x, x[:, 0], epochs=3, probes=bl.Probes(every=1, layers=("1",), histograms=False))
    >>> [record["epoch"] for record in run.probes], sorted(run.probes[-1]["layers"])
    ([1, 2, 3], ['1'])
    """

    every: int | None = count(None, words="a whole number of at least 1, or None")
    layers: tuple[str, ...] | None = option(None)
    time_steps: bool = option(True)
    histograms: bool = option(True)
    rows: int | None = count(None, words="a whole number of at least 1, or None")
    watch: tuple[str, ...] = option(())
    gradients: bool = option(False)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("layers", "watch"):
            paths = getattr(self, name)
            paths = (paths,) if isinstance(paths, str) else paths
            if paths is not None:
                if not isinstance(paths, (tuple, list)) or not all(isinstance(path, str) for path in paths):
                    raise self._refuse(name, f"must hold paths such as '0' or '2/*', got {paths!r}")
                object.__setattr__(self, name, tuple(paths))

    def _title(self) -> str:
        return "Probes: "

    def wants(self, path: str) -> bool:
        """Whether the layer at a path is looked at."""
        return self.layers is None or any(fnmatchcase(path, pattern) for pattern in self.layers)


def probes_of(probes: Any) -> Probes | None:
    """Probes as the user said it: "standard", None, or `Probes`."""
    if probes is None or probes is False:
        return None
    if isinstance(probes, Probes):
        return probes
    if isinstance(probes, str) and probes == "standard":
        return Probes()
    raise InputError(f"probes must be 'standard', None or bl.Probes(...), got {probes!r}")
