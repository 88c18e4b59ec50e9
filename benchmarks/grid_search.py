"""A grid search on digits: 12 settings in 5 folds, all compiling included, against scikit-learn's network.

Both search the same settings: three sizes of hidden layers, two learning rates, two strengths of the L2 penalty; Adam,
batches of 32, 30 epochs, numbers as `load_digits` has them, float64. scikit-learn may stop before, when its loss hardly
falls any more; that is its default. Its `alpha` is halved and divided by a batch's rows: ours is that, so that the
penalties are the same.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from typing import Any

from benchmarks.harness import race, serve, table

SIZES, RATES, ALPHAS = [(64,), (128,), (64, 64)], [1e-3, 3e-3], [1e-4, 1e-2]
BATCH, EPOCHS, FOLDS, ROUNDS = 32, 30, 5, 3


def _searched(model: Any, grid: dict[str, list[Any]]) -> dict[str, float]:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import GridSearchCV

    x, y = load_digits(return_X_y=True)
    begin = time.perf_counter()
    found = GridSearchCV(model, grid, cv=FOLDS, refit=False).fit(x / 16, y)
    return {"seconds": time.perf_counter() - begin, "score": found.best_score_}


def backlit() -> Any:
    """Backlit's classifier; programs are compiled anew in each round, and none are kept on disk."""
    os.environ["BACKLIT_CACHE"] = "off"
    from backlit.sklearn import NeuralClassifier
    from backlit.train.program import program_for

    grid = {"network": SIZES, "learning_rate": RATES, "l2": [alpha / (2 * BATCH) for alpha in ALPHAS]}

    def run() -> dict[str, float]:
        program_for.kept.cache_clear()
        return _searched(NeuralClassifier(epochs=EPOCHS, batch_size=BATCH), grid)

    return run


def scikit_learn() -> Any:
    """scikit-learn's classifier."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    grid = {"hidden_layer_sizes": SIZES, "learning_rate_init": RATES, "alpha": ALPHAS}

    def run() -> dict[str, float]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # 30 epochs are meant
            return _searched(MLPClassifier(max_iter=EPOCHS, batch_size=BATCH, random_state=0), grid)

    return run


CONTESTANTS = {"backlit": backlit, "scikit-learn": scikit_learn}


def main() -> str:
    """The race as text."""
    results = race("benchmarks.grid_search", list(CONTESTANTS), rounds=ROUNDS)
    head = "### Grid search on digits: 12 settings, 5 folds, 30 epochs, compiling included\n\n"
    return head + table(results, "backlit", "s", 1.0, check="score") + "\n"


if __name__ == "__main__":
    serve(CONTESTANTS) if "--worker" in sys.argv else print(main())
