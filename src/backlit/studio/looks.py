"""What a network is like at an update: maps over the plane, histograms, gradients, scores, findings."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.graph import tree
from backlit.nn.layer import Network
from backlit.studio.layers import Column, columns_of, values_of
from backlit.studio.timeline import Timeline
from backlit.train.probes.facts import start_of
from backlit.train.probes.prober import Prober
from backlit.train.probes.settings import Probes

if TYPE_CHECKING:
    from backlit.doctor.finding import Diagnosis

PANELS = ("boundary", "units", "weights", "curves", "histograms", "flow", "ratios", "doctor", "text", "reading")
OF_COLUMNS = ("constant columns",)  # findings that say nothing where inputs are one-hot vectors of letters
MOST_MAPS = 160  # units of which maps are made
UNIT_GRID = 32  # places along each side of a unit's map
MOST_DRAWN = 16_384  # weights of a parameter that frames carry
MOST_WORK = 4e7  # multiply-adds for the maps of a frame
MOST_SCORED = 5000  # rows that accuracy is counted on
PROBED_ROWS, PROBED_WINDOWS = 256, 16
MOST_EPOCHS = 500  # lines of the history that the doctor reads
LOOKS = 40  # that are kept for the doctor


class Looks:
    """How one network is looked at.

    Parameters
    ----------
    timeline : Timeline
    """

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.output: str | None = timeline.job.loss.activation
        self.columns: list[Column] = columns_of(timeline.job.network, self.output, timeline.rows.reading is not None)
        job = dataclasses.replace(
            timeline.job, training=timeline.job.training.replace(epochs=1)
        )  # when to look is ours
        self._prober = Prober(job, Probes(rows=PROBED_ROWS if timeline.rows.reading is None else PROBED_WINDOWS))
        self._start = start_of(job, self._prober)
        self._records: dict[int, Any] = {}
        self._grids: dict[int, np.ndarray] = {}
        self._cost: int | None = None

    # -------------------------------------------------------------------------------------------- over the plane

    def has_maps(self, grid: int) -> bool:
        """Whether places of the plane are rows that the network takes, and not too much work for each frame."""
        shape = tuple(self.timeline.rows.x.shape[1:])
        if len(shape) != 1 or self.timeline.job.network.takes_integers:
            return False
        if self._cost is None:
            self._cost = shape[0] + self.timeline.job.network.architecture.cost(self.timeline.job.network.input_shape)
        return self._cost * grid**2 <= MOST_WORK

    def maps(self, network: Network, grid: int, units: bool, fine: bool = False) -> dict[str, np.ndarray]:
        """What it computes over a grid of the plane, rows from the bottom up: "boundary", "units/PATH" by column.

        Units' maps are drawn small: they have every second or third place of the grid, unless they are to be `fine`.
        """
        if not self.has_maps(grid):
            return {}
        if grid not in self._grids:  # the same for every frame
            self._grids = {grid: self.timeline.rows.plane.grid(grid).astype(network.dtype)}
        values = values_of(network, self.columns, self._grids[grid], self.output)
        output = values[self.columns[-1].path].reshape(grid, grid, -1)
        found = {"boundary": output}
        if output.shape[-1] == 1 or (output.shape[-1] == 2 and self.timeline.rows.classes is not None):
            found["boundary"] = output[..., -1]
        if units and sum(column.units for column in self.columns) <= MOST_MAPS:
            apart = 1 if fine else -(-grid // UNIT_GRID)
            for column in self.columns:
                if not column.block and column.path in values:
                    places = values[column.path].reshape(grid, grid, column.units)[::apart, ::apart]
                    found[f"units/{column.path}"] = np.moveaxis(places, -1, 0)
        return found

    def values(self, network: Network, row: np.ndarray) -> dict[str, np.ndarray]:
        """What each column's units compute for one row."""
        found = values_of(network, self.columns, row[None], self.output)
        return {path: value[0] for path, value in found.items()}

    # -------------------------------------------------------------------------------------------- scores

    def scores(self) -> dict[str, float | None]:
        """Loss of the last update, loss of the held-back rows, and accuracies, at this update."""
        scores = self.timeline.scores
        if scores is None:
            return self.scores_now()
        return dict(zip(("loss", "held_loss", "right", "held_right"), map(_told, scores), strict=True))

    def scores_now(self) -> dict[str, float | None]:
        """The same of all rows, as the network is now."""
        timeline = self.timeline
        examples, held = timeline.job.examples, timeline.held_rows.astype(bool)
        network = timeline.network
        found: dict[str, float | None] = {"loss": None, "held_loss": None, "right": None, "held_right": None}
        for prefix, rows in (("", ~held), ("held_", held)):
            numbers = np.flatnonzero(rows)[:MOST_SCORED]
            if not len(numbers):
                continue
            outputs, truth = np.asarray(network(examples.inputs[numbers])), np.asarray(examples.encoded)[numbers]
            found[f"{prefix}loss"] = _told(float(np.asarray(timeline.job.loss(outputs, truth)).mean()))
            if timeline.rows.task != "regression" and outputs.shape[1:] != (1,):
                found[f"{prefix}right"] = _told(float((outputs.argmax(axis=-1) == truth).mean()))
        return found

    # -------------------------------------------------------------------------------------------- inside

    def record(self) -> Any:
        """The probe's record at this update."""
        timeline = self.timeline
        if timeline.at not in self._records:
            while len(self._records) >= LOOKS:
                del self._records[sorted(self._records)[len(self._records) // 2]]
            self._records[timeline.at] = self._prober(timeline.train_state, timeline.at)
        return self._records[timeline.at]

    def histograms(self) -> list[dict[str, Any]]:
        """How the values of each layer are spread over some training rows."""
        layers = self.record()["layers"]
        return [
            {
                "layer": column.path,
                "low": layers[column.values]["min"],
                "high": layers[column.values]["max"],
                "counts": layers[column.values].get("histogram", []),
                "dead": layers[column.values].get("dead"),
                "saturated": layers[column.values].get("saturated"),
            }
            for column in self.columns
            if column.values in layers
        ]

    def flow(self) -> list[dict[str, Any]]:
        """Norm of the gradient at each layer and time step, and how far weights move for their size."""
        record = self.record()
        layers, params = record["layers"], record.get("params", {})
        found = []
        for column in self.columns[1:]:
            own = layers.get(column.values, {})
            ratios = [part.get("update_ratio") for path, part in params.items() if path == f"{column.path}/weight"]
            steps = own.get("steps") or {}
            found.append(
                {
                    "layer": column.path,
                    "gradient": own.get("gradient_norm"),
                    "ratio": ratios[0] if ratios else None,
                    "steps": steps.get("gradient_norm") if isinstance(steps, dict) else None,
                }
            )
        return found

    # -------------------------------------------------------------------------------------------- the doctor

    @property
    def start(self) -> Any:
        """What was known before the first update."""
        return self._start() or {}

    def diagnosis(self) -> Diagnosis:
        """What the doctor says at this update."""
        from backlit.doctor.diagnose import run_rules  # the doctor comes after the first picture
        from backlit.doctor.evidence import Evidence
        from backlit.doctor.finding import Diagnosis

        timeline, job = self.timeline, self.timeline.job
        epoch = max(1, timeline.updates_per_epoch)
        self.record()
        looks = [
            {**record, "epoch": update / epoch}
            for update, record in sorted(self._records.items())
            if 0 < update <= timeline.at
        ]
        training = job.training.replace(
            loss=job.loss,
            optimizer=job.optimizer,
            epochs=max(1, timeline.at // epoch),
            steps_per_epoch=None,
            chunk=None,
        )
        found = run_rules(
            Evidence(
                network=timeline.network,
                loss=job.loss,
                optimizer=job.optimizer,
                start=self.start,
                looks=looks,
                history=self.history(),
                settings=training.to_dict(),
                stopped="diverged" if timeline.diverged else "epochs done",
                diverged=timeline.diverged,
            )
        )
        if timeline.rows.reading is None:
            return found
        return Diagnosis(finding for finding in found if finding.name not in OF_COLUMNS)

    def history(self) -> list[dict[str, Any]]:
        """Losses by epoch: means over its updates, held-back rows at its end. Of a long run several epochs are one."""
        timeline = self.timeline
        epochs = timeline.at // timeline.updates_per_epoch
        apart = -(-epochs // MOST_EPOCHS) or 1
        told = timeline.curves.told(0, timeline.updates_per_epoch * apart, epochs // apart)
        lines = dict(zip(("loss", "val_loss", "accuracy", "val_accuracy"), told.T, strict=True))
        known = [name for name, line in lines.items() if name == "loss" or np.isfinite(line).all()]
        columns = zip(*(lines[name].tolist() for name in known), strict=True)
        return [{"epoch": (i + 1) * apart, **dict(zip(known, line, strict=True))} for i, line in enumerate(columns)]


def _told(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def parameters(network: Network) -> dict[str, np.ndarray]:
    """The parameters, each as "param/PATH", but for those of which single weights can't be drawn."""
    leaves = ((path, np.asarray(leaf)) for path, leaf in tree.items(network.params))
    return {f"param/{path}": leaf for path, leaf in leaves if leaf.size <= MOST_DRAWN}
