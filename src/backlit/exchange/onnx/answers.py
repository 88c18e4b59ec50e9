"""What a run's file gives: labels and probabilities, numbers in their unit, tokens."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.data.preparation import preparation_of
from backlit.errors import InputError
from backlit.exchange.onnx.graph import DOUBLE, INT, TRUE, Graph, Value
from backlit.languages import Template

WRITTEN = Template(
    "token numbers become texts afterwards (`Run.predict` does it)",
    "토큰(token) 번호는 나중에 글로 바꿔야 함(`Run.predict` 사용)",
)
LABEL, PROBABILITIES, SCORES, PREDICTION, TOKENS, LOGITS = (
    "label", "probabilities", "scores", "prediction", "tokens", "logits",
)  # fmt: skip


def answered(graph: Graph, run: Any, z: Value) -> dict[str, Value]:
    """What people want of a network's raw output, by the names that it gets in the file."""
    targets = run.targets
    if targets.kind == "text":
        tokens = graph.node("ArgMax", z, shape=z.shape[:-1], dtype=INT, axis=-1, keepdims=0)
        return {TOKENS: tokens, LOGITS: z}
    chances = _chances(graph, run, z)
    if targets.labels is not None:
        count = len(targets.labels.classes)
        if targets.kind == "binary":
            column = graph.node("Squeeze", z, graph.axes(1), shape=z.shape[:1])
            code = graph.cast(graph.node("Greater", column, graph.number(0.0, z), dtype=TRUE), INT)
        else:
            scores = z
            if int(z.shape[-1]) > count:
                scores = graph.node("Slice", z, *map(graph.axes, (0, count, -1)), shape=(*z.shape[:-1], count))
            code = graph.node("ArgMax", scores, shape=z.shape[:-1], dtype=INT, axis=-1, keepdims=0)
        classes = graph.constant(_classes(targets.labels.classes), "classes")
        return {LABEL: graph.node("Gather", classes, code, shape=code.shape, axis=0), **chances}
    if targets.kind == "multi_label":
        return {LABEL: _several(graph, run, z), **chances}
    return {PREDICTION: _numbers(graph, targets, z)}


def _chances(graph: Graph, run: Any, z: Value) -> dict[str, Value]:
    """Probabilities, or the scores of a loss that knows none."""
    activation = run.loss.activation
    if run.targets.kind not in ("class", "binary", "multi_label"):
        return {}
    if activation == "identity":
        return {PROBABILITIES: z}
    if activation == "softmax":
        return {PROBABILITIES: graph.node("Softmax", z, axis=-1)}
    if activation != "sigmoid":
        return {SCORES: z}
    p = graph.node("Sigmoid", z)
    if run.targets.kind != "binary":
        return {PROBABILITIES: p}
    rest = graph.node("Sub", graph.number(1.0, p), p, shape=p.shape)
    return {PROBABILITIES: graph.node("Concat", rest, p, shape=(*p.shape[:-1], 2), axis=-1)}


def _classes(classes: tuple[Any, ...]) -> np.ndarray:
    """Labels in one of the file's types."""
    array = np.array(classes)
    if array.dtype.kind in "bUf":
        return array
    if array.dtype.kind != "i":
        raise InputError(f"classes that don't fit into 64 bits can't be written: {classes!r:.60}")
    return array.astype(np.int64)


def _several(graph: Graph, run: Any, z: Value) -> Value:
    """0 or 1 for each label, or the table's own words."""
    yes = graph.cast(graph.node("Greater", z, graph.number(0.0, z), dtype=TRUE), INT)
    count = int(z.shape[-1])
    given = preparation_of(run.preparation).in_words(np.array([[0] * count, [1] * count]))
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
