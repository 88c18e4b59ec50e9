"""`watch`: the doctor for MLPClassifier and MLPRegressor, from what a fitted one keeps."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from backlit.doctor.evidence import Evidence
from backlit.errors import InputError, ShapeError
from backlit.nn.layer import Layer, Network
from backlit.nn.layers.activations import ReLU, Sigmoid, Tanh
from backlit.nn.layers.containers import Sequential
from backlit.nn.layers.linear import Linear
from backlit.optim.adaptive import Adam
from backlit.optim.sgd import SGD
from backlit.settings import build
from backlit.train.callbacks import History
from backlit.train.prepare import prepare
from backlit.train.probes.facts import start_of, weights_of
from backlit.train.probes.history import ProbeRecords
from backlit.train.probes.prober import Prober
from backlit.train.probes.settings import Probes
from backlit.train.targets import Targets
from backlit.train.training import Training
from backlit.watching.eye import Eye, Watched

_ACTIVATIONS: dict[str, type[Layer] | None] = {"relu": ReLU, "tanh": Tanh, "logistic": Sigmoid, "identity": None}
_STILL = 1e-30  # a learning rate by which no weight changes


def watch(mlp: Any, X: Any, y: Any, *, validation: Any = None) -> Eye:  # noqa: N803
    """Ask the doctor about a fitted ``MLPClassifier`` or ``MLPRegressor``.

    Its weights and its loss curve are what training has left; the rows are gone through once more by Backlit, for
    activations and gradients. With a whole number as `random_state` the start is drawn again, too.

    Parameters
    ----------
    mlp : sklearn.neural_network.MLPClassifier or MLPRegressor
        Fitted.
    X : array or data frame (rows, columns)
        What it was fitted on.
    y : array (rows,) or (rows, outputs)
    validation : (X, y), optional
        Held-out rows, for what they tell of overfitting.

    Returns
    -------
    Eye
        ``eye.diagnose()`` is a `backlit.Diagnosis` with remedies in scikit-learn's code, ``eye.report("report.html")``
        writes the page.

    Raises
    ------
    InputError
        If it is another estimator, or isn't fitted.
    ShapeError
        If the rows have another number of columns.

    Examples
    --------
    >>> import numpy as np, backlit.sklearn
    >>> from sklearn.neural_network import MLPClassifier
    >>> x = np.random.default_rng(0).normal(size=(300, 4))
    >>> y = (x[:, 0] > x[:, 1]).astype(int)
    >>> mlp = MLPClassifier((16, 16), activation="identity", tol=0.01, random_state=0).fit(x, y)
    >>> print(backlit.sklearn.watch(mlp, x, y).diagnose()[0].remedy)
    mlp.set_params(activation="relu")  # "identity" bends nothing
    """
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    if not isinstance(mlp, (MLPClassifier, MLPRegressor)):
        raise InputError(f"backlit.sklearn.watch takes an MLPClassifier or MLPRegressor, got {mlp!r}")
    if not hasattr(mlp, "coefs_"):
        raise InputError("this network isn't fitted: call mlp.fit(X, y) first")
    if getattr(mlp, "loss", "squared_error") == "poisson":
        raise InputError("backlit.sklearn.watch knows MLPRegressor's loss='squared_error', got 'poisson'")
    rows = _rows(X)
    if rows.shape[1] != mlp.n_features_in_:
        raise ShapeError(f"the network was fitted on {mlp.n_features_in_} columns, X has shape {rows.shape}")
    held = None if validation is None else (_rows(validation[0]), _targets(validation[1]))
    return _Fitted(mlp, rows, _targets(y), held)


class _Fitted(Eye):
    """A fitted network of scikit-learn's."""

    library = "sklearn"

    def __init__(self, mlp: Any, x: np.ndarray, y: np.ndarray, held: Any) -> None:
        self.mlp, self.x, self.y, self.held = mlp, x, y, held
        self._found: Watched | None = None

    def _watched(self) -> Watched:
        if self._found is None:
            self._found = self._put_together()
        return self._found

    def _put_together(self) -> Watched:
        mlp, loss = self.mlp, _loss(self.mlp)
        options = {
            "loss": loss, "optimizer": _optimizer(mlp), "batch_size": _batch(mlp, len(self.x)), "engine": "numpy",
            "metrics": [], "epochs": max(1, mlp.n_iter_), "validation": self.held,
        }  # fmt: skip
        training = build(Training, options, "backlit.sklearn.watch")
        network = _network(mlp, mlp.coefs_, mlp.intercepts_)
        start_weights = _start(mlp, self.x, self.y)
        first = network if start_weights is None else _network(mlp, *start_weights)
        job = prepare(first, self.x, self.y, training)
        prober = Prober(job, Probes())
        start = start_of(job, prober)()
        trained = prepare(network, self.x, self.y, training)
        last = prober({**job.start, "params": trained.start["params"]}, mlp.n_iter_)
        last["step"] = mlp.n_iter_ * -(-len(self.x) // _batch(mlp, len(self.x)))
        for path, numbers in last["params"].items():
            numbers.pop("update_ratio", None)
            if start_weights is not None and numbers["norm"]:
                numbers["update_ratio"] = _moved(first, network, path) / numbers["norm"] / max(1, last["step"])
        if start_weights is None:
            start = {"data": start["data"]}
        else:
            start["weights"] = weights_of(first)
        history = self._history(trained, network)
        settings = {
            "library": "scikit-learn", "loss": str(trained.loss), "optimizer": mlp.solver, "batch_size": options[
                "batch_size"], "epochs": mlp.n_iter_, "learning_rate": mlp.learning_rate_init,
            "penalty": f"alpha={mlp.alpha:g}" if mlp.alpha else None, "seed": mlp.random_state,
        }  # fmt: skip
        evidence = Evidence(
            network=network, loss=trained.loss, optimizer=_optimizer(mlp), start=start, looks=[last],
            history=list(history), settings=settings, stopped="epochs done",
        )  # fmt: skip
        targets: Targets = job.examples.targets
        return Watched(
            network, history, trained.loss, targets, {}, stopped="epochs done", settings=settings,
            optimizer=_optimizer(mlp), probed=ProbeRecords([last]), told=start, evidence=evidence, library="sklearn",
        )  # fmt: skip

    def _history(self, job: Any, network: Network) -> History:
        """The loss curve without its penalty, which stands for itself; scores of the end, and of validation."""
        mlp = self.mlp
        curve = list(getattr(mlp, "loss_curve_", [mlp.loss_]))
        size = sum(float(np.square(weight).sum()) for weight in mlp.coefs_)
        penalty = 0.5 * mlp.alpha * size / len(self.x)
        twice = 2.0 if _loss(mlp) == "mse" else 1.0  # scikit-learn halves squared errors
        scores = list(getattr(mlp, "validation_scores_", None) or [])
        name = "r2" if _loss(mlp) == "mse" else "accuracy"
        history = History()
        for number, value in enumerate(curve, 1):
            record = {"epoch": number, "loss": float(twice * (value - min(penalty, value))), "seconds": 0.0}
            if number <= len(scores):
                record[f"val_{name}"] = float(scores[number - 1])
            history.append(record)
        history[-1][name] = float(mlp.score(self.x, self.y))
        if self.held is not None:
            x, y = self.held
            encoded = job.examples.targets.encode(y, "float64")
            loss = np.asarray(job.loss(network(x.astype("float32")), encoded))
            history[-1] |= {"val_loss": float(loss.mean()), f"val_{name}": float(mlp.score(x, y))}
        return history


def _rows(x: Any) -> np.ndarray:
    rows = np.asarray(x.toarray() if hasattr(x, "toarray") else x, dtype=np.float32)
    if rows.ndim != 2:
        raise ShapeError(f"X must have shape (rows, columns), got {rows.shape}")
    return rows


def _targets(y: Any) -> np.ndarray:
    values = np.asarray(y)
    return values.reshape(-1) if values.ndim == 2 and values.shape[1] == 1 else values


def _loss(mlp: Any) -> str:
    """By what the last layer applies."""
    if mlp.out_activation_ == "softmax":
        return "cross_entropy"
    if mlp.out_activation_ == "identity":
        return "mse"
    return "binary_cross_entropy" if mlp.n_outputs_ == 1 else "multi_label_cross_entropy"


def _optimizer(mlp: Any) -> Any:
    rate = float(mlp.learning_rate_init)
    return Adam(rate) if mlp.solver == "adam" else SGD(rate, momentum=mlp.momentum if mlp.solver == "sgd" else 0.0)


def _batch(mlp: Any, rows: int) -> int:
    if mlp.solver == "lbfgs":
        return rows
    return min(200, rows) if mlp.batch_size == "auto" else min(int(mlp.batch_size), rows)


def _network(mlp: Any, coefs: Any, intercepts: Any) -> Network:
    """The same network of Backlit's layers; the loss applies softmax or sigmoid."""
    kind = _ACTIVATIONS[mlp.activation]
    layers: list[Layer] = []
    params: dict[str, Any] = {}
    for number, (weight, offset) in enumerate(zip(coefs, intercepts, strict=True)):
        params[str(len(layers))] = {
            "weight": np.ascontiguousarray(np.asarray(weight, dtype=np.float32).T),
            "bias": np.asarray(offset, dtype=np.float32),
        }
        layers.append(Linear(weight.shape[1]))
        if kind is not None and number < len(coefs) - 1:
            layers.append(kind())
    return Network(Sequential(*layers), params, (coefs[0].shape[0],))


def _start(mlp: Any, x: np.ndarray, y: np.ndarray) -> tuple[Any, Any] | None:
    """The weights as they were drawn, where the seed is known: what a step of no length leaves."""
    if not isinstance(mlp.random_state, (int, np.integer)) or mlp.warm_start:
        return None
    from sklearn.base import clone

    still = clone(mlp).set_params(max_iter=1, learning_rate_init=_STILL, solver="sgd", early_stopping=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it hasn't converged
        still.fit(x, y)
    return (still.coefs_, still.intercepts_) if math.isfinite(still.loss_) else None


def _moved(first: Network, last: Network, path: str) -> float:
    layer, name = path.split("/")
    return float(np.linalg.norm(last.params[layer][name] - first.params[layer][name]))
