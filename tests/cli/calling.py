"""The command, called in this process, a second and a half sooner than a process of its own (see `test_edges`)."""

import contextlib
import io
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import pytest

from backlit.cli.main import main


class Said(NamedTuple):
    """Exit status, and what was said on each stream."""

    returncode: int | str
    stdout: str
    stderr: str


def backlit(*words, folder: Path | str = ".") -> Said:
    """Run the command in a folder."""
    out, errors = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    status = 0
    with (
        contextlib.chdir(folder),
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
        warnings.catch_warnings(),  # and so those that are told once a process are told again
    ):
        patch.setattr(sys, "argv", ["backlit", *map(str, words)])
        try:
            main()
        except SystemExit as ended:
            status = ended.code or 0
    return Said(status, *(_text(stream) for stream in (out, errors)))


def _text(stream: io.TextIOWrapper) -> str:
    """All that was written, its line ends as a pipe's reader has them."""
    stream.flush()
    stream.seek(0)
    return stream.read()
