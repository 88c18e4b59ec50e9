"""The lessons' exercises in the studio: each a task whose goal the session checks, with a hint and a solution.

They stand in exercises.toml: where each begins, what is to be reached, what may be changed, what pupils read.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from backlit.errors import unknown
from backlit.languages import NAMES
from backlit.studio.assignment import Assignment
from backlit.studio.state import State
from backlit.studio.words import Both

TEXTS = ("title", "text", "hint", "solution")
PARTS = ("data", "network", "training")


@dataclass(frozen=True)
class Exercise:
    """An exercise.

    Attributes
    ----------
    key, lesson : str
        Its name, and that of the lesson.
    number : int
        Of the lesson.
    assignment : Assignment
    solution : {"en": str, "ko": str}
    solved : State
        That reaches the goal at its update.
    """

    key: str
    lesson: str
    number: int
    assignment: Assignment
    solution: Both
    solved: State


@cache
def exercises() -> dict[str, Exercise]:
    """All of them by key, in the order of the lessons."""
    text = resources.files(__package__).joinpath("exercises.toml").read_text("utf-8")
    made = [_made(given) for given in tomllib.loads(text)["exercise"]]
    return {each.key: each for each in made}


def _made(given: dict[str, Any]) -> Exercise:
    texts = {name: {lang: " ".join(given[lang][name].split()) for lang in NAMES} for name in TEXTS}
    start, solved = given["start"], given["solved"]
    begun = State.from_dict(start)
    changed = {name: {**start.get(name, {}), **solved[name]} for name in PARTS if name in solved}
    bounds = {name: most for name, most in given.items() if name.startswith("most_")}
    told = {"title": texts["title"], "text": texts["text"], "hint": texts["hint"], "may": given["may"], **bounds}
    task = Assignment.from_dict({"key": given["key"], "goals": given["goals"], "start": begun, **told})
    end = begun.changed({**changed, "history": solved.get("history", ()), "at": solved.get("at", 0)})
    return Exercise(given["key"], given["lesson"], given["number"], task, texts["solution"], end)


def named(key: str) -> Exercise:
    """An exercise by its key.

    Raises
    ------
    UnknownNameError
        If there is none; the message lists them.
    """
    if key not in exercises():
        raise unknown("exercise of the studio", key, exercises())
    return exercises()[key]


def listed() -> list[dict[str, Any]]:
    """All of them, as `catalog` tells them."""
    return [
        {"key": each.key, "lesson": each.lesson, "number": each.number, "title": each.assignment.title}
        for each in exercises().values()
    ]
