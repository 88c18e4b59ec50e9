"""The commands as users type them: results, exit status, streams, and nothing half-written."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

import backlit as bl
from backlit.cli import compare, evaluate, explain, generate, importance, lr_find, predict, show, train
from backlit.cli.main import COMMANDS, app, main
from tests.cli.calling import backlit
from tests.cli.test_examples import WANTED
from tests.trackers.told import with_trackers


def table(path, rows=90, seed=0):
    """A small table with numbers, a category, missing values and Korean."""
    rng = np.random.default_rng(seed)
    size, colour = rng.normal(size=rows), rng.integers(0, 2, rows)
    price = 3 * size + 5 * colour + 100 + 0.1 * rng.normal(size=rows)
    lines = ["크기,colour,price,kind"]
    for i in range(rows):
        shown = "" if i % 17 == 3 else f"{size[i]:.4f}"
        lines.append(f"{shown},{['red', '파랑'][colour[i]]},{price[i]:.3f},{'비쌈' if price[i] > 102 else '쌈'}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run on the table, trained once for all tests."""
    folder = tmp_path_factory.mktemp("trained")
    table(folder / "houses.csv")
    done = backlit(
        "train", "houses.csv", "--target", "kind", "--out", "run", "--epochs", 40, "--network", "mlp:16", "--json",
        "--no-report", folder=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_train_on_a_table(trained):
    folder, result = trained
    assert set(result) == {"test", "judgement", "findings", "run", "epochs", "seconds"}
    assert result["test"]["accuracy"] > 0.7
    assert result["run"] == "run"
    assert bl.load(folder / "run").classes == ["비쌈", "쌈"]


def test_evaluate_predict_and_show(trained):
    folder, _ = trained
    table(folder / "new.csv", rows=20, seed=1)
    scores = json.loads(backlit("evaluate", "run", "new.csv", "--json", folder=folder).stdout)
    assert scores["rows"] == 20
    done = backlit("predict", "run", "new.csv", "--out", "p.csv", folder=folder)
    assert done.returncode == 0, done.stderr
    lines = (folder / "p.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "크기,colour,price,kind,prediction,probability_비쌈,probability_쌈"
    assert len(lines) == 21
    truth, predicted = ([line.split(",")[i] for line in lines[1:]] for i in (3, 4))
    assert np.mean(np.array(truth) == np.array(predicted)) == pytest.approx(scores["accuracy"])
    streamed = backlit("predict", "run", "new.csv", folder=folder)
    assert streamed.stdout.splitlines() == lines
    shown = backlit("show", "run", "--plot", "curves.png", folder=folder)
    assert "Linear(16" in shown.stdout
    assert "val_loss" in shown.stdout
    assert (folder / "curves.png").stat().st_size > 5000
    assert json.loads(backlit("show", "run", "--json", folder=folder).stdout)["parameters"] > 0


def test_regression_predicts_in_the_targets_unit(tmp_path):
    table(tmp_path / "houses.csv")
    done = backlit(
        "train", "--no-report", "houses.csv", "--target", "price", "--out", "run", "--json", "-q", folder=tmp_path
    )
    result = json.loads(done.stdout)["test"]
    assert result["r2"] > 0.5
    predictions = json.loads(backlit("predict", "run", "houses.csv", "--json", folder=tmp_path).stdout)["prediction"]
    assert 95 < np.mean(predictions) < 108


@pytest.mark.slow
def test_train_digits_prints_a_report_and_keeps_streams_apart(tmp_path):
    done = backlit("train", "--no-report", "digits", "--epochs", 12, "--out", "run", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the most frequent class" in done.stdout
    assert "calibration error" in done.stdout
    assert "next: backlit show run" in done.stdout
    assert "epoch 12/12  loss" in done.stderr
    assert "loss 0." not in done.stdout


def test_without_out_the_run_gets_a_folder_of_its_own(tmp_path):
    for _ in "ab":
        backlit("train", "--no-report", "xor", "--epochs", 2, "-q", "--network", "mlp:4", folder=tmp_path)
    assert len(list((tmp_path / "runs").glob("xor-*/network.json"))) == 2


def test_lr_find(tmp_path):
    done = backlit("lr-find", "iris", "--plot", "rates.png", "--json", folder=tmp_path)
    assert 1e-5 < json.loads(done.stdout)["suggestion"] < 10
    assert (tmp_path / "rates.png").exists()
    assert "suggested learning rate" in backlit("lr-find", "iris", folder=tmp_path).stdout


def test_explain_prints_w1(tmp_path):
    done = backlit("explain", "(x + y) * z", "x=-2", "y=5", "z=-4", folder=tmp_path)
    assert "f     = q · z    -12    1         q   -4     -4" in done.stdout
    assert "multiply swaps" in done.stdout
    data = json.loads(backlit("explain", "(x + y) * z", "x=-2", "y=5", "z=-4", "--json", folder=tmp_path).stdout)
    assert {n["name"]: n["upstream"] for n in data["nodes"]} == {"x": -4, "y": -4, "z": 3, "q": -4, "f": 1}


def test_explain_draws(tmp_path):
    formula = ("explain", "(x + y) * z", "x=-2", "y=5", "z=-4")
    done = backlit(*formula, "--draw", "graph.svg", "--json", folder=tmp_path)
    assert json.loads(done.stdout)["nodes"]
    assert "−12" in (tmp_path / "graph.svg").read_text(encoding="utf-8")
    assert backlit(*formula, "--draw", "graph.png", folder=tmp_path).returncode == 0
    assert (tmp_path / "graph.png").read_bytes().startswith(b"\x89PNG")
    for path, message in (("graph.bmp", "must end in .svg"), ("no/folder/graph.svg", "can't be written")):
        done = backlit(*formula, "--draw", path, folder=tmp_path)
        assert done.returncode == 2
        assert message in done.stderr
        assert done.stdout == ""


@pytest.mark.slow
def test_resume_continues(tmp_path):
    table(tmp_path / "t.csv")
    words = (
        "train",
        "--no-report",
        "t.csv",
        "--target",
        "kind",
        "--out",
        "run",
        "--network",
        "mlp:8",
        "-q",
        "--patience",
        0,
        "--json",
    )
    backlit(*words, "--epochs", 4, folder=tmp_path)
    done = backlit(*words, "--epochs", 7, "--resume", folder=tmp_path)
    assert json.loads(done.stdout)["epochs"] == 7
    straight = backlit(*[w if w != "run" else "other" for w in words], "--epochs", 7, folder=tmp_path)
    assert json.loads(done.stdout)["test"] == json.loads(straight.stdout)["test"]


MISTAKES = [
    (("train", "digts"), "did you mean 'digits'"),
    (("train", "nothing.csv", "--target", "y"), "there is no file nothing.csv"),
    (("train", "t.csv"), "--target COLUMN"),
    (("train", "t.csv", "--target", "prise"), "did you mean 'price'"),
    (("train", "digits", "--network", "mpl:3"), "did you mean 'mlp'"),
    (("train", "digits", "--network", "mlp:0"), "such as mlp:64,32"),
    (("train", "digits", "--network", "mlp:a"), "such as mlp:64,32"),
    (("train", "digits", "--activation", "rely"), "did you mean 'relu'"),
    (("train", "digits", "--loss", "crossentropy"), "did you mean 'cross_entropy'"),
    (("train", "digits", "--optimizer", "addam"), "did you mean 'adam'"),
    (("train", "digits", "--lr", "-1"), "learning_rate"),
    (("train", "digits", "--epochs", "0"), "epochs must be"),
    (("train", "digits", "--epochs", "many"), "integer"),
    (("train", "digits", "--batch-size", "0"), "batch_size must be"),
    (("train", "digits", "--dropout", "1.5"), "1.5"),
    (("train", "digits", "--seed", "-1"), "seed must be"),
    (("train", "digits", "--l2", "-1"), "l2 must be"),
    (("train",), "backlit train DATA"),
    (("train", "digits", "--ensemble", "0"), "ensemble must be"),
    (("train", "digits", "--time-limit", "soon"), "such as 90s, 5m or 1.5h"),
    (("train", "digits", "--time-limit", "0s"), "time_limit must be"),
    (("train", "digits", "--split", "70/30/0"), "such as 70/15/15"),
    (("train", "digits", "--columns", "a=drop"), "--columns is for tables"),
    (("train", "t.csv", "--target", "kind", "--columns", "size"), "such as zip=category"),
    (("train", "t.csv", "--target", "kind", "--columns", "크기=colour"), "unknown kind for column '크기'"),
    (("train", "t.csv", "--target", "kind", "--columns", "nowhere.toml"), "nowhere.toml can't be read"),
    (("train", "t.csv", "--target", "kind", "--group", "colors"), "did you mean 'colour'"),
    (("train", "t.csv", "--target", "kind", "--time", "colour"), "expected a date or time"),
    (("train", "t.csv", "--target", "kind", "--test", "nowhere.csv"), "there is no file nowhere.csv"),
    (("train", "t.csv", "--target", "kind", "--task", "sorting"), "unknown task"),
    (("train", "t.csv", "--target", "kind", "--decimal", "x"), "decimal"),
    (("train", "t.csv", "--target", "price", "--balance"), "balance weighs classes"),
    (("train", "--config", "nowhere.toml"), "nowhere.toml can't be read"),
    (("train", "--config", "odd.toml"), "did you mean 'data'"),
    (("evaluate", "norun", "t.csv"), "is no folder"),
    (("importance", "norun", "t.csv"), "is no folder"),
    (("compare", "norun"), "is no folder"),
    (("compare", "norun", "nowhere"), "none of these 2 is a run"),
    (("train", "digits", "--engine", "cuda"), "unknown engine"),
    (("train", "digits", "--devices", "0"), "devices must be a whole number of at least 1, got 0"),
    (("train", "digits", "--devices", "3", "--batch-size", "32"), "choose batch_size 30 or 33"),
    (("train", "digits", "--devices", "2", "--engine", "numpy"), "the numpy engine computes on one"),
    (("train", "digits", "--target", "y"), "with its own target"),
    (("train", "t.csv", "--target", "kind", "--task", "regression"), "can't be regressed"),
    (("train", "empty.csv", "--target", "y"), "is empty"),
    (("train", "noise.csv", "--target", "y"), "noise.csv"),
    (("train", "ragged.csv", "--target", "a"), "line 3"),
    (("train", ".", "--target", "a"), "empty.csv is empty"),  # a folder of tables is one table
    (("show", "norun"), "is no folder"),
    (("show", "."), "no complete run"),
    (("predict", "run"), "FILE"),
    (("frobnicate",), "frobnicate"),
    (("train", "--resume", "--out", "nowhere"), "holds no run of this command to go on with"),
    (("explain", "x + y", "x=1"), "y has no value"),
    (("explain", "x", "x=1", "y=2"), "y isn't used"),
]


@pytest.mark.parametrize(
    ("words", "message"), MISTAKES, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_mistakes_end_with_2_and_one_message(tmp_path, words, message, monkeypatch, capsys):
    table(tmp_path / "t.csv", rows=20)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)))
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n1,2,3\n")
    (tmp_path / "odd.toml").write_text('dta = "t.csv"\n')
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["backlit", *words])
    with pytest.raises(SystemExit) as ended:  # in this process: sixty of their own would take a minute
        main()
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert message in " ".join(said.err.replace("│", " ").split()) or message in said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_mistakes_with_a_run(trained, tmp_path):
    folder, _ = trained
    existing = backlit("train", "--no-report", "xor", "--out", "run", folder=folder)
    assert existing.returncode == 2
    assert "already holds a run" in existing.stderr
    (folder / "short.csv").write_text("크기\n1\n", encoding="utf-8")
    missing = backlit("predict", "run", "short.csv", folder=folder)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "column 'colour' is missing" in missing.stderr
    (folder / "text.csv").write_text("크기,colour,price\n1,red,1\n큼,red,1\n", encoding="utf-8")
    text = backlit("predict", "run", "text.csv", folder=folder)
    assert text.returncode == 2
    assert "text.csv, line 3, column '크기': expected a number, as at training, got '큼'" in text.stderr


def test_a_run_is_repeated_by_its_choices(trained, tmp_path):
    """Also when the defaults have changed: what was chosen by the data's size stands in the file."""
    folder, _ = trained
    kept = tomllib.loads((folder / "run" / "config.toml").read_text(encoding="utf-8"))
    assert {"data", "target", "network", "dropout", "learning_rate", "batch_size", "patience", "ensemble"} <= set(kept)
    again = backlit(
        "train", "--no-report", "--config", "run/config.toml", "--out", tmp_path / "again", "-q", folder=folder
    )
    assert again.returncode == 0, again.stderr
    for name in ("weights.safetensors", "judgement.json"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / "run" / name).read_bytes()
    other = backlit(
        "train",
        "--no-report",
        "--config",
        "run/config.toml",
        "--epochs",
        2,
        "--out",
        tmp_path / "other",
        "-q",
        "--json",
        folder=folder,
    )
    assert json.loads(other.stdout)["epochs"] == 2


def test_importance_compare_and_pictures(trained, tmp_path):
    folder, _ = trained
    done = backlit("importance", "run", "houses.csv", "--plot", tmp_path / "i.png", "--json", folder=folder)
    assert {row["column"] for row in json.loads(done.stdout)["columns"]} == {"크기", "colour", "price"}
    assert (tmp_path / "i.png").stat().st_size > 5000
    compared = backlit("compare", "run", "run", folder=folder).stdout
    assert "balanced_accuracy" in compared
    assert compared.count("*") >= 4
    assert len(json.loads(backlit("compare", "run", "--json", folder=folder).stdout)["runs"]) == 1
    beside = backlit("compare", "run", tmp_path, "run", "--json", folder=folder)  # as runs/* names what else is there
    assert len(json.loads(beside.stdout)["runs"]) == 2
    assert "left out: " in beside.stderr
    assert str(tmp_path) in beside.stderr
    shown = backlit("show", "run", "--reliability", tmp_path / "r.png", folder=folder)
    assert "what was done" in shown.stdout
    assert "more like it, whose answers are averaged" in shown.stdout
    assert (tmp_path / "r.png").stat().st_size > 5000


def test_show_draws_the_network(trained, tmp_path):
    folder, _ = trained
    for depth in ("layers", "neurons"):
        done = backlit("show", "run", "--draw", tmp_path / f"{depth}.svg", "--depth", depth, folder=folder)
        assert done.returncode == 0, done.stderr
        assert "the first of 5 networks" in done.stderr
    assert "Linear(16" in (tmp_path / "layers.svg").read_text(encoding="utf-8")
    assert "line width" in (tmp_path / "neurons.svg").read_text(encoding="utf-8")
    done = backlit("show", "run", "--draw", tmp_path / "n.svg", "--depth", "neuron", folder=folder)
    assert done.returncode == 2
    assert "did you mean 'neurons'" in done.stderr


def test_input_files_are_never_overwritten(trained):
    folder, _ = trained
    before = (folder / "houses.csv").read_bytes()
    done = backlit("predict", "run", "houses.csv", "--out", "./houses.csv", folder=folder)
    assert done.returncode == 2
    assert "is the input itself" in done.stderr
    assert (folder / "houses.csv").read_bytes() == before
    nowhere = backlit("predict", "run", "houses.csv", "--out", "nowhere/p.csv", folder=folder)
    assert "there is no folder nowhere" in nowhere.stderr
    lost = backlit("evaluate", "run", "new2.csv", folder=folder)
    assert lost.returncode == 2
    (folder / "blind.csv").write_text("크기,colour,price\n1,red,1\n", encoding="utf-8")
    blind = backlit("evaluate", "run", "blind.csv", folder=folder)
    assert "has no column 'kind' to judge by" in blind.stderr


def test_korean_files_of_spreadsheets_keep_their_form(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["이름;면적;값"]
    for i in range(80):
        area = rng.uniform(20, 90)
        lines.append(f"{'=cmd()' if i % 7 == 0 else '가나다'[i % 3]};{area:.2f};{area * 12:.1f}".replace(".", ","))
    (tmp_path / "집.csv").write_bytes("\r\n".join(lines).encode("cp949"))
    done = backlit(
        "train", "--no-report", "집.csv", "--target", "값", "--out", "run", "--epochs", 20, "-q", folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "read as CP949 (Korean)" in done.stderr
    done = backlit("predict", "run", "집.csv", "--out", "p.csv", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "p.csv").read_bytes().decode("cp949").split("\r\n")
    assert rows[0] == "이름;면적;값;prediction;lower;upper"
    assert rows[1].startswith('"=cmd()";')
    assert rows[1].count(",") == 5
    assert all(
        row.startswith(line.split(";")[0].strip('"')) or '"' in row for row, line in zip(rows, lines, strict=False)
    )


@pytest.mark.slow
@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_typed_and_read_no_traceback_follows(tmp_path_factory, data):
    """Odd files and odd options: status 0, 1 or 2, and a message."""
    folder = tmp_path_factory.mktemp("fuzz")
    cell = st.sampled_from(
        ["1", "2.5", "", "NA", "가", "x,y", '"', "1e400", "inf", "-", "2020-01-01", "yes", "no", "3%"]
    )
    width = data.draw(st.integers(1, 4), label="columns")
    rows = data.draw(st.lists(st.lists(cell, min_size=width, max_size=width), max_size=25), label="rows")
    text = "\n".join([",".join(f"c{i}" for i in range(width)), *(",".join(row) for row in rows)])
    raw = text.encode(data.draw(st.sampled_from(["utf-8", "cp949", "utf-16"])))
    cut = data.draw(st.integers(0, len(raw)) if data.draw(st.booleans()) else st.just(len(raw)), label="cut")
    (folder / "t.csv").write_bytes(raw[:cut])
    odd = st.sampled_from(["0", "1", "-1", "x", "3", "0.5", "nan", "1e9"])
    names = ["--epochs", "--batch-size", "--lr", "--dropout", "--patience", "--ensemble", "--seed", "--l2", "--split"]
    words = [
        word
        for name in data.draw(st.lists(st.sampled_from(names), max_size=2, unique=True))
        for word in (name, data.draw(odd))
    ]
    options = ["--network", "mlp:3", "--time-limit", "1s", "--engine", "numpy", "-q", "--out", str(folder / "run")]
    target = data.draw(st.sampled_from(["c0", "c1", "nothing"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["backlit", "train", str(folder / "t.csv"), "--target", target, *options, *words])
        try:
            main()
            status = 0
        except SystemExit as ended:
            status = ended.code or 0
    assert status in (0, 1, 2)


def test_overwriting_loses_nothing_to_a_mistake(tmp_path):
    words = ("train", "--no-report", "xor", "--out", "run", "--network", "mlp:4", "-q", "--overwrite")
    assert backlit(*words, "--epochs", 2, folder=tmp_path).returncode == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    assert backlit(*words, "--epochs", 0, folder=tmp_path).returncode == 2
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
    assert backlit(*words, "--epochs", 3, folder=tmp_path).returncode == 0
    assert len(bl.load(tmp_path / "run").history) == 3


@pytest.mark.slow
def test_a_diverged_run_ends_with_1_and_says_where(tmp_path):
    done = backlit(
        "train", "--no-report", "digits", "--optimizer", "sgd", "--lr", "1e38", "--epochs", 3, "-q", folder=tmp_path
    )
    assert done.returncode == 1
    assert "training diverged" in done.stderr
    assert "epoch 1, step" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_keeps_what_was_trained(tmp_path):
    words = ["train", "digits", "--epochs", "100000", "--patience", "0", "--out", "run"]
    process = subprocess.Popen(
        [sys.executable, "-m", "backlit", *words], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    line = process.stderr.readline()
    assert line.startswith("epoch"), line
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130, rest
    assert "interrupted after epoch" in rest
    assert "Traceback" not in rest
    run = bl.load(tmp_path / "run")
    assert run.stopped == "interrupted"
    assert run.history[-1]["accuracy"] > 0.8


def test_help_of_every_command_shows_two_examples():
    main_help = CliRunner().invoke(app, ["--help"]).stdout
    for module in COMMANDS:
        assert module.NAME in main_help
        done = CliRunner().invoke(app, [module.NAME, "--help"])
        assert done.exit_code == 0
        assert done.stdout.count(f"backlit {module.NAME}") >= 2
    assert CliRunner().invoke(app, ["--version"]).stdout.startswith("backlit ")


def test_help_is_quick(tmp_path):
    heavy = ("jax", "polars", "matplotlib", "sklearn")
    code = f"import sys; from backlit.cli import main; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


ELSEWHERE = (*WANTED, "runs/dates")  # in examples that have a test of their own


def shortly(words):
    """Options that make an example's training short: reports, ensembles and long trainings have tests of their own.

    For two epochs a compiled program doesn't pay; it is the engine of those that say how many.
    """
    brief = ["--no-report"]
    if not {"least_squares", "--epochs", "book.txt"} & set(words):
        brief += ["--epochs", "2", "--engine", "numpy"]
    return brief if {"book.txt", "--ensemble"} & set(words) else [*brief, "--ensemble", "1"]


@with_trackers
@pytest.mark.slow
def test_the_examples_of_every_help_run(tmp_path, monkeypatch):
    """As they stand there, in a folder with the files that they speak of."""
    table(tmp_path / "houses.csv", rows=120)
    for name, seed in (("test.csv", 1), ("new.csv", 2)):
        table(tmp_path / name, rows=20, seed=seed)
    pixels = np.random.default_rng(0).integers(0, 100, (20, 24, 24), dtype=np.uint8)
    for name, light in (("dark", 0), ("light", 155)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for i, own in enumerate(pixels + np.uint8(light)):
            Image.fromarray(own).save(tmp_path / "pictures" / name / f"{i}.png")
    Image.fromarray(pixels[0]).save(tmp_path / "new.png")
    sales = [f"2024-{1 + i // 28:02}-{1 + i % 28:02},Mapo,{i % 7}" for i in range(28 * 8)]
    (tmp_path / "sales.csv").write_text("\n".join(["date,shop,sold", *sales]) + "\n", encoding="utf-8")
    reviews = [f"{('good', 'poor')[i % 2]} film number {i},{i % 2}" for i in range(60)]
    (tmp_path / "reviews.csv").write_text("\n".join(["review,label", *reviews]) + "\n", encoding="utf-8")
    (tmp_path / "job.toml").write_text("\n".join(train.JOB), encoding="utf-8")
    for name in ("book.txt", "other.txt"):
        (tmp_path / name).write_text("Once upon a time, hell was cold. " * 60, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for module in (train, lr_find, evaluate, predict, generate, show, compare, importance, explain):
        examples = [line for line in module.EXAMPLES.splitlines() if line.startswith("backlit ")]
        assert len(examples) >= 2
        examples = [line for line in examples if not any(word in line for word in ELSEWHERE)]
        for example in examples:
            words = shlex.split(example)[1:]
            words = [str(name) for word in words for name in (Path().glob(word) if "/*" in word else [word])]
            said = backlit(*words, *(shortly(words) if module is train else ()))
            assert said.returncode == 0, (example, said.stderr)
            assert said.stdout.strip() or {"--out", "--draw", "--attention"} & set(words), (example, said.stderr)
            assert "backlit:" not in said.stderr, (example, said.stderr)
        if module is train:  # what the others speak of
            for name in ("digits", "a", "b"):
                bl.load("runs/houses").save(f"runs/{name}")
            assert "Once upon" in bl.load("runs/book").generate("Once", temperature=0)


@pytest.mark.slow
def test_several_targets_and_a_file_that_says_what_columns_are(tmp_path):
    table(tmp_path / "t.csv")
    (tmp_path / "columns.toml").write_text('[columns]\n"크기" = "robust"\ncolour = "drop"\n', encoding="utf-8")
    words = ("train", "--no-report", "t.csv", "--columns", "columns.toml", "--out", "run", "-q", "--epochs", 5)
    done = backlit(*words, "--target", "price", "--target", "크기", folder=tmp_path)
    assert done.returncode == 2
    assert "column '크기' is the target, no input" in done.stderr
    done = backlit(*words, "--target", "price", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "scaled by median and quartiles" in done.stdout
    assert "left out: as asked" in done.stdout
    done = backlit(
        "train",
        "--no-report",
        "t.csv",
        "--target",
        "price",
        "--target",
        "크기",
        "--out",
        "two",
        "-q",
        "--epochs",
        5,
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "by the mean" in done.stdout
    predicted = backlit("predict", "two", "t.csv", folder=tmp_path).stdout.splitlines()[0]
    assert predicted.endswith("prediction_price,prediction_크기,lower_price,upper_price,lower_크기,upper_크기")
