"""`from_dataset`: the inputs and targets of anyone's data set, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.exchange.data.huggingface import is_huggingface, of_huggingface, one_part
from backlit.exchange.data.items import HOW, collected, numbered, split

LISTS = (str, bytes, list, tuple, set, dict, np.ndarray)


def is_dataset(x: Any) -> bool:
    """Whether something is a data set of another library, or read like one, rather than an array or a table."""
    if isinstance(x, LISTS) or hasattr(x, "__array__") or hasattr(x, "__dlpack__") or hasattr(x, "columns"):
        return is_huggingface(x)
    by_number = hasattr(x, "__getitem__") and hasattr(x, "__len__")
    return is_huggingface(x) or by_number or isinstance(x, (Iterable, Iterator))


def from_dataset(
    dataset: Any,
    inputs: str | Sequence[str] | None = None,
    target: str | None = None,
    *,
    rows: int | None = None,
    batched: bool | None = None,
    channels_first: bool = False,
) -> tuple[Any, Any]:
    """Inputs and targets of a data set, all of it in memory: ``x, y = bl.from_dataset(dataset)``.

    ``bl.fit(network, dataset)`` does this by itself, where nothing has to be said but `inputs` and `target`.

    Parameters
    ----------
    dataset : datasets.Dataset, torch Dataset or DataLoader, tf.data.Dataset, keras PyDataset, or any iterable
        Of pairs (input, target) or dicts. What is held as numbers in memory already (Arrow's columns, the tensors of a
        TensorDataset) isn't copied. Hugging Face's classes become their names, its pictures arrays of bytes.
    inputs : str or list of str, optional
        Keys of the inputs, where items are dicts; by default all but the target. Several give a dict of arrays.
    target : str, optional
        Key of the target; by default the one that is called label, target, y or the like.
    rows : int, optional
        Take the first so many rows; needed for a data set that doesn't know its length, which may have no end.
    batched : bool, optional
        Whether items are batches; known of PyTorch's and Keras' loaders, and where targets are single numbers.
    channels_first : bool
        Inputs are pictures (channels, height, width), as torchvision has them: they become (height, width, channels).

    Returns
    -------
    x : array (rows, ...), or dict of arrays
        A dict where items have several inputs.
    y : array (rows, ...)

    Raises
    ------
    InputError, ShapeError
        If items aren't pairs or dicts, keys aren't clear, rows differ in shape, or there might be no end to them.

    Examples
    --------
    >>> import backlit as bl
    >>> x, y = bl.from_dataset([([0.0, 1.0], "a"), ([2.0, 3.0], "b")])
    >>> x.shape, y.tolist()
    ((2, 2), ['a', 'b'])
    """
    if rows is not None and (isinstance(rows, bool) or not isinstance(rows, int) or rows < 1):
        raise InputError(f"from_dataset: rows must be a whole number from 1, got {rows!r}")
    if is_huggingface(dataset):
        x, y = of_huggingface(one_part(dataset), inputs, target, _length(dataset, rows))
    else:
        whole = _tensors(dataset) if inputs is None and target is None else None
        x, y = whole if whole is not None else _read(dataset, inputs, target, rows, batched)
    x, y = (_first(part, rows) for part in (x, y))
    return (_channels_last(x) if channels_first else x), y


def _first(part: Any, rows: int | None) -> Any:
    if isinstance(part, Mapping):
        return {name: _first(each, rows) for name, each in part.items()}
    return part if rows is None else part[:rows]


def _length(dataset: Any, rows: int | None) -> int | None:
    """How many items there are, or are to be read; None if the data set must be read to its end, which it has.

    Raises
    ------
    InputError
        If it may have no end.
    """
    try:
        count = len(dataset)
    except (TypeError, NotImplementedError):
        if rows is None and not isinstance(dataset, (list, tuple)):
            raise InputError(
                f"{type(dataset).__name__} doesn't know its length, and may have no end: say how many rows to take at "
                f"most: {HOW.replace('...', 'rows=10_000')}"
            ) from None
        return rows
    return count if rows is None else min(count, rows)


def _tensors(dataset: Any) -> tuple[Any, Any] | None:
    """The two tensors of PyTorch's TensorDataset, which needn't be read row by row."""
    tensors = getattr(dataset, "tensors", None)
    if type(dataset).__name__ != "TensorDataset" or not isinstance(tensors, tuple) or len(tensors) != 2:
        return None
    x, y = (tensor.detach().cpu().numpy() for tensor in tensors)
    return x, y


def _read(dataset: Any, inputs: Any, target: str | None, rows: int | None, batched: bool | None) -> tuple[Any, Any]:
    """All items, or the first so many."""
    modules = [base.__module__ for base in type(dataset).__mro__]
    loader = any(module.startswith("torch.utils.data.dataloader") for module in modules)
    keras = any(base.__name__ == "PyDataset" for base in type(dataset).__mro__)
    if batched is None and (loader or keras):
        batched = not loader or dataset.batch_size is not None or dataset.batch_sampler is not None
    count = _length(dataset, rows)
    by_number = not loader and hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")
    items = iter(numbered(dataset, len(dataset) if batched or count is None else count) if by_number else dataset)
    first = next(items, None)
    if first is None:
        raise InputError("the data set has no items: there is nothing to train on")
    if batched is None:
        batched = _told(dataset, first, inputs, target)
    limited = _enough(first, items, rows, batched, inputs, target)
    return collected(limited, inputs, target, batched)


def _enough(
    first: Any, items: Iterator[Any], rows: int | None, batched: bool, inputs: Any, target: str | None
) -> Iterator[Any]:
    """The items, as many as make so many rows."""
    yield first
    if not batched:
        yield from items if rows is None else islice(items, rows - 1)
        return
    count = np.shape(split(first, inputs, target, 0)[1])[0] if rows is not None else 0
    for number, item in enumerate(items, 1):
        if rows is not None:
            if count >= rows:
                return
            count += np.shape(split(item, inputs, target, number)[1])[0]
        yield item


def _told(dataset: Any, first: Any, inputs: Any, target: str | None) -> bool:
    """Whether items are batches, by the first one.

    Raises
    ------
    InputError
        If it can't be told.
    """
    spec = getattr(dataset, "element_spec", None)  # of TensorFlow's: batches have no fixed length
    leaves = list(spec) if isinstance(spec, tuple) else list(spec.values()) if isinstance(spec, Mapping) else []
    shapes = [tuple(leaf.shape) for leaf in leaves if getattr(leaf, "shape", None) is not None]
    if shapes and all(shape and shape[0] is None for shape in shapes):
        return True
    x, y = split(first, inputs, target, 0)
    lengths = {np.shape(part)[0] if np.ndim(part) else None for part in (*x.values(), y)}
    if len(lengths) == 1 and None not in lengths and not isinstance(y, str):
        shape = np.shape(next(iter(x.values())))
        raise InputError(
            f"the items of this data set have inputs {shape} and targets {np.shape(y)}: each may be a batch of "
            f"{shape[0]} rows, or one row: say batched=True or batched=False: {HOW.replace('...', 'batched=True')}"
        )
    return False


def _channels_last(x: Any) -> Any:
    if isinstance(x, Mapping):
        return {name: _channels_last(part) if np.ndim(part) == 4 else part for name, part in x.items()}
    if np.ndim(x) != 4:
        raise InputError(f"channels_first is for pictures (rows, channels, height, width), got inputs {np.shape(x)}")
    return np.moveaxis(x, 1, -1)
