"""What a user may say about a training job, whatever the kind of data; what isn't said is chosen by the data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from backlit.errors import InputError, unknown
from backlit.settings import Declaration, Record, count, declared, option, same
from backlit.train.keeping import Checkpoint
from backlit.train.training import NETWORK, OPTIMIZERS, TRAINING, Training, check_precision, check_shard

if TYPE_CHECKING:
    from backlit.nn.penalties import Penalty
    from backlit.optim.transform import Transform
    from backlit.train.callbacks import Callback

DATA = "Data"  # a heading of the command's help
ENGINES = ("xla", "numpy")


def shares(given: str | Sequence[float]) -> tuple[float, ...]:
    """Parts of a split: "70/15/15" or "0.7,0.15,0.15"; shares that are numbers already stay as they are.

    >>> shares("70/15/15")
    (0.7, 0.15, 0.15)
    """
    if isinstance(given, (tuple, list)):
        return tuple(given)
    if not isinstance(given, str):
        raise InputError(
            f"split must be shares of training, validation and test rows, (0.7, 0.15, 0.15), got {given!r}"
        )
    try:
        parts = [float(part) for part in re.split(r"[/,]", given)]
    except ValueError:
        parts = []
    if len(parts) not in (2, 3) or min(parts) <= 0:
        raise InputError(f"--split {given}: expected shares of training, validation and test rows such as 70/15/15")
    return tuple(part / sum(parts) for part in parts)


@dataclass(frozen=True, repr=False)
class Options(Record):
    """How a job is planned, whatever the kind of data. None means: chosen by the data.

    Parameters
    ----------
    split : tuple of float
        Shares of training, validation and test rows; two of them for no test rows.
    augment : str, optional
        Changes of training pictures by chance, "shift:0.1 flip", and of any rows, "mixup:0.2".
    network : str or Layer, optional
        "mlp:64,32", "cnn:32,64", "lstm:64", "transformer:2x64", "conv:16,3 relu pool:2 flatten", or a layer.
    activation : str, optional
        Between the layers of a network that is named.
    output_activation : str, optional
        Behind the last layer. For numbers, which then must lie in its range and aren't standardised; for classes
        "softmax" (the loss is then the negative log likelihood) or "sigmoid" (of the binary cross entropy).
    initializer : str, optional
        What all weights are drawn by: "he_normal", "xavier", "normal:0.01"; see `backlit.initializers`. By default each
        layer's by its activation.
    dropout : float, optional
        Share of units dropped after each hidden layer of a network that is named.
    dropconnect : float, optional
        Share of weights dropped in each dense layer but the last.
    ensemble : int, optional
        Networks trained at once and averaged.
    loss : str or loss, optional
        By default cross entropy for classes, mean squared error for numbers.
    optimizer : str or Transform, optional
        By default "adamw", for sequences and texts to go on with "adam" unless the network is a Transformer. With
        settings: "momentum:0.95", "adam:beta1=0.8,beta2=0.99"; "lbfgs"; "least_squares".
    learning_rate : float, optional
        Of an optimizer that is named.
    schedule : str, optional
        How it changes: see `fit`.
    epochs : int, optional
        Most passes over the training rows.
    batch_size : int or "full", optional
        Rows an update; "full" takes all of them.
    l1, l2 : float
        Weights of the penalty λ₁·Σ|W| + λ₂·ΣW²; both make the elastic net.
    patience : int, optional
        Epochs without improvement before training stops; 0 never stops early.
    balance : bool
        Weigh classes equally, however many rows they have.
    calibrate : bool
        Divide outputs by the temperature that makes probabilities honest.
    time_limit : float, optional
        Seconds for the whole job.
    seed : int
        Origin of all randomness, splits too.
    engine : "xla" or "numpy"
        Compiled, or operation by operation.
    precision : "bfloat16", optional
        Of matrix products in training.
    devices : int
        Devices that share the work on each batch.
    shard : "optimizer", "parameters" or None
        What each of them holds a part of between updates.
    average_every : int, optional
        Updates that each of them makes alone before all take their mean.

    Raises
    ------
    InputError
        If a number is out of its range; it is named with the range.
    """

    split: tuple[float, ...] = option(
        (0.7, 0.15, 0.15),
        panel=DATA,
        help="Shares of training, validation and test rows; 70/15/15 by default",
        parse=shares,
    )
    augment: str | None = option(
        None,
        panel=DATA,
        help="Change training pictures by chance: 'shift:0.1 rotate:10 scale:0.1 flip cutout:0.2 brightness:0.2 "
        "mixup:0.2', any of them",
    )
    network: Any = option(
        None,
        panel=NETWORK,
        help="mlp:64,32 (hidden layers), linear, residual:64,64 (blocks), wired:32,random=8 (a random graph; "
        "wired:32,a-b,a-c,b-c one of your own; weights=learned), cnn:32,64, resnet:8, lstm:64, gru:64, bilstm:64, "
        "transformer:2x64 (blocks of attention; with heads=4 if you like), or "
        "layers: 'conv:16,3 relu pool:2 flatten linear:64 relu'. By default chosen by the data",
    )
    activation: str | None = option(None, panel=NETWORK, help="Between the layers; silu by default")
    output_activation: str | None = option(
        None, panel=NETWORK, help="Behind the last layer: softplus, sigmoid, tanh, ...; for classes softmax or sigmoid"
    )
    initializer: str | None = option(
        None, panel=NETWORK, help="All weights' start: he_normal, xavier, lecun, orthogonal, normal:0.01, zeros, ..."
    )
    dropout: float | None = option(
        None, panel=NETWORK, help="Share of units dropped after each hidden layer", high=1.0, open_high=True
    )
    dropconnect: float | None = option(
        None, panel=NETWORK, help="Share of weights dropped in each dense layer but the last", high=1.0, open_high=True
    )
    ensemble: int | None = same(Training, "ensemble", None)
    loss: Any = same(Training, "loss")
    optimizer: Any = same(Training, "optimizer", None, help=f"By default adamw, for sequences adam. {OPTIMIZERS}")
    learning_rate: float | None = option(
        None, flags=("--lr",), panel=TRAINING, help="Learning rate", open_low=True, open_high=True
    )
    schedule: str | None = same(Training, "schedule")
    epochs: int | None = same(Training, "epochs", None)
    batch_size: int | Literal["full"] | None = same(Training, "batch_size", None)
    l1: float = option(
        0.0, panel=TRAINING, help="Weight of the L1 penalty, λ·Σ|W|; with --l2 the elastic net", open_high=True
    )
    l2: float = option(0.0, panel=TRAINING, help="Weight of the L2 penalty, λ·ΣW²", open_high=True)
    patience: int | None = count(
        None, low=0, panel=TRAINING, help="Epochs without improvement before stopping (0 never stops early)"
    )
    balance: bool = option(False, panel=TRAINING, help="Weigh classes equally, however many rows they have")
    calibrate: bool = option(
        False, panel=TRAINING, help="Divide outputs by the temperature that makes probabilities honest"
    )
    time_limit: float | None = same(Training, "time_limit")
    seed: int = same(Training, "seed")
    engine: Literal["xla", "numpy"] = same(Training, "engine")
    precision: Literal["bfloat16"] | None = same(Training, "precision")
    devices: int = same(Training, "devices")
    shard: Literal["optimizer", "parameters"] | None = same(Training, "shard")
    average_every: int | None = same(Training, "average_every")

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "split", shares(self.split))
        if isinstance(self.network, Mapping):  # as a file has it
            from backlit.nn.layer import Layer

            object.__setattr__(self, "network", Layer.from_dict(dict(self.network)))
        if self.schedule is not None:
            from backlit.optim.words import schedule_words

            schedule_words(self.schedule)
        if self.engine not in ENGINES:
            raise unknown("engine", self.engine, ENGINES)
        check_shard(self.shard, self.engine)
        check_precision(self.precision, self.engine)

    @property
    def penalty(self) -> Penalty | None:
        """What is added to the loss."""
        from backlit.nn.penalties import L1, L2, Elastic

        if self.l1 and self.l2:
            return Elastic(self.l1, self.l2)
        return L1(self.l1) if self.l1 else L2(self.l2) if self.l2 else None

    def steps(self, usual: str, rate: float) -> tuple[Transform, float]:
        """The optimizer and its learning rate: what the user says, else the usual ones."""
        from backlit import optim

        chosen = usual if self.optimizer is None else self.optimizer
        own = optim.named(chosen).own_rate if isinstance(chosen, str) else None
        rate = self.learning_rate if self.learning_rate is not None else rate if own is None else own
        if not isinstance(chosen, str):
            return chosen, rate
        if optim.named(chosen).exact:
            if self.learning_rate is not None:
                raise InputError(f"--lr: {chosen} computes the minimum and takes no learning rate; leave it out")
            return optim.get(chosen), rate
        return optim.get(chosen, learning_rate=rate), rate


def of_fit() -> dict[str, Declaration]:
    """Options of `fit` that commands have and no plan is made for."""
    planned = declared(Options)
    return {
        name: option for name, option in declared(Training).items() if option.panel is not None and name not in planned
    }


@dataclass(frozen=True, repr=False)
class Call(Record):
    """Where one job's run goes, and who is told of it; nothing of what is trained.

    Parameters
    ----------
    checkpoint, checkpoint_every, resume, overwrite, progress, probes, callbacks :
        As for `fit`.
    training : dict
        Options of `fit` that commands have and no plan is made for (see `of_fit`): they are handed on as they are.
    say : callable, optional
        ``say(sentence)`` is told what was found in the data before training begins.
    config : dict, optional
        Kept with the run, together with what was chosen by the data: what would train it again.
    started : float, optional
        When the job began (`time.monotonic`): its time limit counts from there.
    common : optional
        From `Task.common`, where rows have been shared out and prepared before.
    """

    checkpoint: str | Path | Checkpoint | None = same(Training, "checkpoint")
    checkpoint_every: int | None = same(Training, "checkpoint_every")
    resume: bool = same(Training, "resume")
    overwrite: bool = same(Training, "overwrite")
    progress: bool | None = same(Training, "progress")
    probes: Any = same(Training, "probes")
    callbacks: Sequence[Callback] | Callback | None = same(Training, "callbacks")
    config: dict[str, Any] | None = same(Training, "config")
    training: Mapping[str, Any] | None = option(None, scope="recipe")
    say: Callable[[str], None] | None = option(None, scope="call")
    started: float | None = option(None, scope="call")
    common: Any = option(None, scope="call")

    def of_training(self) -> dict[str, Any]:
        """What of it `fit` takes."""
        return {name: getattr(self, name) for name in declared(Call) if name in declared(Training)}

    def tell(self, notes: Sequence[str]) -> None:
        """Say what was found in the data."""
        for note in notes if self.say is not None else ():
            self.say(note)  # type: ignore[misc]
