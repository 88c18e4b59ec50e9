"""Each kind of data by one call: its options are the fields of its tasks, and those of `Options` and `Call`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backlit.errors import InputError
from backlit.exchange.data.huggingface import as_pictures, as_tables, is_huggingface
from backlit.run import Run
from backlit.tasks.choose import ON_TABLES, job, taking
from backlit.tasks.pictures import PicturesTask
from backlit.tasks.sequences import SequencesTask
from backlit.tasks.stream import StreamTask


@taking(*ON_TABLES)
def fit_table(table: Any, target: str | Sequence[str], **options: Any) -> Run:
    """Train on a table; ``bl.fit(table, target="price")`` is the same call.

    Rows are split into training, validation (when to stop, calibration, intervals) and test rows; columns are
    understood and prepared from the training rows alone; network, optimizer and their settings are chosen by the
    data's size unless they are given; the run is judged on the test rows.

    Parameters
    ----------
    table : path or data frame
        A file (CSV, TSV, gzip, Parquet, Arrow, JSON lines, npz, Excel), a data frame of pandas, polars or pyarrow,
        a dict of columns, or a data set of Hugging Face: of a `DatasetDict`, "train" and "validation" are the table,
        and "test" judges.
    OPTIONS

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
    if is_huggingface(table):
        table, test = as_tables(table, target)
        options = {"test": test, **options}
    return Run.of(job(ON_TABLES, table, {"target": target, **options}, "fit for tables"))


@taking(StreamTask)
def fit_text(text: str | Path, **options: Any) -> Run:
    """Train a language model: a recurrent network that says what comes next in a text.

    The text is one continuous stream. It is read in several places side by side, a window at a time; the state is
    carried from window to window, gradients stay in their window (truncated backpropagation through time). The last
    tenth is held out: half of it to know when to stop, half to judge by.

    Parameters
    ----------
    text : str or Path
        The text itself, or a `pathlib.Path` of a file.
    OPTIONS

    Returns
    -------
    Run
        ``run.generate("Once")`` goes on with a text; ``run.judgement`` has bits and perplexity on held-out text.

    Raises
    ------
    InputError
        If the text is empty or shorter than a window, or options don't fit.

    Examples
    --------
    >>> import backlit as bl
    >>> run = bl.fit_text("hello", network="rnn:16", window=4, epochs=10, seed=0)
    >>> run.generate("h", length=4, temperature=0)
    'hello'
    """
    return Run.of(job((StreamTask,), text, options, "fit_text"))


@taking(PicturesTask)
def fit_pictures(folder: Any, target: str | None = None, **options: Any) -> Run:
    """Train on a folder of pictures, or on a data set of Hugging Face that holds them.

    Pictures are split into training, validation (when to stop) and test pictures; network, optimizer and their settings
    are chosen by the data unless they are given; the run is judged on the test pictures.

    Parameters
    ----------
    folder : path, or datasets.Dataset or DatasetDict
        With one folder of pictures for each class, or with folders train, val and test of such (val and test may be
        missing: then they are shares of train). PNG, JPEG, WebP, BMP, GIF (its first frame) and TIFF, of any mode and
        size: EXIF orientation is applied, transparency laid on white. Of a data set one column holds pictures.
    target : str, optional
        Of a data set: the column of the classes, by default the one that is called label or the like.
    OPTIONS

    Returns
    -------
    Run
        ``run.predict("picture.png")`` takes paths, folders, arrays of bytes, pictures of Pillow's, and lists of those;
        ``run.judgement["worst"]`` lists the test pictures that were most confidently called something wrong.

    Raises
    ------
    InputError
        If the folder holds no pictures, one class, a class without pictures, or a broken picture.

    Examples
    --------
    >>> import backlit as bl, numpy as np, pathlib, tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("밝음", "dark"):
    ...         (pathlib.Path(folder) / name).mkdir()
    ...         for i in range(20):
    ...             pixels = np.full((8, 8), 10 * i % 50 + 200 * (name == "밝음"), np.uint8)
    ...             Image.fromarray(pixels).save(f"{folder}/{name}/{i}.png")
    ...     run = bl.fit_pictures(folder, epochs=5, network="cnn:4", progress=False, cache=False)
    >>> run.predict(np.full((8, 8), 250, np.uint8)).shape, run.judgement["parts"]
    ((1,), {'training': 28, 'validation': 6, 'test': 6})
    """
    if is_huggingface(folder):
        folder = as_pictures(folder, target)
    elif target is not None:
        raise InputError("fit_pictures: target is for data sets; in a folder of pictures, folders name the classes")
    return Run.of(job((PicturesTask,), folder, options, "fit for pictures"))


@taking(SequencesTask)
def fit_sequences(x: Any, y: Sequence[Any], to: str, **options: Any) -> Run:
    """Train on sequences of different length.

    ======================= ====================================== ==========================
    what                    inputs                                 call
    ======================= ====================================== ==========================
    many to one             texts, sequences                       ``to="class"``
    many to many, in step   texts or words; a tag for each token   ``to="tags"``
    many to many            texts; other texts                     ``to="text"``
    one to many             pictures, rows of numbers; texts       ``to="text"``
    what comes next         one long text                          `fit_text`
    ======================= ====================================== ==========================

    Parameters
    ----------
    x : list of str, list of lists of symbols, or array (rows, ...)
        Texts are taken apart into `tokens`; lists of words or other symbols are taken as they are; arrays of numbers
        are sequences if they have shape (rows, time, features).
    y : list
        A class a row; or a list of tags, one for each token of the row; or a text a row.
    OPTIONS

    Returns
    -------
    Run
        ``run.predict`` takes what `x` was; ``run.write`` tells of written texts their probability, others and
        attention; ``run.judgement`` has the scores on held-out rows.

    Raises
    ------
    InputError
        If a sequence is empty, tags don't fit their row, or options don't fit; the row is named.

    Examples
    --------
    >>> import backlit as bl
    >>> words = ["abc", "cab", "bca", "acb", "bac", "cba"] * 8
    >>> run = bl.fit_sequences(words, [word[::-1] for word in words], to="text", network="lstm:32", epochs=40)
    >>> run.predict(["abc"]).tolist()
    ['cba']

    References
    ----------
    The shapes: A. Karpathy, "The Unreasonable Effectiveness of Recurrent Neural Networks", 2015.
    """
    return Run.of(job((SequencesTask,), (x, y), {"to": to, **options}, "fit_sequences"))
