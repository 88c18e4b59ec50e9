"""Runs among processes and threads: pickled, copied, forked, several at once."""

import asyncio
import copy
import multiprocessing
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.train.result import Result
from tests.train.common import blobs, mlp, weights


def pickled(thing):
    """What comes back of a pickle."""
    return pickle.loads(pickle.dumps(thing))  # noqa: S301 (our own)


X, Y = blobs(rows=60)


def trained(seed=0, engine="numpy"):
    return bl.fit(mlp(), X, Y, epochs=2, seed=seed, engine=engine, validation=0.2)


@pytest.fixture(scope="module")
def run():
    return trained()


@pytest.mark.parametrize("again", [pickled, copy.copy, copy.deepcopy])
def test_a_fresh_run_can_be_copied(again):
    run = trained()
    same = again(run)
    assert (same.predict_proba(X) == run.predict_proba(X)).all()
    assert type(same) is type(run)
    assert (same.history, same.probes, same.start) == (run.history, run.probes, run.start)
    assert same == run
    assert hash(same) == hash(run)


def test_a_pickle_leaves_the_data_and_a_copy_keeps_it(run):
    assert pickled(run).recipe is None
    assert copy.deepcopy(run).recipe is run.recipe


@pytest.mark.parametrize("part", ["network", "history", "probes", "targets", "loss", "optimizer"])
def test_its_parts_can_be_pickled(run, part):
    assert type(pickled(getattr(run, part))) is type(getattr(run, part))


def test_what_a_pickle_holds_is_found_by_names_of_backlit_alone(run):
    assert isinstance(run, Result)
    assert b"__main__" not in pickle.dumps(run)


def test_another_process_predicts_the_same(run):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert (pool.apply(run.predict_proba, (X,)) == run.predict_proba(X)).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::DeprecationWarning")
def test_a_forked_child_is_told_and_numpy_works_there():
    trained(engine="xla")
    child = os.fork()
    if not child:
        status = 1
        try:
            trained(engine="numpy").predict(X)
            try:
                trained(engine="xla")
            except InputError as error:
                status = 0 if "forked" in str(error) and "spawn" in str(error) else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_trainings_and_predictions_at_once_are_those_one_after_another(run):
    alone = [trained(seed, "xla") for seed in (1, 2)]
    with ThreadPoolExecutor(10) as pool:
        fits = [pool.submit(trained, seed, "xla") for seed in (1, 2)]
        predicted = [pool.submit(run.predict_proba, X) for _ in range(8)]
        assert all((each.result() == run.predict_proba(X)).all() for each in predicted)
        assert all((weights(fit.result()) == weights(one)).all() for fit, one in zip(fits, alone, strict=True))


def test_asyncio_goes_on_while_a_run_predicts(run):
    async def several():
        return await asyncio.gather(*[asyncio.to_thread(run.predict_proba, X) for _ in range(3)])

    with ThreadPoolExecutor(1) as thread:  # this one may have a loop already, of a browser that tests share
        found = thread.submit(asyncio.run, several()).result()
    assert all((each == run.predict_proba(X)).all() for each in found)


@pytest.mark.parametrize("use", [lambda run: run.evaluate(X, Y), lambda run: run.predict(X)])
def test_weights_that_are_no_numbers_are_refused(use):
    run = trained()
    run.network.params["0"]["weight"][0] = np.nan
    with pytest.raises(InputError, match="parameter 0/weight holds NaN or infinite numbers; restore the run"):
        use(run)
