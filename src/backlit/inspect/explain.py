"""`explain`: every node of a graph with its value, its gradients, and what it does to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from backlit import graph
from backlit.aligned import aligned
from backlit.errors import GradientError, unknown
from backlit.graph.backward import downstream, is_float, ones_like, pull, zeros_like
from backlit.graph.op import is_bad, transforming
from backlit.graph.tensor import Array, Tensor, value_of
from backlit.graph.tree import same_numbers
from backlit.inspect.format import formula_of, node_names, plain, summary
from backlit.inspect.trace import described
from backlit.languages import Template, join
from backlit.verbs import verb

_SHOWN = 60  # lines of a table or tree; what is left out is said
_GIVEN = Template("{name} was given with {value}", "NaN 또는 무한대가 처음부터 들어 있음: {name} = {value}")
_MADE = Template(
    "{name} = {formula} made the first NaN or infinite value, from {inputs}",
    "NaN 또는 무한대가 처음 나온 곳: {name} = {formula}, 받은 값 {inputs}",
)


@dataclass(frozen=True, eq=False)
class Edge:
    """What goes from a node to one of its inputs.

    Attributes
    ----------
    parent : str
        Name of the input.
    local : array or None
        Local derivative ∂node/∂parent where both are single numbers; else None (see `NodeReport.jacobian`).
    downstream : array or None
        Gradient that goes to the input; None if none does (a constant index, a step function).
    """

    parent: str
    local: Array | None
    downstream: Array | None


@dataclass(frozen=True, eq=False)
class _Graph:
    """What the reports of one explanation share, by a node's serial number."""

    names: dict[int, str]
    gradients: dict[int, Array]
    users: dict[int, list[Tensor]]


@dataclass(frozen=True, eq=False)
class NodeReport:
    """One node. What isn't a field is computed when it is first asked for: graphs can have a million nodes.

    Attributes
    ----------
    name, formula, gate : str
        Its name, what it computes from which nodes, and what it does to a gradient.
    value : array
        Forward value.
    upstream : array
        Gradient of the output with respect to this node: what arrives, added up over `uses`.
    edges : tuple of Edge
        One for each input that is a node.
    uses : tuple of (str, array)
        The nodes that it goes into, with the gradient that comes from each.
    """

    name: str
    value: Array
    upstream: Array
    tensor: Tensor = field(repr=False)
    _graph: _Graph = field(repr=False)

    @property
    def formula(self) -> str:
        return formula_of(self.tensor, self._graph.names)

    @property
    def gate(self) -> str:
        gate = self.tensor.op.gate if self.tensor.op is not None else ""
        copied = f"copied to {len(self.uses)} uses: their gradients add up" if len(self.uses) > 1 else ""
        return "; ".join(filter(None, (gate, copied)))

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        return tuple(_edges(self.tensor, self.upstream, self._graph.names))

    @cached_property
    def uses(self) -> tuple[tuple[str, Array], ...]:
        arriving_parts = []
        for user in self._graph.users.get(self.tensor.serial, ()):
            arriving = self._graph.gradients[user.serial]
            for position, parent in enumerate(user.parents):
                if parent is self.tensor and (part := downstream(user, position, arriving)) is not None:
                    arriving_parts.append((self._graph.names[user.serial], part))
        return tuple(arriving_parts)

    def jacobian(self, parent: str | int) -> np.ndarray:
        """The explicit matrix of local derivatives with respect to an input, shape ``value.shape + parent.shape``.

        Parameters
        ----------
        parent : str or int
            The input's name or place.

        Raises
        ------
        UnknownNameError
            If the node has no such input.
        """
        tensor = self.tensor
        places = {self._graph.names[p.serial]: i for i, p in enumerate(tensor.parents) if type(p) is Tensor}
        if isinstance(parent, str):
            if parent not in places:
                raise unknown(f"input of {self.name}", parent, places)
            parent = places[parent]
        return local_jacobian(tensor, parent)


@dataclass(frozen=True, eq=False)
class Explanation:
    """All nodes below an output, inputs first; see `explain`."""

    nodes: tuple[NodeReport, ...]

    def __iter__(self) -> Iterator[NodeReport]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __getitem__(self, name: str) -> NodeReport:
        """A node by name."""
        if name not in self._places:
            raise unknown("node", name, self._places)
        return self.nodes[self._places[name]]

    def __contains__(self, name: object) -> bool:
        """Whether there is a node of this name."""
        return name in self._places

    @cached_property
    def _places(self) -> dict[str, int]:
        return {node.name: i for i, node in enumerate(self.nodes)}

    @property
    def output(self) -> NodeReport:
        """The node that was explained."""
        return self.nodes[-1]

    @property
    def first_nonfinite(self) -> str | None:
        """Which node made the first NaN or infinite value out of finite ones, in words; None if all are finite."""
        for node in self.nodes:
            if not is_bad(np.asarray(node.value)):
                continue
            parents = [np.asarray(value_of(p)) for p in node.tensor.parents]
            if node.tensor.op is None:
                return _GIVEN.say(name=node.name, value=summary(node.value))
            if not any(is_bad(p) for p in parents):
                inputs = join(", ", map(summary, parents))
                return _MADE.say(name=node.name, formula=node.formula, inputs=inputs)
        return None

    def rows(self) -> list[tuple[str, ...]]:
        """The lines of `table`, cell by cell, its heads first."""
        rows: list[tuple[str, ...]] = [("node", "= formula", "value", "upstream", "to", "local", "downstream")]
        for node in _few(self.nodes):
            if node is None:
                rows.append(("…", f"({len(self.nodes) - _SHOWN} more)", "", "", "", "", ""))
                continue
            head = (
                node.name,
                f"= {node.formula}" if node.formula else "",
                summary(node.value),
                summary(node.upstream),
            )
            edges = node.edges or (None,)
            for i, edge in enumerate(edges):
                tail = ("", "", "") if edge is None else (edge.parent, _local(node, edge), summary(edge.downstream))
                rows.append((*(head if i == 0 else ("", "", "", "")), *tail))
        return rows

    def table(self) -> str:
        """The nodes as aligned text: value, upstream gradient, then for each input local and downstream gradient."""
        text = aligned(self.rows())
        bad = self.first_nonfinite
        return f"{text}\n\n{bad}" if bad else text

    def tree(self) -> str:
        """The output and below it, indented, what it is made of; a node met again is only named."""
        by_serial = {node.tensor.serial: node for node in self.nodes}
        lines: list[str] = []
        visited: set[int] = set()
        stack = [(self.output.tensor, 0)]
        while stack and len(lines) < _SHOWN:
            tensor, depth = stack.pop()
            node = by_serial[tensor.serial]
            is_repeated = tensor.serial in visited and bool(tensor.parents)
            formula = f" = {node.formula}" if node.formula else ""
            numbers = f"{summary(node.value)}   gradient {summary(node.upstream)}"
            lines.append(
                "  " * min(depth, 40) + (f"{node.name} (above)" if is_repeated else f"{node.name}{formula} = {numbers}")
            )
            if not is_repeated:
                visited.add(tensor.serial)
                stack += [(p, depth + 1) for p in reversed(tensor.parents) if type(p) is Tensor]
        return "\n".join(lines + (["…"] if stack else []))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: numbers as nested lists (null for what isn't finite)."""
        return {
            "nodes": [
                {
                    "name": node.name,
                    "formula": node.formula,
                    "gate": node.gate,
                    "value": plain(node.value),
                    "upstream": plain(node.upstream),
                    "inputs": [
                        {"name": e.parent, "local": plain(e.local), "downstream": plain(e.downstream)}
                        for e in node.edges
                    ],
                }
                for node in self.nodes
            ],
            "first_nonfinite": self.first_nonfinite,
        }

    _repr_html_ = verb("backlit.report.notebook:of_explanation", "What a notebook shows: the graph, and its nodes.")

    def __eq__(self, other: object) -> bool:
        """Whether names, formulas, values and gradients are the same, number by number."""
        if not isinstance(other, Explanation):
            return NotImplemented
        return len(self) == len(other) and all(
            (one.name, one.formula) == (two.name, two.formula)
            and same_numbers((one.value, one.upstream), (two.value, two.upstream))
            for one, two in zip(self, other, strict=True)
        )

    def __hash__(self) -> int:
        return hash(tuple(node.name for node in self))

    def __reduce__(self) -> Any:
        """Node by node, since a graph may be deeper than pickles go."""
        places = {node.tensor.serial: i for i, node in enumerate(self.nodes)}
        records = []
        for report in self.nodes:
            node = report.tensor
            inputs = [(places[p.serial], None) if type(p) is Tensor else (None, p) for p in node.parents]
            made = (node.value, node.op, inputs, node.static, node.name)
            records.append((*made, report.name, report.upstream))
        return _explained_again, (records,)

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        return f"Explanation of {self.output.name}: {len(self.nodes)} nodes"


def explain(output: Tensor, upstream: Any = None) -> Explanation:
    """Every node that an output depends on: value, upstream, local and downstream gradients, and what its gate does.

    Parameters
    ----------
    output : Tensor
        What the gradients are of.
    upstream : array, optional
        Gradient that arrives at `output`; ones if left out.

    Returns
    -------
    Explanation
        ``print`` it, or read it: ``explanation["q"].upstream``, ``explanation["q"].jacobian("x")``.

    Raises
    ------
    GradientError
        If `output` isn't a Tensor of real numbers.

    Examples
    --------
    >>> import backlit as bl
    >>> x, y, z = bl.tensor(-2.0, name="x"), bl.tensor(5.0, name="y"), bl.tensor(-4.0, name="z")
    >>> print(bl.explain((x + y) * z))
    node  = formula  value  upstream  to  local  downstream
    x                -2     -4
    y                5      -4
    z                -4     3
    q     = x + y    3      -4        x   1      -4
                                      y   1      -4
    f     = q · z    -12    1         q   -4     -4
                                      z   3      3
    """
    if type(output) is not Tensor:
        raise GradientError(f"explain needs a Tensor, got {described(output)}; make the inputs with backlit.tensor")
    if not is_float(output.dtype):
        raise GradientError(f"explain needs real numbers, got dtype {output.dtype}; write 2.0 instead of 2")
    order = graph.nodes(output)
    arriving = ones_like(output.value) if upstream is None else np.asarray(upstream, dtype=output.dtype)
    if arriving.shape != output.shape:
        raise GradientError(f"upstream has shape {arriving.shape}, the output {output.shape}: they must be equal")
    with transforming():
        pulled = pull(list(order), arriving, order)
        gradients = {
            node.serial: zeros_like(node.value) if gradient is None else gradient
            for node, gradient in zip(order, pulled, strict=True)
        }
    return _explanation(order, node_names(order), gradients)


def _explanation(order: list[Tensor], names: dict[int, str], gradients: dict[int, Array]) -> Explanation:
    users: dict[int, list[Tensor]] = {}
    for node in order:
        for serial in {parent.serial for parent in node.parents if type(parent) is Tensor}:
            users.setdefault(serial, []).append(node)
    shared = _Graph(names, gradients, users)
    return Explanation(tuple(NodeReport(names[n.serial], n.value, gradients[n.serial], n, shared) for n in order))


def _explained_again(records: list[tuple[Any, ...]]) -> Explanation:
    """The inverse of `Explanation.__reduce__`: nodes of a graph of its own, inputs first."""
    order: list[Tensor] = []
    names, gradients = {}, {}
    for value, op, inputs, static, name, shown, gradient in records:
        parents = tuple(constant if place is None else order[place] for place, constant in inputs)
        node = Tensor(value, op, parents, static, name)
        order.append(node)
        names[node.serial], gradients[node.serial] = shown, gradient
    return _explanation(order, names, gradients)


def local_jacobian(tensor: Tensor, position: int) -> np.ndarray:
    """∂tensor/∂input as an explicit matrix, one row for each element of the tensor: shape + the input's shape."""
    rows = np.zeros((tensor.size, *np.shape(value_of(tensor.parents[position]))))
    with transforming():
        for i in range(tensor.size):
            unit = np.zeros(tensor.size, dtype=tensor.dtype)
            unit[i] = 1
            gradient = downstream(tensor, position, unit.reshape(tensor.shape))
            if gradient is not None:
                rows[i] = gradient
    return rows.reshape(tensor.shape + rows.shape[1:])


def _edges(node: Tensor, upstream: Array, names: dict[int, str]) -> Iterator[Edge]:
    for position, parent in enumerate(node.parents):
        if type(parent) is not Tensor:
            continue
        gradient = downstream(node, position, upstream)
        single = gradient is not None and node.shape == () and parent.shape == ()
        yield Edge(names[parent.serial], local_jacobian(node, position) if single else None, gradient)


def _local(node: NodeReport, edge: Edge) -> str:
    if edge.local is not None:
        return summary(edge.local)
    if edge.downstream is None:
        op = node.tensor.op
        return "0 (step)" if op is not None and op.is_step else "-"
    return f"matrix {np.size(node.value)}×{np.size(edge.downstream)}"


def _few(nodes: tuple[NodeReport, ...]) -> list[NodeReport | None]:
    """The first and last nodes of many, None between them."""
    if len(nodes) <= _SHOWN:
        return list(nodes)
    half = _SHOWN // 2
    return [*nodes[:half], None, *nodes[-half:]]
