"""The process of a command: how often it looks for garbage."""

from __future__ import annotations

import gc
import socket

import pytest

from backlit.cli import process, studio


def test_the_studio_looks_for_garbage_as_often_as_python_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short commands look seldom; one that lives for days must not keep what sessions leave behind."""
    seen = []
    monkeypatch.setattr("backlit.studio.server.serve", lambda *_: seen.append(gc.get_threshold()))
    monkeypatch.setattr("backlit.studio.server.listening", lambda *_: (socket.socket(), 1))
    before = gc.get_threshold()
    try:
        gc.set_threshold(*process.GARBAGE)
        studio.command(no_browser=True)
    finally:
        gc.set_threshold(*before)
    assert seen == [process.USUAL]
    assert process.USUAL[0] < process.GARBAGE[0]
