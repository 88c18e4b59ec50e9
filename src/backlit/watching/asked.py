"""What callbacks of other libraries are asked after a training that an eye has watched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backlit.doctor.finding import Diagnosis
from backlit.errors import InputError


class Asked:
    """What `watch`'s eyes are asked, for callbacks that have one once the training has begun.

    Attributes
    ----------
    eye : Eye or None
    unseen : str
        What to do where there is none.
    """

    eye: Any = None
    unseen = ""

    def _seen(self) -> Any:
        if self.eye is None:
            raise InputError(self.unseen)
        return self.eye

    def diagnose(self) -> Diagnosis:
        """What is wrong with the training and why, worst first."""
        found: Diagnosis = self._seen().diagnose()
        return found

    def report(self, path: str | Path, lang: str = "en") -> Path:
        """Write the report: see `backlit.watch`."""
        written: Path = self._seen().report(path, lang)
        return written

    @property
    def history(self) -> Any:
        """Losses and scores by epoch."""
        return self._seen().history

    @property
    def probes(self) -> Any:
        """What the looks have shown."""
        return self._seen().probes
