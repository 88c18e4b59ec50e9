"""Settings searched for: `bl.tune` beside scikit-learn's `HalvingRandomSearchCV` over `MLPClassifier`.

`python -m benchmarks tune` measures all, `python -m benchmarks tune --quick` two splits of two small tables.

Both draw as many candidates from the same hidden layers and rates and from a range of decay (scikit-learn's is a
penalty in the loss), with batches of 32 standardised rows, give them the same epochs at each rung (9, 27, 81), judge
them on five folds, and train the best of them on all folds. scikit-learn begins each rung anew and stops where the loss
stands, Backlit goes on from the last rung. scikit-learn has a worker for each core, Backlit a thread. Scores are on a
fifth of the rows that neither search sees. Nothing is compiled before: a table's first split compiles, the others find
programs.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
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
QUICK = ("breast_cancer", "moons with noise")
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
        make_pipeline(StandardScaler(), MLPClassifier(batch_size=BATCH, random_state=seed)), space,
        n_candidates=TRIALS, factor=FACTOR,
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


def busy() -> float:
    """Processor seconds of this process, and of those that it began and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def timed(search: Callable[[], np.ndarray]) -> tuple[np.ndarray, float, float]:
    """What a search calls, seconds, and processor seconds with its workers'."""
    from joblib.externals.loky import get_reusable_executor

    before, start = busy(), time.perf_counter()
    called = search()
    seconds = time.perf_counter() - start
    get_reusable_executor().shutdown(wait=True)
    return called, seconds, busy() - before


def measured(names: Sequence[str], splits: int) -> list[dict[str, Any]]:
    """A line for each table: of both seconds, processor seconds and accuracy, by split."""
    import jax  # noqa: F401  both have what they need imported
    import sklearn.neural_network  # noqa: F401

    import backlit as bl

    _ = bl.tune
    lines = []
    for name in names:
        x, y = tables()[name]()
        found: dict[str, list[tuple[float, float, float]]] = {"backlit": [], "scikit-learn": []}
        for seed in range(splits):
            kept, held, known, truth = train_test_split(x, y, test_size=0.2, random_state=seed, stratify=y)
            for who, search in (("backlit", ours), ("scikit-learn", theirs)):
                given = (kept, known, held, seed)
                called, *spent = timed(lambda search=search, given=given: search(*given))
                found[who].append((*spent, float((called == truth).mean())))
                print(name, seed, who, *(f"{value:.4g}" for value in found[who][-1]), file=sys.stderr, flush=True)
        lines.append({"table": name, "rows": len(x), **{who: np.array(values) for who, values in found.items()}})
    return lines


def markdown(lines: list[dict[str, Any]]) -> str:
    """The table of the results page."""
    steps = f"{EPOCHS // FACTOR**2}, {EPOCHS // FACTOR}, {EPOCHS}"
    splits = len(lines[0]["backlit"])
    about = (
        f"{TRIALS} candidates, {FOLDS} folds, epochs {steps}, the winner's training included; {splits} splits, "
        f"{cores()} cores. Seconds are processor seconds of the whole process and its workers, which a busy machine "
        "changes less than the clock; a table's first split compiles its programs (nothing is cached before)."
    )
    columns = (
        "| table | rows | `bl.tune`, first split | others | scikit-learn | times faster, first | others | all "
        "| accuracy | theirs | gain ± error |"
    )
    rows = []
    for line in lines:
        us, them = line["backlit"], line["scikit-learn"]
        gain = us[:, 2] - them[:, 2]
        error = gain.std() / max(1, splits - 1) ** 0.5
        first, others = us[0, 1], us[1:, 1].mean() if splits > 1 else np.nan
        whole = them[:, 1].mean()
        rows.append(
            f"| {line['table']} | {line['rows']} | {first:.1f} | {others:.1f} | {whole:.1f} | "
            f"{them[0, 1] / first:.1f} | {whole / others:.1f} | {whole / us[:, 1].mean():.1f} | "
            f"{us[:, 2].mean():.4f} | {them[:, 2].mean():.4f} | {gain.mean():+.4f} ± {error:.4f} |"
        )
    return "\n".join([about, "", columns, f"|{'---|' * 11}", *rows])


def main(words: Sequence[str] = ()) -> str:
    """The table, as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks tune", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two splits of two small tables")
    parser.add_argument("--splits", type=int, help="of each table: 10, of --quick 2")
    parser.add_argument("--only", nargs="+", choices=[*tables()], help="these tables alone")
    given = parser.parse_args(list(words))
    names = given.only or (QUICK if given.quick else list(tables()))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BACKLIT_CACHE"] = folder
        lines = measured(names, given.splits or (2 if given.quick else 10))
    return f"## Settings searched for\n\n{markdown(lines)}\n"
