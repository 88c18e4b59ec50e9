"""The front door: `fit` takes arrays or a table, and says of each what is wrong with it in the same manner."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from backlit.errors import InputError
from backlit.nn.layer import Layer, Network
from backlit.run import Run
from backlit.settings import build, check_names, documentation, signature
from backlit.store.checkpoint import train
from backlit.train.callbacks import finished
from backlit.train.recipe import Recipe
from backlit.train.training import Training

if TYPE_CHECKING:
    from typing import Unpack

    from backlit.train.options import TrainingOptions

WHERE, ARRAYS, KEYS = "bl.fit", ("network", "x", "y"), ("inputs", "target")


@overload
def fit(network: Layer | Network, x: Any, y: Any, **options: Unpack[TrainingOptions]) -> Run: ...
@overload
def fit(
    network: Layer | Network,
    dataset: Any,
    *,
    inputs: str | Sequence[str] | None = None,
    target: str | None = None,
    **options: Unpack[TrainingOptions],
) -> Run: ...
@overload
def fit(table: Any, /, *, target: str | Sequence[str], **options: Any) -> Run: ...
def fit(*data: Any, **options: Any) -> Run:
    """Train a network: ``fit(network, x, y)``, or ``fit(network, dataset)`` of a data set or a stream.

    For tables there is ``fit(table, target="price")``, see `fit_table`.

    Parameters
    ----------
    network : Layer or Network
        An architecture, whose parameters are drawn from `seed`, or a network, whose parameters are the start.
    x : array, nested list or data frame, (rows, ...), or dict of them
        Inputs; a dict by name for a network of several.
    y : array, list or series, (rows,) or (rows, outputs), or dict of them
        Targets: classes (of any type) or numbers; a dict (or data frame) by name for a network of several outputs.
    dataset : datasets.Dataset or DatasetDict, torch Dataset or DataLoader, or the like
        In place of x and y: see `from_dataset`. A `DatasetDict` is trained on its part "train", with "validation" as
        the validation, if it has that. A stream (see `backlit.data.Stream`), a function that yields blocks ``(x, y)``
        or an Arrow data set is read block by block and never held whole; other data sets are with ``stream=True``.
    inputs : str or list of str, optional
        Of a data set whose items are dicts: keys of the inputs.
    target : str or list of str
        Of a table: the column to predict; of such a data set: the key of the target.
    OPTIONS

    Returns
    -------
    Run

    Raises
    ------
    ShapeError, InputError
        If data, targets, network and options don't fit together; the message says what to change.
    DivergedError
        With `strict`, if a NaN or infinity appeared.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> net = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(2))
    >>> run = bl.fit(net, x, ["no", "yes", "yes", "no"], epochs=200, batch_size=None, optimizer=bl.Adam(0.05))
    >>> run.predict(x).tolist()
    ['no', 'yes', 'yes', 'no']
    """
    if "target" in options and not _is_network(data, options):
        from backlit.doors import fit_table  # only tables need the tasks

        return fit_table(*data, **options)
    network, x, y = _of_stream(data, options) or _of_dataset(data, options) or _arrays(data, options)
    training = build(Training, options, WHERE)
    run = Run.of(train(Recipe(network, x, y, training)))
    finished(training.listeners, run)
    return run


def _shown() -> inspect.Signature:
    """How `inspect` and `help` show `fit`: with every option, its type and its default."""
    given = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ARRAYS]
    target = inspect.Parameter(
        "target", inspect.Parameter.KEYWORD_ONLY, default=None, annotation="str | Sequence[str] | None"
    )
    return inspect.Signature([*given, target, *signature(Training)], return_annotation="Run")


fit.__signature__ = _shown()  # type: ignore[attr-defined]
fit.__doc__ = (fit.__doc__ or "").replace("OPTIONS\n", textwrap.indent(documentation(Training), "    ").lstrip() + "\n")


def _is_network(data: tuple[Any, ...], options: dict[str, Any]) -> bool:
    return isinstance(data[0] if data else options.get("network"), (Layer, Network))


def _of_stream(data: tuple[Any, ...], options: dict[str, Any]) -> list[Any] | None:
    """Network and stream where one stands for x and y; None otherwise."""
    if len(data) != 2 or not _is_network(data, options) or "x" in options or "y" in options:
        return None
    from backlit.data.streams import as_stream
    from backlit.exchange.data import is_dataset

    network, thing = data
    if isinstance(thing, (list, tuple, dict)) or hasattr(thing, "__array__"):
        return None
    if not options.get("stream") and is_dataset(thing):
        return None
    columns = {name: options[name] for name in KEYS if name in options}
    order = {name: options[name] for name in ("seed", "shuffle") if name in options}
    stream = as_stream(thing, **columns, **order)
    if stream is None:
        return None
    for name in KEYS:
        options.pop(name, None)
    return [network, stream, None]


def _of_dataset(data: tuple[Any, ...], options: dict[str, Any]) -> list[Any] | None:
    """Network, x and y where a data set stands for both; None otherwise."""
    if len(data) != 2 or not _is_network(data, options) or "x" in options or "y" in options:
        return None
    from backlit.exchange.data import from_dataset, is_dataset, parts_of

    network, dataset = data
    if not is_dataset(dataset):
        return None
    keys = {name: options.pop(name, None) for name in KEYS}
    train, validation, _ = parts_of(dataset)
    if validation is not None and options.get("validation") is None:
        options["validation"] = from_dataset(validation, **keys)
    return [network, *from_dataset(train, **keys)]


def _arrays(data: tuple[Any, ...], options: dict[str, Any]) -> list[Any]:
    """Network, x and y, which are taken out of the options where they were given by name."""
    named = {name: options.pop(name) for name in ARRAYS if name in options}
    if "target" in options:
        raise InputError(f"{WHERE}(network, x, y) takes targets as y; target='...' names a column of bl.fit(table)")
    if len(data) == 1 and not named and not _is_network(data, options):
        check_names(options, Training, WHERE)
        raise InputError("say which column of the table to predict: bl.fit(table, target='...')")
    if len(data) > len(ARRAYS):
        raise InputError(
            f"{WHERE} takes network, x and y, and its options by name, epochs=50 say; got {len(data)} values"
        )
    twice = [name for name in ARRAYS[: len(data)] if name in named]
    if twice:
        raise InputError(f"{WHERE}: {twice[0]} is given twice")
    given = dict(zip(ARRAYS, data, strict=False)) | named
    missing = [name for name in ARRAYS if name not in given]
    if missing:
        raise InputError(f"{WHERE} takes network, x and y; {', '.join(missing)} missing")
    return [given[name] for name in ARRAYS]
