"""A run's rows, as the studio has them: each in one line of numbers, of which a first layer makes its shape again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.nn.layer import Network
from backlit.nn.layers.containers import Sequential
from backlit.nn.layers.shaping import Reshape
from backlit.studio.opening_texts import code_of
from backlit.studio.plane import plane_of, plane_of_tokens
from backlit.studio.sets import Rows
from backlit.studio.state import MOST_ROWS

MOST_VALUES = 6_000_000  # numbers that all rows together have
MOST_SIDE = 64  # of pictures that are shown
CHANNELS = (1, 3)


def rows_of_run(run: Any, folder: Path | None, name: str, data: Any) -> Rows:
    """The run's data, read as it was for the training.

    Raises
    ------
    InputError
        If it can't be found or isn't whole.
    """
    if data is not None and (data[0] is None) != (data[1] is None):
        raise InputError("give both x and y, or neither")
    raw, y, columns = _held(run, name) if data is None else (*data, None)
    columns = columns or list(getattr(run.preparation, "names", []))
    x, y = np.asarray(run.inputs(raw)), np.asarray(y)
    if y.ndim == 0 or len(x) != len(y):
        raise InputError(f"x and y must have as many rows, got {len(x):,} and {len(y) if y.ndim else repr(y.item())}")
    shape = x.shape[1:]
    most = min(MOST_ROWS, max(1, MOST_VALUES // max(1, int(np.prod(shape)))))
    x, y = x[:most], y[:most]
    picture, white = _picture(x)
    if len(shape) != 1:
        x = x.reshape(len(x), -1).astype(run.network.dtype)
    columns = _columns(columns, shape)
    encoded = np.asarray(run.targets.encode(y, "float64"))
    classes = run.classes if run.targets.kind == "class" else None
    labels = None if classes is None else [str(each) for each in classes]
    numbers: Any = encoded.astype(int).reshape(len(y)) if classes is not None else _flat(encoded)
    plane = plane_of_tokens(x) if run.network.takes_integers and x.dtype.kind in "iu" else plane_of(x, columns)
    code = code_of(folder, None if data is None else "(x, y)", "x, y = rows.x, rows.y")
    task, outputs = "regression" if classes is None else "classification", int(np.prod(run.network.output_shape))
    return Rows(x, numbers, task, columns, labels, outputs, plane, code, picture, white=white)


def _flat(targets: np.ndarray) -> np.ndarray:
    """Numbers to learn: one a row, or a row of them."""
    flat: np.ndarray = targets.reshape(len(targets), -1)
    return flat[:, 0] if flat.shape[1] == 1 else flat


def _picture(x: np.ndarray) -> tuple[tuple[int, int, int] | None, float]:
    """Height, width and channels, if rows are pictures that can be shown; and the value of white."""
    shape = x.shape[1:]
    if len(shape) != 3 or shape[2] not in CHANNELS or max(shape) > MOST_SIDE or x.min() < 0 or x.max() > 255:
        return None, 1.0
    return (shape[0], shape[1], shape[2]), 255.0 if x.dtype == np.uint8 or x.max() > 1 else 1.0


def _columns(names: list[str], shape: tuple[int, ...]) -> list[str]:
    """A name for each number of a row: its column, its step and column, or its place."""
    if len(shape) == 1:
        found = [str(each) for each in names] or [f"x{i + 1}" for i in range(shape[0])]
        return found[: shape[0]]
    return [f"x{','.join(str(i + 1) for i in place)}" for place in np.ndindex(*shape)]


def in_lines(network: Network, shape: tuple[int, ...]) -> Network:
    """The same network for rows in lines of numbers: a first layer gives them their shape."""
    if network.input_shape == shape:
        return network
    architecture, first = network.architecture, Reshape(tuple(network.input_shape))
    if isinstance(architecture, Sequential):
        parts = architecture.layers
        params, state = ({_next(path): part for path, part in each.items()} for each in (network.params, network.state))
    else:
        parts, params = (architecture,), {"1": network.params}
        state = {f"1/{path}": part for path, part in network.state.items()}
    chain = Sequential(first, *parts)
    return Network.empty(chain, shape, str(network.dtype)).replace(params=params, state=state)


def _next(path: str) -> str:
    """A path within the second of two layers, where it was one within the first: "0/weight", "1/weight"."""
    first, slash, rest = path.partition("/")
    return f"{int(first) + 1}{slash}{rest}"


def _held(run: Any, name: str) -> tuple[Any, Any, list[str] | None]:
    """What a run was trained on: raw inputs, targets, and names of the columns."""
    from backlit.data.datasets import load, names
    from backlit.tasks.apply import inputs_of, is_forecaster, known_pictures, known_rows, known_windows, takes_pictures

    config = run.config or {}
    source, target = config.get("data"), config.get("target")
    if not isinstance(source, str):
        return (*_kept(run, name), None)
    if source in names():
        data = load(source)
        numbered = run.classes is not None and np.asarray(run.classes).dtype.kind in "iu"
        y = np.array(data.class_names)[data.y] if data.class_names and not numbered else data.y
        return _shaped(data.x, run), y, data.feature_names
    path, target = Path(source), [target] if isinstance(target, str) else target
    if not path.exists():
        raise InputError(
            f"{name} was trained on {source}, which isn't there any more: put it back, or in a notebook give the rows, "
            "bl.Studio(run, x, y)"
        )
    if takes_pictures(run):
        pixels, y, _, _ = known_pictures(run, path, None)
        return pixels, y, None
    if is_forecaster(run):
        windows = known_windows(run, path, None)
        return windows, run.preparation.relative(windows, windows.future), None
    frame, y, _, _ = known_rows(run, path, target)
    columns = list(getattr(run.preparation, "names", [])) or [
        each for each in frame.columns if each not in (target or ())
    ]
    return inputs_of(run, frame, path), y, columns


def _shaped(x: np.ndarray, run: Any) -> np.ndarray:
    """Rows of a bundled set in the shape that the network takes: pictures lie there in lines."""
    shape = tuple(run.network.input_shape)
    fits = run.preparation is None and x.shape[1:] != shape and np.prod(x.shape[1:]) == np.prod(shape)
    return x.reshape(len(x), *shape) if fits else x


def _kept(run: Any, name: str) -> tuple[Any, Any]:
    """What a run that wasn't saved holds."""
    if run.recipe is None:
        raise InputError(
            f"{name} doesn't tell which data it was trained on; the studio opens runs of backlit train, and in a "
            "notebook others with their x and y: bl.Studio(run, x, y)"
        )
    if run.recipe.y is None or run.recipe.streamed:
        raise InputError(
            f"{name} was trained on a stream, of which it holds no rows; give some of them: bl.Studio(run, x, y)"
        )
    return run.recipe.x, run.recipe.y
