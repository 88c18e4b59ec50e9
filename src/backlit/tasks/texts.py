"""Material from a column of texts, the networks that suit it, and what else could be asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backlit.data.table.target import as_names
from backlit.data.text import TextColumn
from backlit.data.text.preparation import texts_of, unit_for
from backlit.data.text.units import UNITS
from backlit.errors import InputError, unknown
from backlit.nn.layer import Layer
from backlit.nn.spec.sequences import for_texts
from backlit.tasks.task import Family, Material, from_table

# What did best on the sources of Python packages (which one, comment or code) and on translations (which language).
WORDS, CHARACTERS = "bag:64", "cnn:128"
RATE, DROPOUT = {"bag": 0.01}, 0.2
RATE_OTHERWISE = 0.003
EPOCHS = 60  # the rows are learned by heart after a few


def material_for(table: Any, target: Any, *, text: Any = None, tokens: Any = None, **how: Any) -> Material:
    """`from_text_column` if there is a column of texts, otherwise `from_table`."""
    if text:
        return from_text_column(table, target, text, tokens=tokens, **how)
    if tokens is not None:
        raise InputError(f"tokens ({tokens}) are what texts are split into: say which column holds them with text")
    return from_table(table, target, **how)


def from_text_column(
    table: Any, target: str | Sequence[str], text: str | Sequence[str], *, tokens: Any = None, **how: Any
) -> Material:
    """A file, or anyone's data frame, with the column to predict and the column of texts to predict it from.

    Parameters
    ----------
    table, target :
        As for `from_table`.
    text : str or list of str
        Several columns are joined.
    tokens : str, optional
        "words", "characters", "syllables", "jamo" or "bytes"; by default told from the texts' script.
    **how
        Other parameters of `from_table`.

    Raises
    ------
    InputError
        If there is no such column, or it doesn't hold text.
    """
    if tokens is not None and tokens not in UNITS:
        raise unknown("unit of text", tokens, UNITS)
    if how.get("columns"):
        raise InputError("columns says what a table's columns are; with text, only the texts are learned from")
    names = (text,) if isinstance(text, str) else tuple(text)

    def prepare(frame: Any, goal: Any, rows: Any, formats: Any) -> TextColumn:
        return TextColumn.learn(frame, names, goal, rows, tokens, formats)

    material = from_table(table, target, prepare=prepare, **how)
    targets = as_names(target)
    unit = tokens or unit_for(texts_of(material.raw, names, targets))
    used = {*names, *targets, how.get("group"), how.get("time")}
    unused = [name for name in material.raw.columns if name not in used]
    if unused:
        more = f" and {len(unused) - 5} more" if len(unused) > 5 else ""
        material.notes.append(f"only the text is learned from; not used: {', '.join(unused[:5])}{more}")
    words = WORDS if unit == "words" else CHARACTERS
    rate = RATE.get(words.partition(":")[0], RATE_OTHERWISE)
    material.family = Family(words, network, DROPOUT, rate, EPOCHS, small, rivals)
    return material


def network(words: str, outputs: int, activation: str, dropout: float, preparation: TextColumn) -> Layer:
    """The network that a spec describes, for rows of the preparation's tokens."""
    return for_texts(words, outputs, dropout, preparation.tokenizer.size, preparation.tokenizer.unit)


def small(words: Any) -> bool:
    """Whether several such networks may be trained in the time of one that is large."""
    return isinstance(words, str) and words.partition(":")[0] == "bag"


def rivals(run: Any, raw: Any, y: np.ndarray, held: Any) -> dict[str, np.ndarray]:
    """What naive Bayes on counts of the tokens, without their order, says of held rows: (rows, classes)."""
    from sklearn.naive_bayes import MultinomialNB

    model = MultinomialNB().fit(_counts(run, raw), run.targets.labels.encode(y))
    return {f"naive Bayes, {run.preparation.tokenizer.unit}": model.predict_proba(_counts(run, held))}


def _counts(run: Any, raw: Any) -> Any:
    """How often each token occurs in each text, sparse (rows, tokens)."""
    from scipy.sparse import csr_matrix

    rows = run.preparation.apply(raw)
    kept = rows != 0
    starts = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    found = rows[kept]
    shape = (len(rows), run.preparation.tokenizer.size)
    return csr_matrix((np.ones(len(found), np.float32), found, starts), shape=shape)
