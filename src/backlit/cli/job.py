"""What `train` and `lr-find` are asked to do, checked and turned into data, network, loss and optimizer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backlit.errors import InputError, unknown


@dataclass(frozen=True)
class Options:
    """What the user typed."""

    data: str
    target: str | None = None
    task: str | None = None
    network: str = "mlp:128,64"
    activation: str = "relu"
    dropout: float = 0.1
    loss: str | None = None
    optimizer: str = "adam"
    learning_rate: float = 0.002
    l2: float = 0.0
    seed: int = 0


@dataclass(eq=False)
class Job:
    """Prepared data and what is to be trained on it."""

    name: str
    task: str
    raw: Any  # as the user has it: a data frame, or an array
    y: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    preparation: Any
    network: Any
    loss: Any
    optimizer: Any
    penalty: Any
    notes: list[str] = field(default_factory=list)

    def rows(self, part: np.ndarray) -> Any:
        """Some rows of the raw input."""
        return self.raw[part]


def prepare(options: Options) -> Job:
    """Read, split, scale (by the training rows alone) and build.

    Raises
    ------
    InputError
        For anything that is wrong with the data or the options, before anything is written.
    """
    from backlit import data, optim
    from backlit.nn import losses
    from backlit.nn.penalties import L2

    if options.seed < 0:
        raise InputError(f"--seed must be at least 0, got {options.seed}")
    notes: list[str] = []
    if _is_file(options.data):
        if options.target is None:
            raise InputError(f"{options.data}: say which column to predict: --target COLUMN")
        frame = data.read(options.data)
        y, task = data.table.targets(frame, options.target, options.task)
        train, validation, test = _split(y, task, options.seed)
        preparation: Any = data.TablePreparation.learn(frame, options.target, rows=train)
        raw = frame
        notes = [f"column {c.name!r} is left out: {c.note}" for c in preparation.columns if not c.width]
        if options.task is None:
            notes.append(f"target {options.target!r}: {task}")
        name = Path(options.data).stem
    else:
        if options.target is not None:
            raise InputError(f"--target is for CSV files; {options.data} has its own target")
        dataset = data.load(options.data)
        task, y, name = dataset.task, dataset.y, dataset.name
        if dataset.class_names and not all(c.isdigit() for c in dataset.class_names):
            y = np.array(dataset.class_names)[y]
        train, validation, test = _split(y, task, options.seed)
        scaling: Any = data.MinMax() if name == "digits" else data.Standardize()
        preparation = scaling.fit(dataset.x[train])
        raw = dataset.x
    chosen = losses.get(options.loss) if options.loss else losses.default_for(task)
    outputs = 1 if task == "regression" or chosen.target == "binary" else len(np.unique(y))
    if options.l2 < 0:
        raise InputError(f"--l2 must be at least 0, got {options.l2}")
    return Job(
        name, task, raw, y, train, validation, test, preparation,
        network=build(options.network, options.activation, options.dropout, outputs),
        loss=chosen,
        optimizer=optim.get(options.optimizer, learning_rate=options.learning_rate),
        penalty=L2(options.l2) if options.l2 else None,
        notes=notes,
    )  # fmt: skip


def _is_file(name: str) -> bool:
    return Path(name).exists() or any(character in name for character in "./\\")


def _split(y: np.ndarray, task: str, seed: int) -> tuple[np.ndarray, ...]:
    from backlit.data import split

    return split(len(y), seed=seed, stratify=y if task == "classification" else None)


def build(words: str, activation: str, dropout: float, outputs: int) -> Any:
    """The network that ``mlp:64,32`` or ``linear`` describes."""
    from backlit.nn import activations
    from backlit.nn.containers import Sequential
    from backlit.nn.dropout import Dropout
    from backlit.nn.linear import Linear

    kind, _, sizes = words.partition(":")
    if kind not in ("mlp", "linear"):
        raise unknown("network", kind, ("mlp", "linear"))
    if kind == "linear" and sizes:
        raise InputError(f"--network {words}: linear has no hidden layers; use mlp:{sizes}")
    if kind == "mlp" and not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", sizes or "64"):
        raise InputError(f"--network {words}: expected hidden layers' sizes such as mlp:64,32")
    hidden = [int(size) for size in (sizes or "64").split(",")] if kind == "mlp" else []
    activations.get(activation)
    rectified = activation in ("relu", "leaky_relu", "prelu", "elu", "gelu", "silu")
    layers: list[Any] = []
    for size in hidden:
        layers += [Linear(size, weight_init="kaiming" if rectified else "xavier"), activations.get(activation)]
        if dropout:
            layers.append(Dropout(dropout))
    return Sequential(*layers, Linear(outputs))
