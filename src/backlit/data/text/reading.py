"""A text file as text."""

from __future__ import annotations

from pathlib import Path

from backlit.data.files.charset import SPOKEN, as_utf8
from backlit.data.files.source import READ_AS
from backlit.errors import InputError


def read_text(path: str | Path, encoding: str | None = None) -> str:
    r"""The text of a file, in the encoding that its bytes tell; every line ends in "\n".

    Parameters
    ----------
    path : path
    encoding : str, optional
        By Python's name for it; by default told from the bytes: UTF-8, UTF-16, CP949, CP1252, Shift-JIS and others.

    Raises
    ------
    InputError
        If the file can't be read, isn't text or is empty.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "book.txt")
    ...     _ = path.write_bytes("첫 줄\r\n둘째 줄".encode("cp949"))
    ...     read_text(path)
    '첫 줄\n둘째 줄'
    """
    return read_as_told(path, encoding)[0]


def read_as_told(path: str | Path, encoding: str | None = None) -> tuple[str, list[str]]:
    """As `read_text`, with what is to be said of the reading: in which encoding it was taken to be, if not UTF-8."""
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; expected a text file")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror or error}") from error
    if not content.strip():
        raise InputError(f"{path} is empty: there is no text in it")
    data, code = as_utf8(content, path, expected="text", encoding=encoding)
    text = data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    return text, [READ_AS.say(encoding=SPOKEN.get(code, code))] if code != "utf-8" else []
