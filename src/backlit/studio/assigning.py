"""Tasks in a session: begun, checked on the network itself, shared as a link."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import numpy as np

from backlit.errors import InputError
from backlit.languages import Template
from backlit.schema import fitted
from backlit.studio import exercises
from backlit.studio.assignment import Assignment, written
from backlit.studio.replies import Reply
from backlit.studio.session import Session
from backlit.studio.state import State
from backlit.studio.words import both

BOUND = Template("this session is for the task of your class; it can't be laid aside here",
                 "이 세션은 수업 과제를 위한 것이라 여기서 그만둘 수 없습니다.")  # fmt: skip
NONE = Template("there is no task here; begin with an exercise, or open a teacher's link",
                "지금은 과제가 없습니다. 연습 문제를 고르거나 선생님의 링크를 여세요.")  # fmt: skip
PLANTED = Template("a fault is planted: find it first, then the task goes on",
                   "심어 둔 문제가 있습니다. 먼저 그것을 찾은 뒤 과제를 이어 가세요.")  # fmt: skip
REACHED = Template("Reached: all that the task asks for.", "달성했습니다. 과제의 조건을 모두 만족합니다.")
NOT_YET = Template("Not yet: {count} of {all} reached.", "아직입니다. 조건 {all}개 가운데 {count}개를 만족합니다.")
NO_SOLUTION = Template("this task has no solution to show", "이 과제에는 보여 줄 풀이가 없습니다.")
NO_HINT = Template("this task has no hint", "이 과제에는 힌트가 없습니다.")

Arrays = dict[str, np.ndarray]


def assignment_of(given: Mapping[str, Any], state: State | None = None) -> Assignment:
    """A task as a link or a page gives it: an exercise's key, or all of it.

    Parameters
    ----------
    given : mapping
    state : State, optional
        What it begins with, if it doesn't say that itself.

    Raises
    ------
    InputError
        If something in it is unknown or of another kind.
    """
    given = fitted(dict[str, Any], given, "task")
    if given.get("key"):
        return exercises.named(fitted(str, given["key"], "task/key")).assignment
    start = {} if state is None or "start" in given else {"start": state.replace(at=0)}
    return Assignment.from_dict({**given, **start})


def begin(session: Session, assignment: Assignment, state: State | None = None) -> None:
    """Put a session to a task: at its start, or at a state that someone has reached in it."""
    before = session.assignment
    session.assignment = assignment
    try:
        session.rebuild(assignment.start if state is None else state)
    except BaseException:
        session.assignment = before
        raise
    session.solved = False


def assign(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`assign`: begin a task, that which there is anew, or lay it aside."""
    if message.get("again"):
        begin(session, _task(session))
        return [session.told(), session.data()]
    if session.bound:
        raise InputError(BOUND.say())
    given = message.get("task")
    if given is None:
        session.assignment, session.solved = None, False
        return [session.told()]
    state = message.get("state")
    found = None if state is None else State.from_dict(state)
    task = assignment_of(given, found)
    begin(session, task, found)
    return [session.told(), session.data()]


def measured(session: Session) -> dict[str, float | None]:
    """Each quantity of goals, at this update of the first network."""
    side = session.first
    timeline, network = side.timeline, side.timeline.network
    scores = side.looks.scores_now()
    right, held = scores["right"], scores["held_right"]
    asked = set() if session.assignment is None else {goal.of for goal in session.assignment.goals}
    found: dict[str, float | None] = {
        "accuracy": right,
        "held accuracy": held,
        "gap": None if right is None or held is None else right - held,
        "loss": scores["loss"],
        "held loss": scores["held_loss"],
        **side.counts,
        "updates": timeline.at,
        "largest weight": max((float(np.abs(leaf).max()) for leaf in _leaves(network.params)), default=0.0),
    }
    if "dead units" in asked:
        dead = [layer["dead"] for layer in side.looks.histograms() if layer["dead"] is not None]
        found["dead units"] = max(dead, default=0.0)
    if "gradient" in asked:
        flow = [layer["gradient"] for layer in side.looks.flow() if layer["gradient"] is not None]
        found["gradient"] = flow[0] / flow[-1] if flow and flow[-1] else None
    return found


def _leaves(params: Any) -> list[np.ndarray]:
    from backlit.graph import tree

    return [np.asarray(leaf) for leaf in tree.leaves(params) if np.asarray(leaf).size]


def _task(session: Session) -> Assignment:
    if session.assignment is None:
        raise InputError(NONE.say())
    return session.assignment


def check(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`check`: whether the goal is reached at this update."""
    task = _task(session)
    if session.planted is not None:
        raise InputError(PLANTED.say())
    values = measured(session)
    met = [goal.met(values.get(goal.of)) for goal in task.goals]
    parts = [
        {"text": both(goal.words()), "value": written(goal.of, values.get(goal.of)), "met": reached}
        for goal, reached in zip(task.goals, met, strict=True)
    ]
    whole = bool(met) and all(met)
    session.solved = session.solved or whole
    what = REACHED.of() if whole else NOT_YET.of(count=sum(met), all=len(met))
    told = {"type": "checked", "met": whole, "solved": session.solved, "parts": parts, "what": both(what),
            "update": session.first.timeline.at}  # fmt: skip
    return [Reply(told)]


def help_(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`help`: a task's hint, or its solution."""
    task = _task(session)
    if message["of"] == "hint":
        if not any(task.hint.values()):
            raise InputError(NO_HINT.say())
        return [Reply({"type": "helped", "of": "hint", "what": task.hint, "state": None})]
    if not task.key:
        raise InputError(NO_SOLUTION.say())
    exercise = exercises.named(task.key)
    state = exercise.solved.to_dict()
    return [Reply({"type": "helped", "of": "solution", "what": exercise.solution, "state": state})]


def share(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`share`: what is seen as the beginning of a task for others, as a link and a command."""
    if session.planted is not None:
        raise InputError(PLANTED.say())
    state = session.state.replace(at=0, history=())
    task = assignment_of(message["task"], state)
    task.require(task.start, session.first.counts)
    if not task.goals:
        raise InputError(NO_GOAL.say())
    link = link_to(task, state)
    command = f"backlit studio --host 0.0.0.0 --pupils {message.get('pupils') or 30} --state {shlex.quote(link)}"
    told = {"type": "shared", "link": link, "command": command, "goals": [both(goal.words()) for goal in task.goals]}
    return [Reply(told)]


NO_GOAL = Template("a task needs a goal: choose a quantity and a number",
                   "과제에는 목표가 있어야 합니다. 무엇을 얼마까지인지 고르세요.")  # fmt: skip


def link_to(task: Assignment, state: State | None = None) -> str:
    """A task as the part of an address after #, at its start or at a state that someone has reached in it."""
    state = task.start if state is None else state
    whole = {**state.to_dict(), "task": task.to_link(state)}
    return quote(json.dumps(whole, ensure_ascii=False, separators=(",", ":")), safe="")
