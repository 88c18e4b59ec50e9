"""TextColumn: a table's texts as rows of token numbers, learned on training rows only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from backlit.data.files import read_source
from backlit.data.preparation import Preparation
from backlit.data.table.target import TableTarget
from backlit.data.table.values import as_polars, column_of, words
from backlit.data.text.pieces import Pieces
from backlit.data.text.subwords import Subwords
from backlit.data.text.texts import tokenizer_from
from backlit.data.text.tokenizer import END, UNKNOWN, Tokenizer, Unit
from backlit.errors import InputError, unknown
from backlit.languages import Template, join
from backlit.schema import fitted, parts

PERCENTILE = 95  # of the training texts' lengths: so many aren't cut
LONGEST = {"words": 256}  # tokens of a row at most
LONGEST_OTHERWISE = 512
MOST = 20_000  # tokens that are learned
SEEN = 2  # a token that occurs but once teaches what unknown ones mean
SAMPLE = 1000  # texts that tell the script
SPANS = {"words": (3, 5)}  # characters of a piece, beside words; single ones are in other tokens already
SPAN = (2, 4)
MAINLY = 0.3  # share of the letters from which a text is taken to be in their script

TOKENS = Template(
    "{count} {unit}, the first {length} of each text", "{count}종류의 토큰(token), 글마다 앞의 {length}개"
)
IN_PIECES = Template(
    "beside them {count} pieces of {least} to {most} characters",
    "이와 함께 글자 {least}~{most}개로 된 조각 {count}종류",
)
LONGER = Template("{share:.1%} of the texts are longer", "글의 {share:.1%}{은/는} 그보다 김")

HANGUL = re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")  # Thai … Han


@dataclass(frozen=True)
class TextColumn(Preparation):
    """Turns a data frame's texts into whole numbers (rows, length); fitted on the training rows, saved with the run.

    White space in a row counts as one space; words are taken in lower case. Several columns are joined. Of a text that
    is longer than `length` tokens the end is cut off; a text without any token becomes one END.

    Attributes
    ----------
    columns : tuple of str
    tokenizer : Tokenizer or Subwords
    length : int
    pieces : Pieces, optional
        Characters in a row that are learned beside the tokens: their numbers follow the tokenizer's, and stand behind
        the tokens in a row.
    missing, cut : float
        Share of the training texts that were empty, and of those that were cut.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"review": ["Good, good film", "bad  film", None]})
    >>> column = TextColumn.learn(frame, "review", length=4)
    >>> column.tokenizer.tokens
    ('film', 'good')
    >>> column.apply(frame).tolist()
    [[5, 1, 5, 4], [1, 4, 0, 0], [3, 0, 0, 0]]
    """

    strange: ClassVar[str] = "nothing but tokens"  # what `unseen` counts, in a sentence

    columns: tuple[str, ...]
    tokenizer: Any  # Tokenizer or Subwords
    length: int
    target: TableTarget | None = None
    formats: Mapping[str, str] = field(default_factory=dict)  # how the file's text became values, by column
    missing: float = 0.0
    cut: float = 0.0
    pieces: Pieces | None = None

    @classmethod
    def learn(
        cls,
        frame: Any,
        columns: str | Sequence[str],
        target: TableTarget | None = None,
        rows: Any = None,
        unit: Unit | Subwords | None = None,
        formats: Mapping[str, str] | None = None,
        length: int | None = None,
    ) -> TextColumn:
        """Learn tokens and length from some rows of a data frame (all, if none are given).

        Parameters
        ----------
        frame : data frame
        columns : str or list of str
        target : TableTarget, optional
            What is predicted.
        rows : int array, optional
            The training rows.
        unit : str or Subwords, optional
            See `Tokenizer`; or a tokenizer in place of one that is learned from the texts. By default words; syllables
            for texts that are mainly Korean, characters for those in a script that doesn't separate words.
        formats : dict, optional
            The file's formats, kept for the files to come.
        length : int, optional
            Tokens of a row; by default so many that 95 % of the training texts aren't cut, at most 256 words or 512
            other tokens.

        Raises
        ------
        InputError
            If there is no such column, it holds no text, or all of it is empty.
        """
        frame = as_polars(frame)
        names = (columns,) if isinstance(columns, str) else tuple(columns)
        part = frame if rows is None else frame[np.asarray(rows)]
        texts = texts_of(part, names, target.names if target else ())
        if not any(texts):
            raise InputError(f"column {names[0]!r}: every text is empty; there is nothing to learn from")
        if not isinstance(unit, Subwords):
            unit = unit or unit_for(texts)
            texts = [_plain(text, unit) for text in texts]
            often = Tokenizer.learn(texts, unit, MOST, SEEN)
            known: Any = often if often.tokens else Tokenizer.learn(texts, unit, MOST)
        else:
            known = unit
        lengths = np.array([len(known.encode(text)) for text in texts])
        if length is None:
            longest = LONGEST.get(known.unit, LONGEST_OTHERWISE)
            length = int(np.clip(np.ceil(np.percentile(lengths, PERCENTILE)), 1, longest))
        missing, cut = float((lengths == 0).mean()), float((lengths > length).mean())
        return cls(names, known, length, target, dict(formats or {}), missing, cut)

    def with_pieces(self, frame: Any, rows: Any = None) -> TextColumn:
        """The same with pieces of a few characters from the training rows, for networks that don't heed the order."""
        frame = as_polars(frame)
        texts = self._texts(frame if rows is None else frame[np.asarray(rows)])
        learned = Pieces.learn([text.lower() for text in texts], *SPANS.get(self.tokenizer.unit, SPAN))
        return replace(self, pieces=learned)

    @property
    def size(self) -> int:
        """How many numbers there are: those of tokens, and of pieces."""
        return self.tokenizer.size + (len(self.pieces.known) if self.pieces else 0)

    def apply(self, frame: Any) -> np.ndarray:
        """Token numbers (rows, length), int32; other columns are ignored.

        Parameters
        ----------
        frame : data frame, or path of a file, which is read as the training's was; or a list of texts

        Raises
        ------
        InputError
            If a column is missing; the nearest is named.
        """
        texts = self._texts(frame)
        rows, _ = self.tokenizer.encode_all(texts, self.length)
        rows[rows[:, 0] == 0, 0] = END
        if self.pieces is None:
            return rows
        return np.hstack([rows, self.pieces.encode_all([text.lower() for text in texts], self.tokenizer.size)])

    @property
    def whole(self) -> bool:
        """Whether no training text was cut."""
        return self.cut == 0

    @property
    def target_names(self) -> tuple[str, ...]:
        """The columns that are predicted."""
        return self.target.names if self.target else ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns of texts."""
        return self.columns

    def unseen(self, frame: Any) -> dict[str, int]:
        """How many rows have nothing but tokens that training didn't have, by column."""
        rows = self.apply(frame)
        count = int((((rows <= UNKNOWN).all(axis=1)) & (rows == UNKNOWN).any(axis=1)).sum())
        return {self.columns[0]: count} if count else {}

    def rows(self) -> list[dict[str, Any]]:
        """One dict a column: name, kind, what was done, missing share; for tables that people read."""
        told = [TOKENS.say(count=len(self.tokenizer.tokens), unit=self.tokenizer.unit, length=self.length)]
        told += [LONGER.say(share=self.cut)] if self.cut else []
        inputs = self.length
        if self.pieces is not None:
            least, most = self.pieces.shortest, self.pieces.longest
            told.append(IN_PIECES.say(count=len(self.pieces.known), least=least, most=most))
            inputs += self.pieces.length
        steps = join("; ", told)
        return [
            {"column": name, "kind": "text", "done": steps, "missing": self.missing, "inputs": inputs}
            for name in self.columns
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "columns": list(self.columns),
            "tokenizer": self.tokenizer.to_dict(),
            "length": self.length,
            "target": self.target.to_dict() if self.target else None,
            "formats": dict(self.formats),
            "missing": self.missing,
            "cut": self.cut,
            "pieces": None if self.pieces is None else asdict(self.pieces) | {"known": list(self.pieces.known)},
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TextColumn:
        """The inverse of `to_dict`."""
        own = parts(cls, data)
        return cls(**own | {"tokenizer": tokenizer_from(fitted(dict[str, Any], own["tokenizer"], "tokenizer"))})

    def _texts(self, frame: Any) -> list[str]:
        if isinstance(frame, (list, tuple)) and all(isinstance(text, str) for text in frame):
            texts = list(frame)
        else:
            table = (
                read_source(frame, formats=self.formats).frame if isinstance(frame, (str, Path)) else as_polars(frame)
            )
            texts = _texts(table, self.columns)
        return [_plain(text, self.tokenizer.unit) for text in texts]


def unit_for(texts: Sequence[str]) -> Unit:
    """The unit that suits the script of texts.

    >>> unit_for(["good film"]), unit_for(["좋은 영화"]), unit_for(["良い映画"])
    ('words', 'syllables', 'characters')
    """
    sample = "".join(text[:SAMPLE] for text in texts[:SAMPLE])
    letters = max(1, sum(map(str.isalpha, sample)))
    if len(HANGUL.findall(sample)) > MAINLY * letters:
        return "syllables"
    return "characters" if len(UNSPACED.findall(sample)) > MAINLY * letters else "words"


def texts_of(frame: Any, names: Sequence[str], targets: Sequence[str] = ()) -> list[str]:
    """The text of each row, from columns that must hold text and be no targets; what is missing is empty."""
    import polars as pl

    if not names:
        raise InputError("say which column holds the texts")
    holding = [name for name in frame.columns if frame[name].dtype in (pl.String, pl.Categorical, pl.Enum)]
    for name in names:
        if name not in frame.columns:
            raise unknown("column", name, frame.columns)
        if name in targets:
            raise InputError(f"column {name!r} is the target; it can't be the text as well")
        if name not in holding:
            advice = f"text is in {', '.join(map(repr, holding[:10]))}" if holding else "no column holds text"
            raise InputError(f"column {name!r} holds {frame[name].dtype}, no text; {advice}")
    return _texts(frame, names)


def _texts(frame: Any, names: Sequence[str]) -> list[str]:
    """The text of each row; what is missing is empty."""
    columns = [words(column_of(frame, name)).fill_null("").to_list() for name in names]
    return columns[0] if len(columns) == 1 else ["\n".join(parts) for parts in zip(*columns, strict=True)]


def _plain(text: str, unit: str) -> str:
    if unit == "subwords":  # which see to white space and case themselves
        return text
    text = " ".join(text.split())
    return text.lower() if unit == "words" else text
