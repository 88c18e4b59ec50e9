"""A page's websocket: what it asks goes to its session's worker, and what that replies goes back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.studio.answers import refusal
from backlit.studio.replies import Reply
from backlit.studio.wire import from_json, packed, to_json, unpacked
from backlit.studio.worker import Client, Worker

MOST_UNSENT = 400  # replies that a page may leave unread
IDLE_CODE = 4408  # by which a page is let go where nobody does anything

LET_GO = Reply({"type": "note", "what": {}})  # what is sent to a page last


async def connected(websocket: Any, join: Callable[[Client], Worker], heard: Sequence[Any] = ()) -> None:
    """Carry messages between a page and the worker that it joins until it goes: one task reads, one writes.

    What was `heard` of it before is answered first.
    """
    from starlette.websockets import WebSocketDisconnect

    loop, unsent = asyncio.get_running_loop(), asyncio.Queue[Reply | None](MOST_UNSENT)

    def put(reply: Reply) -> None:
        try:
            unsent.put_nowait(reply)
        except asyncio.QueueFull:  # it doesn't read what it asks for: it is let go
            client.ready = client.greeted = False
            writer.cancel()

    def send(reply: Reply) -> None:
        with contextlib.suppress(RuntimeError):  # the server has ended
            loop.call_soon_threadsafe(put, reply)

    async def write() -> None:
        while True:
            reply = await unsent.get()
            if reply is None:
                return
            if reply is LET_GO:
                await websocket.close(IDLE_CODE)
                return
            if reply.arrays is None:
                await websocket.send_text(to_json(reply.message))
            else:
                await websocket.send_bytes(packed(reply.message, reply.arrays))

    client = Client(send, lambda: send(LET_GO))
    writer = asyncio.create_task(write())
    worker = join(client)
    reader = asyncio.create_task(_read(websocket, worker, client, list(heard)))
    try:
        await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        worker.leave(client)
        for task in (reader, writer):
            task.cancel()
        for task in (reader, writer):
            with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError, OSError):
                await task
        with contextlib.suppress(RuntimeError, WebSocketDisconnect, OSError):
            await websocket.close(1001)


async def _read(websocket: Any, worker: Worker, client: Client, heard: list[Any]) -> None:
    """Hand the page's messages to the worker."""
    while True:
        event = heard.pop(0) if heard else await websocket.receive()
        if event["type"] != "websocket.receive":
            return
        text, data = event.get("text"), event.get("bytes")
        arrays: dict[str, np.ndarray] = {}
        try:
            message, arrays = (from_json(text), {}) if text is not None else unpacked(data or b"")
        except InputError as error:
            client.send(refusal(None, str(error)))
            continue
        while not worker.post(client, message, arrays, len(text if text is not None else data or b"")):
            await asyncio.sleep(0.02)
