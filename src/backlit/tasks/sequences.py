"""Sequences of different length: one answer for each, one for each of its tokens, or another sequence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, ClassVar

import numpy as np

from backlit.data.splitting import split
from backlit.data.text import Symbols, Texts, Tokenizer
from backlit.data.text.tokenizer import Unit
from backlit.data.textual import array_of, as_texts
from backlit.errors import InputError, ShapeError, unknown
from backlit.languages import Template
from backlit.nn.layer import Layer
from backlit.nn.spec.sequences import Writer, for_sequences, writing_cell
from backlit.nn.spec.transformer import is_transformer
from backlit.settings import option
from backlit.tasks.judge.scores import best_guess, judge
from backlit.tasks.judge.written import SHOWN, judge_texts, no_better, usual_text
from backlit.tasks.options import DATA, Call, Options
from backlit.tasks.plan import wished
from backlit.tasks.split import alike, copies_of, together
from backlit.tasks.task import FOR_ROWS, PLAN, Material, Parts, Plan, Progress, Task, seconds_left
from backlit.tasks.warm_up import OPTIMIZER as WARMED
from backlit.tasks.warm_up import RATE as WARMED_RATE
from backlit.tasks.warm_up import warm_up, warm_up_told
from backlit.train.callbacks import EarlyStopping
from backlit.train.judgement import Example, Judgement
from backlit.train.recipe import Recipe
from backlit.train.result import Result
from backlit.train.targets import TextTargets
from backlit.train.training import NETWORK as HEADING
from backlit.train.training import Training

SHAPES = ("class", "tags", "text")
OPTIMIZER, RATE, NETWORK = "adam", 0.003, "lstm:128"
WORDS = 10_000  # of a vocabulary of words
MANY = 1 << 26  # outputs of an epoch: with more, metrics that need them all would take too much memory
TOKENS_MOST_FREQUENT = Template("each token's most frequent tag", "토큰마다 가장 흔한 태그")


@dataclass(eq=False)
class Pairs(Material):
    """Sequences and what is to be made of them; `form` is "texts", "symbols" or "numbers"."""

    form: str = "texts"


@dataclass(frozen=True, repr=False)
class SequencesTask(Task):
    """Sequences, and a class, a tag for each token, or a text for each of them.

    Parameters
    ----------
    to : "class", "tags" or "text"
        What is made of a sequence.
    tokens : "characters", "words", "bytes", "syllables" or "jamo"
        Of texts, read and written.
    attention : "dot" or "additive", optional
        For ``to="text"`` from sequences: each token looks at the input's steps (`Run.write` returns where).
    """

    kind = "sequences"
    source = "sequences"
    without = FOR_ROWS
    refusal = "fit_sequences doesn't take {name}; leave it out"

    updates: ClassVar[int] = 6000  # after about so many, small networks have learned what they can
    waits: ClassVar[int] = 4  # so many times the usual patience are the epochs
    least: ClassVar[float] = 0.0  # of the loss on held-out rows: what counts as improvement

    to: str = option(
        panel=DATA,
        help="What is made of each row: text (another text is written, such as a translation or an answer) or tags "
        "(one for each word)",
    )
    tokens: str = option("characters")
    attention: str | None = option(
        None, panel=HEADING, help="Where each written token looks: dot (for texts the default), additive or none"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.to not in SHAPES:
            raise unknown("to of fit_sequences", self.to, SHAPES)
        if self.attention and self.to != "text":
            raise InputError(f'attention is for to="text"; to={self.to!r} has nothing that writes')

    def read(self, data: tuple[Any, Sequence[Any]], progress: Progress | None = None) -> Pairs:
        """Inputs and targets, one of each a row."""
        given, y = data
        x, form = _inputs(given)
        if len(x) != len(y):
            raise ShapeError(f"x has {len(x)} rows and y {len(y)}: they must be equal")
        if form != "numbers":
            empty = next((row for row, sequence in enumerate(x) if not len(sequence)), None)
            if empty is not None:
                raise InputError(f"row {empty} is empty: there is nothing to read; leave it out")
        task = "classification" if self.to == "class" else self.to
        copies = copies_of([row.tobytes() if form == "numbers" else "\0".join(row) for row in x])
        notes = [] if copies is None else [together(copies)]
        return Pairs("sequences", x, self.targets(x, y), task, notes, form=form, copies=copies)

    def targets(self, x: np.ndarray, y: Sequence[Any]) -> np.ndarray:
        """Classes or texts (rows,), or tags (rows, time) with "" for padding."""
        if self.to == "class":
            return array_of(y)
        if self.to == "text":
            wrong = next((i for i, text in enumerate(y) if not isinstance(text, str)), None)
            if wrong is not None:
                raise InputError(f'y: row {wrong} is {y[wrong]!r}; to="text" needs texts')
            return as_texts(list(y))
        tags = [list(row) for row in y]
        for i, (row, row_tags) in enumerate(zip(x, tags, strict=True)):
            if len(row) != len(row_tags):
                raise InputError(f"row {i} has {len(row)} tokens and {len(row_tags)} tags; each token needs one")
            if "" in row_tags:
                raise InputError(f"row {i} has an empty tag; name what has no tag, such as 'O'")
        filled = np.full((len(tags), max(map(len, tags))), "", dtype=object)
        for line, row_tags in zip(filled, tags, strict=True):
            line[: len(row_tags)] = [str(tag) for tag in row_tags]
        return as_texts(filled.ravel().tolist()).reshape(filled.shape)

    def split(self, material: Any, fractions: Sequence[float], seed: int) -> tuple[Parts, list[str]]:
        """Parts by chance, equal sequences in one of them; without test rows, validation rows judge as well."""
        train, validation, *rest = alike(
            material.copies, len(material.raw), lambda rows: split(len(rows), fractions, seed=seed)
        )
        test = rest[0] if rest else np.arange(0)
        return Parts(train, validation, test, material.raw[test], material.y[test]), []

    def prepare(self, material: Any, rows: np.ndarray) -> Texts | None:
        """How sequences become numbers; tokens are learned from training rows, the length from all."""
        if material.form == "numbers":
            return None
        x = material.raw
        tokenizer: Any = Symbols.learn(x[rows]) if material.form == "symbols" else self.learned(x[rows].tolist())
        return Texts(tokenizer, tokenizer.encode_all(x.tolist())[0].shape[1])

    def unit(self, texts: Sequence[str]) -> Unit:
        """What texts are split into."""
        unit: Any = self.tokens
        return unit

    def learned(self, texts: Sequence[str]) -> Tokenizer:
        """The tokens of training texts."""
        unit = self.unit(texts)
        return Tokenizer.learn(texts, unit, WORDS if unit == "words" else None)

    def writing(self, material: Any, rows: np.ndarray) -> TextTargets | None:
        """How texts that are written become numbers; alike."""
        if self.to != "text":
            return None
        tokenizer = self.learned(material.y[rows].tolist())
        return TextTargets(tokenizer, tokenizer.encode_all(material.y.tolist(), end=True)[0].shape[1])

    def network(
        self, material: Any, preparation: Texts | None, encoding: TextTargets | None, options: Options
    ) -> tuple[Layer, str]:
        """The network for the shape, and what it is in words."""
        x, spec = material.raw, options.network or NETWORK
        if preparation is None and x.ndim != 3 and isinstance(spec, str) and self.to != "text":
            raise ShapeError(
                f"x of shape {x.shape} holds no sequences; expected texts, lists, or (rows, time, features)"
            )
        label = spec if isinstance(spec, str) else repr(spec)
        writer = None
        if encoding is not None:
            writer = Writer(encoding.tokenizer.size, encoding.steps, self.attention)
            cell = writing_cell(spec)[0].removeprefix("bi")
            label += f" → {cell} that writes" + (f", {self.attention} attention" if self.attention else "")
        network = for_sequences(
            spec,
            x.shape[1:],
            options.dropout or 0.0,
            vocabulary=None if preparation is None else preparation.tokenizer.size,
            tags=self.to == "tags",
            outputs=0 if self.to == "text" else len(set(material.y[material.y != ""].tolist())),
            writer=writer,
        )
        return network, label

    def plan(self, rows: int, network: Layer, spec: str, options: Options) -> Plan:
        """How a network is trained on so many rows; the rate falls to nothing, since it is too large at the end."""
        batch = int(np.clip(2 ** round(math.log2(max(rows, 1) / 32)), 4, 64))
        batch = rows if options.batch_size == "full" else options.batch_size or batch + -batch % options.devices
        epochs = options.epochs or int(np.clip(self.updates // max(1, rows // batch), 10, 200))
        method, rate = (WARMED, WARMED_RATE) if is_transformer(options.network) else (OPTIMIZER, RATE)
        optimizer, rate = options.steps(method, rate)
        fixed = options.optimizer is None or isinstance(options.optimizer, str)
        return Plan(
            network=wished(network, options),
            spec=spec,
            batch_size=batch,
            epochs=epochs,
            patience=max(5, epochs // self.waits) if options.patience is None else options.patience,
            rate=rate,
            dropout=options.dropout or 0.0,
            optimizer=optimizer,
            penalty=options.penalty,
            schedule=options.schedule
            or warm_up(options.network, max(1, rows // batch), epochs, options)
            or ("cosine" if fixed else None),
            method=options.optimizer or method,
        )

    def recipe(self, material: Any, options: Options, call: Call) -> tuple[Recipe, dict[str, Any]]:
        """What is to be trained on the training rows, and judged on the others."""
        self.check(options)
        parts, notes = self.split(material, options.split, options.seed)
        notes = [*material.notes, *notes, *warm_up_told(options.network, options)]
        call.tell(notes)
        preparation, encoding = self.prepare(material, parts.train), self.writing(material, parts.train)
        plan = self.plan(len(parts.train), *self.network(material, preparation, encoding, options), options)
        x, y = material.raw, material.y
        training = Training(
            loss=plan.loss, metrics=self.metrics(len(x), encoding),
            optimizer=plan.optimizer, epochs=plan.epochs, batch_size=plan.batch_size,
            validation=(x[parts.validation], y[parts.validation]), preparation=preparation,
            encoding=encoding, seed=options.seed, engine=options.engine, precision=options.precision,
            devices=options.devices, shard=options.shard,
            penalty=plan.penalty, schedule=plan.schedule, average_every=options.average_every,
            early_stopping=self.stopping(plan),            time_limit=seconds_left(options, call),
        )  # fmt: skip
        finish = partial(self.judge, material=material, parts=parts, plan=plan, notes=notes)
        return Recipe(plan.network, x[parts.train], y[parts.train], training, finish), self.resolved(plan, options)

    def stopping(self, plan: Plan) -> EarlyStopping | None:
        """When training ends before its time."""
        return EarlyStopping(plan.patience, min_delta=self.least) if plan.patience else None

    def metrics(self, rows: int, encoding: TextTargets | None) -> list[str]:
        """What is measured in each epoch; of very many outputs only what follows from the loss."""
        if encoding is not None and rows * encoding.steps * encoding.tokenizer.size > MANY:
            return ["perplexity"]
        return ["accuracy"] if self.to == "class" else ["accuracy", "sequence_accuracy"]

    @property
    def usual(self) -> str:
        """The network, if the user names none."""
        return NETWORK

    def resolved(self, plan: Plan, options: Options) -> dict[str, Any]:
        """The choices that can be told in words, as options that make them again whatever the defaults are then."""
        counts = {"epochs": plan.epochs, "batch_size": plan.batch_size or "full", "patience": plan.patience}
        named = {} if isinstance(options.network, Layer) else {"network": options.network or self.usual}
        steps = {"learning_rate": plan.rate, "optimizer": plan.method}
        return counts | named | (steps if isinstance(options.optimizer, (str, type(None))) else {})

    def judge(self, run: Result, material: Any, parts: Parts, plan: Plan, notes: Sequence[str] = ()) -> Result:
        """The run with its scores on held-out rows, beside what guessing achieves."""
        rows = parts.test if len(parts.test) else parts.validation
        run.judgement = self.scored(run, material, parts.train, rows).replace(
            parts={"training": len(parts.train), "validation": len(parts.validation), "test": len(parts.test)},
            judged_on="test" if len(parts.test) else "validation",
            plan=PLAN.say(what=f"{plan.spec}, {run.optimizer}", batch_size=plan.batch_size, epochs=plan.epochs),
            notes=tuple(notes),
        )
        return run

    def scored(self, run: Result, material: Any, train: np.ndarray, rows: np.ndarray) -> Judgement:
        """Scores on rows, and what a guess that knows the training rows scores there."""
        x, y = material.raw, material.y
        if self.to == "class":
            guess = best_guess(run, "classification", y[train])
            return judge(run, "classification", guess, run.outputs(x[rows]), y[rows])
        given = None if material.form == "numbers" else [_told(one) for one in self.shown(material, rows[:SHOWN])]
        if self.to == "text":
            return judge_texts(run, x[rows], y[rows], usual_text(y[train]), given)
        scores, baseline = run.evaluate(x[rows], y[rows]), _usual_tags(x, y, train, rows)
        tagged: Any = [] if given is None else run.predict(x[rows[:SHOWN]])
        truth = [" ".join(tags[tags != ""]) for tags in y[rows[:SHOWN]]]
        return Judgement(
            task="tags",
            rows=len(rows),
            scores=scores,
            baseline=baseline,
            warnings=no_better(scores, baseline, baseline["what"], "accuracy"),
            examples=None if given is None else tuple(map(Example, given, truth, map(" ".join, tagged))),
        )

    def shown(self, material: Any, rows: np.ndarray) -> list[Any]:
        """Inputs as people know them."""
        return list(material.raw[rows])


def _told(given: Any) -> str:
    return given if isinstance(given, str) else " ".join(map(str, given))


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
            "x must hold texts, lists of symbols (text), or numbers in one shape; shorter sequences of numbers are "
            "filled up by bl.pad_sequences(x)"
        ) from error
    return numbers, "numbers"


def _usual_tags(x: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> dict[str, Any]:
    """Each token's most frequent tag, or the most frequent of all."""
    counts: dict[Any, dict[str, int]] = {}
    total: dict[str, int] = {}
    for i in train:
        for token, tag in zip(x[i], y[i], strict=False):
            of_token = counts.setdefault(_hashable(token), {})
            of_token[tag] = of_token.get(tag, 0) + 1
            total[tag] = total.get(tag, 0) + 1
    usual = max(total.items(), key=itemgetter(1))[0]
    best = {token: max(of_token.items(), key=itemgetter(1))[0] for token, of_token in counts.items()}
    right = [[best.get(_hashable(token), usual) == tag for token, tag in zip(x[i], y[i], strict=False)] for i in test]
    return {
        "what": TOKENS_MOST_FREQUENT.say(),
        "accuracy": float(np.mean([hit for row in right for hit in row])),
        "sequence_accuracy": float(np.mean([all(row) for row in right])),
    }


def _hashable(token: Any) -> Any:
    return token if isinstance(token, str) else bytes(np.asarray(token).tobytes())
