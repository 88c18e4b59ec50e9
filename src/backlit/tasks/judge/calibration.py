"""Whether probabilities mean what they say, and a temperature that makes them do so."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.nn.layer import Network
from backlit.nn.layers.containers import Sequential
from backlit.nn.layers.rescale import Temperature
from backlit.train.judgement import Bin, Calibration

BINS = 10
COLDEST, HOTTEST = 0.05, 20.0


def calibrated(run: Any, x: Any, y: Any) -> tuple[Network, float]:
    """The run's network with the temperature that fits held-out rows best, and that temperature.

    It minimises the mean loss over T. Which class is most probable doesn't change, so accuracy doesn't either.

    Parameters
    ----------
    run : Run
        A classifier trained with cross entropy.
    x, y : as given to `fit`
        Rows that it wasn't trained on.

    Raises
    ------
    InputError
        If the loss has no probabilities.
    """
    from scipy.optimize import minimize_scalar

    if run.loss.activation not in ("softmax", "sigmoid"):
        raise InputError("only classifiers trained with cross entropy have probabilities to calibrate")
    outputs = run.outputs(x).astype(np.float64)
    encoded = run.targets.encode(np.asarray(y), "float64")

    def loss(log_temperature: float) -> float:
        return float(np.mean(np.asarray(run.loss(outputs / np.exp(log_temperature), encoded))))

    best = minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    temperature = float(np.exp(best.x)) if best.fun < loss(0.0) else 1.0
    network = run.network
    layer = Temperature(round(temperature, 6))
    cooled = Sequential(network.architecture, layer)
    state = {f"0/{name}": value for name, value in network.state.items()}
    params = {"0": network.params} if network.params else {}
    return Network(cooled, params, network.input_shape, state), layer.value


def reliability(probabilities: np.ndarray, correct: np.ndarray, bins: int = BINS) -> Calibration:
    """Expected calibration error and the bins it is made of.

    ``ECE = Σ_b n_b / n · |accuracy_b - confidence_b|`` over bins of equal width of the confidence, the
    probability of the predicted class.

    Parameters
    ----------
    probabilities : array (rows,)
        Confidence of each prediction.
    correct : bool array (rows,)
    bins : int

    Returns
    -------
    Calibration
        With `error`, and `bins` with their `confidence`, `accuracy` and `rows`, empty bins left out.

    Examples
    --------
    >>> import numpy as np
    >>> reliability(np.array([0.9, 0.9, 0.6, 0.6]), np.array([True, True, True, False])).error
    0.1
    """
    place = np.minimum((probabilities * bins).astype(int), bins - 1)
    filled = tuple(
        Bin(float(probabilities[place == b].mean()), float(correct[place == b].mean()), int((place == b).sum()))
        for b in np.unique(place)
    )
    error = sum(each.rows * abs(each.accuracy - each.confidence) for each in filled) / max(1, len(correct))
    return Calibration(round(float(error), 12), filled)
