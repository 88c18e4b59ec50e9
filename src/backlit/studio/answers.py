"""What a session does with each message that a page sends."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from backlit._version import __version__
from backlit.errors import BacklitError, InputError
from backlit.languages import Said, Template
from backlit.studio import comparing
from backlit.studio.catalog import LIMITS, catalog
from backlit.studio.checking import check
from backlit.studio.looks import PANELS
from backlit.studio.protocol import VERSION
from backlit.studio.replies import Reply
from backlit.studio.session import Session
from backlit.studio.state import Change
from backlit.studio.words import both

Arrays = dict[str, np.ndarray]
Answer = Callable[[Session, dict[str, Any], Arrays], list[Reply]]

log = logging.getLogger("backlit.studio")
OTHER_VERSION = Template(
    "the page speaks version {page} of the protocol, the studio {own}: load the page anew",
    "페이지는 프로토콜 {page}판, 스튜디오는 {own}판입니다. 페이지를 새로 고침하세요.",
)
LAST = Template(
    "update {most:,} is the last one here; go back, or start again",
    "여기서는 갱신을 {most:,}번까지 할 수 있습니다. 뒤로 돌아가거나 처음부터 다시 시작하세요.",
)
FAILED = Template(
    "something went wrong in the studio ({kind}); nothing was changed",
    "스튜디오에서 문제가 생겼습니다({kind}). 바뀐 것은 없습니다.",
)


def answer(session: Session, message: Any, arrays: Arrays | None = None) -> list[Reply]:
    """What a session says to a message; whatever is wrong with it becomes an `error`, and changes nothing.

    Parameters
    ----------
    session : Session
    message : object
        As it was read from JSON, or a frame's header.
    arrays : dict of arrays, optional
        Of a frame.

    Examples
    --------
    >>> session = Session()
    >>> [reply.message["type"] for reply in answer(session, {"type": "hello", "version": 1})]
    ['welcome', 'state', 'data']
    >>> answer(session, {"type": "seek", "update": "two", "id": 5})[0].message["what"]["en"]
    "seek: update must be a whole number from 0 to 2147483647, got 'two'"
    """
    asked = message.get("type") if isinstance(message, dict) else None
    number = message.get("id") if isinstance(message, dict) else None
    try:
        message = check(message, "ask")
        replies = ANSWERS[message["type"]](session, message, arrays or {})
    except BacklitError as error:
        replies = [refusal(asked, said(error))]
    except ModuleNotFoundError:
        raise  # whoever carries the messages knows what can be done about it
    except Exception as error:  # noqa: BLE001, whatever it was, the session stays
        replies = [unforeseen(asked, error)]
    if isinstance(number, int) and not isinstance(number, bool):
        replies = [reply._replace(message={**reply.message, "id": number}) for reply in replies]
    return replies


def said(error: Exception) -> Any:
    """An error's text, in each language if it knows them."""
    words = error.args[0] if error.args else ""
    return words if isinstance(words, Said) else str(error)


def refusal(asked: Any, what: Any) -> Reply:
    """An `error`."""
    return Reply({"type": "error", "asked": asked[:40] if isinstance(asked, str) else None, "what": both(what)})


def unforeseen(asked: Any, error: Exception) -> Reply:
    """An `error` of what nobody has thought of: its kind is told, and all of it logged."""
    log.error("the studio failed at %r", asked, exc_info=error)
    return refusal(asked, FAILED.of(kind=type(error).__name__))


def failed(error: Exception) -> Reply:
    """An `error` of what belongs to no message."""
    return refusal(None, said(error)) if isinstance(error, BacklitError) else unforeseen(None, error)


def _done(session: Session, asked: str) -> list[Reply]:
    session.version += 1
    return [Reply({"type": "done", "asked": asked, "at": session.at()})]


def _hello(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    if message["version"] != VERSION:
        return [refusal("hello", OTHER_VERSION.of(page=message["version"], own=VERSION))]
    welcome = {"type": "welcome", "version": VERSION, "backlit": __version__, "catalog": catalog(), "limits": LIMITS}
    return [Reply(welcome), session.told()._replace(to_all=False), session.data()._replace(to_all=False)]


def _configure(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    session.rebuild(session.state.changed(message["state"]))
    return [session.told(), session.data()]


def _require_room(session: Session) -> None:
    """Say why there are no further updates, where there are none."""
    most = session.most_updates
    if session.at()["update"] >= most:
        raise InputError(LAST.say(most=most))


def _step(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    epochs = message.get("epochs")
    length = session.first.timeline.updates_per_epoch
    at = session.at()["update"]
    session.playing = False
    _require_room(session)
    updates = message.get("updates") or 1
    session.seek(at + updates if epochs is None else (at // length + epochs) * length)
    return _done(session, "step")


def _play(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    _require_room(session)
    session.playing, session.aim = True, None
    if message.get("speed") is not None:
        session.speed = message["speed"]
    return _done(session, "play")


def _pause(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    session.playing, session.aim = False, None
    return _done(session, "pause")


def _seek(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    session.playing = False
    session.seek(message["update"])
    return _done(session, "seek")


def _reset(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    state = session.first.timeline.state.replace(history=(), at=0)
    planted, honest = session.planted, session.honest
    session.rebuild(state)
    session.planted = planted
    session.honest = None if honest is None else honest.replace(history=(), at=0)
    return [session.told(), session.data()]


def _rate(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    return comparing.change(session, Change(do="rate", value=message["value"]), message.get("side"))


def _edit(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    change = Change(do="edit", value=message["value"], place=message["place"])
    return comparing.change(session, change, message.get("side"))


def _freeze(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    change = Change(do="freeze", layer=message["layer"], unit=message["unit"], on=message["on"])
    return comparing.change(session, change, message.get("side"))


def _look(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    panels = session.panels if message.get("panels") is None else tuple(message["panels"])
    wrong = [panel for panel in panels if panel not in PANELS]
    if wrong:
        raise InputError(f"look: panels are {', '.join(PANELS)}, got {str(wrong[0])[:40]!r}")
    if "row" in message:
        session.ask_about(message["row"])
    session.panels, session.grid = panels, message.get("grid") or session.grid
    session.inside_of = message.get("side") or "a"
    return _done(session, "look")


def _in(module: str, name: str) -> Answer:
    """The answer of a module that is imported when it is first asked for: the first picture needs none of these."""

    def found(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
        replies: list[Reply] = getattr(import_module(f"backlit.studio.{module}"), name)(session, message, arrays)
        return replies

    return found


ANSWERS: dict[str, Answer] = {
    "hello": _hello, "configure": _configure, "upload": _in("uploads", "upload"), "step": _step, "play": _play,
    "pause": _pause, "seek": _seek, "reset": _reset, "rate": _rate, "edit": _edit, "freeze": _freeze, "look": _look,
    "seen": lambda session, message, arrays: [],
    "explain": _in("explaining", "explain"), "pull": _in("explaining", "pull"), "walk": _in("walking", "walk"),
    "surface": _in("landscape", "surface"),
    "compare": comparing.compare, "keep": comparing.keep, "discard": comparing.discard,
    "doctor": _in("doctoring", "doctor"), "try": _in("doctoring", "try_remedy"),
    "break": comparing.plant, "guess": comparing.guess,
    "assign": _in("assigning", "assign"), "check": _in("assigning", "check"), "help": _in("assigning", "help_"),
    "share": _in("assigning", "share"),
    "picture": _in("pictures", "picture"), "mistakes": _in("pictures", "mistakes"),
    "code": _in("sharing", "code"), "say": _in("writing", "say"), "draw": _in("drawing", "draw"),
}  # fmt: skip
