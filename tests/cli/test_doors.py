"""What `fit` can do, the command can: networks, optimizers, schedules and penalties by word, jobs as files, and rows of
the user's own looked into."""

import json
import shlex
import tomllib

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.cli import train
from tests.cli.calling import backlit
from tests.trackers.told import with_trackers

QUICK = ("--engine", "numpy", "--ensemble", "1", "--no-report", "-q")
FIT = {"engine": "numpy", "ensemble": 1, "progress": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doors")
    rng = np.random.default_rng(0)
    size, colour = rng.normal(size=90), rng.integers(0, 2, 90)
    price = 3 * size + 5 * colour + 20 + 0.1 * rng.normal(size=90)
    lines = [f"{s:.4f},{['red', 'blue'][c]},{p:.3f}" for s, c, p in zip(size, colour, price, strict=True)]
    (folder / "houses.csv").write_text("\n".join(["size,colour,price", *lines]) + "\n", encoding="utf-8")
    (folder / "new.csv").write_text("size,colour\n1.5,red\n", encoding="utf-8")
    points = [f"{a:.3f},{b:.3f},{'yes' if a * b > 0 else 'no'}" for a, b in rng.normal([50, 3], [10, 1], (80, 2))]
    (folder / "two.csv").write_text("\n".join(["width,height,kind", *points]) + "\n", encoding="utf-8")
    (folder / "job.toml").write_text("\n".join(train.JOB), encoding="utf-8")
    return folder


@pytest.fixture
def command(folder, monkeypatch):
    """The command in the folder that the test's own calls are made in."""
    monkeypatch.chdir(folder)
    return backlit


DOORS = [
    ("--optimizer momentum:0.95 --lr 0.01", {"optimizer": bl.Momentum(0.01, momentum=0.95)}),
    ("--optimizer adam:beta1=0.8,beta2=0.99 --lr 0.01", {"optimizer": bl.Adam(0.01, beta1=0.8, beta2=0.99)}),
    ("--optimizer lbfgs", {"optimizer": bl.optim.LBFGS(), "batch_size": "full", "dropout": 0.0}),
    ("--optimizer sgd --lr 0.01 --batch-size full", {"optimizer": bl.SGD(0.01), "batch_size": "full"}),
    ("--schedule 'warmup:1 cosine'", {"schedule": "warmup:1 cosine"}),
    ("--schedule step:2,0.5 --lr 0.01 --optimizer sgd", {"optimizer": bl.SGD(bl.optim.Step(0.01, 8, 0.5))}),
    ("--network residual:8,8 --initializer he_normal", {"network": "residual:8,8", "initializer": "he_normal"}),
    ("--network wired:8,random=4,weights=learned", {"network": "wired:8,random=4,weights=learned"}),
    ("--network mlp:8 --dropconnect 0.2 --dropout 0", {"network": "mlp:8", "dropconnect": 0.2, "dropout": 0.0}),
    ("--l1 0.01 --l2 0.02", {"l1": 0.01, "l2": 0.02}),
    ("--output-activation softplus", {"output_activation": "softplus"}),
]  # fmt: skip


@pytest.mark.parametrize(("flags", "options"), DOORS, ids=[flags for flags, _ in DOORS])
def test_the_command_trains_as_fit_does(command, tmp_path, flags, options):
    words = shlex.split(flags)
    status, _, told = command(
        "train", "houses.csv", "--target", "price", "--epochs", 3, *words, *QUICK, "--out", tmp_path / "run"
    )
    assert status == 0, told
    run = bl.load(tmp_path / "run")
    same = bl.fit("houses.csv", target="price", epochs=3, **FIT, **options)
    assert run.history["loss"] == same.history["loss"]
    assert run.network.architecture == same.network.architecture
    again, _, told = command(
        "train", "--config", tmp_path / "run" / "config.toml", *QUICK[-2:], "--out", tmp_path / "2"
    )
    assert again == 0, told
    assert bl.load(tmp_path / "2").history["loss"] == run.history["loss"]


def test_least_squares_of_a_table(command, tmp_path):
    from sklearn.linear_model import LinearRegression

    words = ("train", "houses.csv", "--target", "price", "--optimizer", "least_squares", "--engine", "numpy", "-q")
    status, printed, told = command(*words, "--no-report", "--out", tmp_path / "run")
    assert status == 0, told
    assert "the minimum in closed form" in printed
    assert "(closed form)" in printed
    recipe = bl.fit("houses.csv", target="price", optimizer="least_squares", engine="numpy", progress=False).recipe
    best = LinearRegression().fit(recipe.training.preparation.apply(recipe.x), recipe.y)
    rows = recipe.training.preparation.apply("houses.csv")
    np.testing.assert_allclose(bl.load(tmp_path / "run").predict("houses.csv"), best.predict(rows), rtol=1e-4)


def test_until_a_loss(command, tmp_path):
    words = (
        "train",
        "houses.csv",
        "--target",
        "price",
        "--lr",
        0.01,
        "--epochs",
        60,
        "--patience",
        0,
        "--network",
        "mlp:8",
    )
    status, printed, told = command(*words, *QUICK[:-1], "--out", tmp_path / "run", "--until-loss", 0.3)
    assert status == 0, told
    losses = bl.load(tmp_path / "run").history["loss"]
    assert losses[-1] <= 0.3 < min(losses[:-1])
    assert f"loss {losses[-1]:.6g} reached after epoch {len(losses)}: at most 0.3 was asked for" in told
    assert "(loss reached, best epoch" in printed
    status, _, told = command(*words[:7], 2, *QUICK[:-1], "--out", tmp_path / "far", "--until-loss", 1e-9)
    assert status == 0
    assert "the loss never came down to 1e-09: its lowest was" in told


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--optimizer adm", "did you mean 'adam'"),
        ("--optimizer adam:beta=1", "beta1"),
        ("--schedule cosin", "did you mean 'cosine'"),
        ("--batch-size half", "batch_size must be a whole number of at least 1, or 'full', got 'half'"),
        ("--until-loss nan", "until_loss must be a finite number"),
        ("--optimizer lbfgs --batch-size 16", "needs all rows in every update"),
        ("--network wired:8,a-b,b-a", "connections run in a circle"),
        ("--network residual:8,", "expected the blocks' widths"),
        ("--initializer he", "unknown initializer 'he'"),
        ("--output-activation tanh", "but the target's go from"),
        ("--dropconnect 1", "dropconnect must be"),
        ("--optimizer least_squares --network mlp:4", "needs a linear network"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(command, tmp_path, flags, message):
    status, _, told = command(
        "train", "houses.csv", "--target", "price", *shlex.split(flags), *QUICK, "--out", tmp_path / "run"
    )
    assert status == 2
    assert message in told.splitlines()[-1]
    assert not (tmp_path / "run").exists()


@with_trackers
def test_the_examples_of_these_doors_run(command, tmp_path):
    """Those of the help; the others are run as they stand by a slower test."""
    lines = [line for line in train.EXAMPLES.splitlines() if line.startswith("backlit ")]
    doors = [line for line in lines if "houses.csv --target price" in line or "job.toml" in line]
    assert len(doors) >= 7
    for i, line in enumerate(doors):
        words = [word for word in shlex.split(line)[1:] if word not in ("--out", "runs/houses")]
        if "--epochs" in words:
            words[words.index("--epochs") + 1] = "2"
        elif "least_squares" not in words:
            words += ["--epochs", "2"]
        status, _, told = command(*words, *QUICK, "--out", tmp_path / f"run-{i}")
        assert status == 0, (line, told)


def written(folder, text):
    (folder / "own.toml").write_text(text, encoding="utf-8")
    return "own.toml"


def test_a_job_is_a_file_and_flags_come_first(command, folder, tmp_path):
    status, _, told = command("train", "--config", "job.toml", "--epochs", 2, *QUICK, "--out", tmp_path / "run")
    assert status == 0, told
    run = bl.load(tmp_path / "run")
    assert len(run.history) == 2
    same = bl.fit(
        "houses.csv", target="price", columns={"colour": "category"}, network="residual:32,32", learning_rate=0.005,
        optimizer="adam:beta1=0.8", schedule="step:10,0.5", epochs=2, **FIT,
    )  # fmt: skip
    assert run.history["loss"] == same.history["loss"]
    kept = tomllib.loads((tmp_path / "run" / "config.toml").read_text(encoding="utf-8"))
    assert kept["schedule"] == "step:10,0.5"
    assert kept["columns"] == {"colour": "category"}


def test_a_file_may_have_the_network_layer_by_layer(command, folder, tmp_path):
    job = """data = "houses.csv"
target = ["price"]
epochs = 2
[network]
layer = "Sequential"
[[network.layers]]
layer = "Linear"
units = 6
weight_init = "kaiming"
[[network.layers]]
layer = "ReLU"
[[network.layers]]
layer = "Linear"
units = 1
"""
    status, _, told = command("train", "--config", written(folder, job), *QUICK, "--out", tmp_path / "run")
    assert status == 0, told
    expected = bl.Sequential(bl.Linear(6, weight_init="kaiming"), bl.ReLU(), bl.Linear(1))
    assert bl.load(tmp_path / "run").network.architecture == expected
    status, _, told = command(
        "train", "--config", tmp_path / "run" / "config.toml", "-q", "--no-report", "--out", tmp_path / "2"
    )
    assert status == 0, told
    assert bl.load(tmp_path / "2").history["loss"] == bl.load(tmp_path / "run").history["loss"]


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ('data = "houses.csv"\nepoch = 3', "own.toml, line 2: unknown option 'epoch'; did you mean 'epochs'"),
        ('data = "houses.csv"\nlearning-rte = 3', "did you mean 'learning_rate'"),
        (
            'data = "houses.csv"\ntarget = "price"\nepochs = "ten"',
            "epochs must be a whole number of at least 1, got 'ten'",
        ),
        ('data = "houses.csv"\ntarget = "price"\nbalance = 1', "balance must be True or False"),
        ('data = "houses.csv"\nlr = 0.1\nlearning_rate = 0.2', "which another line gives already"),
        ('data = "houses.csv"\nout = "here"', "isn't part of a job: type --out"),
        ('data = "houses.csv"\nepochs = {many = 3}', "line 2: epochs must be a text, a number"),
        ('data = "houses.csv"\nnetwork = 64', "line 2: network must be words such as"),
        (
            'data = "houses.csv"\n[network]\nlayer = "Linea"',
            "line 2: network: unknown layer 'Linea'; did you mean 'Linear'",
        ),
        ('data = "houses.csv"\nnetwork = ', "can't be read"),
        ("epochs = 3", "say what to train on"),
    ],
)
def test_a_line_that_does_not_fit_is_named(command, folder, job, message):
    status, _, told = command("train", "--config", written(folder, job), *QUICK)
    assert status == 2
    assert message in told


@pytest.fixture(scope="module")
def classifier(folder):
    bl.fit(
        str(folder / "two.csv"), target="kind", network="mlp:5", activation="tanh", dropout=0.0, epochs=4, **FIT
    ).save(folder / "two")
    return bl.load(folder / "two")


def test_a_row_of_ones_own_with_every_gradient_of_its_loss(command, classifier):
    status, printed, told = command("show", "two", "--row", "width=55,height=2.5,kind=yes", "--json")
    assert status == 0, told
    nodes = {node["name"]: node for node in json.loads(printed)["nodes"]}
    x = torch.tensor(np.array(nodes["x"]["value"]), requires_grad=True)
    np.testing.assert_allclose(x.detach(), classifier.inputs({"width": [55.0], "height": [2.5]}), rtol=1e-6)
    linear = [torch.nn.Linear(2, 5).double(), torch.nn.Linear(5, 2).double()]
    paths = [path for path, layer in classifier.network.architecture.walk() if isinstance(layer, bl.Linear)]
    with torch.no_grad():
        for layer, path in zip(linear, paths, strict=True):
            layer.weight.copy_(torch.tensor(classifier.network.params[path]["weight"].copy()))
            layer.bias.copy_(torch.tensor(classifier.network.params[path]["bias"].copy()))
    loss = torch.nn.functional.cross_entropy(linear[1](torch.tanh(linear[0](x))), torch.tensor([1]))
    loss.backward()
    assert nodes["L"]["value"] == pytest.approx(loss.item(), rel=1e-5)
    np.testing.assert_allclose(nodes["x"]["upstream"], x.grad, rtol=1e-4)
    for layer, path in zip(linear, paths, strict=True):
        np.testing.assert_allclose(nodes[f"{path}/weight"]["upstream"], layer.weight.grad, rtol=1e-4, atol=1e-8)


def test_a_row_is_drawn_and_its_target_may_be_said_apart(command, classifier, tmp_path):
    status, _, told = command(
        "show", "two", "--row", "width=55,height=2.5", "--answer", "no", "--draw", tmp_path / "p.svg"
    )
    assert status == 0, told
    assert "∂L/∂(this value)" in (tmp_path / "p.svg").read_text(encoding="utf-8")
    status, printed, told = command("show", "two", "--row", "two.csv")  # its first row, which has the target
    assert status == 0
    assert "cross_entropy" in printed
    status, printed, told = command("show", "two", "--row", "width=55,height=2.5")
    assert "the target isn't known" in told
    assert "output" in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--row", "width=55,heigt=2"), "unknown column 'heigt'; did you mean 'height'"),
        (("--row", "width=55"), "column 'height' is missing"),
        (("--row", "width=55,height=tall"), "expected a number"),
        (("--row", "55,2"), "the run takes the columns width, height, as name=value"),
        (("--row", "width=5,height=2", "--answer", "maybe"), "unknown class 'maybe'"),
        (("--row", "width=5,height=2,kind=no", "--answer", "no"), "tells the target already"),
        (("--row", "nowhere.csv"), "expected a row such as"),
        (("--row", "width=5,height=2", "--draw", "a.svg", "--depth", "layers"), "leave one of them out"),
        (("--answer", "no"), "give both"),
        (("--boundary", "b.txt"), "must end in .png"),
    ],
)
def test_a_row_that_does_not_fit_is_named(command, classifier, words, message):
    status, _, told = command("show", "two", *words)
    assert status == 2
    assert message in told


def test_the_boundary_of_two_features_in_a_picture_and_in_the_report(command, folder, tmp_path):
    words = ("train", "two.csv", "--target", "kind", "--epochs", 2, "--network", "mlp:4", "--engine", "numpy", "-q")
    status, _, told = command(*words, "--ensemble", 1, "--out", tmp_path / "run")
    assert status == 0, told
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert 'id="boundary-picture-caption"' in page
    assert ">width<" in page
    status, _, told = command(
        "show", tmp_path / "run", "--boundary", tmp_path / "b.svg", "--initializers", tmp_path / "s.png"
    )
    assert status == 0, told
    drawn = (tmp_path / "b.svg").read_text(encoding="utf-8")
    assert "width" in drawn
    assert "height" in drawn
    assert (tmp_path / "s.png").stat().st_size > 3000


def test_other_runs_have_no_boundary():
    from backlit.report.inside import has_boundary

    x = np.random.default_rng(0).normal(size=(30, 2))
    options = {"epochs": 1, "engine": "numpy", "probes": None}
    assert has_boundary(bl.fit(bl.Linear(2), x, (x[:, 0] > 0).astype(int), **options))
    assert has_boundary(bl.fit(bl.Linear(1), x, x[:, 0], **options))
    assert not has_boundary(bl.fit(bl.Linear(2), x, x, **options))
    assert not has_boundary(bl.fit(bl.Linear(1), x[:, :1], x[:, 0], **options))


def test_activations_by_initialiser():
    layers = [layer for _ in range(3) for layer in (bl.Linear(100), bl.Tanh())]
    chart = bl.plots.starts(bl.Sequential(*layers).build(100), names=["normal:0.01", "xavier"])
    assert [axis.get_title() for axis in chart.axes] == ["1 Tanh", "3 Tanh", "5 Tanh"] * 2
    spread = [float(axis.get_xlabel().split("±")[1]) for axis in chart.axes]
    assert spread[2] < 0.01 * spread[0]  # the naive start dies away
    assert spread[5] > 0.4 * spread[3]
