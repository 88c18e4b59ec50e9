"""What is seen as Python, as a command and as a link; each leads to the same numbers, bit for bit."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any
from urllib.parse import quote, unquote

import numpy as np

from backlit.errors import InputError
from backlit.graph import tree
from backlit.languages import Template
from backlit.schema import fitted
from backlit.studio.assigning import assignment_of, link_to
from backlit.studio.assignment import Assignment
from backlit.studio.building import LOSS_OF_TEXTS, architecture_of
from backlit.studio.replies import Reply
from backlit.studio.scripted import Rates, Scripted
from backlit.studio.session import Session
from backlit.studio.state import State
from backlit.studio.timeline import Timeline
from backlit.studio.wire import from_json
from backlit.studio.words import both

CLASS = re.compile(r"\b([A-Z]\w*)\(")
ONE_UPDATE = Template(
    "an epoch of this program is one update, as the studio counts them",
    "이 프로그램의 에포크 하나는 스튜디오가 세는 갱신 한 번입니다.",
)
NO_FILE = Template(
    "the link doesn't hold your data: whoever opens it drops the same file",
    "링크에는 데이터가 들어 있지 않습니다. 여는 사람이 같은 파일을 끌어다 놓아야 합니다.",
)

Arrays = dict[str, np.ndarray]


def code(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`code`."""
    if session.honest is not None:
        raise InputError("a fault is planted: find it first, then the code can be copied")
    timeline = session.side(message.get("side") or "a").timeline
    state = timeline.state.replace(at=timeline.at)
    notes = [ONE_UPDATE.of()] if timeline.at else []
    if state.data.name == "file":
        notes.append(NO_FILE.of())
    link = link_of(state) if session.assignment is None else link_to(session.assignment, state)
    told = {
        "type": "code",
        "python": python(timeline),
        "command": f"backlit studio --state {shlex.quote(link)}",
        "link": link,
        "notes": [both(note) for note in notes],
    }
    return [Reply(told)]


def link_of(state: State) -> str:
    """A state as the part of an address after #."""
    return quote(json.dumps(state.to_dict(), ensure_ascii=False, separators=(",", ":")), safe="")


def state_of(link: str) -> State:
    """The inverse.

    Raises
    ------
    InputError
        If it is none.

    Examples
    --------
    >>> state = State.from_dict({"data": {"name": "xor"}, "at": 12})
    >>> state_of(link_of(state)) == state
    True
    """
    return linked(link)[0]


def linked(link: str) -> tuple[State, Assignment | None]:
    """A link's state, and the task that it holds, if there is one.

    Raises
    ------
    InputError
        If it is none.
    """
    data = from_json(unquote(link.lstrip("#")))
    if not isinstance(data, dict):
        raise InputError("a state must be an object {data, network, training, history, at}, as `code` tells it")
    parts = {name: part for name, part in data.items() if name != "task"}
    task = data.get("task")
    if isinstance(task, dict) and task.get("key") and not parts:
        found = assignment_of(task)
        return found.start, found
    state = State.from_dict(parts)
    return state, None if task is None else assignment_of(fitted(dict[str, Any], task, "task"), state)


def python(timeline: Timeline) -> str:
    """A program that leads to the network at this update."""
    state, training = timeline.state, timeline.training
    architecture = architecture_of(state.network, timeline.rows)
    optimizer = training.optimizer
    lines = ["import numpy as np", "", "import backlit as bl"]
    own = [kind.__name__ for kind in (Rates, Scripted) if f"{kind.__name__}(" in repr(optimizer)]
    lines += [f"from backlit.studio.scripted import {', '.join(own)}"] if own else []
    code, network = timeline.rows.code, timeline.job.network
    if state.network.of_run:
        lines += ["", code, "", f"network = rows.network.astype({training.dtype!r})"]
        drawn = dict(tree.items(timeline.rows.network.astype(training.dtype).params))
    else:
        lines += ["", code, "", f"network = {_named(repr(architecture))}"]
        built = f"{tuple(network.input_shape)}, seed={training.seed}, dtype={training.dtype!r}"
        lines.append(f"network = network.build({built})")
        fresh = architecture.build(network.input_shape, seed=training.seed, dtype=training.dtype)
        drawn = dict(tree.items(fresh.params))
    for path, leaf in tree.items(network.params):
        if not np.array_equal(leaf, drawn[path]):
            place = "".join(f"[{part!r}]" for part in path.split("/"))
            lines.append(f"network.params{place}[...] = {np.asarray(leaf).tolist()!r}")
    if timeline.at:
        encoding = None if timeline.rows.encoding is None else "targets"
        options = {
            "epochs": str(timeline.at),
            "steps_per_epoch": "1",
            "optimizer": _named(repr(optimizer)),
            "batch_size": repr(training.batch_size),
            "loss": repr(state.training.loss or LOSS_OF_TEXTS) if state.training.loss or encoding else None,
            "encoding": encoding,
            "penalty": None if training.penalty is None else _named(repr(training.penalty)),
            "validation": None if training.validation is None else repr(training.validation),
            "seed": repr(training.seed),
            "engine": repr(training.engine),
            "dtype": repr(training.dtype),
        }
        given = "".join(f"    {name}={value},\n" for name, value in options.items() if value is not None)
        lines += ["", f"run = bl.fit(\n    network, x, y,\n{given})", "network = run.network"]
    return "\n".join(lines) + "\n"


def _named(text: str) -> str:
    """Classes by the names that they have for users: bl.Linear(8)."""
    own = {Rates.__name__, Scripted.__name__}
    return CLASS.sub(lambda match: match[0] if match[1] in own else f"bl.{match[0]}", text)
