"""`backlit studio`: see a network learn, in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "studio"
EXAMPLES = (
    "Examples:\n\nbacklit studio\n\nbacklit studio runs/iris --no-browser --port 9000\n\n"
    "backlit studio --host 0.0.0.0 --pupils 30\n\nbacklit studio --static playground --pyodide pyodide"
)


def command(
    run: Annotated[Path | None, typer.Argument(help="A run to begin with.", metavar="RUN")] = None,
    port: Annotated[
        int, typer.Option(help="Port to listen on; the next free one if it is taken.", min=0, max=65535)
    ] = 8321,
    host: Annotated[str, typer.Option(help="Address to listen on; other machines can reach 0.0.0.0.")] = "127.0.0.1",
    token: Annotated[str | None, typer.Option(help="What the address must hold; drawn anew by default.")] = None,
    pupils: Annotated[
        int, typer.Option(help="For a class: so many may come, each with a session of their own.", min=0, max=200)
    ] = 0,
    state: Annotated[str | None, typer.Option(help="A state to begin with, as the studio's link holds it.")] = None,
    static: Annotated[
        Path | None,
        typer.Option(
            help="Serve nothing: write the page as files, for which the browser runs Python.", metavar="FOLDER"
        ),
    ] = None,
    pyodide: Annotated[
        str | None,
        typer.Option(help="With --static: folder or address of Pyodide's files.", metavar="FOLDER|ADDRESS"),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, and open nothing.")] = False,
) -> None:
    """Open the studio: build a network, train it, go back, and see every number."""
    from backlit.cli import output
    from backlit.errors import InputError
    from backlit.extras import need

    if static is not None:
        if run is not None or state is not None:
            raise InputError("--static writes the page alone; a state goes behind # in its address")
        write_static(static, pyodide)
        return
    if pyodide is not None:
        raise InputError("--pyodide belongs to --static FOLDER")
    for module in ("starlette", "uvicorn", "websockets"):
        need(module, extra="studio", why="the studio")
    from backlit.studio.guard import Guard, is_loopback
    from backlit.studio.opening import beginning
    from backlit.studio.server import application, listening, serve

    if run is not None and state is not None:
        raise InputError("begin with a run or with a --state, not with both")
    session = beginning(run, state)
    guard = Guard(port, host, seats=pupils) if token is None else Guard(port, host, token, pupils)
    listener, guard.port = listening(host, port)
    shown = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host  # noqa: S104
    address = f"http://{shown}:{guard.port}/?token={guard.token}"

    def started() -> None:
        if port and guard.port != port:
            output.tell(f"port {port} is taken; this is {guard.port}")
        output.tell(f"The studio is at {address}")
        if not is_loopback(host):
            output.tell("other machines can reach it, and whoever has the address can use it")
        output.tell("Ctrl-C stops it")
        if not no_browser:
            open_browser(address)

    serve(application(guard, session), listener, started)
    output.tell("the studio was stopped")


def write_static(folder: Path, pyodide: str | None) -> None:
    """Write the page as files, and say what is still to be done."""
    from backlit.cli import output
    from backlit.studio.static import PYODIDE, write

    missing = write(folder, pyodide)
    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    output.tell(f"wrote {folder}: {len(files)} files, {size:.1f} MB")
    if missing:
        output.tell(
            f"put into {folder / PYODIDE} what it lacks of Pyodide: {', '.join(missing)} "
            "(`npm pack pyodide` has its core, a release of Pyodide the wheels)"
        )
    output.tell(f"any web server serves it: python -m http.server --directory {folder}")


def open_browser(address: str) -> None:
    """Open the address, where there is a display to show it on."""
    import os
    import sys
    import webbrowser

    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return
    webbrowser.open(address)
