"""Texts in a column of a table: what they are about, not what comes next."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from backlit.data.from_column import AS_IT_STANDS
from backlit.data.preparation import Preparation
from backlit.data.table.target import as_names
from backlit.data.text import TextColumn
from backlit.data.text.preparation import texts_of, unit_for
from backlit.data.text.subwords import Subwords
from backlit.data.text.tokenizer import SPECIAL
from backlit.data.text.units import UNITS
from backlit.data.text.vectors import Vectors, read_vectors
from backlit.errors import InputError, unknown
from backlit.languages import Template
from backlit.nn.layer import Layer, Network, Shape
from backlit.nn.layers.embedding import Embedding
from backlit.nn.pretrained import with_vectors
from backlit.nn.spec.sequences import for_texts
from backlit.settings import option, same
from backlit.tasks.options import DATA, Call, Options
from backlit.tasks.plan import Ends, Usual
from backlit.tasks.rows import Common, Setting
from backlit.tasks.split import ALL_DIFFERENT, copies_of, together
from backlit.tasks.table import Table, TableTask, Tabular, read_rows
from backlit.tasks.task import Parts, Plan, Progress
from backlit.train.recipe import Recipe
from backlit.train.result import Result
from backlit.train.training import NETWORK

# What did best on the sources of Python packages (which one, comment or code) and on translations (which language).
BAG, CNN = "bag:64", "cnn:128"
IN_PIECES = ("words", "syllables", "characters")  # units beside which pieces are learned
BAG_RATE, CNN_RATE, DROPOUT = 0.01, 0.003, 0.2
FEW = 20  # rows from which on texts that differ nearly all are no classes
EPOCHS = 60  # the rows are learned by heart after a few


SEEN = Template(
    "{seen} of {count} test texts also stand among the training texts: the score counts what was only remembered",
    "테스트(test) 글 {count}개 가운데 {seen}개가 학습 글에도 있습니다. 점수에 외운 것이 섞여 있습니다.",
)
NAIVE_BAYES = {
    unit: Template(f"naive Bayes, {unit}", f"나이브 베이즈({korean})")
    for unit, korean in (
        ("words", "단어"), ("characters", "글자"), ("syllables", "음절"), ("jamo", "자모"), ("bytes", "바이트"),
        ("subwords", "하위 단어"),
    )
}  # fmt: skip


COVERED = Template(
    "vectors of {features} numbers for {found} of {count} words, which are {share:.0%} of what the texts hold",
    "단어 {count}개 중 {found}개에 벡터(길이 {features})가 있고, 글에 나오는 단어의 {share:.0%}에 해당합니다.",
)


@dataclass(eq=False)
class TextTable(Table):
    """Rows with texts, what the texts are split into, and whether pieces of them are learned beside."""

    unit: str = "words"
    pieces: bool = True


@dataclass(frozen=True, repr=False)
class TextsTask(Tabular):
    """A column of texts, from which the target is predicted.

    Parameters
    ----------
    target, time, test, decimal, task, group :
        As for tables.
    text : str or list of str, optional
        Column of texts to predict from, instead of all columns; several are joined. See `TextColumn`.
    vectors : path, optional
        Word vectors to start from, of word2vec (text or binary) or GloVe; texts are split into words then.
    tokens : "words", "characters", "syllables", "jamo" or "bytes", optional
        What texts are split into; told from their script if left out.
    tokenizer : path or tokenizers.Tokenizer, optional
        A tokenizer.json in place of `tokens`, which is kept with the run: see `backlit.data.Subwords`.
    """

    kind = "texts"
    hint = "say which column holds them with text"
    reasons = MappingProxyType(
        {"columns": "columns says what a table's columns are; with text, only the texts are learned from"}
    )

    task: str | None = same(TableTask, "task")
    group: str | None = same(TableTask, "group")
    text: str | Sequence[str] = option(
        (), panel=DATA, help="Column of texts to predict from. Given several times, the texts are joined"
    )
    tokens: str | None = option(
        None,
        panel=DATA,
        help="What texts are split into: words, characters, syllables, jamo or bytes; by default told from their "
        "script for --text, and characters for a text to go on with",
    )
    tokenizer: Any = option(
        None,
        panel=DATA,
        help="A tokenizer.json of the library tokenizers, in place of tokens that are learned from DATA.",
    )
    vectors: Path | None = option(
        None,
        panel=NETWORK,
        help="Word vectors to start from: a file of word2vec (text or binary) or GloVe; --freeze embeddings keeps them",
    )

    def read(self, data: Any, progress: Progress | None = None) -> TextTable:
        """The rows whose targets are known, and what their texts are split into."""
        if self.tokens is not None and self.tokens not in UNITS:
            raise unknown("unit of text", self.tokens, UNITS)
        as_text = {} if self.missing is not None else dict.fromkeys(self._columns, AS_IT_STANDS)
        table = read_rows(self, data, self.task, self.group, progress, as_text)
        if table.task == "classification":
            self._require_classes(table.y)
        targets = as_names(self.target)
        if self.vectors is not None and self.tokens not in (None, "words"):
            raise InputError(f"vectors are of words; tokens {self.tokens} have none: leave out one of them")
        if self.tokenizer is not None and (self.tokens is not None or self.vectors is not None):
            other = "tokens" if self.tokens is not None else "vectors"
            raise InputError(f"a tokenizer says what texts are split into; leave it out, or {other}")
        unit = self._unit or unit_for(texts_of(table.raw, self._columns, targets))
        used = {*self._columns, *targets, self.group, self.time}
        unused = [name for name in table.raw.columns if name not in used]
        if unused:
            more = f" and {len(unused) - 5} more" if len(unused) > 5 else ""
            table.notes.append(f"only the text is learned from; not used: {', '.join(unused[:5])}{more}")
        copies = copies_of([" ".join(text.split()) for text in texts_of(table.raw, self._columns, targets)])
        free = table.groups is None and table.order is None
        if copies is not None and free:
            table.notes.append(together(copies))
        return TextTable(**vars(table) | {"copies": copies if free else None}, unit=unit)

    def _require_classes(self, y: np.ndarray) -> None:
        """Refuse texts to be written in place of classes: they hardly ever come twice."""
        different = len(np.unique(y))
        if self.task is None and len(y) >= FEW and different > len(y) / 2:
            raise InputError(
                f"target {as_names(self.target)[0]!r}: {different} of {len(y)} rows have different texts, no classes; "
                "to write such texts, say to 'text' (--to text)"
            )

    @property
    def _unit(self) -> str | None:
        if self.tokenizer is not None:
            return Subwords.unit
        return "words" if self.vectors is not None else self.tokens

    @property
    def _columns(self) -> tuple[str, ...]:
        return (self.text,) if isinstance(self.text, str) else tuple(self.text)

    def prepare(self, material: TextTable, rows: np.ndarray) -> Preparation:
        """Tokens of the training texts, as whole numbers."""
        unit: Any = self._unit if self.tokenizer is None else Subwords.of(self.tokenizer)
        column = TextColumn.learn(material.raw, self._columns, material.goal, rows, unit, material.formats)
        return column.with_pieces(material.raw, rows) if material.pieces and material.unit in IN_PIECES else column

    def recipe(self, material: TextTable, options: Options, call: Call) -> tuple[Recipe, dict[str, Any]]:
        """As for other rows."""
        return super().recipe(self._in_pieces(material, options), options, call)

    def common(self, material: TextTable, options: Options) -> Common:
        """As for other rows."""
        return super().common(self._in_pieces(material, options), options)

    def _in_pieces(self, material: TextTable, options: Options) -> TextTable:
        """Pieces are for networks that don't heed order, and have no vectors."""
        bag = options.network is None or (isinstance(options.network, str) and options.network.startswith("bag"))
        return dataclasses.replace(material, pieces=bag and self.vectors is None)

    def warnings(self, material: TextTable, parts: Parts, preparation: Preparation) -> list[str]:
        """How many test texts training has seen, though other people divided them, or times or groups did."""
        if not isinstance(preparation, TextColumn):
            return []
        other = material.test is not None
        texts = _contents(material.raw[parts.train], preparation)
        known = set(texts)
        judged = _contents(parts.raw_test if other else material.raw[parts.test], preparation)
        seen = sum(text in known for text in judged)
        distinct = len(known) >= ALL_DIFFERENT * max(len(texts), 1)
        told = [SEEN.say(seen=seen, count=len(judged))] if seen and distinct else []
        return told + self._coverage(material, parts, preparation)

    def usual(self, material: TextTable, rows: int, shape: Shape) -> Usual:
        """The mean of the tokens' and pieces' vectors, or convolutions over jamo and bytes."""
        if material.unit in IN_PIECES:
            return Usual(BAG, DROPOUT, BAG_RATE, EPOCHS)
        return Usual(CNN, DROPOUT, CNN_RATE, EPOCHS)

    def network(self, spec: str, ends: Ends, preparation: Preparation, options: Options) -> Layer:
        """The network that a spec describes, for rows of tokens."""
        assert isinstance(preparation, TextColumn)  # noqa: S101, what `prepare` makes
        tokenizer = preparation.tokenizer
        features = None if self.vectors is None else _known(Path(self.vectors), tokenizer.tokens).matrix.shape[1]
        return for_texts(spec, ends.outputs, ends.dropout, preparation.size, tokenizer.unit, features)

    def plan(
        self, material: Any, rows: np.ndarray, preparation: Preparation, options: Options, members: int = 1
    ) -> Plan:
        """What is to be trained, from the known vectors on."""
        plan = super().plan(material, rows, preparation, options, members)
        if self.vectors is None or not isinstance(preparation, TextColumn) or isinstance(plan.network, Network):
            return plan
        tokenizer = preparation.tokenizer
        network = plan.network.build((preparation.length,), seed=options.seed)
        layer = next((path for path, part in plan.network.walk() if isinstance(part, Embedding)), None)
        if layer is None:
            raise InputError(f"vectors start an embedding, and {plan.spec} has none")
        network, _ = with_vectors(network, layer, tokenizer, _known(Path(self.vectors), tokenizer.tokens), options.seed)
        return dataclasses.replace(plan, network=network)

    def _coverage(self, material: Any, parts: Parts, preparation: TextColumn) -> list[str]:
        """How many words have a vector, if there are vectors."""
        if self.vectors is None:
            return []
        tokens = preparation.tokenizer.tokens
        vectors = _known(Path(self.vectors), tokens)
        words = {*vectors.words}
        found = np.array([False] * SPECIAL + [word in words for word in tokens])
        read = preparation.apply(material.raw[parts.train])
        share = float(found[read[read > 0]].mean())
        features = vectors.matrix.shape[1]
        return [COVERED.say(features=features, found=int(found.sum()), count=len(tokens), share=share)]

    def is_small(self, material: TextTable, network: Any) -> bool:
        """Whether several such networks may be trained in the time of one that is large."""
        if self.vectors is not None:  # members would all start alike
            return False
        spec = network or (BAG if material.unit in IN_PIECES else CNN)
        return isinstance(spec, str) and spec.partition(":")[0] == "bag"

    def rivals(self, run: Result, setting: Setting, raw: Any) -> Mapping[str, np.ndarray]:
        """What naive Bayes on counts of the tokens, without their order, says of unseen rows: (rows, classes)."""
        from sklearn.naive_bayes import MultinomialNB

        rows = setting.parts.train
        codes = run.targets.labels.encode(setting.material.y[rows])
        model = MultinomialNB().fit(_counts(run, setting.material.raw[rows]), codes)
        return {NAIVE_BAYES[run.preparation.tokenizer.unit].say(): model.predict_proba(_counts(run, raw))}


@lru_cache(maxsize=1)
def _known(path: Path, words: tuple[str, ...]) -> Vectors:
    return read_vectors(path, words)


def _contents(frame: Any, preparation: TextColumn) -> list[str]:
    """The text of each row, white space aside."""
    return [" ".join(text.split()) for text in texts_of(frame, preparation.columns)] if len(frame) else []


def _counts(run: Result, raw: Any) -> Any:
    """How often each token occurs in each text, sparse (rows, tokens)."""
    from scipy.sparse import csr_matrix

    tokens = run.preparation.apply(raw)[:, : run.preparation.length]
    real = tokens != 0
    starts = np.concatenate([[0], np.cumsum(real.sum(axis=1))])
    occurring = tokens[real]
    shape = (len(tokens), run.preparation.tokenizer.size)
    return csr_matrix((np.ones(len(occurring), np.float32), occurring, starts), shape=shape)
