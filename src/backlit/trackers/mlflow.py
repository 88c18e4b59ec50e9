"""MLflow: settings, curves, pictures, and a model that predicts data frames, in a store of the user's."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backlit._version import __version__
from backlit.errors import InputError
from backlit.extras import need
from backlit.run import Run
from backlit.trackers.pyfunc import EXTRA, signature_of
from backlit.trackers.tracker import Tracker, flow, numbers, results, settings
from backlit.train.callbacks import EpochEnd

MODEL = "model"  # where it lies among the artefacts
REFUSED = re.compile(r"[^\w\-. :/]")  # what MLflow takes in no name


class MLflow(Tracker):
    """Tell MLflow of a training: parameters, metrics, artefacts, and the model.

    The history's columns are metrics by epoch, and so are, by look of the probes, ``gradient_norm/LAYER`` and
    ``update_ratio/PARAMETER``; a judged run's test scores and baseline are metrics, too. Artefacts are the learning
    curves, the diagnosis, with `report` the report, and the model: ``mlflow.pyfunc.load_model("runs:/ID/model")``
    predicts data frames of pandas as ``run.predict`` does. It is the run's folder, in which nothing is code.

    Parameters
    ----------
    experiment : str
        Made if it isn't there.
    uri : str, optional
        Of the store: "sqlite:///mlflow.db", "http://…"; by default where MLflow itself would look.
    name : str, optional
        Of the run.
    model : bool
        Whether to keep the model.
    report : bool
        Whether to keep the report, a page that takes a second or two to make.

    Attributes
    ----------
    run_id : str or None
        Of the last run, as MLflow calls it.

    Raises
    ------
    InputError
        If the package `mlflow-skinny` (or `mlflow`) isn't installed, or an option is of the wrong kind.

    Examples
    --------
    >>> import backlit as bl
    >>> bl.trackers.MLflow("houses", uri="sqlite:///mlflow.db").experiment
    'houses'
    """

    def __init__(
        self,
        experiment: str = "backlit",
        uri: str | None = None,
        name: str | None = None,
        model: bool = True,
        report: bool = False,
    ) -> None:
        super().__init__()
        need("mlflow", **EXTRA)
        if not experiment or not isinstance(experiment, str):
            raise InputError(f"MLflow: experiment must be a name, got {experiment!r}")
        self.experiment, self.uri, self.name, self.model, self.report = experiment, uri, name, model, report
        self.run_id: str | None = None
        self._client: Any = None

    def begin(self, end: EpochEnd) -> None:
        """A run of MLflow, with the settings as parameters."""
        self._client = need("mlflow.tracking", **EXTRA).MlflowClient(tracking_uri=self.uri)
        found = self._client.get_experiment_by_name(self.experiment)
        number = found.experiment_id if found is not None else self._client.create_experiment(self.experiment)
        tags = {"backlit.version": __version__}
        self.run_id = self._client.create_run(number, run_name=self.name, tags=tags).info.run_id
        entities = need("mlflow.entities", **EXTRA)
        params = [entities.Param(allowed(name), value) for name, value in settings(end).items()]
        self._client.log_batch(self.run_id, params=params)

    def epoch(self, end: EpochEnd) -> None:
        """The line of the history."""
        self._metrics(numbers(end.record), end.epoch)

    def look(self, record: Mapping[str, Any]) -> None:
        """How gradients flow."""
        self._metrics(flow(record), record["epoch"])

    def end(self, run: Run) -> None:
        """Test scores, artefacts and the model."""
        self._metrics(results(run), len(run.history))
        self._client.set_tag(self.run_id, "backlit.stopped", run.stopped)
        with tempfile.TemporaryDirectory() as folder:
            self._artefacts(run, Path(folder))
            self._client.log_artifacts(self.run_id, folder)
        self._client.set_terminated(self.run_id, "FAILED" if run.diverged else "FINISHED")

    def broken(self, error: BaseException) -> None:
        """The run is marked as failed, or as stopped."""
        stopped = isinstance(error, KeyboardInterrupt)
        self._client.set_terminated(self.run_id, "KILLED" if stopped else "FAILED")

    def _metrics(self, values: Mapping[str, float], step: int) -> None:
        metric, now = need("mlflow.entities", **EXTRA).Metric, int(time.time() * 1000)
        metrics = [metric(allowed(name), value, now, step) for name, value in values.items()]
        for start in range(0, len(metrics), 1000):  # MLflow takes so many at once
            self._client.log_batch(self.run_id, metrics=metrics[start : start + 1000])

    def _artefacts(self, run: Run, folder: Path) -> None:
        from matplotlib import pyplot

        curves = run.plot()
        curves.savefig(folder / "curves.png")
        pyplot.close(curves)
        (folder / "diagnosis.txt").write_text(f"{run.diagnose()}\n", encoding="utf-8")
        if self.report:
            (folder / "report.html").write_text(run.report(), encoding="utf-8")
        if self.model:
            save_model(run, folder / MODEL)


def allowed(name: str) -> str:
    """A name that MLflow takes.

    >>> allowed("gradient_norm/0*")
    'gradient_norm/0_'
    """
    return REFUSED.sub("_", name)


def save_model(run: Run, folder: str | Path) -> Path:
    """Write a run as a model of MLflow's, which ``mlflow.pyfunc.load_model(folder)`` loads.

    Parameters
    ----------
    run : Run
    folder : path
        That isn't there yet.

    Raises
    ------
    InputError
        If `mlflow-skinny` isn't installed, or the run can't be saved.
    """
    pyfunc, folder = need("mlflow.pyfunc", **EXTRA), Path(folder)
    signature, example = signature_of(run)
    with tempfile.TemporaryDirectory() as place:
        saved = run.save(Path(place) / "run")
        pyfunc.save_model(
            str(folder),
            loader_module="backlit.trackers.pyfunc",
            data_path=str(saved),
            signature=signature,
            input_example=example,
            pip_requirements=[f"backlit=={__version__}"],
        )
    return folder
