"""FromColumn: what a column of a table holds, texts or names of picture files, as inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from backlit.data.files import read_source
from backlit.data.files.cells import MISSING
from backlit.data.files.formats import Text
from backlit.data.pictures import Pictures
from backlit.data.preparation import Preparation, describe, restore
from backlit.data.table.values import as_polars, column_of, words
from backlit.data.text.texts import Symbols
from backlit.data.text.tokenizer import UNKNOWN
from backlit.errors import InputError

AS_IT_STANDS = str(Text(tuple(word for word in MISSING if word)))  # the format of cells that are text whatever they say


@dataclass(frozen=True)
class FromColumn(Preparation):
    """Prepares what columns of a table hold: texts, words with spaces between them, or names of picture files.

    Of a text that is longer than any that was learned from the end isn't read, and an empty one is an unknown token;
    `unseen` counts both. Names of files are taken from the table's folder on.

    Attributes
    ----------
    inner : Texts or Pictures
        Prepares the cells.
    columns : tuple of str
        Several columns of texts are joined, with a line end between them.
    target : tuple of str
        The column that is predicted.
    formats : mapping of column to format

    Examples
    --------
    >>> import polars as pl
    >>> from backlit.data.text import Texts, Tokenizer
    >>> prepared = FromColumn(Texts(Tokenizer.learn("abc"), length=3), ("word",))
    >>> prepared.apply(pl.DataFrame({"word": ["ab", "abcab", None]})).tolist()
    [[4, 5, 0], [4, 5, 6], [1, 0, 0]]
    >>> prepared.apply(["c"]).tolist()
    [[6, 0, 0]]
    """

    strange: ClassVar[str] = "a length (the end isn't read then), or nothing but tokens,"

    inner: Any
    columns: tuple[str, ...]
    target: tuple[str, ...] = ()
    formats: Mapping[str, str] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Only texts that come later are cut."""
        return True

    @property
    def target_names(self) -> tuple[str, ...]:
        """The column that is predicted."""
        return self.target

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.columns

    @property
    def takes_pictures(self) -> bool:
        """Whether the cells name files of pictures."""
        return isinstance(self.inner, Pictures)

    def cells(self, frame: Any, folder: Path | None = None) -> Any:
        """What the columns hold, as it is prepared: texts, lists of symbols, or paths of pictures."""
        if self.takes_pictures:
            return files_of(frame, self.columns[0], folder)
        return texts_in(frame, self.columns, apart=isinstance(self.inner.tokenizer, Symbols))

    def apply(self, raw: Any) -> np.ndarray:
        """Inputs of a data frame, of a file's path, which is read as the training's was, or of cells' values."""
        if isinstance(raw, Path):
            frame = read_source(raw, formats=self.formats).frame
            return self.prepared(self.cells(frame, raw.parent))
        is_frame = hasattr(raw, "columns") or hasattr(raw, "__dataframe__")
        return self.prepared(self.cells(as_polars(raw))) if is_frame else self.inner.apply(raw)

    def prepared(self, cells: Any) -> np.ndarray:
        """Inputs of cells; texts that are too long are cut, and empty ones unknown."""
        if self.takes_pictures:
            return np.asarray(self.inner.apply(cells))
        rows, _ = self.inner.tokenizer.encode_all(cells, self.inner.length)
        rows[rows[:, 0] == 0, 0] = UNKNOWN
        return rows

    def trimmed(self, raw: Any, steps: np.ndarray) -> list[list[Any]]:
        """What is known of each step, without that of the padding."""
        lengths = (self.apply(raw) != 0).sum(axis=1)
        return [row[:length] for row, length in zip(steps.tolist(), lengths.tolist(), strict=True)]

    def unseen(self, frame: Any) -> dict[str, int]:
        """How many rows are longer than any that was learned from, or hold nothing that was learned."""
        if self.takes_pictures:
            return {}
        rows, cut = self.inner.tokenizer.encode_all(self.cells(as_polars(frame)), self.inner.length)
        count = int(((cut > 0) | (rows <= UNKNOWN).all(axis=1)).sum())
        return {self.columns[0]: count} if count else {}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "inner": describe(self.inner),
            "columns": list(self.columns),
            "target": list(self.target),
            "formats": dict(self.formats),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> FromColumn:
        """The inverse of `to_dict`."""
        return cls(restore(data["inner"]), tuple(data["columns"]), tuple(data["target"]), data["formats"])


def texts_in(frame: Any, names: Sequence[str], apart: bool = False) -> list[Any]:
    """The text of each row; several columns' with a line end between; apart: as a list of what spaces separate."""
    columns = [words(column_of(frame, name)).fill_null("").to_list() for name in names]
    texts = columns[0] if len(columns) == 1 else ["\n".join(parts) for parts in zip(*columns, strict=True)]
    return [text.split() for text in texts] if apart else [text.strip() for text in texts]


def files_of(frame: Any, name: str, folder: Path | None = None) -> list[Path]:
    """The picture files that a column names; relative names from a folder on.

    Raises
    ------
    InputError
        If a cell is empty, or there is no such file; the row is named.
    """
    paths = []
    for row, cell in enumerate(words(column_of(frame, name)).to_list(), 1):
        if not cell or not cell.strip():
            raise InputError(f"column {name!r}, row {row}: expected the name of a picture's file, got an empty cell")
        path = (folder or Path()) / cell.strip()
        if not path.is_file():
            raise InputError(
                f"column {name!r}, row {row}: there is no file {path}; names are taken from {folder or '.'} on"
            )
        paths.append(path)
    return paths
