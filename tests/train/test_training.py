"""One option, one place: what `Training` declares is met wherever options are taken, told or shown."""

import dataclasses
import inspect
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError, UnknownNameError
from backlit.settings import declared
from backlit.train.options import TrainingOptions
from backlit.train.training import Training
from tests.train.common import blobs, mlp

LONGER = '''
import dataclasses, inspect, json, sys
from backlit.settings import count
from backlit.train import training

@dataclasses.dataclass(frozen=True, repr=False)
class Longer(training.Training):
    """As before.

    Parameters
    ----------
    laps : int
        How often to go round.
    """

    laps: int = count(3, panel="Training", help="Times round", flags=("--laps", "-L"))

training.Training = Longer  # in its place, before anything has read it

import numpy as np
import backlit as bl
from typer.testing import CliRunner
from backlit.cli.main import app

folder = sys.argv[1]
x = np.arange(12.0).reshape(6, 2)
run = bl.fit(bl.Linear(1), x, x[:, 0], epochs=1, laps=5, checkpoint=folder + "/run")
errors = []
for options in ({"laps": 0}, {"lapz": 5}, {"laps": 6, "checkpoint": folder + "/run", "resume": True}):
    try:
        bl.fit(bl.Linear(1), x, x[:, 0], epochs=1, **options)
    except bl.InputError as error:
        errors.append(str(error))
help = CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
typed = ["train", "iris", "--laps", "4", "--epochs", "1", "--out", folder + "/iris", "--no-report"]
command = CliRunner().invoke(app, typed)
told = bl.load(folder + "/iris") if command.exit_code == 0 else None
print(json.dumps({
    "default": inspect.signature(bl.fit).parameters["laps"].default,
    "doc": "laps : int\\n    How often to go round." in inspect.getdoc(bl.fit),
    "settings": run.settings["laps"],
    "folder": bl.load(folder + "/run").settings["laps"],
    "recipe": run.recipe.training.laps,
    "again": run.recipe.fit().settings["laps"],
    "loaded": bl.load(folder + "/run").fix(x, x[:, 0], rounds=1, suit=False, seeds=2).run.settings["laps"],
    "errors": errors,
    "help": [line.strip(" |│") for line in help.splitlines() if "--laps" in line],
    "command": None if told is None else [told.settings["laps"], told.config["laps"]],
    "failed": command.output if told is None else "",
}))
'''


@pytest.fixture(scope="module")
def longer(tmp_path_factory):
    """What a process says in which one option was added to the record, and nothing else was touched."""
    folder = str(tmp_path_factory.mktemp("longer"))
    done = subprocess.run([sys.executable, "-c", LONGER, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_an_option_of_the_record_is_one_of_fit(longer):
    assert longer["default"] == 3
    assert longer["doc"]
    assert longer["errors"][0] == "laps must be a whole number in [1, ∞), got 0"
    assert longer["errors"][1].startswith("unknown option of bl.fit 'lapz'; did you mean 'laps'?")


def test_an_option_of_the_record_is_told_and_kept(longer):
    assert longer["settings"] == longer["folder"] == longer["recipe"] == longer["again"] == longer["loaded"] == 5
    assert "laps: then 5, now 6" in longer["errors"][2]  # a run isn't gone on with by another


def test_an_option_of_the_record_is_a_flag_of_the_command(longer):
    assert longer["command"] == [4, 4], longer["failed"]
    (line,) = longer["help"]
    assert "-L" in line
    assert "Times round, from 1." in line


# ------------------------------------------------------------------------------------------------- types and help


def test_type_checkers_see_the_options_of_the_record():
    annotations = {name: hint.__forward_arg__ for name, hint in TrainingOptions.__annotations__.items()}
    assert annotations == {name: option.type for name, option in declared(Training).items()}
    assert not TrainingOptions.__required_keys__


def test_every_option_is_documented_once():
    for name, option in declared(Training).items():
        assert option.doc, name
        assert option.kind, name
        assert option.default is not dataclasses.MISSING, name


def test_fit_shows_its_options():
    parameters = inspect.signature(bl.fit).parameters
    assert list(parameters)[:4] == ["network", "x", "y", "target"]
    for name, option in declared(Training).items():
        assert parameters[name].default == option.default
        assert parameters[name].annotation == option.type
        assert f"\n{name} : {option.kind}\n" in inspect.getdoc(bl.fit)


TYPED = """
import numpy as np
import backlit as bl

x, y, net = np.eye(3), np.arange(3.0), bl.Linear(1)
run = bl.fit(net, x, y, epochs=3, engine="numpy", early_stopping=5, checkpoint=bl.Checkpoint("a", every=2))
run.predict(x)
bl.fit({"a": [1.0]}, target="a", epochs=2)
bl.lr_find(net, x, y, steps=20, batch_size=None).plot()
bl.probe(net, x, loss="mse").flow()
bl.fit(net, x, y, epoch=2)  # wrong
bl.fit(net, x, y, epochs="3")  # wrong
bl.fit(net, x, y, dtype="float16")  # wrong
bl.fit(net, x)  # a data set may have the targets
bl.fit(net, x, y, target="a")  # wrong
run.predikt(x)  # wrong
"""


@pytest.mark.slow
def test_mypy_sees_wrong_options(tmp_path):
    file = tmp_path / "typed.py"
    file.write_text(TYPED)
    root = Path(bl.__file__).parents[2]
    options = ["--config-file", root / "pyproject.toml", "--cache-dir", root / ".mypy_cache", "--no-incremental"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, file], capture_output=True, text=True, check=False, cwd=root
    )
    found = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}
    assert found == {i for i, line in enumerate(TYPED.splitlines(), 1) if line.endswith("# wrong")}, done.stdout


# -------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net, x, y: bl.fit(net, x, y, epoch=2), r"unknown option of bl.fit 'epoch'; did you mean 'epochs'\?"),
        (lambda net, x, y: bl.fit(net, x, y, target=None), r"takes targets as y; target='\.\.\.' names a column"),
        (lambda net, x, y: bl.fit(net, x), "takes network, x and y; y missing"),
        (lambda net, x, y: bl.fit(x=x, y=y), "takes network, x and y; network missing"),
        (lambda net, x, y: bl.fit(net, x, y, 5), "its options by name, epochs=50 say; got 4 values"),
        (lambda net, x, y: bl.fit(net, x, y, y=y), "y is given twice"),
        (lambda net, x, y: bl.fit({"a": [1.0]}), r"say which column of the table to predict: bl.fit\(table, target="),
        (lambda net, x, y: bl.fit({"a": [1.0]}, epoch=2), "did you mean 'epochs'"),
        (lambda net, x, y: bl.fit({"a": [1.0]}, target="a", epoch=2), "did you mean 'epochs'"),
        (
            lambda net, x, y: bl.lr_find(net, x, y, batchsize=2),
            "option of bl.lr_find 'batchsize'; did you mean 'b",
        ),
        (lambda net, x, y: bl.probe(net, x, y, los="mse"), "option of bl.probe 'los'; did you mean 'loss'"),
        (lambda net, x, y: bl.check(net, x, y, devize=2), "option of bl.check 'devize'; did you mean 'devices'"),
        (
            lambda net, x, y: bl.fit(net, x, y, checkpoint=bl.Checkpoint("a"), overwrite=True),
            r"overwrite is said twice: put it into bl.Checkpoint\(\.\.\.\)",
        ),
        (lambda net, x, y: bl.fit(net, x, y, checkpoint=bl.Checkpoint("a", every=0)), "every must be a whole number"),
    ],
)
def test_both_doors_refuse_in_one_manner(call, message):
    x, y = blobs()
    with pytest.raises(InputError, match=message):
        call(mlp(), x, y)


def test_changed_recipes_are_checked():
    run = bl.fit(bl.Linear(1), np.eye(3), np.arange(3.0), epochs=1)
    with pytest.raises(UnknownNameError, match="did you mean 'epochs'"):
        run.recipe.replace(epoch=3)
    with pytest.raises(InputError, match="epochs must be"):
        run.recipe.replace(epochs=0)


# --------------------------------------------------------------------------------------------- options that are one


def test_a_checkpoint_says_all_of_the_folder(tmp_path):
    x, y = blobs()
    plain = bl.fit(mlp(), x, y, epochs=4, checkpoint=tmp_path / "plain", checkpoint_every=2)
    one = bl.fit(mlp(), x, y, epochs=2, checkpoint=bl.Checkpoint(tmp_path / "one", every=1))
    assert one.folder == tmp_path / "one"
    again = bl.fit(mlp(), x, y, epochs=4, checkpoint=bl.Checkpoint(tmp_path / "one", every=1, resume=True))
    assert [line["loss"] for line in again.history] == [line["loss"] for line in plain.history]
    with pytest.raises(InputError, match="already holds a run"):
        bl.fit(mlp(), x, y, checkpoint=bl.Checkpoint(tmp_path / "one"))
    bl.fit(mlp(), x, y, epochs=1, checkpoint=bl.Checkpoint(tmp_path / "one", overwrite=True))
    assert len(bl.load(tmp_path / "one").history) == 1


def test_what_is_only_of_the_call_is_no_part_of_the_recipe(tmp_path):
    x, y = blobs()
    run = bl.fit(mlp(), x, y, epochs=1, checkpoint=tmp_path / "run", callbacks=print, progress=False, config={"a": 1})
    training = run.recipe.training
    assert (training.checkpoint, training.callbacks, training.progress, training.config) == (None, (), None, None)
    assert training == Training(epochs=1)
