"""Pictures of graphs and networks: `draw`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backlit import graph
from backlit.errors import InputError, unknown
from backlit.graph.tensor import Tensor
from backlit.inspect.draw.cell import cell
from backlit.inspect.draw.drawing import Drawing, check_path
from backlit.inspect.draw.layers import layers
from backlit.inspect.draw.neurons import neurons
from backlit.inspect.draw.operations import operations
from backlit.inspect.draw.scene import Scene
from backlit.inspect.draw.summary import summary
from backlit.inspect.draw.unrolled import unrolled
from backlit.inspect.draw.words import RANDOM_INPUT
from backlit.inspect.explain import Explanation, explain
from backlit.inspect.trace import described, require_network, require_single, trace
from backlit.nn.layer import Layer, Network

DEPTHS = ("layers", "neurons", "operations", "slopes", "time", "cell")
_MOST = 80  # nodes that are drawn one by one


def draw(
    what: Tensor | Explanation | Network | Any,
    depth: str | None = None,
    path: str | Path | None = None,
    *,
    x: Any = None,
    y: Any = None,
    loss: Any = None,
    labels: Any = None,
) -> Drawing:
    """A picture of a graph (forward values above the lines, gradients below) or of a network.

    Parameters
    ----------
    what : Tensor, Explanation, Network or Run
        A Tensor is explained first (see `explain`). Graphs of more than 80 nodes are summarised, by the names that
        are in them.
    depth : "layers", "neurons", "operations", "slopes", "time" or "cell", optional
        Of a network: a box for each layer ("layers", the default); a circle for each unit, with weights as line widths
        and colours, large layers elided ("neurons"); or the graph of one forward pass ("operations"; with the local
        slope of each operation by each single number that goes into it, "slopes", as for a Tensor). Of a chain of
        layers with an RNN, GRU or LSTM in it: the network unrolled, a column for each time step ("time"), or the inside
        of its first recurrent layer at the last step, gate by gate ("cell").
    path : str or Path, optional
        Also save it there, as .svg, .png or .pdf.
    x, y, loss : optional
        For "operations" of a network: the batch that is run through it (one random example if left out), and the
        targets and loss if the graph is to end in the loss. For "time" and "cell", x is a row, (steps, features), whose
        states and gates are shown; for "neurons" a row whose sums and outputs are written to the units, with its
        targets as y.
    labels : (inputs, outputs) or dict, optional
        For "time": what is written below x₁, x₂, … and above y₁, y₂, …: a text or a list for each, or None.
        For "neurons": names of units' outputs, sums and targets, by the picture's numbers, and of weights:
        ``{"x3": "h1", "y3": "z1", "t5": "t1", "0/weight[0,0]": "w1"}``.

    Returns
    -------
    Drawing
        ``drawing.svg``, ``drawing.save("graph.png")``; a notebook shows it.

    Raises
    ------
    InputError, ShapeError, UnknownNameError
        If `what` can't be drawn at this depth, a name or language is unknown, or the path's ending is unknown or it
        can't be written.

    Examples
    --------
    >>> import backlit as bl
    >>> x, y, z = bl.tensor(-2.0, name="x"), bl.tensor(5.0, name="y"), bl.tensor(-4.0, name="z")
    >>> bl.draw((x + y) * z).title
    'Graph of f: 5 nodes'
    >>> network = bl.Sequential(bl.Linear(2), bl.Sigmoid(), bl.Linear(1)).build((2,))
    >>> bl.draw(network, depth="neurons").title
    'Network 2-2-1'
    >>> speller = bl.Sequential(bl.RNN(8, return_sequences=True), bl.Linear(3)).build((4, 4))
    >>> bl.draw(speller, depth="time", labels=("hell", "ello")).title
    'Network unrolled over 4 steps'
    """
    if path is not None:
        check_path(path)
    if depth is not None and not (isinstance(depth, str) and depth in DEPTHS):
        raise unknown("depth", depth, DEPTHS)
    drawing = Drawing(_scene(what, depth, {"x": x, "y": y, "loss": loss, "labels": labels}))
    if path is not None:
        drawing.save(path)
    return drawing


# What is said beside a network, by depth.
_TAKES = {
    "operations": ("x", "y", "loss"),
    "slopes": ("x", "y", "loss"),
    "neurons": ("x", "y", "labels"),
    "time": ("x", "labels"),
    "cell": ("x",),
}


def _scene(what: Any, depth: str | None, said: dict[str, Any]) -> Scene:
    if isinstance(what, (Tensor, Explanation)):
        if depth not in (None, "operations", "slopes"):
            raise InputError(f"depth={depth!r} is for networks; a graph is drawn as depth='operations' or 'slopes'")
        beside = [name for name, value in said.items() if value is not None]
        if beside:
            raise InputError(f"{beside[0]} is for networks; a graph is drawn with the names and values it has")
        return _graph(what, slopes=depth == "slopes")
    if not isinstance(what, Layer) and not isinstance(getattr(what, "network", what), Network):
        raise InputError(f"draw takes a Tensor, an Explanation, a Network or a Run, got {described(what)}")
    network = require_network(what, "draw")
    for name, value in said.items():
        if value is not None and name not in _TAKES.get(str(depth), ()):
            depths = " or ".join(f"depth={each!r}" for each, takes in _TAKES.items() if name in takes)
            raise InputError(f"{name} is for {depths}, got depth={depth or 'layers'!r}")
    if depth in ("operations", "slopes"):
        note = "" if said["x"] is not None else RANDOM_INPUT
        return _graph(trace(network, said["x"], said["y"], said["loss"]), note, depth == "slopes")
    if depth is None or depth == "layers":
        return layers(network)
    require_single(network, f"draw with depth={depth!r}")
    if depth == "neurons":
        return neurons(network, said["x"], said["y"], said["labels"])
    return unrolled(network, said["x"], said["labels"]) if depth == "time" else cell(network, said["x"])


def _graph(what: Tensor | Explanation, note: str = "", slopes: bool = False) -> Scene:
    size = len(what) if isinstance(what, Explanation) else len(graph.nodes(what))
    if slopes and size > _MOST:
        raise InputError(f"depth='slopes' is for graphs of up to {_MOST} nodes, this one has {size}")
    if isinstance(what, Explanation):
        last = what.output
        return operations(what, note, slopes) if size <= _MOST else summary(last.tensor, last.upstream, note)
    if size > _MOST:
        return summary(what, note=note)
    return operations(explain(what), note, slopes)


__all__ = ["DEPTHS", "Drawing", "check_path", "draw"]
