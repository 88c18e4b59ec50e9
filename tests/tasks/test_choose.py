"""Which task data and options mean, and what is said of an option that is for other data."""

import inspect
import re

import polars as pl
import pytest

import backlit as bl
from backlit.errors import InputError, UnknownNameError
from backlit.settings import declared
from backlit.tasks import choose
from backlit.tasks.dataset import DatasetTask
from backlit.tasks.options import Call, Options, shares
from backlit.tasks.pictures import PicturesTask
from backlit.tasks.sequences import SequencesTask
from backlit.tasks.series import SeriesTask
from backlit.tasks.stream import StreamTask
from backlit.tasks.table import TableTask
from backlit.tasks.task import Task
from backlit.tasks.texts import TextsTask
from backlit.train.training import seconds

TABLE = pl.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["x", "y", "x"]})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "sky").mkdir()
    (tmp_path / "cars.csv").write_text("a,b\n1,x\n2,y\n", encoding="utf-8")
    (tmp_path / "book.txt").write_text("once upon a time", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("choices", "task", "data"),
    [
        ({"data": "digits"}, DatasetTask(), "digits"),
        ({"data": "sky"}, PicturesTask(), "sky"),
        ({"data": "sky", "size": "8x6", "skip_broken": True}, PicturesTask(size=(8, 6), skip_broken=True), "sky"),
        ({"data": "sky", "size": [8, 6]}, PicturesTask(size=[8, 6]), "sky"),
        ({"data": "cars.csv", "target": ["b"]}, TableTask(target=["b"]), "cars.csv"),
        (
            {"data": "cars.csv", "target": ["b"], "columns": "a=log", "text": [], "skip_broken": False},
            TableTask(target=["b"], columns={"a": "log"}),
            "cars.csv",
        ),
        ({"data": "cars.csv", "target": ["a"], "text": ["b"]}, TextsTask(target=["a"], text=["b"]), "cars.csv"),
        (
            {"data": "cars.csv", "target": ["a"], "time": "b", "horizon": 3, "window": 4},
            SeriesTask(target=["a"], time="b", horizon=3, window=4),
            "cars.csv",
        ),
        ({"data": "book.txt"}, StreamTask(), None),
        ({"data": "book.txt", "window": 8, "tokens": "words"}, StreamTask(window=8, tokens="words"), None),
        ({"data": "book.txt", "target": ["a"]}, TableTask(target=["a"]), "book.txt"),
    ],
)
def test_the_task_that_is_meant(folder, choices, task, data):
    chosen, source = choose.task_of(choices)
    assert chosen == task
    assert str(source) == (data or "book.txt")


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"data": "sky", "target": ["a"]}, "--target is for tables; sky is a folder, of pictures"),
        ({"data": "sky", "tokens": "words"}, "--tokens is for tables and texts to go on with; sky is a folder"),
        ({"data": "digits", "size": "8"}, "--size is for tables and folders of pictures; digits is a data set"),
        ({"data": "digits", "horizon": 3}, "--horizon is for tables; digits is a data set with its own target"),
        ({"data": "book.txt", "group": "a"}, "--group is for tables; book.txt is learned as a text, for want of a"),
        (
            {"data": "cars.csv", "target": ["a"], "size": "8"},
            "size is for captions, translations and tags: say what is to be made of each row with to",
        ),
        (
            {"data": "cars.csv", "cache": True, "skip_broken": True},
            "--skip-broken is for folders of pictures; cars.csv",
        ),
        (
            {"data": "no.csv", "target": ["a"], "skip_broken": True},
            "--skip-broken is for folders .* no.csv doesn't exist",
        ),
        ({"data": "cars.csv"}, r"cars.csv: say which column to predict: --target COLUMN \(it has a, b\)"),
        ({"data": "cars.csv", "target": ["a"], "window": 3}, "window is for time series: give a horizon, too"),
        ({"data": "cars.csv", "target": ["a"], "tokens": "words"}, "tokens is for texts: say which column holds them"),
        (
            {"data": "cars.csv", "target": ["a"], "text": ["b"], "horizon": 3, "time": "b"},
            "text doesn't apply to time series; leave it out, or the horizon",
        ),
        (
            {"data": "cars.csv", "target": ["a"], "text": ["b"], "columns": "a=log"},
            "with text, only the texts are learned from",
        ),
        ({"data": "cars.csv", "target": ["a"], "columns": "a"}, "expected pairs such as zip=category,id=drop"),
        ({"data": "sky", "size": "big"}, "--size big: expected a number of pixels such as 32"),
    ],
)
def test_options_for_other_data_are_refused_by_name(folder, choices, message):
    with pytest.raises(InputError, match=message):
        choose.task_of(choices)


def test_every_option_of_every_task_is_refused_by_name_where_it_does_not_belong(folder):
    """From the declarations alone: nobody has to think of an option that is added."""
    places = {"sky": PicturesTask, "digits": DatasetTask, "book.txt": StreamTask}
    for data, task in places.items():
        for name in choose.data_options():
            if name in declared(task) or name == "target":
                continue
            with pytest.raises(InputError, match=re.escape(f"{choose.flag_of(name)} is for ")):
                choose.task_of({"data": data, name: "1"})


def test_an_option_that_is_added_to_a_task_is_taken_at_both_doors(folder, monkeypatch):
    from dataclasses import dataclass

    from backlit.settings import count

    @dataclass(frozen=True, repr=False)
    class Sorted(TableTask):
        every: int | None = count(None, panel="Data", help="Take each so many rows")

        def read(self, data, progress=None):
            raise InputError(f"every {self.every} rows")

    tasks = (Sorted, *choose.ON_TABLES[1:])
    monkeypatch.setattr(choose, "ON_TABLES", tasks)
    monkeypatch.setattr(choose, "OF_THE_COMMAND", (*tasks, *choose.OF_THE_COMMAND[3:]))
    task, _ = choose.task_of({"data": "cars.csv", "target": ["a"], "every": 2})
    assert task == Sorted(target=["a"], every=2)
    with pytest.raises(InputError, match="every 2 rows"):
        choose.job(tasks, TABLE, {"target": "a", "every": 2}, "fit for tables")
    assert choose.data_options(tasks)["every"].help == "Take each so many rows"


@pytest.mark.parametrize(
    ("function", "tasks"),
    [
        (bl.fit_table, choose.ON_TABLES),
        (bl.fit_text, (StreamTask,)),
        (bl.fit_pictures, (PicturesTask,)),
        (bl.fit_sequences, (SequencesTask,)),
    ],
)
def test_functions_show_what_their_tasks_declare(function, tasks):
    parameters = inspect.signature(function).parameters
    for task in tasks:
        for name, option in declared(task).items():
            assert name in parameters
            assert name in (function.__doc__ or "")
            if option.default not in ((), parameters[name].default):
                assert parameters[name].default is inspect.Parameter.empty
    without = set(tasks[0].without)
    assert set(declared(Options)) - set(parameters) == without
    assert {"checkpoint", "resume", "overwrite", "progress", "say"} <= set(parameters)
    assert not {"started", "config"} & set(parameters)


def test_the_table_door_of_fit_is_the_same_call():
    run, same = (function(TABLE, target="b", epochs=1, engine="numpy", split=(0.5, 0.5), progress=False, ensemble=1)
                 for function in (bl.fit, bl.fit_table))  # fmt: skip
    assert type(run) is type(same) is bl.Run
    assert run.judgement == same.judgement


def test_unknown_options_are_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown option of fit for tables 'horizont'; did you mean 'horizon'"):
        bl.fit_table(TABLE, "a", horizont=3)
    with pytest.raises(UnknownNameError, match="did you mean 'epochs'"):
        bl.fit_pictures("sky", epoch=3)
    with pytest.raises(UnknownNameError, match="unknown option of fit_text 'config'"):
        bl.fit_text("hello", config={})


def test_every_kind_of_data_declares_its_options_once():
    for task in (*choose.OF_THE_COMMAND, SequencesTask):
        assert issubclass(task, Task)
        assert task.kind
        assert task.source
        assert not set(declared(task)) & (set(declared(Options)) | set(declared(Call)))
        for option in declared(task).values():
            assert option.doc or option.help or option.name == "cache", (task, option.name)


@pytest.mark.parametrize(
    ("text", "value"), [("90", 90.0), ("90s", 90.0), ("5m", 300.0), ("1.5h", 5400.0), (" 2 m ", 120.0)]
)
def test_durations(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "soon", "5d", "-3", "1,5h"])
def test_what_is_no_duration(text):
    with pytest.raises(InputError, match=r"expected a duration such as 90s, 5m or 1\.5h"):
        seconds(text)


def test_splits():
    assert shares("70/15/15") == shares("0.7,0.15,0.15") == (0.7, 0.15, 0.15)
    assert shares("80/20") == (0.8, 0.2)
    assert Options(split=[0.8, 0.2]).split == (0.8, 0.2)
    for wrong in ("70", "70/0/30", "a/b", "1/2/3/4"):
        with pytest.raises(InputError, match="expected shares of training, validation and test rows"):
            shares(wrong)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, r"epochs must be a whole number of at least 1"),
        ({"dropout": 1.0}, r"dropout must be a number in \[0, 1\), got 1.0"),
        ({"learning_rate": 0}, r"learning_rate must be a number in \(0, ∞\)"),
        ({"time_limit": float("inf")}, "time_limit must be"),
        ({"balance": 1}, "balance must be True or False"),
        ({"engine": "torch"}, "unknown engine 'torch'"),
    ],
)
def test_values_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        Options(**options)
    with pytest.raises(InputError, match=message):
        bl.fit_table(TABLE, "a", **options)
