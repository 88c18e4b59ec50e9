"""`from_onnx`: the network that an ONNX file holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backlit.errors import InputError, shown, unknown
from backlit.exchange.onnx.reading import rules  # noqa: F401 (enters them)
from backlit.exchange.onnx.reading.files import read_model
from backlit.exchange.onnx.reading.fusing import fused, unfolded
from backlit.exchange.onnx.reading.lowering import Lowering
from backlit.exchange.onnx.reading.model import TEXT, Input, Model
from backlit.exchange.onnx.reading.own import is_run, shape_told, told_of
from backlit.exchange.onnx.reading.sharing import warn_of_shared
from backlit.exchange.onnx.reading.tracing import trace
from backlit.nn.layer import Network

LAST = ("Softmax", "Sigmoid", "LogSoftmax")  # what stands between scores and probabilities


def from_onnx(
    path: str | Path,
    *,
    input_shape: int | Sequence[int] | None = None,
    output: str | None = None,
    logits: bool = False,
) -> Network:
    """The network that an ONNX file holds, with its weights: to use, look into, train on and save like any other.

    Files come from PyTorch (``torch.onnx.export``), Keras (``model.export(format="onnx")``), tf2onnx, scikit-learn
    (skl2onnx), Backlit itself and others. Nodes become layers where Backlit has them (`Linear`, `Conv2d`, `LSTM`,
    `BatchNorm`, …), one after another or in a graph with branches; others become nodes that Backlit's operations run.
    What the network takes and gives has the file's order of axes.

    Parameters
    ----------
    path : path
        Arrays that are kept in files of their own are read if those lie in the same folder.
    input_shape : int or tuple of int, optional
        Shape of one example, where the file leaves sizes open: (time, features), say.
    output : str, optional
        Which of the file's outputs, where there are several, or the name of any value inside.
    logits : bool
        Leave out a last softmax, sigmoid or logarithm of a softmax, so that the network gives what Backlit's losses
        for classes take.

    Returns
    -------
    Network
        In float32, in float64 if the file's weights are.

    Raises
    ------
    InputError
        If the file isn't one, is damaged, larger than the limits allow, refers to files elsewhere, or needs what
        Backlit doesn't have: the message names the node.

    See Also
    --------
    backlit.load : A file of a whole pipeline, with its preparation and classes, as a run.

    Examples
    --------
    >>> import backlit as bl, numpy as np, tempfile, onnx
    >>> from onnx import helper, numpy_helper
    >>> weight = numpy_helper.from_array(np.eye(3, 2, dtype="float32"), "w")
    >>> graph = helper.make_graph(
    ...     [helper.make_node("MatMul", ["x", "w"], ["h"], "dense"), helper.make_node("Relu", ["h"], ["y"], "act")],
    ...     "small",
    ...     [helper.make_tensor_value_info("x", 1, ["rows", 3])],
    ...     [helper.make_tensor_value_info("y", 1, ["rows", 2])],
    ...     [weight],
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), folder + "/small.onnx")
    ...     network = bl.from_onnx(folder + "/small.onnx")
    >>> network
    Network(Sequential(Linear(2, bias=False), ReLU()), input_shape=(3,), 6 parameters)
    >>> network(np.array([[1.0, -1.0, 5.0]], dtype="float32")).tolist()
    [[1.0, 0.0]]

    References
    ----------
    ONNX, Open Neural Network Exchange: https://onnx.ai.
    """
    shape = None if input_shape is None else _shape(input_shape)
    if output is not None and not isinstance(output, str):
        raise InputError(f"from_onnx: output must be the name of one of the file's outputs, got {shown(output)}")
    model = read_model(path)
    with told_of(path, model):
        return network_of(model, shape, output, logits)


def network_of(
    model: Model, shape: tuple[int, ...] | None = None, output: str | None = None, logits: bool = False
) -> Network:
    """The network in a model that was read."""
    given = the_input(model)
    wanted = the_output(model, output)
    model = fused(unfolded(pruned(model, wanted)))
    (wanted,) = model.outputs
    traced = trace(model, given, shape or shape_told(model, given))
    wanted = without_last(model, wanted) if logits else wanted
    warn_of_shared(traced, wanted, depth=3)  # from_onnx, network_of
    return Lowering(traced).run(wanted)


def _shape(given: Any) -> tuple[int, ...]:
    shape = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    if any(isinstance(size, bool) or not isinstance(size, int) or size < 1 for size in shape):
        raise InputError(
            f"from_onnx: input_shape must hold whole numbers of at least 1, without the batch, got {given!r}"
        )
    return shape


def the_input(model: Model) -> Input:
    """The one input of a network."""
    if len(model.inputs) != 1:
        told = ", ".join(map(str, model.inputs)) or "none"
        hint = "" if is_run(model) else ". If they are columns of a table, bl.load reads the file as a run"
        raise InputError(f"the network has {len(model.inputs)} inputs: {told}; from_onnx makes networks of one{hint}")
    (given,) = model.inputs
    if given.dtype == TEXT:
        raise InputError(f"its input {given} is texts, which no network takes; bl.load reads the file as a run")
    return given


def the_output(model: Model, wanted: str | None) -> str:
    """The value that the network is to give."""
    made = {name for node in model.nodes for name in node.outputs if name}
    if wanted is not None:
        if wanted not in made:
            raise unknown("output", wanted, [*model.outputs, *sorted(made - set(model.outputs))][:200])
        return wanted
    if len(model.outputs) == 1:
        return model.outputs[0]
    numbers = [name for name in model.outputs if not is_label(model, name)]
    if len(numbers) != 1:
        raise InputError(
            f"the file has {len(model.outputs)} outputs, {', '.join(model.outputs)}: choose one, "
            f"output={model.outputs[0]!r}"
        )
    return numbers[0]


def is_label(model: Model, name: str) -> bool:
    """Whether a value is the name or number of a class, made of probabilities that the file has as well."""
    makers = {made: node for node in model.nodes for made in node.outputs}
    node = makers.get(name)
    while node is not None and node.operator in ("Identity", "Cast", "Reshape"):
        name = node.inputs[0]
        node = makers.get(name)
    if node is None:
        return False
    if node.operator == "Gather":  # names, picked by places
        return node.inputs[0] in model.constants and model.constants[node.inputs[0]].dtype.kind != "f"
    named = node.operator == "LinearClassifier" and name == node.outputs[0]
    return named or node.operator in ("ArrayFeatureExtractor", "LabelEncoder", "ArgMax", "Greater")


def pruned(model: Model, *outputs: str) -> Model:
    """Only what leads to these values; dictionaries of probabilities are left as the arrays that they are made of."""
    aliases = {node.outputs[0]: node.inputs[0] for node in model.nodes if node.operator == "ZipMap" and node.inputs}
    wanted = {aliases.get(name, name) for name in outputs}
    kept = []
    for node in reversed(model.nodes):
        if wanted & set(node.outputs):
            kept.append(node)
            wanted |= set(node.inputs)
    inputs = tuple(given for given in model.inputs if given.name in wanted) or model.inputs
    return dataclasses.replace(
        model, nodes=tuple(reversed(kept)), outputs=tuple(aliases.get(name, name) for name in outputs), inputs=inputs
    )


def without_last(model: Model, output: str) -> str:
    """The value that a last softmax or sigmoid is taken of; the output itself if there is none."""
    makers = {name: node for node in model.nodes for name in node.outputs}
    found = output
    while found in makers and makers[found].operator in ("Identity", "Cast", "LpNormalization"):
        found = makers[found].inputs[0]  # probabilities that are divided by their sum stay what they are
    node = makers.get(found)
    return node.inputs[0] if node is not None and node.operator in LAST else output


__all__ = ["from_onnx", "network_of"]
