"""Successive halving: candidates train as they would alone, in one program, and the better ones go on."""

import math
import pickle
import time
from concurrent.futures import BrokenExecutor, Future

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError, ProcessError
from backlit.train.recipe import Recipe
from backlit.train.search import Crew, Groups, Monitor, Rung, Search, Trial, halve, rungs
from backlit.train.search.crew import advanced, light
from backlit.train.training import Training

X = np.random.default_rng(0).normal(size=(90, 3))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
MONITOR = Monitor()


def recipe(rate, decay=0.01, share=0.2, seed=0, width=8, **options):
    network = bl.Sequential(bl.Linear(width), bl.Tanh(), bl.Dropout(share), bl.Linear(2))
    given = {"epochs": 9, "batch_size": 16, "dtype": "float64", "metrics": [], "probes": None, "validation": 0.2}
    training = Training(
        optimizer=bl.AdamW(bl.OneCycle(rate, steps=45), weight_decay=decay), seed=seed, **given | options
    )
    whole = Recipe(network, X, Y, training.replace(seed=0)).with_validation()
    return whole.replace(seed=seed)


def trials(*recipes):
    return [Trial(number, {}, each) for number, each in enumerate(recipes, start=1)]


def test_rungs():
    assert rungs(64, 80) == [Rung(64, 9), Rung(22, 27), Rung(8, 80)]
    assert rungs(64, 81, least=3) == [Rung(64, 3), Rung(22, 9), Rung(8, 27), Rung(3, 81)]
    assert rungs(9, 9) == [Rung(9, 1), Rung(3, 3), Rung(1, 9)]
    assert rungs(2, 80) == [Rung(2, 80)]
    assert rungs(100, 2) == [Rung(100, 1), Rung(34, 2)]
    assert rungs(5, 1) == [Rung(5, 1)]
    assert rungs(16, 16, factor=4) == [Rung(16, 4), Rung(4, 16)]
    assert rungs(27, 27, least=9) == [Rung(27, 9), Rung(9, 27)]
    with pytest.raises(InputError, match="factor must be a whole number of at least 2, got 1"):
        rungs(9, 9, factor=1)


@pytest.mark.slow
@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("members", [1, 2])
def test_each_trains_as_it_does_alone(width, members):
    """Rates, decays, dropout and seeds are arrays over the members of one program, which is compiled once."""
    own = [
        recipe(0.1, ensemble=members),
        recipe(0.01, 0.3, 0.5, ensemble=members),
        recipe(0.03, seed=5, ensemble=members),
    ]
    if members > 1:  # with_validation gives folds for each member
        assert len(own[0].training.validation.rows) == members
    groups = Groups(MONITOR, width)
    done = [trial for block in Crew(groups).train(trials(*own), 9) for trial in block]
    (group,) = groups.groups.values()
    assert group.program.train.traces == 1
    assert group.program.members == width * members
    assert sorted(trial.number for trial in done) == [1, 2, 3]
    for trial in done:
        alone = own[trial.number - 1].fit(progress=False)
        for ours, theirs in zip(trial.history, alone.history, strict=True):
            assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-10)
            assert ours["val_loss"] == pytest.approx(theirs["val_loss"], rel=1e-10)


def test_other_shapes_have_a_program_each():
    groups = Groups(MONITOR)
    list(Crew(groups).train(trials(recipe(0.1), recipe(0.1, width=4), recipe(0.2), recipe(0.3, width=4)), 2))
    assert [group.program.train.traces for group in groups.groups.values()] == [1, 1]


def test_going_on_gives_the_same_bits():
    (trial,) = trials(recipe(0.1))
    groups = Groups(MONITOR)
    at_once, first = (groups.advance([trial], until)[0] for until in (9, 4))
    assert (first.epoch, first.since) == (4, 4)
    assert groups.advance([first], 9)[0].history == at_once.history
    assert groups.advance([first.begun()], 9)[0].history == at_once.history  # its state is made again
    assert Groups(MONITOR).advance([first], 9)[0].history == at_once.history


def test_the_better_third_goes_on_and_nothing_is_trained_twice():
    rates = [10.0**-k for k in range(9)]
    search = Search({t.number: t for t in trials(*map(recipe, rates))}, rungs(9, 9), MONITOR)
    told = []
    halve(search, Crew(Groups(MONITOR), threads=2), lambda search, block: told.append([t.number for t in block]))
    assert sorted(trial.epoch for trial in search.trials.values()) == [1] * 6 + [3] * 2 + [9]
    after = {n: t.history[0]["val_loss"] for n, t in search.trials.items()}
    assert {t.number for t in search.climbers(1)} == set(sorted(after, key=after.get)[:3])
    second = {t.number: min(r["val_loss"] for r in t.history[:3]) for t in search.climbers(1)}
    best = search.best()
    assert best.number == min(second, key=second.get)
    assert best.epoch == 9
    assert [numbers for numbers in told if not numbers] == [[]] * 3  # after each rung
    assert sum(len(numbers) for numbers in told) == 9 + 3 + 1
    alone = Search({t.number: t for t in trials(*map(recipe, rates))}, rungs(9, 9), MONITOR)
    halve(alone, Crew(Groups(MONITOR)))
    assert [t.history for t in alone.ranked()] == [t.history for t in search.ranked()]


def test_who_diverged_loses():
    wild = recipe(0.1, dtype="float32").replace(optimizer=bl.SGD(3e38))
    search = Search({t.number: t for t in trials(wild, recipe(0.1))}, [Rung(2, 2), Rung(1, 4)], MONITOR)
    halve(search, Crew(Groups(MONITOR)))
    assert [(t.number, t.ended) for t in search.ranked()] == [(2, ""), (1, "diverged")]
    assert math.isinf(search.trials[1].cost(MONITOR))
    assert search.trials[2].epoch == 4


def test_all_diverged_leaves_nobody():
    search = Search({1: trials(recipe(0.1, dtype="float32").replace(optimizer=bl.SGD(3e38)))[0]}, [Rung(1, 4)], MONITOR)
    assert halve(search, Crew(Groups(MONITOR))).best() is None


def test_patience_ends_a_trial_whose_score_stands():
    stubborn = recipe(3.0, early_stopping=bl.EarlyStopping(2), epochs=30)
    (trial,) = Groups(MONITOR).advance(trials(stubborn), 30)
    assert trial.ended == "early stopping"
    assert trial.epoch - trial.best_epoch(MONITOR) == 2
    assert trial.state is None
    alone = stubborn.fit(progress=False)
    assert (len(alone.history), alone.best_epoch) == (trial.epoch, trial.best_epoch(MONITOR))


def test_an_interrupted_search_goes_on_where_it_was():
    made = lambda: Search({t.number: t for t in trials(*map(recipe, (1.0, 0.1, 0.01)))}, rungs(3, 9), MONITOR)
    whole = halve(made(), Crew(Groups(MONITOR)))
    search, count = made(), 0

    def asked():
        nonlocal count
        count += 1
        return count > 3

    halve(search, Crew(Groups(MONITOR)), asked=asked)
    assert any(t.epoch < 3 for t in search.trials.values())
    halve(search, Crew(Groups(MONITOR)))
    assert {n: t.history for n, t in search.trials.items()} == {n: t.history for n, t in whole.trials.items()}


def test_metrics_rank_too():
    accurate = Monitor("val_accuracy", "max")
    (trial,) = Groups(accurate).advance(trials(recipe(0.1, metrics=["accuracy"])), 4)
    assert trial.cost(accurate) == -max(record["val_accuracy"] for record in trial.history)
    assert accurate.value(trial.cost(accurate)) == max(record["val_accuracy"] for record in trial.history)


def test_members_with_the_same_seeds_are_pairs():
    """Two changes of one recipe, compared over three seeds each: the same starts and shuffles for both."""
    base = recipe(0.1, ensemble=3)
    groups = Groups(MONITOR)
    one, other = trials(base, base.replace(penalty=bl.L2(1e-12)))
    states = [groups.advance([trial], 1)[0].state for trial in (one, other)]
    assert {len(leaf) for leaf in states[0]} == {3}
    for a, b in zip(*states, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)
    weights = max(states[0], key=np.size)
    assert not np.allclose(weights[0], weights[1], atol=1e-3)


class Here:
    """Workers that are this process: what is sent is pickled, and counted."""

    slots, stopped, seconds = 2, False, ()

    def asked(self):
        return self.stopped

    def share(self, value):
        return value

    def stop(self):
        self.stopped = True

    def submit(self, function, *args):
        self.seconds += (args[3],)
        future = Future()
        sent = pickle.loads(pickle.dumps(args[1]))  # noqa: S301
        future.set_result(function(args[0], sent, *args[2:4], self.asked))
        return future


def test_workers_keep_to_the_time_that_is_left():
    own, long = trials(*map(recipe, (1.0, 0.1, 0.01))), 4000
    place = Here()
    crew = Crew(Groups(MONITOR), place=place, key="late", deadline=time.monotonic() - 1)
    done = [trial for block in crew.train(own, long) for trial in block]
    assert all(0 < trial.epoch < long / 4 for trial in done)  # a start, by which they can be ranked
    assert max(place.seconds) < 0


def test_workers_end_when_asked():
    own, place = trials(*map(recipe, (1.0, 0.1, 0.01))), Here()
    crew, done = Crew(Groups(MONITOR, width=1), place=place, key="asked"), []
    for block in crew.train(own, 3, done.__len__):  # after the first block
        done += block
    assert place.stopped
    assert len(done) < 3
    common = place.share(crew._common)
    (trial,) = advanced(common, [light(own[0])], 4000, None, place.asked)
    assert 0 < trial.epoch < 1000


def test_weights_of_rows_are_not_sent_with_each_trial():
    weights = np.linspace(0, 1, len(X))
    (trial,) = trials(recipe(0.1, sample_weight=weights))
    assert light(trial).recipe.training.sample_weight is None
    crew = Crew(Groups(MONITOR), place=Here(), key="weights")
    (there,) = (trial for block in crew.train([trial], 3) for trial in block)
    (here,) = (trial for block in Crew(Groups(MONITOR)).train([trial], 3) for trial in block)
    assert there.history == here.history


@pytest.mark.parametrize("asked", [False, True])
def test_a_worker_that_was_killed_is_told(asked):
    class Killed(Here):
        def submit(self, function, *args):
            future = Future()
            future.set_exception(BrokenExecutor("A process in the process pool was terminated abruptly"))
            return future

    answers = iter([False, False])  # as it is sent, and waited for
    crew = Crew(Groups(MONITOR), place=Killed(), key="killed")
    train = lambda: list(crew.train(trials(recipe(0.1)), 3, lambda: asked and next(answers, True)))
    if asked:  # by Ctrl-C, say, before they could hear it
        assert train() == []
        return
    with pytest.raises(ProcessError, match=r"was killed, or there was too little memory.*go on with --resume") as error:
        train()
    assert "if __name__ == '__main__':" in str(error.value)


def test_ranking_looks_once_at_who_was_chosen(monkeypatch):
    search = Search({t.number: t for t in trials(*map(recipe, (0.1, 0.01)))}, rungs(2, 2), MONITOR)
    count, chosen = 0, Search._chosen

    def counted(self):
        nonlocal count
        count += 1
        return chosen(self)

    monkeypatch.setattr(Search, "_chosen", counted)
    search.ranked()
    assert count == 1
