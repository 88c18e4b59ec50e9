"""Plan: network, optimizer and their settings, chosen by the data's size where the user didn't."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit import optim
from backlit.errors import InputError
from backlit.nn import losses
from backlit.nn.layer import Layer
from backlit.nn.network import Network
from backlit.nn.penalties import L2
from backlit.nn.words import build
from backlit.train.workflow.material import Material
from backlit.train.workflow.options import Options

OPTIMIZER = "adamw"
ACTIVATION, DROPOUT, RATE = "silu", 0.2, 0.002  # what did best on tables like those of the benchmark, on other splits
MEMBERS, SMALL = 5, 10_000  # networks where there are fewer rows than this
MOST_EPOCHS = 400
UPDATES = 20_000  # after about so many, small networks have learned what they can


@dataclass(frozen=True, eq=False)
class Plan:
    """What is trained, and how."""

    network: Layer | Network
    loss: Any
    optimizer: Any
    penalty: Any
    batch_size: int
    epochs: int
    patience: int
    ensemble: int
    words: str
    activation: str
    dropout: float
    rate: float

    def resolved(self, options: Options) -> dict[str, Any]:
        """The choices that can be told in words, as options that make them again whatever the defaults are then."""
        named = {"network": self.words, "activation": self.activation, "dropout": self.dropout}
        if not isinstance(options.network, (str, type(None))):
            named = {}
        steps = {"optimizer": options.optimizer or OPTIMIZER, "learning_rate": self.rate}
        if not isinstance(options.optimizer, (str, type(None))):
            steps = {}
        counts = {"epochs": self.epochs, "batch_size": self.batch_size, "patience": self.patience}
        return named | steps | counts | {"ensemble": self.ensemble}

    def describe(self) -> str:
        """The choices in a line."""
        members = f"{self.ensemble} × " if self.ensemble > 1 else ""
        return f"{members}{self.words}, {self.optimizer}, batches of {self.batch_size}, at most {self.epochs} epochs"


def members(options: Options, rows: int, folded: bool) -> int:
    """Networks in the ensemble: several where there are few rows, since they're cheap then, and each sees most rows."""
    if options.ensemble is not None:
        return options.ensemble
    return MEMBERS if folded and rows < SMALL and not options.calibrate else 1


def plan(
    options: Options,
    task: str,
    rows: int,
    outputs: int,
    embedded: tuple[int, ...],
    members: int,
    build: Callable[..., Any] = build,
    words: str | None = None,
) -> Plan:
    """Choose what the user left open.

    Parameters
    ----------
    options : Options
    task : "classification", "regression" or "multi_label"
    rows, outputs : int
        Training rows; classes or numbers to predict.
    embedded : tuple of int
        See `TablePreparation.embedded`.
    members : int
        Networks in the ensemble.
    build, words : optional
        See `Material`.
    """
    loss = losses.get(options.loss) if options.loss is not None else losses.default_for(task)
    if loss.target == "binary":
        if outputs > 2:
            raise InputError(
                f"{loss} needs two classes, the target has {outputs}; leave out the loss, or choose cross_entropy"
            )
        outputs = 1
    batch = options.batch_size or int(np.clip(2 ** np.round(np.log2(max(rows, 1) / 32)), 16, 1024))
    steps = max(1, rows // batch)
    epochs = options.epochs or int(np.clip(UPDATES // steps, 20, MOST_EPOCHS))
    rate = options.learning_rate if options.learning_rate is not None else RATE
    words = options.network if options.network is not None else words or _size(rows)
    activation = options.activation or ACTIVATION
    dropout = DROPOUT if options.dropout is None else options.dropout
    if isinstance(words, str):
        network: Any = build(words, outputs, activation, dropout, embedded)
    else:
        network, words = words, repr(words)
    optimizer = options.optimizer or OPTIMIZER
    named = isinstance(optimizer, str)
    return Plan(
        network=network,
        loss=loss,
        optimizer=optim.get(optimizer, learning_rate=rate) if named else optimizer,
        penalty=L2(options.l2) if options.l2 else None,
        batch_size=batch,
        epochs=epochs,
        patience=options.patience if options.patience is not None else max(10, epochs // 3),
        ensemble=members,
        words=words,
        activation=activation,
        dropout=dropout,
        rate=rate,
    )


def plan_for(options: Options, material: Material, rows: np.ndarray, preparation: Any, members: int = 1) -> Plan:
    """The plan for training rows of a material and their preparation."""
    y = material.y[rows]
    classes = len(np.unique(y)) if material.task == "classification" else 0
    outputs = classes or (1 if y.ndim == 1 else y.shape[1])
    embedded = getattr(preparation, "embedded", ())
    build_own = material.build or build
    return plan(options, material.task, len(rows), outputs, embedded, members, build_own, material.words)


def _size(rows: int) -> str:
    return "mlp:128,64" if rows < 20_000 else "mlp:256,128"
