"""Plan of a training on rows: network, optimizer and their settings, chosen by the data where the user didn't."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.table.knots import knots
from backlit.errors import InputError
from backlit.nn.changing import initialised, with_dropconnect
from backlit.nn.layer import Layer, Shape
from backlit.nn.layers.augment import parse
from backlit.nn.layers.containers import Sequential
from backlit.nn.layers.encoding import PiecewiseLinear
from backlit.nn.layers.rescale import Rescale
from backlit.nn.layers.shaping import Reshape
from backlit.nn.spec import spelled
from backlit.nn.spec.transformer import is_transformer
from backlit.optim import as_transform
from backlit.tasks.options import Options
from backlit.tasks.outputs import check_range, ended, loss_for
from backlit.tasks.task import Plan
from backlit.tasks.warm_up import OPTIMIZER as WARMED
from backlit.tasks.warm_up import RATE as WARMED_RATE
from backlit.tasks.warm_up import warm_up

OPTIMIZER = "adamw"
ACTIVATION, DROPOUT, RATE = "silu", 0.2, 0.002  # what did best on tables like those of the benchmark, on other splits
LEAST_PATIENCE = 5
ALL_PIECES = 320  # of all numbers together: see `PiecewiseLinear`
MEMBERS, SMALL = 5, 10_000  # networks where there are fewer rows than this
MOST_EPOCHS = 400
UPDATES = 20_000  # after about so many, small networks have learned what they can
# Of networks on pictures and sequences, whose updates take longer and teach more.
SLOW_UPDATES, SLOW_EPOCHS, SLOW_BATCH, SLOW_PATIENCE = 4000, 40, 128, 8


@dataclass(frozen=True)
class Usual:
    """What suits a kind of data where the user left it open.

    Attributes
    ----------
    spec : str
        The network.
    dropout, rate : float
    epochs : int, optional
        Most passes over the training rows.
    optimizer : str
    schedule : str, optional
        Of the learning rate: see `fit`.
    updates, most_epochs : int
        After which networks have learned what they can, and passes that are made for so many at most.
    patience : float
        Share of the epochs that is waited for an improvement.
    """

    spec: str
    dropout: float = DROPOUT
    rate: float = RATE
    epochs: int | None = None
    optimizer: str = OPTIMIZER
    schedule: str | None = None
    updates: int = UPDATES
    most_epochs: int = MOST_EPOCHS
    patience: float = 1 / 3

    def steady(self) -> Usual:
        """What suits with a rate that stays as it is, and as many epochs as that takes."""
        return self if self.schedule is None else Usual(self.spec)


@dataclass(frozen=True)
class Ends:
    """What a network's ends must fit, and how it is made.

    Attributes
    ----------
    shape, seen_as : tuple of int
        Of one example, and of the picture that it holds if it is flat.
    outputs : int
        Classes, or numbers to predict.
    first : tuple of Layer
        Layers in front of all others.
    activation : str
    dropout : float
    """

    shape: Shape
    outputs: int
    activation: str
    dropout: float
    seen_as: Shape | None = None
    first: tuple[Layer, ...] = ()


def plan_for(task: Any, material: Any, rows: np.ndarray, preparation: Any, options: Options, members: int = 1) -> Plan:
    """Choose what the user left open.

    Parameters
    ----------
    task : RowsTask
    material : Material
    rows : int array
        The training rows, or some of them: `Material.of` then says how many there are.
    preparation : Preparation
        Learned from them.
    options : Options
    members : int
        Networks in the ensemble.
    """
    classes, count = _classes(material, rows), material.of or len(rows)
    loss = loss_for(material.task, options.loss, options.output_activation, classes)
    if material.task == "regression":
        check_range(material.y, options.output_activation)
    outputs = _outputs(material, rows, loss)
    shape = preparation.apply(material.raw[rows[:1]]).shape[1:]
    usual = task.usual(material, count, shape)
    usual = usual if _as_planned(options) else usual.steady()
    if is_transformer(options.network):
        usual = dataclasses.replace(usual, optimizer=WARMED, rate=WARMED_RATE, schedule=None)
    optimizer, rate = options.steps(usual.optimizer, usual.rate)
    exact, whole = bool(as_transform(optimizer).option("exact")), _takes_all_rows(optimizer, options)
    wanted = options.network if options.network is not None else "linear" if exact else usual.spec
    slow = usual.epochs is None and is_slow(wanted, shape)
    batch, epochs = _counts(count, slow, whole, usual, options)
    patience = SLOW_PATIENCE if slow else max(LEAST_PATIENCE, int(epochs * usual.patience))
    pieces = task.cuts(chosen=wanted is not usual.spec)
    ends = Ends(
        shape=shape,
        outputs=outputs,
        activation=options.activation or ACTIVATION,
        dropout=(0.0 if whole or exact else usual.dropout) if options.dropout is None else options.dropout,
        seen_as=material.seen_as,
        first=first_layers(preparation, options.augment, shape, material.seen_as)
        + (encoding(material.raw[rows], pieces, preparation) if pieces else ()),
    )
    if isinstance(wanted, str):
        network, spec = task.network(wanted, ends, preparation, options), wanted
    else:
        network, spec = _behind(ends.first, wanted), repr(wanted)
    return Plan(
        network=ended(wished(network, options), options.output_activation, loss),
        spec=spec,
        batch_size=None if whole else batch,
        epochs=1 if exact else epochs,
        patience=0 if exact else patience if options.patience is None else options.patience,
        rate=rate,
        dropout=ends.dropout,
        loss=loss,
        optimizer=optimizer,
        penalty=options.penalty,
        activation=ends.activation,
        ensemble=members,
        mixup=mixup_of(options.augment),
        schedule=options.schedule or warm_up(wanted, max(1, count // batch), epochs, options) or usual.schedule,
        method=usual.optimizer if options.optimizer is None else options.optimizer,
        pieces=pieces,
    )


def _as_planned(options: Options) -> bool:
    """Whether nothing is said of what a cycle of the rate belongs to; runs of so many epochs can be gone on from."""
    return all(said is None for said in (options.optimizer, options.schedule, options.epochs))


def encoding(raw: Any, pieces: int, preparation: Any) -> tuple[Layer, ...]:
    """The layer that lets a network bend at the knots of each number of some rows, if any has some."""
    inputs = preparation.apply(raw)
    numbers = inputs[:, : inputs.shape[1] - len(preparation.embedded)]
    found = knots(numbers, pieces, ALL_PIECES) if numbers.size else ()
    return (PiecewiseLinear(found),) if any(found) else ()


def _takes_all_rows(optimizer: Any, options: Options) -> bool:
    """Whether every update sees all rows: by wish, or since the optimizer needs it and nothing else is said."""
    return options.batch_size == "full" or (
        options.batch_size is None and bool(as_transform(optimizer).option("whole"))
    )


def _counts(rows: int, slow: bool, whole: bool, usual: Usual, options: Options) -> tuple[int, int]:
    """Rows of a batch, and epochs."""
    batch = int(np.clip(2 ** np.round(np.log2(max(rows, 1) / 32)), 16, SLOW_BATCH if slow else 1024))
    batch = rows if whole else int(options.batch_size or batch + -batch % options.devices)
    steps = max(1, rows // batch)
    most = np.clip(usual.updates // steps, 20, usual.most_epochs)
    if slow:
        most = np.clip(SLOW_UPDATES // steps, 10, SLOW_EPOCHS)
    return batch, options.epochs or int(min(most, usual.epochs or most))


def wished(network: Any, options: Options) -> Any:
    """The network with the start and the dropped connections that the user asks for."""
    if options.initializer is None and options.dropconnect is None:
        return network
    if not isinstance(network, Layer):
        raise InputError("initializer and dropconnect are for an architecture; this network has parameters already")
    if options.initializer is not None:
        network = initialised(network, options.initializer)
    return network if options.dropconnect is None else with_dropconnect(network, options.dropconnect)


def resolved(plan: Plan, options: Options) -> dict[str, Any]:
    """The choices that can be told in words, as options that make them again whatever the defaults are then."""
    named = {"network": plan.spec, "activation": plan.activation, "dropout": plan.dropout}
    if not isinstance(options.network, (str, type(None))):
        named = {}
    elif spelled(plan.spec):
        named = {"network": plan.spec}
    steps = {"optimizer": plan.method, "learning_rate": plan.rate}
    if plan.schedule is not None:
        steps["schedule"] = plan.schedule
    if not isinstance(options.optimizer, (str, type(None))):
        steps = {}
    if as_transform(plan.optimizer).option("exact"):
        steps.pop("learning_rate", None)
    counts = {"epochs": plan.epochs, "batch_size": plan.batch_size or "full", "patience": plan.patience}
    pieces = {} if plan.pieces is None else {"pieces": plan.pieces}
    return named | pieces | steps | counts | {"ensemble": plan.ensemble}


def _classes(material: Any, rows: np.ndarray) -> int:
    """How many classes there are; 0 for numbers."""
    if material.task != "classification":
        return 0
    return material.classes or len(np.unique(material.y[rows]))


def _outputs(material: Any, rows: np.ndarray, loss: Any) -> int:
    """How many numbers the network gives."""
    y = material.y[rows]
    outputs = _classes(material, rows) or (1 if y.ndim == 1 else y.shape[1])
    if loss.target != "binary":
        return outputs
    if outputs > 2:
        raise InputError(
            f"{loss} needs two classes, the target has {outputs}; leave out the loss, or choose cross_entropy"
        )
    return 1


def first_layers(preparation: Any, augment: str | None, shape: Shape, seen_as: Shape | None) -> tuple[Layer, ...]:
    """What stands before a network of pictures: bytes become numbers of mean 0 and variance 1, and are augmented."""
    from backlit.data.pictures import Pictures

    first: list[Layer] = [Rescale(preparation.shift, preparation.scale)] if isinstance(preparation, Pictures) else []
    changes = [change for change in _changes(augment) if not _is_mixup(change)]
    if changes:
        if len(seen_as or shape) != 3:
            raise InputError(
                f"augment {augment!r} changes pictures; the inputs have shape {shape} (mixup works for all)"
            )
        first += [Reshape(seen_as)] if seen_as else []
        first.append(parse(" ".join(changes)))
    return tuple(first)


def _changes(augment: str | None) -> list[str]:
    return (augment or "").replace(",", " ").split()


def _is_mixup(change: str) -> bool:
    return change.partition(":")[0] == "mixup"


def mixup_of(augment: str | None) -> float:
    """The share of blending that is asked for among the augmentations.

    >>> mixup_of("shift:0.1 mixup:0.2"), mixup_of("flip")
    (0.2, 0.0)
    """
    for change in filter(_is_mixup, _changes(augment)):
        try:
            return float(change.partition(":")[2])
        except ValueError:
            raise InputError(f"augment {change!r}: expected a number, as in mixup:0.2") from None
    return 0.0


def _behind(first: tuple[Layer, ...], network: Any) -> Any:
    """A network of the user's own behind the first layers, unless it takes whole numbers itself or has parameters."""
    if any(isinstance(layer, PiecewiseLinear) for layer in first) and not isinstance(network, Layer):
        raise InputError("pieces are for an architecture; this network has parameters already")
    fits = isinstance(network, Layer) and not network.takes_integers
    return Sequential(*first, network) if first and fits else network


def is_slow(network: Any, shape: Shape = ()) -> bool:
    """Whether a network goes over many places of a picture or sequence.

    >>> is_slow("mlp:64"), is_slow("cnn"), is_slow("conv:8 relu flatten")
    (False, True, True)
    """
    if isinstance(network, str):
        return spelled(network) or network.strip().partition(":")[0] not in ("mlp", "linear", "residual", "wired")
    return len(shape) > 1
