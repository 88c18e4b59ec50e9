"""A module's graph by torch.fx, with the shapes that an example gives, and words for what can't be followed."""

from __future__ import annotations

import contextlib
import re
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import fx, nn

from backlit.errors import InputError
from backlit.exchange.torch import own
from backlit.graph import tree

_OPENED = (nn.Sequential, nn.ModuleList)  # of PyTorch's own, what is followed inside
_CONTAINERS = (own.Residual, own.Parallel, own.Wired, own.Several, own.Joint)  # of our own
_HOME, _OWN = str(Path(torch.__file__).parent), str(Path(__file__).parent)  # lines there are nobody's business


class Tracer(fx.Tracer):
    """torch.fx's, which keeps the lines that calls come from, and tells in which module it failed."""

    record_stack_traces = True
    proxy_buffer_attributes = True  # so that they may be cut to a length that the input says

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.failed: str | None = None

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Layers of PyTorch's stay whole; whatever else is looked into."""
        home = type(m).__module__
        if home.startswith("backlit."):
            return not isinstance(m, _CONTAINERS)
        return home.startswith("torch.nn") and not isinstance(m, _OPENED)

    def call_module(self, m: nn.Module, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Follow a call, and remember where, if it fails."""
        path = self.path_of_module(m)
        self.inside.append(path)
        try:
            return super().call_module(m, forward, args, kwargs)
        except Exception:
            self.failed = self.failed or path
            raise
        finally:
            self.inside.pop()


@dataclass(frozen=True)
class Shapes:
    """What a node gives: its value if it is no tensor; a tensor's shape, and the axis of the batch in it."""

    value: Any
    shape: tuple[int, ...] | None
    batch: int | None


def traced(module: nn.Module) -> fx.GraphModule:
    """The module's graph, with dropout as in training and everything else as it is written.

    Raises
    ------
    InputError
        If its way depends on the numbers that it gets, or can't be followed for another reason.
    """
    tracer = Tracer()
    with _mode(module, True):
        try:
            graph = tracer.trace(module)
        except Exception as error:  # whatever a strange module raises
            path = (tracer.failed or "").removeprefix("module").removeprefix(".")
            where = f"module {path!r}" if path else "the module's forward"
            line = _line(traceback.extract_tb(error.__traceback__))
            detail = str(error).split(". ")[0].splitlines()[0] if str(error) else type(error).__name__
            raise InputError(
                f"from_torch can't follow {where}{line}: {detail}. What a module does may depend on shapes, not on the "
                "numbers that it gets (if, while, len, int of a tensor): take that out, or bring the layers around it"
            ) from error
    return fx.GraphModule(module, graph)


def shapes(graph: fx.GraphModule, example: Any, batch: Any) -> dict[fx.Node, Shapes]:
    """What each node gives for the example, and for two copies of it: the axis that grows is the batch's.

    `example` is a tensor and `batch` an axis, or both are dicts by name.
    """
    double = tree.map(lambda axis, part: torch.cat([part, part], dim=axis), batch, example)
    once, twice = _run(graph, example), _run(graph, double)
    found = {}
    for node, value in once.items():
        if not isinstance(value, torch.Tensor):
            found[node] = Shapes(value, None, None)
            continue
        one, two = tuple(value.shape), tuple(twice[node].shape)
        grown = [i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b]
        found[node] = Shapes(value, one, grown[0] if len(grown) == 1 and len(one) == len(two) else None)
    return found


def outputs(module: nn.Module, whole: nn.Module, example: Any) -> list[np.ndarray]:
    """What the module gives for the example, in evaluation mode; `whole` calls it.

    Raises
    ------
    InputError
        If it can't take it, or gives something else than tensors.
    """
    with _mode(module, False), torch.no_grad():
        try:
            output = whole(example)
        except Exception as error:
            line = _line(traceback.extract_tb(error.__traceback__))
            told = [f"shape {tuple(part.shape)} and type {part.dtype}" for part in tree.leaves(example)]
            raise InputError(f"the module can't take the example of {'; '.join(told)}{line}: {error}") from error
    parts = list(output.values()) if isinstance(output, Mapping) else output
    parts = list(parts) if isinstance(parts, (list, tuple)) else [parts]
    if not parts or not all(isinstance(part, torch.Tensor) for part in parts):
        raise InputError(
            "from_torch takes a module that gives a tensor, or a tuple or dict of tensors; "
            f"{type(module).__name__} gives {_kind(output)}"
        )
    return [part.detach().cpu().numpy() for part in parts]


def line_of(node: fx.Node) -> str:
    """Where a node comes from: "model.py, line 12: `x = self.fc(x)`"; nothing if it isn't known."""
    if not node.stack_trace:
        return ""
    frames = re.findall(r'File "([^"]+)", line (\d+), in .*\n\s*(.*)', node.stack_trace)
    frames = [frame for frame in frames if not frame[0].startswith((_HOME, _OWN))]
    return f" ({Path(frames[-1][0]).name}, line {frames[-1][1]}: `{frames[-1][2].strip()}`)" if frames else ""


def _line(frames: traceback.StackSummary) -> str:
    """The last line outside of PyTorch's and our own code."""
    foreign = [frame for frame in frames if not frame.filename.startswith((_HOME, _OWN))]
    if not foreign:
        return ""
    last = foreign[-1]
    return f" ({Path(last.filename).name}, line {last.lineno}: `{last.line}`)"


def _kind(output: Any) -> str:
    if isinstance(output, Mapping):
        output = list(output.values())
        return f"dict of {', '.join(map(_kind, output)) or 'nothing'}"
    if isinstance(output, (tuple, list)):
        return f"{type(output).__name__} of {', '.join(map(_kind, output)) or 'nothing'}"
    return type(output).__name__


@contextlib.contextmanager
def _mode(module: nn.Module, training: bool) -> Iterator[None]:
    """All parts in training or evaluation, and afterwards as they were."""
    before = {part: part.training for part in module.modules()}
    try:
        module.train(training)
        yield
    finally:
        for part, mode in before.items():
            part.training = mode


class _Recorder(fx.Interpreter):
    """Runs a graph and keeps what each node gives."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph, garbage_collect_values=False)
        self.seen: dict[fx.Node, Any] = {}

    def run_node(self, n: fx.Node) -> Any:
        """Run a node and keep its result."""
        self.seen[n] = super().run_node(n)
        return self.seen[n]


def _run(graph: fx.GraphModule, example: Any) -> dict[fx.Node, Any]:
    recorder = _Recorder(graph)
    with _mode(graph, False), torch.no_grad():
        try:
            recorder.run(example)
        except Exception as error:
            rows = len(tree.leaves(example)[0])
            raise InputError(
                f"the module works for the example, but not for a batch of {rows} ({error}); it must take batches of "
                "any size: use x.shape[0] or -1 instead of a number"
            ) from error
    return recorder.seen
