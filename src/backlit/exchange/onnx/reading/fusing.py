"""What exporters take apart, put together again (SiLU, GELU), and linear models of scikit-learn's taken apart."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from backlit.exchange.onnx.reading.model import Model, Node

HALF, ROOT = 0.5, math.sqrt(2)


def fused(model: Model) -> Model:
    """The model with one node in place of those that together are one activation."""
    search = _Search(model)
    replaced: dict[int, Node] = {}
    for node in model.nodes:
        found = (
            search.silu(node) if node.operator == "Sigmoid" else search.gelu(node) if node.operator == "Erf" else None
        )
        if found is not None:
            last, made = found
            replaced[id(last)] = made
    if not replaced:
        return model
    nodes = [replaced.get(id(node), node) for node in model.nodes]
    return dataclasses.replace(model, nodes=_used(nodes, model.outputs))


def unfolded(model: Model) -> Model:
    """The model with products in place of scikit-learn's linear models, so that they become layers."""
    nodes: list[Node] = []
    constants = dict(model.constants)
    learned = set(model.learned)
    for node in model.nodes:
        if node.operator not in ("LinearRegressor", "LinearClassifier", "Normalizer"):
            nodes.append(node)
            continue
        made, arrays = (_norm if node.operator == "Normalizer" else _linear)(node, model.version)
        nodes += made
        constants |= arrays
        learned |= {name for name in arrays if name.endswith(("coefficients", "intercepts"))}
    return dataclasses.replace(model, nodes=tuple(nodes), constants=constants, learned=frozenset(learned))


def _norm(node: Node, version: int) -> tuple[list[Node], dict[str, np.ndarray]]:
    power = {"L1": 1, "L2": 2}.get(node.call(version).text("norm", "MAX", ("L1", "L2")), 2)
    return [Node("LpNormalization", node.name, node.inputs, node.outputs, {"axis": -1, "p": power})], {}


def _linear(node: Node, version: int) -> tuple[list[Node], dict[str, np.ndarray]]:
    call = node.call(version)
    classifier = node.operator == "LinearClassifier"
    weights = np.array(call.numbers("coefficients", ()), dtype=np.float32)
    bias = np.array(call.numbers("intercepts", ()), dtype=np.float32)
    count = len(bias) or (1 if classifier else call.integer("targets", 1))
    if not weights.size or weights.size % count:
        call.refuse(f"has {weights.size} coefficients for {count} outputs")
    after = call.text("post_transform", "NONE", ("NONE", "SOFTMAX", "LOGISTIC"))
    out = node.outputs[1] if classifier else node.outputs[0]
    name = node.name
    arrays = {f"{name}.coefficients": weights.reshape(count, -1).T.copy()}
    nodes = [Node("MatMul", name, (node.inputs[0], f"{name}.coefficients"), (f"{name}.product",))]
    last = f"{name}.product"
    if bias.size:
        arrays[f"{name}.intercepts"] = bias
        nodes.append(Node("Add", f"{name}.sum", (last, f"{name}.intercepts"), (f"{name}.scores",)))
        last = f"{name}.scores"
    if after != "NONE":
        kind = "Softmax" if after == "SOFTMAX" and count > 1 else "Sigmoid"
        nodes.append(Node(kind, f"{name}.probabilities", (last,), (f"{name}.answer",)))
        last = f"{name}.answer"
    if classifier and count == 1:  # of two classes one score is told
        arrays[f"{name}.one"] = np.array(0.0 if after == "NONE" else 1.0, dtype=np.float32)
        nodes.append(Node("Sub", f"{name}.other", (f"{name}.one", last), (f"{name}.rest",)))
        nodes.append(Node("Concat", f"{name}.both", (f"{name}.rest", last), (out,), {"axis": 1}))
    else:
        nodes.append(Node("Identity", f"{name}.output", (last,), (out,)))
    return nodes, arrays


class _Search:
    """Looks for patterns among nodes; each value inside one must have no other use."""

    def __init__(self, model: Model) -> None:
        self.model, self.users = model, model.consumers()
        self.makers: Mapping[str, Node] = {name: node for node in model.nodes for name in node.outputs}

    def next(self, node: Node, operator: str) -> Node | None:
        """The only node that takes this one's output, if it is of this kind."""
        users = self.users.get(node.outputs[0], [])
        if len(users) != 1 or users[0].operator != operator or node.outputs[0] in self.model.outputs:
            return None
        return users[0]

    def number(self, name: str) -> float | None:
        """The value, if it is one fixed number."""
        array = self.model.constants.get(name)
        maker = self.makers.get(name)
        if array is None and maker is not None and maker.operator == "Constant":
            array = np.asarray(maker.call(self.model.version).run(())[0])
        return float(array.reshape(())) if array is not None and array.size == 1 and array.dtype.kind in "fi" else None

    def scaled(self, name: str, factor: float) -> str | None:
        """x, if a value is x · factor (or x / (1 / factor))."""
        maker = self.makers.get(name)
        if maker is None or maker.operator not in ("Mul", "Div"):
            return None
        a, b = maker.inputs
        for x, other in ((a, b), (b, a)) if maker.operator == "Mul" else ((a, b),):
            number = self.number(other)
            if number and math.isclose(number if maker.operator == "Mul" else 1 / number, factor, rel_tol=1e-5):
                return x
        return None

    def silu(self, sigmoid: Node) -> tuple[Node, Node] | None:
        """X · σ(x)."""
        product = self.next(sigmoid, "Mul")
        if product is None or sorted(product.inputs) != sorted((sigmoid.inputs[0], sigmoid.outputs[0])):
            return None
        return product, Node("Swish", product.name, sigmoid.inputs, product.outputs)

    def gelu(self, erf: Node) -> tuple[Node, Node] | None:
        """X · ½ · (1 + erf(x / √2)), whichever is multiplied first."""
        x, total = self.scaled(erf.inputs[0], 1 / ROOT), self.next(erf, "Add")
        if x is None or total is None or all(self.number(name) != 1 for name in total.inputs):
            return None
        first = self.next(total, "Mul")
        if first is None:
            return None
        factors, last = [name for name in first.inputs if name != total.outputs[0]], first
        if len(factors) == 1 and self.scaled(factors[0], HALF) != x:
            second = self.next(first, "Mul")
            if second is None:
                return None
            factors += [name for name in second.inputs if name != first.outputs[0]]
            last = second
        by_hand = len(factors) == 1 or (x in factors and any(self.number(name) == HALF for name in factors))
        return (last, Node("Gelu", last.name, (x,), last.outputs)) if by_hand else None


def _used(nodes: list[Node], outputs: tuple[str, ...]) -> tuple[Node, ...]:
    """Only the nodes that something needs."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted & set(node.outputs):
            kept.append(node)
            wanted |= set(node.inputs)
    return tuple(reversed(kept))
