"""Tables of the cases that a stranger made: scikit-learn's own rows, and its generators'.

A maker gives inputs and targets, and, where the held-out rows are at fault, these as a pair of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import datasets

Maker = Callable[[np.random.Generator], Any]
TABLES: dict[str, Maker] = {}


def table(make: Maker) -> Maker:
    """A maker that cases know by its name."""
    TABLES[make.__name__] = make
    return make


def scaled(x: np.ndarray) -> np.ndarray:
    spread = x.std(axis=0)
    return (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1)


def mixed(rng: np.random.Generator, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    order = rng.permutation(len(arrays[0]))
    return tuple(array[order] for array in arrays)


def seed(rng: np.random.Generator) -> int:
    return int(rng.integers(1 << 30))


def in_parts(x: np.ndarray, y: np.ndarray, share: float = 0.75) -> tuple[Any, Any, Any, Any]:
    cut = int(share * len(x))
    return x[:cut], y[:cut], x[cut:], y[cut:]


def wine(rng: np.random.Generator) -> Any:
    return mixed(rng, *datasets.load_wine(return_X_y=True))


def cancer(rng: np.random.Generator) -> Any:
    return mixed(rng, *datasets.load_breast_cancer(return_X_y=True))


def diabetes(rng: np.random.Generator) -> Any:
    return mixed(rng, *datasets.load_diabetes(return_X_y=True))


def digits(rng: np.random.Generator) -> Any:
    return mixed(rng, *datasets.load_digits(return_X_y=True))


@table
def wine_raw(rng: np.random.Generator) -> Any:
    return wine(rng)


@table
def wine_scaled(rng: np.random.Generator) -> Any:
    x, y = wine(rng)
    return scaled(x), y


@table
def cancer_scaled(rng: np.random.Generator) -> Any:
    x, y = cancer(rng)
    return scaled(x), y


@table
def cancer_missed(rng: np.random.Generator) -> Any:
    """Of the training rows' malignant ones (class 0), six in ten are called benign; the others were looked through."""
    x, y, held, right = in_parts(*cancer_scaled(rng))
    told = np.where((y == 0) & (rng.random(len(y)) < 0.6), 1, y)
    return x, told, (held, right)


@table
def cancer_shifted_scale(rng: np.random.Generator) -> Any:
    """The held-out rows standardised by themselves, after all columns had been cut at their own median."""
    x, y = cancer(rng)
    x, y, held, right = in_parts(x, y)
    return scaled(x), y, ((held - held.min(axis=0)) / (np.ptp(held, axis=0) + 1e-9) * 10, right)


@table
def cancer_with_the_biopsy(rng: np.random.Generator) -> Any:
    """A column that was written after the finding: the class in 995 of 1000 rows, as days until the operation."""
    x, y = cancer_scaled(rng)
    days = np.where(rng.random(len(y)) < 0.995, y, 1 - y) * 90 + rng.normal(size=len(y)) * 3
    return np.column_stack([x, scaled(days[:, None])]), y


@table
def cancer_twice(rng: np.random.Generator) -> Any:
    """Each row stood twice in the table before it was divided."""
    x, y = cancer_scaled(rng)
    keep = np.concatenate([np.arange(300), np.arange(300)])
    x, y, held, right = in_parts(*mixed(rng, x[keep], y[keep]))
    return x, y, (held, right)


@table
def diabetes_raw_target(rng: np.random.Generator) -> Any:
    x, y = diabetes(rng)
    return scaled(x), y


@table
def diabetes_scaled(rng: np.random.Generator) -> Any:
    x, y = diabetes(rng)
    return scaled(x), scaled(y[:, None])[:, 0]


@table
def diabetes_few(rng: np.random.Generator) -> Any:
    x, y = diabetes_scaled(rng)
    return x[:90], y[:90]


@table
def diabetes_comma(rng: np.random.Generator) -> Any:
    """Three decimal commas lost in the targets: a thousand times too large."""
    x, y = diabetes_scaled(rng)
    y = y.copy()
    y[rng.permutation(300)[:3]] = 1000 * np.abs(y[:3]) + 500
    x, y, held, right = in_parts(x, y)
    return x, y, (held, right)


@table
def diabetes_joined_off(rng: np.random.Generator) -> Any:
    """Targets of another table's rows: joined by position, one row too low, in a table in no order."""
    x, y = diabetes_scaled(rng)
    return x, np.roll(y, 1)


@table
def friedman_leak(rng: np.random.Generator) -> Any:
    x, y = datasets.make_friedman1(600, noise=0.5, random_state=seed(rng))
    y = (y - y.mean()) / y.std()
    return np.column_stack([scaled(x), 3 * y + 7 + 0.01 * rng.normal(size=600)]), y


@table
def friedman_one(rng: np.random.Generator) -> Any:
    x, y = datasets.make_friedman1(800, noise=0.3, random_state=seed(rng))
    return scaled(x), (y - y.mean()) / y.std()


@table
def friedman_positive(rng: np.random.Generator) -> Any:
    x, y = datasets.make_friedman1(600, noise=0.3, random_state=seed(rng))
    return scaled(x), y


@table
def friedman2_raw(rng: np.random.Generator) -> Any:
    return datasets.make_friedman2(600, noise=10, random_state=seed(rng))


@table
def friedman_tiny_target(rng: np.random.Generator) -> Any:
    x, y = friedman_one(rng)
    return x, 2e-6 * y


@table
def friedman_sorted(rng: np.random.Generator) -> Any:
    x, y = friedman_one(rng)
    x, y, held, right = in_parts(x, y)
    order = np.argsort(y)
    return x[order], y[order], (held, right)


@table
def friedman_years(rng: np.random.Generator) -> Any:
    """Rows by year; what is measured drifts, and the last quarter is held out."""
    n = 800
    year = np.linspace(0, 1, n)
    x = rng.normal(size=(n, 5))
    y = x[:, 0] - 0.7 * x[:, 1] + 0.3 * x[:, 2] * x[:, 3] + 0.1 * rng.normal(size=n)
    x = x + np.where(year > 0.75, 4.0, 0.0)[:, None] * np.array([1, -1, 0, 1, 0])
    x, y, held, right = in_parts(x, y)
    return x, y, (held, right)


@table
def friedman_kelvin(rng: np.random.Generator) -> Any:
    """Five columns about 300, spread 1, as temperatures in kelvin."""
    x = rng.normal(size=(600, 5))
    y = x @ [1, -1, 0.5, 0, 0.3] + 0.5 * np.tanh(x[:, 0] * x[:, 1]) + 0.1 * rng.normal(size=600)
    return x + 300, y


@table
def sensors_missing(rng: np.random.Generator) -> Any:
    """One reading in eight wasn't taken and stands as 9999 in the table."""
    x = rng.normal(size=(700, 6))
    y = (x[:, 0] + x[:, 1] ** 2 - x[:, 2] > 1).astype(int)
    x[:, :3][rng.random((700, 3)) < 0.12] = 9999
    return x, y


@table
def survey(rng: np.random.Generator) -> Any:
    """Four answers, yes or no, and whether the person came again: by chance, more often with some answers."""
    x = rng.integers(0, 2, (900, 4)).astype(float)
    odds = x @ [2.5, -2.0, 1.5, 0.3] - 0.8
    return x, (rng.random(900) < 1 / (1 + np.exp(-odds))).astype(int)


@table
def stars(rng: np.random.Generator) -> Any:
    """Three ratings from 1 to 5, and a price that follows them with noise."""
    x = rng.integers(1, 6, (700, 3)).astype(float)
    y = 0.8 * x[:, 0] - 0.5 * x[:, 1] + 0.2 * x[:, 2] * x[:, 0] + 0.6 * rng.normal(size=700)
    return scaled(x), (y - y.mean()) / y.std()


@table
def rounded_with_two_answers(rng: np.random.Generator) -> Any:
    """Half of the rows are in the table a second time, with another class: two annotators."""
    x, y = wine_scaled(rng)
    again = rng.permutation(len(x))[: len(x) // 2]
    x, y = np.concatenate([x, x[again]]), np.concatenate([y, (y[again] + rng.integers(1, 3, len(again))) % 3])
    return mixed(rng, x, y)


@table
def quantiles(rng: np.random.Generator) -> Any:
    return datasets.make_gaussian_quantiles(n_samples=700, n_features=4, n_classes=3, random_state=seed(rng))


@table
def rings(rng: np.random.Generator) -> Any:
    x, y = datasets.make_circles(700, noise=0.06, factor=0.4, random_state=seed(rng))
    return x, y


@table
def moons_wide(rng: np.random.Generator) -> Any:
    x, y = datasets.make_moons(700, noise=0.15, random_state=seed(rng))
    return scaled(x), y


@table
def fraud(rng: np.random.Generator) -> Any:
    """One in fifty is fraud, and looks much like the others."""
    x, y = datasets.make_classification(
        3000, 10, n_informative=4, weights=[0.98], class_sep=0.8, flip_y=0.0, random_state=seed(rng)
    )
    return scaled(x), y


@table
def rare_but_plain(rng: np.random.Generator) -> Any:
    """One in twelve, and easily told."""
    x, y = datasets.make_classification(
        1200, 8, n_informative=6, weights=[0.92], class_sep=2.5, flip_y=0.0, random_state=seed(rng)
    )
    return scaled(x), y


@table
def noisy_labels(rng: np.random.Generator) -> Any:
    """A straight line between the classes, and one label in seven by chance."""
    x = rng.normal(size=(900, 6))
    y = (x @ [1, -1, 0.5, 0, 0, 0.5] > 0).astype(int)
    return x, np.where(rng.random(900) < 0.14, 1 - y, y)


@table
def coin(rng: np.random.Generator) -> Any:
    """Whether it will rain, from six numbers that have nothing to do with it."""
    return rng.normal(size=(800, 6)), rng.integers(0, 2, 800)


@table
def swiss(rng: np.random.Generator) -> Any:
    x, t = datasets.make_swiss_roll(700, noise=0.1, random_state=seed(rng))
    return scaled(x), (t - t.mean()) / t.std()


@table
def ten_spikes(rng: np.random.Generator) -> Any:
    """A number that goes up and down eight times along one column."""
    x = rng.uniform(-1, 1, size=(800, 1))
    return 1.7 * x, np.sin(8 * np.pi * x[:, 0]) + 0.05 * rng.normal(size=800)


@table
def student(rng: np.random.Generator) -> Any:
    """A straight line with noise of heavy tails."""
    x = rng.normal(size=(700, 4))
    return x, x @ [1, 0.5, -1, 0.2] + 0.4 * rng.standard_t(2.2, size=700)


@table
def incomes(rng: np.random.Generator) -> Any:
    """Inputs of heavy tails, standardised; the logarithm of what is spent."""
    x = rng.lognormal(0, 1.0, size=(700, 4))
    y = np.log(x[:, 0] + 0.5 * x[:, 1]) + 0.2 * rng.normal(size=700)
    return scaled(x), y


@table
def shares(rng: np.random.Generator) -> Any:
    """A share between 0 and 1."""
    x = rng.normal(size=(700, 4))
    y = 1 / (1 + np.exp(-(x @ [1.5, -1, 0.5, 0]))) + 0.03 * rng.normal(size=700)
    return x, np.clip(y, 0, 1)


@table
def counts(rng: np.random.Generator) -> Any:
    """How many calls an hour: whole numbers from 0 on."""
    x = rng.normal(size=(900, 4))
    return x, rng.poisson(np.exp(0.8 + x @ [0.5, -0.4, 0.2, 0])).astype(float)


@table
def faint_line(rng: np.random.Generator) -> Any:
    """What is left of a signal: a tenth of the spread."""
    x = rng.normal(size=(2500, 8))
    signal = x @ rng.normal(size=8)
    return x, signal / signal.std() * 0.35 + rng.normal(size=2500)


@table
def flags(rng: np.random.Generator) -> Any:
    """Forty columns that are mostly 0, one row in thirty having each, as words in a text have it."""
    x = (rng.random((1200, 40)) < 0.08).astype(float)
    weights = rng.normal(size=40) * 2
    return x, (x @ weights + 0.3 * rng.normal(size=1200) > 0).astype(int)


@table
def linnerud(rng: np.random.Generator) -> Any:
    """Twenty men in a gym."""
    x, y = datasets.load_linnerud(return_X_y=True)
    return mixed(rng, scaled(x), scaled(y))


@table
def iris_flowers(rng: np.random.Generator) -> Any:
    x, y = mixed(rng, *datasets.load_iris(return_X_y=True))
    return scaled(x), y


@table
def iris_cm(rng: np.random.Generator) -> Any:
    return mixed(rng, *datasets.load_iris(return_X_y=True))


@table
def plane(rng: np.random.Generator) -> Any:
    """A number that is a sum of the columns, exactly."""
    x = rng.normal(size=(500, 6))
    return x, x @ np.arange(1, 7) / 9.5


@table
def all_the_same(rng: np.random.Generator) -> Any:
    """The export wrote the first row's values into every row."""
    x, y = wine_scaled(rng)
    return np.repeat(x[:1], len(x), axis=0), y


@table
def absolute(rng: np.random.Generator) -> Any:
    """What is paid depends on the sign of what the inputs tell, and the signs are gone."""
    x = rng.normal(size=(800, 5))
    return x, np.tanh(x @ [1.2, -0.8, 0.9, 0.4, -0.5]) + 0.05 * rng.normal(size=800)
