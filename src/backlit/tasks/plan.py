"""Plan: network, optimizer and their settings, chosen by the data's size where the user didn't."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit import optim
from backlit.data.pictures import Pictures
from backlit.errors import InputError
from backlit.nn import losses
from backlit.nn.layer import Layer, Network, Shape
from backlit.nn.layers.augment import parse
from backlit.nn.layers.containers import Sequential
from backlit.nn.layers.rescale import Rescale
from backlit.nn.layers.shaping import Reshape
from backlit.nn.penalties import L2
from backlit.nn.spec import build, spelled
from backlit.tasks.options import Options
from backlit.tasks.task import Family, Material

OPTIMIZER = "adamw"
ACTIVATION, DROPOUT, RATE = "silu", 0.2, 0.002  # what did best on tables like those of the benchmark, on other splits
MEMBERS, SMALL = 5, 10_000  # networks where there are fewer rows than this
MOST_EPOCHS = 400
UPDATES = 20_000  # after about so many, small networks have learned what they can
# Of networks on pictures and sequences, whose updates take longer and teach more.
SLOW_UPDATES, SLOW_EPOCHS, SLOW_BATCH, SLOW_PATIENCE = 4000, 40, 128, 8


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
    mixup: float

    def resolved(self, options: Options) -> dict[str, Any]:
        """The choices that can be told in words, as options that make them again whatever the defaults are then."""
        named = {"network": self.words, "activation": self.activation, "dropout": self.dropout}
        if not isinstance(options.network, (str, type(None))):
            named = {}
        elif spelled(self.words):
            named = {"network": self.words}
        steps = {"optimizer": options.optimizer or OPTIMIZER, "learning_rate": self.rate}
        if not isinstance(options.optimizer, (str, type(None))):
            steps = {}
        counts = {"epochs": self.epochs, "batch_size": self.batch_size, "patience": self.patience}
        return named | steps | counts | {"ensemble": self.ensemble}

    def describe(self) -> str:
        """The choices in a line."""
        members = f"{self.ensemble} × " if self.ensemble > 1 else ""
        return f"{members}{self.words}, {self.optimizer}, batches of {self.batch_size}, at most {self.epochs} epochs"


def members(options: Options, rows: int, folded: bool, family: Family | None = None) -> int:
    """Networks in the ensemble: several where there are few rows, since they're cheap then, and each sees most rows."""
    if options.ensemble is not None:
        return options.ensemble
    network = options.network or (family.words if family else None)
    cheap = family.small(network) if family and family.small else not isinstance(network, str) or not _slow(network, ())
    return MEMBERS if folded and cheap and rows < SMALL and not options.calibrate else 1


def plan(
    options: Options,
    task: str,
    rows: int,
    outputs: int,
    embedded: tuple[int, ...],
    members: int,
    input_shape: Shape | None = None,
    seen_as: Shape | None = None,
    first: tuple[Layer, ...] = (),
    family: Family | None = None,
    preparation: Any = None,
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
    input_shape, seen_as : tuple of int, optional
        Of one example, and of the picture that it holds if it is flat.
    first : tuple of Layer
        Layers in front of all others.
    family, preparation : optional
        Where the networks aren't those for tables or pictures.
    """
    loss = losses.get(options.loss) if options.loss is not None else losses.default_for(task)
    if loss.target == "binary":
        if outputs > 2:
            raise InputError(
                f"{loss} needs two classes, the target has {outputs}; leave out the loss, or choose cross_entropy"
            )
        outputs = 1
    pictures = input_shape is not None and len(input_shape) == 3
    usual = family.words if family else "cnn" if pictures else _size(rows)
    words = options.network if options.network is not None else usual
    slow = (family is None or family.epochs is None) and _slow(words, input_shape or ())
    largest = SLOW_BATCH if slow else 1024
    batch = int(np.clip(2 ** np.round(np.log2(max(rows, 1) / 32)), 16, largest))
    batch = options.batch_size or batch + -batch % options.devices
    steps = max(1, rows // batch)
    most = np.clip(SLOW_UPDATES // steps, 10, SLOW_EPOCHS) if slow else np.clip(UPDATES // steps, 20, MOST_EPOCHS)
    epochs = options.epochs or int(min(most, (family and family.epochs) or most))
    patience = SLOW_PATIENCE if slow else max(10, epochs // 3)
    rate = _first_given(options.learning_rate, family.rate if family else None, RATE)
    activation = options.activation or ACTIVATION
    dropout = _first_given(options.dropout, family.dropout if family else None, DROPOUT)
    if isinstance(words, str) and family:
        network: Any = family.build(words, outputs, activation, dropout, preparation)
    elif isinstance(words, str):
        for name in ("activation", "dropout") if spelled(words) else ():
            if getattr(options, name):
                raise InputError(f"network {words!r} names its layers one by one: put the {name} among them")
        network = build(
            words, outputs, activation, dropout, embedded, input_shape=input_shape, seen_as=seen_as, first=first
        )
    else:
        network, words = _behind(first, words), repr(words)
    optimizer = options.optimizer or OPTIMIZER
    named = isinstance(optimizer, str)
    return Plan(
        network=network,
        loss=loss,
        optimizer=optim.get(optimizer, learning_rate=rate) if named else optimizer,
        penalty=L2(options.l2) if options.l2 else None,
        batch_size=batch,
        epochs=epochs,
        patience=options.patience if options.patience is not None else patience,
        ensemble=members,
        words=words,
        activation=activation,
        dropout=dropout,
        rate=rate,
        mixup=_mixup(options.augment),
    )


def plan_for(options: Options, material: Material, rows: np.ndarray, preparation: Any, members: int = 1) -> Plan:
    """The plan for training rows of a material and their preparation."""
    y = material.y[rows]
    classes = len(np.unique(y)) if material.task == "classification" else 0
    outputs = classes or (1 if y.ndim == 1 else y.shape[1])
    embedded = preparation.embedded
    shape = preparation.apply(material.raw[rows[:1]]).shape[1:]
    return plan(
        options,
        material.task,
        len(rows),
        outputs,
        embedded,
        members,
        input_shape=shape,
        seen_as=material.seen_as,
        first=_first(preparation, options.augment, shape, material.seen_as),
        family=material.family,
        preparation=preparation,
    )


def _first_given(*values: float | None) -> float:
    return next(value for value in values if value is not None)


def _first(preparation: Any, augment: str | None, shape: Shape, seen_as: Shape | None) -> tuple[Layer, ...]:
    """What stands before a network of pictures: bytes become numbers of mean 0 and variance 1, and are augmented."""
    first: list[Layer] = [Rescale(preparation.shift, preparation.scale)] if isinstance(preparation, Pictures) else []
    words = [word for word in (augment or "").replace(",", " ").split() if not _is_mixup(word)]
    if words:
        if len(seen_as or shape) != 3:
            raise InputError(
                f"augment {augment!r} changes pictures; the inputs have shape {shape} (mixup works for all)"
            )
        first += [Reshape(seen_as)] if seen_as else []
        first.append(parse(" ".join(words)))
    return tuple(first)


def _is_mixup(word: str) -> bool:
    return word.partition(":")[0] == "mixup"


def _mixup(augment: str | None) -> float:
    """The share of blending that is asked for among the augmentations: "shift:0.1 mixup:0.2"."""
    for word in (augment or "").replace(",", " ").split():
        if _is_mixup(word):
            try:
                return float(word.partition(":")[2])
            except ValueError:
                raise InputError(f"augment {word!r}: expected a number, as in mixup:0.2") from None
    return 0.0


def _behind(first: tuple[Layer, ...], network: Any) -> Any:
    """A network of the user's own behind the first layers, unless it takes whole numbers itself or has parameters."""
    own = isinstance(network, Layer) and not network.takes_integers
    return Sequential(*first, network) if first and own else network


def _slow(network: Any, input_shape: Shape) -> bool:
    """Whether the network goes over many places of a picture or sequence."""
    if isinstance(network, str):
        return spelled(network) or network.strip().partition(":")[0] not in ("mlp", "linear")
    return len(input_shape) > 1


def _size(rows: int) -> str:
    return "mlp:128,64" if rows < 20_000 else "mlp:256,128"
