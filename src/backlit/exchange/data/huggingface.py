"""Data sets of Hugging Face's library `datasets`: as arrays, as a table, as pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backlit.data.arrow import of_arrow
from backlit.data.textual import as_texts
from backlit.errors import InputError
from backlit.exchange.data.items import collected, keys_of, stacked, value
from backlit.extras import need

TRAIN, VALIDATION, TEST = ("train", "training"), ("validation", "valid", "val", "dev"), ("test", "testing")


def is_huggingface(x: Any) -> bool:
    """Whether something is a data set, or a dict of such, of the library `datasets`."""
    return any(base.__module__.partition(".")[0] == "datasets" for base in type(x).__mro__)


def parts_of(x: Any) -> tuple[Any, Any, Any]:
    """Training, validation and test part of a `DatasetDict`, None for what it hasn't; a data set is the first.

    Raises
    ------
    InputError
        If no part is for training.
    """
    if not (is_huggingface(x) and isinstance(x, Mapping)):
        return x, None, None
    named = [next((x[name] for name in names if name in x), None) for names in (TRAIN, VALIDATION, TEST)]
    if named[0] is None:
        if len(x) == 1:
            return next(iter(x.values())), None, None
        raise InputError(f"this DatasetDict has the parts {', '.join(x)}, and none is called train: choose one by name")
    return named[0], named[1], named[2]


def one_part(x: Any) -> Any:
    """A data set; of a `DatasetDict` the only part.

    Raises
    ------
    InputError
        If there are several.
    """
    if not isinstance(x, Mapping):
        return x
    if len(x) != 1:
        raise InputError(f"this DatasetDict has the parts {', '.join(x)}: choose one, dataset[{next(iter(x))!r}] say")
    return next(iter(x.values()))


def of_huggingface(dataset: Any, inputs: Any, target: str | None, rows: int | None) -> tuple[Any, Any]:
    """Inputs and targets; columns of numbers are Arrow's own memory, classes become their names.

    A streamed data set is read row by row, up to so many.
    """
    features = dataset.features
    if not hasattr(dataset, "select"):  # streamed, or read by one of another kind
        x, y = collected(dataset.take(rows), inputs, target, batched=False)
        key = keys_of(features, inputs, target)[1] if features else target
        return x, _classes(y, (features or {}).get(key), str(key))
    if not len(dataset):
        raise InputError("the data set has no rows: there is nothing to train on")
    if rows is not None and rows < len(dataset):
        dataset = dataset.select(range(rows))
    chosen, key = keys_of(dataset.with_format(None)[0], inputs, target)
    columns = {name: column(dataset, name, f"input {name!r}") for name in chosen}
    y = _classes(column(dataset, key, f"target {key!r}"), features[key], key)
    return (columns[chosen[0]] if len(chosen) == 1 else columns), y


def column(dataset: Any, name: str, called: str) -> Any:
    """A column as an array (rows, ...)."""
    feature = dataset.features[name]
    kind = type(feature).__name__
    if kind in ("Image", "Audio", "Video", "Pdf") or _holds(feature, "Image"):
        if kind != "Image":
            raise InputError(f"{called} holds {kind.lower()}s; expected numbers, texts, or single pictures")
        return stacked([_pixels(value(picture), called, row) for row, picture in enumerate(dataset[name])], called)
    arrow = dataset.select_columns([name]).with_format("arrow")[:].column(name)
    return of_arrow(arrow, called)


def _holds(feature: Any, kind: str) -> bool:
    inner = getattr(feature, "feature", None)
    return inner is not None and (type(inner).__name__ == kind or _holds(inner, kind))


def _pixels(picture: Any, called: str, row: int) -> np.ndarray:
    """A picture as bytes (height, width, channels)."""
    if picture is None:
        raise InputError(f"{called}: row {row} is missing (None); drop such rows")
    pixels = np.asarray(picture)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _classes(codes: np.ndarray, feature: Any, called: str) -> np.ndarray:
    """Classes by their names, where the data set has names for them."""
    names = getattr(feature, "names", None)
    if names is None or codes.dtype.kind not in "iuf":
        return codes
    unknown = ~((codes >= 0) & (codes < len(names)))  # NaN, too
    if unknown.any():
        raise InputError(
            f"target {called!r}: row {int(np.argmax(unknown))} has no class ({codes[unknown][0]:g}); "
            "leave such rows out: dataset.filter(...)"
        )
    return as_texts(list(names), codes.astype(np.int64))


def as_tables(dataset: Any, target: Any) -> tuple[Any, Any]:
    """A data set as the table to learn from, and the rows to judge on, None if it names none.

    Of a `DatasetDict` the parts for training and validation are one table; its test part judges, unless its targets
    aren't told.
    """
    import polars as pl

    train, validation, test = (None if part is None else as_table(part) for part in parts_of(dataset))
    if validation is not None:
        train = pl.concat([train, validation], how="vertical_relaxed")
    names = [target] if isinstance(target, str) else list(target)
    told = test is not None and all(name in test.columns and test[name].null_count() < len(test) for name in names)
    return train, test if told else None


def as_table(dataset: Any) -> Any:
    """A data set as a data frame of polars', classes by their names; what isn't one is given back as it is.

    Raises
    ------
    InputError
        If a column holds pictures or sounds, or the data set is streamed.
    """
    if not is_huggingface(dataset):
        return dataset
    import polars as pl

    if not hasattr(dataset, "select"):
        raise InputError(
            "a streamed data set is no table yet; take rows of it: datasets.Dataset.from_list(list(it.take(n)))"
        )
    for name, feature in dataset.features.items():
        kind = type(feature).__name__
        if kind == "Image":
            raise InputError(f"column {name!r} holds pictures: bl.fit_pictures(dataset, target=...) learns from them")
        if kind in ("Audio", "Video", "Pdf"):
            raise InputError(
                f"column {name!r} holds {kind.lower()}s, which a table can't be learned from; leave it out"
            )
    need("pyarrow", extra="huggingface", why="reading a data set of Hugging Face")
    frame = pl.from_arrow(dataset.with_format("arrow")[:])
    named = {name: feature.names for name, feature in dataset.features.items() if hasattr(feature, "names")}
    return frame.with_columns(
        pl.col(name).replace_strict(dict(enumerate(names)), default=None, return_dtype=pl.String)
        for name, names in named.items()
    )


def as_pictures(dataset: Any, target: str | None = None) -> tuple[list[Any], np.ndarray, np.ndarray | None]:
    """Pictures of Pillow's, their classes, and the part that each is in (0 training, 1 validation, 2 test) or None.

    Parameters
    ----------
    dataset : datasets.Dataset or DatasetDict
    target : str, optional
        Column of the classes; by default the one that is called label or the like.

    Raises
    ------
    InputError
        If there is no column of pictures, or several, or a class is missing.
    """
    parts = parts_of(dataset)
    pictures: list[Any] = []
    classes: list[np.ndarray] = []
    numbers: list[int] = []
    for number, part in enumerate(parts):
        if part is None:
            continue
        named = [name for name, feature in part.features.items() if type(feature).__name__ == "Image"]
        if len(named) != 1:
            raise InputError(
                f"expected one column of pictures (datasets.Image), got {len(named)}: {', '.join(part.features)}; "
                "keep one: dataset.select_columns([...])"
            )
        _, key = keys_of(part.features, named[0], target)
        found = part[named[0]]
        pictures += list(found)
        classes.append(_classes(column(part, key, f"target {key!r}"), part.features[key], key).astype(str))
        numbers += [number] * len(found)
    given = None if parts[1] is None and parts[2] is None else np.array(numbers)
    return pictures, np.concatenate(classes), given
