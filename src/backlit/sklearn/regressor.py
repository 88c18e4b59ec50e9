"""NeuralRegressor: a network that learns numbers, as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from backlit.sklearn.base import Neural, goes_on
from backlit.sklearn.goal import Goal
from backlit.sklearn.options import with_options


@with_options(without=("class_weight",), standardize_targets=True)
class NeuralRegressor(RegressorMixin, Neural):
    """A neural network for numbers, one or several a row.

    Parameters
    ----------
    OPTIONS

    Attributes
    ----------
    run_ : Run
        The training: ``run_.diagnose()``, ``run_.report()``, ``run_.save(folder)``, ``run_.plot()``; ``run_.network``.
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
    >>> import numpy as np
    >>> from backlit.sklearn import NeuralRegressor
    >>> x = np.linspace(-1, 1, 200)[:, None]
    >>> model = NeuralRegressor("mlp:32", activation="tanh", learning_rate=0.01).fit(x, 100 * x[:, 0] ** 2)
    >>> model.score(x, 100 * x[:, 0] ** 2) > 0.95
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """Train on rows and their numbers.

        Parameters
        ----------
        X : array, sparse array or data frame (rows, columns)
            Networks for pictures or sequences take more axes.
        y : array (rows,) or (rows, outputs)
        sample_weight : array (rows,), optional
            Weight of each row in the loss, and in mean and spread of `y`. A row of weight 0 is left out.

        Raises
        ------
        InputError, ShapeError
            If data and options don't fit together.
        """
        return self._fit(X, y, sample_weight)

    @available_if(goes_on)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """One epoch over these rows, going on with network and optimizer as the last call left them.

        Numbers are standardised by the rows of the first call.

        Parameters
        ----------
        X, y, sample_weight : as of `fit`
        """
        return self._fit(X, y, sample_weight, going_on=True)

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[np.ndarray, np.ndarray]:  # noqa: N803
        x, y = self._examples(X, y, reset)
        return x, np.asarray(y, dtype=np.float64)

    def _goal(self, y: np.ndarray) -> Goal:
        return Goal.of("regression", self.loss, 1 if y.ndim == 1 else y.shape[1])

    def _standardize(self) -> bool:
        return bool(self.standardize_targets)

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Numbers in the targets' unit, (rows,) or (rows, outputs), as `y` was."""
        outputs = self._outputs(X)
        return self._targets.decode(outputs)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
