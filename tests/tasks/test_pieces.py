"""Numbers of tables in pieces: a default of tables alone, an option, and a choice that a run's config repeats."""

import numpy as np
import polars as pl
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.tasks.options import Options
from backlit.tasks.plan import resolved
from backlit.tasks.table import PIECES, TableTask


@pytest.fixture(scope="module")
def waves() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    x, flag = rng.uniform(-1, 1, 600), rng.integers(0, 2, 600)
    city = np.array([f"town {code}" for code in rng.integers(0, 40, 600)])
    return pl.DataFrame({"x": x, "flag": flag, "city": city, "y": np.sin(9 * x) + flag})


def planned(frame, options=None, **given):
    task, options = TableTask(target="y", **given), options or Options()
    material = task.read(frame)
    rows = np.arange(len(material.y))
    plan = task.plan(material, rows, task.prepare(material, rows), options, members=5)
    return plan, resolved(plan, options)


def test_numbers_of_a_table_are_cut_at_their_quantiles(waves):
    plan, again = planned(waves)
    first, second = plan.network.layers[:2]
    assert (len(first.knots[0]), first.knots[1]) == (PIECES + 1, ())  # one that is 0 or 1 stays as it is
    assert len(first.knots) == 2  # codes of categories aren't numbers
    assert isinstance(second, bl.EmbedColumns)
    assert (again["pieces"], again["schedule"], again["optimizer"]) == (PIECES, "onecycle:0.1", plan.method)
    assert "onecycle:0.1" in plan.describe()


def test_what_was_chosen_makes_the_same_plan_again(waves):
    plan, again = planned(waves)
    pieces = again.pop("pieces")
    same, _ = planned(waves, Options(**again), pieces=pieces)
    assert (same.network, same.optimizer, same.schedule) == (plan.network, plan.optimizer, plan.schedule)
    assert (same.epochs, same.patience, same.batch_size) == (plan.epochs, plan.patience, plan.batch_size)


def test_a_network_of_ones_own_choice_gets_numbers_as_they_are_unless_asked(waves):
    kinds = [type(layer) for layer in planned(waves, Options(network="mlp:8"))[0].network.layers]
    assert bl.PiecewiseLinear not in kinds
    asked = planned(waves, Options(network="mlp:8"), pieces=4)[0].network
    assert asked.layers[0].pieces == (4, 0)
    own = planned(waves, Options(network=bl.Linear(1)), pieces=4)[0].network
    assert isinstance(own.layers[0], bl.PiecewiseLinear)
    assert bl.PiecewiseLinear not in [type(layer) for layer in planned(waves, pieces=0)[0].network.layers]


def test_an_optimizer_of_ones_own_keeps_its_rate(waves):
    assert planned(waves, Options(optimizer="sgd"))[0].schedule is None
    assert planned(waves, Options(schedule="cosine"))[0].schedule == "cosine"
    steady = planned(waves, Options(epochs=9))[0]  # which may be gone on from with more
    assert (steady.schedule, steady.rate) == (None, 0.002)


def test_pieces_that_make_no_sense_are_refused(waves):
    with pytest.raises(InputError, match="pieces must be"):
        TableTask(target="y", pieces=-1)
    with pytest.raises(InputError, match="pieces"):
        bl.fit("iris", pieces=4)
    parameters = bl.Linear(1).build((3,))
    with pytest.raises(InputError, match="this network has parameters already"):
        planned(waves.drop("city"), Options(network=parameters), pieces=4)


def test_pieces_learn_what_a_line_cannot(waves):
    options = {
        "target": "y",
        "network": "linear",
        "epochs": 60,
        "learning_rate": 0.05,
        "ensemble": 1,
        "columns": {"city": "drop"},
    }
    bent, straight = (bl.fit(waves, pieces=pieces, engine="numpy", **options) for pieces in (16, 0))
    assert bent.judgement["scores"]["r2"] > 0.95 > 0.7 > straight.judgement["scores"]["r2"]
