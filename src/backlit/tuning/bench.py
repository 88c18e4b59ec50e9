"""Benches: how candidates become recipes on the same rows, and the winner a run; of a task, or of arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from backlit import optim
from backlit.data.frames import some_rows
from backlit.data.splitting import split
from backlit.errors import InputError, ShapeError, about
from backlit.nn import losses
from backlit.nn.layer import Layer, Network
from backlit.nn.layers.linear import Linear
from backlit.nn.shapes import shape_of
from backlit.nn.spec import build, spelled
from backlit.settings import Declaration, declared
from backlit.store.checkpoint import train
from backlit.tasks.options import Call, Options
from backlit.tasks.plan import ACTIVATION, MEMBERS, SMALL
from backlit.tasks.task import Task
from backlit.train.callbacks import EarlyStopping
from backlit.train.ensemble import Folds
from backlit.train.inputs import inputs_of
from backlit.train.recipe import Recipe
from backlit.train.result import Result
from backlit.train.targets import is_one_hot
from backlit.train.training import Training
from backlit.tuning.space import OF_OPTIONS, of_optimizers, with_settings

PATIENCE = 1 / 3  # share of the epochs that arrays' candidates wait for an improvement, as other kinds of data do


class Bench(Protocol):
    """What a search needs of the data and the plan.

    Attributes
    ----------
    planned : dict
        The settings as they are without a search.
    epochs : int
        What the best are trained for.
    more : tuple of Declaration
        What can be tried besides what all data has.
    """

    planned: dict[str, Any]
    epochs: int
    more: tuple[Declaration, ...]

    def recipe(self, settings: Mapping[str, Any]) -> Recipe:
        """A candidate's, on the rows that all share."""

    def train(self, settings: Mapping[str, Any], call: Call, seconds: float | None) -> Result:
        """The run that these settings make, judged on rows that no candidate saw."""


def told(settings: Mapping[str, Any]) -> str:
    """Settings in a line."""
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in settings.items()
    )


def _apart(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings of the training, and those of its optimizer."""
    of = {name: value for name, value in settings.items() if name in of_optimizers() and name not in OF_OPTIONS}
    return {name: value for name, value in settings.items() if name not in of}, of


@dataclass(eq=False)
class TaskBench:
    """Data that a task has read, with its options.

    Parameters
    ----------
    task : Task
    material : from `Task.read`
    options : Options
    call : Call
        Of the search: who is told what was found in the data, and options of `fit`.
    """

    task: Task
    material: Any
    options: Options
    call: Call

    def __post_init__(self) -> None:
        self.task.check(self.options)
        self.common = self.task.common(self.material, self.options)
        base, self.planned = self.task.recipe(self.material, self.options, self.call.replace(common=self.common))
        if getattr(base.training.optimizer, "exact", False):
            raise InputError("least_squares computes the minimum: there is nothing to tune; choose another optimizer")
        if base.training.validation is None:
            raise InputError("there are no validation rows to choose by: give a --split with some")
        self.base = base.replace(**(self.call.training or {}))
        self.more = tuple(option for name, option in declared(type(self.task)).items() if name == "pieces")
        self.epochs = base.training.epochs
        known = {name: value for name, value in self.planned.items() if name in declared(Options)}
        self.options = self.options.replace(**known)

    def _made(self, settings: Mapping[str, Any]) -> tuple[Task, Options]:
        """The task and options that settings make."""
        own, of_optimizer = _apart(settings)
        pieces = {"pieces": own.pop("pieces", self.planned.get("pieces"))} if self.more else {}
        own.pop("seed", None)  # of the training alone: the split stays as it is
        options = self.options.replace(**own)
        if isinstance(options.network, str) and spelled(options.network):
            options = options.replace(activation=None, dropout=None)
        if of_optimizer:
            options = options.replace(optimizer=with_settings(options.optimizer, of_optimizer))
        return self.task.replace(**pieces), options

    def recipe(self, settings: Mapping[str, Any]) -> Recipe:
        """A candidate's, on the rows that all share."""
        with about(told(settings)):
            task, options = self._made(settings)
            recipe, _ = task.recipe(self.material, options, Call(training=self.call.training, common=self.common))
            own = recipe.replace(**(self.call.training or {}))
        base = self.base
        training = own.training.replace(
            validation=base.training.validation,
            preparation=base.training.preparation,
            seed=settings.get("seed", base.training.seed),
            probes=None,
        )
        return Recipe(own.network, base.x, base.y, training)

    def train(self, settings: Mapping[str, Any], call: Call, seconds: float | None) -> Result:
        """The run that these settings make, as `backlit train` does it."""
        task, options = self._made(settings)
        more: dict[str, Any] = dict(self.call.training or {})
        if "seed" in settings:
            more["seed"] = settings["seed"]
        if seconds is not None:
            more["time_limit"] = seconds
        return task.train(self.material, options, call.replace(training=more))

    def config(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The options that train the winner again, those that were chosen by the data included."""
        task, options = self._made(settings)
        names = [name for name in {**self.planned, **settings} if name in declared(Options)]
        found = {name: getattr(options, name) for name in ("optimizer", *names)}
        if self.more:
            found["pieces"] = getattr(task, "pieces", None)
        found.pop("seed", None)
        return {name: value for name, value in found.items() if value is not None}


def _cut(weights: Any, kept: np.ndarray, rows: int) -> Any:
    """The weights of the rows that are kept; those that aren't one a row are left, and told as they are."""
    if isinstance(weights, Mapping):
        return {name: _cut(each, kept, rows) for name, each in weights.items()}
    if weights is None:
        return None
    if np.shape(weights)[:1] != (rows,):
        raise ShapeError(f"sample_weight must have shape ({rows},), one a row, got {np.shape(weights)}")
    return some_rows(weights, kept)


@dataclass(eq=False)
class ArrayBench:
    """Arrays, with a network or its word.

    Parameters
    ----------
    network : str, Layer or Network
    x, y : as for `fit`
    training : Training
    test : float or pair (x, y), optional
        Rows that no candidate sees: a share, or data of one's own.
    """

    network: Any
    x: Any
    y: Any
    training: Training
    test: Any = 0.15
    more: tuple[Declaration, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.network, (str, Layer, Network)):
            raise InputError(
                f"network must be a word such as 'mlp:64,32', a layer or a network, got {self.network!r:.60}"
            )
        self.loss = losses.get(self.training.loss) if isinstance(self.training.loss, str) else self.training.loss
        self._hold_out()
        self.epochs = self.training.epochs
        count = self._rows()
        training = self.training
        if training.validation is None and training.ensemble == 1 and count < SMALL and count >= 2 * MEMBERS:
            stratify = None if self._numbers() else np.unique(self.y, return_inverse=True)[1].reshape(-1)
            if stratify is not None and np.bincount(stratify).min() < MEMBERS:
                stratify = None
            folds = Folds.draw(count, MEMBERS, training.seed, stratify)
            training = training.replace(validation=folds, ensemble=MEMBERS)
        if training.early_stopping is None:
            training = training.replace(early_stopping=EarlyStopping(max(5, int(self.epochs * PATIENCE))))
        optimizer = training.optimizer
        named = isinstance(optimizer, str)
        self.planned: dict[str, Any] = {
            "optimizer": optimizer,
            "learning_rate": getattr(optim.get(optimizer) if named else optimizer, "learning_rate", None),
            "batch_size": training.batch_size or "full",
        }
        if isinstance(self.network, str):
            self.planned |= {"network": self.network, "dropout": 0.0, "activation": ACTIVATION}
        self.base = Recipe(self._network({}), self.x, self.y, training).prepared().with_validation()

    def _hold_out(self) -> None:
        """Put the test rows aside."""
        self.held: tuple[Any, Any] | None = None
        if self.test is None:
            return
        if isinstance(self.test, (tuple, list)) and len(self.test) == 2:
            self.held = (self.test[0], self.test[1])
            return
        if isinstance(self.test, bool) or not isinstance(self.test, (int, float)) or not 0 < self.test < 1:
            raise InputError(
                f"test must be a share of the rows such as 0.15, a pair (x, y) or None, got {self.test!r:.60}"
            )
        rows = self._rows()
        stratify = None
        if not isinstance(self.y, dict) and not self._numbers():
            stratify = np.unique(np.asarray(self.y), return_inverse=True)[1].reshape(-1)
            if np.bincount(stratify).min() < 2:
                stratify = None
        kept, out = split(rows, (1 - self.test, self.test), self.training.seed, stratify)
        self.training = self.training.replace(sample_weight=_cut(self.training.sample_weight, kept, rows))
        self.held = (some_rows(self.x, out), some_rows(self.y, out))
        self.x, self.y = some_rows(self.x, kept), some_rows(self.y, kept)

    def _rows(self) -> int:
        return len(next(iter(self.y.values())) if isinstance(self.y, dict) else self.y)

    def _numbers(self) -> bool:
        """Whether the targets are numbers rather than classes."""
        if self.loss is not None and getattr(self.loss, "target", "class") not in ("class", "binary"):
            return True
        y = np.asarray(self.y) if not isinstance(self.y, dict) else np.zeros((1, 2))
        return bool(y.ndim > 1 or y.dtype.kind == "f")

    def _network(self, settings: Mapping[str, Any]) -> Any:
        """The network, of its word if it is one."""
        network = settings.get("network", self.network)
        if not isinstance(network, str):
            for name in ("activation", "dropout"):
                if name in settings:
                    raise InputError(f"try {name}: it is for a network that is named, 'mlp:64' say, and not for layers")
            return network
        y = np.asarray(self.y)
        if is_one_hot(y) and y.ndim > 1:
            raise InputError("y is one-hot: pass y.argmax(axis=1), or the classes themselves")
        outputs = (1 if y.ndim == 1 else y.shape[1]) if self._numbers() else len(np.unique(y))
        if getattr(self.loss, "target", None) == "binary":
            outputs = 1
        shape = shape_of(inputs_of(Linear(1), self.training.preparation, self.x, self.training.dtype))
        activation, dropout = settings.get("activation", ACTIVATION), settings.get("dropout", 0.0)
        return build(network, outputs, activation, dropout, input_shape=shape)

    def recipe(self, settings: Mapping[str, Any]) -> Recipe:
        """A candidate's, on the rows that all share."""
        with about(told(settings)):
            return self._recipe(settings)

    def _recipe(self, settings: Mapping[str, Any]) -> Recipe:
        own, of_optimizer = _apart(settings)
        given: dict[str, Any] = {"probes": None}
        given |= {name: own[name] for name in ("batch_size", "schedule", "seed") if name in own}
        optimizer = own.get("optimizer", self.training.optimizer)
        rate = own.get("learning_rate")
        if isinstance(optimizer, str):
            word = with_settings(optimizer, of_optimizer)
            given["optimizer"] = optim.get(word, **({} if rate is None else {"learning_rate": rate}))
        elif rate is not None or of_optimizer:
            changes = {**of_optimizer, **({} if rate is None else {"learning_rate": rate})}
            given["optimizer"] = optimizer.replace(**changes)
        if "l1" in own or "l2" in own:
            given["penalty"] = Options(l1=own.get("l1", 0.0), l2=own.get("l2", 0.0)).penalty
        for name in ("initializer", "dropconnect", "augment"):
            if name in own:
                raise InputError(f"try {name}: it is for tables and files; give networks with it as a list")
        return self.base.replace(self._network(own), **given)

    def train(self, settings: Mapping[str, Any], call: Call, seconds: float | None) -> Result:
        """The run that these settings make, on the rows that are not the test's."""
        recipe = self.recipe(settings)
        given: dict[str, Any] = {"probes": self.training.probes, "metrics": self.training.metrics}
        if seconds is not None:
            given["time_limit"] = seconds
        told_ = recipe.replace(**given).replace(**{**call.of_training(), "probes": self.training.probes})
        run = train(told_)
        run.recipe = dataclasses.replace(recipe, training=told_.training.again())
        return run
