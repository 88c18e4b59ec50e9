"""Task: one kind of data, with what may be said of it and the way from it to a judged run."""

from __future__ import annotations

import dataclasses
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from backlit.errors import InputError
from backlit.languages import Template
from backlit.nn.layer import Layer, Network
from backlit.settings import Record
from backlit.store.checkpoint import train
from backlit.tasks.options import Call, Options
from backlit.train.callbacks import finished
from backlit.train.recipe import Recipe
from backlit.train.result import Result

Progress = Callable[[str, float], None]
# Of `Options`: what suits rows that are scored one by one, and no sequences.
FOR_ROWS = ("loss", "ensemble", "balance", "calibrate", "activation", "output_activation", "dropconnect", "augment")


PLAN = Template(
    "{what}, batches of {batch_size}, at most {epochs} epochs",
    "{what}, 배치(batch) 크기 {batch_size}, 최대 {epochs}에포크",
)
ALL_ROWS = Template("{what}, all rows at once, at most {epochs} epochs", "{what}, 한 번에 모든 행, 최대 {epochs}에포크")
SOLVED = Template("{what}, the minimum in closed form", "{what}, 닫힌 해(closed form)로 구한 최솟값")


@dataclass(eq=False)
class Material:
    """What there is to learn from, before its rows are split.

    Attributes
    ----------
    name : str
    raw : polars.DataFrame, windows, or array (rows, ...)
    y : array (rows,) or (rows, targets)
    task : "classification", "regression" or "multi_label"
    notes : list of str
        What was found and done so far.
    groups, order : array (rows,), optional
        What rows must stay together, or their times.
    test : tuple of raw and y, optional
        A test file of the user's own.
    given : array (rows,), optional
        The user's own division: 0 for training, 1 for validation, 2 for test.
    names : array (rows,), optional
        What rows are called, such as files: the report names the worst.
    seen_as : tuple of int, optional
        Shape of the pictures that flat rows hold.
    copies : int array (rows,), optional
        Equal for rows of equal content, which one part is to hold.
    of, classes : int, optional
        Where these are but some of the training rows: how many there are, and of how many classes.
    """

    name: str
    raw: Any
    y: np.ndarray
    task: str
    notes: list[str] = field(default_factory=list)
    groups: Any = None
    order: Any = None
    test: tuple[Any, np.ndarray] | None = None
    given: np.ndarray | None = None
    names: np.ndarray | None = None
    seen_as: tuple[int, ...] | None = None
    copies: np.ndarray | None = None
    of: int | None = None
    classes: int | None = None


@dataclass(frozen=True, eq=False)
class Parts:
    """Row numbers of training and validation, and the rows to judge on (row numbers, or another file's rows)."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    raw_test: Any
    y_test: np.ndarray


@dataclass(frozen=True, eq=False)
class Plan:
    """What is trained, and how: what the user chose, and what was chosen by the data.

    Attributes
    ----------
    network : Layer or Network
    spec : str
        The network by name, or what it is.
    batch_size : int or None
        None takes all rows.
    epochs, patience : int
    rate, dropout : float
    loss, optimizer, penalty : object
    activation : str
        Between the layers of a network that is named.
    ensemble : int
    mixup : float
    schedule : str, optional
        Of the learning rate.
    method : str or Transform
        The optimizer by name, or itself.
    pieces : int, optional
        That a number's range is cut into: see `PiecewiseLinear`; None where there are no columns of numbers.
    """

    network: Layer | Network
    spec: str
    batch_size: int | None
    epochs: int
    patience: int
    rate: float
    dropout: float
    loss: Any = "cross_entropy"
    optimizer: Any = None
    penalty: Any = None
    activation: str = ""
    ensemble: int = 1
    mixup: float = 0.0
    schedule: str | None = None
    method: Any = None
    pieces: int | None = None

    def describe(self) -> str:
        """The choices in a line."""
        members = f"{self.ensemble} × " if self.ensemble > 1 else ""
        rate = f", {self.schedule}" if self.schedule else ""
        what = f"{members}{self.spec}, {self.optimizer}{rate}"
        if getattr(self.optimizer, "exact", False):
            return SOLVED.say(what=what)
        if self.batch_size is None:
            return ALL_ROWS.say(what=what, epochs=self.epochs)
        return PLAN.say(what=what, batch_size=self.batch_size, epochs=self.epochs)


@dataclass(frozen=True, repr=False)
class Task(Record):
    """One kind of data: a record of what may be said of it, and the way from it to a judged run.

    A subclass declares the options of its kind of data as fields; functions, commands and files take them from there.
    Whatever isn't of the data (the network, epochs) is in `Options`.

    Attributes
    ----------
    kind : str
        What it is for, in messages: "time series".
    source : str
        What such data comes from, in messages: "tables".
    hint : str
        What has to be given for data to be taken for this kind.
    reasons : dict of option to str
        Why an option of another kind can't be given for this one, where there is more to say than what it is for.
    without : tuple of str
        Which of `Options` make no sense here.
    refusal : str
        What is said of them; ``{name}`` stands for the option.
    """

    kind: ClassVar[str]
    source: ClassVar[str]
    hint: ClassVar[str] = ""
    reasons: ClassVar[Mapping[str, str]] = MappingProxyType({})
    without: ClassVar[tuple[str, ...]] = ()
    refusal: ClassVar[str] = ""

    @abstractmethod
    def read(self, data: Any, progress: Progress | None = None) -> Any:
        """What there is to learn from."""

    @abstractmethod
    def split(self, material: Any, fractions: Sequence[float], seed: int) -> tuple[Any, list[str]]:
        """Training, validation and test part; what couldn't be done as wished comes back as notes."""

    def common(self, material: Any, options: Options) -> Any:
        """What recipes of the same rows have in common, for `Call.common`; None where each has to be made whole."""
        del material, options
        return None

    @abstractmethod
    def recipe(self, material: Any, options: Options, call: Call) -> tuple[Recipe, dict[str, Any]]:
        """What is to be trained, its judgement included, and the choices made for it as options."""

    def check(self, options: Options) -> None:
        """Refuse options that make no sense for this kind of data."""
        for name in self.without:
            if getattr(options, name) not in (None, False):
                raise InputError(self.refusal.format(name=name))

    def train(self, material: Any, options: Options, call: Call | None = None) -> Result:
        """Split, prepare, plan, train, calibrate and judge.

        Parameters
        ----------
        material : from `read`
        options : Options
        call : Call, optional

        Returns
        -------
        Result
            With `judgement`: scores on the test rows (on the validation rows if there are no others), baseline, notes.
        """
        call = call or Call()
        call = call if call.started is not None else dataclasses.replace(call, started=time.monotonic())
        recipe, resolved = self.recipe(material, options, call)
        recipe = recipe.replace(**(call.training or {}))
        config = None if call.config is None else call.config | resolved
        told = recipe.replace(**call.replace(config=config).of_training())
        run = train(told)
        run.recipe = recipe
        if run.history and not run.diverged and recipe.finish is not None:
            run = recipe.finish(run)
        finished(told.training.listeners, run)
        return run


def seconds_left(options: Options, call: Call) -> float | None:
    """What is left of the time limit."""
    if options.time_limit is None or call.started is None:
        return options.time_limit
    return max(1e-3, options.time_limit - (time.monotonic() - call.started))
