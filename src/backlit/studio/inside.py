"""What is seen inside a network: histograms, gradients and findings, looked at now and then while it is playing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backlit.studio.looks import Looks

PANELS = ("histograms", "flow", "ratios", "doctor")
APART = 0.15  # seconds from one look to the next while it is playing
SHARE = 0.1  # of the time that looks may take


class Inside:
    """The last look at a network, and when the next one may be taken.

    Examples
    --------
    >>> from backlit.studio.session import Session
    >>> found = Inside().told(Session().first.looks, ("flow",), version=0, playing=False)
    >>> [each["layer"] for each in found["flow"]]
    ['0', '2', '4']
    """

    def __init__(self) -> None:
        self._next, self._version = 0.0, -1
        self._looks: Looks | None = None
        self._found: dict[str, Any] = {}

    def told(self, looks: Looks, panels: Sequence[str], version: int, playing: bool) -> dict[str, Any]:
        """As a frame has it, of the panels that are open.

        Parameters
        ----------
        looks : Looks
        panels : sequence of str
        version : int
            Of the session: what was seen of the same holds still.
        playing : bool
            Then what was seen a moment ago will do.
        """
        wanted = [name for name in PANELS if name in panels]
        if not wanted:
            return {}
        now = time.monotonic()
        if looks is self._looks and (version == self._version or (playing and now < self._next)):
            return self._found
        found: dict[str, Any] = {}
        if "histograms" in wanted:
            found["histograms"] = looks.histograms()
        if "flow" in wanted or "ratios" in wanted:
            found["flow"] = looks.flow()
        if "doctor" in wanted:
            from backlit.studio.findings import in_short  # the doctor comes after the first picture

            found["findings"] = [in_short(finding) for finding in looks.diagnosis()]
        over = time.monotonic()
        self._next, self._version, self._looks = over + max(APART, (over - now) / SHARE), version, looks
        self._found = found
        return found
