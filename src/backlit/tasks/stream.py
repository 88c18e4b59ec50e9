"""From a long text to a judged language model: a network that says what comes next."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backlit import engine as engines
from backlit import optim
from backlit.data.text import Texts, Tokenizer
from backlit.data.text.reading import read_as_told
from backlit.data.text.texts import windows
from backlit.errors import InputError
from backlit.graph.tensor import value_of
from backlit.nn.layer import Layer, forward
from backlit.nn.losses import CrossEntropy
from backlit.nn.penalties import L2
from backlit.nn.spec.sequences import for_stream
from backlit.store.checkpoint import train
from backlit.tasks.options import Options
from backlit.train.callbacks import EarlyStopping
from backlit.train.generate import generate, streaming
from backlit.train.recipe import Recipe
from backlit.train.result import Run
from backlit.train.targets import TextTargets
from backlit.train.training import Training

WINDOW, STREAMS = 64, 64
UPDATES = 10_000  # at most, if the user doesn't say
UPDATES_OF_EPOCH = 200  # after so many, progress is told and the validation text read
LARGE = 300_000  # tokens from which on a larger network pays
OPTIMIZER, RATE = "adam", 0.003
DROPOUT = 0.3  # of texts that aren't large, which a network would learn by heart
WORDS = 10_000  # of a vocabulary of words
SHARES = (0.9, 0.05, 0.05)
FEW = 20  # windows that a part of the text must have, to be held out


@dataclass(eq=False)
class TextStream:
    """A text to learn from, and how it is read.

    Attributes
    ----------
    text : str
    unit : str
        As of `Tokenizer`.
    window : int, optional
        Tokens through which gradients go back.
    """

    name: str
    text: str
    unit: Any = "characters"
    window: int | None = None
    notes: list[str] = field(default_factory=list)


def from_text(source: str | Path, unit: Any = "characters", window: int | None = None) -> TextStream:
    """A text, or the text of a file (a `Path`), to learn from."""
    if window is not None and (isinstance(window, bool) or not isinstance(window, int) or window < 1):
        raise InputError(f"window must be a whole number from 1, got {window!r}")
    if isinstance(source, Path):
        text, notes = read_as_told(source)
        return TextStream(source.name.split(".")[0], text, unit, window, notes)
    if not isinstance(source, str):
        raise InputError(f"expected a text, or the Path of a text file, got {type(source).__name__}")
    if not source.strip():
        raise InputError("the text is empty: there is nothing to learn from")
    return TextStream("text", source, unit, window)


@dataclass(frozen=True, eq=False)
class _Reading:
    """The text as numbers, cut into training, validation and test part, and how they are read."""

    tokenizer: Tokenizer
    parts: list[np.ndarray]  # tokens of training, validation, test; the latter two may be empty
    window: int
    streams: int

    def rows(self, part: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of a part."""
        return windows(self.parts[part], self.streams, self.window)


def _read(stream: TextStream, options: Options) -> tuple[_Reading, list[str]]:
    notes = list(stream.notes)
    most = WORDS if stream.unit == "words" else None
    shares = SHARES if options.split == Options.split else options.split
    shares = (*shares, 0.0)[:3]
    cuts = np.cumsum([int(len(stream.text) * share / sum(shares)) for share in shares[:2]])
    texts = [stream.text[: cuts[0]], stream.text[cuts[0] : cuts[1]], stream.text[cuts[1] :]]
    tokenizer = Tokenizer.learn(stream.text[: cuts[0]] or stream.text, stream.unit, most)
    parts = [tokenizer.encode(text) for text in texts]
    shortest = min(len(part) for part, share in zip(parts, shares, strict=True) if share)
    window = stream.window or WINDOW
    if shortest < FEW * 2 + 1:  # too short to hold anything out
        tokenizer = Tokenizer.learn(stream.text, stream.unit, most)
        parts = [tokenizer.encode(stream.text), *[np.zeros(0, np.int32)] * 2]
        shortest = len(parts[0])
        notes.append(
            f"the text has {shortest} {stream.unit}: too few to hold some out; it is judged on what it learned"
        )
    if stream.window is None:
        window = max(1, min(window, (shortest - 1) // (1 if not len(parts[1]) else 2)))
    if shortest <= window:
        named = "the text" if not len(parts[1]) else "the smallest part of the text"
        raise InputError(
            f"{named} has {shortest} {stream.unit}, a window takes {window + 1}; give more text, or a shorter window"
        )
    streams = options.batch_size or STREAMS
    room = (shortest - 1) // window
    if streams > room:
        if options.batch_size:
            notes.append(f"batches of {room} instead of {streams}: there are no more windows side by side")
        streams = room
    if len(parts[0]) // (streams * window) < 8 and not options.batch_size:  # else there would be few updates
        streams = max(1, min(streams, len(parts[0]) // (8 * window)))
    unknown_share = float(np.mean(np.concatenate(parts) == 1))
    notes.append(
        f"{sum(map(len, parts)):,} {stream.unit}, {len(tokenizer.tokens)} different ones"
        + (f"; {unknown_share:.1%} are rare ones that count as unknown" if unknown_share > 0.0005 else "")
    )
    return _Reading(tokenizer, parts, window, streams), notes


def train_stream(
    stream: TextStream,
    options: Options,
    *,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool | None = None,
    say: Any = None,
    config: dict[str, Any] | None = None,
    started: float | None = None,
) -> Run:
    """Read, train and judge; the parameters are those of `workflow.train`."""
    started = time.monotonic() if started is None else started
    _refuse(options)
    reading, notes = _read(stream, options)
    x, y = reading.rows(0)
    usual = DROPOUT if len(reading.parts[0]) < LARGE and len(reading.parts[1]) else 0.0
    dropout = usual if options.dropout is None else options.dropout
    words: Any = options.network
    network: Layer
    if isinstance(words, (str, type(None))):
        words = words or ("lstm:256" if len(reading.parts[0]) >= LARGE else "lstm:128")
        network = for_stream(words, reading.tokenizer.size, reading.streams, dropout)
    else:
        network, words = streaming(words, reading.streams), repr(words)
    rate = RATE if options.learning_rate is None else options.learning_rate
    optimizer = options.optimizer or OPTIMIZER
    optimizer = optim.get(optimizer, learning_rate=rate) if isinstance(optimizer, str) else optimizer
    of_pass = len(x) // reading.streams
    per_epoch = min(of_pass, UPDATES_OF_EPOCH) if of_pass >= FEW else of_pass * -(-FEW // of_pass)
    epochs = options.epochs or max(1, UPDATES // per_epoch if of_pass >= FEW else 2000 // per_epoch)
    notes.append(
        f"batches of {reading.streams} windows of {reading.window} {stream.unit}; an epoch is {per_epoch} updates, "
        f"{per_epoch / of_pass:.2g} passes over the text; gradients are clipped to norm 1"
    )
    held = None
    if len(reading.parts[1]):
        xv, yv = reading.rows(1)
        few = reading.streams * max(1, per_epoch // 8)  # else reading it would cost more than learning
        held = (xv[:few], yv[:few])
    for note in notes if say else ():
        say(note)
    patience = max(10, epochs // 3) if options.patience is None else options.patience
    training = Training(
        loss="cross_entropy", optimizer=optimizer, epochs=epochs, batch_size=reading.streams,
        validation=held, metrics=["bits", "perplexity"], seed=options.seed, engine=options.engine,
        devices=options.devices, penalty=L2(options.l2) if options.l2 else None, steps_per_epoch=per_epoch,
        early_stopping=EarlyStopping(patience) if patience and held else None,
        time_limit=None if options.time_limit is None else max(1e-3, options.time_limit - time.monotonic() + started),
        preparation=Texts(reading.tokenizer, reading.window),
        encoding=TextTargets(reading.tokenizer, reading.window),
        checkpoint=checkpoint, resume=resume, overwrite=overwrite, progress=progress,
        config=None if config is None else config | _resolved(words, rate, dropout, epochs, reading, patience, options),
    )  # fmt: skip
    run = train(Recipe(network, x, y, training))
    if run.history and not run.diverged:
        plan = f"{words}, dropout {dropout:g}, {run.optimizer}"
        run.judgement = _judged(run, reading, stream, notes, plan, options.engine)
    return run


def _refuse(options: Options) -> None:
    """What makes no sense for one long text."""
    for name in ("loss", "ensemble", "balance", "calibrate", "activation", "augment"):
        if getattr(options, name) not in (None, False):
            raise InputError(f"{name} doesn't apply to a text that is learned as a stream; leave it out")


def _resolved(
    words: str, rate: float, dropout: float, epochs: int, reading: _Reading, patience: int, options: Options
) -> dict[str, Any]:
    named = {"network": words, "dropout": dropout} if isinstance(options.network, (str, type(None))) else {}
    steps = {"learning_rate": rate, "optimizer": options.optimizer or OPTIMIZER}
    steps = steps if isinstance(options.optimizer, (str, type(None))) else {}
    counts = {"epochs": epochs, "batch_size": reading.streams, "window": reading.window, "patience": patience}
    return named | steps | counts


def _judged(
    run: Run, reading: _Reading, stream: TextStream, notes: list[str], plan: str, engine: str
) -> dict[str, Any]:
    """Bits a token on held-out text, beside what pairs of tokens tell."""
    judged_on = "test" if len(reading.parts[2]) else "validation" if len(reading.parts[1]) else "training"
    part = {"training": 0, "validation": 1, "test": 2}[judged_on]
    loss, hits = stream_scores(run, *reading.rows(part), reading.streams, engine)
    guess = _pairs(reading.parts[0], reading.parts[part], reading.tokenizer.size)
    scores = {name: metric.of_loss(loss) for name, metric in run.metrics.items()}
    baseline = {name: metric.of_loss(guess) for name, metric in run.metrics.items()}
    worse = [] if loss < guess else ["no better than counting pairs: train longer, or give more text"]
    return {
        "task": "text",
        "unit": stream.unit,
        "rows": len(reading.parts[part]),
        "scores": {"loss": loss, **scores, "accuracy": hits},
        "baseline": {"what": "counting pairs", "loss": guess, **baseline},
        "judged_on": judged_on,
        "parts": dict(zip(("training", "validation", "test"), map(len, reading.parts), strict=True)),
        "plan": plan,
        "notes": notes,
        "warnings": worse,
        "sample": generate(run, _opening(reading), length=160, temperature=0.8),
    }


def _opening(reading: _Reading) -> str:
    """A few tokens that follow the training text, to go on from."""
    part = reading.parts[1] if len(reading.parts[1]) else reading.parts[0]
    known = part[part >= 4][: min(8, max(1, len(part) // 4))]
    return str(reading.tokenizer.decode(known)) or str(reading.tokenizer.tokens[0])


def stream_scores(run: Run, x: np.ndarray, y: np.ndarray, streams: int, engine: str) -> tuple[float, float]:
    """Mean loss and share of right guesses over windows read in order, the state carried from each to the next."""
    architecture = streaming(run.network.architecture, streams)
    shape, loss = run.network.input_shape, CrossEntropy()

    def read(params: Any, state: Any, x: Any, y: Any, fresh: Any) -> Any:
        output, state = forward(architecture, shape, params, x, state=state, fresh=fresh)
        output = value_of(output)
        return value_of(loss(output, y)).sum(), (output.argmax(axis=-1) == y).sum(), state

    runner = engines.get(engine)
    compiled = runner.compile(read)
    state: Any = architecture.build(shape, dtype=str(run.network.dtype)).state
    total = right = 0.0
    for start in range(0, len(x), streams):
        rows = slice(start, start + streams)
        summed, hits, state = compiled(run.network.params, state, x[rows], y[rows], np.bool_(start == 0))
        total, right = total + float(summed), right + float(hits)
    return total / len(x), right / x.size


def _pairs(train: np.ndarray, test: np.ndarray, size: int) -> float:
    """Cross entropy, in nats, of test tokens by the one before: counts of pairs, mixed with each token's own share."""
    alone = np.bincount(train, minlength=size) + 0.1
    alone = alone / alone.sum()
    places, counts = np.unique(train[:-1].astype(np.int64) * size + train[1:], return_counts=True)
    first = np.bincount(train[:-1], minlength=size)
    wanted = test[:-1].astype(np.int64) * size + test[1:]
    at = np.minimum(np.searchsorted(places, wanted), len(places) - 1)
    seen = np.where(places[at] == wanted, counts[at], 0)
    mix = 5.0  # pairs that the shares stand for
    return float(-np.log((seen + mix * alone[test[1:]]) / (first[test[:-1]] + mix)).mean())
