"""`KerasWatch`: the doctor in Keras' `fit`, as a callback."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from backlit.doctor.evidence import Evidence
from backlit.errors import InputError
from backlit.exchange.keras import from_keras
from backlit.extras import need
from backlit.graph import tree
from backlit.nn.layer import Network
from backlit.nn.layers.containers import Sequential
from backlit.optim.adaptive import AdaGrad, Adam, AdamW, RMSprop
from backlit.optim.sgd import SGD
from backlit.settings import build
from backlit.train.callbacks import History
from backlit.train.prepare import prepare
from backlit.train.probes.facts import start_of
from backlit.train.probes.history import ProbeRecords, plain
from backlit.train.probes.prober import Prober
from backlit.train.probes.settings import Probes
from backlit.train.training import Training
from backlit.watching.asked import Asked
from backlit.watching.eye import Eye, Watched

_LOSSES = {  # what they take, and what the outputs are if they aren't scores
    "sparse_categorical_crossentropy": ("cross_entropy", "Softmax"),
    "categorical_crossentropy": ("cross_entropy", "Softmax"),
    "binary_crossentropy": ("binary_cross_entropy", "Sigmoid"),
    "mean_squared_error": ("mse", ""),
    "mse": ("mse", ""),
    "mean_absolute_error": ("mae", ""),
    "mae": ("mae", ""),
    "huber": ("huber", ""),
}
_OPTIMIZERS: dict[str, Any] = {"adam": Adam, "adamw": AdamW, "rmsprop": RMSprop, "adagrad": AdaGrad, "sgd": SGD}
_SCORES = {"accuracy", "acc", "sparse_categorical_accuracy", "categorical_accuracy", "binary_accuracy"}


class KerasWatch:
    """A callback for Keras that watches ``model.fit``.

    Losses and scores are the log's. The network's layers are gone through by Backlit with the weights of the moment,
    before training and after epochs 1, 2, 4, 8, and so on, on some of the rows.

    Parameters
    ----------
    x, y : array (rows, ...)
        Training rows, or some of them: a callback of Keras' isn't told of its data.
    validation : (x, y), optional
        Held-out rows.

    Raises
    ------
    InputError
        If Keras isn't installed; when training begins, if the network has layers that Backlit hasn't.

    Examples
    --------
    ::

        eye = bl.KerasWatch(x, y)
        model.fit(x, y, epochs=20, validation_split=0.2, callbacks=[eye])
        print(eye.diagnose())
        eye.report("report.html")
    """

    def __new__(cls, x: Any, y: Any, *, validation: Any = None) -> Any:
        """An instance of a subclass of Keras' own Callback."""
        return _callback_class()(x, y, validation)


class _KerasEye(Eye):
    """What the callback has seen."""

    library = "keras"

    def __init__(self, model: Any, x: Any, y: Any, validation: Any, batch: int) -> None:
        self.model, self.batch = model, batch
        loss, self.end = _loss(model)
        y, held = _targets(y, model), None
        if validation is not None:
            held = (np.asarray(validation[0]), _targets(validation[1], model))
        self.optimizer = _optimizer(model)
        options = {
            "loss": loss, "optimizer": self.optimizer, "batch_size": batch, "engine": "numpy", "metrics": [],
            "epochs": 1, "validation": held,
        }  # fmt: skip
        training = build(Training, options, "bl.KerasWatch")
        self.job = prepare(network_of(model, self.end), np.asarray(x), y, training)
        self.prober = Prober(self.job, Probes())
        self.start = start_of(self.job, self.prober)()
        self.looks: list[dict[str, Any]] = []
        self.log = History()
        self.steps = 0
        self._before = (self.job.start["params"], 0)

    def epoch(self, logs: dict[str, Any], steps: int, last: bool = False) -> None:
        """An epoch is over."""
        number = len(self.log) + 1
        kind = "r2" if self.job.examples.targets.kind == "number" else "accuracy"
        record: dict[str, Any] = {"epoch": number}
        for name, value in logs.items():
            part, own = ("val_", name[4:]) if name.startswith("val_") else ("", name)
            if own == "loss" or own in _SCORES or own == "r2_score":
                record[f"{part}{'loss' if own == 'loss' else kind}"] = float(value)
        self.log.append({**record, "seconds": 0.0})
        self.steps += steps
        if number & (number - 1) == 0:
            self.look()

    def look(self) -> None:
        """Look at the network with the weights of the moment."""
        if self.looks and self.looks[-1]["epoch"] == len(self.log):
            return
        params = network_of(self.model, self.end).params
        record = self.prober({**self.job.start, "params": params}, len(self.log))
        record["step"] = self.steps
        before, at = self._before
        olds = dict(tree.items(before))
        for path, now in tree.items(params):
            moved = np.linalg.norm(np.asarray(now, float) - olds[path]) / max(1, self.steps - at)
            size = float(np.linalg.norm(now))
            record["params"][path]["update_ratio"] = plain(moved / size) if size else None
        self._before = (params, self.steps)
        self.looks.append(record)

    def _watched(self) -> Watched:
        if not self.log:
            raise InputError("no epoch was seen: give the callback to model.fit, and fit")
        network = network_of(self.model, self.end)
        stopped = "epochs done" if math.isfinite(self.log[-1].get("loss", math.nan)) else "diverged"
        settings = {
            "library": "keras", "loss": str(self.job.loss), "optimizer": type(self.model.optimizer).__name__,
            "batch_size": self.batch, "epochs": len(self.log),
        }  # fmt: skip
        evidence = Evidence(
            network=network, loss=self.job.loss, optimizer=self.optimizer, start=self.start, looks=self.looks,
            history=list(self.log), settings=settings, stopped=stopped,
        )  # fmt: skip
        return Watched(
            network, self.log, self.job.loss, self.job.examples.targets, {}, stopped=stopped, settings=settings,
            optimizer=self.optimizer, probed=ProbeRecords(self.looks), told=self.start, evidence=evidence,
            library="keras",
        )  # fmt: skip


def network_of(model: Any, end: str = "") -> Network:
    """The network with the weights of the moment; an activation at its `end` that the loss is told of is left out.

    Backlit's losses apply it themselves.
    """
    network = from_keras(model)
    top = network.architecture
    if end and isinstance(top, Sequential) and top.layers and type(top.layers[-1]).__name__ == end:
        return network.replace(architecture=Sequential(*top.layers[:-1]))
    return network


def _loss(model: Any) -> tuple[str, str]:
    """The loss's name here, and the activation at the network's end that belongs to it."""
    own = model.loss
    name = own if isinstance(own, str) else getattr(own, "name", getattr(own, "__name__", ""))
    if name not in _LOSSES:
        raise InputError(f"bl.KerasWatch knows the losses {', '.join(_LOSSES)}; the model was compiled with {own!r}")
    told, end = _LOSSES[name]
    return told, "" if getattr(own, "from_logits", False) else end


def _optimizer(model: Any) -> Any:
    own = model.optimizer
    kind = _OPTIMIZERS.get(type(own).__name__.lower(), SGD)
    return kind(float(np.asarray(own.learning_rate)))


def _targets(y: Any, model: Any) -> np.ndarray:
    values = np.asarray(y)
    name = model.loss if isinstance(model.loss, str) else getattr(model.loss, "name", "")
    if name == "categorical_crossentropy":
        return np.asarray(values.argmax(axis=-1))
    return values.reshape(-1) if values.ndim == 2 and values.shape[1] == 1 else values


@functools.cache
def _callback_class() -> Any:
    base = need("keras", extra="keras", why="watching a training in Keras").callbacks.Callback

    class Watching(Asked, base):  # type: ignore[misc, valid-type]
        """What Keras calls."""

        unseen = "no epoch was seen: give the callback to model.fit, and fit"

        def __init__(self, x: Any, y: Any, validation: Any) -> None:
            super().__init__()
            self.data, self.updates = (x, y, validation), 0

        def on_train_begin(self, logs: Any = None) -> None:
            rows = len(np.asarray(self.data[1]))
            steps = self.params.get("steps") or 1
            self.eye = _KerasEye(self.model, *self.data, batch=max(1, -(-rows // steps)))

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.updates += 1

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.eye.epoch(logs or {}, self.updates)
            self.updates = 0

        def on_train_end(self, logs: Any = None) -> None:
            self.eye.look()

    return Watching
