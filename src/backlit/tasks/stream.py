"""A long text to go on with: a network that says what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backlit.data.files.options import FileOptions
from backlit.data.text import Subwords, Texts, Tokenizer
from backlit.data.text.reading import read_as_told
from backlit.data.text.texts import windows
from backlit.errors import InputError
from backlit.languages import Template, join
from backlit.nn.layer import Layer
from backlit.nn.spec.sequences import for_stream
from backlit.nn.spec.transformer import is_transformer, require_causal
from backlit.settings import count, declared, option, same
from backlit.tasks.judge.streams import PARTS, STREAMS, judge_parts
from backlit.tasks.options import DATA, Call, Options
from backlit.tasks.plan import wished
from backlit.tasks.series import SeriesTask
from backlit.tasks.task import FOR_ROWS, Plan, Progress, Task, seconds_left
from backlit.tasks.texts import TextsTask
from backlit.tasks.warm_up import OPTIMIZER as WARMED
from backlit.tasks.warm_up import RATE as WARMED_RATE
from backlit.tasks.warm_up import by_the_clock, warm_up, warm_up_told
from backlit.train.callbacks import EarlyStopping
from backlit.train.generate import streaming
from backlit.train.recipe import Recipe
from backlit.train.result import Result
from backlit.train.targets import TextTargets
from backlit.train.training import Training

WINDOW = 64
FAR_WINDOW, FEWER_STREAMS = 128, 32  # of attention, which sees nothing beyond its window
UPDATES = 10_000  # at most, if the user doesn't say
FEW_UPDATES = 2000  # of texts that are read in a few
UPDATES_OF_EPOCH = 200  # after so many, progress is told and the validation text read
LARGE = 300_000  # tokens from which on a larger network pays
OPTIMIZER, RATE = "adam", 0.003
DROPOUT = 0.3  # of texts that aren't large, which a network would learn by heart
WORDS = 10_000  # of a vocabulary of words
SHARES = (0.9, 0.05, 0.05)
FEW = 20  # windows that a part of the text must have, to be held out
RARE = 0.0005  # share of unknown tokens from which on they are told of


COUNTED = {
    unit: Template(
        f"{{count:,}} {unit}, {{different}} different ones", f"{korean} {{count:,}}개, 서로 다른 것은 {{different}}개"
    )
    for unit, korean in (
        ("characters", "글자"), ("words", "단어"), ("bytes", "바이트"), ("syllables", "음절"), ("jamo", "자모"),
        ("subwords", "하위 단어"),
    )
}  # fmt: skip
UNKNOWN = Template("{share:.1%} are rare ones that count as unknown", "{share:.1%}{은/는} 드물어 모르는 것으로 처리")
WINDOWS = Template("batches of {streams} windows of {window} {tokens}", "배치마다 길이 {window}의 구간 {streams}개")
EPOCH = Template(
    "an epoch is {updates} updates, {passes:.2g} passes over the text",
    "한 에포크는 갱신 {updates}회(글 전체의 {passes:.2g}배)",
)
FALLS = Template(
    "the learning rate falls evenly, to nothing when the time is up",
    "학습률(learning rate)은 고르게 내려가 제한 시간이 끝날 때 0이 됨",
)
CLIPPED = Template("gradients are clipped to norm 1", "기울기는 크기 1로 제한(clipping)")


@dataclass(eq=False)
class TextStream:
    """A text to learn from.

    Attributes
    ----------
    name, text : str
    notes : list of str
        What was found so far.
    """

    name: str
    text: str
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Reading:
    """The text as numbers, cut into training, validation and test part, and how they are read.

    Attributes
    ----------
    tokenizer : Tokenizer or Subwords
    parts : list of int arrays
        Tokens of training, validation and test; the latter two may be empty.
    window : int
        Tokens through which gradients go back.
    streams : int
        Places that are read side by side.
    """

    tokenizer: Any
    parts: list[np.ndarray]
    window: int
    streams: int

    def rows(self, part: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of a part."""
        return windows(self.parts[part], self.streams, self.window)


@dataclass(frozen=True, repr=False)
class StreamTask(Task):
    """A long text, learned as one continuous stream.

    Parameters
    ----------
    encoding : str, optional
        Of a text file, by Python's name for it; told from the file if left out.
    tokens : "characters", "words", "bytes", "syllables" or "jamo"
        What is predicted one by one; see `backlit.data.text.Tokenizer`.
    tokenizer : path or tokenizers.Tokenizer, optional
        A tokenizer.json in place of `tokens`, which is kept with the run: see `backlit.data.Subwords`.
    window : int, optional
        Tokens through which gradients go back; 64 for all but short texts.
    """

    kind = "texts to go on with"
    source = "texts to go on with"
    without = FOR_ROWS
    refusal = "{name} doesn't apply to a text that is learned as a stream; leave it out"

    encoding: str | None = same(FileOptions, "encoding", panel=DATA)
    tokens: str = option("characters", panel=DATA, help=declared(TextsTask)["tokens"].help)
    tokenizer: Any = same(TextsTask, "tokenizer")
    window: int | None = count(
        None, words="a whole number from 1", panel=DATA, help=declared(SeriesTask)["window"].help
    )

    def read(self, data: str | Path, progress: Progress | None = None) -> TextStream:
        """A text, or the text of a file (a `Path`), to learn from."""
        if isinstance(data, Path):
            text, notes = read_as_told(data, self.encoding)
            return TextStream(data.name.split(".")[0], text, notes)
        if not isinstance(data, str):
            raise InputError(f"expected a text, or the Path of a text file, got {type(data).__name__}")
        if not data.strip():
            raise InputError("the text is empty: there is nothing to learn from")
        return TextStream("text", data)

    @property
    def unit(self) -> str:
        """What is predicted one by one."""
        return self.tokens if self.tokenizer is None else Subwords.unit

    def learned(self, text: str) -> Any:
        """The tokenizer that was given, or one that is learned from a text."""
        if self.tokenizer is not None:
            if self.tokens != declared(StreamTask)["tokens"].default:
                raise InputError("a tokenizer says what the text is split into; leave it out, or tokens")
            return Subwords.of(self.tokenizer)
        return Tokenizer.learn(text, self.tokens, WORDS if self.tokens == "words" else None)  # type: ignore[arg-type]

    def split(self, material: TextStream, fractions: Sequence[float], seed: int) -> tuple[list[str], list[str]]:
        """The text's beginning to learn from, then what tells when to stop, then what judges, if anything is to."""
        shares = SHARES if tuple(fractions) == Options().split else tuple(fractions)
        cuts = np.cumsum([int(len(material.text) * share / sum(shares)) for share in shares[:-1]]).tolist()
        ends = zip([0, *cuts], [*cuts, len(material.text)], strict=True)
        return [material.text[start:end] for start, end in ends], []

    def encode(self, material: TextStream, texts: Sequence[str], options: Options) -> tuple[Reading, list[str]]:
        """The parts as numbers, and how they are read; a text that is too short stays in one piece."""
        notes = list(material.notes)
        tokenizer = self.learned(texts[0] or material.text)
        parts = [tokenizer.encode(text) for text in texts]
        shortest = min(map(len, parts))
        parts += [np.zeros(0, np.int32)] * (len(PARTS) - len(parts))
        if shortest < FEW * 2 + 1:
            tokenizer = self.learned(material.text)
            parts = [tokenizer.encode(material.text), *[np.zeros(0, np.int32)] * 2]
            shortest = len(parts[0])
            notes.append(
                f"the text has {shortest} {self.unit}: too few to hold some out; it is judged on what it learned"
            )
        far = is_transformer(options.network)
        window = self.window or max(
            1, min(FAR_WINDOW if far else WINDOW, (shortest - 1) // (2 if len(parts[1]) else 1))
        )
        if shortest <= window:
            named = "the smallest part of the text" if len(parts[1]) else "the text"
            raise InputError(
                f"{named} has {shortest} {self.unit}, a window takes {window + 1}; give more text, or a shorter window"
            )
        given = options.batch_size if isinstance(options.batch_size, int) else None
        streams = given or (FEWER_STREAMS if far else STREAMS)
        room = (shortest - 1) // window
        if streams > room:
            if given:
                notes.append(f"batches of {room} instead of {streams}: there are no more windows side by side")
            streams = room
        if len(parts[0]) // (streams * window) < 8 and not given:  # else there would be few updates
            streams = max(1, min(streams, len(parts[0]) // (8 * window)))
        unknown = float(np.mean(np.concatenate(parts) == 1))
        notes.append(
            join(
                "; ",
                [
                    COUNTED[self.unit].say(count=sum(map(len, parts)), different=len(tokenizer.tokens)),
                    *([UNKNOWN.say(share=unknown)] if unknown > RARE else []),
                ],
            )
        )
        return Reading(tokenizer, parts, window, streams), notes

    def plan(self, reading: Reading, updates: int, options: Options) -> Plan:
        """What is to be trained: recurrent layers or attention, with dropout unless the text is large.

        Parameters
        ----------
        reading : Reading
        updates : int
            That a pass over the text takes.
        options : Options
        """
        length = len(reading.parts[0])
        usual = DROPOUT if length < LARGE and len(reading.parts[1]) else 0.0
        dropout = usual if options.dropout is None else options.dropout
        network: Layer
        if isinstance(options.network, (str, type(None))):
            spec = options.network or ("lstm:256" if length >= LARGE else "lstm:128")
            network = for_stream(spec, reading.tokenizer.size, reading.streams, dropout)
        else:
            require_causal(options.network)
            network, spec = streaming(options.network, reading.streams), repr(options.network)
        method, rate = (WARMED, WARMED_RATE) if is_transformer(network) else (OPTIMIZER, RATE)
        optimizer, rate = options.steps(method, rate)
        most = UPDATES if updates >= FEW else FEW_UPDATES
        epochs = options.epochs or max(1, most // updates_of_epoch(updates))
        course = warm_up(network, updates_of_epoch(updates), epochs, options) or by_the_clock(options)
        return Plan(
            network=wished(network, options),
            spec=spec,
            batch_size=reading.streams,
            epochs=epochs,
            patience=max(10, epochs // 3) if options.patience is None else options.patience,
            rate=rate,
            dropout=dropout,
            optimizer=optimizer,
            penalty=options.penalty,
            schedule=options.schedule or course,
            method=options.optimizer or method,
        )

    def recipe(self, material: TextStream, options: Options, call: Call) -> tuple[Recipe, dict[str, Any]]:
        """What is to be trained on windows of the text, in their order."""
        self.check(options)
        if options.batch_size == "full":
            raise InputError("a text is read at some places side by side, not all: batch_size is their number, say 16")
        texts, _ = self.split(material, options.split, options.seed)
        reading, notes = self.encode(material, texts, options)
        x, y = reading.rows(0)
        updates = len(x) // reading.streams
        plan = self.plan(reading, updates, options)
        per_epoch = updates_of_epoch(updates)
        notes.append(
            join(
                "; ",
                [
                    WINDOWS.say(streams=reading.streams, window=reading.window, tokens=self.unit),
                    EPOCH.say(updates=per_epoch, passes=per_epoch / updates),
                    CLIPPED.say(),
                ],
            )
        )
        notes += warm_up_told(plan.network, options)
        notes += [FALLS.say()] if plan.schedule == "budget" and options.schedule is None else []
        call.tell(notes)
        validation = None
        if len(reading.parts[1]):
            few = reading.streams * max(1, per_epoch // 8)  # else reading it would cost more than learning
            inputs, targets = reading.rows(1)
            validation = inputs[:few], targets[:few]
        training = Training(
            loss=plan.loss, optimizer=plan.optimizer, epochs=plan.epochs, batch_size=plan.batch_size,
            validation=validation, metrics=["bits", "perplexity"], seed=options.seed,
            engine=options.engine, precision=options.precision, devices=options.devices, shard=options.shard,
            penalty=plan.penalty,
            schedule=plan.schedule, steps_per_epoch=per_epoch, average_every=options.average_every,
            early_stopping=EarlyStopping(plan.patience) if plan.patience and validation else None,
            time_limit=seconds_left(options, call), preparation=Texts(reading.tokenizer, reading.window),
            encoding=TextTargets(reading.tokenizer, reading.window),
        )  # fmt: skip

        def judged(run: Result) -> Result:
            told = f"{plan.spec}, dropout {plan.dropout:g}, {run.optimizer}"
            run.judgement = judge_parts(run, reading.parts, reading.streams, options.engine, plan=told, notes=notes)
            return run

        recipe = Recipe(plan.network, x, y, training, judged)
        return recipe, _resolved(plan, reading, options)


def updates_of_epoch(updates: int) -> int:
    """Updates after which progress is told: a pass, at most 200; of texts that are read in a few, several passes.

    >>> updates_of_epoch(1000), updates_of_epoch(50), updates_of_epoch(3)
    (200, 50, 21)
    """
    return min(updates, UPDATES_OF_EPOCH) if updates >= FEW else updates * -(-FEW // updates)


def _resolved(plan: Plan, reading: Reading, options: Options) -> dict[str, Any]:
    """The choices that can be told in words, as options that make them again whatever the defaults are then."""
    named = {"network": plan.spec, "dropout": plan.dropout}
    named = named if isinstance(options.network, (str, type(None))) else {}
    steps = {"learning_rate": plan.rate, "optimizer": plan.method}
    steps = steps if isinstance(options.optimizer, (str, type(None))) else {}
    counts = {"epochs": plan.epochs, "batch_size": reading.streams, "window": reading.window}
    return named | steps | counts | {"patience": plan.patience}
