"""Tables written a part at a time, with further columns: as `write` writes whole ones, in bounded memory."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from backlit.data.files import Source, kinds
from backlit.data.files.packed import packer
from backlit.data.files.types import wider
from backlit.data.files.writing import _as_named, _encoded, _in_encoding, _readable, _to_standard_output
from backlit.errors import InputError
from backlit.files import saving

SINKS = {"parquet": ("scan_parquet", "sink_parquet"), "arrow": ("scan_ipc", "sink_ipc")}
LINES = ("csv", "tsv", "jsonl")

Add = Callable[[Any, Source], None]


def in_parts(path: Path | None, like: Path) -> bool:
    """Whether a table is written part after part.

    Parameters
    ----------
    path : path or None
        Where to; None is standard output.
    like : path
        The table's own file, whose format is kept where the name doesn't tell another.

    >>> [in_parts(Path(name), Path("x.csv")) for name in ("a.csv.gz", "a.parquet", "a.json", "a")]
    [True, True, False, True]
    """
    place = like if path is None else path
    packed = packer(place.suffix.lower()) is not None
    kind = kinds.BY_ENDING.get(Path(place.stem if packed else place).suffix.lower())
    name = "csv" if kind is None else kind.name
    return name in LINES or (name in SINKS and path is not None and not packed)


@contextlib.contextmanager
def appending(path: Path | None) -> Iterator[Add]:
    """A function ``add(new columns, part of a table)`` that writes part after part; the file is whole at the end.

    Parameters
    ----------
    path : path or None
        As for `write`; None is standard output.

    Raises
    ------
    InputError
        If the file can't be written, or a table can't be written in parts in the format that its name tells.
    """
    if path is None:
        yield _Parts(_readable, None, None).add
        return
    pack = packer(path.suffix.lower())
    named = path if pack is None else Path(path.stem)
    with saving(path) as temporary, temporary.open("wb") as file:
        parts = _Parts(lambda like: _as_named(like, named), file, pack)
        try:
            yield parts.add
            parts.finish(temporary)
        finally:
            parts.clear()


class _Parts:
    """Writes parts; of formats that aren't made of lines, each beside the file, to be put together at the end."""

    def __init__(self, shaped: Callable[[Source], Source], file: Any, pack: Callable[[bytes], bytes] | None) -> None:
        self._shaped, self._file, self._pack = shaped, file, pack
        self._count = 0
        self._beside: list[Path] = []
        self._schemas: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._format = ""

    def add(self, columns: Any, like: Source) -> None:
        """Write a part of the table with its new columns."""
        like = self._shaped(like)
        self._format = like.format
        data = _encoded(columns, like)
        if like.format in SINKS:
            if self._pack is not None:
                raise InputError(f"{like.format} isn't compressed once more in parts: name a file without the ending")
            if self._file is None:
                raise InputError(f"{like.format} isn't text that goes to standard output in parts; name a file, --out")
            part = Path(f"{self._file.name}.{self._count}")
            self._beside.append(part)
            part.write_bytes(data)
            schema = dict(like.frame.schema) | dict(columns.schema)
            self._schemas.setdefault(tuple(schema.items()), schema)
        elif not kinds.BY_NAME[like.format].is_text or like.format == "json":
            raise InputError(
                f"a table that is read as a stream isn't written as {like.format}: name a .csv, .tsv, .jsonl, .parquet "
                "or .arrow file"
            )
        else:
            data = data if not self._count else _headless(data, columns, like)
            if self._file is None:
                _to_standard_output(data, like)
            else:
                self._file.write(data if self._pack is None else self._pack(data))
        self._count += 1

    def finish(self, temporary: Path) -> None:
        """Put parts together that were written beside the file."""
        if not self._beside:
            return
        import polars as pl

        scan, sink = SINKS[self._format]
        opened = getattr(pl, scan)
        if len(self._schemas) == 1:
            whole = opened(self._beside)
        else:  # whole numbers in one part, others in the next
            types = wider([dict(opened(part).collect_schema()) for part in self._beside])
            whole = pl.concat([opened(part).cast(types) for part in self._beside])
        try:
            getattr(whole, sink)(temporary)
        except pl.exceptions.PolarsError as error:
            raise InputError(f"the parts can't be put together as {self._format}: {error}; name a .csv") from error

    def clear(self) -> None:
        """Remove what was written beside the file."""
        for part in self._beside:
            part.unlink(missing_ok=True)


def _headless(data: bytes, columns: Any, like: Source) -> bytes:
    """A part without the names, which the first one has."""
    if like.format not in ("csv", "tsv"):
        return data
    import dataclasses

    none = dataclasses.replace(like, frame=like.frame.head(0), text=None if like.text is None else like.text.head(0))
    names = _encoded(columns.head(0), none)
    mark = len(_in_encoding("", like.encoding or "utf-8"))
    return data[max(mark, len(names)) :]
