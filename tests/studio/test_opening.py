"""A studio that begins with a run's folder: its network as it was left, on its data."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import backlit as bl
from backlit.cli.main import app
from backlit.errors import InputError
from backlit.graph import tree
from backlit.studio.answers import answer
from backlit.studio.opening import beginning, first_of
from backlit.studio.sharing import link_of, python
from backlit.studio.state import State


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a file and the run on it are."""
    folder = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(0)
    rows = "".join(f"{a:.3f},{b:.3f},{'yes' if a > b else 'no'}\n" for a, b in rng.normal(size=(60, 2)))
    (folder / "a.csv").write_text("a,b,bought\n" + rows)
    words = [
        "train",
        str(folder / "a.csv"),
        "--target",
        "bought",
        "--epochs",
        "2",
        "--network",
        "mlp:4",
        "--ensemble",
        "1",
    ]
    result = CliRunner().invoke(app, [*words, "--engine", "numpy", "--out", str(folder / "run"), "-q", "--no-report"])
    assert result.exit_code == 0, result.output
    return folder


def test_a_run_of_a_table_opens_with_its_weights_and_its_data(folder: Path) -> None:
    run = bl.load(folder / "run")
    session = beginning(folder / "run", None)()
    timeline = session.first.timeline
    assert timeline.network.architecture == run.network.architecture
    for one, other in zip(tree.leaves(timeline.network.params), tree.leaves(run.network.params), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (timeline.rows.columns, timeline.rows.classes) == (["a", "b"], ["no", "yes"])
    assert timeline.rows.x.shape == (60, 2)
    told = answer(session, {"type": "step", "updates": 2})[0].message
    assert told["at"]["update"] == 2
    assert str(folder) not in python(timeline)  # no path of this machine


def test_a_run_that_the_studio_cannot_show_is_told(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
    bl.fit(bl.Linear(1), x, x[:, 0], epochs=1, engine="numpy", progress=False).save(tmp_path / "run")
    with pytest.raises(InputError, match="doesn't tell which data it was trained on; the studio opens runs of backlit"):
        beginning(tmp_path / "run", None)
    wide = bl.Sequential(bl.Linear(120_000), bl.Linear(1))
    bl.fit(wide, x, x[:, 0], epochs=1, engine="numpy", progress=False).save(tmp_path / "wide")
    with pytest.raises(
        InputError, match=r"600,001 weights are too many for the studio, which takes 500,000. `backlit show"
    ):
        beginning(tmp_path / "wide", None)
    two = bl.Wired({"a": bl.Linear(1), "b": bl.Linear(1)}, (("input", "a"), ("input", "b")), outputs=("a", "b"))
    outcomes = {"a": x[:, 0], "b": x[:, 1]}
    bl.fit(two, x, outcomes, epochs=1, engine="numpy", progress=False).save(tmp_path / "two")
    with pytest.raises(InputError, match=r"has several inputs or outputs \(a, b\); .* bl.draw\(run.network\) show"):
        beginning(tmp_path / "two", None)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a text and a network that has learned it are."""
    folder = tmp_path_factory.mktemp("texts")
    (folder / "cats.txt").write_text("the cat sat on the mat. " * 20)
    words = ["train", str(folder / "cats.txt"), "--epochs", "1", "--network", "lstm:6", "--engine", "numpy"]
    result = CliRunner().invoke(app, [*words, "--out", str(folder / "run"), "-q", "--no-report"])
    assert result.exit_code == 0, result.output
    return folder


def test_a_run_of_a_text_opens_and_says_the_same_of_each_letter(reader: Path) -> None:
    run = bl.load(reader / "run")
    session = beginning(reader / "run", None)()
    timeline = session.first.timeline
    reading, tokenizer = timeline.rows.reading, run.targets.tokenizer
    assert reading.text == "the cat sat on the mat. " * 20
    assert reading.letters[4:] == tokenizer.tokens
    assert timeline.rows.x.shape[1:] == (run.targets.steps, len(tokenizer.tokens) + 4)
    numbers = np.asarray(tokenizer.encode_all([reading.window(0)[:-1]], reading.steps)[0])
    theirs = np.asarray(run.network(numbers))[0]
    np.testing.assert_allclose(np.asarray(timeline.network(timeline.rows.x[:1]))[0], theirs, rtol=1e-5, atol=1e-6)
    session.panels = ("text", "reading")
    frame = session.frame()
    assert frame.message["reading"]["layers"][0]["kind"] == "LSTM"
    assert frame.message["text"]["now"].startswith("t")
    assert answer(session, {"type": "step", "updates": 1})[0].message["at"]["update"] == 1
    assert str(reader) not in python(timeline)
    assert "rows.encoding" in python(timeline)


def test_a_text_that_the_studio_cannot_show_letter_by_letter_is_told(reader: Path, tmp_path: Path) -> None:
    words = ["train", str(reader / "cats.txt"), "--epochs", "1", "--engine", "numpy", "-q", "--no-report"]
    for more, said in (
        (["--tokens", "words", "--network", "lstm:6"], "the studio shows texts by characters"),
        (["--network", "transformer:1x8"], "read by recurrent layers, letter by letter"),
    ):
        out = tmp_path / more[-1].partition(":")[0]
        result = CliRunner().invoke(app, [*words, *more, "--out", str(out)])
        assert result.exit_code == 0, result.output
        with pytest.raises(InputError, match=said):
            beginning(out, None)


@pytest.fixture(scope="module")
def plain() -> tuple[Any, np.ndarray]:
    """A run that wasn't saved, and its inputs."""
    x = np.random.default_rng(0).normal(size=(30, 3)).astype("float32")
    return bl.fit(bl.Linear(2), x, x[:, 0] > 0, epochs=1, engine="numpy", progress=False), x


def made_by(code: str, **names: Any) -> dict[str, Any]:
    """What the program of the Code tab has made of its data, before it trains."""
    lines = code.splitlines()
    last = next(i for i, line in enumerate(lines) if line.startswith("x, y"))
    exec("\n".join(lines[: last + 1]), names)  # noqa: S102
    return names


def test_a_run_that_was_not_saved_opens_with_the_data_that_it_holds(plain: tuple[Any, np.ndarray]) -> None:
    run, x = plain
    timeline = beginning(run, None)().first.timeline
    np.testing.assert_array_equal(timeline.rows.x, x)
    assert timeline.rows.columns == ["x1", "x2", "x3"]
    np.testing.assert_array_equal(made_by(python(timeline), run=run)["x"], x)


def test_with_data_that_is_given_it_and_its_program_have_that(plain: tuple[Any, np.ndarray], tmp_path: Path) -> None:
    run, x = plain
    given = x[:9], x[:9, 0] > 0
    for opens in (run, run.save(tmp_path / "run") and tmp_path / "run"):
        timeline = beginning(opens, None, data=given)().first.timeline
        np.testing.assert_array_equal(timeline.rows.x, x[:9])
    names = made_by(python(beginning(run, None, data=given)().first.timeline), run=run, x=given[0], y=given[1])
    np.testing.assert_array_equal(names["x"], x[:9])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ((np.ones((9, 3)), None), "give both x and y, or neither"),
        ((None, np.ones(9)), "give both x and y, or neither"),
        ((np.ones((9, 3)), np.ones(8)), "x and y must have as many rows, got 9 and 8"),
        ((np.ones((9, 3)), 1), "x and y must have as many rows, got 9 and 1"),
    ],
)
def test_data_that_is_not_whole_is_told(plain: tuple[Any, np.ndarray], data: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        beginning(plain[0], None, data=data)


def test_a_run_on_a_stream_asks_for_rows(plain: tuple[Any, np.ndarray]) -> None:
    x = plain[1]
    run = bl.fit(bl.Linear(1), lambda: iter([(x, x[:, 0])]), epochs=1, engine="numpy", progress=False)
    with pytest.raises(
        InputError, match=r"was trained on a stream, of which it holds no rows; .* bl.Studio\(run, x, y"
    ):
        beginning(run, None)
    assert len(beginning(run, None, data=(x, x[:, 0]))().first.timeline.rows.x) == 30


def test_a_run_of_a_table_that_was_not_saved_has_its_columns_names() -> None:
    frame = {"width": np.linspace(0, 1, 40), "kind": ["a", "b"] * 20, "price": np.linspace(1, 2, 40)}
    run = bl.fit_table(frame, "price", network="mlp:3", epochs=1, engine="numpy", progress=False)
    assert beginning(run, None)().first.timeline.rows.columns == ["width", "kind=b"]


def test_a_text_that_was_not_saved_opens_with_what_it_has_learned_or_what_is_given() -> None:
    text = "the cat sat on the mat. " * 20
    run = bl.fit_text(text, network="lstm:6", window=8, epochs=1, engine="numpy", progress=False)
    held = beginning(run, None)().first.timeline
    learned = held.rows.reading.text
    part = len(learned) // run.network.architecture.layers[1].stateful
    assert part % 8 == 0
    assert all(learned[i : i + part] in text for i in range(0, len(learned), part))  # each place that is read
    assert len(learned) > 0.7 * len(text)
    given = beginning(run, None, data=(text, None))().first.timeline
    assert given.rows.reading.text == text
    names = made_by(python(given), run=run, x=text)
    np.testing.assert_array_equal(names["x"], given.rows.x)
    for data, said in (((text, [1]), "takes the text alone"), (([text], None), "expected the text, or a pathlib.Path")):
        with pytest.raises(InputError, match=said):
            beginning(run, None, data=data)


ROWS = np.random.default_rng(1)
PIXELS = ROWS.integers(0, 256, (24, 6, 6, 3)).astype(np.uint8)
STEPS = ROWS.normal(size=(24, 5, 2)).astype("float32")
TOKENS = ROWS.integers(1, 9, (24, 5))
HALF, NUMBERS = np.arange(24) % 2, ROWS.normal(size=(24, 2))
OF_PICTURES = bl.Sequential(
    bl.Rescale(127.5, 127.5), bl.Conv2d(3, 3), bl.BatchNorm(), bl.ReLU(), bl.Flatten(), bl.Linear(2)
)
RESIDUAL = bl.Sequential(bl.Linear(4), bl.Residual(bl.Sequential(bl.Linear(4), bl.Tanh())), bl.Linear(2))
OF_TOKENS = bl.Sequential(bl.Embedding(9, 3), bl.LSTM(3), bl.Linear(2))
ATTENTION = bl.Sequential(bl.TransformerBlock(2, heads=1), bl.Flatten(), bl.Linear(2))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "x", "y", "options"),
    [
        pytest.param(OF_PICTURES, PIXELS, HALF, {}, id="pictures"),
        pytest.param(OF_PICTURES.layers[1:], PIXELS / np.float32(255), HALF, {}, id="numbers as pictures"),
        pytest.param(RESIDUAL, STEPS[:, 0], HALF, {}, id="residual"),
        pytest.param([bl.LSTM(3), bl.Linear(2)], STEPS, HALF, {}, id="sequences"),
        pytest.param(ATTENTION, STEPS, HALF, {}, id="transformer"),
        pytest.param(bl.Residual(bl.Linear(2)), STEPS[:, 0], HALF, {}, id="one layer"),
        pytest.param(OF_TOKENS, TOKENS, HALF, {}, id="tokens"),
        pytest.param([bl.Linear(3), bl.Tanh(), bl.Linear(2)], STEPS[:, 0], NUMBERS, {}, id="several numbers"),
        pytest.param(
            bl.Linear(2), STEPS[:, 0], NUMBERS > 0, {"loss": "multi_label_cross_entropy"}, id="several labels"
        ),
        pytest.param(RESIDUAL, STEPS[:, 0], HALF, {"ensemble": 2}, id="ensemble"),
        pytest.param(
            bl.Sequential(bl.BatchNorm(), bl.Linear(2)), STEPS[:, 0], HALF, {"ensemble": 2}, id="with a state"
        ),
    ],
)
def test_each_kind_of_run_opens_with_what_its_network_gives_and_trains_on(
    network: Any, x: np.ndarray, y: np.ndarray, options: dict[str, Any]
) -> None:
    network = bl.Sequential(*network) if isinstance(network, (list, tuple)) else network
    run = bl.fit(network, x, y, epochs=2, engine="numpy", progress=False, **options)
    session = beginning(run, None)()
    timeline, member = session.first.timeline, first_of(run.network)
    theirs = np.asarray(run.inputs(x), None if member.takes_integers else "float32")
    mine = np.asarray(timeline.network(timeline.job.examples.inputs))
    np.testing.assert_array_equal(mine, np.asarray(member(theirs)))
    assert (timeline.rows.picture is not None) == (x.ndim == 4)
    if timeline.rows.picture:
        np.testing.assert_array_equal(timeline.rows.pixels(slice(3)), PIXELS[:3])
        assert answer(session, {"type": "picture", "row": 0})[0].arrays["pixels"].max() <= 1
    session.panels = ("boundary", "units", "weights", "curves", "histograms", "flow", "doctor")
    frame = session.frame()
    assert frame.message["loss"] is not None
    assert sum(name.startswith("param/") for name in frame.arrays) == len(tree.leaves(timeline.network.params))
    row = [float(each) for each in np.ravel(timeline.rows.x[0])]
    drawn = {"type": "draw", "depth": "layers", "language": "ko"}
    for asked in ({"type": "hello", "version": 1}, drawn, {"type": "doctor"}, {"type": "pull", "inputs": row}):
        assert answer(session, asked)[0].message["type"] != "error", asked
    assert answer(session, {"type": "step", "updates": 3})[0].message["at"]["update"] == 3
    names: dict[str, Any] = {"run": run}
    exec(python(timeline), names)  # noqa: S102
    for mine, theirs in zip(tree.leaves(timeline.network.params), tree.leaves(names["network"].params), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_another_network_is_tried_on_a_runs_rows_and_the_runs_own_is_had_back(plain: tuple[Any, np.ndarray]) -> None:
    session = beginning(plain[0], None)()
    assert session.state.network.of_run
    before = python(session.first.timeline)
    told = answer(session, {"type": "configure", "state": {"network": {"word": "mlp:4"}}})[0].message
    assert [each["units"] for each in told["layers"]] == [3, 4, 2]
    answer(session, {"type": "configure", "state": {"network": {"of_run": True}}})
    assert python(session.first.timeline) == before
    other = {"data": {"name": "moons"}, "network": {"of_run": True}}
    assert "is no run's" in answer(session, {"type": "configure", "state": other})[0].message["what"]["en"]


def test_runs_of_series_and_folders_of_pictures_open(tmp_path: Path) -> None:
    days = np.arange("2020-01-01", "2020-04-30", dtype="datetime64[D]")
    lines = "".join(f"{day},{3 * np.sin(i / 7 * 2 * np.pi):.3f}\n" for i, day in enumerate(days))
    (tmp_path / "sales.csv").write_text("date,sales\n" + lines)
    for name in ("bright", "dark"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for i in range(8):
            pixels = ROWS.integers(0, 100, (8, 8, 3)) + (120 if name == "bright" else 0)
            Image.fromarray(pixels.astype("uint8")).save(tmp_path / "pictures" / name / f"{i}.png")
    quick = ["--epochs", "1", "--engine", "numpy", "--ensemble", "1", "-q", "--no-report"]
    series = ["train", str(tmp_path / "sales.csv"), "--target", "sales", "--time", "date", "--horizon", "2"]
    pictures = ["train", str(tmp_path / "pictures"), "--network", "conv:4,3 relu flatten"]
    for words, task in ((series, "regression"), (pictures, "classification")):
        out = tmp_path / task
        result = CliRunner().invoke(app, [*words, *quick, "--out", str(out)])
        assert result.exit_code == 0, result.output
        session = beginning(out, None)()
        assert session.first.timeline.rows.task == task
        assert session.frame().message["loss"] is not None
    (tmp_path / "sales.csv").unlink()
    with pytest.raises(InputError, match=r"sales\.csv, which isn't there any more: put it back"):
        beginning(tmp_path / "regression", None)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"name": "file", "file": "file1", "target": "a"}, "the state is of a file that was dropped, which it doesn't"),
        ({"name": "points", "points": [[0, 0, 0]]}, "points"),
    ],
)
def test_a_state_that_no_session_can_be_made_of_is_told_before_the_server_starts(
    data: dict[str, object], text: str
) -> None:
    link = link_of(State.from_dict({"data": data}))
    with pytest.raises(InputError, match=text):
        beginning(None, link)
    result = CliRunner().invoke(app, ["studio", "--no-browser", "--state", link])
    assert result.exit_code == 2
    assert text in " ".join(result.output.split())
