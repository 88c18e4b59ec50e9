"""The contest over what findings leave open: its budget, which of two is taken, seeds, noise, interruptions, texts."""

import contextlib
import dataclasses

import numpy as np
import pytest

import backlit as bl
from backlit.doctor.repair import bench as benches
from backlit.doctor.repair import contest as contests
from backlit.doctor.repair import search as searching
from backlit.doctor.repair.budget import TRAININGS, Budget
from backlit.doctor.repair.candidates import Candidate, Option, candidates
from backlit.doctor.repair.change import Change
from backlit.doctor.repair.compare import compare
from backlit.doctor.repair.contest import Contest
from backlit.doctor.repair.search import Search, chance_of_ratio, plain
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


def test_no_change_within_noise_is_kept(slow: bl.Run) -> None:
    guessing = bl.Linear(2, weight_init="zeros")  # costs what guessing does: of noise nothing better can be said
    run = fit(y=np.random.default_rng(5).permutation(Y), network=guessing)
    recipe = run.recipe.with_validation()
    search = Search(benches.Bench(recipe, 3, Budget.of(recipe)), recipe, run)
    search.repair(slow.diagnose(), 1, True)
    assert search.tried >= 10
    assert search.kept == []


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


def fake(slow: bl.Run, gains: list[float]) -> tuple[Search, list[int], Candidate]:
    """A search in which a change gains so much with each seed, about; and the seeds that it was compared with."""
    recipe = slow.recipe.with_validation()
    bench = benches.Bench(recipe, 3, Budget.of(recipe))
    bench.know(recipe, slow)
    search, asked = Search(bench, recipe, slow), []
    noise = np.random.default_rng(1).normal(size=(len(gains), 40))

    def pairs(change, criterion, seeds):
        asked.extend(seeds)
        rows = list(seeds)
        before = 1 + 0.1 * noise[rows]
        return before, before - np.array(gains)[rows, None] + 0.02 * noise[::-1][rows]

    search._pairs = pairs
    search._yardstick = lambda criterion: dataclasses.make_dataclass("Rows", ["group"])(np.zeros(40, int))
    search._note = lambda *_: None
    return search, asked, Candidate("a", Change("a change", recipe))


def test_the_seed_that_chose_a_change_does_not_confirm_it(slow: bl.Run) -> None:
    search, asked, one = fake(slow, [0.9, 0.0, 0.0, 0.01, -0.02, 0.0, 0.01])
    assert not search._keep_if_better(one)
    assert 0 not in asked
    search, asked, one = fake(slow, [0.0, 0.1, 0.12, 0.11, 0.1, 0.1, 0.1])
    assert search._keep_if_better(one)
    assert set(asked) == {1, 2, 3}


def test_it_looks_twice_and_both_looks_share_the_level(slow: bl.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    levels = []
    monkeypatch.setattr(searching, "plain", lambda *_: False)
    for chance, kept in ((0.03, False), (0.01, True)):
        told = dataclasses.replace(compare(np.ones((2, 3)), np.zeros((2, 3)), np.zeros(3, int)), chance=chance)
        monkeypatch.setattr(searching, "compare", lambda *_, told=told: told)
        monkeypatch.setattr(searching, "chance_of_ratio", lambda before, after: levels.append(len(before)) or 1.0)
        search, _, one = fake(slow, [1.0] * 7)
        assert search._keep_if_better(one) is kept


def test_a_mistake_is_kept_only_if_the_cost_does_not_rise(slow: bl.Run) -> None:
    search, asked, one = fake(slow, [-0.3, 0.1, -0.1])  # not clear harm, with seeds that differ so
    assert not search._keep_unless_worse("a", one.change)
    assert max(asked) == 2
    search, asked, one = fake(slow, [0.0, 0.01, 0.0])
    assert search._keep_unless_worse("a", one.change)
    assert max(asked) == 1


def test_a_run_that_early_stopping_ended_is_raced_over_as_many_epochs() -> None:
    run = fit(optimizer=bl.Adam(0.3), epochs=300, early_stopping=2)
    recipe, done = run.recipe.with_validation(), len(run.history)
    budget = Budget.of(recipe, run)
    assert done < 100
    assert (budget.unit, budget.share(recipe)) == (4 * done, 1.0)
    assert budget.share(recipe.replace(early_stopping=None)) == pytest.approx(300 / done)
    contest = Contest(benches.Bench(recipe, 3, budget), recipe, Rows())
    assert contest.epochs == done
    longer = recipe.replace(epochs=500)
    budget.took[longer] = 2 * done
    assert budget.share(longer) == 2.0


def test_pairs_are_built_as_far_as_they_are_wanted(slow: bl.Run) -> None:
    recipe, built = slow.recipe.with_validation(), []

    def option(name: str) -> Option:
        ways = [Change(f"{name}{i}", recipe) for i in range(3)]

        def make(other):
            built.append(name)
            return ways

        return Option(name, make, ways)

    options = [option(name) for name in "abcdef"]
    assert len(candidates(options, recipe, slow, False, False, 20)) == 20
    assert len(built) <= 2  # of 45
    assert len(candidates(options, recipe, slow, False, False)) == 18 + 15 * 9


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
