"""The recorder: keeps what a forward pass shows of each layer, and the nodes whose gradients are asked for."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

from backlit.errors import unknown
from backlit.graph.backward import is_float
from backlit.graph.op import namespace
from backlit.graph.tensor import Tensor, value_of
from backlit.nn.layer import Layer, Shape
from backlit.train.probes.settings import Probes

ROOT = "network"  # the path of a network that is one layer, and of what a container makes of its parts


@dataclass(eq=False)
class Seen:
    """What was seen of one layer.

    Attributes
    ----------
    value : array (rows, ...), or for a recurrent layer its states (time, rows, units)
    node : Tensor
        Whose gradient is that of the value.
    saturated : boolean array like the value, or None
    mask : boolean array (time, rows), or None
    steps : bool
        Whether the first axis is time.
    """

    value: Any
    node: Tensor
    saturated: Any = None
    mask: Any = None
    steps: bool = False


class Recorder:
    """Sees one forward pass (a `backlit.nn.layer.Probe`)."""

    def __init__(self, settings: Probes, like: Any) -> None:
        self.settings = settings
        self.found: dict[str, Seen] = {}
        self._xp = namespace(like)
        self._known: set[int] = set()
        self._added: dict[str, Tensor] = {}
        self._open = [""]
        self._changes: list[tuple[int, str]] = []  # from which node on which layer runs

    def enter(self, path: str) -> None:
        self._open.append(path)
        self._mark()

    def _mark(self) -> None:
        if self.settings.watch:
            self._changes.append((Tensor(self._xp.zeros(())).serial, self._open[-1]))

    def layer(self, path: str, layer: Layer, x: Any, output: Any) -> Any:
        if path:
            self._open.pop()
            self._mark()
        name = path or ROOT
        if name in self.found or not self.settings.wants(name):
            return output
        if not hasattr(output, "dtype") or not is_float(output.dtype) or not len(output.shape):
            return output  # a pair, say
        if type(output) is not Tensor:  # before the first parameter
            output = Tensor(output)
        if output.serial not in self._known:  # else it's what the layer's last part gave, or its input
            self._known.add(output.serial)
            y = value_of(output)
            self.found[name] = Seen(y, output, layer.saturated(value_of(x), y))
        return output

    def added(self, path: str, shape: Shape, dtype: Any) -> Any:
        name = path or ROOT
        if not self.settings.wants(name):
            return None
        self._added[name] = Tensor(self._xp.zeros(shape, dtype=dtype))
        return self._added[name]

    def states(self, path: str, layer: Layer, states: Any, mask: Any) -> None:
        name = path or ROOT
        if name in self._added:
            y = value_of(states)
            self.found[name] = Seen(y, self._added[name], layer.saturated(None, y), mask, steps=True)

    def watched(self, order: list[Tensor]) -> dict[str, Tensor]:
        """The nodes that the user named, of those in the graph.

        Raises
        ------
        UnknownNameError
            If there is no such node.
        """
        if not self.settings.watch:
            return {}
        starts = [serial for serial, _ in self._changes]
        names: dict[str, Tensor] = {}
        counts: dict[str, int] = {}
        for node in order:
            place = bisect_right(starts, node.serial) - 1
            if node.op is None or place < 0 or not len(node.shape) or not hasattr(node.value, "dtype"):
                continue
            if not hasattr(value_of(node), "astype") or not is_float(node.dtype):
                continue  # a bundle of arrays, or whole numbers
            path = self._changes[place][1] or ROOT
            name = f"{path}/{node.op.name}"
            counts[name] = counts.get(name, 0) + 1
            names[name if counts[name] == 1 else f"{name}#{counts[name]}"] = node
        for wanted in self.settings.watch:
            if wanted not in names:
                raise unknown("node to watch", wanted, names)
        return {wanted: names[wanted] for wanted in self.settings.watch}
