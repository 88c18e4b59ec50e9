"""What is said of files and predictions is so: places, words, baselines, options."""

import json
import re
import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import balanced_accuracy_score

import backlit as bl
from backlit.data import read, read_source
from backlit.data.table import TablePreparation, TableTarget
from backlit.errors import InputError

SOURCE = Path(__file__).resolve().parents[2] / "src" / "backlit"
FAST = {"epochs": 1, "network": "linear", "engine": "numpy", "progress": False, "ensemble": 1}
ROWS = 60


def table(tmp_path, cell, columns="x,z,y", name="t.csv"):
    path = tmp_path / name
    path.write_text(columns + "\n" + "".join(cell(i) + "\n" for i in range(ROWS)), encoding="utf-8")
    return path


# ------------------------------------------------------------------------------------------------ places


@pytest.mark.parametrize(
    ("cell", "options", "message"),
    [
        (lambda i: f"{i},{i % 3},{'oops' if i == 33 else i * 1.5}", {}, "line 35, target 'y' is 'oops', no number"),
        (lambda i: f"{i},{i % 3},{'inf' if i == 33 else i * 1.5}", {}, "line 35, target 'y' isn't finite"),
        (lambda i: f"{i},{i % 3},{'1e200' if i == 33 else i * 1.5}", {}, r"line 35, target 'y' is 1e\+200, too large"),
        (lambda i: f"{i},{'' if i == 33 else i},{i % 2}", {"time": "z"}, "line 35, time 'z' is missing"),
        (lambda i: f"{i},{-5 if i == 33 else i % 9},{i % 2}", {"columns": {"z": "log"}}, "line 35, column 'z': log"),
        (
            lambda i: f"{i},{'soon' if i == 33 else f'2024-01-{i % 28 + 1:02}'},{i % 2}",
            {"columns": {"z": "date"}},
            "line 35, column",
        ),
    ],
)
def test_a_cell_that_cannot_be_used_is_told_by_line(tmp_path, cell, options, message):
    with pytest.raises(InputError, match=rf"t\.csv, {message}"):
        bl.fit(table(tmp_path, cell), target="y", **options, **FAST)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return bl.fit(
        table(tmp_path_factory.mktemp("run"), lambda i: f"{i / 7},{i % 3},{'aab'[i % 3]}"), target="y", **FAST
    )


def test_other_files_cells_are_told_by_line_too(run, tmp_path):
    from backlit.tasks.apply import judgement_on

    bad = table(tmp_path, lambda i: f"{'inf' if i == 40 else i},{i},{'' if i % 10 == 1 else 'a'}")
    strange = table(tmp_path, lambda i: f"{i},{i},{'' if i % 10 == 1 else 'q' if i == 40 else 'a'}", name="s.csv")
    with pytest.raises(InputError, match=r"t\.csv, line 42, column 'x' is infinite"):
        run.predict(bad)
    with pytest.raises(InputError, match=r"t\.csv, line 42, column 'x' is infinite"):
        judgement_on(run, bad)
    with pytest.raises(InputError, match=r"s\.csv, line 42 has class 'q', which training didn't have: 'a', 'b'"):
        judgement_on(run, strange)
    good = table(tmp_path, lambda i: f"{i},{i % 3},{i % 2}", name="g.csv")
    numbers = table(tmp_path, lambda i: f"{'inf' if i == 40 else i},{i},{'' if i % 10 == 1 else i % 2}", name="n.csv")
    with pytest.raises(InputError, match=r"n\.csv, line 42, column 'x' is infinite"):
        bl.fit(good, target="y", test=numbers, **FAST)


def test_what_reading_told_is_not_lost_when_the_target_is_not_found(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("1.5,2,0\n3.5,4,1\n" * 20)
    with pytest.raises(InputError, match=r"unknown column 'y'.*the first line looks like data.*--no-header"):
        bl.fit(path, target="y", **FAST)


# ------------------------------------------------------------------------------------------------ words


@pytest.mark.parametrize(
    ("one", "two", "kind"),
    [(("no", "yes"), ("low", "high"), str), ((1, 2), (0, 5), int), (("아니요", "예"), ("n", "y"), str)],
)
def test_several_labels_are_predicted_in_the_tables_own_words(tmp_path, one, two, kind):
    frame = pl.DataFrame(
        {"x": [i / 7 for i in range(ROWS)], "a": [*one] * 30, "b": [two[i % 3 > 1] for i in range(60)]}
    )
    run = bl.fit(frame, target=["a", "b"], **FAST)
    run.save(tmp_path / "run")
    for each in (run, bl.load(tmp_path / "run")):
        predicted = each.predict(frame)
        assert set(predicted[:, 0].tolist()) <= set(one)
        assert set(predicted[:, 1].tolist()) <= set(two)
        assert isinstance(predicted[0, 0].item(), kind)
    old = TableTarget.from_dict({"names": ["a"], "task": "multi_label", "yes": ["yes"]})
    assert old.in_words(np.array([[1]])).tolist() == [[1]]


@pytest.mark.parametrize("truth", ["a", "b", "bb", "ab", "aab"])
def test_the_guess_scores_what_always_saying_it_does(run, tmp_path, truth):
    from backlit.tasks.apply import judgement_on

    path = tmp_path / "t.csv"
    path.write_text("x,z,y\n" + "".join(f"{i},1,{label}\n" for i, label in enumerate(truth)))
    baseline = judgement_on(run, path)[0].baseline
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        expected = balanced_accuracy_score(list(truth), ["a"] * len(truth))
    assert baseline["balanced_accuracy"] == expected


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ("n", "pqr", "'a' holds numbers, 'b' holds 3 different texts"),
        ("yn", "n", "'a' holds two values, 'b' holds numbers"),
    ],
)
def test_targets_that_do_not_go_together_are_told_for_what_they_are(a, b, message):
    columns = {name: [i * 1.5 if word == "n" else word[i % len(word)] for i in range(9)] for name, word in
               (("a", a), ("b", b))}  # fmt: skip
    with pytest.raises(InputError, match=f"{message}: train a network for each"):
        TableTarget.learn(pl.DataFrame(columns), ["a", "b"])


# ------------------------------------------------------------------------------------------------ values


@pytest.mark.parametrize(
    "form", ["2024Q{}", "Q{} 2024", "2024-W0{}", "2024-0{}", "2024년 {}분기", "2024-01-05T0{}:00Z"]
)
def test_parts_of_years_are_dates(tmp_path, form):
    path = table(tmp_path, lambda i: f"{form.format(i % 4 + 1)},{i % 5},{i}")
    (column,) = (column for column in TablePreparation.learn(read(path), "y").columns if column.name == "x")
    assert column.kind in ("date", "date and time")


@pytest.mark.parametrize("day", ["0000-01-01", "-0001-01-01", "99999-01-01", "2024-02-30"])
def test_days_that_no_calendar_has(tmp_path, day):
    path = table(tmp_path, lambda i: f"{day if i == 33 else f'2024-01-{i % 28 + 1:02}'},{i % 5},{i * 1.5}")
    assert bl.fit(path, target="y", **FAST).predict(path).shape == (ROWS,)


@pytest.mark.parametrize("cells", [["1e39", "2"], [str(10**30), str(10**30 + 7)], ["1e-320", "1e300"]])
def test_numbers_of_all_sizes(tmp_path, cells):
    path = table(tmp_path, lambda i: f"{cells[i % 2]},{i % 5},{i * 1.5}")
    assert np.isfinite(bl.fit(path, target="y", **FAST).predict(path)).all()


def test_amounts_all_of_which_are_negative_and_limits_of_one_kind(tmp_path):
    source = read_source(table(tmp_path, lambda i: f"({i}.50),<{i / 10},{'<>'[i % 2]}50"))
    assert source.frame["x"].to_list() == [-i - 0.5 for i in range(ROWS)]
    assert source.frame["z"].to_list() == [i / 10 for i in range(ROWS)]
    assert source.frame["y"].n_unique() == 2, "less than 50 isn't more than 50"


@pytest.mark.parametrize("separator", ["^", "~", "§", "&", "!"])
def test_rare_separators(tmp_path, separator):
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n1,x y,0.5\n2,z,1.5\n".replace(",", separator), encoding="utf-8")
    assert read(path).rows() == [(1, "x y", 0.5), (2, "z", 1.5)]


@pytest.mark.parametrize(
    "content",
    [
        {"columns": ["a", "b"], "data": [[1, "x"], [2, None]]},
        {"columns": ["a", "b"], "index": [0, 1], "data": [[1, "x"], [2, None]]},
        {"items": [{"a": 1, "b": "x"}, {"a": 2, "b": None}]},
        [{"a": 1, "b": "x"}, {"a": 2}],
        {"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": None}},
    ],
)
def test_tables_in_json_as_others_write_them(tmp_path, content):
    path = tmp_path / "t.json"
    path.write_text(json.dumps(content, indent=1))
    assert read(path).rows() == [(1, "x"), (2, None)]


@pytest.mark.parametrize("name", ["count", "level", "word", "literal", "index", "len", "column_1", "", "*"])
def test_columns_of_any_name(tmp_path, name):
    path = table(tmp_path, lambda i: f"{'NA' if i == 3 else 'pqr'[i % 3]},{i % 5},{i * 1.5}", columns=f"{name},z,y")
    run = bl.fit(path, target="y", **FAST)
    assert run.predict(path).shape == (ROWS,)
    assert sum("=" in each for each in run.preparation.names) >= 3


# ------------------------------------------------------------------------------------------------ options


def test_options_that_texts_name_exist():
    import typer

    from backlit.cli.main import COMMANDS
    from backlit.cli.options import complete

    flags = {"--help", "--version", "--limit"}
    for module in COMMANDS:
        app = typer.Typer(add_completion=False)
        app.command()(complete(module.command))
        flags |= {
            flag for option in typer.main.get_command(app).params for flag in (*option.opts, *option.secondary_opts)
        }
    named = {}
    for path in SOURCE.rglob("*.py"):
        for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", path.read_text(encoding="utf-8")):
            named.setdefault(flag, path.name)
    foreign = {
        "--xla-",
        "--break-system-packages",
        "--directory",
        "--exclude-libs",
        "--upgrade",
        "--wide",
        "--header",
        "--logdir",
    }  # of other programs, and of Python
    assert {flag: file for flag, file in named.items() if flag not in flags | foreign and not flag.endswith("-")} == {}
