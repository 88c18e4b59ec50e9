"""ONNX files for tests: small ones written by hand, and PyTorch's exports."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def node(operator: str, inputs: str, outputs: str, name: str = "", domain: str = "", **attributes: Any) -> Any:
    """A node; names of values with spaces between them."""
    from onnx import helper

    takes = [each if each != "-" else "" for each in inputs.split()]
    return helper.make_node(
        operator,
        takes,
        outputs.split(),
        name or f"{operator.lower()}_{outputs.split(maxsplit=1)[0]}",
        domain=domain,
        **attributes,
    )


def model_of(
    nodes: Sequence[Any],
    shape: Sequence[Any] = ("rows", 3),
    arrays: dict[str, Any] | None = None,
    output: str = "y",
    version: int = 20,
    kind: int = 1,
    inputs: Sequence[Any] | None = None,
) -> Any:
    """A model with one input x and one output."""
    from onnx import helper, numpy_helper

    given = [helper.make_tensor_value_info("x", kind, shape)] if inputs is None else list(inputs)
    graph = helper.make_graph(
        list(nodes),
        "test",
        given,
        [helper.make_tensor_value_info(output, 1, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in (arrays or {}).items()],
    )
    sets = [helper.make_opsetid("", version), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=sets, ir_version=9)


def write(model: Any, path: Path) -> Path:
    """The model as a file."""
    path.write_bytes(model.SerializeToString())
    return path


def by_onnxruntime(path: Path, x: np.ndarray, output: str | None = None) -> np.ndarray:
    """What onnxruntime makes of an input."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run([output] if output else None, {session.get_inputs()[0].name: x})[0]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """PyTorch's exporters warn of their own insides, print and log."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def from_torch(
    module: Any, x: Any, path: Path, dynamo: bool = False, dynamic: bool = True, whole: bool = False
) -> Path:
    """PyTorch's export of a module in evaluation mode; `whole` keeps batch norms, else multiplied into weights."""
    import torch

    axes = {"x": {0: "rows"}} if dynamic else None
    mode = torch.onnx.TrainingMode.PRESERVE if whole else torch.onnx.TrainingMode.EVAL
    with quiet():
        if dynamo:
            sizes = ({0: torch.export.Dim("rows")},)
            torch.onnx.export(module.eval(), (x,), path, dynamo=True, dynamic_shapes=sizes, verbose=False)
        else:
            given = (x if dynamic else x[:1],)
            torch.onnx.export(
                module.eval(), given, path, dynamo=False, input_names=["x"], dynamic_axes=axes, training=mode
            )
    return path
