"""NeuralClassifier: a network that learns classes or labels, as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from backlit.errors import InputError
from backlit.nn import losses
from backlit.sklearn.base import Neural, goes_on
from backlit.sklearn.goal import Goal
from backlit.sklearn.options import with_options


def _has_probabilities(estimator: Any) -> bool:
    """Whether the loss has any: a hinge loss gives scores alone."""
    return estimator.loss is None or losses.get(estimator.loss).activation is not None


@with_options(without=("standardize_targets",))
class NeuralClassifier(ClassifierMixin, Neural):
    """A neural network for classes (one a row), or for labels (0 or 1 each, several a row).

    Parameters
    ----------
    OPTIONS

    Attributes
    ----------
    run_ : Run
        The training: ``run_.diagnose()``, ``run_.report()``, ``run_.save(folder)``, ``run_.plot()``; ``run_.network``.
    classes_ : array (classes,)
        In the order of `predict_proba`'s columns; of labels, their numbers.
    loss_curve_, validation_curve_ : list of float
        Loss after each epoch, on the rows learned from and on those held back (None without `validation`).
    history_ : list of dict
        All that was measured after each epoch: loss, metrics, val_loss, val_*, seconds.
    loss_ : float
        The last of `loss_curve_`.
    n_iter_ : int
        Epochs.
    n_features_in_, feature_names_in_ :
        Columns of X; their names if it is a data frame.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from backlit.sklearn import NeuralClassifier
    >>> x, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), NeuralClassifier("mlp:32", learning_rate=0.01)).fit(x, y)
    >>> model.score(x, y) > 0.9
    True
    """

    classes_: np.ndarray

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """Train on rows and their classes.

        Parameters
        ----------
        X : array, sparse array or data frame (rows, columns)
            Networks for pictures or sequences take more axes.
        y : array (rows,) or (rows, labels)
            Classes of any type; or 0 and 1 for each label.
        sample_weight : array (rows,), optional
            Weight of each row in the loss. A row of weight 0 is left out.

        Raises
        ------
        InputError, ShapeError
            If data and options don't fit together.
        """
        return self._fit(X, y, sample_weight)

    @available_if(goes_on)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:  # noqa: N803
        """One epoch over these rows, going on with network and optimizer as the last call left them.

        Parameters
        ----------
        X, y, sample_weight : as of `fit`
        classes : array (classes,), optional
            All classes that will ever come; needed in the first call.
        """
        first = _check_partial_fit_first_call(self, classes)
        try:
            return self._fit(X, y, sample_weight, going_on=True)
        except Exception:
            if first:  # nothing was learned: the next call is the first
                del self.classes_
            raise

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[np.ndarray, np.ndarray]:  # noqa: N803
        x, y = self._examples(X, y, reset)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        if y.ndim == 2 and type_of_target(y) != "multilabel-indicator":
            raise InputError(
                f"y has shape {y.shape}: several columns are labels of 0 and 1 each; for classes in each column wrap "
                "the estimator: MultiOutputClassifier(NeuralClassifier())"
            )
        going_on = not reset or (self.warm_start and hasattr(self, "run_"))
        if y.ndim == 2:
            classes = np.arange(y.shape[1])
        elif hasattr(self, "classes_") and (going_on or not hasattr(self, "run_")):
            classes = self.classes_  # `partial_fit` was told
        else:
            classes = np.unique(y)
        strange = [] if y.ndim == 2 else np.setdiff1d(y, classes).tolist()
        if strange:
            raise InputError(f"y has classes that weren't there before: {strange[:5]}; before: {classes.tolist()[:10]}")
        if len(classes) < 2 and y.ndim == 1:
            raise InputError(f"y has one class, {classes.tolist()[0]!r}: a network needs two or more to tell apart")
        self.classes_ = classes
        return x, y

    def _goal(self, y: np.ndarray) -> Goal:
        if y.ndim == 2:
            return Goal.of("multi_label", self.loss, y.shape[1])
        return Goal.of("classification", self.loss, len(self.classes_), self.classes_)

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """The likeliest class of each row (rows,), or 0 and 1 for each label (rows, labels)."""
        outputs = self._outputs(X)
        if self._targets.kind == "multi_label":
            return (outputs > 0).astype(int)
        chosen = outputs[:, 0] > 0 if self._targets.kind == "binary" else outputs.argmax(axis=1)
        return self.classes_[chosen.astype(int)]

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """Probability of each class (rows, classes), or label (rows, labels)."""
        outputs = self._outputs(X)
        return self._targets.probabilities(outputs, self.run_.loss.activation)

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """Logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def decision_function(self, X: Any) -> np.ndarray:  # noqa: N803
        """Raw outputs, in the order of `classes_`; of two classes by how much the second's is above the first's."""
        outputs = self._outputs(X)
        if self._targets.kind == "multi_label" or outputs.shape[1] > 2:
            return outputs
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs[:, 1] - outputs[:, 0]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self.loss is None or losses.get(self.loss).target == "multi_label"
        return tags
