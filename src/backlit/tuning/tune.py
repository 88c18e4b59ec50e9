"""`tune`: search for settings, and train the best."""

from __future__ import annotations

import inspect
import json
import textwrap
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backlit.distributed.joining import check_alone
from backlit.errors import InputError, shown, unknown
from backlit.exchange.data.huggingface import as_tables, is_huggingface
from backlit.nn.layer import Layer, Network
from backlit.run import Run
from backlit.settings import build, declared, documentation, signature
from backlit.tasks.choose import (
    OF_THE_COMMAND,
    ON_TABLES,
    chosen,
    data_options,
    is_given,
    of_fit_among,
    options_of,
    task_of,
)
from backlit.tasks.options import Call, Options, of_fit
from backlit.train.training import Training
from backlit.tuning.bench import ArrayBench, TaskBench
from backlit.tuning.journal import Journal
from backlit.tuning.results import as_csv, mattered, rows
from backlit.tuning.searching import Found, Tuner
from backlit.tuning.space import Space
from backlit.tuning.wishes import Wishes

WHERE = "bl.tune"
OF_CALL = ("checkpoint", "resume", "overwrite", "progress", "probes", "callbacks", "say")
TABLE, CSV, PICTURE = "trials.json", "trials.csv", "trials.png"


@dataclass(eq=False)
class Tuning:
    """What a search for settings found.

    Attributes
    ----------
    run : Run
        The winner, trained and judged as without a search: `predict`, `report`, `diagnose`, `save`.
    trials : list of dict
        Each trial's place, number, settings, score (of its best epoch, on held-out rows), score at the first rung,
        epochs, rung and why it ended; the best first.
    mattered : dict of setting to float
        Share of the differences at the first rung that goes with a setting: see `backlit.tuning.results.mattered`.
    score : str
        What trials were ranked by: "val_loss".
    test : dict of str to float
        The winner's scores on rows that the search never saw; empty if there are none.
    ended : str
        Why the search ended early: "", "time limit" or "interrupted".

    Examples
    --------
    >>> import backlit as bl
    >>> moons = bl.data.load("moons", rows=200)
    >>> tuning = bl.tune("mlp:16", moons.x, moons.y, trials=4, epochs=9, space={"lr": (1e-3, 1e-1)})
    >>> len(tuning.trials), sorted(tuning.best), tuning.run.predict(moons.x).shape
    (4, ['learning_rate'], (200,))
    """

    run: Run
    trials: list[dict[str, Any]]
    mattered: dict[str, float]
    score: str
    test: dict[str, float] = field(default_factory=dict)
    ended: str = ""
    _space: Space = field(default_factory=dict, repr=False)
    _smaller: bool = field(default=True, repr=False)

    def __post_init__(self) -> None:
        known = isinstance(self.trials, list) and all(isinstance(trial, dict) for trial in self.trials)
        if not (known and self.trials and {"score", "settings"} <= set(self.trials[0])):
            raise InputError(
                f"trials must be a list of dicts, the best first, as bl.tune makes it, got {shown(self.trials)}"
            )

    @property
    def best(self) -> dict[str, Any]:
        """The winner's settings."""
        return dict(self.trials[0]["settings"])

    def plot(self) -> Any:
        """Each trial's score against each setting, as a Matplotlib figure."""
        from backlit.tuning.picture import draw

        return draw(self.trials, self._space, self.mattered, self.score, self._smaller)

    def to_dict(self) -> dict[str, Any]:
        """The table and what mattered as plain data."""
        return {
            "score": self.score, "best": self.best, "mattered": self.mattered, "test": self.test,
            "ended": self.ended, "trials": self.trials,
        }  # fmt: skip

    def __repr__(self) -> str:
        top = self.trials[0]
        return f"Tuning({len(self.trials)} trials, best {self.score} {top['score']:.4g}: {top['settings']})"


def tuned(tuner: Tuner, call: Call) -> Tuning:
    """Run a search, and write its table and picture into the run's folder, if it has one."""
    check_alone("tune")
    found: Found = tuner.run(call)
    run = Run.of(found.run)
    judgement = run.judgement or {}
    test = dict(judgement.get("scores") or {}) if judgement.get("judged_on") == "test" else {}
    held = getattr(tuner.bench, "held", None)
    if held is not None:
        test = dict(run.evaluate(*held))
    tuning = Tuning(
        run=run,
        trials=rows(found.search),
        mattered=mattered(found.search, tuner.space),
        score=found.search.monitor.name,
        test=test,
        ended=found.ended,
        _space=tuner.space,
        _smaller=found.search.monitor.direction == "min",
    )
    if tuner.folder is not None:
        run.save(tuner.folder, overwrite=True)  # with its judgement
        write(tuning, tuner.folder)
    return tuning


def write(tuning: Tuning, folder: Path) -> None:
    """Table and picture, beside the search's journal."""
    journal = Journal(folder)
    journal.folder.mkdir(parents=True, exist_ok=True)
    table = json.dumps(tuning.to_dict(), ensure_ascii=False, indent=1, default=repr)
    journal.add(TABLE, f"{table}\n".encode())
    journal.add(CSV, as_csv(tuning.trials))
    import io

    picture = io.BytesIO()
    tuning.plot().savefig(picture, format="png", dpi=110)
    journal.add(PICTURE, picture.getvalue())


def tune(*data: Any, **options: Any) -> Tuning:
    """Search for settings by successive halving, and train the best: ``tune("houses.csv", target="price")``.

    Candidates are trained a few epochs; the better third goes on, for three times the epochs, and so on; those of one
    shape run one compiled program. They are ranked on held-out rows; the winner is trained anew, as `fit` would with
    its settings, and judged on test rows that no candidate saw.

    Parameters
    ----------
    data :
        ``tune(table, target="price")`` takes what ``bl.fit(table, target=...)`` does, a file, a data frame, and a
        folder of pictures; ``tune(network, x, y)`` a network, or its word, and arrays, of which 15 % are put aside as
        test rows (``test=(x, y)`` gives others, ``test=None`` none).
    OPTIONS

    Returns
    -------
    Tuning

    Raises
    ------
    InputError
        If data, space and options don't fit together; the message says what to change.
    DivergedError
        If all candidates diverged.

    Examples
    --------
    >>> import backlit as bl, polars as pl
    >>> cars = pl.DataFrame({"weight": [i / 60 for i in range(60)], "price": [i % 7 + i for i in range(60)]})
    >>> tuning = bl.tune(cars, target="price", trials=3, epochs=3, space={"lr": [0.001, 0.01, 0.1]}, network="mlp:4")
    >>> [sorted(trial["settings"]) for trial in tuning.trials], "rmse" in tuning.test
    ([['learning_rate'], ['learning_rate'], ['learning_rate']], True)

    References
    ----------
    K. Jamieson, A. Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016.
    """
    started = time.monotonic()
    wishes = build(Wishes, {name: options.pop(name) for name in declared(Wishes) if name in options}, WHERE)
    kept = {name: options.pop(name) for name in OF_CALL if name in options}
    seconds = options.pop("time_limit", None)
    _check_seconds(seconds)
    say = kept.pop("say", None) or (lambda sentence: None)
    folder = kept.pop("checkpoint", None)
    if kept.get("resume") and folder is None:
        raise InputError("resume=True needs checkpoint=FOLDER, the folder to go on from")
    callbacks, probes = kept.pop("callbacks", ()), kept.pop("probes", "standard")
    if len(data) == 3 or (data and isinstance(data[0], (Layer, Network))):
        bench: Any = _of_arrays(data, options | {"probes": probes})
    else:
        bench = _of_data(data, options, say, started)
    tuner = Tuner(
        bench=bench,
        wishes=wishes,
        seed=options.get("seed", 0),
        folder=None if folder is None else Path(folder),
        seconds=seconds,
        started=started,
        say=say,
        **{name: value for name, value in kept.items() if name in ("resume", "overwrite", "progress")},
    )
    return tuned(tuner, Call(callbacks=callbacks, probes=probes))


def _check_seconds(seconds: Any) -> None:
    declared(Training)["time_limit"].accept(seconds)


def _of_arrays(data: tuple[Any, ...], options: dict[str, Any]) -> ArrayBench:
    """A bench of a network, x and y."""
    if len(data) != 3:
        raise InputError(f"{WHERE} takes network, x and y, or a table and its target; got {len(data)} values")
    network, x, y = data
    test = options.pop("test", 0.15)
    return ArrayBench(network, x, y, build(Training, options, WHERE), test)


def _of_data(data: tuple[Any, ...], options: dict[str, Any], say: Any, started: float) -> TaskBench:
    """A bench of a file, a folder or a data frame."""
    if len(data) != 1:
        raise InputError(f"{WHERE} takes a table and its target, or network, x and y; got {len(data)} values")
    (table,) = data
    known = {**data_options(OF_THE_COMMAND), **declared(Options), **of_fit(), **declared(Wishes)}
    for name in options:
        if name not in known:
            raise unknown(f"option of {WHERE}", name, [*known, *OF_CALL])
    if is_huggingface(table):
        table, test = as_tables(table, options.get("target"))
        options = {"test": test, **options}
    said = {name: value for name, value in options.items() if name in data_options(OF_THE_COMMAND) and is_given(value)}
    if isinstance(table, (str, Path)):
        task, source = task_of({"data": table, **said})
    elif "target" not in said:
        raise InputError(f"say which column of the table to predict: {WHERE}(table, target='...')")
    else:
        task, source = chosen(ON_TABLES, said), table
    return TaskBench(
        task, task.read(source), options_of(options), Call(training=of_fit_among(options), say=say, started=started)
    )


def _shown() -> inspect.Signature:
    """How `inspect` and `help` show `tune`."""
    first = inspect.Parameter("data", inspect.Parameter.VAR_POSITIONAL, annotation="Any")
    rest = inspect.Parameter("options", inspect.Parameter.VAR_KEYWORD, annotation="Any")
    return inspect.Signature([first, *signature(Wishes), rest], return_annotation="Tuning")


def _documented() -> str:
    more: Mapping[str, str] = {
        "checkpoint : path, optional": "Folder of the winner's run, with the search in its folder `search`: written as "
        "it goes on.",
        "resume : bool": "Go on with the search in `checkpoint`, bit for bit as if there had been no stop.",
        "overwrite : bool": "Replace a run and a search that are already there.",
        "time_limit : float, optional": "Seconds for all of it: the search takes at most three quarters.",
        "**options :": "As for `fit`: of the data, the plan and the training. What is said here is the same for all "
        "candidates, unless it is tried.",
    }
    entries = [f"{head}\n{textwrap.indent(textwrap.fill(text, 110), '    ')}" for head, text in more.items()]
    return "\n".join([documentation(Wishes), *entries])


tune.__signature__ = _shown()  # type: ignore[attr-defined]
tune.__doc__ = (tune.__doc__ or "").replace("OPTIONS\n", textwrap.indent(_documented(), "    ").lstrip() + "\n")
