"""A run with all that can be asked of it: its values are `Result`'s, the verbs go to the rooms that do the work."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar

from backlit.errors import InputError
from backlit.train.lr_find import RateSweep
from backlit.train.lr_find import lr_find as sweep_rates
from backlit.train.probes.history import ProbeRecords
from backlit.train.probes.probe import probe as look
from backlit.train.result import Result
from backlit.verbs import verb

P = ParamSpec("P")
R = TypeVar("R")
V = TypeVar("V")


class ProbeHistory(ProbeRecords):
    """The probes of a run, one dict each.

    ``{"epoch": 8, "step": 800, "rows": 64, "loss": 0.31, "layers": {"0": {...}, ...}, "params": {"0/weight": {...}}}``.
    Numbers that are NaN or infinite are None.

    Of each layer, by path ("input" is the network's input, "network" what a container makes of its parts in the end),
    its kind ("layer") and:

    ============== ====================================================================================================
    mean, std      of its output; with min and max
    zeros          share that is exactly 0
    saturated      share where the activation's slope is below 1 % of its largest; for activations only
    dead           share of units saturated (of other layers: 0) on every row looked at
    bad            share that is NaN or infinite
    gradient_norm  ‖∂L/∂a‖ of a row's loss by its output, root mean square over the rows
    histogram      counts in equal bins from min to max
    steps          of recurrent layers: lists of mean, std and gradient_norm (of ∂L/∂hₜ, the whole of it) by time step
    ============== ====================================================================================================

    Of each parameter, by path:

    ============== ====================================================================================================
    norm           ‖w‖
    gradient_norm  ‖∂L/∂w‖, of the mean gradient of the rows looked at; ``penalty_norm`` is the penalty's
    update_ratio   ‖Δw‖ / ‖w‖ for the update that the optimizer would make now
    noise          variance of an update's gradient between batches, as a multiple of ‖∂L/∂w‖²
    one_signed     share of units whose incoming weights' gradients have all one sign, so that they can only zig-zag
    ============== ====================================================================================================

    With ``Probes(gradients=True)``, "gradients" has the min, max and histogram of each parameter's gradient.

    Examples
    --------
    >>> history = ProbeHistory([{"epoch": 1, "step": 4, "layers": {"0": {"mean": 0.5, "histogram": [1, 2]}},
    ...     "params": {"0/weight": {"norm": 2.0}}}])
    >>> history.table()
    [{'epoch': 1, 'step': 4, 'kind': 'layer', 'path': '0', 'mean': 0.5}, \
{'epoch': 1, 'step': 4, 'kind': 'parameter', 'path': '0/weight', 'norm': 2.0}]
    >>> history.of("0", "mean")
    [0.5]
    """

    def flow(self) -> Any:
        """How gradients flow through layers, and in recurrent ones through time: see `Run.flow`."""
        from backlit.inspect.plots.flow import flow

        return flow(self)

    def activations(self, epoch: int | None = None) -> Any:
        """Histograms of the layers' outputs: see `Run.activations`."""
        from backlit.inspect.plots.activity import activity

        return activity(self, epoch)


@dataclass(frozen=True, eq=False, repr=False)
class RangeTest(RateSweep):
    """What a range test measured.

    Attributes
    ----------
    rates, losses, smoothed : array (steps,)
        Up to where the loss blew up.
    suggestion : float
        The rate at which the smoothed loss falls fastest over log(rate).
    """

    @classmethod
    def of(cls, sweep: RateSweep) -> Self:
        """The same, with its picture."""
        return cls(**vars(sweep))

    def plot(self) -> Any:
        """Loss against learning rate as a matplotlib figure, the suggestion marked."""
        from backlit.inspect.plots import range_test

        return range_test(self)


@dataclass(eq=False, repr=False)
class Run(Result):
    """A trained network with its history and the preparation of its data.

    Attributes
    ----------
    network : Network
        With the best weights where early stopping was on, else with the last.
    history : History
        One dict an epoch: epoch, loss, metrics, val_loss, val_*, seconds; ``history.frame()`` is a data frame.
    stopped : str
        Why training ended: "epochs done", "early stopping", "loss reached", "closed form", "time limit",
        "callback", "interrupted" or "diverged".
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
    probed : ProbeHistory or Lazy
        What `probes` tells, or what works it out.
    told : dict or Lazy, optional
        What `start` tells, or what works it out.
    recipe : Recipe or None
        The call of `fit` with its data, which `fix` trains again; not saved.

    Notes
    -----
    A run of `fit` holds on to what it was given, `x` and `y` themselves and no copies, by its recipe; set
    ``run.recipe = None`` to let them go. Until `start` and `probes` have been asked for, it also holds the prepared
    rows in the host's memory, and the train states that are to be looked at. Nothing else of the training is left on a
    device.
    """

    @classmethod
    def of(cls, result: Result) -> Self:
        """The result of a training, with all that can be asked of it."""
        if isinstance(result, cls):
            return result
        return cls(**{field.name: getattr(result, field.name) for field in dataclasses.fields(result)})

    @property
    def probes(self) -> ProbeHistory:
        """What went on inside the network, probe by probe; of an ensemble in its first member.

        The last look, at the network as training left it, is taken when this is asked for, the run is saved or
        diagnosed: training doesn't wait for it.
        """
        records = super().probes
        if not isinstance(records, ProbeHistory):
            records = self.probed = ProbeHistory(records)
        return records

    _repr_html_ = verb("backlit.report.notebook:of_run", "What a notebook shows: result, curves, network.")

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
        from backlit.train.generate import write

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

    def attention(self, x: Any) -> Any:
        """Where each token of a text, or step of a row, looks in a network of attention: an `AttentionMap`.

        Parameters
        ----------
        x : str, list of tokens, or array
            One row, as given to `fit_text`, `fit` and their like.

        Returns
        -------
        AttentionMap
            ``.tokens``, ``.weights`` (arrays (heads, steps, steps) by layer) and ``.plot(layer)``, a matplotlib figure.

        Raises
        ------
        InputError
            If the network has no attention of several heads, or `x` isn't one row.
        """
        from backlit.inspect.attention import attention_map

        return attention_map(self, x)

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

        page = None if report is None else dataclasses.replace(self, folder=Path(folder)).report(report)
        return save(self, Path(folder), overwrite, report=page)

    def export(self, path: str | Path, *, opset: int = 20, overwrite: bool = False, examples: Any = None) -> Any:
        """Write the run as an ONNX file: preparation, network, and labels and probabilities or numbers in their unit.

        What stands before the network (scaling, categories, missing values, dates) is in the file, with an input a
        column; what can't be is told in `outside`. See the page "ONNX".

        Parameters
        ----------
        path : path
            Its name ends in ".onnx".
        opset : int
            Version of ONNX's operators, from 18 on.
        overwrite : bool
            Replace a file that is there.
        examples : as given to `predict`, optional
            Rows to compare ONNX Runtime's outputs on with the run's, if it is installed; by default drawn by chance.

        Returns
        -------
        Exported
            ``.inputs``, ``.outputs``, ``.outside``, ``.difference``; ``.feed(x)`` makes of rows what ONNX Runtime's
            ``session.run(None, ...)`` takes.

        Raises
        ------
        InputError
            If a layer can't be written (it is named), the file is there or can't be written, or onnx isn't installed.
        """
        from backlit.exchange.onnx.exporting import export_run

        return export_run(self, path, opset=opset, overwrite=overwrite, examples=examples)

    def report(self, lang: str = "en", pictures: str | Path | None = None) -> str:
        """The run as one HTML page, in English and Korean, that needs no other file: see `backlit.report`.

        Parameters
        ----------
        lang : "en" or "ko"
            The language that is shown first; the page has a switch.
        pictures : path, optional
            The folder of pictures that a loaded run was trained on, so that those that it mistakes are shown: the
            page opens no file that only the run's folder names.

        Raises
        ------
        UnknownNameError
            If the report isn't written in that language.
        """
        from backlit.report import report as page

        return page(self, lang, None if pictures is None else Path(pictures))

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

    def diagnose(self, x: Any = None, y: Any = None, *, prove: bool = False, **options: Any) -> Any:
        """What went wrong and why, worst first: a `Diagnosis`; empty for a network that learns well.

        Works on loaded runs, too. See the page "The doctor".

        Parameters
        ----------
        x, y : as given to `fit`, optional
            For proofs of loaded runs: others know their data.
        prove : bool
            Settle competing causes by short trainings, each with one thing changed: findings then say "shown" or
            "likely", and what is refuted is dropped.
        **options
            Of `backlit.doctor.diagnose.diagnose`: time_limit (seconds, 10 by default), progress.
        """
        from backlit.doctor.diagnose import diagnose

        return diagnose(self, x, y, prove=prove, **options)

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

        repair = fix(self, x, y, **options)
        return dataclasses.replace(repair, run=Run.of(repair.run), original=self)


def save_report(run: Result, lang: str = "en", pictures: Path | None = None) -> Path:
    """Write the report into the run's own folder, which is otherwise as it was.

    Raises
    ------
    InputError
        If the run has no folder, or it isn't a run's any more or can't be written.
    UnknownNameError
        If the report isn't written in that language.
    """
    from backlit.store.run import add_report

    if run.folder is None:
        raise InputError("this run has no folder yet: save it first, or run.save(folder, report='en')")
    return add_report(run.folder, Run.of(run).report(lang, pictures))


def load(folder: str | Path) -> Run:
    """Read a run that `Run.save` wrote, or an ONNX file as a run: see `from_onnx`.

    Parameters
    ----------
    folder : path
        Of a run, or a file "model.onnx": scikit-learn's pipelines come with their preparation and classes.

    Returns
    -------
    Run
        That predicts just as the saved one.

    Raises
    ------
    InputError
        If the folder isn't a run, or one of its files is missing, damaged or made by a newer version.

    Examples
    --------
    >>> import backlit as bl, numpy as np, tempfile
    >>> run = bl.fit(bl.Linear(1), np.eye(3), np.arange(3.0), epochs=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     same = bl.load(run.save(folder + "/line"))
    >>> bool((same.predict(np.eye(3)) == run.predict(np.eye(3))).all())
    True
    """
    from backlit.store.run import load as read

    if not isinstance(folder, (str, os.PathLike)):
        raise InputError(f"load takes the folder of a run, 'runs/iris' say, got {folder!r}")
    if Path(folder).suffix == ".onnx" and Path(folder).is_file():
        from backlit.exchange.onnx.reading.runs import read_run

        return Run.of(read_run(folder))
    return Run.of(read(folder))


def with_verbs(kind: Callable[[R], V], function: Callable[P, R]) -> Callable[P, V]:
    """The function, with what it returns as this kind."""

    @wraps(function)
    def called(*args: P.args, **options: P.kwargs) -> V:
        return kind(function(*args, **options))

    return called


lr_find = with_verbs(RangeTest.of, sweep_rates)
probe = with_verbs(ProbeHistory, look)
