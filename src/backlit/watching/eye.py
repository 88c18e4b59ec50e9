"""Eye: what was seen of a training elsewhere, and what can be asked of it; the same for all libraries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backlit.doctor.diagnose import run_rules
from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Diagnosis
from backlit.errors import InputError
from backlit.files import saving
from backlit.train.callbacks import History
from backlit.train.probes.history import ProbeRecords
from backlit.train.result import Result


@dataclass(eq=False, repr=False)
class Watched(Result):
    """A training that was watched, with what a run has: history, looks, settings.

    Attributes
    ----------
    evidence : Evidence
        What the doctor's rules are asked about.
    library : str
        In whose code remedies are written.
    """

    evidence: Evidence | None = None
    library: str = "torch"

    def diagnose(self) -> Diagnosis:
        """What went wrong and why, causes first."""
        if self.evidence is None:
            raise InputError("nothing was seen of a training: there is nothing to judge")
        return Diagnosis(replace(finding, library=self.library) for finding in run_rules(self.evidence))

    def flow(self) -> Any:
        """How gradients flow through layers, and in recurrent ones through time."""
        from backlit.inspect.plots.flow import flow

        return flow(self.probes)

    def activations(self, epoch: Any = None) -> Any:
        """Histograms of the layers' outputs."""
        from backlit.inspect.plots.activity import activity

        return activity(self.probes, epoch)


class Eye:
    """Base of what watches a training in another library.

    Subclasses define `_watched`, which puts together what was seen; it is asked once for each state of the training.
    """

    library = "torch"

    def _watched(self) -> Watched:
        raise NotImplementedError

    def diagnose(self) -> Diagnosis:
        """What is wrong with the training and why, worst first; empty for a network that learns well.

        It may be asked while training goes on, too.

        Raises
        ------
        InputError
            If no update was seen.
        """
        return self._watched().diagnose()

    def report(self, path: str | Path, lang: str = "en") -> Path:
        """Write an HTML page that works offline: findings, curves, activations, gradients; in English and Korean.

        Parameters
        ----------
        path : str or Path
            Of the file, "report.html" say; its folder must exist.
        lang : "en" or "ko"
            The language that is shown first.

        Raises
        ------
        InputError
            If no update was seen, or the folder doesn't exist.
        """
        from backlit.report import report

        target = Path(path)
        if not target.parent.is_dir():
            raise InputError(f"the folder {str(target.parent)!r} doesn't exist: make it first, then write the report")
        with saving(target) as place:
            place.write_text(report(self._watched(), lang), encoding="utf-8")
        return target

    def flow(self) -> Any:
        """How gradients flow through layers, and in recurrent ones through time, as a figure."""
        return self._watched().flow()

    def activations(self, epoch: Any = None) -> Any:
        """Histograms of the layers' outputs, as a figure."""
        return self._watched().activations(epoch)

    def plot(self) -> Any:
        """Learning curves, as a figure."""
        from backlit.inspect.plots import learning_curves

        return learning_curves(list(self.history))

    @property
    def history(self) -> History:
        """Losses and scores by epoch: a list of dicts."""
        return self._watched().history

    @property
    def probes(self) -> ProbeRecords:
        """What the looks have shown: see `backlit.ProbeHistory`."""
        return self._watched().probes
