"""The doctor on networks of several inputs and outputs: sick ones by construction, and their healthy twins."""

from typing import Any

import numpy as np
import pytest

import backlit as bl

EDGES = [("a", "join"), ("b", "join"), ("join", "kind"), ("join", "price")]


def net(join: bl.Layer | None = None, **heads: bl.Layer) -> bl.Wired:
    parts: dict[str, bl.Layer] = {"join": join or bl.Sequential(bl.Linear(16), bl.Tanh())}
    parts |= {"kind": bl.Linear(3), "price": bl.Linear(1)} | heads
    return bl.Wired(parts, EDGES, combine="concatenate", inputs=("a", "b"), outputs=("kind", "price"))


def rows(count: int = 300) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(count, 4)), rng.normal(size=(count, 3))
    kind = (a[:, 0] > 0).astype(int) + (b[:, 0] > 0)
    return {"a": a, "b": b}, {"kind": kind, "price": a[:, 1] - b[:, 1]}


def trained(x: Any, y: Any, network: bl.Layer | None = None, **options: Any) -> bl.Run:
    given = {"epochs": 40, "validation": 0.2, "optimizer": bl.Adam(0.01), "engine": "numpy", "progress": False}
    return bl.fit(network or net(), x, y, **(given | options))


def names(diagnosis: bl.Diagnosis) -> list[tuple[str, str]]:
    return [(finding.name, finding.where.split(":")[0]) for finding in diagnosis]


def test_a_healthy_one_has_no_findings() -> None:
    x, y = rows()
    assert not bl.check(net(), x, y)
    assert not trained(x, y).diagnose().alarms


def test_the_input_that_is_sick_is_named_and_its_remedy_tells_it() -> None:
    x, y = rows()
    sick = {**x, "b": x["b"] * 1000}
    diagnosis = trained(sick, y).diagnose()
    assert ("unscaled inputs", "input b") in names(diagnosis.alarms)
    assert not [where for _, where in names(diagnosis) if where == "input a"]
    finding = next(each for each in diagnosis if each.name == "unscaled inputs")
    assert finding.remedy == "bl.fit(net, x, y, preparation={'b': bl.data.Standardize().fit(x['b'])})"
    assert finding.message("where").within("ko").startswith("입력 b")
    mended = trained(sick, y, preparation={"b": bl.data.Standardize().fit(sick["b"])})  # what the remedy says
    assert not mended.diagnose().alarms


def test_the_output_that_is_sick_is_named_and_the_other_is_left_alone() -> None:
    x, y = rows()
    network = net(kind=bl.Sequential(bl.Linear(3), bl.Softmax()))
    diagnosis = trained(x, y, network, loss={"kind": "cross_entropy"}).diagnose()
    assert ("softmax twice", "output kind") in names(diagnosis.alarms)
    assert not [where for _, where in names(diagnosis.alarms) if where == "output price"]
    assert "kind without its last activation" in str(diagnosis.alarms[0])
    checked = bl.check(network, x, y, loss={"kind": "cross_entropy"})
    assert ("softmax twice", "output kind") in names(checked)


def test_targets_of_one_output() -> None:
    x, y = rows()
    diagnosis = trained(x, {**y, "price": 1000 + y["price"]}, epochs=5).diagnose()
    assert ("unscaled targets", "output price") in names(diagnosis.alarms)
    assert not [name for name, where in names(diagnosis) if where == "output kind" and name == "unscaled targets"]
    assert not trained(x, {**y, "price": 1000 + y["price"]}, standardize_targets=True).diagnose().alarms


def test_what_all_outputs_share_is_told_once_and_without_a_name() -> None:
    x, y = rows()
    found = trained(x, y, optimizer=bl.SGD(1e-6)).diagnose()
    assert names(found) == [("learning rate too low", "learning rate 1e-06, 320 updates")]
    dead = net(join=bl.Sequential(bl.Linear(16, bias_init="constant:-20"), bl.ReLU()))
    assert names(trained(x, y, dead).diagnose().alarms) == [("negative bias", "join/0/bias")]


def test_labels_that_nothing_tells_of_one_output() -> None:
    x, y = rows(1000)  # of few, none can be told from a weak signal
    shuffled = {**y, "price": np.random.default_rng(1).permutation(y["price"])}
    diagnosis = trained(x, shuffled).diagnose()
    assert [where for name, where in names(diagnosis) if name == "unrelated labels"] == ["output price"]
    assert not [name for name, where in names(diagnosis.alarms) if where == "output kind"]


def test_an_output_that_is_left_out_is_not_judged() -> None:
    x, y = rows()
    diagnosis = trained(x, {**y, "price": 1000 + y["price"]}, loss_weights={"price": 0}, epochs=10).diagnose()
    assert not [where for _, where in names(diagnosis) if "price" in where]


def test_a_sick_one_loaded_says_the_same(tmp_path: Any) -> None:
    x, y = rows()
    run = trained({**x, "b": x["b"] * 1000}, y, epochs=5)
    assert str(bl.load(run.save(tmp_path / "run")).diagnose()) == str(run.diagnose())


def test_the_report_tells_sizes_and_findings_by_name() -> None:
    x, y = rows()
    page = trained({**x, "b": x["b"] * 1000}, y, epochs=3).report()
    assert "a 4; b 3" in page
    assert "several outputs" in page
    assert "input b: " in page
    assert "입력 b: " in page


FIX: dict[str, Any] = {"rounds": 1, "seeds": 2, "suit": False, "progress": False}


def test_remedies_of_the_training_are_tried() -> None:
    x, y = rows()
    sick = {**x, "b": x["b"] * 1000}
    repair = trained(sick, y, epochs=15).fix(**FIX)
    assert [attempt.change for attempt in repair.kept] == ["inputs standardised: a, b"]
    assert not repair.left.alarms
    assert repair.run.evaluate(sick, y)["price_r2"] > 0.5 > repair.original.evaluate(sick, y)["price_r2"]
    far = {**y, "price": 1000 + y["price"]}
    repair = trained(x, far, epochs=15).fix(**FIX)
    assert [attempt.change for attempt in repair.kept] == ["targets standardised for training"]
    assert repair.run.evaluate(x, far)["price_r2"] > 0.5


def test_what_changes_the_network_is_left_to_decide() -> None:
    x, y = rows()
    network = net(kind=bl.Sequential(bl.Linear(3), bl.Softmax()))
    repair = trained(x, y, network, loss={"kind": "cross_entropy"}, epochs=15).fix(**FIX)
    assert not repair.kept
    assert [finding.name for finding in repair.decide] == ["softmax twice"]


def test_probes_see_each_input_and_the_losses_of_outputs() -> None:
    x, y = rows()
    (look,) = bl.probe(net(), x, y)
    assert {"input/a", "input/b", "kind", "price"} <= set(look["layers"])
    assert look["loss"] == pytest.approx(look["losses"]["kind"] + look["losses"]["price"], rel=1e-4)
    assert look["layers"]["input/a"]["std"] == pytest.approx(x["a"].std(), rel=0.1)
    (blind,) = bl.probe(net(), x)
    assert "losses" not in blind
    run = trained(x, y, epochs=2)
    assert run.start is not None
    assert run.start["data"]["by_output"]["price"]["guess"] == pytest.approx(np.var(y["price"]), rel=0.2)
    assert run.start["data"]["by_input"]["b"]["inputs"]["columns"] == 3


def test_rows_that_are_in_both_parts_differ_in_no_input() -> None:
    """Rows are the same only if all their inputs are: one input that repeats is no duplicate."""
    x, y = rows(200)
    repeated = {**x, "a": np.repeat(x["a"][:10], 20, axis=0)}
    facts = trained(repeated, y, epochs=1).start["data"]  # type: ignore[index]
    assert facts["shared"]["count"] == 0
    both = {name: np.repeat(part[:10], 20, axis=0) for name, part in x.items()}
    assert trained(both, y, epochs=1).start["data"]["shared"]["count"] > 0  # type: ignore[index]


def test_few_rows_of_two_inputs_held_out_rows_and_all() -> None:
    x, y = rows(90)
    run = trained(x, y, epochs=5)
    facts = run.start["data"]  # type: ignore[index]
    assert (facts["rows"], facts["held"]) == (72, 18)
    assert not [finding for finding in run.diagnose().alarms if finding.kind.stage.name == "DATA"]
    one = bl.Wired(
        {"join": bl.Linear(8), "kind": bl.Linear(3)}, [("a", "join"), ("b", "join"), ("join", "kind")],
        combine="concatenate", inputs=("a", "b"),
    )  # fmt: skip
    run = trained(x, y["kind"], one, epochs=5, validation=0.3)
    assert run.start["data"]["parts"]["held"] == 27  # type: ignore[index]
    assert not [finding for finding in run.diagnose().alarms if finding.kind.stage.name == "DATA"]
