"""Two processes train what one trains, to rounding; all cases in one pair of them, and in this process."""

import pickle

import numpy as np
import pytest

from backlit.graph import tree
from tests.distributed import jobs
from tests.distributed.pairs import ended, started

pytestmark = pytest.mark.slow
ALIKE = [name for name in jobs.JOBS if name not in (*jobs.CLOCKED, "failing_callback")]
TOLERANCE = 1e-12
BY_FOUR = ("dropout_and_batch_norm", "full_batch_of_odd_rows", "text", "early_stopping_and_schedule", "delayed")
AMPLIFIED = {"lbfgs": 1e-9}  # a search along a line decides by a difference of two losses


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What each of the pair made of the jobs, and this process alone."""
    out = tmp_path_factory.mktemp("jobs")
    running = started("-m", "tests.distributed.jobs", str(out))
    alone = jobs.done(ALIKE, out / "one")
    return alone, results(running, out), out


@pytest.fixture(scope="module")
def found_by_four(tmp_path_factory):
    """What each of four processes made of some of the jobs."""
    out = tmp_path_factory.mktemp("four")
    return results(started("-m", "tests.distributed.jobs", str(out), *BY_FOUR, processes=4), out)


def results(running, out):
    """What the processes made, once they have ended."""
    for status, _, errors in ended(running, 580):
        assert status == 0, errors
    return [
        pickle.loads((out / f"of_{i}.pickle").read_bytes())  # noqa: S301 - written by the processes
        for i in range(len(running))
    ]


def apart(one, other):
    """The greatest difference between two results, of numbers relative to the greatest of their array."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        return max((apart(one[key], other[key]) for key in one), default=0.0)
    if isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        return max((apart(a, b) for a, b in zip(one, other, strict=True)), default=0.0)
    a, b = np.asarray(one), np.asarray(other)
    assert a.shape == b.shape
    if a.dtype.kind != "f":
        assert (a == b).all(), (one, other)
        return 0.0
    return float(np.max(np.abs(a - b), initial=0.0) / max(np.max(np.abs(a), initial=0.0), 1e-3))


def without(result, *names):
    return {name: part for name, part in result.items() if name not in ("took", "called", "elsewhere", *names)}


@pytest.mark.parametrize("name", ALIKE)
def test_two_processes_train_what_one_does(found, name):
    alone, pair, _ = found
    for result in (alone[name], *(each[name] for each in pair)):
        assert "failed" not in result, result.get("failed")
    for each in pair:
        assert apart(without(alone[name]), without(each[name])) <= AMPLIFIED.get(name, TOLERANCE)


@pytest.mark.parametrize("name", BY_FOUR)
def test_four_processes_train_what_one_does(found, found_by_four, name):
    alone, _, _ = found
    assert len(found_by_four) == 4
    for each in found_by_four:
        assert "failed" not in each[name], each[name].get("failed")
        assert apart(without(alone[name]), without(each[name])) <= TOLERANCE


@pytest.mark.parametrize("name", [*ALIKE, *jobs.CLOCKED])
def test_both_processes_have_the_same_bits(found, name):
    _, (first, second), _ = found
    assert "failed" not in first[name], first[name].get("failed")
    assert apart(without(first[name]), without(second[name])) == 0.0


def test_the_cases_are_of_two_hundred_updates(found):
    assert all(look["step"] <= 200 for look in found[0]["dropout_and_batch_norm"]["probes"])
    assert len(found[0]["dropout_and_batch_norm"]["history"]) * 8 == 200


def test_callbacks_are_called_in_the_first_process(found):
    alone, (first, second), _ = found
    name = "plateau_and_callback"
    assert first[name]["called"] == alone[name]["called"] == [*range(1, len(alone[name]["history"]) + 1)]
    assert second[name]["called"] == "elsewhere"
    assert alone[name]["stopped"] == "callback"


def test_an_error_in_a_callback_ends_all(found):
    _, (first, second), _ = found
    assert first["failing_callback"]["error"] == "mine"
    assert second["failing_callback"]["elsewhere"] == "process 0 failed: ZeroDivisionError: mine"


def test_a_folder_that_isnt_a_runs_is_refused_by_all(found):
    alone, pair, out = found
    for result in (alone, *pair):
        assert "letter.txt" in result["refused"]["error"]
    assert (out / "several" / "other" / "letter.txt").read_text() == "mine"


def test_the_clock_of_the_first_process_decides(found):
    _, (first, second), _ = found
    assert first["out_of_time"]["stopped"] == second["out_of_time"]["stopped"] == "time limit"


def test_ctrl_c_at_one_process_ends_all_after_the_same_epoch(found):
    _, (first, second), _ = found
    assert first["interrupted"]["stopped"] == second["interrupted"]["stopped"] == "interrupted"
    assert first["interrupted"]["epochs"] == second["interrupted"]["epochs"] > 0


def test_waiting_changes_nothing(found):
    """Of `delayed`: each process waited at moments of its own."""
    alone, pair, _ = found
    assert alone["delayed"]["stopped"] == "early stopping"
    assert apart(without(alone["delayed"]), without(pair[0]["delayed"])) <= TOLERANCE


def test_a_run_of_two_processes_goes_on_in_one(found, monkeypatch):
    alone, _, out = found
    monkeypatch.setattr(jobs.recipe, "fit", jobs.in_float64)
    kept = {"checkpoint": out / "several" / "kept", "optimizer": jobs.bl.Adam(0.02)}
    more = jobs.fitted(
        jobs.dense(jobs.bl.BatchNorm()), epochs=12, resume=True, early_stopping=jobs.bl.EarlyStopping(30), **kept
    )
    kept["checkpoint"] = out / "one" / "kept"
    same = jobs.fitted(
        jobs.dense(jobs.bl.BatchNorm()), epochs=12, resume=True, early_stopping=jobs.bl.EarlyStopping(30), **kept
    )
    assert len(more["history"]) == 12
    assert apart(same, more) <= TOLERANCE
    assert tree.leaves(alone["kept_and_gone_on_with"]["first"]["params"])
