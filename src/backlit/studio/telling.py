"""What a session tells a page: its state, its data, and frames of what the page looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.languages import Template
from backlit.studio.looks import parameters
from backlit.studio.reading import look
from backlit.studio.replies import Reply
from backlit.studio.words import both

if TYPE_CHECKING:
    from backlit.studio.session import Session
    from backlit.studio.sets import Rows
    from backlit.studio.side import Side
    from backlit.studio.timeline import Timeline

HELD_NONE = Template(
    "too few rows to hold some back: all are trained on", "데이터가 적어 검증용으로 떼어 두지 않고 모두 학습에 씁니다."
)
MOST_CURVES = 10_000  # losses that a frame carries; of a longer run each stands for several updates
MOST_PICTURES = 120  # that a page is sent to choose from


def told(session: Session) -> Reply:
    """`state`."""
    compare = None
    if session.second is not None:
        second = session.second
        compare = {
            "state": second.timeline.state.to_dict() | {"at": second.timeline.at},
            "layers": second.layers,
            "note": both(session.difference),
        }
    notes = [session.first.timeline.rows.plane.note]
    if session.first.timeline.state.training.held and session.first.timeline.job.validation is None:
        notes.append(HELD_NONE.of())
    message = {
        "type": "state",
        "state": session.state.to_dict(),
        "at": session.at(),
        "layers": session.first.layers,
        "notes": [both(note) for note in notes],
        "compare": compare,
        "planted": session.planted is not None,
        "assignment": None if session.assignment is None else session.assignment.told(session.bound, session.solved),
    }
    return Reply(message, to_all=True)


def data(session: Session) -> Reply:
    """`data`."""
    rows: Rows = session.first.timeline.rows
    plane = rows.plane
    y = rows.y if rows.y.ndim == 1 else rows.y[:, 0]
    reading = rows.reading
    message = {
        "type": "data",
        "task": rows.task,
        "text": None if reading is None else {"text": reading.text, "steps": reading.steps, "starts": reading.starts},
        "columns": rows.columns,
        "classes": rows.classes,
        "shown": {
            "axes": None if plane.axes is None else list(plane.axes),
            "projected": plane.projected and reading is None,
            "note": both(plane.note),
        },
        "range": [list(side) for side in plane.range],
        "rows": len(rows.x),
        "picture": None if rows.picture is None else list(rows.picture),
    }
    arrays = {
        "plane": plane.places(rows.x).astype(np.float32),
        "y": np.asarray(y, np.float32),
        "held": session.first.timeline.held_rows,
    }
    if rows.picture is not None:
        arrays["pictures"] = rows.pixels(slice(MOST_PICTURES))
    return Reply(message, arrays, to_all=True)


def frame(session: Session, curves_from: int = 0) -> Reply:
    """A frame of what `look` asked for.

    Parameters
    ----------
    curves_from : int
        The first update whose losses the page doesn't have yet.
    """
    session.frames += 1
    timeline = session.lead
    start = min(curves_from, session.furthest)
    inside = session.sides.get(session.inside_of, session.first)
    message = {
        "type": "frame",
        "frame": session.frames,
        "update": timeline.at,
        "epoch": timeline.at / timeline.updates_per_epoch,
        "playing": session.playing,
        **session.first.scored,
        "curves_from": start,
        "curves_apart": _apart(session, start),
        "compare": None if session.second is None else session.second.scored,
        **session.seen_inside.told(inside.looks, session.panels, session.version, session.playing),
    }
    arrays = _pictures(session, session.first)
    _read(session, message, arrays)
    if "curves" in session.panels:
        arrays["curves"] = _curves(session.first.timeline, start, _apart(session, start))
    if session.second is not None:
        arrays |= {f"b:{name}": array for name, array in _pictures(session, session.second).items()}
        if "curves" in session.panels:
            arrays["b:curves"] = _curves(session.second.timeline, start, _apart(session, start))
    return Reply(message, arrays)


def curves_until(session: Session, start: int) -> int:
    """The update up to which a frame's curves from `start` go."""
    start = min(start, session.furthest)
    return min(start + MOST_CURVES * _apart(session, start), session.furthest)


def _apart(session: Session, start: int) -> int:
    """How many updates each of the losses from `start` on stands for: a frame carries so many, and no more."""
    return max(1, (session.furthest - start) // MOST_CURVES)


def _pictures(session: Session, side: Side) -> dict[str, np.ndarray]:
    network = side.timeline.network
    arrays: dict[str, np.ndarray] = {}
    if "boundary" in session.panels or "units" in session.panels:
        arrays |= side.looks.maps(network, session.grid, "units" in session.panels)
    if "weights" in session.panels:
        arrays |= parameters(network)
    if session.row is not None and side.texts is None:
        values = side.looks.values(network, side.timeline.job.examples.inputs[session.row])
        arrays |= {f"values/{path}": value for path, value in values.items()}
    return arrays


def _read(session: Session, message: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Of a text: what is written, and a row of it character by character."""
    first, second = session.first, session.second
    if first.texts is None:
        return
    if "text" in session.panels:
        other = None if second is None or second.texts is None else second.texts.written(session.playing)
        message["text"] = {**first.texts.written(session.playing), "other": other}
    if "reading" in session.panels:
        message["reading"], steps = look(first.timeline, session.row or 0)
        arrays |= steps
        if second is not None and second.texts is not None:
            other, steps = look(second.timeline, session.row or 0)
            message["reading"]["other"] = other["layers"]
            arrays |= {f"b:{name}": array for name, array in steps.items()}


def _curves(timeline: Timeline, start: int, apart: int) -> np.ndarray:
    """Losses from an update on: of each, or of so many each the training loss's mean and the last held-back loss."""
    count = max(0, min(MOST_CURVES, (timeline.furthest - start) // apart))  # one of two may have gone on alone
    return timeline.curves.told(start, apart, count)[:, :2].astype(np.float32)
