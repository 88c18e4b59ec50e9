"""A run that goes on with a text, as the studio has it: one-hot vectors, each window from a zero state."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from backlit.data.text import read_text
from backlit.errors import InputError
from backlit.languages import Message, Template
from backlit.nn.layer import Layer
from backlit.nn.layers.containers import Sequential
from backlit.nn.layers.embedding import Embedding
from backlit.nn.layers.linear import Linear
from backlit.studio.recurrent import KINDS, is_shown_by_unit
from backlit.studio.sets import Rows
from backlit.studio.state import MOST_STEPS
from backlit.studio.texts import MOST_CHARACTERS, MOST_LETTERS, OTHER, Reading, clean, rows_of_reading, windows_of
from backlit.train.targets import TextTargets

GIVEN = Template("the text that was given", "입력한 텍스트").of()
UNSEEN = ("∅", OTHER, "⊢", "⊣")  # in place of filling, unknown tokens, and a text's start and end


def code_of(folder: Path | None, data: str | None, rows: str) -> str:
    """Python that opens the run of a folder, or the one that a notebook calls `run`; with data as it was given."""
    more = "" if data is None else f", {data}"
    if folder is None:
        return f"from backlit.studio.opening import opened\n\nrows = opened(run{more})[1]\n{rows}"
    shown = folder.as_posix() if not folder.is_absolute() and ".." not in folder.parts else folder.name
    imported = "from pathlib import Path", "", "from backlit.studio.opening import opened", ""
    return "\n".join((*imported, f"rows = opened(Path({shown!r}){more})[1]", rows))


def text_of(run: Any, folder: Path | None, name: str, data: Any = None) -> Rows:
    """The text that a run has learned, in windows of its length.

    Raises
    ------
    InputError
        If it isn't known, or wasn't learned by characters.
    """
    tokenizer = run.targets.tokenizer
    if getattr(tokenizer, "unit", "") not in ("characters", "syllables"):
        raise InputError(f"{name}: the studio shows texts by characters; this one was learned by another --tokens")
    letters = (*UNSEEN, *tokenizer.tokens)
    if len(tokenizer.tokens) > MOST_LETTERS:
        raise InputError(
            f"{name}: {len(tokenizer.tokens)} different characters are too many; {MOST_LETTERS} are the most"
        )
    given, file = _held(run, name) if data is None else _given(*data)
    text = clean(given, file)[:MOST_CHARACTERS]
    text = "".join(letter if letter in tokenizer.tokens else OTHER for letter in text)
    steps = min(run.targets.steps, MOST_STEPS, len(text) - 1)
    reading = Reading(text, letters, steps, windows_of(text, steps))
    passed = None if data is None else "(x, None)"
    code = code_of(folder, passed, "x, y, targets = rows.x, rows.y, rows.encoding")
    rows = rows_of_reading(reading, code, ())
    return dataclasses.replace(rows, encoding=TextTargets(tokenizer, steps))


def _given(text: Any, y: Any) -> tuple[str, str | Message]:
    """A text as `backlit.fit_text` takes it, and what it is called."""
    if y is not None:
        raise InputError("a run that goes on with a text takes the text alone: bl.Studio(run, text)")
    if isinstance(text, Path):
        return read_text(text), text.name
    if not isinstance(text, str):
        raise InputError(f"expected the text, or a pathlib.Path of it, got {type(text).__name__}")
    return text, GIVEN


def _held(run: Any, name: str) -> tuple[str, str | Message]:
    """The text that a run was trained on, and what it is called: of its file all, of what it holds what was learned."""
    file, recipe = (run.config or {}).get("data"), run.recipe
    if isinstance(file, str):
        return read_text(file), Path(file).name
    places = max((getattr(layer, "stateful", 0) for _, layer in run.network.architecture.walk()), default=0)
    if recipe is None or not places:
        raise InputError(
            f"{name} doesn't tell which text it was trained on; the studio opens runs of backlit train, and in a "
            "notebook others with their text: bl.Studio(run, text)"
        )
    windows = np.asarray(recipe.x)  # the first of each place that is read side by side, then the second of each, …
    numbers = windows.reshape(-1, places, windows.shape[1]).swapaxes(0, 1).ravel()
    return run.targets.tokenizer.decode(numbers), GIVEN


def reading_letters(architecture: Layer, weights: dict[str, Any], name: str) -> tuple[Layer, dict[str, Any]]:
    """The same network for one-hot vectors, its table of vectors as a layer's weights; without a state between windows.

    Raises
    ------
    InputError
        If the studio can't show it letter by letter.
    """
    layers = architecture.layers if isinstance(architecture, Sequential) else ()
    if not layers or not isinstance(layers[0], Embedding):
        raise InputError(f"{name}: the studio shows texts read by recurrent layers, letter by letter")
    table = np.asarray(weights["0/weight"])
    rest = [dataclasses.replace(each, stateful=0) if isinstance(each, KINDS) else each for each in layers[1:]]
    chain = Sequential(Linear(table.shape[1], bias=False), *rest)
    if not is_shown_by_unit(chain):
        raise InputError(f"{name}: the studio shows texts read by recurrent layers, letter by letter")
    return chain, {**weights, "0/weight": table.T}
