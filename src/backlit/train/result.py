"""Run: what training gives back, and all that using the network needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backlit.data.frames import as_arrays
from backlit.data.preparation import preparation_of
from backlit.errors import InputError, ShapeError
from backlit.nn import metrics as metric_functions
from backlit.nn.layer import Network
from backlit.train.callbacks import History
from backlit.train.divergence import Divergence
from backlit.train.intervals import Intervals
from backlit.train.lazy import now
from backlit.train.probes.history import ProbeHistory
from backlit.train.targets import Targets

ROWS = 4096  # of one batch when a network is used


@dataclass(eq=False, repr=False)
class Run:
    """A trained network with its history and the preparation of its data.

    Attributes
    ----------
    network : Network
        With the best weights where early stopping was on, else with the last.
    history : History
        One dict an epoch: epoch, loss, metrics, val_loss, val_*, seconds; ``history.frame()`` is a data frame.
    stopped : str
        Why training ended: "epochs done", "early stopping", "callback", "interrupted" or "diverged".
    diverged : Divergence or None
        Epoch, step and layer of the first NaN or infinite value.
    best_epoch : int or None
        The epoch whose weights `network` has.
    settings : dict
        What `fit` was called with, as plain data.
    preparation : object or None
        Turns raw input into arrays (`apply`), if the data needed it.
    judgement : Judgement or None
        Scores on held-out rows, baseline and all that a report shows, if the run came from a table or data set.
    config : dict or None
        The choices that would train it again, as plain data.
    probed : ProbeHistory or Later
        What `probes` tells, or what works it out.
    told : dict or Later, optional
        What `start` tells, or what works it out.
    recipe : Recipe or None
        The call of `fit` with its data, which `fix` trains again; not saved.
    """

    network: Network
    history: History
    loss: Any
    targets: Targets
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
    probed: Any = field(default_factory=ProbeHistory)
    told: Any = None
    recipe: Any = None

    @property
    def start(self) -> dict[str, Any] | None:
        """What was known before the first update, if the run has probes: see `backlit.train.probes.facts`.

        Worked out when it is asked for, the run is saved or diagnosed: training doesn't wait for it.
        """
        found: dict[str, Any] | None = now(self.told)
        return found

    @property
    def probes(self) -> ProbeHistory:
        """What went on inside the network, probe by probe; of an ensemble in its first member.

        The last look, at the network as training left it, is taken when this is asked for, the run is saved or
        diagnosed: training doesn't wait for it.
        """
        found: ProbeHistory = now(self.probed)
        return found

    @property
    def seconds(self) -> float:
        """Time spent in training, compiling included."""
        return float(sum(record["seconds"] for record in self.history))

    def inputs(self, x: Any) -> np.ndarray:
        """Raw input, as given to `fit`, as the array that the network takes."""
        inputs, _ = as_arrays(preparation_of(self.preparation).apply(x), keep_integers=self.network.takes_integers)
        if inputs.shape[1:] != self.network.input_shape:
            raise ShapeError(
                f"the network takes rows of shape {self.network.input_shape}, got data of shape {inputs.shape}"
            )
        if inputs.dtype.kind == "f":
            inputs = inputs.astype(self.network.dtype, copy=False)
        return inputs

    def forward(self, inputs: np.ndarray, told: np.ndarray | None = None) -> np.ndarray:
        """Raw outputs of the network (for classifiers: logits) for prepared inputs, a few rows at a time.

        A network that writes is `told` the true tokens, or goes on from its own.
        """
        places = [slice(i, i + ROWS) for i in range(0, len(inputs), ROWS)]
        with np.errstate(all="ignore"):
            parts = [
                np.asarray(
                    self.network.apply(self.network.params, inputs[part], targets=None if told is None else told[part])[
                        0
                    ]
                )
                for part in places
            ]
        return np.concatenate(parts) if parts else np.zeros((0, *self.network.output_shape), self.network.dtype)

    def outputs(self, x: Any) -> np.ndarray:
        """Raw outputs of the network (for classifiers: logits), (rows, ...)."""
        return self.forward(self.inputs(x))

    def predict(self, x: Any) -> np.ndarray:
        """Predictions for raw input: class labels, 0/1 for each label, or numbers in their own unit.

        Parameters
        ----------
        x : array, list or data frame of shape (rows, ...)
            As given to `fit`.

        Returns
        -------
        array of shape (rows,), or (rows, outputs) for several outputs
            Of sequences of texts or symbols, a list of lists: a class for each step.
        """
        decoded = self._absolute(x, self.targets.decode(self.outputs(x)))
        return preparation_of(self.preparation).trimmed(x, decoded) if decoded.ndim == 2 else decoded

    def relative(self, x: Any, y: Any) -> np.ndarray:
        """Targets as the preparation has the network learn them, beside what rows `x` tell; mostly as they are."""
        return preparation_of(self.preparation).relative(x, np.asarray(y))

    def _absolute(self, x: Any, predicted: np.ndarray) -> np.ndarray:
        """The inverse of `relative`."""
        return preparation_of(self.preparation).absolute(x, predicted)

    def predict_proba(self, x: Any) -> np.ndarray:
        """Probability of each class (rows, classes), in the order of `classes`.

        Raises
        ------
        InputError
            If the network wasn't trained with a loss that has probabilities.
        """
        return self.targets.probabilities(self.outputs(x), self.loss.activation)

    @property
    def classes(self) -> list[Any] | None:
        """The class labels, in the order of `predict_proba`'s columns."""
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

        Returns
        -------
        dict
            "loss" and the run's metrics.
        """
        inputs, y = self.inputs(x), self.relative(x, y)
        found = self.score(self.forward(inputs), y, sample_weight)
        if self.targets.kind == "text":  # the loss is that of the true text, not of what was written instead
            told = self.targets.encode(y, str(self.network.dtype))
            found |= {"loss": self.score(self.forward(inputs, told), y, sample_weight)["loss"]}
        return found

    def write(self, x: Any, beam: int = 1, length_penalty: float = 0.0) -> list[Any]:
        """What a network that writes makes of each row of `x`, with its probability and attention.

        Parameters
        ----------
        x : as given to `fit_sequences`
        beam : int
            Beginnings that are kept at each step; 1 takes the likeliest token each time.
        length_penalty : float
            See `beam_search`.

        Returns
        -------
        list of Written
            ``.text``, ``.log_probability``, ``.attention`` (tokens, time) and ``.others``, the rest of the beam.

        Raises
        ------
        InputError
            If the run's network writes no texts.
        """
        from backlit.train.writing import write

        return write(self, x, beam, length_penalty)

    def generate(self, prompt: str, length: int = 200, **options: Any) -> str:
        """A text that begins with `prompt` and goes on as the network finds likely: for runs of `fit_text`.

        Parameters
        ----------
        prompt : str
            At least one character (or word), all of them known from training.
        length : int
            Tokens to add.
        temperature : float
            Divides the logits: below 1 likely tokens get likelier, 0 always takes the likeliest.
        top_k : int, optional
            Draw among the k likeliest tokens only.
        top_p : float, optional
            Draw among the likeliest tokens that together have this probability.
        seed : int
            The same seed gives the same text.

        Raises
        ------
        InputError
            If the run is no language model, the prompt is empty or has unknown tokens (they're named), or an option is
            out of its range.
        """
        from backlit.train.generate import generate

        return generate(self, prompt, length, **options)

    def score(self, outputs: np.ndarray, y: Any, sample_weight: Any = None) -> dict[str, float]:
        """As `evaluate`, from raw outputs."""
        y = np.asarray(y)
        if len(y) != len(outputs):
            raise ShapeError(f"x has {len(outputs)} rows and y {len(y)}: they must be equal")
        if not len(y):
            raise InputError("there are no rows to evaluate on")
        encoded = self.targets.encode(y, str(self.network.dtype))
        weights = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        losses = np.asarray(self.loss(outputs, encoded), dtype=np.float64)
        found = {"loss": float((losses * weights).sum() / weights.sum())}
        outputs, encoded = self.targets.own_unit(outputs), self.targets.own_unit(encoded)
        own = {
            name: metric.of_loss(found["loss"]) for name, metric in self.metrics.items() if hasattr(metric, "of_loss")
        }
        return found | own | measured(self.metrics, outputs, encoded, weights)

    def save(self, folder: str | Path, overwrite: bool = False, report: str | None = None) -> Path:
        """Write the run to a folder, which `backlit.load` reads: see `backlit.store.run`.

        Parameters
        ----------
        folder : path
        overwrite : bool
            Replace a run that is there.
        report : "en" or "ko", optional
            Write report.html too, this language first (see `report`); that takes a second or two.

        Raises
        ------
        InputError
            If the folder already holds a run and `overwrite` isn't set, or can't be written to.
        """
        from backlit.store.run import save

        return save(self, Path(folder), overwrite, report=report)

    def report(self, lang: str = "en") -> str:
        """The run as one HTML page, in English and Korean, that needs no other file: see `backlit.report`.

        Parameters
        ----------
        lang : "en" or "ko"
            The language that is shown first; the page has a switch.

        Raises
        ------
        UnknownNameError
            If the report isn't written in that language.
        """
        from backlit.report import report

        return report(self, lang)

    def plot(self) -> Any:
        """Learning curves as a matplotlib figure."""
        from backlit.inspect.plots import learning_curves

        return learning_curves(self.history, best_epoch=self.best_epoch)

    def flow(self) -> Any:
        """How gradients flow through layers, and in recurrent ones through time, as a matplotlib figure.

        Raises
        ------
        InputError
            If the run has no probes.
        """
        return self.probes.flow()

    def activations(self, epoch: int | None = None) -> Any:
        """Histograms of the layers' outputs after an epoch, by default the last probed, as a matplotlib figure.

        Raises
        ------
        InputError
            If the run has no probes, or none after that epoch.
        """
        return self.probes.activations(epoch)

    def diagnose(self) -> Any:
        """What went wrong and why, worst first: a `Diagnosis`; empty for a network that learns well.

        Works on loaded runs, too. See the page "The doctor".
        """
        from backlit.doctor.diagnose import diagnose

        return diagnose(self)

    def fix(self, x: Any = None, y: Any = None, **options: Any) -> Any:
        """Try the remedies of the diagnosis, keep what helps beyond noise: a `Repair`; this run stays as it is.

        Parameters
        ----------
        x, y : as given to `fit`, optional
            Needed for loaded runs only: others know their data.
        **options
            Of `backlit.doctor.repair.fix`: seeds, rounds, suit, progress; or of `fit`.
        """
        from backlit.doctor.repair.fix import fix

        return fix(self, x, y, **options)

    def __repr__(self) -> str:
        last = (
            {key: round(value, 4) for key, value in self.history[-1].items() if key not in ("epoch", "seconds")}
            if self.history
            else {}
        )
        return f"Run({len(self.history)} epochs, {self.stopped}, {last})"


def measured(table: dict[str, Any], outputs: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """The metrics that are computed from outputs; others, such as the perplexity, come from the loss."""
    return {
        name: float(metric(outputs, targets, weights))
        for name, metric in table.items()
        if not hasattr(metric, "of_loss")
    }


def metric_table(wanted: Any, loss: Any) -> dict[str, Any]:
    """Metrics by name: the loss's usual ones if None; names, metric objects and plain functions may be mixed."""
    chosen = metric_functions.defaults(loss) if wanted is None else wanted
    if isinstance(chosen, (str, bytes)) or callable(chosen):
        chosen = [chosen]
    table = {}
    for metric in chosen:
        function = metric_functions.get(metric, loss)
        table[getattr(function, "name", getattr(function, "__name__", type(function).__name__))] = function
    return table
