"""Files that a page sends, tables and pictures: understood as `backlit train` does, parsed as data, never run."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from backlit.data.table.category import Category
from backlit.data.table.preparation import TablePreparation
from backlit.data.table.target import TableTarget
from backlit.errors import InputError, unknown
from backlit.languages import Template
from backlit.studio.albums import ENDINGS as PICTURES
from backlit.studio.albums import read_album
from backlit.studio.plane import plane_of
from backlit.studio.protocol import MOST_FILE
from backlit.studio.quota import FILES
from backlit.studio.replies import Reply
from backlit.studio.sets import Rows
from backlit.studio.state import MOST_CLASSES, MOST_ROWS
from backlit.studio.texts import text_file
from backlit.studio.words import both, reworded

MOST_COLUMNS = 200
ENDINGS = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".xlsx", ".parquet")
SENT = re.compile(r"file(\d+)")  # how files that were sent are called
KEPT_TEXT = 200  # characters of a name
LEFT_OUT = Template("left out: {why}", "제외: {why}")
PICTURES_OF = Template("{count} pictures", "그림 {count}장")
NO_PICTURES = Template(
    "a file of pictures ends in {endings}, not {name!r}",
    "그림 파일의 이름은 {endings}{으로/로} 끝나야 합니다. 실제: {name!r}",
)

Arrays = dict[str, np.ndarray]


class TableFile:
    """A table that was sent.

    Parameters
    ----------
    frame : polars.DataFrame
    name : str
        As the person called it; for the code alone.
    """

    def __init__(self, frame: Any, name: str) -> None:
        self.frame, self.name = frame, name

    @property
    def usual_target(self) -> str:
        """What would be predicted: the last column."""
        return str(self.frame.columns[-1])

    def understood(self, target: str) -> TablePreparation:
        """Its columns, as `backlit train` understands them."""
        if target not in self.frame.columns:
            raise unknown("column", target, self.frame.columns)
        return TablePreparation.learn(self._with(target), target)

    def _with(self, target: str) -> Any:
        return self.frame.filter(TableTarget.present(self.frame, [target]))

    def rows(self, target: str, inputs: Sequence[str]) -> Rows:
        """The rows as a network takes them.

        Parameters
        ----------
        target : str
            The column to predict; "" for the last.
        inputs : sequence of str
            Columns that it is predicted from; all, if there are none.
        """
        x, y, names, goal = arrays_of(self.frame, target or self.usual_target, inputs)
        code = (
            "from backlit.studio.uploads import table\n\n"
            f"x, y = table({self.name!r}, target={target or self.usual_target!r}, inputs={list(inputs)!r})"
        )
        plane = plane_of(x, names)
        if goal.task == "regression":
            return Rows(x, y, "regression", names, None, 1, plane, code)
        classes, numbers = np.unique(y, return_inverse=True)
        if len(classes) > MOST_CLASSES:
            raise InputError(
                f"{target!r} has {len(classes)} different classes; the studio shows at most {MOST_CLASSES}"
            )
        return Rows(x, numbers, "classification", names, [str(each) for each in classes], len(classes), plane, code)


def arrays_of(frame: Any, target: str, inputs: Sequence[str]) -> tuple[np.ndarray, np.ndarray, list[str], TableTarget]:
    """Inputs scaled, targets (numbers scaled, too), the inputs' names, and what kind of target it is."""
    for name in (target, *inputs):
        if name not in frame.columns:
            raise unknown("column", name, frame.columns)
    frame = frame.filter(TableTarget.present(frame, [target]))
    goal = TableTarget.learn(frame, [target])
    wishes = {name: "drop" for name in frame.columns if name != target and inputs and name not in inputs}
    learned = TablePreparation.learn(frame, goal, wishes=wishes)
    many = {column.name: "drop" for column in learned.columns if isinstance(column, Category) and column.rows_to_learn}
    if many:  # their codes need an embedding, which the plane can't show
        learned = TablePreparation.learn(frame, goal, wishes={**wishes, **many})
    x = np.nan_to_num(learned.apply(frame)).astype(np.float32)
    y = np.asarray(goal.values(frame))
    if goal.task == "regression":
        spread = float(y.std()) or 1.0
        y = (y - y.mean()) / spread
    return x, y, learned.names, goal


def table(path: str | Path, target: str, inputs: Sequence[str] = ()) -> tuple[np.ndarray, np.ndarray]:
    r"""Inputs and targets of a table's file, as the studio takes them.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.csv").write_text("size,price,kind\n1,2,a\n3,4,b\n5,9,a\n")
    >>> x, y = table(folder / "a.csv", "kind", ["size", "price"])
    >>> x.shape, y.tolist()
    ((3, 2), ['a', 'b', 'a'])
    """
    from backlit.data.files import read_source

    x, y, _, _ = arrays_of(read_source(path).frame, target, inputs)
    return x, y


class Files(dict[str, Any]):
    """The files of a session, by the name that `uploaded` tells; the oldest is let go beyond `most`.

    What the session began with stays, and so does what its networks learn from: neither counts.
    """

    most = FILES

    @staticmethod
    def used() -> set[str]:
        """Names of those that networks learn from; the session says which."""
        return set()

    def add(self, name: str, data: bytes) -> str:
        """Read a file; by what it is called from now on.

        Raises
        ------
        InputError
            If it is too large, of another kind, or can't be read.
        """
        name = PurePath(name.replace("\\", "/")).name[:KEPT_TEXT]
        ending = PurePath(name).suffix.lower()
        if ending not in ENDINGS:
            raise InputError(f"a file that ends in {', '.join(ENDINGS)} can be dropped here, not {name!r}")
        if len(data) > MOST_FILE:
            raise InputError(f"{name}: {len(data):,} bytes are too many; at most {MOST_FILE >> 20} MiB")
        frame = _read(name, ending, data)
        if frame.height > MOST_ROWS or frame.width > MOST_COLUMNS:
            raise InputError(
                f"{name}: {frame.height:,} rows and {frame.width} columns are too many for the studio, which takes "
                f"{MOST_ROWS:,} and {MOST_COLUMNS}; backlit train takes them"
            )
        if frame.height < 4 or frame.width < 2:
            raise InputError(f"{name}: at least 4 rows and 2 columns are needed, got {frame.height} and {frame.width}")
        return self.keep(TableFile(frame, name))

    def keep(self, found: Any) -> str:
        """Keep a file that was read, one with ``rows(target, inputs)``; by what it is called from now on."""
        sent = [name for name in self if SENT.fullmatch(name)]
        key = f"file{1 + max((int(name[4:]) for name in sent), default=0)}"
        self[key] = found
        used = self.used()
        idle = [name for name in (*sent, key) if name not in used]
        for name in idle[: max(0, len(idle) - self.most)]:
            del self[name]
        return key


def _read(name: str, ending: str, data: bytes) -> Any:
    """The table in a file's bytes."""
    from backlit.data.files import read_source

    with tempfile.TemporaryDirectory(prefix="backlit-studio-") as folder:
        path = Path(folder) / f"table{ending}"
        path.write_bytes(data)
        try:
            return read_source(path).frame
        except InputError as error:  # its text names the file by a path of this machine
            told = reworded(
                error, lambda text: text.replace(str(path), name).replace(path.name, name).replace(folder, "")
            )
            raise InputError(told) from None


def upload(session: Any, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`upload`."""
    reader = READERS[message["kind"]]
    data = arrays.get("file")
    if data is None or data.dtype != np.uint8 or data.ndim != 1:
        raise InputError("upload: the file's bytes are missing: an array `file` of bytes")
    if len(data) > MOST_FILE:
        raise InputError(
            f"{message['name'][:KEPT_TEXT]}: {len(data):,} bytes are too many; at most {MOST_FILE >> 20} MiB"
        )
    return [Reply({"type": "uploaded", **reader(session, message["name"], data.tobytes())})]


def _table(session: Any, name: str, data: bytes) -> dict[str, Any]:
    key = session.files.add(name, data)
    found = session.files[key]
    learned = found.understood(found.usual_target)
    told = [
        {"name": column.name, "kind": column.kind, "input": bool(column.inputs),
         "note": both(column.done if column.inputs else LEFT_OUT.of(why=column.done))}
        for column in learned.columns
    ]  # fmt: skip
    told.append({"name": found.usual_target, "kind": "target", "input": False, "note": both("")})
    return {"file": key, "rows": found.frame.height, "columns": told, "target": found.usual_target}


def _pictures(session: Any, name: str, data: bytes) -> dict[str, Any]:
    name = PurePath(name.replace("\\", "/")).name[:KEPT_TEXT]
    if PurePath(name).suffix.lower() not in PICTURES:
        raise InputError(NO_PICTURES.say(endings=", ".join(PICTURES), name=name))
    found = read_album(name, data)
    told = [
        {"name": label, "kind": "class", "input": False, "note": both(PICTURES_OF.of(count=count))}
        for label, count in found.counts.items()
    ]
    key = session.files.keep(found)
    notes = [both(note) for note in found.notes]
    return {"file": key, "rows": len(found.classes), "columns": told, "target": None, "notes": notes}


def _text(session: Any, name: str, data: bytes) -> dict[str, Any]:
    name = PurePath(name.replace("\\", "/")).name[:KEPT_TEXT]
    found = text_file(name, data)
    return {"file": session.files.keep(found), "rows": len(found.text), "columns": [], "target": None}


READERS: dict[str, Callable[[Any, str, bytes], dict[str, Any]]] = {
    "table": _table,
    "text": _text,
    "pictures": _pictures,
}
