"""Files of pairs: texts and what is written for each, pictures and their captions, sentences and their tags."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from backlit.data.files.source import place
from backlit.data.from_column import AS_IT_STANDS, FromColumn, files_of, texts_in
from backlit.data.pictures import Pictures, read, shown
from backlit.data.splitting import split
from backlit.data.table.target import as_names
from backlit.data.text.tagged import is_tagged, read_tagged
from backlit.data.text.texts import Texts
from backlit.data.text.tokenizer import Unit
from backlit.data.text.units import UNITS
from backlit.data.textual import as_texts
from backlit.engine.cache import pictures_folder
from backlit.errors import InputError, unknown
from backlit.languages import Template
from backlit.nn.layer import Layer
from backlit.nn.spec.sequences import Writer, for_captions
from backlit.settings import option, same
from backlit.tasks.options import DATA, Options
from backlit.tasks.pictures import PicturesTask, height_and_width
from backlit.tasks.plan import first_layers
from backlit.tasks.sequences import NETWORK, Pairs, SequencesTask
from backlit.tasks.table import Laid, Tabular, read_table
from backlit.tasks.task import Parts, Progress
from backlit.tasks.texts import TextsTask
from backlit.train.targets import TextTargets

LONG = 64  # characters from which on texts are taken by words
OFTEN = 5  # times that a caption's words occur, in the mean, to be taken whole
WRITES, EYE = "gru:128", "cnn gru:128"  # networks for texts and for pictures, if the user names none
ACTIVATION = "relu"
FORMS = ("text", "tags")

EMPTY = Template(
    "{count} rows are left out: a text, or what is to be made of it, is empty",
    "글이나 그 짝이 빈 {count}개를 뺐습니다.",
)
TOGETHER = Template(
    "{count} rows have an input that occurs more than once: such rows stay in one part",
    "입력이 같은 데이터가 {count}개 있어, 같은 것끼리 한쪽(학습·검증·테스트)에 모았습니다.",
)
COUNTED = Template(
    "{rows} pairs; the longest input has {longest} {what}, the longest text to write {steps}",
    "{rows}쌍, 가장 긴 입력은 {what} {longest}개, 써야 할 가장 긴 글은 {steps}개",
)
MOVED = Template(
    "{count} sentences with a rare tag are learned from, so that each tag is",
    "드문 태그가 있는 문장 {count}개는 빠짐없이 배우도록 학습에 씁니다.",
)
TAGGED = Template(
    "{rows} sentences of {words} words, {tags} different tags",
    "문장 {rows}개, 단어 {words}개, 서로 다른 태그 {tags}가지",
)
ALBUM = Template(
    "{count} pictures, brought to {height} × {width} (height × width), each with its text",
    "글이 붙은 그림 {count}장, {height} × {width}(높이 × 너비)로 맞춤",
)


@dataclass(eq=False)
class FilePairs(Pairs):
    """Pairs of a file; `form` may be "pictures", too.

    Attributes
    ----------
    columns, target : tuple of str
        Where they stand; empty for files of tagged sentences.
    formats : mapping of column to format
    given : list of str
        The inputs as the file has them.
    white : int
        Of pictures of sixteen bits.
    """

    columns: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    formats: Mapping[str, str] = field(default_factory=dict)
    given_as: list[str] = field(default_factory=list)
    white: int = 0


@dataclass(frozen=True, repr=False)
class PairsTask(Laid, SequencesTask):
    """Pairs in a file: texts and the texts to write for them, pictures and captions, sentences and tags.

    Parameters
    ----------
    to : "text" or "tags"
        What is made of a row; told for pictures, and for files of tagged sentences (.conll, .conllu, .iob, .bio).
    target : str
        The column of what is to be written: texts, or tags with spaces between them. Of a file of tagged sentences the
        number of the tags' column; by default the last.
    text : str or list of str
        The column of texts to read; of a file of tagged sentences the number of the words' column.
    picture : str
        The column of picture files, named from the table's folder on, in place of texts.
    size : int or (height, width), optional
        As for pictures.
    tokens : "characters", "words", "bytes", "syllables" or "jamo", optional
        Of texts, read and written: words where texts are longer than 64 characters, or captions of words that come
        again, else characters. Words that are tagged stand between spaces.
    attention : "dot", "additive" or "none", optional
        Where each written token looks: for texts by default dot.
    """

    kind = "captions, translations and tags"
    source = "tables"
    hint = "say what is to be made of each row with to"
    refusal = "{name} doesn't apply to sequences that are written or tagged; leave it out"
    reasons = MappingProxyType(
        {
            "columns": "columns says what a table's columns are; with to, only text or pictures are learned from",
            "group": "rows of the same input stay together by themselves; group is for tables and for classes of texts",
            "task": "with to there is no task: text is written, or words are tagged",
        }
    )

    updates, waits, least = 3000, 8, 0.002  # a loss that falls further makes no text better

    to: str | None = same(SequencesTask, "to", None)  # type: ignore[assignment]
    target: str | Sequence[str] = same(Tabular, "target")
    text: str | Sequence[str] = same(TextsTask, "text")
    picture: str | None = option(
        None, panel=DATA, help="Column with the names of picture files, for which the target's texts are written"
    )
    size: int | tuple[int, int] | None = same(PicturesTask, "size")
    tokens: str | None = same(TextsTask, "tokens")  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.to is None and self.picture is not None:
            object.__setattr__(self, "to", "text")
        if self.to not in FORMS:
            raise unknown("to (what is made of each row)", str(self.to), FORMS)
        if self.attention == "none":
            object.__setattr__(self, "attention", None)
        elif self.attention is None and self.to == "text" and self.picture is None:
            object.__setattr__(self, "attention", "dot")
        super().__post_init__()
        if self.tokens is not None and self.tokens not in UNITS:
            raise unknown("unit of text", self.tokens, UNITS)
        if self.picture is not None and (self.text or self.to != "text"):
            raise InputError("picture names the column to write about: leave out text, and to tags")
        if self.picture is not None and self.attention is not None:
            raise InputError("attention looks at the steps of a sequence; a picture has none: leave it out")

    def read(self, data: Any, progress: Progress | None = None) -> FilePairs:
        """The pairs of a file, or of a data frame."""
        if self.to == "tags" and isinstance(data, (str, Path)) and self._in_lines(data):
            return self._sentences(Path(data))
        names, columns = as_names(self.target), (self.picture,) if self.picture else as_names(self.text)
        if not columns or not columns[0]:
            raise InputError("say which column is to be read: text COLUMN, or picture COLUMN for picture files")
        if len(names) != 1:
            raise InputError(f"say which one column holds the {self.to} to be learned: target COLUMN")
        told = {} if self.missing is not None else dict.fromkeys((*columns, *names), AS_IT_STANDS)
        name, frame, formats, notes = read_table(data, self.reading, progress, told)
        written = texts_in(frame, names)
        if self.picture:
            folder = Path(data).parent if isinstance(data, (str, Path)) else None
            material = self._captioned(frame, written, folder, progress)
        else:
            where = partial(place, data, formats=formats) if isinstance(data, (str, Path)) else "row {}".format
            material = self._texts(frame, columns, written, where)
        notes += material.notes
        unused = [column for column in frame.columns if column not in (*columns, *names)]
        if unused:
            more = f" and {len(unused) - 5} more" if len(unused) > 5 else ""
            notes.append(f"not used: {', '.join(unused[:5])}{more}")
        kept = {column: way for column, way in formats.items() if column in (*columns, *names, "")}
        return dataclasses.replace(material, name=name, notes=notes, columns=columns, target=names, formats=kept)

    def _in_lines(self, path: str | Path) -> bool:
        """Whether a file has a line for each word, and no columns of whole sentences."""
        named = [*as_names(self.text), *as_names(self.target)]
        return is_tagged(path) or not named

    def _sentences(self, path: Path) -> FilePairs:
        """A file with a line for each word."""
        places = [_place(names, what) for names, what in ((self.text, "text"), (self.target, "target"))]
        sentences, tags, notes = read_tagged(path, self.encoding, *places)
        raw = np.empty(len(sentences), dtype=object)
        raw[:] = sentences
        return self._tagged(path.name.split(".")[0], raw, tags, notes)

    def _tagged(self, name: str, raw: np.ndarray, tags: Sequence[Sequence[str]], notes: list[str]) -> FilePairs:
        y = self.targets(raw, tags)
        count = sum(map(len, raw))
        told = TAGGED.say(rows=len(raw), words=count, tags=len(set(y[y != ""].tolist())))
        return FilePairs(name, raw, y, "tags", [*notes, told], form="symbols")

    def _texts(self, frame: Any, columns: Sequence[str], written: list[str], where: Callable[[int], str]) -> FilePairs:
        """Rows with a text, and with what is to be made of it."""
        texts = texts_in(frame, columns)
        full = [row for row, pair in enumerate(zip(texts, written, strict=True)) if all(pair)]
        if not full:
            raise InputError(f"columns {columns[0]!r} and {as_names(self.target)[0]!r}: no row has both")
        notes: list[str] = [EMPTY.say(count=len(texts) - len(full))] if len(full) < len(texts) else []
        raw = np.empty(len(full), dtype=object)
        if self.to == "tags":
            apart = self.tokens in (None, "words")
            raw[:] = [texts[row].split() if apart else texts[row] for row in full]
            tags = [written[row].split() if apart or " " in written[row] else list(written[row]) for row in full]
            for row, tokens, row_tags in zip(full, raw, tags, strict=True):
                if len(tokens) != len(row_tags):
                    raise InputError(
                        f"{where(row)}: {len(tokens)} {'words' if apart else 'characters'} and {len(row_tags)} tags; "
                        "each needs one, with spaces between them"
                    )
            return dataclasses.replace(self._tagged("", raw, tags, notes), form="symbols" if apart else "texts")
        raw[:] = [texts[row] for row in full]
        y = as_texts([written[row] for row in full])
        longest, steps = max(map(len, raw)), max(map(len, y.tolist()))
        notes.append(COUNTED.say(rows=len(full), longest=longest, what="characters", steps=steps))
        return FilePairs("", raw, y, "text", notes)

    def _captioned(self, frame: Any, written: list[str], folder: Path | None, progress: Progress | None) -> FilePairs:
        """Pictures with what is to be written of them."""
        assert self.picture is not None  # noqa: S101, see `read`
        full = np.array([bool(text) for text in written])
        if not full.any():
            raise InputError(f"column {as_names(self.target)[0]!r}: every text is empty")
        notes: list[str] = [] if full.all() else [EMPTY.say(count=int((~full).sum()))]
        paths = files_of(frame.filter(full), self.picture, folder)
        size = None if self.size is None else height_and_width(self.size)
        album = read(paths, size, cache=pictures_folder(), progress=progress)
        y = as_texts([text for text in written if text])
        notes.append(ALBUM.say(count=len(y), height=album.form.height, width=album.form.width))
        return FilePairs(
            "", album.pixels, y, "text", notes, form="pictures", given_as=[shown(path) for path in paths],
            white=album.form.white,
        )  # fmt: skip

    def split(self, material: Any, fractions: Sequence[float], seed: int) -> tuple[Parts, list[str]]:
        """Parts by chance; rows of the same input stay in one part."""
        told = [picture.tobytes() for picture in material.raw] if material.form == "pictures" else material.raw
        codes: dict[Any, int] = {}
        groups = np.array([codes.setdefault(one if isinstance(one, bytes) else str(one), len(codes)) for one in told])
        several = int((np.bincount(groups)[groups] > 1).sum())
        if len(codes) < len(fractions):
            raise InputError(
                f"{material.name} has {len(codes)} different inputs: too few for its parts; give more rows"
            )
        train, validation, *rest = split(len(groups), fractions, seed=seed, groups=groups if several else None)
        notes: list[str] = [TOGETHER.say(count=several)] if several else []
        test = rest[0] if rest else np.arange(0)
        if self.to == "tags":
            train, (validation, test), more = _with_all_tags(material.y, train, (validation, test))
            notes += more
        return Parts(train, validation, test, material.raw[test], material.y[test]), notes

    def unit(self, texts: Sequence[str]) -> Unit:
        """What texts are split into: characters, unless they are long, or are captions of words that come again."""
        unit: Any = self.tokens
        if unit is None and self.picture:
            words = [word for text in texts for word in text.split()]
            unit = "words" if len(texts) < len(words) >= OFTEN * len(set(words)) else "characters"
        elif unit is None:
            unit = "characters" if np.quantile([len(text) for text in texts], 0.9) <= LONG else "words"
        return unit

    def prepare(self, material: Any, rows: np.ndarray) -> Any:
        """How the columns become numbers."""
        if material.form == "pictures":
            inner: Any = Pictures.learn(material.raw[rows], material.white)
        else:
            inner = super().prepare(material, rows)
        return FromColumn(inner, material.columns, material.target, material.formats)

    @property
    def usual(self) -> str:
        """The network, if the user names none."""
        return EYE if self.picture else WRITES if self.to == "text" else NETWORK

    def network(
        self, material: Any, preparation: Any, encoding: TextTargets | None, options: Options
    ) -> tuple[Layer, str]:
        """The network for the shape, and what it is in words."""
        inner = preparation.inner
        if isinstance(inner, Texts):
            return super().network(material, inner, encoding, options.replace(network=options.network or self.usual))
        spec, dropout = options.network or self.usual, options.dropout or 0.0
        assert encoding is not None  # noqa: S101, pictures are written about
        if not isinstance(spec, str):
            return super().network(material, None, encoding, options)
        writer = Writer(encoding.tokenizer.size, encoding.steps)
        first = first_layers(inner, None, inner.form.shape, None)
        return for_captions(spec, inner.form.shape, writer, ACTIVATION, dropout, first), f"{spec} that writes"

    def shown(self, material: Any, rows: np.ndarray) -> list[Any]:
        """Inputs as people know them."""
        return [material.given_as[row] for row in rows] if material.given_as else list(material.raw[rows])


def _with_all_tags(
    y: np.ndarray, train: np.ndarray, others: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, list[np.ndarray], list[str]]:
    """Sentences with a tag that no training sentence has are learned from, too: nobody could foretell it."""
    known = np.asarray(np.isin(y, np.unique(y[train])).all(axis=1))
    moved = np.concatenate([rows[~known[rows]] for rows in others])
    if not len(moved):
        return train, list(others), []
    train = np.sort(np.concatenate([train, moved]))
    return train, [rows[known[rows]] for rows in others], [MOVED.say(count=len(moved))]


def _place(names: str | Sequence[str], what: str) -> int | None:
    """The number of a column, if there is one."""
    given = as_names(names)
    if not given or not given[0]:
        return None
    if len(given) > 1 or not given[0].isdecimal() or int(given[0]) < 1:
        raise InputError(
            f"{what} {', '.join(given)}: a file of tagged sentences has no names of columns; give the column's number, "
            "from 1"
        )
    return int(given[0])
