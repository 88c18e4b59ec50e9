"""scikit-learn's small tables from its files, without importing it: that takes longer than training on them."""

from __future__ import annotations

import gzip
import zlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np

MEASURES = (
    "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points", "symmetry",
    "fractal dimension",
)  # fmt: skip
FILES = {
    "digits": "digits.csv.gz",
    "iris": "iris.csv",
    "wine": "wine_data.csv",
    "breast_cancer": "breast_cancer.csv",
    "diabetes": "diabetes_data_raw.csv.gz",
}
FEATURES = {
    "digits": [f"pixel_{row}_{column}" for row in range(8) for column in range(8)],
    "iris": ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"],
    "wine": [
        "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
        "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280/od315_of_diluted_wines", "proline",
    ],
    "breast_cancer": [
        *(f"mean {name}" for name in MEASURES),
        *(f"{name} error" for name in MEASURES),
        *(f"worst {name}" for name in MEASURES),
    ],
    "diabetes": ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"],
}  # fmt: skip
DIABETES_TARGET = "diabetes_target.csv.gz"
ROWS = {"digits": 1797, "diabetes": 442}  # of those whose files don't tell it


def bundled(name: str) -> tuple[np.ndarray, np.ndarray, list[str] | None] | None:
    """Inputs (rows, features) and targets of a table in float64, and its classes' names.

    None if the files aren't where, or not what, they have been for years: who asks goes by scikit-learn then.
    """
    try:
        return _read(name)
    except (OSError, EOFError, zlib.error, ValueError):  # cut short, or no numbers
        return None


def _read(name: str) -> tuple[np.ndarray, np.ndarray, list[str] | None] | None:
    """As `bundled`; a ValueError where a file has other numbers than it should."""
    spec = find_spec("sklearn")
    folder = Path(spec.origin).parent / "datasets" / "data" if spec and spec.origin else None
    if folder is None or not (folder / FILES[name]).is_file():
        return None
    first, *lines = _text(folder / FILES[name]).splitlines()
    width = len(FEATURES[name])
    if name == "digits":
        table = _numbers([first, *lines], ",", (ROWS[name], width + 1))
        return table[:, :-1], table[:, -1], [str(k) for k in range(10)]
    if name == "diabetes":
        if not (folder / DIABETES_TARGET).is_file():
            return None
        raw = _numbers([first, *lines], None, (ROWS[name], width))
        targets = _numbers(_text(folder / DIABETES_TARGET).splitlines(), None, (ROWS[name], 1))[:, 0]
        # Columns of mean 0 and sum of squares 1, as Efron, Hastie, Johnstone, Tibshirani have them (2004).
        return (raw - raw.mean(axis=0)) / (raw.std(axis=0) * len(raw) ** 0.5), targets, None
    rows, features, *classes = first.split(",")
    if int(features) != width:
        return None
    table = _numbers(lines, ",", (int(rows), width + 1))
    return table[:, :-1], table[:, -1], classes


def _text(file: Path) -> str:
    content = file.read_bytes()
    return (gzip.decompress(content) if file.suffix == ".gz" else content).decode("ascii")


def _numbers(lines: list[str], separator: str | None, shape: tuple[int, int]) -> np.ndarray:
    """The numbers of lines, which must be so many of so many each."""
    rows = [line.split(separator) for line in lines]
    if len(rows) != shape[0] or {len(row) for row in rows} != {shape[1]}:
        raise ValueError(f"other rows or columns than {shape}")
    return np.array(rows, np.float64)
