"""Data sets by name: those that scikit-learn carries, and generated ones. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from backlit.data import generated
from backlit.data.bundled import FEATURES, bundled
from backlit.errors import InputError, unknown

DIGITS = (8, 8, 1)  # the shape of their pictures
KEPT = Path(__file__).parent / "kept"  # sets of scikit-learn as files: in the wheel for browsers


@dataclass(frozen=True, eq=False)
class Dataset:
    """Inputs and targets with their names.

    Attributes
    ----------
    x : float32 array (rows, features)
    y : array (rows,)
        Class numbers (int64) or numbers (float64).
    task : "classification" or "regression"
    feature_names : list of str
    class_names : list of str or None
        In the order of the class numbers.
    description : str
        One line.
    shape : tuple of int or None
        Of the pictures (height, width, channels) that the rows hold.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    task: str
    feature_names: list[str]
    class_names: list[str] | None
    description: str
    shape: tuple[int, ...] | None = None

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}, {self.x.shape[0]} × {self.x.shape[1]}, {self.task}: {self.description})"


_BUNDLED = {
    "digits": "handwritten digits, 8 × 8 grey levels from 0 to 16",
    "iris": "three kinds of iris by the size of their leaves",
    "wine": "three cultivars by a chemical analysis",
    "breast_cancer": "malignant or benign by measures of cell nuclei",
    "diabetes": "progression of diabetes after a year",
}
_GENERATED: dict[str, tuple[Callable[..., Any], str]] = {
    "moons": (generated.moons, "two half circles that reach into each other"),
    "circles": (generated.circles, "a circle in a circle"),
    "spirals": (generated.spirals, "three spiral arms"),
    "xor": (generated.xor, "four clouds, opposite corners of one class"),
    "blobs": (generated.blobs, "four round clouds"),
}


def names() -> list[str]:
    """All data sets that `load` knows."""
    return [*_BUNDLED, *_GENERATED]


def load(name: str, **options: Any) -> Dataset:
    """A data set by name.

    Parameters
    ----------
    name : str
        digits, iris, wine, breast_cancer, diabetes; moons, circles, spirals, xor, blobs.
    **options
        For generated sets: rows, noise, seed; arms of spirals, classes of blobs.

    Raises
    ------
    UnknownNameError
        For another name, or an option that the set doesn't have.
    InputError
        For an option's value that makes no sense, or a set of scikit-learn's where that isn't installed.

    Examples
    --------
    >>> load("digits")
    Dataset('digits', 1797 × 64, classification: handwritten digits, 8 × 8 grey levels from 0 to 16)
    """
    if not isinstance(name, str) or name not in names():
        raise unknown("data set", name, names())
    options_known = list(signature(_GENERATED[name][0]).parameters) if name in _GENERATED else []
    for option in options:
        if option not in options_known:
            raise unknown(f"option of {name}", option, options_known)
    if name in _GENERATED:
        make, description = _GENERATED[name]
        x, y = make(**options)
        numbers = [str(k) for k in range(int(y.max()) + 1)]
        return Dataset(
            name, x.astype(np.float32), y.astype(np.int64), "classification", ["x1", "x2"], numbers, description
        )
    if (KEPT / f"{name}.npz").is_file():
        return _kept(name)
    try:
        return _bundled(name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"the data set {name!r} comes with scikit-learn, which isn't installed; without it there are "
            f"{', '.join(_GENERATED)}"
        ) from error


def keep(name: str, folder: Path) -> None:
    """Write one of scikit-learn's sets as a file that `load` finds in `KEPT`, where scikit-learn isn't there."""
    data = load(name)
    arrays: dict[str, Any] = {"x": data.x, "y": data.y, "features": np.array(data.feature_names)}
    if data.class_names is not None:
        arrays["classes"] = np.array(data.class_names)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / f"{name}.npz", **arrays)


def _kept(name: str) -> Dataset:
    with np.load(KEPT / f"{name}.npz", allow_pickle=False) as file:
        arrays = dict(file)
    classes = [str(each) for each in arrays["classes"]] if "classes" in arrays else None
    task, shape = "classification" if classes else "regression", DIGITS if name == "digits" else None
    features = [str(each) for each in arrays["features"]]
    return Dataset(name, arrays["x"], arrays["y"], task, features, classes, _BUNDLED[name], shape)


def _bundled(name: str) -> Dataset:
    """One of scikit-learn's, from its files or by scikit-learn itself."""
    found = bundled(name)
    if found is None:
        from sklearn import datasets

        bunch = getattr(datasets, f"load_{name}")()
        names = [str(each) for each in bunch.target_names] if "target_names" in bunch else None
        found = bunch.data, bunch.target, names
    x, y, classes = found
    return Dataset(
        name,
        np.ascontiguousarray(x, dtype=np.float32),
        y.astype(np.int64 if classes else np.float64),
        "classification" if classes else "regression",
        list(FEATURES[name]),
        classes,
        _BUNDLED[name],
        DIGITS if name == "digits" else None,
    )
