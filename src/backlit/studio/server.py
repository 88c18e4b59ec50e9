"""The studio's server: the page's files, and a websocket between each page and its session.

What sessions need, networks and all that belongs to them, takes longer to import than the page to load. So nothing of
it is imported here, but in a thread, while the browser opens the page; which is told what a new session said another
time, where that is known.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from backlit.errors import InputError
from backlit.extras import need
from backlit.studio.bundle import served
from backlit.studio.guard import HEADERS, Guard
from backlit.studio.protocol import MOST_FILE

if TYPE_CHECKING:
    from backlit.studio.desks import Desks
    from backlit.studio.session import Session

PAGE = Path(__file__).parent / "page"
KINDS = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml", ".png": "image/png", ".json": "application/json", ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}  # fmt: skip
MOST_MESSAGE = MOST_FILE + 2**20
MOST_PAGES = 8  # of one session
HEAD_START = 1.0  # seconds that the first page has before what sessions need is imported, if there is something known
PORTS = 20  # that are tried
SWEEP_SECONDS = 5.0  # from one look for sessions that nobody uses to the next
STRANGER = (
    "This is Backlit's studio. Open the address that `backlit studio` has printed: it holds a token.\n"
    "Backlit 스튜디오입니다. `backlit studio`가 출력한, 토큰이 들어 있는 주소를 여세요.\n"
)


def application(guard: Guard, session: Callable[[], Session], first: Sequence[str | bytes] = ()) -> Any:
    """The server as an ASGI application.

    Parameters
    ----------
    guard : Guard
    session : callable
        ``session()`` makes a session; called once, or for each pupil.
    first : sequence of str or bytes
        What it is known to say to a page that greets it, for the first page, if that comes before it.

    Raises
    ------
    InputError
        If Starlette isn't installed.
    """
    need("starlette", extra="studio", why="the studio")
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse, Response
    from starlette.routing import Route, WebSocketRoute

    begun: list[asyncio.Task[Desks]] = []
    told = asyncio.Event()  # a page has seen what is known

    async def desks() -> Desks:
        return await asyncio.shield(begun[0])

    async def begin() -> Desks:
        if first:  # imports would take the processor from the page
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), HEAD_START)
        return await asyncio.to_thread(_desks, guard, session)

    files = {path.relative_to(PAGE).as_posix(): path for path in PAGE.rglob("*") if path.suffix in KINDS}
    joined = served()

    def refused(request: Any, websocket: bool) -> str | None:
        """Why a request isn't answered; None if it is from here."""
        host = request.headers.get("host", "")
        if len(request.headers.getlist("host")) != 1 or not guard.names(host):
            return "This server isn't called that.\n"
        if not guard.comes_from_here(request.headers.get("origin"), host, needed=websocket):
            return "Requests of other pages aren't answered.\n"
        return None

    async def page(request: Any) -> Response:
        why = refused(request, websocket=False)
        if why is not None:
            return PlainTextResponse(why, 403, HEADERS)
        key, token, handed = guard.key_of(request.headers.getlist("cookie")), request.query_params.get("token"), {}
        if key is None and token is not None and guard.knows(token) and request.url.path == "/":
            if guard.seats:
                (await desks()).free_seats()
            key = guard.new_key(token)
            if key is None:
                return PlainTextResponse((await desks()).full(), 503, HEADERS)
            handed = {"Set-Cookie": guard.cookie_for(key)}
        if key is None:
            return PlainTextResponse(STRANGER, 403, HEADERS)
        name = request.url.path.removeprefix("/") or "index.html"
        if name not in joined and name not in files:
            return PlainTextResponse("There is no such file.\n", 404, HEADERS)
        data = joined[name] if name in joined else files[name].read_bytes()
        return Response(data, 200, {**HEADERS, **handed}, KINDS[PurePosixPath(name).suffix])

    async def talk(websocket: Any) -> None:
        key = guard.key_of(websocket.headers.getlist("cookie"))
        if refused(websocket, websocket=True) is not None or key is None:
            await websocket.close(4403)
            return
        heard = []
        if first and not begun[0].done():
            await websocket.accept()
            heard = await _greeted(websocket, first)
            told.set()
        places = await desks()
        if len(places.of(key).clients) >= MOST_PAGES:
            await websocket.close(4429)
            return
        from backlit.studio.talking import connected

        if not heard:
            await websocket.accept()
        await connected(websocket, lambda client: places.of(key, client), heard)

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        begun[:] = [asyncio.create_task(begin())]
        sweeping = asyncio.create_task(_sweep(await desks())) if guard.seats else None
        yield
        if sweeping is not None:
            sweeping.cancel()
        told.set()
        await asyncio.to_thread((await desks()).close)

    routes = [WebSocketRoute("/ws", talk), Route("/{path:path}", page, methods=["GET"])]
    return Starlette(routes=routes, lifespan=lifespan)


async def _greeted(websocket: Any, first: Sequence[str | bytes]) -> list[Any]:
    """Tell a page that greets what is known, and wait until it has seen it; what was heard, for the session."""
    heard = [await websocket.receive()]
    if heard[0]["type"] == "websocket.receive" and '"hello"' in (heard[0].get("text") or ""):
        for part in first:
            await (websocket.send_text(part) if isinstance(part, str) else websocket.send_bytes(part))
        heard.append(await websocket.receive())
    return heard


def _desks(guard: Guard, session: Callable[[], Session]) -> Desks:
    """Where sessions are; the one that all share is begun."""
    from backlit.studio.desks import Desks

    desks = Desks(guard, session)
    for key in guard.keys:
        desks.of(key)
    return desks


async def _sweep(desks: Desks) -> None:
    """Let sessions rest that nobody uses, as long as the server runs."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        await asyncio.to_thread(desks.let_rest)


# ------------------------------------------------------------------------------------------------ serving


def listening(host: str, port: int) -> tuple[socket.socket, int]:
    """A socket on a port, or the next free one.

    Raises
    ------
    InputError
        If none can be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    tried = range(port, min(port + PORTS, 65536)) if port else [0]
    for number in tried:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, number))
            listener.listen(64)
        except OSError as error:
            listener.close()
            last = error
            continue
        return listener, int(listener.getsockname()[1])
    raise InputError(
        f"no port from {port} to {tried[-1]} can be had on {host} ({last.strerror}); choose another --port"
    )


def serve(app: Any, listener: socket.socket, started: Callable[[], None]) -> None:
    """Run the server until Ctrl-C.

    Parameters
    ----------
    app : ASGI application
    listener : socket
    started : callable
        ``started()`` is called once it answers.
    """
    uvicorn: Any = need("uvicorn", extra="studio", why="the studio")
    need("websockets", extra="studio", why="the studio")
    config = uvicorn.Config(
        app, log_level="error", access_log=False, server_header=False, date_header=False, ws_max_size=MOST_MESSAGE,
        timeout_graceful_shutdown=2, lifespan="on",
        ws_per_message_deflate=False,  # frames are numbers: packing them takes longer than sending them
    )  # fmt: skip
    server = uvicorn.Server(config)

    async def run() -> None:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if server.started:
            started()
        await serving

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run())
