"""Flags are made from declared options; what is typed twice, excludes another or isn't known is refused."""

import dataclasses
import inspect
import json
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest
from typer.testing import CliRunner

from backlit.cli import guides
from backlit.cli.main import COMMANDS, app, main
from backlit.cli.options import complete, flag, help_of
from backlit.settings import count, declared, option
from tests.cli.calling import backlit


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("options")
    arguments = ("--epochs", 2, "--ensemble", 1, "--out", "run", "-q", "--no-report")
    done = backlit("train", "iris", *arguments, folder=folder)
    assert done.returncode == 0, done.stderr
    return folder / "run"


@pytest.fixture
def folder(trained, tmp_path, monkeypatch):
    """The folder that we are in; a run is in it."""
    shutil.copytree(trained, tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def typed(monkeypatch, capsys):
    """What a command says on standard error, when it ends with this status."""

    def call(*arguments, status=2):
        monkeypatch.setattr("sys.argv", ["backlit", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr().err
        assert (ended.value.code or 0) == status, said
        return said

    return call


# ------------------------------------------------------------------------------------------------ from declarations


@dataclasses.dataclass(frozen=True)
class Walk:
    steps: int = count(10, help="Steps to take", panel="Walk")
    pace: "float | None" = option(None, help="How fast", flags=("--pace", "-p"), open_low=True)
    home: "bool" = option(False, help="Whether to come back")
    stops: "str | Sequence[str]" = option((), help="Where to rest")  # noqa: F821
    pause: "float | None" = option(None, help="How long. All is said here.", parse=float, low=1.0)
    out: "Path | None" = option(None, help="Where it is written")
    kind: "str | Strolling | None" = option("slow", help="slow or fast")  # noqa: F821


def test_a_flag_says_all_that_is_declared():
    flags = {name: flag(each) for name, each in declared(Walk).items()}
    kinds = {name: inspect.formatannotation(parameter.annotation.__origin__) for name, parameter in flags.items()}
    assert kinds == {
        "steps": "int", "pace": "float | None", "home": "bool", "stops": "list[str] | None", "pause": "str | None",
        "out": "pathlib.Path | None", "kind": "str",
    }  # fmt: skip
    assert [parameter.default for parameter in flags.values()] == [10, None, False, None, None, None, "slow"]
    steps, pace, home, *_ = (parameter.annotation.__metadata__[0] for parameter in flags.values())
    assert (steps.rich_help_panel, steps.show_default, pace.show_default) == ("Walk", True, False)
    assert (pace.default, pace.param_decls) == ("--pace", ("-p",))
    assert (home.default, home.param_decls) == ("--home", ())  # and no --no-home
    assert [help_of(each) for each in declared(Walk).values()] == [
        "Steps to take, from 1.", "How fast, above 0.", "Whether to come back.",
        "Where to rest.", "How long. All is said here.", "Where it is written.", "slow or fast.",
    ]  # fmt: skip


def test_every_command_knows_its_flags():
    for module in COMMANDS:
        assert all(
            parameter.kind is not inspect.Parameter.VAR_KEYWORD
            for parameter in inspect.signature(complete(module.command)).parameters.values()
        ), module.NAME


def test_the_help_keeps_its_headings_and_words():
    output = CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "250", "TERM": "dumb"}).output
    places = [output.index(f"─ {panel} ─") for panel in ("Arguments", "Data", "Network", "Training", "Run")]
    assert places == sorted(places)
    lines = [" ".join(line.strip(" │").split()) for line in output.splitlines()]
    for expected in (
        "--target <str> Column to predict. Give it several times for several labels or numbers.",
        "--horizon <int> Predict the target's next so many values: DATA is a time series, its times in --time.",
        "--test <path> File of test rows, instead of a share of DATA.",
        "--skip-broken Leave out pictures that can't be read, and say so.",
        "--ensemble <int> Networks trained at once and averaged, from 1; by default chosen by the data's size.",
        "--lr <float> Learning rate, above 0; by default chosen by the data's size.",
        "--l2 <float> Weight of the L2 penalty, λ·ΣW², from 0. [default: 0.0]",
        "--time-limit <str> Longest time for the whole job: 90s, 5m, 1.5h. The best so far is kept.",
        "--engine <str> xla (compiled) or numpy. [default: xla]",
        "--quiet -q No progress.",
        "--json One JSON object as the last line, nothing else on standard output.",
    ):
        assert expected in lines, expected


VERBS = {
    "Compare", "Export", "Find", "List", "Open", "Predict", "Rank", "Run", "Score", "Search", "Show", "Tell",
    "Train", "Write",
}  # fmt: skip


@pytest.mark.parametrize("module", COMMANDS, ids=lambda module: module.NAME)
def test_a_commands_help_begins_with_a_verb_and_names_no_type_where_none_is_typed(module):
    output = CliRunner().invoke(app, [module.NAME, "--help"], env={"COLUMNS": "250", "TERM": "dumb"}).output
    assert inspect.getdoc(module.command).split()[0] in VERBS
    assert "<bool>" not in output
    assert not [line for line in output.splitlines() if "--" in line and "list[" in line]


# --------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--epochs", 1, "--epochs", 2), "--epochs is given twice: give it once"),
        (("--lr", 1, "--lr=1"), "--lr is given twice"),
        (("--out", "a", "--out", "b"), "--out is given twice"),
        (("--seed", 1, "-q", "-q", "--seed", 1), "--seed is given twice"),
        (
            ("--resume", "--overwrite", "--out", "run"),
            "resume goes on with the run in the folder, overwrite",
        ),
        (("--group", "a", "--time", "b", "--target", "c"), "--target is for tables; iris is a data set"),
        (("--network", "linear:3 relu", "--activation", "relu"), "put the activation among them"),
    ],
)
def test_an_option_given_twice_or_beside_another_is_refused(folder, typed, arguments, message):
    assert message in typed("train", "iris", *arguments)


def test_options_that_may_be_repeated_are_not_refused(folder, typed):
    (folder / "two.csv").write_text("x,a,b\n" + "".join(f"{i * i % 7.3},{i % 2},{i % 3 > 0}\n" for i in range(30)))
    targets = ("--target", "a", "--target", "b")
    typed("train", "two.csv", *targets, "--epochs", 1, "-q", "-q", "--no-report", "--out", "two", status=0)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("epoch = 3", "run/config.toml, line 2: unknown option 'epoch'; did you mean 'epochs'?"),
        ("overwrite = true", "overwrite says what becomes of the run and isn't part of a job"),
        ('epochs = "many"', "epochs must be a whole number of at least 1, got 'many'"),
        ("epochs = 2.5", "epochs must be a whole number of at least 1, got 2.5"),
        ('balance = "yes"', "balance must be True or False, got 'yes'"),
        ("activation = 3", "activation must be a text, got 3"),
        ("epochs = 3\nepochs = 4", "run/config.toml can't be read"),
        ("epochs", "run/config.toml can't be read"),
    ],
)
def test_what_config_toml_says_is_checked(folder, typed, line, message):
    """Nothing is ignored silently."""
    (folder / "run" / "config.toml").write_text(f'data = "iris"\n{line}\n', encoding="utf-8")
    assert message in typed("train", "--config", "run/config.toml", "--out", "again", "-q")
    assert message in typed("train", "--resume", "--out", "run", "-q")
    assert not (folder / "again").exists()


# --------------------------------------------------------------------------------------- folders of another version


def changed(folder, **parts):
    """The folder, its index of format 1, which has no checksum, with other parts."""
    index = json.loads((folder / "run" / "network.json").read_text(encoding="utf-8"))
    del index["sha256"]
    (folder / "run" / "network.json").write_text(json.dumps({**index, **parts}), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (99, "was written by a newer version (format 99, this one reads 2): pip install --upgrade backlit"),
        ("new", "doesn't describe a network"),
        (0, "doesn't describe a network"),
        (None, "doesn't describe a network"),
    ],
)
@pytest.mark.parametrize(
    "arguments",
    [("show", "run"), ("diagnose", "run"), ("diagnose", "run", "--fix"), ("report", "run"), ("predict", "run", "x.csv"),
     ("evaluate", "run", "x.csv"), ("compare", "run", "run"), ("train", "--resume", "--out", "run", "-q")],
    ids=" ".join,
)  # fmt: skip
def test_folders_of_another_version_are_told(folder, typed, found, message, arguments):
    (folder / "x.csv").write_text("a\n1\n")
    changed(folder, format=found)
    assert message in typed(*arguments)


def test_every_help_text_ends_with_a_page_of_the_documents(monkeypatch):
    pages = {name: guides.guide(name) for name in ("", *(module.NAME for module in COMMANDS))}
    assert set(guides.GUIDES) == set(pages)
    for name, line in pages.items():
        help_, again = (" ".join(CliRunner().invoke(app, [*name.split(), "--help"]).output.split()) for _ in range(2))
        assert help_ == again
        assert help_.count("Documents:") == 1
        assert "None" not in help_.rpartition("Documents:")[0][-30:]
        assert help_.endswith(f"Documents: docs/{guides.GUIDES[name]}.md"), name
        (address,) = re.findall(r"\[link=file://([^\]]+)\]", line)
        assert Path(unquote(address)).is_file(), line
    monkeypatch.setattr(guides, "SOURCE", Path("/nowhere"))
    assert guides.guide("tune") == ""  # installed by pip: no page is known
    assert "Documents" not in CliRunner().invoke(app, ["tune", "--help"]).output
    monkeypatch.setattr(guides, "_published", lambda: "https://backlit.example/docs")
    assert guides.guide("tune") == "Documents: https://backlit.example/docs/tune.html"
