"""What a run's file gives: labels and probabilities, numbers in their unit, tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.preparation import Preparation, preparation_of
from backlit.errors import InputError
from backlit.exchange.onnx.graph import DOUBLE, INT, TRUE, Graph, Value
from backlit.languages import Template
from backlit.train.heads import HeadTargets

WRITTEN = Template(
    "token numbers become texts afterwards (`Run.predict` does it)",
    "토큰(token) 번호는 나중에 글로 바꿔야 함(`Run.predict` 사용)",
)
LABEL, PROBABILITIES, SCORES, PREDICTION, TOKENS, LOGITS = (
    "label", "probabilities", "scores", "prediction", "tokens", "logits",
)  # fmt: skip


@dataclass(frozen=True)
class Head:
    """One output of a run: its targets, and what its loss knows of probabilities.

    Attributes
    ----------
    name : str
        Empty if there is but one.
    targets : Targets or TextTargets
    activation : str or None
    preparation : Preparation
        Calls labels as the raw data does.
    """

    name: str
    targets: Any
    activation: str | None
    preparation: Preparation

    @classmethod
    def all(cls, run: Any) -> list[Head]:
        """Those of a run."""
        preparation = preparation_of(run.preparation)
        if not isinstance(run.targets, HeadTargets):
            return [cls("", run.targets, run.loss.activation, preparation)]
        return [cls(name, own, run.loss.activation[name], preparation) for name, own in run.targets.heads.items()]

    def called(self, what: str) -> str:
        """The name of an output: "label", or "kind_label" of the head "kind"."""
        return f"{self.name}_{what}" if self.name else what

    def of(self, outputs: Any) -> Any:
        """The head's own among a network's outputs."""
        return outputs[self.name] if self.name else outputs

    @property
    def chances(self) -> str | None:
        """What its scores are given as, if at all: probabilities, or scores of a loss that knows none."""
        if self.targets.kind not in ("class", "binary", "multi_label"):
            return None
        return PROBABILITIES if self.activation in ("identity", "softmax", "sigmoid") else SCORES


def answered(graph: Graph, head: Head, z: Value) -> dict[str, Value]:
    """What people want of a network's raw output, by the names that it gets in the file."""
    targets = head.targets
    if targets.kind == "text":
        tokens = graph.node("ArgMax", z, shape=z.shape[:-1], dtype=INT, axis=-1, keepdims=0)
        return {head.called(TOKENS): tokens, head.called(LOGITS): z}
    if head.chances is None:
        return {head.called(PREDICTION): _numbers(graph, targets, z)}
    label = _several(graph, head, z) if targets.kind == "multi_label" else _label(graph, targets, z)
    return {head.called(LABEL): label, head.called(head.chances): _chances(graph, head, z)}


def expected(head: Head, raw: Any, outputs: np.ndarray) -> dict[str, np.ndarray]:
    """The same by Backlit, from raw outputs for raw rows."""
    targets = head.targets
    if targets.kind == "text":
        return {head.called(TOKENS): outputs.argmax(axis=-1), head.called(LOGITS): outputs}
    decoded = targets.decode(outputs)
    if head.chances is None:
        return {head.called(PREDICTION): decoded if raw is None else head.preparation.absolute(raw, decoded)}
    chances = outputs if head.chances == SCORES else targets.probabilities(outputs, head.activation)
    label = head.preparation.in_words(decoded) if targets.kind == "multi_label" else decoded
    return {head.called(LABEL): label, head.called(head.chances): chances}


def _label(graph: Graph, targets: Any, z: Value) -> Value:
    """The likeliest class."""
    count = len(targets.labels.classes)
    if targets.kind == "binary":
        column = graph.node("Squeeze", z, graph.axes(1), shape=z.shape[:1])
        code = graph.cast(graph.node("Greater", column, graph.number(0.0, z), dtype=TRUE), INT)
    else:
        if int(z.shape[-1]) > count:
            z = graph.node("Slice", z, *map(graph.axes, (0, count, -1)), shape=(*z.shape[:-1], count))
        code = graph.node("ArgMax", z, shape=z.shape[:-1], dtype=INT, axis=-1, keepdims=0)
    classes = graph.constant(_classes(targets.labels.classes), "classes")
    return graph.node("Gather", classes, code, shape=code.shape, axis=0)


def _chances(graph: Graph, head: Head, z: Value) -> Value:
    """Probabilities, or the scores as they are."""
    if head.activation == "softmax":
        return graph.node("Softmax", z, axis=-1)
    if head.activation != "sigmoid":
        return z
    p = graph.node("Sigmoid", z)
    if head.targets.kind != "binary":
        return p
    rest = graph.node("Sub", graph.number(1.0, p), p, shape=p.shape)
    return graph.node("Concat", rest, p, shape=(*p.shape[:-1], 2), axis=-1)


def _classes(classes: tuple[Any, ...]) -> np.ndarray:
    """Labels in one of the file's types."""
    array = np.array(classes)
    if array.dtype.kind in "bUf":
        return array
    if array.dtype.kind != "i":
        raise InputError(f"classes that don't fit into 64 bits can't be written: {classes!r:.60}")
    return array.astype(np.int64)


def _several(graph: Graph, head: Head, z: Value) -> Value:
    """0 or 1 for each label, or the table's own words."""
    yes = graph.cast(graph.node("Greater", z, graph.number(0.0, z), dtype=TRUE), INT)
    count = int(z.shape[-1])
    given = head.preparation.in_words(np.array([[0] * count, [1] * count]))
    if given.dtype.kind in "iu" and (given == [[0], [1]]).all():
        return yes
    pairs = given.astype(np.int64 if given.dtype.kind in "iu" else str)
    places = graph.node("Add", yes, graph.constant(2 * np.arange(count), "first"))
    words = graph.constant(pairs.T.reshape(-1), "words")
    return graph.node("Gather", words, places, shape=z.shape, axis=0)


def _numbers(graph: Graph, targets: Any, z: Value) -> Value:
    """Numbers in the targets' own unit; those that were scaled come back in float64, as Backlit has them."""
    if targets.scale:
        z = graph.cast(graph.last(z), DOUBLE)
        scale, shift = (
            graph.constant(np.array(getattr(targets, name)).reshape(targets.outputs), f"target/{name}")
            for name in ("scale", "shift")
        )
        z = graph.node("Add", graph.node("Mul", z, scale), shift)
    return graph.node("Squeeze", z, graph.axes(1), shape=z.shape[:1]) if targets.flat else z
