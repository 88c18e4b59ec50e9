"""The studio in a notebook: its page in a frame of its own, its session in the kernel's process."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.extras import need
from backlit.languages import Template
from backlit.nn.layer import Network
from backlit.run import Run
from backlit.studio.answers import refusal
from backlit.studio.bundle import PAGE, document
from backlit.studio.opening import beginning
from backlit.studio.replies import Reply
from backlit.studio.seen import kind_of
from backlit.studio.session import Session
from backlit.studio.watched import Watched
from backlit.studio.wire import from_json, packed, to_json, unpacked
from backlit.studio.worker import Client

log = logging.getLogger(__name__)

MOST_VIEWS = 8  # places where one studio is shown and kept up to date
FULL = "too many messages at once; wait for what was asked before"
GREET = to_json({"status": "open"})  # a page that is told so says hello
OVER = Template(
    "the studio is shown in more than {most} places, so this one is no longer kept up to date; use it to have it back",
    "스튜디오가 {most}곳보다 많은 곳에 열려 있어 이 화면은 더 갱신되지 않습니다. 여기서 무엇이든 하면 다시 이어집니다.",
).of(most=MOST_VIEWS)
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
        self.worker = Watched(session)
        self._clients: dict[str, Client] = {}
        self._closed = False

    def hear(self, content: Any, buffers: Any = ()) -> None:
        """A message from where the widget is shown: ``{view, text}``, ``{view}`` with a frame, ``{view, gone}``."""
        view = content.get("view") if isinstance(content, dict) else None
        if not isinstance(view, str) or self._closed:
            return
        if content.get("gone"):
            self._leave(view)
            return
        client = self._clients.get(view)
        new = client is None or client not in self.worker.clients  # or it was taken to be gone
        if client is None or new:
            client = self._joined(view)
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
        if new and kind_of(message) != "hello":
            self._send({"view": view, "text": GREET}, [])
        if not self.worker.post(client, message, arrays, size):
            client.send(refusal(None, FULL))

    def close(self) -> None:
        """End the session."""
        self._closed = True
        for view in list(self._clients):
            self._leave(view)
        self.worker.stop()

    def _joined(self, view: str) -> Client:
        def send(reply: Reply) -> None:
            if reply.arrays is None:
                self._send({"view": view, "text": to_json(reply.message)}, [])
            else:
                self._send({"view": view}, [packed(reply.message, reply.arrays)])

        here = self.worker.clients
        self._clients = {name: client for name, client in self._clients.items() if client in here}
        while len(self._clients) >= MOST_VIEWS:
            oldest = next(iter(self._clients))
            self._clients[oldest].send(refusal(None, OVER))
            self._leave(oldest)
        client = self._clients[view] = Client(send)
        if not self.worker.join(client) and self.worker.again is not None:  # it rests
            self.worker = Watched(self.worker.again)
            self.worker.join(client)
        return client

    def _leave(self, view: str) -> None:
        client = self._clients.pop(view, None)
        if client is not None:
            self.worker.leave(client)


class Studio:
    """The studio in a notebook: the last expression of a cell shows it.

    It is the page of ``backlit studio``, and the same session, which lives in the kernel: while a cell runs, the page
    waits, and what plays waits, too, after a second; pause it before a cell reads `network` twice. Where no page shows
    it for a minute, the session rests, and comes back to where it was when one does. It needs the extra ``notebook``,
    which brings anywidget, and fetches nothing.

    Parameters
    ----------
    run : Run or path, optional
        A run, or its folder: its network as it was left. Without one the studio begins as it does by command.
    x, y : array, optional
        The data of a run that doesn't tell which it was trained on. Of one that goes on with a text, x alone: the text,
        or a `pathlib.Path` of it.
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
        data = None if x is None and y is None else (x, y)
        if run is None and data is not None:
            raise InputError("x and y are those of a run: pass the run, too")
        run = Path(run) if isinstance(run, str) else run
        if not isinstance(run, (Path, Run, NoneType)):
            raise InputError(f"expected a run, or a run's folder, got {type(run).__name__}")
        session = beginning(run, state, data=data)
        self._widget = _widget_of(anywidget)(page=document(), height=height)
        self._views = Views(self._tell, session)
        self._widget.on_msg(lambda widget, content, buffers: self._views.hear(content, buffers))

    @property
    def network(self) -> Network:
        """The network as it is now, its weights at the update that the page shows.

        Raises
        ------
        InputError
            If the session can't be made.
        """
        return self._views.worker.network

    def close(self) -> None:
        """End the session; its page doesn't answer any more."""
        self._views.close()
        self._widget.close()

    def _tell(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        try:
            self._widget.send(content, buffers)
        except Exception:
            if self._widget.comm is not None:  # it wasn't closed meanwhile
                log.exception("the studio couldn't tell its page something")

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
