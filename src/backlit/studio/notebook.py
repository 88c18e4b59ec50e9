"""The studio in a notebook: its page in a frame of its own, its session in the kernel's process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.extras import need
from backlit.nn.layer import Network
from backlit.run import Run
from backlit.studio.answers import refusal
from backlit.studio.bundle import PAGE, document
from backlit.studio.opening import beginning
from backlit.studio.replies import Reply
from backlit.studio.session import Session
from backlit.studio.wire import from_json, packed, to_json, unpacked
from backlit.studio.worker import Client, Worker

MOST_VIEWS = 8  # places where one studio is shown: of more the oldest is forgotten
FULL = "too many messages at once; wait for what was asked before"
LOWEST, HIGHEST = 300, 4000  # pixels


class Views:
    """A session whose pages talk through a widget: each place where the widget is shown is one.

    Parameters
    ----------
    send : callable
        ``send(content, buffers)``: a message of the widget; from any thread.
    session : callable
        ``session()`` makes the session.
    """

    def __init__(self, send: Callable[[dict[str, Any], list[bytes]], None], session: Callable[[], Session]) -> None:
        self._send = send
        self.worker = Worker(session)
        self._clients: dict[str, Client] = {}

    def hear(self, content: Any, buffers: Any = ()) -> None:
        """A message from where the widget is shown: ``{view, text}``, ``{view}`` with a frame, ``{view, gone}``."""
        view = content.get("view") if isinstance(content, dict) else None
        if not isinstance(view, str):
            return
        if content.get("gone"):
            self._leave(view)
            return
        client = self._clients.get(view) or self._joined(view)
        arrays: dict[str, np.ndarray] = {}
        try:
            text = content.get("text")
            if isinstance(text, str):
                message, size = from_json(text), len(text)
            else:
                data = bytes(buffers[0]) if buffers else b""
                (message, arrays), size = unpacked(data), len(data)
        except InputError as error:
            client.send(refusal(None, str(error)))
            return
        if not self.worker.post(client, message, arrays, size):
            client.send(refusal(None, FULL))

    def close(self) -> None:
        """End the session."""
        for view in list(self._clients):
            self._leave(view)
        self.worker.stop()

    def _joined(self, view: str) -> Client:
        def send(reply: Reply) -> None:
            if reply.arrays is None:
                self._send({"view": view, "text": to_json(reply.message)}, [])
            else:
                self._send({"view": view}, [packed(reply.message, reply.arrays)])

        while len(self._clients) >= MOST_VIEWS:
            self._leave(next(iter(self._clients)))
        client = self._clients[view] = Client(send)
        self.worker.join(client)
        return client

    def _leave(self, view: str) -> None:
        client = self._clients.pop(view, None)
        if client is not None:
            self.worker.leave(client)


class Studio:
    """The studio in a notebook: the last expression of a cell shows it.

    It is the page of ``backlit studio``, and the same session, which lives in the kernel: while a cell runs, the page
    waits. It needs the extra ``notebook``, which brings anywidget, and fetches nothing.

    Parameters
    ----------
    run : Run or path, optional
        A run, or its folder: its network as it was left. Without one the studio begins as it does by command.
    x, y : array, optional
        The data of a run that doesn't tell which it was trained on.
    state : str, optional
        What the page's link holds after "#", in place of a run.
    height : int
        Of the page, in pixels.

    Raises
    ------
    InputError
        If anywidget isn't installed, the run or state can't be opened, or both are given.

    Examples
    --------
    >>> studio = bl.Studio()  # doctest: +SKIP
    >>> studio  # doctest: +SKIP
    >>> studio.network  # as it is in the page now  # doctest: +SKIP
    """

    def __init__(
        self,
        run: Any = None,
        x: Any = None,
        y: Any = None,
        *,
        state: str | None = None,
        height: int = 860,
    ) -> None:
        anywidget = need("anywidget", extra="notebook", why="the studio in a notebook")
        if run is not None and state is not None:
            raise InputError("bl.Studio takes a run or a state, not both")
        if not isinstance(height, int) or not LOWEST <= height <= HIGHEST:
            raise InputError(f"height must be a whole number of pixels from {LOWEST} to {HIGHEST}, got {height!r}")
        if run is None and x is not None:
            raise InputError("x and y are those of a run: pass the run, too")
        run = Path(run) if isinstance(run, str) else run
        if not isinstance(run, (Path, Run, NoneType)):
            raise InputError(f"expected a run, or a run's folder, got {type(run).__name__}")
        session = beginning(run, state, data=None if x is None else (x, y))
        self._widget = _widget_of(anywidget)(page=document(), height=height)
        self._views = Views(self._tell, session)
        self._widget.on_msg(lambda widget, content, buffers: self._views.hear(content, buffers))

    @property
    def network(self) -> Network:
        """The network as it is now, its weights at the update that the page shows."""
        session = self._views.worker.session
        if session is None:
            raise InputError("the studio is still starting; ask again in a moment")
        return session.first.timeline.network

    def close(self) -> None:
        """End the session; its page doesn't answer any more."""
        self._views.close()
        self._widget.close()

    def _tell(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        with contextlib.suppress(Exception):  # a widget that was closed meanwhile
            self._widget.send(content, buffers)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self._widget._repr_mimebundle_(**options)


def _widget_of(anywidget: Any) -> Any:
    """The widget's class; made here, since its base may not be installed."""
    traitlets = need("traitlets", extra="notebook", why="the studio in a notebook")
    members = {
        "_esm": (PAGE / "widget.js").read_text("utf-8"),
        "page": traitlets.Unicode().tag(sync=True),
        "height": traitlets.Int().tag(sync=True),
    }
    return type("StudioWidget", (anywidget.AnyWidget,), members)
