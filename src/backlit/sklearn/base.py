"""What `NeuralClassifier` and `NeuralRegressor` have in common: options, fitting, going on, outputs."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_array, check_is_fitted, validate_data

from backlit import optim
from backlit.data.named import NamedColumns
from backlit.errors import InputError
from backlit.run import Run
from backlit.settings import build, declared
from backlit.sklearn.goal import Goal
from backlit.sklearn.kept import Kept
from backlit.tasks.options import Options
from backlit.train.loop import REACHED
from backlit.train.prepare import is_exact
from backlit.train.recipe import Recipe
from backlit.train.result import ending
from backlit.train.targets import Targets
from backlit.train.training import Training

FLOATS = (np.float64, np.float32)
OF_PLANS = ("activation", "dropout", "learning_rate", "l1", "l2")


def goes_on(estimator: Any) -> bool:
    """Whether there is `partial_fit`: not for an optimizer that computes the minimum of all rows at once."""
    return not is_exact(estimator.optimizer)


class Neural(BaseEstimator):
    """A network behind scikit-learn's interface.

    A subclass has a constructor by `with_options`, and says what its targets are.
    """

    run_: Run
    history_: list[dict[str, Any]]
    _kept: Kept
    _targets: Targets

    def _goal(self, y: np.ndarray) -> Goal:
        """What is to be learned from targets such as these."""
        raise NotImplementedError(f"{type(self).__name__} must define _goal(self, y)")

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[np.ndarray, np.ndarray]:  # noqa: N803
        """Rows and targets as arrays, checked."""
        raise NotImplementedError(f"{type(self).__name__} must define _checked(self, X, y, reset)")

    def _rows(self, X: Any) -> np.ndarray:  # noqa: N803
        """Rows to predict, as scikit-learn's `validate_data` makes them; dense."""
        return _dense(validate_data(self, X, reset=False, **self._taken()))

    def _examples(self, X: Any, y: Any, reset: bool) -> tuple[np.ndarray, np.ndarray]:  # noqa: N803
        """Rows to learn from, and their targets."""
        x, y = validate_data(self, X, y, reset=reset, multi_output=True, **self._taken())
        return _dense(x), _dense(y)

    def _taken(self) -> dict[str, Any]:
        """What kind of rows is taken."""
        return {"accept_sparse": "csr", "dtype": self._dtypes(), "allow_nd": True}

    def _dtypes(self) -> Any:
        return "numeric" if getattr(self.network, "takes_integers", False) else FLOATS

    def _fit(self, X: Any, y: Any, sample_weight: Any, going_on: bool = False) -> Self:  # noqa: N803
        """Train: anew, from the parameters that there are (`warm_start`), or just on from there."""
        again = hasattr(self, "run_")
        x, y = self._checked(X, y, reset=not (again and going_on))
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, x, ensure_non_negative=True)
        if weights is not None:
            counting = weights > 0
            x, y, weights = x[counting], y[counting], weights[counting]
        warm = again and (going_on or self.warm_start)
        goal = self._goal(y)
        if warm:
            self._must_fit(goal, x, going_on)
        kept = self._kept if again and going_on else Kept()
        targets = self._targets if warm else goal.targets(y, weights, self._standardize())
        given = {"encoding": targets, "sample_weight": weights}
        if going_on:
            given |= {"epochs": kept.epoch + 1, "chunk": 1}
            self._can_go_on()
        training = self._training(goal, x, given)
        network = goal.architecture(self.network, self.activation, self.dropout, x.shape[1:])
        if warm and not going_on:
            network = self.run_.network
        run = Run.of(Recipe(network, x, y, training).fit(kept))
        if run.diverged or (self.until_loss is not None and run.stopped != REACHED):
            warnings.warn(ending(run), ConvergenceWarning, stacklevel=3)
        before = self.history_[:] if warm and not going_on else []
        self.run_, self._kept, self._targets = run, kept, targets
        self.history_ = [*before, *run.history]
        self.n_iter_ = len(self.history_)
        self.loss_curve_ = [record["loss"] for record in self.history_]
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else float("nan")
        judged = training.validation is not None
        self.validation_curve_ = [record.get("val_loss") for record in self.history_] if judged else None
        return self

    def _training(self, goal: Goal, x: np.ndarray, more: dict[str, Any]) -> Training:
        """The options of `fit` that this estimator's stand for, and more."""
        where = type(self).__name__
        planned = build(Options, {name: getattr(self, name) for name in OF_PLANS}, where)
        given = {name: getattr(self, name) for name in declared(Training) if hasattr(self, name)}
        if planned.penalty is not None:
            if self.penalty is not None:
                raise InputError(f"{where}: l1 and l2 are a penalty; give them or penalty, not both")
            given["penalty"] = planned.penalty
        if self.learning_rate is not None:
            given["optimizer"] = optim.get(self.optimizer, learning_rate=self.learning_rate)
        if isinstance(self.validation, (tuple, list)) and len(self.validation) == 2:
            held, targets = self.validation
            given["validation"] = (_dense(check_array(held, **self._taken())), _dense(targets))
        if self.dtype is None:
            given["dtype"] = str(x.dtype) if x.dtype in FLOATS else "float32"
        given |= {"loss": goal.loss, "seed": self._seed()}
        if goal.task != "regression":
            given["standardize_targets"] = False
        names = getattr(self, "feature_names_in_", None)
        given["preparation"] = None if names is None else NamedColumns(tuple(names.tolist()))
        return build(Training, given | more, where)

    def _can_go_on(self) -> None:
        """Refuse what needs all epochs, or all rows, to be known beforehand."""
        reasons = {
            "early_stopping": "watches epochs of fit; measure between calls of partial_fit instead",
            "schedule": "counts in epochs of fit; give the optimizer a schedule that counts in updates",
        }
        for name, why in reasons.items():
            if getattr(self, name) is not None:
                raise InputError(f"partial_fit: {name}={getattr(self, name)!r} {why}")
        if getattr(self, "class_weight", None) == "balanced":
            raise InputError(
                "partial_fit: class_weight='balanced' needs all rows to count; give a dict of class to weight"
            )

    def _must_fit(self, goal: Goal, x: np.ndarray, going_on: bool) -> None:
        """Refuse to go on with other classes, outputs or rows."""
        learned = self.run_.network.output_shape
        if goal.outputs != learned[0] or (goal.classes is None) != (self._targets.labels is None):
            raise InputError(f"going on needs targets as before: {learned[0]} outputs then, {goal.outputs} now")
        if self.ensemble > 1 and not going_on:
            raise InputError("warm_start goes on from one network; an ensemble is trained anew: use warm_start=False")
        if x.shape[1:] != self.run_.network.input_shape:
            raise InputError(
                f"going on needs rows of shape {self.run_.network.input_shape}, as before; got {x.shape[1:]}"
            )

    def _standardize(self) -> bool:
        return False

    def _seed(self) -> int:
        if isinstance(self.random_state, (int, np.integer)):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _outputs(self, X: Any) -> np.ndarray:  # noqa: N803
        """Raw outputs of the network, (rows, outputs)."""
        check_is_fitted(self)
        return self.run_.forward(self.run_.inputs(self._rows(X)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _dense(array: Any) -> Any:
    """A sparse array written out: a network's product with its weights needs each number in its place."""
    return array.toarray() if sparse.issparse(array) else array
