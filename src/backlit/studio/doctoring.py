"""What the doctor says when it is asked, and a remedy tried beside the network."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.studio import comparing, findings
from backlit.studio.replies import Reply
from backlit.studio.session import Session

Arrays = dict[str, np.ndarray]


def doctor(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`doctor`: what it says, with the change that each remedy is."""
    side = session.side(message.get("side") or "a")
    diagnosis = side.looks.diagnosis()
    changes = findings.changes_of(side.timeline, side.looks, diagnosis)
    told = [findings.in_full(finding, change) for finding, change in zip(diagnosis, changes, strict=True)]
    return [Reply({"type": "findings", "findings": told, "update": side.timeline.at})]


def try_remedy(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`try`: a finding's remedy beside the network."""
    side = session.first
    diagnosis = side.looks.diagnosis()
    changes = findings.changes_of(side.timeline, side.looks, diagnosis)
    for finding, change in zip(diagnosis, changes, strict=True):
        if finding.name == message["key"]:
            if change is None:
                raise InputError(f"{finding.name}: this remedy is someone's decision, and can't be tried by itself")
            comparing.begin(session, change)
            return [session.told()]
    raise InputError(f"the doctor doesn't say {message['key']!r} at this update")
