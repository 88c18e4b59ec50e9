"""The contest over what findings leave open: its budget, which of two is taken, seeds, noise, interruptions, texts."""

import contextlib
import dataclasses

import numpy as np
import pytest

import backlit as bl
from backlit.doctor.repair import bench as benches
from backlit.doctor.repair import contest as contests
from backlit.doctor.repair.budget import TRAININGS, Budget
from backlit.doctor.repair.candidates import Candidate
from backlit.doctor.repair.change import Change
from backlit.doctor.repair.compare import compare
from backlit.doctor.repair.contest import Contest
from backlit.doctor.repair.search import chance_of_ratio, plain
from backlit.doctor.trials import Outcome
from backlit.tasks.options import Options
from backlit.tasks.stream import StreamTask

RNG = np.random.default_rng(0)
X = RNG.normal(size=(160, 3)).astype("float32")
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
NET = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(2))


def fit(y=Y, x=X, network=NET, **options) -> bl.Run:
    given = {"validation": 0.25, "engine": "numpy", "epochs": 6, "optimizer": bl.SGD(1e-5)}
    return bl.fit(network, x, y, **(given | options))


@pytest.fixture(scope="module")
def slow() -> bl.Run:
    return fit()


@pytest.fixture(scope="module")
def repair(slow: bl.Run):
    return slow.fix()


def test_it_keeps_to_twenty_trainings_and_says_so(slow: bl.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    counted, real = [], benches.Bench.train

    def train(self, recipe):
        run = real(self, recipe)
        counted.append(4 * len(run.history))  # 120 rows, batches of 32
        return run

    monkeypatch.setattr(benches.Bench, "train", train)
    raced, told = [], contests.Trials.train

    def race(self, *args, **options):
        before = self.updates
        done = told(self, *args, **options)
        raced.append(self.updates - before)
        return done

    monkeypatch.setattr(contests.Trials, "train", race)
    repair = slow.fix()
    assert repair.kept
    assert repair.kept[0].finding == "learning rate too low"
    assert repair.updates == sum(counted) + sum(raced)
    assert repair.length == pytest.approx(repair.updates / (4 * 6))
    assert repair.length <= TRAININGS
    assert repair.candidates >= 10
    assert f"{repair.length:.1f} trainings of this run have (at most 20)" in str(repair)


def test_the_same_seed_mends_in_the_same_way(slow: bl.Run, repair) -> None:
    again = slow.fix()
    assert [own.to_dict() for own in again.changes] == [own.to_dict() for own in repair.changes]
    assert again.run.network == repair.run.network


def test_no_change_within_noise_is_kept() -> None:
    run = fit(y=RNG.permutation(Y), optimizer=bl.Adam(0.01), epochs=4)
    found = run.fix()
    for own in found.kept:
        assert own.before - own.after > own.error
    assert found.length <= TRAININGS


def test_nothing_is_judged_by_held_out_rows_that_are_broken(slow: bl.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from backlit.doctor.repair import search

    monkeypatch.setattr(search, "UNTRUSTED", frozenset({"learning rate too low"}))
    repair = slow.fix()
    assert (repair.run, repair.changes, repair.trainings) == (slow, (), 0)
    assert [own.name for own in repair.decide] == ["learning rate too low"]


@dataclasses.dataclass
class Rows:
    """A yardstick by which an outcome's answers are its costs."""

    criterion: str = "loss"

    def rows(self, validation):
        return validation


def ordered(costs: dict[int, np.ndarray], foreign: list[int], slow: bl.Run) -> list[int]:
    recipe = slow.recipe.with_validation()
    chosen = [Candidate("a", Change(str(i), recipe), count) for i, count in enumerate(foreign)]
    outcomes = {place: Outcome(recipe, 6, (), rows) for place, rows in costs.items()}
    contest = Contest(benches.Bench(recipe, 3, Budget.of(recipe)), recipe, Rows())
    return contest._ordered({place: float(rows.mean()) for place, rows in costs.items()}, outcomes, chosen)


def test_a_findings_own_remedy_is_not_displaced_by_what_is_level(slow: bl.Run) -> None:
    noise = RNG.normal(size=40)
    own, other = 1.0 + 0.3 * noise, 0.99 + 0.3 * RNG.normal(size=40) * 0.9
    other += 0.98 - other.mean()
    own += 1.0 - own.mean()
    assert ordered({1: own, 2: other}, [0, 1], slow) == [1, 2]
    assert ordered({1: own, 2: other}, [1, 0], slow) == [2, 1]
    assert ordered({1: own, 2: other - 0.5}, [0, 1], slow) == [2, 1]  # clearly better


def test_two_seeds_are_enough_where_a_gain_is_plain() -> None:
    before = 1 + 0.1 * RNG.normal(size=(2, 50))
    assert plain(before, before - 0.5 + 0.1 * RNG.normal(size=(2, 50)))
    assert not plain(before, before - 0.1 + 0.01 * RNG.normal(size=(2, 50)))  # certain, but small
    assert not plain(before, before - np.array([[0.5], [-0.1]]))  # not with each seed
    assert not plain(before, before - 0.5 + 5 * RNG.normal(size=(2, 50)))  # large, but uncertain


def test_costs_that_differ_from_seed_to_seed_are_compared_by_their_ratio() -> None:
    before = np.array([[0.3], [0.28], [0.8]]) * RNG.uniform(0.5, 1.5, size=(3, 60))
    after = np.array([[0.01], [0.03], [0.01]]) * RNG.uniform(0.5, 1.5, size=(3, 60))
    assert compare(before, after, np.zeros(60, int)).chance > 0.04
    assert chance_of_ratio(before, after) < 0.025
    assert chance_of_ratio(after, before) > 0.9
    assert chance_of_ratio(before, before) == 1.0
    taken = 0
    for _ in range(400):  # of changes that change nothing about one in twenty looks better, with so few seeds
        seed, row = RNG.normal(size=(2, 3, 1)), RNG.normal(size=(2, 1, 60))
        old, new = np.exp(0.5 * seed + 0.3 * row + 0.2 * RNG.normal(size=(2, 3, 60)))
        taken += chance_of_ratio(old, new) < 0.025
    assert taken / 400 < 0.07


def test_what_was_kept_stays_when_it_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    run = fit(network=bl.Sequential(*NET.layers, bl.Softmax()), optimizer=bl.Adam(0.01), epochs=12)

    @contextlib.contextmanager
    def pressed():
        yield lambda: True

    monkeypatch.setattr(contests, "held", pressed)  # Ctrl-C while candidates are trained side by side
    repair = run.fix()
    assert repair.interrupted
    assert [own.change for own in repair.kept] == ["without the last Softmax"]
    assert repair.run.network.architecture == NET
    monkeypatch.undo()
    calls, real = [], benches.Bench.train

    def train(self, recipe):
        calls.append(recipe)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, recipe)

    monkeypatch.setattr(benches.Bench, "train", train)
    repair = run.fix()
    assert repair.interrupted
    assert repair.run is run


def test_sequences() -> None:
    steps = np.random.default_rng(0).normal(size=(200, 6, 1)).astype("float32")
    run = fit(steps.sum(axis=(1, 2)), steps, bl.Sequential(bl.RNN(6), bl.Linear(1)), optimizer=bl.Adam(2.0), epochs=8)
    repair = run.fix()
    assert repair.kept
    assert repair.kept[0].after < 0.5 * repair.kept[0].before


def test_a_text_that_is_read_as_a_stream() -> None:
    words = [
        "the",
        "cat",
        "sat",
        "on",
        "a",
        "mat",
        "dog",
        "ran",
        "away",
        "to",
        "see",
        "big",
        "red",
        "bird",
        "and",
        "then",
        "slept",
    ]
    task = StreamTask()
    options = Options(epochs=2, network="lstm:8", engine="numpy", learning_rate=8.0, batch_size=3, dropout=0.0)
    run = bl.Run.of(task.train(task.read(" ".join(RNG.choice(words, 1200))), options))
    recipe = run.recipe.with_validation()
    from backlit.doctor.repair.compare import costs, validate

    read = costs(validate(run, recipe), "loss", run)
    assert read.shape == (len(recipe.training.validation[0]),)
    assert read.mean() == pytest.approx(run.history[-1]["val_loss"], rel=1e-5)  # as in training
    yardstick = contests.Yardstick.of(run, validate(run, recipe), "loss")
    bench = benches.Bench(recipe, 2, Budget.of(recipe))
    bench.know(recipe, run)
    from backlit.doctor.repair import settings

    slower = [Candidate("learning rate too high", own) for own in settings.slower(recipe, run)[:3]]
    best = Contest(bench, recipe, yardstick).best(slower, lengths=False)[0]
    after = costs(bench.trial(best.change.recipe, 0), "loss", run)
    assert after.mean() < 0.8 * read.mean()
