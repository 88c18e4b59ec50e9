"""`backlit studio`: see a network learn, in the browser."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from backlit.studio.session import Session

NAME = "studio"
SETTLED = 2.0  # seconds after which a new session has shown itself
EXAMPLES = (
    "Examples:\n\nbacklit studio\n\nbacklit studio runs/iris --no-browser --port 9000\n\n"
    "backlit studio --exercise xor\n\n"
    'backlit studio --goal "held accuracy >= 95%" --goal "weights <= 12" --may layers,units --link\n\n'
    "backlit studio --host 0.0.0.0 --pupils 30 --exercise xor\n\n"
    "backlit studio --static playground --pyodide pyodide"
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
    state: Annotated[
        str | None,
        typer.Option(help="A state to begin with, as the studio's link holds it, with its task if it has one."),
    ] = None,
    exercise: Annotated[
        str | None, typer.Option(help="An exercise of the lessons to begin with; an unknown name lists them.")
    ] = None,
    goal: Annotated[
        list[str] | None,
        typer.Option(help='A task for others: what is to be reached, such as "held accuracy >= 95%"; may be repeated.'),
    ] = None,
    may: Annotated[
        str | None, typer.Option(help='Of a task: what may be changed, such as "layers,units"; all by default.')
    ] = None,
    text: Annotated[str, typer.Option(help="Of a task: what pupils read.")] = "",
    link: Annotated[bool, typer.Option("--link", help="Print the task's link, and start nothing.")] = False,
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
    from backlit.cli import output, process
    from backlit.errors import InputError
    from backlit.extras import need

    if static is not None:
        if any((run, state, exercise, goal)):
            raise InputError("--static writes the page alone; a state goes behind # in its address")
        write_static(static, pyodide)
        return
    if pyodide is not None:
        raise InputError("--pyodide belongs to --static FOLDER")
    if sum(given is not None for given in (run, state, exercise)) > 1:
        raise InputError("begin with a run, with a --state or with an --exercise, not with several of them")
    state = begun(state, exercise, goal or [], may, text)
    if link:
        if state is None:
            raise InputError("--link prints a task's link: say --goal, --exercise or --state")
        output.tell(f"#{state}")
        return
    for module in ("starlette", "uvicorn", "websockets"):
        if find_spec(module) is None:
            need(module, extra="studio", why="the studio")
    from backlit.studio import first
    from backlit.studio.guard import Guard
    from backlit.studio.server import application, listening, serve

    plain = run is None and state is None and not pupils
    session = kept(session_of(run, state, pupils)) if plain else session_of(run, state, pupils)
    guard = Guard(port, host, seats=pupils) if token is None else Guard(port, host, token, pupils)
    listener, guard.port = listening(host, port)
    with listener:
        own = f"http://{name_of(host)}:{guard.port}/?token={guard.own if pupils else guard.token}"

        # A browser takes a moment to begin. What it asks before the server is there waits at the port.
        if port and guard.port != port:
            output.tell(f"port {port} is taken; this is {guard.port}")
        output.tell(f"The studio is at {own}")
        tell_others(host, guard.port, guard.token, pupils)
        if not no_browser:
            open_browser(own)

        process.stay()
        told = application(guard, session, first.known() if plain else ())
        serve(told, listener, lambda: output.tell("Ctrl-C stops it"))
    output.tell("the studio was stopped")


def session_of(run: Path | None, state: str | None, pupils: int) -> Callable[[], Session]:
    """What makes a session. What may be wrong with a run or a state is told at once; else the page needn't wait."""

    def begin() -> Callable[[], Session]:
        from backlit.studio.opening import beginning
        from backlit.studio.quota import Quota

        return beginning(run, state, Quota.of_a_class(pupils) if pupils else None, bound=pupils > 0)

    def made() -> Session:
        return begin()()

    return made if run is None and state is None else begin()


def kept(session: Callable[[], Session]) -> Callable[[], Session]:
    """What makes a session, of which the first words are kept for the next time once it has settled."""

    def made() -> Session:
        from backlit.studio import first

        found = session()
        later = Timer(SETTLED, first.keep)  # all that it needs was imported by then
        later.daemon = True
        later.start()
        return found

    return made


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


def begun(state: str | None, exercise: str | None, goals: list[str], may: str | None, text: str) -> str | None:
    """The link to begin with: that which was given, or one with the task that options say."""
    from backlit.errors import InputError

    if exercise is None and not goals:
        if may is not None or text:
            raise InputError("--may and --text are of a task: say its --goal, too")
        return state
    from backlit.studio.assigning import link_to
    from backlit.studio.assignment import Assignment, goal_of
    from backlit.studio.exercises import named
    from backlit.studio.sharing import linked
    from backlit.studio.state import State

    if exercise is not None:
        if goals:
            raise InputError("an --exercise has its own goals; leave out --goal")
        return link_to(named(exercise).assignment)
    start = State() if state is None else linked(state)[0].replace(at=0)
    allowed = None if may is None else tuple(name.strip() for name in may.split(",") if name.strip())
    return link_to(Assignment(text=text, goals=tuple(goal_of(goal) for goal in goals), may=allowed, start=start))


def name_of(host: str) -> str:
    """How an address calls a host from this machine: those that stand for all of its addresses, by loopback's name."""
    names = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104
    return names.get(host, f"[{host}]" if ":" in host else host)


def tell_others(host: str, port: int, token: str, pupils: int) -> None:
    """What a teacher tells a class: the address, in the network that this machine is in."""
    from backlit.cli import output
    from backlit.studio.guard import is_loopback, own_address

    name = own_address(host)
    address = f"http://{f'[{name}]' if ':' in name else name}:{port}/?token={token}"
    if pupils:
        output.tell(f"Tell your pupils: open {address}")
        output.tell(f"{pupils} can come, each with a session of their own; you have one besides")
        if is_loopback(host):
            output.tell("only this machine can reach it; say --host 0.0.0.0 for a class")
    elif not is_loopback(host):
        output.tell(f"other machines can reach it at {address}, and whoever has that address can use it")


def open_browser(address: str) -> None:
    """Open the address, where there is a display to show it on."""
    import os
    import sys
    import webbrowser

    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return
    webbrowser.open(address)
