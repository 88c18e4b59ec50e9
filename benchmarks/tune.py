"""Settings searched for: `bl.tune` beside scikit-learn's `HalvingRandomSearchCV` over `MLPClassifier`.

`python -m benchmarks tune` measures all, `python -m benchmarks tune --quick` two splits of two tables.

Both draw as many candidates, of the same kinds of setting (hidden layers, rate, penalty, batch size), give them the
same epochs at each rung (9, 27, 80), judge them on five folds, and train the best of them on all folds. scikit-learn
has a worker for each core, Backlit a thread. Scores are on a fifth of the rows that neither search sees.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
from sklearn.datasets import load_breast_cancer, load_digits, make_classification, make_moons
from sklearn.model_selection import train_test_split

TRIALS, FACTOR, EPOCHS, FOLDS = 27, 3, 81, 5
BATCH = 32
LAYERS = ((64,), (128, 64), (256, 128))
RATES = 5e-4, 3e-2
SPACE = {
    "network": [f"mlp:{','.join(map(str, layers))}" for layers in LAYERS],
    "learning_rate": RATES,
    "weight_decay": (1e-3, 1.0),
}


def tables() -> dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]]:
    """Inputs and classes by name: two of scikit-learn's own, two generated."""

    def moons() -> tuple[np.ndarray, np.ndarray]:
        x, y = make_moons(800, noise=0.3, random_state=0)
        return np.hstack([x, np.random.default_rng(0).normal(size=(800, 6))]), y

    return {
        "breast_cancer": lambda: load_breast_cancer(return_X_y=True),
        "digits": lambda: load_digits(return_X_y=True),
        "moons with noise": moons,
        "ten clusters": lambda: make_classification(
            1200, 20, n_informative=8, n_redundant=4, n_classes=5, n_clusters_per_class=2, random_state=0
        ),
    }


def ours(x: np.ndarray, y: np.ndarray, other: np.ndarray, seed: int) -> np.ndarray:
    """Classes that the winner of `bl.tune` calls."""
    import backlit as bl

    names = [f"c{i}" for i in range(x.shape[1])]
    table = pl.DataFrame(dict(zip(names, x.T, strict=True))).with_columns(target=pl.Series(y))
    tuning = bl.tune(
        table, target="target", task="classification", trials=TRIALS, factor=FACTOR, epochs=EPOCHS,
        batch_size=BATCH, pieces=0, dropout=0.0, space=SPACE, split=(0.8, 0.2), ensemble=FOLDS, seed=seed,
        progress=False,
    )  # fmt: skip
    return np.asarray(tuning.run.predict(pl.DataFrame(dict(zip(names, other.T, strict=True)))))


def theirs(x: np.ndarray, y: np.ndarray, other: np.ndarray, seed: int) -> np.ndarray:
    """Classes that the winner of `HalvingRandomSearchCV` calls."""
    from scipy.stats import loguniform
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingRandomSearchCV
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    space = {
        "mlpclassifier__hidden_layer_sizes": LAYERS,
        "mlpclassifier__learning_rate_init": loguniform(*RATES),
        "mlpclassifier__alpha": loguniform(1e-5, 1.0),
    }
    search = HalvingRandomSearchCV(
        make_pipeline(StandardScaler(), MLPClassifier(batch_size=BATCH, random_state=seed)), space, n_candidates=TRIALS, factor=FACTOR,
        resource="mlpclassifier__max_iter", min_resources=EPOCHS // FACTOR**2, max_resources=EPOCHS, cv=FOLDS,
        random_state=seed, n_jobs=cores(),
    )  # fmt: skip
    os.environ["PYTHONWARNINGS"] = "ignore"  # of the workers: that epochs are few is the point
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(search.fit(x, y).predict(other))


def cores() -> int:
    """As many as this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def measured(quick: bool = False, splits: int | None = None) -> list[dict[str, Any]]:
    """A line for each table: seconds and accuracy, means over the splits, of both."""
    count = splits or (2 if quick else 10)
    chosen = dict(list(tables().items())[: 2 if quick else None])
    lines = []
    for name, load in chosen.items():
        x, y = load()
        found: dict[str, list[tuple[float, float]]] = {"backlit": [], "scikit-learn": []}
        for seed in range(count):
            kept, held, known, truth = train_test_split(x, y, test_size=0.2, random_state=seed, stratify=y)
            for who, search in (("backlit", ours), ("scikit-learn", theirs)):
                start = time.perf_counter()
                called = search(kept, known, held, seed)
                found[who].append((time.perf_counter() - start, float((called == truth).mean())))
        line: dict[str, Any] = {"table": name, "rows": len(x), "splits": count}
        for who, pairs in found.items():
            line[who] = dict(zip(("seconds", "accuracy"), np.mean(pairs, axis=0).tolist(), strict=True))
        gain = [a[1] - b[1] for a, b in zip(found["backlit"], found["scikit-learn"], strict=True)]
        line["gain"], line["error"] = float(np.mean(gain)), float(np.std(gain) / max(1, count - 1) ** 0.5)
        lines.append(line)
        print(line, file=sys.stderr, flush=True)
    return lines


def markdown(lines: list[dict[str, Any]]) -> str:
    """The table of the results page."""
    steps = f"{EPOCHS // FACTOR**2}, {EPOCHS // FACTOR}, {EPOCHS}"
    about = (
        f"{TRIALS} candidates, {FOLDS} folds, epochs {steps}; compiling and the winner's training included; "
        f"{lines[0]['splits']} splits, {cores()} cores."
    )
    columns = "| table | rows | `bl.tune`, s | scikit-learn, s | times faster | accuracy | theirs | gain ± error |"
    head = [about, "", columns, "|---|---|---|---|---|---|---|---|"]
    rows = []
    for line in lines:
        us, them = line["backlit"], line["scikit-learn"]
        rows.append(
            f"| {line['table']} | {line['rows']} | {us['seconds']:.1f} | {them['seconds']:.1f} | "
            f"{them['seconds'] / us['seconds']:.1f} | {us['accuracy']:.4f} | {them['accuracy']:.4f} | "
            f"{line['gain']:+.4f} ± {line['error']:.4f} |"
        )
    return "\n".join([*head, *rows])


def main(words: Sequence[str] = ()) -> str:
    """The table, as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks tune", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two splits of two tables")
    parser.add_argument("--splits", type=int, help="other than 10")
    given = parser.parse_args(list(words))
    return f"## Settings searched for\n\n{markdown(measured(given.quick, given.splits))}\n"
