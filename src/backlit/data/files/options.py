"""How the user says that a file is laid out, where the file itself doesn't tell."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from backlit.data.files.cells import MISSING
from backlit.errors import InputError

KEY = ""  # under which a source's `formats` keep the options: no column of a text file is called so


@dataclass(frozen=True)
class FileOptions:
    """What the user says of a file.

    Attributes
    ----------
    skip_lines : int
        Lines at the file's top that aren't part of the table.
    header : bool
        Whether the first line of the table holds the columns' names; otherwise they're column_1, column_2, ...
    separator : str, optional
        Between values; a space stands for any number of spaces and tabs.
    encoding : str, optional
        By Python's name for it.
    missing : tuple of str, optional
        Cells that stand for a missing value, beside empty ones; `MISSING` if left out.
    decimal : "." or ",", optional
        What stands before fractions where the file doesn't tell.
    """

    skip_lines: int = 0
    header: bool = True
    separator: str | None = None
    encoding: str | None = None
    missing: tuple[str, ...] | None = None
    decimal: str | None = None

    def __post_init__(self) -> None:
        if self.decimal not in (None, ".", ","):
            raise InputError(f"the decimal mark must be '.' or ',', got {self.decimal!r}")
        if isinstance(self.skip_lines, bool) or not isinstance(self.skip_lines, int) or self.skip_lines < 0:
            raise InputError(f"skip_lines must be a whole number of at least 0, got {self.skip_lines!r}")
        if not isinstance(self.header, bool):
            raise InputError(f"header must be True or False, got {self.header!r}")
        if self.separator is not None and (
            not isinstance(self.separator, str) or not self.separator or set(self.separator) & set('"\r\n')
        ):
            raise InputError(f"separator must be one or more characters, no quote and no line end, got {self.separator!r}")
        missing = self.missing
        if missing is not None:
            if isinstance(missing, str) or not all(isinstance(word, str) for word in missing):
                raise InputError(f"missing must be a list of texts such as ['NA', '999'], got {missing!r}")
            object.__setattr__(self, "missing", tuple(word.strip() for word in missing))

    @property
    def markers(self) -> tuple[str, ...]:
        """Cells that stand for a missing value."""
        return MISSING if self.missing is None else self.missing

    def to_text(self) -> str:
        """What isn't as by default, in a line; empty if all is."""
        told = {name: value for name, value in asdict(self).items() if value != getattr(FileOptions, name)}
        told.pop("decimal", None)  # each column's format has it
        return json.dumps(told, ensure_ascii=False) if told else ""

    @classmethod
    def from_text(cls, text: str, **given: Any) -> FileOptions:
        """The options that `to_text` told, but for those that are given anew."""
        told = json.loads(text) if text.startswith("{") else {}
        return cls(**(told | {name: value for name, value in given.items() if value is not None}))
