"""Files that Backlit itself wrote: what they say about themselves, and which of them are read back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backlit.errors import InputError
from backlit.exchange.onnx import answers, metadata
from backlit.exchange.onnx.reading.model import Input, Model

READ = ({answers.LABEL, answers.PROBABILITIES}, {answers.PREDICTION})  # outputs of runs that are read as runs


def is_run(model: Model) -> bool:
    """Whether `Run.export` wrote the file."""
    return model.metadata.get(metadata.KIND) == metadata.RUN


def shape_told(model: Model, given: Input) -> tuple[int, ...] | None:
    """The shape of an example that the network had, where it fits the file's input; None where nothing tells it."""
    try:
        sizes = json.loads(model.metadata.get(metadata.INPUT_SHAPE, "null"))
    except ValueError:
        return None
    if not isinstance(sizes, list) or any(type(size) is not int or size < 1 for size in sizes):
        return None
    if len(sizes) + 1 != len(given.sizes):
        return None
    fits = all(known in (None, size) for known, size in zip(given.sizes[1:], sizes, strict=True))
    return tuple(sizes) if fits else None


def require_answers(model: Model) -> None:
    """Refuse runs of Backlit's whose answers are others than classes or numbers of one target."""
    if is_run(model) and set(model.outputs) not in READ:
        raise InputError(f"its outputs are {', '.join(model.outputs)}")


@contextmanager
def told_of(path: str | Path, model: Model) -> Iterator[None]:
    """Errors begin with the file; of a run's file they say where all of the run is."""
    try:
        yield
    except InputError as error:
        if is_run(model):
            raise InputError(
                f"{path}: Backlit exported this file from a run, and it isn't read back: {error}. Load the run's own "
                "folder, bl.load('runs/name'): it holds the network, the preparation and the history"
            ) from error
        raise InputError(f"{path}: {error}") from error
