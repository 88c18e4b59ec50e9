"""What the items of a data set consist of, and many of them as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from backlit.data.textual import array_of
from backlit.errors import InputError, ShapeError, unknown

TARGETS = ("label", "labels", "target", "targets", "y", "class", "Label", "Target", "fine_label")
HOW = "x, y = bl.from_dataset(dataset, ...)"


def value(part: Any) -> Any:
    """A part of an item as NumPy has it: tensors and pictures as arrays, the rest as it is."""
    if part is None or isinstance(part, (str, bytes, bool, int, float, np.ndarray, np.generic)):
        return part
    if hasattr(part, "detach"):  # PyTorch's; its gradients are of no interest here
        return part.detach().cpu().numpy()
    if hasattr(part, "__array__") or hasattr(part, "__array_interface__"):
        return np.asarray(part)
    if isinstance(part, (list, tuple)):
        return np.asarray(part) if part and not any(isinstance(each, (str, bytes)) for each in part) else part
    return part


def stacked(parts: Sequence[Any], name: str) -> Any:
    """Values of one part, item by item, as an array (rows, ...); texts as an array of texts.

    Raises
    ------
    ShapeError
        If rows have different shapes; the first such row is named.
    InputError
        If a row is missing.
    """
    for row, part in enumerate(parts):
        if part is None:
            raise InputError(f"{name}: row {row} is missing (None); drop such rows, or fill them in")
    if any(isinstance(part, str) for part in parts):
        return array_of(list(parts))
    shapes = [np.shape(part) for part in parts]
    for row, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise ShapeError(
                f"{name}: row {row} has shape {shape}, the rows before {shapes[0]}: every row needs the same; "
                "sequences of different length are filled up by bl.pad_sequences, pictures of different size brought "
                "to one by bl.fit_pictures"
            )
    made = np.stack(parts) if parts else np.zeros(0)
    if made.dtype == object:
        raise InputError(f"{name}: row 0 is of type {type(parts[0]).__name__}; expected numbers, arrays or texts")
    return made


def keys_of(item: Mapping[str, Any], inputs: Any, target: str | None) -> tuple[list[str], str]:
    """Which keys of an item are inputs, and which is the target.

    Raises
    ------
    InputError
        If it isn't clear; the message shows the keys with their shapes.
    """
    keys = [str(key) for key in item]
    if target is None:
        likely = [key for key in keys if key in TARGETS]
        if len(likely) != 1:
            raise InputError(
                f"the items of this data set are dicts with the keys {described(item)}: say which is the target, and "
                f"which are inputs: {HOW.replace('...', f'inputs={keys[0]!r}, target={keys[-1]!r}')}"
            )
        target = likely[0]
    chosen = [inputs] if isinstance(inputs, str) else list(inputs or [key for key in keys if key != target])
    for key in (*chosen, target):
        if key not in keys:
            raise unknown("key of the data set's items", key, keys)
    if target in chosen:
        raise InputError(f"{target!r} is the target; it can't be an input as well")
    if not chosen:
        raise InputError(f"the items of this data set have one key, {target!r}, and so no inputs")
    return chosen, target


def described(item: Mapping[str, Any]) -> str:
    """Keys with the shapes of what they hold.

    >>> described({"image": np.zeros((8, 8)), "name": "a"})
    "'image' (8, 8), 'name' str"
    """
    told = []
    for key, part in item.items():
        part = value(part)
        shape = np.shape(part) if isinstance(part, (np.ndarray, np.generic, int, float)) else type(part).__name__
        told.append(f"{key!r} {'number' if shape == () else shape}")
    return ", ".join(told)


def split(item: Any, inputs: Any, target: str | None, row: int) -> tuple[dict[str, Any], Any]:
    """The inputs of an item by name (of one without names by ""), and its target.

    Raises
    ------
    InputError
        If an item is no pair of input and target, nor a dict.
    """
    if isinstance(item, Mapping):
        chosen, key = keys_of(item, inputs, target)
        return {name: value(item[name]) for name in chosen}, value(item[key])
    if not isinstance(item, (tuple, list)) or len(item) != 2:
        what = f"{len(item)} parts" if isinstance(item, (tuple, list)) else f"a {type(item).__name__}"
        raise InputError(
            f"item {row} of the data set is {what}; expected a pair (input, target), or a dict with a key of each: map "
            "it to pairs, or make arrays of it and call bl.fit(network, x, y)"
        )
    x, y = item
    if target is not None:
        raise InputError(f"target={target!r} names a key, but the items of this data set are pairs, not dicts")
    if not isinstance(x, Mapping):
        if inputs is not None:
            raise InputError(f"inputs={inputs!r} names keys, but the inputs of this data set aren't dicts")
        if isinstance(x, tuple):
            raise InputError(
                f"item {row} of the data set has {len(x)} inputs without names: give a dict of them, "
                "{'left': ..., 'right': ...}"
            )
        return {"": value(x)}, value(y)
    names = [inputs] if isinstance(inputs, str) else list(inputs or x)
    for name in names:
        if name not in x:
            raise unknown("input of the data set's items", name, map(str, x))
    return {str(name): value(x[name]) for name in names}, value(y)


def collected(items: Iterable[Any], inputs: Any, target: str | None, batched: bool) -> tuple[Any, Any]:
    """Items, or batches of them, as inputs and targets.

    Raises
    ------
    InputError
        If there are none, or one isn't like the others.
    """
    columns: dict[str, list[Any]] = {}
    outcomes: list[Any] = []
    for row, item in enumerate(items):
        found, y = split(item, inputs, target, row)
        if columns and list(found) != list(columns):
            raise InputError(
                f"item {row} of the data set has the inputs {list(found)}, the ones before {list(columns)}"
            )
        for name, part in found.items():
            columns.setdefault(name, []).append(part)
        outcomes.append(y)
    if not outcomes:
        raise InputError("the data set has no items: there is nothing to train on")
    join = _joined if batched else stacked
    x = {name: join(parts, f"input {name!r}" if name else "x") for name, parts in columns.items()}
    y = join(outcomes, "y")
    return (next(iter(x.values())) if len(x) == 1 else x), y


def _joined(parts: Sequence[Any], name: str) -> Any:
    """Batches, one after another."""
    for number, part in enumerate(parts):
        if np.ndim(part) == 0:
            raise InputError(f"{name}: batch {number} holds a single {type(part).__name__}, not several rows")
        if np.shape(part)[1:] != np.shape(parts[0])[1:]:
            raise ShapeError(
                f"{name}: rows of batch {number} have shape {np.shape(part)[1:]}, those before "
                f"{np.shape(parts[0])[1:]}: every row needs the same; let collate_fn fill them up to one length"
            )
    if any(isinstance(part, (list, tuple)) for part in parts):
        return array_of([each for part in parts for each in part])
    return np.concatenate(parts)


def numbered(dataset: Any, count: int) -> Iterator[Any]:
    """The items of a data set that is read by number; an error of its own tells which item it was."""
    for row in range(count):
        try:
            item = dataset[row]
        except Exception as error:
            error.add_note(f"while item {row} of the data set was read")
            raise
        yield item
