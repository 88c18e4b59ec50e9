"""Result: what training gives back, and all that using the network needs; `backlit.Run` adds the verbs."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from backlit.data.preparation import Foreign, describe, preparation_of
from backlit.errors import InputError, ShapeError
from backlit.graph import tree
from backlit.nn.layer import Network
from backlit.nn.shapes import rows_of, shape_of
from backlit.train.applying import apply
from backlit.train.callbacks import History
from backlit.train.divergence import Divergence
from backlit.train.heads import HeadTargets
from backlit.train.inputs import inputs_of, outcomes_of
from backlit.train.intervals import Intervals
from backlit.train.lazy import now
from backlit.train.probes.history import ProbeRecords
from backlit.train.scores import measured, named_losses, of_loss


@dataclass(eq=False, repr=False)
class Result:
    """A trained network with its history and the preparation of its data, as values; see `backlit.Run` for each.

    Attributes
    ----------
    probed : ProbeRecords or Lazy
        What `probes` tells, or what works it out.
    told : dict or Lazy, optional
        What `start` tells, or what works it out.
    """

    network: Network
    history: History
    loss: Any
    targets: Any
    metrics: dict[str, Any]
    stopped: str = "epochs done"
    diverged: Divergence | None = None
    best_epoch: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    preparation: Any = None
    optimizer: Any = None
    folder: Path | None = None
    judgement: dict[str, Any] | None = None
    config: dict[str, Any] | None = None
    probed: Any = field(default_factory=ProbeRecords)
    told: Any = None
    recipe: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """What a pickle keeps, as a folder does: what was put off is worked out, and the data stays here."""
        return {**vars(self), "probed": self.probes, "told": self.start, "recipe": None}

    def __copy__(self) -> Self:
        return dataclasses.replace(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        state = {**self.__getstate__(), "recipe": None}
        return dataclasses.replace(self, **copy.deepcopy(state, memo) | {"recipe": self.recipe})

    def __eq__(self, other: object) -> bool:
        """Whether both learned the same in the same way: what a folder would tell of them, but times and places.

        The network, number by number; targets, loss, metrics, preparation and settings; the history but for its
        seconds; how training ended. Two runs of one seed and engine are equal.
        """
        if not isinstance(other, Result):
            return NotImplemented
        same = self.network == other.network and self._told() == other._told()
        return same and tree.same_numbers(self._lines(), other._lines())  # a metric may be NaN, which is like NaN

    def __hash__(self) -> int:
        return hash(self.network)

    def _told(self) -> tuple[Any, ...]:
        """What two runs are compared by, besides their networks."""
        preparation = preparation_of(self.preparation)
        prepared = preparation.transform if isinstance(preparation, Foreign) else describe(self.preparation)
        ended = (self.stopped, self.diverged, self.best_epoch, self.judgement)
        return self.loss, self.metrics, self.targets.to_dict(), self.settings, prepared, ended

    def _lines(self) -> list[dict[str, Any]]:
        """The history but for its seconds."""
        return [{name: value for name, value in line.items() if name != "seconds"} for line in self.history]

    @property
    def start(self) -> dict[str, Any] | None:
        """What was known before the first update, if the run has probes: see `backlit.train.probes.facts`.

        Worked out when it is asked for, the run is saved or diagnosed: training doesn't wait for it.
        """
        facts: dict[str, Any] | None = now(self.told)
        return facts

    @property
    def probes(self) -> ProbeRecords:
        """What went on inside the network, probe by probe; of an ensemble in its first member.

        The last look, at the network as training left it, is taken when this is asked for, the run is saved or
        diagnosed: training doesn't wait for it.
        """
        records: ProbeRecords = now(self.probed)
        return records

    @property
    def seconds(self) -> float:
        """Time spent in training, compiling included."""
        return float(sum(record["seconds"] for record in self.history))

    def inputs(self, x: Any) -> Any:
        """Raw input, as given to `fit`, as the array that the network takes, or the arrays by name."""
        inputs = inputs_of(self.network, self.preparation, x, self.network.dtype)
        expected, got = self.network.input_shape, shape_of(inputs)
        if got != expected:
            one = "; that is one row: pass x[None], or [x]" if getattr(inputs, "shape", None) == expected else ""
            given = f"data of shape {inputs.shape}" if hasattr(inputs, "shape") else f"rows of shape {got}"
            raise ShapeError(f"the network takes rows of shape {expected}, got {given}{one}")
        return inputs

    def forward(self, inputs: Any, tokens: np.ndarray | None = None) -> Any:
        """Raw outputs of the network (for classifiers: logits) for prepared inputs: see `backlit.train.applying`.

        A network that writes is told the true `tokens`, or goes on from its own.
        """
        writes = self.targets.kind == "text"
        outputs = apply(self.network, inputs, tokens, None if writes else self.settings.get("engine"))
        if not all(np.isfinite(array).all() for array in tree.leaves(outputs)):
            self._require_finite()
        return outputs

    def _require_finite(self) -> None:
        """Refuse weights that are NaN or infinite: nothing that they give means anything."""
        for path, leaf in tree.items(self.network.params):
            if not np.isfinite(leaf).all():
                raise InputError(f"parameter {path} holds NaN or infinite numbers; restore the run, or train again")

    def outputs(self, x: Any) -> Any:
        """Raw outputs of the network (for classifiers: logits), (rows, ...), or a dict of them by output."""
        return self.forward(self.inputs(x))

    def predict(self, x: Any) -> Any:
        """Predictions for raw input: class labels, 0/1 or a table's own words for each label, or numbers in their unit.

        Of a network of several inputs a dict of them; of one of several outputs a dict of predictions by output.

        Parameters
        ----------
        x : array, list or data frame of shape (rows, ...), or dict of them
            As given to `fit`.

        Returns
        -------
        array of shape (rows,), or (rows, outputs) for several outputs
            Of sequences of texts or symbols, a list of lists: a class for each step.
        """
        decoded = self.targets.decode(self.outputs(x))
        return tree.map(lambda one: self._in_words(x, self._absolute(x, one)), decoded)

    def _in_words(self, x: Any, decoded: np.ndarray) -> Any:
        """Predictions as the raw data calls them."""
        preparation = preparation_of(self.preparation)
        return decoded if decoded.ndim != 2 else preparation.trimmed(x, preparation.in_words(decoded))

    def relative(self, x: Any, y: Any) -> Any:
        """Targets as the preparation has the network learn them, beside what rows `x` tell; mostly as they are."""
        names = self.network.output_names
        if not names:
            return preparation_of(self.preparation).relative(x, y)
        return outcomes_of(names, self.preparation, x, y, None)

    def _absolute(self, x: Any, predicted: np.ndarray) -> np.ndarray:
        """The inverse of `relative`."""
        return preparation_of(self.preparation).absolute(x, predicted)

    def predict_proba(self, x: Any) -> Any:
        """Probability of each class (rows, classes), in the order of `classes`.

        Of several outputs a dict, of those that have probabilities.

        Raises
        ------
        InputError
            If the network wasn't trained with a loss that has probabilities.
        """
        return self.targets.probabilities(self.outputs(x), self.loss.activation)

    @property
    def classes(self) -> Any:
        """The class labels, in the order of `predict_proba`'s columns; of several outputs those of each, by name."""
        if isinstance(self.targets, HeadTargets):
            return self.targets.classes
        return list(self.targets.labels.classes) if self.targets.labels else None

    @property
    def intervals(self) -> Intervals | None:
        """How far predictions of numbers were off on held-out rows, from which intervals are made."""
        residuals = (self.judgement or {}).get("residuals")
        return Intervals.from_dict(residuals) if residuals else None

    def predict_interval(self, x: Any, level: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bounds that hold the truth with probability `level`: see `Intervals`.

        Parameters
        ----------
        x : as given to `predict`
        level : float
            Between 0 and 1.

        Returns
        -------
        two arrays like `predict`'s

        Raises
        ------
        InputError
            If the run wasn't trained on a table with numbers to predict.
        """
        if self.intervals is None:
            raise InputError(
                "this run has no held-out residuals to make intervals from; "
                "bl.fit(table, target=...) and backlit train keep them for numbers"
            )
        low, high = self.intervals.around(self.targets.decode(self.outputs(x)), level)
        return self._absolute(x, low), self._absolute(x, high)

    def evaluate(self, x: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
        """Loss and metrics on other data.

        Parameters
        ----------
        x, y : as given to `fit`
        sample_weight : array (rows,), optional
            Of several outputs, a dict of these will do as well.

        Returns
        -------
        dict
            "loss" and the run's metrics.
        """
        inputs, y = self.inputs(x), self.relative(x, y)
        scores = self.score(self.forward(inputs), y, sample_weight)
        if self.targets.kind == "text":  # the loss is that of the true text, not of what was written instead
            tokens = self.targets.encode(y, str(self.network.dtype))
            scores |= {"loss": self.score(self.forward(inputs, tokens), y, sample_weight)["loss"]}
        return scores

    def score(self, outputs: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
        """As `evaluate`, from raw outputs."""
        y = y if isinstance(y, Mapping) else np.asarray(y)
        for name, targets in y.items() if isinstance(y, Mapping) else [("", y)]:
            if len(targets) != rows_of(outputs):
                where = f"output {name!r}: " if name else ""
                raise ShapeError(f"{where}x has {rows_of(outputs)} rows and y {len(targets)}: they must be equal")
        if not rows_of(outputs):
            raise InputError("there are no rows to evaluate on")
        encoded = self.targets.encode(y, str(self.network.dtype))
        weights = self._spread(rows_of(outputs), sample_weight)
        losses = tree.map(lambda each: np.asarray(each, dtype=np.float64), self.loss.by_head(outputs, encoded))
        means = tree.map(lambda each, weight: float((each * weight).sum() / weight.sum()), losses, weights)
        named = named_losses(self.loss, means)
        outputs, encoded = self.targets.own_unit(outputs), self.targets.own_unit(encoded)
        return {**named, **of_loss(self.metrics, named), **measured(self.metrics, outputs, encoded, weights)}

    def _spread(self, rows: int, sample_weight: Any) -> Any:
        """The weight of each row, for each output."""
        if not isinstance(sample_weight, Mapping):
            weights = np.ones(rows) if sample_weight is None else np.asarray(sample_weight, dtype=float)
            return self.loss.spread(weights)
        for name in sample_weight:
            if name not in self.network.output_names:
                known = ", ".join(map(repr, self.network.output_names)) or "none by name"
                raise InputError(f"sample_weight: {name!r} is no output; the network's outputs are {known}")
        own = {name: np.asarray(each, dtype=float) for name, each in sample_weight.items()}
        return self.loss.spread(np.ones(rows), {n: own.get(n, np.ones(rows)) for n in self.network.output_names})

    def __repr__(self) -> str:
        last = (
            {key: round(value, 4) for key, value in self.history[-1].items() if key not in ("epoch", "seconds")}
            if self.history
            else {}
        )
        return f"{type(self).__name__}({len(self.history)} epochs, {self.stopped}, {last})"


def ending(run: Result) -> str:
    """Why training ended before its time, or didn't reach its loss, in a sentence; empty if all is well."""
    done, target = len(run.history), run.settings.get("until_loss")
    if run.stopped == "loss reached":
        loss = run.history[-1]["loss"]
        return f"loss {loss:.6g} reached after epoch {done}: at most {target:g} was asked for; its weights are kept"
    told = _why(run, done)
    if target is None or not done or run.diverged:
        return told
    lowest = min(run.history["loss"])
    missed = f"the loss never came down to {target:g}: its lowest was {lowest:.6g}, in {done} epochs"
    return f"{told}; {missed}" if told else missed


def _why(run: Result, done: int) -> str:
    if run.diverged:
        where = run.diverged
        member = f" of member {where.member}" if where.member else ""
        return (
            f"training diverged: the loss was NaN or infinite in epoch {where.epoch}, step {where.step}; "
            f"first bad value{member}: {where.layer}. Kept the weights of epoch {done}. "
            "Lower the learning rate, or look at the data"
        )
    if run.stopped == "early stopping":
        return f"stopped after epoch {done}: no improvement since epoch {run.best_epoch}, whose weights are kept"
    if run.stopped == "interrupted" and not done:
        return "interrupted before the first epoch was done: nothing was learned, and nothing is kept"
    if run.stopped == "interrupted":
        return f"interrupted after epoch {done}; what was trained is kept"
    if run.stopped == "time limit":
        best = f"; kept the weights of epoch {run.best_epoch}" if run.best_epoch else ""
        return f"the time limit was reached after epoch {done}{best}"
    return f"stopped by a callback after epoch {done}" if run.stopped == "callback" else ""
