"""`tune`: from data to the winner's run, its table and its picture."""

import csv
import io
import json

import numpy as np
import polars as pl
import pytest

import backlit as bl
from backlit import interrupts
from backlit.errors import DivergedError, InputError, ShapeError, UnknownNameError
from backlit.train.search import Crew
from backlit.tuning.clusters import placed

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3)).astype("float32")
Y = (X[:, 0] > 0).astype(int)
CARS = pl.DataFrame({"weight": X[:, 0], "age": X[:, 1], "price": X[:, 0] * 2 + X[:, 1]})
SPACE = {"lr": (1e-4, 1e-1)}
QUICK = {
    "target": "price",
    "network": "mlp:4",
    "epochs": 9,
    "space": SPACE,
    "trials": 9,
    "ensemble": 2,
    "progress": False,
}


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned") / "run"
    return bl.tune(CARS, **QUICK, checkpoint=folder), folder


@pytest.mark.slow
def test_the_winner_is_a_run_like_any_other(tuned):
    tuning, folder = tuned
    again = bl.load(folder)
    np.testing.assert_array_equal(again.predict(CARS), tuning.run.predict(CARS))
    assert again.judgement["judged_on"] == "test"
    assert tuning.test == again.judgement["scores"]
    assert tuning.test["r2"] > 0.5
    assert "<html" in tuning.run.report()
    tuning.run.diagnose()
    rate = tuning.best["learning_rate"]
    plain = bl.fit(CARS, target="price", network="mlp:4", epochs=9, ensemble=2, learning_rate=rate)
    np.testing.assert_array_equal(plain.predict(CARS), tuning.run.predict(CARS))  # what fit gives with these settings


def test_the_table(tuned):
    tuning, folder = tuned
    assert [line["place"] for line in tuning.trials] == list(range(1, 10))
    assert [line["epochs"] for line in tuning.trials] == [9] + [3] * 2 + [1] * 6
    assert tuning.trials[0]["score"] == min(line["score"] for line in tuning.trials if line["epochs"] == 9)
    assert list(tuning.mattered) == ["learning_rate"]
    assert 0 <= tuning.mattered["learning_rate"] <= 1
    assert repr(tuning).startswith("Tuning(9 trials, best val_loss 0.")
    written = json.loads((folder / "search" / "trials.json").read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(tuning.to_dict()))
    lines = list(csv.DictReader(io.StringIO((folder / "search" / "trials.csv").read_text(encoding="utf-8"))))
    assert [float(line["learning_rate"]) for line in lines] == [t["settings"]["learning_rate"] for t in tuning.trials]
    assert (folder / "search" / "trials.png").read_bytes().startswith(b"\x89PNG")


def test_the_winner_is_best_on_rows_that_were_held_back(tuned):
    """The search's score of the winner is what training it anew measures on the same rows."""
    tuning, _ = tuned
    best = min(record["val_loss"] for record in tuning.run.history)
    assert tuning.trials[0]["score"] == pytest.approx(best, rel=1e-4)


@pytest.mark.slow
def test_arrays():
    tuning = bl.tune("mlp:8", X, Y, trials=3, epochs=6, space={"lr": [0.001, 0.1], "network": ["linear", "mlp:8"]},
                     progress=False)  # fmt: skip
    assert tuning.run.network.output_shape == (2,)
    assert len(tuning.run.settings["optimizer"]) > 0
    assert 0.5 < tuning.test["accuracy"] <= 1
    layers = bl.Sequential(bl.Linear(4), bl.Tanh(), bl.Linear(1))
    options = {"trials": 2, "epochs": 3, "progress": False, "space": {"lr": [0.01, 0.1]}}
    numbers = bl.tune(layers, X, X[:, 0], ensemble=1, validation=0.3, test=(X[:9], X[:9, 0]), **options)
    assert set(numbers.test) >= {"loss", "rmse"}
    assert numbers.run.network.architecture == layers
    assert not bl.tune(layers, X, X[:, 0], test=None, **options).test


@pytest.mark.slow
def test_what_is_planned_without_a_search_is_the_first_candidate():
    tuning = bl.tune(CARS, target="price", trials=2, epochs=2, ensemble=1, progress=False)
    first = next(line for line in tuning.trials if line["trial"] == 1)
    assert first["settings"]["network"] == "mlp:128,64"
    assert first["settings"]["pieces"] == 32


@pytest.mark.slow
def test_ranked_by_a_metric():
    flowers = pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "kind": np.where(Y, "x", "y")})
    tuning = bl.tune(flowers, **{**QUICK, "target": "kind", "trials": 2}, by="accuracy")
    assert tuning.score == "val_accuracy"
    scores = [line["score"] for line in tuning.trials]
    assert scores == sorted(scores, reverse=True)
    with pytest.raises(InputError, match=r"nothing called 'val_acuracy' is measured|unknown metric 'acuracy'"):
        bl.tune(flowers, **{**QUICK, "target": "kind"}, by="acuracy")


def test_seeds_are_settings_too():
    tuning = bl.tune(CARS, **{**QUICK, "space": {"seed": range(4)}, "trials": 4})
    assert sorted(line["settings"]["seed"] for line in tuning.trials) == [0, 1, 2, 3]
    assert len({line["score"] for line in tuning.trials}) == 4
    assert tuning.run.settings["seed"] == tuning.best["seed"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"trials": 0}, "trials must be"),
        ({"space": {"network": ["linear", "mlp:4"]}, "trials": 3}, "trials=3: there are only 2 different candidates"),
        ({"space": {}}, "there is nothing to try: name settings, --try lr=1e-4..1e-1"),
        ({"target": "prize"}, "'prize'"),
        ({"backend": "rai"}, "unknown backend 'rai'; did you mean 'ray'"),
        ({"address": "tcp://here", "workers": 2}, "address 'tcp://here' is a cluster's: say which"),
        ({"epoch": 3}, "unknown option of bl.tune 'epoch'; did you mean 'epochs'"),
        ({"resume": True}, "resume=True needs checkpoint=FOLDER"),
        ({"time_limit": 0}, "time_limit must be"),
        ({"space": {"network": ["mlp:4", "cmm:8"]}, "trials": 2}, "network cmm:8.*unknown network 'cmm'"),
        ({"optimizer": "least_squares"}, "least_squares computes the minimum: there is nothing to tune"),
        ({"space": {"momentum": (0.5, 0.9)}}, "try momentum: adamw has no such setting"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(options, says):
    given = {**QUICK, **options}
    if "optimizer" in options:
        del given["network"]
    with pytest.raises(InputError, match=says):
        bl.tune(CARS, **given)


def test_what_is_wrong_with_the_call():
    with pytest.raises(InputError, match=r"say which column of the table to predict: bl.tune"):
        bl.tune(CARS, trials=2)
    with pytest.raises(InputError, match=r"bl.tune takes network, x and y, or a table and its target; got 2 values"):
        bl.tune(bl.Linear(1), X)
    with pytest.raises(InputError, match=r"bl.tune takes a table and its target, or network, x and y; got 2 values"):
        bl.tune(CARS, CARS)
    with pytest.raises(InputError, match="network must be a word such as 'mlp:64,32', a layer or a network, got 5"):
        bl.tune(5, X, Y)
    with pytest.raises(InputError, match=r"test must be a share of the rows such as 0.15, a pair \(x, y\) or None"):
        bl.tune("linear", X, Y, test=2)
    with pytest.raises(InputError, match="try dropout: it is for a network that is named"):
        bl.tune(bl.Linear(2), X, Y, space={"dropout": (0.0, 0.5)}, trials=2)
    with pytest.raises(InputError, match="try augment: it is for tables and files"):
        bl.tune("linear", X, Y, space={"augment": ["mixup:0.2"]}, trials=1)
    with pytest.raises(InputError, match=r"y is one-hot: pass y.argmax"):
        bl.tune("linear", X, np.eye(2)[Y], trials=2)
    with pytest.raises(UnknownNameError, match=r"unknown option of bl.tune 'epoch'"):
        bl.tune("linear", X, Y, epoch=2)


def test_all_candidates_diverge():
    wild = {**QUICK, "optimizer": "sgd", "space": {"lr": [1e38, 2e38]}, "trials": 2}
    with pytest.raises(
        DivergedError, match="all 2 candidates diverged, to NaN or infinity; try lower learning rates than"
    ):
        bl.tune(CARS, **wild)


def test_a_folder_that_is_taken(tuned, tmp_path):
    _, folder = tuned
    with pytest.raises(InputError, match="already holds a search; resume it, overwrite it, or choose another folder"):
        bl.tune(CARS, **QUICK, checkpoint=folder)
    with pytest.raises(InputError, match=r"holds another search \(.*candidates.* differ\): use the same data"):
        bl.tune(CARS, **{**QUICK, "trials": 8}, checkpoint=folder, resume=True)
    with pytest.raises(InputError, match=r"holds another search \(data differ\)"):
        bl.tune(CARS.with_columns(age=pl.col("age") + 1), **QUICK, checkpoint=folder, resume=True)
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"it holds no run, and isn't empty: 'mine.txt'"):
        bl.tune(CARS, **QUICK, checkpoint=tmp_path)
    assert not (tmp_path / "search").exists()


def broken_after(monkeypatch, blocks):
    """Make the search fail after so many blocks, as a machine that loses its power does."""
    train = Crew.train

    def cut(self, *given):
        nonlocal blocks
        for block in train(self, *given):
            yield block
            blocks -= 1
            if not blocks:
                raise RuntimeError("the lights went out")

    monkeypatch.setattr(Crew, "train", cut)


@pytest.mark.parametrize("blocks", [4, 10])  # in the first rung, and in the second
def test_a_search_goes_on_bit_for_bit(tuned, tmp_path, monkeypatch, blocks):
    whole, _ = tuned
    with monkeypatch.context() as patch:
        broken_after(patch, blocks)
        with pytest.raises(RuntimeError, match="the lights went out"):
            bl.tune(CARS, **QUICK, checkpoint=tmp_path / "run")
    journal = tmp_path / "run" / "search" / "trials.jsonl"
    with journal.open("a", encoding="utf-8") as file:
        file.write('{"number": 3, "hist')  # torn in the middle of a line
    trained = []
    advance = Crew.train
    monkeypatch.setattr(Crew, "train", lambda self, t, *rest: trained.extend(t) or advance(self, t, *rest))
    again = bl.tune(CARS, **QUICK, checkpoint=tmp_path / "run", resume=True)
    assert again.to_dict() == whole.to_dict()
    np.testing.assert_array_equal(again.run.predict(CARS), whole.run.predict(CARS))
    assert len(trained) == 9 + 3 + 1 - blocks
    assert bl.tune(CARS, **QUICK, checkpoint=tmp_path / "run", resume=True).to_dict() == whole.to_dict()  # it was done


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"number": 99, "history": [], "ended": ""}', "there is no trial 99"),
        ('{"number": 1, "history": [{"epoch": 2}], "ended": ""}', "the epochs aren't one after another"),
        ('{"number": 1, "history": [{"epoch": 1}], "ended": "done"}', "or no such end"),
        ('{"number"', "line 1 is damaged"),
        ('{"number": "x", "history": [], "ended": ""}', "number"),
    ],
)
def test_a_damaged_journal_is_told(tuned, tmp_path, line, says):
    folder = tmp_path / "run" / "search"
    folder.mkdir(parents=True)
    source = tuned[1] / "search"
    (folder / "search.json").write_bytes((source / "search.json").read_bytes())
    (folder / "trials.jsonl").write_text(line + "\n{}\n", encoding="utf-8")
    with pytest.raises(InputError, match=says):
        bl.tune(CARS, **QUICK, checkpoint=tmp_path / "run", resume=True)


def test_ctrl_c_trains_the_best_so_far(monkeypatch, tmp_path):
    said = []
    train = Crew.train

    def pressed(self, *given):
        for number, block in enumerate(train(self, *given), start=1):
            yield block
            if number == 3:
                interrupts.signal.raise_signal(interrupts.signal.SIGINT)

    monkeypatch.setattr(Crew, "train", pressed)
    tuning = bl.tune(CARS, **QUICK, checkpoint=tmp_path / "run", say=said.append)
    assert tuning.ended == "interrupted"
    assert len(tuning.run.history) == 9
    assert any(line["epochs"] == 0 for line in tuning.trials)
    assert any(sentence.startswith("interrupted: the search ends here; trial ") for sentence in said)
    monkeypatch.undo()
    assert bl.tune(CARS, **QUICK, checkpoint=tmp_path / "run", resume=True).ended == ""


def test_time_is_up(monkeypatch):
    tuning = bl.tune(CARS, **QUICK, time_limit=1e-3)
    assert tuning.ended == "time limit"
    assert tuning.run.history


@pytest.mark.slow
def test_workers_find_the_same(tuned):
    whole, _ = tuned
    there = bl.tune(CARS, **QUICK, workers=2)
    assert there.to_dict() == whole.to_dict()


class Counted:
    """Arrives as a word; counts how often it was sent."""

    sent = 0

    def __reduce__(self):
        Counted.sent += 1
        return str, ("data",)


def test_processes_get_what_they_share_once_and_hear_when_to_end():
    with placed("here", workers=1) as place:
        shared = place.share(Counted())
        assert [place.submit(str.upper, shared).result() for _ in range(3)] == ["DATA"] * 3
        assert Counted.sent == 1
        assert not place.submit(place.asked).result()
        place.stop()
        assert place.submit(place.asked).result()


def test_weights_of_rows_stay_with_their_rows():
    """Rows of no weight don't count: the same is learned where they say something else."""
    options = {"space": {"lr": [0.1]}, "trials": 1, "epochs": 3, "ensemble": 1, "validation": 0.2, "progress": False}
    weights = np.where(X[:, 1] > 0, 1.0, 0.0)
    one, other = (
        bl.tune("linear", X, np.where(X[:, 1] > 0, X[:, 0], wrong).astype("float32"), sample_weight=given, **options)
        for wrong, given in ((0, weights), (7, weights.tolist()))
    )
    assert [record["loss"] for record in one.run.history] == [record["loss"] for record in other.run.history]
    with pytest.raises(ShapeError, match=r"sample_weight must have shape \(120,\), one a row, got \(7,\)"):
        bl.tune("linear", X, Y, sample_weight=np.ones(7), **options)
