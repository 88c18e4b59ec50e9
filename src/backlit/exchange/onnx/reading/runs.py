"""An ONNX file as a run: its network, what prepares inputs before it, and the classes behind it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backlit.data.labels import Labels
from backlit.data.onnx_steps import DTYPES, STEPS, Column, OnnxSteps, Step, plain
from backlit.errors import InputError
from backlit.exchange.onnx.reading import rules  # noqa: F401 (enters them)
from backlit.exchange.onnx.reading.files import read_model
from backlit.exchange.onnx.reading.fusing import fused, unfolded
from backlit.exchange.onnx.reading.lowering import Lowering
from backlit.exchange.onnx.reading.model import TEXT, Input, Model, Node
from backlit.exchange.onnx.reading.network import is_label, pruned, the_output
from backlit.exchange.onnx.reading.own import require_answers, shape_told, told_of
from backlit.exchange.onnx.reading.sharing import warn_of_shared
from backlit.exchange.onnx.reading.tracing import trace
from backlit.nn import losses
from backlit.nn.layer import Network
from backlit.train.callbacks import History
from backlit.train.result import Result
from backlit.train.targets import Targets

STOPPED = "trained elsewhere"
WEIGHTED = ("MatMul", "Gemm", "Conv", "ConvTranspose", "RNN", "GRU", "LSTM", "BatchNormalization", "LayerNormalization")
BESIDE = ("Identity", "Cast", "Reshape", "LpNormalization")  # what may stand between probabilities and the output


def read_run(path: str | Path) -> Result:
    """The run that an ONNX file is: it predicts what the file does, from what the file takes.

    What stands before the network (scaling, categories, missing values, columns put together) becomes the run's
    preparation; softmax or sigmoid at the end become its loss, so that it can be trained on; classes are taken from
    where the file names them. There is no history: the training was elsewhere.

    Raises
    ------
    InputError
        As of `from_onnx`.
    """
    model = read_model(path)
    with told_of(path, model):
        return _run(model)


def _run(whole: Model) -> Result:
    require_answers(whole)
    classes = _classes(whole)
    model = fused(unfolded(pruned(whole, the_output(whole, None))))
    model, preparation = _prepared(model)
    (given,) = model.inputs
    ending = _ending(model, classes)
    traced = trace(pruned(model, ending.output), given, shape_told(model, given))
    warn_of_shared(traced, ending.output, depth=4)  # load, read_run, _run
    network = Lowering(traced).run(ending.output)
    loss = losses.get(ending.loss)
    targets = _targets(ending, network, classes)
    return Result(network, History(), loss, targets, {}, stopped=STOPPED, preparation=preparation)


# ------------------------------------------------------------------------------------------------------ the answer


@dataclass(frozen=True)
class _Ending:
    """How a model ends: the value that the loss takes, the loss, and the kind of targets."""

    output: str
    loss: str
    kind: str


def _ending(model: Model, classes: tuple[Any, ...] | None) -> _Ending:
    (output,) = model.outputs
    makers = {name: node for node in model.nodes for name in node.outputs}
    node = makers.get(output)
    while node is not None and node.operator in BESIDE and (classes is not None or node.operator != "LpNormalization"):
        if node.inputs[0] not in makers:
            break
        node = makers[node.inputs[0]]
    if node is not None and node.operator in ("Softmax", "LogSoftmax"):
        return _Ending(node.inputs[0], "cross_entropy", "class")
    if node is not None and node.operator == "Concat" and classes is not None and len(classes) == 2:
        one = makers.get(node.inputs[-1])
        if one is not None and one.operator == "Sigmoid":
            return _Ending(one.inputs[0], "binary_cross_entropy", "binary")
    if node is not None and node.operator == "Sigmoid" and classes is None:
        return _Ending(node.inputs[0], "binary_cross_entropy", "multi_label")
    if classes is not None:
        return _Ending(output, "nll", "class")
    return _Ending(output, "mse", "number")


def _targets(ending: _Ending, network: Network, classes: tuple[Any, ...] | None) -> Targets:
    outputs = network.output_shape
    if ending.kind in ("class", "binary"):
        count = 2 if ending.kind == "binary" else outputs[-1]
        names = tuple(range(count)) if classes is None else classes
        if len(names) != count:
            raise InputError(f"the file names {len(names)} classes, its network has outputs for {count}")
        return Targets(ending.kind, outputs, Labels(names))
    return Targets(ending.kind, outputs, None, flat=outputs == (1,) and ending.kind == "number")


def _classes(model: Model) -> tuple[Any, ...] | None:
    """The classes' names, in the order of the probabilities, where the file tells them."""
    for node in model.nodes:
        for name in ("classlabels_strings", "classlabels_int64s", "classlabels_ints"):
            if node.operator in ("ZipMap", "LinearClassifier") and node.attributes.get(name):
                return tuple(node.attributes[name])
    for node in model.nodes:
        names = (
            node.operator == "Gather" and set(node.outputs) & set(model.outputs) and is_label(model, node.outputs[0])
        )
        if (names or node.operator == "ArrayFeatureExtractor") and node.inputs[0] in model.constants:
            return tuple(model.constants[node.inputs[0]].reshape(-1).tolist())
    return None


# -------------------------------------------------------------------------------------------------- the preparation


def _prepared(model: Model) -> tuple[Model, OnnxSteps | None]:
    """The model from its first weights on, and what stands before them, if that isn't a network's business."""
    own = ("Imputer", "OneHotEncoder", "LabelEncoder", "FeatureVectorizer", "Binarizer", "ArrayFeatureExtractor")
    needed = len(model.inputs) != 1 or model.inputs[0].dtype not in ("float32", "float64")
    needed = needed or any(node.operator in own for node in model.nodes)
    if not needed or _whole_numbers(model):
        return model, None
    first = _cut(model)
    before = pruned(model, first)
    steps = []
    for node in before.nodes:
        if node.operator not in STEPS:
            raise InputError(
                f"{node} stands before the network, and Backlit has no such preparation; it has {', '.join(STEPS)}"
            )
        steps.append(Step(node.operator, node.inputs, node.outputs[0], _plain(node)))
    used = {name for step in steps for name in step.inputs}
    constants = {name: plain(array) for name, array in model.constants.items() if name in used}
    preparation = OnnxSteps(tuple(map(_column, before.inputs)), tuple(steps), constants, first)
    width = preparation.apply(_example(preparation)).shape[1:]
    made = {name for node in before.nodes for name in node.outputs}
    rest = tuple(node for node in model.nodes if not set(node.outputs) <= made)
    given = Input(first, "float32", (None, *width))
    return dataclasses.replace(model, nodes=rest, inputs=(given,)), preparation


def _whole_numbers(model: Model) -> bool:
    """Whether the one input is places of an embedding's table."""
    users = model.consumers()
    names = [given.name for given in model.inputs if given.dtype != TEXT]
    if len(model.inputs) != 1 or not names:
        return False
    operators = {node.operator for node in users.get(names[0], [])}
    places = operators <= {"Gather", "Cast"} or operators == {"Gather", "Equal"}  # padding is told by comparing
    return places and model.inputs[0].dtype.startswith("int")


def _cut(model: Model) -> str:
    """The value that the first weights are multiplied by: all inputs come together in it."""
    for node in model.nodes:
        if node.operator in WEIGHTED and len(node.inputs) > 1 and set(node.inputs[1:]) & set(model.constants):
            return node.inputs[0]
    raise InputError("the file has columns or texts as inputs, but no network behind them: no node has weights")


def _plain(node: Node) -> dict[str, Any]:
    """Settings for JSON, which has no NaN: null stands for it."""
    told = {name: list(value) if isinstance(value, tuple) else value for name, value in node.attributes.items()}
    return {name: None if isinstance(value, float) and np.isnan(value) else value for name, value in told.items()}


def _column(given: Input) -> Column:
    width = given.sizes[1] if len(given.sizes) == 2 else 1
    if len(given.sizes) > 2 or width is None or given.dtype not in DTYPES:
        raise InputError(f"its input {given} isn't rows of columns of a known number and type")
    return Column(given.name, given.dtype, width)


def _example(preparation: OnnxSteps) -> Any:
    """Two rows of nothing in particular, to learn how many features they make."""
    rows = {c.name: np.full((2, c.width), "" if c.dtype == TEXT else 0, dtype=object) for c in preparation.columns}
    return np.concatenate(list(rows.values()), axis=1)
