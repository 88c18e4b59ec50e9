"""What a training step costs, counted rather than timed: a guard that is as good on a busy machine as on a quiet one.

Programs like those of the races are traced and lowered, but neither compiled nor run. `costs.toml` has what was
counted, and a test compares; `python -m benchmarks costs` prints today's figures beside it, and `--renew` writes it
anew, for a change that is meant. What the figures are:

==============  ======================================================================================
equations       of the traced program, loops' and calls' bodies included
gigaflop        by XLA's cost analysis of the program as it is handed over, in which a loop's body counts once
megabytes       read and written by its operations one by one, before XLA fuses them
conversions     operations that only change numbers' types
kernels         calls of the native kernels, where they are built
numpy_passes    NumPy's functions that a step runs on the NumPy engine, for programs that are small enough
numpy_made      numbers in the arrays that these make: whoever writes into an array that is there makes none
==============  ======================================================================================

The first four are of the plain path, so that they are the same on every processor. They are of the version of JAX that
the table names; another lowers and analyses otherwise. NumPy's are counted by a subclass of its arrays, for which
shortcuts for plain arrays aren't taken.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import math
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

TABLE = Path(__file__).with_name("costs.toml")
TOLERANCE = 0.05  # of a figure
OF_NUMPY = ("numpy_passes", "numpy_made")  # which no version of JAX changes


@dataclass(frozen=True)
class Costs:
    """Figures of one program; see the module."""

    equations: int
    gigaflop: float
    megabytes: float
    conversions: int
    kernels: int | None = None  # None: not built here
    numpy_passes: int | None = None  # None: not counted
    numpy_made: int | None = None

    def differences(self, recorded: Costs, other: bool = False) -> list[str]:
        """What differs by more than the tolerance, in words: also what became less, since the table is to be true.

        Of NumPy's figures alone if the recorded ones are of an `other` version of JAX.
        """
        found = []
        for field in dataclasses.fields(self):
            now, then = getattr(self, field.name), getattr(recorded, field.name)
            if now is None or then is None or (other and field.name not in OF_NUMPY):
                continue
            if abs(now - then) > TOLERANCE * abs(then):
                found.append(f"{field.name} {then:g} → {now:g}")
        return found


@dataclass(frozen=True)
class Work:
    """A training that is counted: a network, rows of zeros, and options of `fit`."""

    network: Callable[[], Any]
    inputs: tuple[int, ...]
    targets: tuple[int, ...] | int  # sizes of numbers, or how many classes
    batch: int
    options: Callable[[], dict[str, Any]] = dict
    steps: int = 2
    numpy: bool = False
    kind: Any = np.float32

    def job(self, engine: str = "xla") -> Any:
        """What `fit` would train."""
        from backlit.train.prepare import prepare
        from backlit.train.training import Training

        rows = self.batch * self.steps
        x = np.zeros((rows, *self.inputs), self.kind)
        classes = isinstance(self.targets, int)
        y = np.arange(rows) % self.targets if classes else np.zeros((rows, *self.targets), np.float32)
        size = self.batch if self.steps > 1 else "full"
        given = {"metrics": [], "epochs": 2, "probes": None, "batch_size": size} | self.options()
        return prepare(self.network(), x, y, Training(engine=engine, **given))


def _w4() -> Any:
    import backlit as bl

    return bl.Sequential(bl.Linear(100, bias=False), bl.Sigmoid(), bl.Linear(10, bias=False))


def _mlp(*sizes: int) -> Any:
    import backlit as bl

    hidden = [layer for size in sizes for layer in (bl.Linear(size), bl.ReLU())]
    return bl.Sequential(*hidden, bl.Linear(10))


def _lstm() -> Any:
    import backlit as bl

    return bl.Sequential(bl.LSTM(256, return_sequences=True), bl.Linear(65))


def _cnn() -> Any:
    import backlit as bl

    return bl.Sequential(
        bl.Conv2d(32, 3), bl.ReLU(), bl.Conv2d(64, 3), bl.ReLU(), bl.MaxPool2d(2), bl.Flatten(), bl.Linear(128),
        bl.ReLU(), bl.Linear(10),
    )  # fmt: skip


def _residual() -> Any:
    import backlit as bl

    def block(channels: int, stride: int) -> Any:
        return bl.Residual(
            bl.Conv2d(channels, 3, stride, 1, bias=False), bl.BatchNorm(), bl.ReLU(),
            bl.Conv2d(channels, 3, 1, 1, bias=False), bl.BatchNorm(), stride=stride,
        )  # fmt: skip

    return bl.Sequential(
        bl.Conv2d(16, 3, 1, 1, bias=False), bl.BatchNorm(), bl.ReLU(), block(16, 1), bl.ReLU(), block(32, 2),
        bl.ReLU(), bl.GlobalAvgPool(), bl.Linear(10),
    )  # fmt: skip


def _transformer() -> Any:
    import backlit as bl

    blocks = [bl.TransformerBlock(64, 4, causal=True) for _ in range(2)]
    return bl.Sequential(bl.Embedding(96, 64), bl.PositionalEncoding(), *blocks, bl.LayerNorm(), bl.Linear(96))


def _options(optimizer: str, **settings: Any) -> Callable[[], dict[str, Any]]:
    def options() -> dict[str, Any]:
        import backlit as bl

        return {"optimizer": getattr(bl, optimizer)(0.01), **settings}

    return options


WORK = {
    "w4": Work(_w4, (1000,), (10,), 64, _options("SGD", loss="squared_error", reduction="sum"), 1, numpy=True),
    "mlp": Work(functools.partial(_mlp, 512, 256), (784,), 10, 128, _options("Adam", metrics=["accuracy"]), numpy=True),
    "lstm": Work(_lstm, (64, 65), (64, 65), 32, _options("Adam", loss="soft_cross_entropy", clip=None)),
    "cnn": Work(_cnn, (28, 28, 1), 10, 128, _options("Momentum")),
    "residual": Work(_residual, (32, 32, 3), 10, 64, _options("Momentum")),
    "transformer": Work(
        _transformer, (128,), (128, 96), 32, _options("AdamW", loss="soft_cross_entropy"), kind=np.int32
    ),
    "64 networks": Work(functools.partial(_mlp, 32), (64,), 10, 32, _options("Adam", ensemble=64)),
}


def lowered(job: Any, kernels: bool = False) -> tuple[int, Any]:
    """How many equations a job's program has once it is traced, and what JAX hands over to XLA."""
    import jax

    from backlit.graph import tree
    from backlit.graph.kernels.native import calls
    from backlit.graph.kernels.native.library import Native
    from backlit.train.loop import Replay, arguments

    program = job.program
    leaves, structure = tree.flatten(arguments(job, Replay(job.start, 0, 1)))
    train = program._train if program.members == 1 else program._train_all

    def flat(*leaves: Any) -> list[Any]:
        return tree.leaves(train(*tree.unflatten(structure, list(leaves))))

    plain = mock.patch.object(calls, "registered", return_value=Native(reason="counted without them"))
    with jax.enable_x64(True), contextlib.nullcontext() if kernels else plain:
        traced = jax.jit(flat).trace(*leaves)
        return sum(1 for _ in equations(traced.jaxpr.jaxpr)), traced.lower()


def equations(jaxpr: Any) -> Iterator[Any]:
    """Those of a traced program, and of the programs inside it."""
    for equation in jaxpr.eqns:
        yield equation
        for value in equation.params.values():
            for inner in value if isinstance(value, (list, tuple)) else [value]:
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns"):
                    yield from equations(inner)


class Counting(np.ndarray):
    """An array that counts what NumPy does with it, and with whatever comes of it."""

    passes = 0
    made = 0

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **settings: Any) -> Any:
        plain = [x.view(np.ndarray) if isinstance(x, Counting) else x for x in inputs]
        if out is not None:
            settings["out"] = tuple([x.view(np.ndarray) if isinstance(x, Counting) else x for x in out])
        result = getattr(ufunc, method)(*plain, **settings)
        Counting.passes += 1
        if out is not None:
            return out[0] if len(out) == 1 else out
        Counting.made += getattr(result, "size", 1)
        return result.view(Counting) if isinstance(result, np.ndarray) else result

    def __array_function__(self, function: Any, types: Any, inputs: Any, settings: Any) -> Any:
        """Of `where`, `concatenate`, `einsum` and the like, which are no ufuncs; what gives a view makes nothing."""
        from backlit.graph import tree

        def plain(part: Any) -> Any:
            if isinstance(part, (list, tuple)):
                return type(part)(map(plain, part))
            return part.view(np.ndarray) if isinstance(part, Counting) else part

        result = function(*plain(inputs), **{name: plain(value) for name, value in settings.items()})
        Counting.passes += 1
        out = settings.get("out")
        if out is not None:
            return out
        given = [part for part in tree.leaves(list(inputs)) if isinstance(part, np.ndarray)]

        def counted(part: Any) -> Any:
            if not isinstance(part, np.ndarray):
                return part
            Counting.made += 0 if any(np.may_share_memory(plain(part), plain(each)) for each in given) else part.size
            return part.view(Counting)

        return type(result)(map(counted, result)) if type(result) in (list, tuple) else counted(result)


def on_numpy(job: Any) -> tuple[int, int]:
    """Array functions that NumPy runs for a training step, and numbers in the arrays that they make.

    The difference between a training of two steps and one of one, so that what is done once isn't counted.
    """
    from backlit.graph import tree
    from backlit.train.loop import Replay, arguments

    def view(part: Any) -> Any:
        return part.view(Counting) if isinstance(part, np.ndarray) and part.dtype.kind == "f" else part

    found = []
    for epochs in (1, 2):
        state, data, *others = arguments(job, Replay(job.start, 0, epochs))
        state, data = tree.map(view, (state, data))
        Counting.passes = Counting.made = 0
        job.program._train(state, data, *others)
        found.append((Counting.passes, Counting.made))
    steps = job.batches[0].steps
    return (found[1][0] - found[0][0]) // steps, (found[1][1] - found[0][1]) // steps


@functools.cache
def program_of(name: str, kernels: bool = False) -> tuple[int, Any, str]:
    """As `lowered` has it, of one of the programs that are counted; and as text."""
    number, program = lowered(WORK[name].job(), kernels)
    return number, program, program.as_text()


def largest_double(text: str) -> int:
    """How many numbers the largest float64 array of a program has; 1 if there are but single numbers, such as rates."""
    shapes = re.findall(r"tensor<((?:\d+x)*)f64>", text)
    return max([math.prod(map(int, shape.split("x")[:-1])) for shape in shapes], default=0)


def host_calls(text: str) -> list[str]:
    """What of a program makes the device wait for the host: callbacks, and data that is handed in or out midway."""
    return [
        word
        for word in ("callback", *[f"stablehlo.{w}" for w in ("infeed", "outfeed", "send", "recv")])
        if word in text
    ]


def count(name: str) -> Costs:
    """The figures of a program."""
    from backlit.graph.kernels.native.library import native

    number, program, text = program_of(name)
    analysis = program.cost_analysis()
    work = WORK[name]
    built = native().handle is not None
    passes, made = on_numpy(work.job("numpy")) if work.numpy else (None, None)
    return Costs(
        equations=number,
        gigaflop=round(analysis["flops"] / 1e9, 5),
        megabytes=round(analysis["bytes accessed"] / 1e6, 2),
        conversions=text.count("stablehlo.convert "),
        kernels=program_of(name, kernels=True)[2].count("custom_call @backlit_") if built else None,
        numpy_passes=passes,
        numpy_made=made,
    )


def recorded() -> dict[str, Costs]:
    """The table."""
    return {name: Costs(**figures) for name, figures in _table().items() if isinstance(figures, dict)}


def jax_then() -> str:
    """The version of JAX that the table is of."""
    return str(_table()["jax"])


def _table() -> dict[str, Any]:
    with TABLE.open("rb") as file:
        return tomllib.load(file)


def written(table: dict[str, Costs]) -> str:
    """The table as a file's text."""
    import jax

    head = (
        "# What a training step costs, counted; benchmarks/costs.py says what the figures are.\n"
        "# `python -m benchmarks costs --renew` writes this file, for a change that is meant.\n"
        f'\njax = "{jax.__version__}"\n'
    )
    parts = []
    for name, costs in table.items():
        figures = {key: value for key, value in dataclasses.asdict(costs).items() if value is not None}
        parts.append("\n".join([f'\n["{name}"]', *(f"{key} = {value}" for key, value in figures.items()), ""]))
    return head + "".join(parts)


def main(options: Sequence[str] = ()) -> str:
    """Today's figures beside the table's, as text."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks costs", description=__doc__)
    parser.add_argument("--renew", action="store_true", help="write benchmarks/costs.toml anew")
    renew = parser.parse_args(options).renew
    before = recorded() if TABLE.exists() else {}
    now = {name: count(name) for name in WORK}
    if renew:
        TABLE.write_text(written(now), encoding="utf-8")
    names = [field.name for field in dataclasses.fields(Costs)]
    lines = ["### Costs of a training step, counted", "", f"| | {' | '.join(names)} | changed |"]
    lines.append("|---|" + "---:|" * len(names) + "---|")
    for name, costs in now.items():
        figures = ["" if getattr(costs, key) is None else f"{getattr(costs, key):g}" for key in names]
        changed = "; ".join(costs.differences(before[name])) if name in before else "new"
        lines.append(f"| {name} | {' | '.join(figures)} | {changed} |")
    return "\n".join(lines) + "\n"
