"""Preparation that an ONNX file brings: the steps before its network, as skl2onnx writes scikit-learn's pipelines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.frames import columns_of
from backlit.data.preparation import Preparation
from backlit.errors import InputError, ShapeError, shown, unknown
from backlit.schema import fitted, parts

TEXT = "text"
DTYPES = ("float32", "float64", "int64", "int32", "bool", TEXT)
_TYPES = {1: "float32", 6: "int32", 7: "int64", 8: TEXT, 9: "bool", 11: "float64"}  # as ONNX numbers them

Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """An input of the file: its name, type ("text" for strings) and number of columns."""

    name: str
    dtype: str
    width: int

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Column:
        """From plain data."""
        made = cls(**parts(cls, data))
        if made.dtype not in DTYPES or made.width < 1:
            raise InputError(
                f"column {made.name!r} must be of a type in {', '.join(DTYPES)} and wide, got {shown(data)}"
            )
        return made


@dataclass(frozen=True)
class Step:
    """One operator of ONNX with the names of what it takes and gives, and its settings."""

    operator: str
    inputs: tuple[str, ...]
    output: str
    attributes: dict[str, Any]

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Step:
        """From plain data."""
        made = cls(**parts(cls, data))
        if made.operator not in STEPS:
            raise unknown("step of a preparation", made.operator, STEPS)
        return made


@dataclass(frozen=True)
class OnnxSteps(Preparation):
    """The steps of an ONNX file before its network: scaling, categories, missing values, columns put together.

    Parameters
    ----------
    columns : tuple of Column
        The file's inputs. Several are columns of a table, found by their names.
    steps : tuple of Step
        In order.
    constants : dict
        Arrays by name, as ``{"dtype": ..., "shape": [...], "values": [...]}``.
    output : str
        What the network takes.

    Examples
    --------
    >>> scale = Step("Scaler", ("x",), "y", {"offset": [1.0], "scale": [0.5]})
    >>> OnnxSteps((Column("x", "float32", 2),), (scale,), {}, "y").apply([[1.0, 3.0]]).tolist()
    [[0.0, 1.0]]
    """

    columns: tuple[Column, ...]
    steps: tuple[Step, ...]
    constants: dict[str, dict[str, Any]]
    output: str

    def apply(self, raw: Any) -> np.ndarray:
        """Inputs (rows, features), float32.

        Raises
        ------
        InputError
            If a column is missing or of another type, or a step can't be taken; it is named.
        """
        values = self._given(raw) | {name: _array(name, told) for name, told in self.constants.items()}
        for step in self.steps:
            try:
                values[step.output] = STEPS[step.operator](step.attributes, *[values[name] for name in step.inputs])
            except InputError as error:
                raise InputError(f"step {step.output} ({step.operator}): {error}") from error
            except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError) as error:
                raise InputError(f"step {step.output} ({step.operator}) can't be taken: {error}") from error
        if self.output not in values or values[self.output].dtype.kind not in "fiub":
            raise InputError(f"the steps of the ONNX file don't make {self.output!r} of numbers")
        return values[self.output].astype(np.float32)

    def _given(self, raw: Any) -> dict[str, np.ndarray]:
        """The file's inputs (rows, width)."""
        table = columns_of(raw)
        if len(self.columns) == 1:
            (column,) = self.columns
            if table is not None and column.name not in table:
                raw = np.stack(list(table.values()), axis=1)
            elif table is not None:
                raw = table[column.name]
            return {column.name: _typed(column, raw)}
        if table is None:
            raw = np.asarray(raw, dtype=object)
            if raw.ndim != 2 or raw.shape[1] != sum(column.width for column in self.columns):
                raise ShapeError(
                    f"expected a table with the columns {', '.join(c.name for c in self.columns)}, or rows of as many "
                    f"values, got shape {raw.shape}"
                )
            starts = np.cumsum([0, *[column.width for column in self.columns]]).tolist()
            return {
                c.name: _typed(c, raw[:, start : start + c.width])
                for c, start in zip(self.columns, starts, strict=False)
            }
        for column in self.columns:
            if column.name not in table:
                raise InputError(f"the ONNX file takes {unknown('column', column.name, table)}")
        return {column.name: _typed(column, table[column.name]) for column in self.columns}

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns) if len(self.columns) > 1 else ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        steps = [
            {"operator": s.operator, "inputs": list(s.inputs), "output": s.output, "attributes": s.attributes}
            for s in self.steps
        ]
        return {
            "columns": [{"name": c.name, "dtype": c.dtype, "width": c.width} for c in self.columns],
            "steps": steps,
            "constants": self.constants,
            "output": self.output,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> OnnxSteps:
        """The inverse of `to_dict`; every step's inputs must be there before it."""
        made = cls(**parts(cls, data))
        known = {*made.constants, *(column.name for column in made.columns)}
        for name, told in made.constants.items():
            _array(name, told)
        for step in made.steps:
            for name in step.inputs:
                if name not in known:
                    raise InputError(f"step {step.output!r} takes {shown(name)}, which nothing before it makes")
            known.add(step.output)
        if not made.columns or made.output not in known:
            raise InputError("the steps of an ONNX file need columns, and one must make its output")
        return made


def plain(array: np.ndarray) -> dict[str, Any]:
    """An array as plain data: see `OnnxSteps.constants`."""
    dtype = TEXT if array.dtype.kind in "OUS" else str(array.dtype)
    return {"dtype": dtype, "shape": list(array.shape), "values": array.reshape(-1).tolist()}


def _array(name: str, told: Any) -> np.ndarray:
    dtype = fitted(str, told.get("dtype"), f"{name}/dtype")
    if dtype not in DTYPES:
        raise unknown(f"type of {name}", dtype, DTYPES)
    shape = fitted(tuple[int, ...], told.get("shape"), f"{name}/shape")
    kind: Any = tuple[str, ...] if dtype == TEXT else tuple[float | int | bool, ...]
    values = fitted(kind, told.get("values"), f"{name}/values")
    if any(size < 0 for size in shape) or int(np.prod(shape, dtype=np.int64)) != len(values):
        raise InputError(f"{name} has {len(values)} values for shape {shape}")
    return np.array(values, dtype=object if dtype == TEXT else dtype).reshape(shape)


def _typed(column: Column, values: Any) -> np.ndarray:
    array = np.asarray(values)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or array.shape[1] != column.width:
        raise ShapeError(f"column {column.name} takes (rows, {column.width}) values, got shape {array.shape}")
    if column.dtype == TEXT:
        missing = array == None if array.dtype == object else np.zeros(array.shape, dtype=bool)  # noqa: E711
        texts = [
            ["" if gone else str(value) for value, gone in zip(*row, strict=True)]
            for row in zip(array, missing, strict=True)
        ]
        return np.array(texts, dtype=object).reshape(array.shape)
    try:
        if array.dtype == object:
            array = np.where(array == None, np.nan, array)  # noqa: E711
        return array.astype(column.dtype)
    except (ValueError, TypeError) as error:
        raise InputError(f"column {column.name} must hold numbers: {error}") from error


# --------------------------------------------------------------------------------------------------------- steps


def _ints(attributes: Attributes, name: str) -> list[int]:
    return [int(value) for value in attributes.get(name, ())]


def _floats(attributes: Attributes, name: str) -> np.ndarray:
    return np.array(attributes.get(name, ()), dtype=np.float32)


def _scaler(attributes: Attributes, x: np.ndarray) -> np.ndarray:
    offset, scale = _floats(attributes, "offset"), _floats(attributes, "scale")
    x = x.astype(np.float32)
    x = x - offset if offset.size else x
    return x * scale if scale.size else x


def _imputer(attributes: Attributes, x: np.ndarray) -> np.ndarray:
    floats = x.dtype.kind == "f"
    filling = np.array(attributes.get("imputed_value_floats" if floats else "imputed_value_int64s", ()), dtype=x.dtype)
    gone = attributes.get("replaced_value_float" if floats else "replaced_value_int64", 0)
    missing = np.isnan(x) if (isinstance(gone, float) and np.isnan(gone)) or gone is None else x == gone
    return np.where(missing, np.broadcast_to(filling, x.shape), x)


def _one_hot(attributes: Attributes, x: np.ndarray) -> np.ndarray:
    texts = x.dtype == object
    levels: Sequence[Any] = attributes.get("cats_strings" if texts else "cats_int64s", ())
    hot = np.stack([x == level for level in levels], axis=-1)
    if not attributes.get("zeros", 1) and not hot.any(axis=-1).all():
        raise InputError(f"{shown(x[~hot.any(axis=-1)][0])} is none of the levels {', '.join(map(str, levels[:10]))}")
    return hot.astype(np.float32)


def _label_encoder(attributes: Attributes, x: np.ndarray) -> np.ndarray:
    keys = next((attributes[name] for name in ("keys_strings", "keys_int64s", "keys_floats") if name in attributes), ())
    names = ("values_int64s", "values_floats", "values_strings")
    kind = next((name for name in names if name in attributes), "")
    values, dtype = attributes[kind], {"values_int64s": "int64", "values_floats": "float32"}.get(kind, "object")
    default = attributes.get(f"default_{kind[7:-1]}", {"values_int64s": -1, "values_floats": -0.0}.get(kind, "_Unused"))
    table = dict(zip(keys, values, strict=True))
    return np.array([table.get(value, default) for value in x.reshape(-1).tolist()], dtype=dtype).reshape(x.shape)


def _cast(attributes: Attributes, x: np.ndarray) -> np.ndarray:
    dtype = _TYPES.get(attributes.get("to", 1))
    if dtype is None:
        raise InputError(f"asks for ONNX's type number {attributes.get('to')}")
    return (
        np.array([str(value) for value in x.reshape(-1)], dtype=object).reshape(x.shape)
        if dtype == TEXT
        else x.astype(dtype)
    )


def _normalizer(attributes: Attributes, x: np.ndarray) -> np.ndarray:
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "MAX": lambda x: np.abs(x).max(axis=-1, keepdims=True),
        "L1": lambda x: np.abs(x).sum(axis=-1, keepdims=True),
        "L2": lambda x: np.sqrt(np.square(x).sum(axis=-1, keepdims=True)),
    }
    size = ways[attributes.get("norm", "MAX")](x.astype(np.float32))
    return x / np.where(size == 0, 1, size)


def _reshape(attributes: Attributes, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
    sizes = [x.shape[i] if size == 0 else int(size) for i, size in enumerate(shape.tolist())]
    return x.reshape(sizes)


def _features(attributes: Attributes, *arrays: np.ndarray) -> np.ndarray:
    return np.concatenate([x.reshape(len(x), -1).astype(np.float32) for x in arrays], axis=1)


STEPS: dict[str, Callable[..., np.ndarray]] = {
    "Add": lambda attributes, a, b: a + b,
    "ArrayFeatureExtractor": lambda attributes, x, places: x[..., places.reshape(-1).astype(int)],
    "Binarizer": lambda attributes, x: (x > attributes.get("threshold", 0.0)).astype(np.float32),
    "Cast": _cast,
    "Concat": lambda attributes, *arrays: np.concatenate(arrays, axis=int(attributes["axis"])),
    "Div": lambda attributes, a, b: a / b,
    "FeatureVectorizer": _features,
    "Gather": lambda attributes, x, places: np.take(x, places, axis=int(attributes.get("axis", 0))),
    "Identity": lambda attributes, x: x,
    "Imputer": _imputer,
    "LabelEncoder": _label_encoder,
    "Mul": lambda attributes, a, b: a * b,
    "Normalizer": _normalizer,
    "OneHotEncoder": _one_hot,
    "Reshape": _reshape,
    "Scaler": _scaler,
    "Sub": lambda attributes, a, b: a - b,
}
