"""A text file as text."""

from __future__ import annotations

from pathlib import Path

from backlit.data.files.charset import as_utf8
from backlit.errors import InputError


def read_text(path: str | Path) -> str:
    r"""The text of a file in UTF-8, UTF-16, CP949 or CP1252, told from its bytes; every line ends in "\n".

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
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; expected a text file")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror or error}") from error
    if not content.strip():
        raise InputError(f"{path} is empty: there is no text in it")
    text = as_utf8(content, path, expected="text")[0].decode("utf-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")
