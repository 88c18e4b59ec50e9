"""How the user says that a file is laid out, where the file itself doesn't tell."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from backlit.data.files.cells import MISSING
from backlit.errors import InputError
from backlit.settings import declared, option

KEY = ""  # under which a source's `formats` keep the options: no column of a text file is called so
PANEL = "Data"


@dataclass(frozen=True)
class FileOptions:
    """What the user says of a file.

    Attributes
    ----------
    skip_lines : int
        Lines at the file's top that aren't part of the table.
    header : bool
        Whether the first line of the table holds the columns' names; otherwise they are column_1, column_2, ...
    separator : str, optional
        Between values; a space stands for any number of spaces and tabs.
    encoding : str, optional
        By Python's name for it.
    missing : list of str, optional
        Cells that stand for a missing value, beside empty ones; by default NA, NaN, null, None, -, ? and their like.
    decimal : "." or ",", optional
        What stands before fractions where the file doesn't tell.
    """

    skip_lines: int = option(
        0, low=0, open_high=True, whole=True, panel=PANEL, help="Lines at the top of DATA that aren't part of the table"
    )
    header: bool = option(
        True,
        flags=("--header/--no-header",),
        panel=PANEL,
        help="Whether the table's first line holds the columns' names",
    )
    separator: str | None = option(
        None, panel=PANEL, help='Between values, ";" say; a space stands for any number of spaces and tabs'
    )
    encoding: str | None = option(None, panel=PANEL, help="Of text, cp949 say; by default told from the file")
    missing: tuple[str, ...] | None = option(
        None,
        panel=PANEL,
        help="Cells that stand for a missing value, between commas; NA, -, ? and their like by default",
    )
    decimal: str | None = option(
        None, names=(".", ","), panel=PANEL, help='Decimal mark, "," or "."; by default told from the file'
    )

    def __post_init__(self) -> None:
        if self.decimal not in (None, ".", ","):
            raise InputError(f"the decimal mark must be '.' or ',', got {self.decimal!r}")
        missing = self.missing
        if missing is not None:
            if isinstance(missing, str) or not all(isinstance(word, str) for word in missing):
                raise InputError(f"missing must be a list of texts such as ['NA', '999'], got {missing!r}")
            object.__setattr__(self, "missing", tuple(word.strip() for word in missing))
        for name, declaration in declared(type(self)).items():
            object.__setattr__(self, name, declaration.accept(getattr(self, name)))
        if self.separator is not None and (not self.separator or set(self.separator) & set('"\r\n')):
            raise InputError(f"separator must be characters without quotes and line ends, got {self.separator!r}")

    @property
    def markers(self) -> tuple[str, ...]:
        """Cells that stand for a missing value."""
        return MISSING if self.missing is None else self.missing

    def to_text(self) -> str:
        """What isn't as by default, in a line; empty if all is."""
        changed = {name: value for name, value in asdict(self).items() if value != declared(type(self))[name].default}
        changed.pop("decimal", None)  # each column's format has it
        return json.dumps(changed, ensure_ascii=False) if changed else ""

    @classmethod
    def from_text(cls, text: str, **overrides: Any) -> FileOptions:
        """The options that `to_text` told, but for those that are given anew."""
        saved = json.loads(text) if text.startswith("{") else {}
        return cls(**(saved | {name: value for name, value in overrides.items() if value is not None}))
