"""The studio's data: built-in and generated sets, points that were drawn, the notes' example, files that were sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backlit.data.datasets import load
from backlit.errors import InputError, unknown
from backlit.languages import Template
from backlit.studio.plane import Plane, plane_of
from backlit.studio.state import DataState

GENERATED = {  # by the studio's name: that of `backlit.data.load`, its own number of groups, and a title
    "moons": ("moons", None, Template("moons", "반달")),
    "circles": ("circles", None, Template("circles", "원")),
    "xor": ("xor", None, Template("XOR", "XOR")),
    "spiral": ("spirals", 2, Template("spiral", "나선")),
    "gaussians": ("blobs", 2, Template("gaussian clouds", "가우스 구름")),
}
GROUPS = {"spiral": "arms", "gaussians": "classes"}  # what `load` calls the number of groups
BUNDLED = {
    "iris": Template("iris flowers", "붓꽃"),
    "wine": Template("wine", "와인"),
    "digits": Template("handwritten digits", "손글씨 숫자"),
    "diabetes": Template("diabetes (numbers)", "당뇨병(숫자)"),
}
PICTURES = {"digits": (8, 8, 1)}  # sets whose rows are pictures
NOTES = Template("one row of the worked example W2", "손 계산 예제 W2의 한 행")
POINTS = Template("points of your own", "직접 찍은 점")
FEWEST_POINTS = 2
DRAWN = 2.0  # half the side of the plane on which points are drawn


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows to learn from.

    Attributes
    ----------
    x : float32 array (rows, inputs)
    y : array (rows,) or (rows, outputs)
        Class numbers, or numbers.
    task : "classification", "regression" or "text"
    columns : list of str
    classes : list of str or None
    outputs : int
        How many numbers the network must give.
    plane : Plane
    code : str
        Python lines that make `x` and `y`, the arrays `backlit.fit` takes.
    picture : (int, int, int) or None
        Height, width and channels, where each row is a picture, from 0 to 1, laid out in one line.
    reading : Reading or None
        Of a text: how it is read; see `backlit.studio.texts`.
    white : float
        What white is in a picture.
    network : Network or None
        Of a run: as it was left.
    encoding : TextTargets or None
        Of a text: how `backlit.fit` encodes its targets; `targets` in the code.
    """

    x: np.ndarray
    y: np.ndarray
    task: str
    columns: list[str]
    classes: list[str] | None
    outputs: int
    plane: Plane
    code: str
    picture: tuple[int, int, int] | None = None
    reading: Any = None
    encoding: Any = None
    white: float = 1.0
    network: Any = None

    def pixels(self, rows: Any) -> np.ndarray:
        """Some rows as pictures of bytes, (rows, height, width, channels)."""
        pixels: np.ndarray = np.rint(np.clip(self.x[rows] / self.white, 0, 1) * 255).astype(np.uint8)
        return pixels.reshape(-1, *(self.picture or ()))


def titles() -> dict[str, Template]:
    """The sets that need nothing else, by name."""
    return {**{name: title for name, (_, _, title) in GENERATED.items()}, **BUNDLED, "W2": NOTES}


def rows_of(state: DataState, files: Mapping[str, Any]) -> Rows:
    """The rows that a state names.

    Parameters
    ----------
    state : DataState
    files : mapping of name to file
        Those that were sent: each has ``rows(target, inputs) -> Rows``.

    Raises
    ------
    InputError
        If there is no such set or file, or too few points.
    """
    if state.name in GENERATED:
        return _generated(state)
    if state.name in BUNDLED:
        return _bundled(state.name)
    if state.name == "W2":
        return _notes()
    if state.name == "points":
        return _points(state)
    if state.name == "file":
        if state.file not in files:
            raise InputError("data: this file isn't here any more: drop it again")
        rows: Rows = files[state.file].rows(state.target, state.inputs)
        return rows
    raise unknown("data set of the studio", state.name, (*titles(), "points", "file"))


def _generated(state: DataState) -> Rows:
    name, groups, _ = GENERATED[state.name]
    options: dict[str, Any] = {"rows": state.rows, "seed": state.seed}
    if state.noise is not None:
        options["noise"] = state.noise
    if state.name in GROUPS:
        options[GROUPS[state.name]] = state.groups or groups
    data = load(name, **options)
    told = ", ".join([repr(name), *(f"{key}={value!r}" for key, value in options.items())])
    code = f"data = bl.data.load({told})\nx, y = data.x, data.y"
    return _made(data.x, data.y, data.feature_names, data.class_names, code)


def _bundled(name: str) -> Rows:
    data = load(name)
    x, lines = data.x, [f"data = bl.data.load({name!r})", "x, y = data.x, data.y"]
    if name == "digits":
        x, lines = x / np.float32(16), [lines[0], "x, y = data.x / np.float32(16), data.y"]
    elif name != "diabetes":
        x = _scaled(x)
        lines.append("x = (x - x.mean(axis=0)) / x.std(axis=0)")
    y: np.ndarray = data.y
    if data.task == "regression":
        y = (y - y.mean()) / y.std()
        lines.append("y = (y - y.mean()) / y.std()")
    rows = _made(x, y, data.feature_names, data.class_names, "\n".join(lines))
    return rows if name not in PICTURES else replace(rows, picture=PICTURES[name])


def _scaled(x: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = (x - x.mean(axis=0)) / x.std(axis=0)
    return scaled


def _notes() -> Rows:
    x, y = np.array([[0.1, 0.2]]), np.array([[0.4, 0.6]])
    code = "x = np.array([[0.1, 0.2]])\ny = np.array([[0.4, 0.6]])"
    return Rows(x, y, "regression", ["x1", "x2"], None, 2, plane_of(x, ["x1", "x2"]), code)


def _points(state: DataState) -> Rows:
    if len(state.points) < FEWEST_POINTS:
        raise InputError(f"data: draw at least {FEWEST_POINTS} points, of two classes; there are {len(state.points)}")
    table = np.array(state.points)
    names, numbers = np.unique(table[:, 2].astype(int), return_inverse=True)
    if len(names) < 2:
        raise InputError("data: all points are of one class; draw some of another")
    code = (
        f"points = np.array({[list(point) for point in state.points]!r})\n"
        "x, y = points[:, :2].astype(np.float32), np.unique(points[:, 2], return_inverse=True)[1]"
    )
    x, columns = table[:, :2].astype(np.float32), ["x1", "x2"]
    plane = plane_of(x, columns, DRAWN)
    return Rows(x, numbers, "classification", columns, [str(name) for name in names], len(names), plane, code)


def _made(x: np.ndarray, y: np.ndarray, columns: list[str], classes: list[str] | None, code: str) -> Rows:
    task = "regression" if classes is None else "classification"
    outputs = 1 if classes is None else len(classes)
    return Rows(x, y, task, columns, classes, outputs, plane_of(x, columns), code)
