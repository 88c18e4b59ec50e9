"""What a session hands to whoever carries its messages."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Reply(NamedTuple):
    """A message to the page, with its arrays if it is a frame; to all pages of the session, or to who asked."""

    message: dict[str, Any]
    arrays: dict[str, np.ndarray] | None = None
    to_all: bool = False
