"""A lesson being run: its code, what that prints, and its prose with the computed numbers."""

from __future__ import annotations

import contextlib
import io
import re
import signal
import sys
import threading
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from backlit import interrupts
from backlit.errors import BacklitError
from backlit.languages import check_language, particle
from backlit.lessons.claims import holder
from backlit.lessons.pictures import is_picture
from backlit.lessons.source import Code, Lesson, Prose


class LessonError(BacklitError):
    """A lesson's code or a number in its prose failed; the message has file and line."""


@dataclass(frozen=True)
class FilledProse:
    """Prose with its numbers, by language; and the figures that it shows, by name."""

    text: Mapping[str, str]
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunCode:
    """Code that was run, and what it printed."""

    code: Code
    printed: str


FIGURE = re.compile(r"!\[([^\[\]]*)\]\(figure:(\w+)\)")
_FUNCTIONS = {"abs": abs, "len": len, "max": max, "min": min, "sum": sum}  # what a value's expression can call
_VALUE = re.compile(r"«([^«»]+)»(?:\{([^{}/]+/[^{}/]+)\})?")  # and a Korean particle in its two forms
_FORMAT = re.compile(r"^(.*):([<>=^]?[-+ ]?[#0]?\d*,?(?:\.\d+)?[bcdeEfgGnosxX%]?)$", re.DOTALL)


def setup(language: str, quick: bool) -> str:
    """The code that comes before a lesson's own, there for a notebook to show."""
    return (
        "import numpy as np\n\nimport backlit as bl\nfrom backlit import lessons\n\n"
        f'quick = {quick}  # True trains less\nsay = lessons.saying("{language}")\n'
    )


def run(lesson: Lesson, language: str = "en", *, quick: bool = False) -> Iterator[FilledProse | RunCode]:
    """Run a lesson part by part, claims and all.

    Raises
    ------
    LessonError
        If a block fails, a claim doesn't hold or the prose names a value that there isn't.
    """
    check_language(language, of="the lessons")
    module = types.ModuleType(f"backlit_lesson_{lesson.name}")
    before = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        values = module.__dict__
        execute(Code(setup(language, quick), 1), values, lesson)
        values["holds"] = holder(lesson)
        for part in lesson.parts:
            if isinstance(part, Code):
                yield RunCode(part, execute(part, values, lesson))
            else:
                yield filled(part, values, lesson)
    finally:
        if before is None:
            del sys.modules[module.__name__]
        else:
            sys.modules[module.__name__] = before


def execute(code: Code, values: dict[str, Any], lesson: Lesson) -> str:
    """Run a block of a lesson, which is part of the package, and give what it printed."""
    printed = io.StringIO()
    try:
        # Lines as in the file, so that a traceback shows where it was.
        compiled = compile("\n" * (code.line - 1) + code.text, lesson.path, "exec", optimize=0)  # claims are assertions
        silent = contextlib.redirect_stderr(io.StringIO())  # no progress display
        with contextlib.redirect_stdout(printed), silent, _ended_by_ctrl_c():
            exec(compiled, values)  # noqa: S102
    except Exception as error:
        line = _line(error, lesson.path) or code.line
        what = "a claim doesn't hold" if isinstance(error, AssertionError) else type(error).__name__
        raise LessonError(f"{lesson.path}, line {line}: {what}: {error}") from error
    return printed.getvalue()


@contextlib.contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """Ctrl-C ends the lesson, though `fit` takes it for itself, and goes on with what was trained so far."""
    if threading.current_thread() is not threading.main_thread():  # where no signal comes
        yield
        return
    pressed = []

    def press(number: int, frame: types.FrameType | None) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, press)
    try:
        yield
    except Exception as error:
        if pressed or interrupts.status() is not None:  # it failed for what wasn't trained
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed or interrupts.status() is not None:
        raise KeyboardInterrupt


def _line(error: BaseException, path: str) -> int | None:
    """The last line of the lesson that an error went through."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def filled(prose: Prose, values: dict[str, Any], lesson: Lesson) -> FilledProse:
    """Prose with each «value» computed; the code's own variables, and figures, are all that it can name."""

    def value(match: re.Match[str]) -> str:
        text = _value(match[1], values, lesson)
        return text + (particle(text, match[2]) if match[2] else "")

    texts = {language: _VALUE.sub(value, text) for language, text in prose.text.items()}
    names = {name for text in texts.values() for _, name in FIGURE.findall(text)}
    missing = sorted(name for name in names if not is_picture(values.get(name)))
    if missing:
        raise LessonError(f"{lesson.path}: {missing[0]} is shown as a figure, but the code made none of that name")
    return FilledProse(texts, {name: values[name] for name in sorted(names)})


def _value(place: str, values: dict[str, Any], lesson: Lesson) -> str:
    """One value as text: an expression of Jinja (names, attributes, places, arithmetic), and Python's format."""
    from jinja2 import Environment, StrictUndefined
    from jinja2.exceptions import TemplateError

    match = _FORMAT.match(place)
    expression, layout = (match[1], match[2]) if match else (place, "")
    try:
        compiled = Environment(autoescape=False, undefined=StrictUndefined).compile_expression(  # noqa: S701, no HTML
            expression, undefined_to_none=False
        )
        value = _plain(compiled(**(_FUNCTIONS | values)))
        text = format(value, layout)
        return f"−{text[1:]}" if isinstance(value, (int, float)) and text.startswith("-") else text
    except (TemplateError, TypeError, ValueError) as error:
        raise LessonError(f"{lesson.path}: «{place}» has no value: {error}") from error


def _plain(value: Any) -> Any:
    """A number out of an array or tensor of one."""
    return value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value
