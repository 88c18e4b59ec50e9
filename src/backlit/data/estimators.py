"""Transformers of scikit-learn as plain data: their settings and what they learned, by a closed list of classes.

A transformer is its class and its attributes. The classes are those listed here, and values are numbers, texts, arrays
of them, types of numbers, slices, functions that are listed, and containers of all these; whatever else is refused when
it is written, and again when it is read. Nothing that a file says is called or imported.
"""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np

from backlit import bounds
from backlit.errors import InputError, shown, unknown

HOMES = {
    "sklearn.preprocessing": (
        "Binarizer", "KBinsDiscretizer", "MaxAbsScaler", "MinMaxScaler", "Normalizer", "OneHotEncoder",
        "OrdinalEncoder", "PolynomialFeatures", "PowerTransformer", "QuantileTransformer", "RobustScaler",
        "StandardScaler", "TargetEncoder", "FunctionTransformer",
    ),
    "sklearn.impute": ("SimpleImputer", "MissingIndicator"),
    "sklearn.decomposition": ("PCA", "IncrementalPCA", "TruncatedSVD"),
    "sklearn.feature_selection": ("SelectKBest", "SelectPercentile", "VarianceThreshold"),
    "sklearn.feature_extraction.text": ("CountVectorizer", "TfidfTransformer", "TfidfVectorizer"),
    "sklearn.pipeline": ("FeatureUnion", "Pipeline"),
    "sklearn.compose": ("ColumnTransformer", "make_column_selector"),
}  # fmt: skip
CLASSES = {name: home for home, names in HOMES.items() for name in names}
# Functions among settings, by module; NumPy's are those of one array.
FUNCTIONS = {
    "sklearn.feature_selection": ("chi2", "f_classif", "f_regression", "mutual_info_classif", "mutual_info_regression"),
    "numpy": (
        "abs", "absolute", "arcsinh", "cbrt", "cos", "exp", "expm1", "log", "log10", "log1p", "log2", "negative",
        "reciprocal", "sign", "sin", "sqrt", "square", "tanh",
    ),
}  # fmt: skip
BUILTINS = {kind.__name__: kind for kind in (bool, float, int, object, str)}
# Of scikit-learn's own machinery, and where and in how many processes work is done: a run needs none of it.
MACHINERY = MappingProxyType({"n_jobs": None, "memory": None, "verbose": False})
LEFT_OUT = ("_metadata_request", "_sklearn_output_config", *MACHINERY)
KINDS = "biufUO"  # of arrays: booleans, numbers, texts, and mixtures of these


def told(value: Any, at: str) -> Any:
    """A value as plain data: JSON's own as they are, all else as ``{kind: what}``.

    Parameters
    ----------
    value : object
    at : str
        What it is, for messages.

    Raises
    ------
    InputError
        If it can't be told.
    """
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return {"scalar": [value.dtype.str, told(value.item(), at)]}
    if isinstance(value, np.str_):
        return str(value)
    for kind, name in ((list, None), (tuple, "tuple")):
        if type(value) is kind:
            parts = [told(part, f"{at}[{i}]") for i, part in enumerate(value)]
            return parts if name is None else {name: parts}
    if isinstance(value, dict):
        return {"dict": [[told(key, at), told(part, f"{at}[{key!r}]")] for key, part in value.items()]}
    if type(value) is slice:
        return {"slice": [told(part, at) for part in (value.start, value.stop, value.step)]}
    if isinstance(value, np.ndarray) and value.dtype.kind in KINDS:
        parts = [told(part, at) for part in value.reshape(-1).tolist()]
        order = "F" if value.ndim > 1 and value.strides[0] < value.strides[-1] else "C"  # products round by it
        return {"array": [value.dtype.str, list(value.shape), parts, order]}
    if isinstance(value, np.dtype):
        return {"dtype": value.str}
    if isinstance(value, type):
        return _told_type(value, at)
    name = type(value).__name__
    if CLASSES.get(name) is not None and type(value) is _class(name):
        return {"class": name, "holds": _attributes(value, at)}
    return _told_function(value, at)


def _attributes(value: Any, at: str) -> dict[str, Any]:
    """What a known object holds, private attributes too."""
    _refuse_files(type(value).__name__, vars(value), at)
    return {name: told(part, f"{at}.{name}") for name, part in vars(value).items() if name not in LEFT_OUT}


def _refuse_files(name: str, holds: dict[str, Any], at: str) -> None:
    """A vectorizer can take its rows for names of files, which it opens."""
    if holds.get("input", "content") != "content":
        raise InputError(
            f"{at}: a {name} that reads files (input={holds['input']!r}) is no preparation: read them before"
        )


def _told_type(value: type, at: str) -> dict[str, str]:
    if issubclass(value, np.generic):
        return {"numpy": value.__name__}
    if BUILTINS.get(value.__name__) is value:
        return {"builtin": value.__name__}
    raise _untold(value, at)


def _told_function(value: Any, at: str) -> dict[str, Any]:
    name = getattr(value, "__name__", "")
    for home, names in FUNCTIONS.items():
        if name in names and value is getattr(importlib.import_module(home), name):
            return {"function": [home, name]}
    raise _untold(value, at)


def _untold(value: Any, at: str) -> InputError:
    what = f"the function {value.__name__}" if hasattr(value, "__name__") else f"{type(value).__name__} {shown(value)}"
    functions = ", ".join(f"np.{name}" for name in FUNCTIONS["numpy"][:4])
    return InputError(
        f"a run prepared by {at.partition('.')[0]} can't be saved: {at} is {what}, which plain data can't tell. "
        f"Known are {', '.join(sorted(CLASSES)[:6])}, … of scikit-learn, and functions of NumPy such as {functions}; "
        "prepare the rows before fit instead"
    )


def estimator(data: Any, at: str) -> Any:
    """The transformer that `told` told of."""
    made = read(data, at)
    if not (isinstance(data, dict) and "class" in data and hasattr(made, "transform")):
        raise InputError(f"{at} must be a transformer of scikit-learn, got {shown(data)}")
    return made


def read(data: Any, at: str) -> Any:
    """The inverse of `told`.

    Raises
    ------
    InputError
        If the data is of no kind that `told` writes, or names a class or function that isn't listed.
    """
    if data is None or type(data) in (bool, int, float, str):
        return data
    if isinstance(data, list):
        return [read(part, at) for part in data]
    if isinstance(data, dict) and data.keys() == {"class", "holds"} and isinstance(data["holds"], dict):
        return _object(data["class"], data["holds"], at)
    if isinstance(data, dict) and len(data) == 1:
        ((kind, content),) = data.items()
        if kind in READERS:
            try:
                return READERS[kind](content, at)
            except (TypeError, ValueError, KeyError, OverflowError) as error:
                if isinstance(error, InputError):
                    raise
                raise InputError(f"{at}: {kind} can't be {shown(content)} ({error})") from error
    raise InputError(f"{at} can't be {shown(data)}: expected a number, a text, or one of {', '.join(READERS)}")


def _object(name: Any, holds: dict[str, Any], at: str) -> Any:
    kind = _class(name)
    _refuse_files(name, holds, at)
    made = object.__new__(kind)
    for attribute in MACHINERY.keys() & inspect.signature(kind).parameters.keys():
        object.__setattr__(made, attribute, MACHINERY[attribute])
    for attribute, part in holds.items():
        strange = not attribute.isidentifier() or attribute.startswith("__") or attribute in LEFT_OUT
        if strange or callable(getattr(kind, attribute, None)):
            raise InputError(f"{at}: {name} has no attribute {shown(attribute)}")
        try:
            object.__setattr__(made, attribute, read(part, f"{at}.{attribute}"))
        except AttributeError as error:  # a property
            raise InputError(f"{at}: {name} has no attribute {attribute} that can be set") from error
    return made


def _class(name: Any) -> Any:
    if not isinstance(name, str) or name not in CLASSES:
        raise unknown("transformer", name, CLASSES)
    return getattr(importlib.import_module(CLASSES[name]), name)


def _function(content: Any, at: str) -> Any:
    home, name = content
    if name not in FUNCTIONS.get(home, ()):
        raise InputError(f"{at}: {shown(name)} of {shown(home)} is no function that a file may name")
    return getattr(importlib.import_module(home), name)


def _dtype(text: Any) -> np.dtype[Any]:
    kind = np.dtype(text) if isinstance(text, str) else np.dtype("V")
    if kind.kind not in KINDS or kind.fields is not None:
        raise InputError(f"{shown(text)} is no type of numbers or texts")
    return kind


def _array(content: Any, at: str) -> np.ndarray:
    text, shape, values, order = content
    bounds.require("text", _dtype(text).itemsize // 4 * len(values), f"{at} holds texts of")
    dtype, flat = _dtype(text), [read(part, at) for part in values]
    within = (np.ndarray,) if dtype.kind == "O" else ()  # the edges of bins, one array a column
    if not all(part is None or isinstance(part, (bool, int, float, str, *within)) for part in flat):
        raise InputError(f"{at}: an array holds numbers and texts alone")
    if not all(type(side) is int and side >= 0 for side in shape) or math.prod(shape) != len(flat):
        raise InputError(f"{at}: {len(flat)} values are no array of shape {shown(shape)}")
    if dtype.kind == "O":
        made = np.empty(len(flat), dtype=object)
        for place, part in enumerate(flat):
            made[place] = part
    else:
        made = np.array(flat, dtype=dtype)
    return np.asfortranarray(made.reshape(shape)) if order == "F" else made.reshape(shape)


def _scalar(content: Any, at: str) -> Any:
    text, value = content
    return _dtype(text).type(read(value, at))


def _numpy_type(name: Any, at: str) -> Any:
    kind = getattr(np, name, None) if isinstance(name, str) and name.isidentifier() else None
    if not (isinstance(kind, type) and issubclass(kind, np.generic)):
        raise InputError(f"{at}: {shown(name)} is no type of NumPy's")
    return kind


def _float(text: Any, at: str) -> float:
    if text not in ("nan", "inf", "-inf"):
        raise InputError(f"{at}: expected nan, inf or -inf, got {shown(text)}")
    return float(text)


def _slice(content: Any, at: str) -> slice:
    start, stop, step = (read(part, at) for part in content)
    return slice(start, stop, step)


READERS: dict[str, Callable[[Any, str], Any]] = {
    "float": _float,
    "scalar": _scalar,
    "tuple": lambda content, at: tuple([read(part, at) for part in content]),
    "dict": lambda content, at: {read(key, at): read(part, at) for key, part in content},
    "slice": _slice,
    "array": _array,
    "dtype": lambda content, at: _dtype(content),
    "numpy": _numpy_type,
    "builtin": lambda content, at: BUILTINS[content],
    "function": _function,
}
