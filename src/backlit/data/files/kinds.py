"""Kinds of table files: how each is told, and who reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backlit.data.files import binary, json_tables, learning
from backlit.data.files.packed import PACKED, PART
from backlit.errors import InputError

Reader = Callable[[bytes, Path, str | None], tuple[Any, list[str]]]


@dataclass(frozen=True)
class Kind:
    """A kind of table file.

    Attributes
    ----------
    name : str
    endings : tuple of str
    read : callable or None
        ``read(bytes, path, part) -> (frame, notes)``; None for delimited text.
    starts : tuple of bytes
        One of which its files start with; none for text.
    typed : bool
        Whether its columns have types that are meant: text is text then.
    """

    name: str
    endings: tuple[str, ...]
    read: Reader | None = None
    starts: tuple[bytes, ...] = ()
    typed: bool = False

    @property
    def is_text(self) -> bool:
        """Whether its files are text, in some encoding."""
        return not self.starts and self.name != "arrow"


def _json(data: bytes, path: Path, part: str | None = None) -> tuple[Any, list[str]]:
    return (json_tables.whole if json_tables.is_whole(data) else json_tables.lines)(data, path), []


KINDS = (
    Kind("csv", (".csv", ".txt", ".dat", ".data")),
    Kind("tsv", (".tsv", ".tab")),
    Kind("parquet", (".parquet", ".pq"), binary.parquet, (b"PAR1",), typed=True),
    Kind("arrow", (".arrow", ".feather", ".ipc"), binary.arrow, typed=True),
    Kind("avro", (".avro",), binary.avro, (b"Obj\x01",), typed=True),
    Kind("jsonl", (".jsonl", ".ndjson"), _json),
    Kind("json", (".json",), _json),
    Kind("npz", (".npz",), binary.archive, (b"PK",), typed=True),
    Kind("npy", (".npy",), binary.array, (b"\x93NUMPY",), typed=True),
    Kind("excel", (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), binary.excel, (b"PK", b"\xd0\xcf\x11\xe0")),
    Kind("sqlite", (".sqlite", ".sqlite3", ".db", ".db3"), binary.database, (b"SQLite format 3\0",)),
    Kind("arff", (".arff",), learning.arff),
    Kind("libsvm", (".libsvm", ".svmlight", ".svm"), learning.libsvm),
)
BY_NAME = {kind.name: kind for kind in KINDS}
BY_ENDING = {ending: kind for kind in KINDS for ending in kind.endings}
UNREAD = {
    ".rds": 'R\'s own format; in R, write.csv(table, "table.csv") saves it as CSV',
    ".rdata": 'R\'s own format; in R, write.csv(table, "table.csv") saves it as CSV',
    ".rda": 'R\'s own format; in R, write.csv(table, "table.csv") saves it as CSV',
    ".sav": "SPSS's format; save it as CSV",
    ".dta": "Stata's format; save it as CSV",
    ".sas7bdat": "SAS's format; save it as CSV",
    ".mat": "MATLAB's format; save its arrays as .npz",
    ".h5": "HDF5; save its arrays as .npz, or its table as CSV",
    ".hdf5": "HDF5; save its arrays as .npz, or its table as CSV",
    ".pkl": "Python's pickle, which could run any code; save it as Parquet or CSV",
    ".pickle": "Python's pickle, which could run any code; save it as Parquet or CSV",
    ".tar": "an archive of files; unpack it first",
    ".tgz": "an archive of files; unpack it first",
    ".7z": "an archive of files; unpack it first",
    ".rar": "an archive of files; unpack it first",
    ".orc": "ORC; save it as Parquet or CSV",
    ".html": "a web page; save the table in it as CSV",
    ".md": "Markdown; save the table in it as CSV",
    ".htm": "a web page; save the table in it as CSV",
    ".xml": "XML; save the table in it as CSV",
    ".yaml": "YAML; save it as JSON or CSV",
    ".yml": "YAML; save it as JSON or CSV",
    ".docx": "a text document; save the table in it as CSV",
    ".doc": "a text document; save the table in it as CSV",
    ".pptx": "slides; save the table in them as CSV",
    ".pdf": "a PDF; save the table in it as CSV",
    ".xpt": "SAS's format; save it as CSV",
    ".por": "SPSS's format; save it as CSV",
    ".z": "compressed by compress; decompress it first, with uncompress",
    ".lz4": "compressed by LZ4; decompress it first, with unlz4",
    ".br": "compressed by Brotli; decompress it first",
}


def of_ending(ending: str, path: Path) -> Kind:
    """The kind that an ending tells; delimited text if it tells none.

    Raises
    ------
    InputError
        If such files aren't read.
    """
    if ending in UNREAD:
        raise InputError(f"{path} isn't read: {ending} is {UNREAD[ending]}")
    return BY_ENDING.get(ending, BY_NAME["csv"])


def of_start(data: bytes) -> Kind | None:
    """The kind that a pipe's first bytes tell, which has no ending."""
    return next((kind for kind in KINDS if kind.starts and data.startswith(kind.starts)), None)


def is_table(name: str) -> bool:
    """Whether a file's name says that it holds a table.

    >>> is_table("houses.csv.gz"), is_table("data.sqlite::flights"), is_table("novel.txt")
    (True, True, False)
    """
    suffixes = {suffix.lower() for suffix in Path(name.partition(PART)[0]).suffixes}
    return name == "-" or bool(suffixes & ({*BY_ENDING, *PACKED, ".zip"} - {".txt"}))
