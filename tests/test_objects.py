"""Python objects behave: what Backlit gives is pickled, copied, compared, and goes to other processes."""

import copy
import multiprocessing
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import backlit as bl
from tests.train.common import blobs, mlp
from tests.train.several import net, rows

X, Y = blobs(rows=60)
SICK = bl.Sequential(bl.Linear(8), bl.Linear(3), bl.Softmax())


def pickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))  # noqa: S301 (our own)


def explanation(value: float = 3.0) -> Any:
    x = bl.tensor(np.array([value, 2.0]), name="x")
    return bl.explain((x * bl.ops.exp(x)).sum())


def trained(seed: int = 0, **options: Any) -> bl.Run:
    return bl.fit(mlp(), X, Y, epochs=2, seed=seed, engine="numpy", validation=0.2, progress=False, **options)


@pytest.fixture(scope="module")
def things() -> dict[str, Any]:
    import polars

    run = trained()
    table = polars.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": Y.astype(str)})
    several = bl.fit(net(), *rows(), epochs=1, engine="numpy", progress=False)
    judged = bl.fit(table, target="y", epochs=1, progress=False)
    return {
        "run": run, "network": run.network, "history": run.history, "judgement": judged.judgement, "table": judged,
        "diagnosis": bl.check(SICK, X * 1000, Y), "explanation": explanation(), "several": several,
    }  # fmt: skip


@pytest.mark.parametrize("again", [pickled, copy.copy, copy.deepcopy])
@pytest.mark.parametrize(
    "name", ["run", "network", "history", "judgement", "table", "diagnosis", "explanation", "several"]
)
def test_a_copy_is_equal_and_of_its_kind(things: dict[str, Any], name: str, again: Callable[[Any], Any]) -> None:
    thing = things[name]
    same = again(thing)
    assert type(same) is type(thing)
    assert same == thing
    assert repr(same) == repr(thing)
    if name not in ("history", "judgement"):  # which are a list and a dict
        assert hash(same) == hash(thing)


def test_the_diagnosis_that_is_copied_has_findings(things: dict[str, Any]) -> None:
    assert len(things["diagnosis"].alarms) > 0
    assert str(pickled(things["diagnosis"])) == str(things["diagnosis"])


def test_runs_of_one_seed_are_equal_and_of_another_are_not() -> None:
    run = trained()
    assert run == trained()  # though it took another time
    assert run != trained(seed=1)
    assert run != trained(metrics=["f1"])
    assert run != trained(sample_weight=np.linspace(0.5, 1, 60))
    assert run != "a run"


def test_a_metric_that_is_nan_is_like_itself() -> None:
    run = trained(metrics=[lambda outputs, targets, weights: float("nan")])
    run.metrics = {}  # a function of the test's own isn't pickled
    assert np.isnan(run.history[-1]["<lambda>"])
    assert pickled(run) == run


def test_networks_are_compared_number_by_number() -> None:
    one, two = (mlp().build((4,)) for _ in range(2))
    assert one == two
    two.params["0"]["weight"][0, 0] += 1e-6
    assert one != two
    assert one != one.astype("float64")
    assert one != mlp(4).build((4,))
    broken = mlp().build((4,))
    broken.params["0"]["bias"][0] = np.nan
    assert broken == copy.deepcopy(broken)  # NaN is like NaN, or a diverged network weren't its own copy


def test_explanations_are_compared_by_what_they_tell() -> None:
    assert explanation() == explanation()
    assert explanation() != explanation(3.5)


def test_an_explanation_that_was_pickled_still_works_out_what_is_asked() -> None:
    told, again = explanation(), pickled(explanation())
    for node, same in zip(told, again, strict=True):
        assert [edge.parent for edge in node.edges] == [edge.parent for edge in same.edges]
        assert [name for name, _ in node.uses] == [name for name, _ in same.uses]
    np.testing.assert_array_equal(again[again.output.edges[0].parent].upstream, np.ones(2))


def test_a_graph_deeper_than_python_calls_go_is_pickled() -> None:
    x = node = bl.tensor(1.0, name="x")
    for _ in range(2500):
        node = node * 1.001
    again = pickled(bl.explain(node))
    assert again["x"].upstream == pytest.approx(1.001**2500)
    assert x.grad is None


def test_a_copied_tensor_is_a_node_of_its_own() -> None:
    """Else what is made of a node and its copy would count one of them twice, and the other never."""
    x = bl.tensor(3.0, name="x")
    for again in (pickled, copy.deepcopy):
        other = again(x)
        product = x * x * other
        product.backward()
        assert (float(x.grad), float(other.grad)) == (18.0, 9.0)
        x.grad = None


def test_an_operation_without_a_name_says_so() -> None:
    @bl.operation(vjp=(lambda upstream, output, x: upstream,))
    def nameless(xp: Any, x: Any) -> Any:
        return x * 1.0

    with pytest.raises(pickle.PicklingError, match=r"operation nameless can.t be pickled: module tests\.test_objects"):
        pickle.dumps(bl.explain(nameless(bl.tensor(1.0))))


def told(thing: Any) -> tuple[type, Any]:
    """In another process: what came there, and that it is used there as here."""
    return type(thing), thing.predict(X).tolist() if isinstance(thing, bl.Run) else thing


@pytest.mark.parametrize("name", ["run", "network", "history", "judgement", "diagnosis", "explanation"])
def test_they_come_back_from_a_spawned_process(things: dict[str, Any], name: str, spawned: Any) -> None:
    kind, again = spawned.apply(told, (things[name],))
    assert kind is type(things[name])
    assert again == (things["run"].predict(X).tolist() if name == "run" else things[name])


@pytest.fixture(scope="module")
def spawned() -> Any:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        yield pool


def test_joblib_trains_and_uses_runs_in_other_processes() -> None:
    from joblib import Parallel, delayed

    here = [trained(seed) for seed in (0, 1)]
    there = Parallel(n_jobs=2)(delayed(trained)(seed) for seed in (0, 1))
    assert there == here
    there = Parallel(n_jobs=2)(delayed(run.predict)(X) for run in here)
    assert [labels.tolist() for labels in there] == [run.predict(X).tolist() for run in here]


def test_a_pickle_of_a_run_holds_neither_its_data_nor_code(things: dict[str, Any]) -> None:
    content = pickle.dumps(things["run"])
    assert X.tobytes()[:256] not in content
    assert b"__main__" not in content
    assert b"builtins\neval" not in content
