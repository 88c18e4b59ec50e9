"""`fit_sequences`: the shapes that jobs with sequences have, each by one call."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from backlit import optim
from backlit.data.splitting import split
from backlit.data.text import Symbols, Texts, Tokenizer
from backlit.errors import InputError, ShapeError, unknown
from backlit.nn.layer import Layer
from backlit.nn.penalties import L2
from backlit.nn.spec.sequences import Writer, for_sequences, recurrent_spec
from backlit.store.checkpoint import train as kept_training
from backlit.tasks.fit_table import known
from backlit.tasks.judge.scores import best_guess, judge
from backlit.tasks.options import Options
from backlit.train.callbacks import EarlyStopping
from backlit.train.recipe import Recipe
from backlit.train.result import Run
from backlit.train.targets import TextTargets
from backlit.train.training import Training

SHAPES = ("class", "tags", "text")
OPTIMIZER, RATE, NETWORK = "adam", 0.003, "lstm:128"
UPDATES = 6000  # after about so many, small networks have learned what they can


def fit_sequences(
    x: Any,
    y: Sequence[Any],
    to: str,
    *,
    tokens: Any = "characters",
    network: str | Layer | None = None,
    attention: str | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool | None = None,
    **options: Any,
) -> Run:
    """Train on sequences of different length.

    ======================= ====================================== ==========================
    what                    inputs                                 call
    ======================= ====================================== ==========================
    many to one             texts, sequences                       ``to="class"``
    many to many, in step   texts or words; a tag for each token   ``to="tags"``
    many to many            texts; other texts                     ``to="text"``
    one to many             pictures, rows of numbers; texts       ``to="text"``
    what comes next         one long text                          `fit_text`
    ======================= ====================================== ==========================

    Parameters
    ----------
    x : list of str, list of lists of symbols, or array (rows, ...)
        Texts are taken apart into `tokens`; lists of words or other symbols are taken as they are; arrays of numbers
        are sequences if they have shape (rows, time, features).
    y : list
        A class a row; or a list of tags, one for each token of the row; or a text a row.
    to : "class", "tags" or "text"
    tokens : "characters", "words", "bytes", "syllables" or "jamo"
        Of texts, read and written.
    network : str or Layer, optional
        "lstm:128" by default; "gru:64,64" (stacked), "bilstm:64" (both directions), "rnn:64". For numbers that aren't
        sequences the units of the decoder: "lstm:128". A layer is the encoder itself.
    attention : "dot" or "additive", optional
        For ``to="text"`` from sequences: each token looks at the input's steps (`Run.write` returns where).
    checkpoint, resume, overwrite, progress :
        As for `fit`.
    **options
        Of `Options`: dropout, optimizer, learning_rate, l2, epochs, batch_size, patience, time_limit, split, seed,
        engine, devices.

    Returns
    -------
    Run
        ``run.predict`` takes what `x` was; ``run.write`` tells of written texts their probability, others and
        attention; ``run.judgement`` has the scores on held-out rows.

    Raises
    ------
    InputError
        If a sequence is empty, tags don't fit their row, or options don't fit; the row is named.

    Examples
    --------
    >>> import backlit as bl
    >>> words = ["abc", "cab", "bca", "acb", "bac", "cba"] * 8
    >>> run = bl.fit_sequences(words, [word[::-1] for word in words], to="text", network="lstm:32", epochs=40)
    >>> run.predict(["abc"]).tolist()
    ['cba']

    References
    ----------
    The shapes: A. Karpathy, "The Unreasonable Effectiveness of Recurrent Neural Networks", 2015.
    """
    started = clock.monotonic()
    if to not in SHAPES:
        raise unknown("to of fit_sequences", to, SHAPES)
    chosen = Options(**known(options, "fit_sequences"))
    for name in ("loss", "ensemble", "balance", "calibrate", "activation", "augment"):
        if getattr(chosen, name) not in (None, False):
            raise InputError(f"fit_sequences doesn't take {name}; leave it out")
    if attention and to != "text":
        raise InputError(f'attention is for to="text"; to={to!r} has nothing that writes')
    x, kind = _inputs(x)
    if len(x) != len(y):
        raise ShapeError(f"x has {len(x)} rows and y {len(y)}: they must be equal")
    targets = _targets(x, y, to)
    train, validation, *rest = split(len(x), chosen.split, seed=chosen.seed)
    test = rest[0] if rest else validation
    preparation = _preparation(x, train, kind, tokens)
    encoding = None
    if to == "text":
        encoding = _text_targets(targets, train, tokens)
    outputs = 0 if to == "text" else len(set(targets[targets != ""].tolist()))
    architecture, words = _network(network, x, preparation, to, outputs, attention, encoding, chosen.dropout or 0.0)
    batch = int(np.clip(2 ** round(math.log2(max(len(train), 1) / 32)), 4, 64))
    batch = chosen.batch_size or batch + -batch % chosen.devices
    epochs = chosen.epochs or int(np.clip(UPDATES // max(1, len(train) // batch), 10, 200))
    patience = max(5, epochs // 4) if chosen.patience is None else chosen.patience
    rate = RATE if chosen.learning_rate is None else chosen.learning_rate
    decay = optim.Cosine(rate, epochs * -(-len(train) // batch))  # what is right at first is too coarse at the end
    optimizer = chosen.optimizer or OPTIMIZER
    training = Training(
        loss="cross_entropy", metrics=["accuracy"] if to == "class" else ["accuracy", "sequence_accuracy"],
        optimizer=optim.get(optimizer, learning_rate=decay) if isinstance(optimizer, str) else optimizer,
        epochs=epochs, batch_size=batch, validation=(x[validation], targets[validation]), preparation=preparation,
        encoding=encoding, seed=chosen.seed, engine=chosen.engine, devices=chosen.devices,
        penalty=L2(chosen.l2) if chosen.l2 else None,
        early_stopping=EarlyStopping(patience) if patience else None,
        time_limit=None if chosen.time_limit is None else max(1e-3, chosen.time_limit - clock.monotonic() + started),
        checkpoint=checkpoint, resume=resume, overwrite=overwrite, progress=progress,
    )  # fmt: skip
    run = kept_training(Recipe(architecture, x[train], targets[train], training))
    if run.history and not run.diverged:
        parts = {"training": len(train), "validation": len(validation), "test": len(test) if rest else 0}
        run.judgement = _judged(run, to, x, targets, train, test) | {
            "parts": parts,
            "judged_on": "test" if rest else "validation",
            "plan": f"{words}, {run.optimizer}, batches of {batch}, at most {epochs} epochs",
            "notes": [],
        }
    return run


def _inputs(x: Any) -> tuple[np.ndarray, str]:
    """Rows as an array, and what they are: "texts", "symbols" or "numbers"."""
    if hasattr(x, "to_list"):  # a column of a data frame
        x = x.to_list()
    if not isinstance(x, np.ndarray):
        x = list(x)
    if len(x) == 0:
        raise InputError("there are no rows to train on")
    if isinstance(x[0], str):
        rows = np.empty(len(x), dtype=object)
        for i, text in enumerate(x):
            if not isinstance(text, str):
                raise InputError(f"x: row {i} is {text!r}; expected a text, as the first row is")
            rows[i] = text
        return rows, "texts"
    if isinstance(x, list) and isinstance(x[0], (list, tuple)) and all(isinstance(token, str) for token in x[0]):
        rows = np.empty(len(x), dtype=object)
        for i, sequence in enumerate(x):
            if not isinstance(sequence, (list, tuple)):
                raise InputError(f"x: row {i} is {sequence!r}; expected a list of symbols, as the first row is")
            rows[i] = list(sequence)
        return rows, "symbols"
    try:
        numbers = np.asarray(x, dtype=np.float32)
    except ValueError as error:
        raise InputError(
            "x must hold texts, lists of symbols (text), or numbers in one shape; fill up shorter sequences of numbers"
        ) from error
    return numbers, "numbers"


def _targets(x: np.ndarray, y: Sequence[Any], to: str) -> np.ndarray:
    """Classes or texts (rows,), or tags (rows, time) with "" for padding."""
    if to == "class":
        return np.asarray(y)
    if to == "text":
        wrong = next((i for i, text in enumerate(y) if not isinstance(text, str)), None)
        if wrong is not None:
            raise InputError(f'y: row {wrong} is {y[wrong]!r}; to="text" needs texts')
        return np.array(list(y), dtype=str)
    tags = [list(row) for row in y]
    for i, (row, own) in enumerate(zip(x, tags, strict=True)):
        if len(row) != len(own):
            raise InputError(f"row {i} has {len(row)} tokens and {len(own)} tags; each token needs one")
        if "" in own:
            raise InputError(f"row {i} has an empty tag; name what has no tag, such as 'O'")
    filled = np.full((len(tags), max(map(len, tags))), "", dtype=object)
    for line, own in zip(filled, tags, strict=True):
        line[: len(own)] = [str(tag) for tag in own]
    return filled.astype(str)


def _preparation(x: np.ndarray, train: np.ndarray, kind: str, tokens: Any) -> Texts | None:
    """How rows become numbers; tokens are learned from training rows, the length from all."""
    if kind == "numbers":
        return None
    tokenizer: Any = Symbols.learn(x[train]) if kind == "symbols" else Tokenizer.learn(x[train].tolist(), tokens)
    return Texts(tokenizer, tokenizer.encode_all(x.tolist())[0].shape[1])


def _text_targets(y: np.ndarray, train: np.ndarray, tokens: Any) -> TextTargets:
    tokenizer = Tokenizer.learn(y[train].tolist(), tokens)
    return TextTargets(tokenizer, tokenizer.encode_all(y.tolist(), end=True)[0].shape[1])


def _network(
    network: Any,
    x: np.ndarray,
    preparation: Texts | None,
    to: str,
    outputs: int,
    attention: str | None,
    encoding: TextTargets | None,
    dropout: float,
) -> tuple[Layer, str]:
    """The network for a shape, and what it is in words."""
    if preparation is None and x.ndim != 3 and not isinstance(network, Layer) and to != "text":
        raise ShapeError(f"x of shape {x.shape} holds no sequences; expected texts, lists, or (rows, time, features)")
    spec = network or NETWORK
    label = spec if isinstance(spec, str) else repr(spec)
    writer = None
    if encoding is not None:
        writer = Writer(encoding.tokenizer.size, encoding.steps, attention)
        cell = recurrent_spec(spec if isinstance(spec, str) else NETWORK)[0].removeprefix("bi")
        label += f" → {cell} that writes" + (f", {attention} attention" if attention else "")
    vocabulary = None if preparation is None else preparation.tokenizer.size
    architecture = for_sequences(
        spec, x.shape[1:], dropout, vocabulary=vocabulary, tags=to == "tags", outputs=outputs, writer=writer
    )
    return architecture, label


def _judged(run: Run, to: str, x: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> dict[str, Any]:
    """Scores on held-out rows beside what guessing achieves."""
    if to == "class":
        return judge(run, "classification", best_guess(run, "classification", y[train]), run.outputs(x[test]), y[test])
    scores = run.evaluate(x[test], y[test])
    if to == "tags":
        baseline = _usual_tags(x, y, train, test)
    else:
        texts, counts = np.unique(y[train], return_counts=True)
        usual = texts[counts.argmax()]
        baseline = {"what": f"always {str(usual)!r}", "sequence_accuracy": float((y[test] == usual).mean())}
    name = "accuracy" if to == "tags" else "sequence_accuracy"
    worse = scores[name] <= baseline[name]
    warning = f"no better than {baseline['what']} ({name} {scores[name]:.4g}, guessing {baseline[name]:.4g})"
    return {
        "task": to, "rows": len(test), "scores": scores, "baseline": baseline, "warnings": [warning] if worse else [],
    }  # fmt: skip


def _usual_tags(x: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> dict[str, Any]:
    """Each token's most frequent tag, or the most frequent of all."""
    counts: dict[Any, dict[str, int]] = {}
    total: dict[str, int] = {}
    for i in train:
        for token, tag in zip(x[i], y[i], strict=False):
            own = counts.setdefault(_hashable(token), {})
            own[tag] = own.get(tag, 0) + 1
            total[tag] = total.get(tag, 0) + 1
    usual = max(total.items(), key=itemgetter(1))[0]
    best = {token: max(own.items(), key=itemgetter(1))[0] for token, own in counts.items()}
    right = [[best.get(_hashable(token), usual) == tag for token, tag in zip(x[i], y[i], strict=False)] for i in test]
    return {
        "what": "each token's most frequent tag",
        "accuracy": float(np.mean([hit for row in right for hit in row])),
        "sequence_accuracy": float(np.mean([all(row) for row in right])),
    }


def _hashable(token: Any) -> Any:
    return token if isinstance(token, str) else bytes(np.asarray(token).tobytes())
