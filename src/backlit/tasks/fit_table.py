"""`fit_table`: a table and the column to predict in; a judged run out."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from backlit.errors import InputError, unknown
from backlit.tasks.options import Options
from backlit.tasks.series import from_series
from backlit.tasks.task import Material
from backlit.tasks.texts import material_for
from backlit.tasks.train import train
from backlit.train.result import Run


def fit_table(
    table: Any,
    target: str | Sequence[str],
    *,
    text: str | Sequence[str] | None = None,
    tokens: str | None = None,
    task: str | None = None,
    columns: Mapping[str, str] | None = None,
    group: str | None = None,
    time: str | None = None,
    horizon: int | None = None,
    window: int | None = None,
    series: str | None = None,
    test: Any = None,
    decimal: str | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool | None = None,
    say: Callable[[str], None] | None = None,
    probes: Any = "standard",
    **options: Any,
) -> Run:
    """Train on a table; ``bl.fit(table, target="price")`` is the same call.

    Rows are split into training, validation (when to stop, calibration, intervals) and test rows; columns are
    understood and prepared from the training rows alone; network, optimizer and their settings are chosen by the
    data's size unless they are given; the run is judged on the test rows.

    Parameters
    ----------
    table : path or data frame
        A file (CSV, TSV, gzip, Parquet, Arrow, JSON lines, npz, Excel), or a data frame of pandas, polars or pyarrow,
        or a dict of columns.
    target : str or list of str
        The column to predict. Several columns of two values each make multi-label work, several columns of numbers the
        regression of all of them. Rows without a target are dropped, and counted.
    text : str or list of str, optional
        Column of texts to predict from, instead of all columns; several are joined. See `TextColumn`.
    tokens : "words", "characters", "syllables", "jamo" or "bytes", optional
        What texts are split into; told from their script if left out.
    task : "classification", "regression" or "multi_label", optional
        Told from the target if left out.
    columns : dict of column to kind, optional
        "number", "robust", "log", "category", "date", "season" or "drop", where the data says otherwise.
    group : str, optional
        Rows with the same value in this column (a patient, a customer) stay in one part. The column itself is no input.
    time : str, optional
        Split in the order of this column: train on the past, judge on what came later.
    horizon : int, optional
        Predict the target's next so many values from its past: the table is a time series, with `time`.
    window : int, optional
        Steps of the past that are looked at; by default two seasons or two horizons, whichever is longer.
    series : str, optional
        Which of several series a row belongs to (a shop, a sensor). One network learns them all.
    test : path or data frame, optional
        Rows to judge on; the table is then split into training and validation rows only.
    decimal : "," or ".", optional
        The decimal mark of numbers written as text; told from the file if left out.
    checkpoint, resume, overwrite, progress, probes :
        As for `fit`.
    say : callable, optional
        Is told, sentence by sentence, what was found in the data before training begins.
    **options
        Any of `Options`: network ("mlp:64,32", for texts "bag:64", "cnn:128" or "bilstm:64", or a layer), activation,
        dropout, loss, optimizer (a name or an optimizer), learning_rate, l2, epochs, batch_size, patience, ensemble,
        time_limit (seconds), balance (classes weighed equally), calibrate (temperature), split (shares; two of them for
        no test rows), seed, engine, devices.

    Returns
    -------
    Run
        ``run.predict(table)`` takes raw rows; ``run.judgement`` has the scores, the baseline and the notes. Of time
        series, it takes the past and gives each series' next values (series, horizon); `forecast` adds their times.

    Raises
    ------
    InputError
        If table, target and options don't fit together; the message says what to change.

    Examples
    --------
    >>> import backlit as bl, polars as pl
    >>> cars = pl.DataFrame({"weight": [i / 40 for i in range(40)], "make": ["가", "나"] * 20})
    >>> cars = cars.with_columns(price=2 * pl.col("weight") + (pl.col("make") == "나"))
    >>> run = bl.fit(cars, target="price", epochs=5)
    >>> run.predict(cars).shape, run.judgement["parts"]
    ((40,), {'training': 34, 'validation': 0, 'test': 6})
    """
    started = clock.monotonic()
    chosen = Options(**known(options, "fit for tables"))
    material = material_of_table(
        table, target, text=text, tokens=tokens, task=task, columns=columns, group=group, time=time, test=test,
        decimal=decimal, horizon=horizon, window=window, series=series,
    )  # fmt: skip
    return train(
        material,
        chosen,
        checkpoint=checkpoint,
        resume=resume,
        overwrite=overwrite,
        progress=progress,
        say=say,
        started=started,
        probes=probes,
    )


def material_of_table(
    table: Any,
    target: str | Sequence[str],
    *,
    text: str | Sequence[str] | None = None,
    tokens: str | None = None,
    horizon: int | None = None,
    window: int | None = None,
    series: str | None = None,
    task: str | None = None,
    group: str | None = None,
    **rest: Any,
) -> Material:
    """Rows of a table, texts of one of its columns, or with a horizon the windows of its time series.

    Raises
    ------
    InputError
        If options of the one are given for the other.
    """
    if horizon is None:
        for name, value in (("window", window), ("series", series)):
            if value is not None:
                raise InputError(f"{name} is for time series: give a horizon, too, the steps to predict")
        return material_for(table, target, text=text, tokens=tokens, task=task, group=group, **rest)
    for name, given in (("text", text), ("tokens", tokens)):
        if given:
            raise InputError(f"{name} doesn't apply to time series; leave it out, or the horizon")
    if task not in (None, "regression"):
        raise InputError(f"a time series' values are predicted as numbers; leave out the task {task}")
    if group is not None:
        raise InputError(f"time series are split in time, not by a group; series={group!r} tells series apart")
    return from_series(table, target, horizon=horizon, window=window, series=series, **rest)


def known(options: dict[str, Any], where: str) -> dict[str, Any]:
    """The options, if all of them are such."""
    for name in options:
        if name not in Options.__dataclass_fields__:
            raise unknown(f"option of {where}", name, Options.__dataclass_fields__)
    return options
