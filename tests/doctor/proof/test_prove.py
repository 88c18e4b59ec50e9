"""Causes tried by short paired trainings: shown, likely or dropped."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import backlit as bl
from backlit.cli.main import app
from backlit.doctor.diagnose import evidence_of, run_rules
from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Diagnosis, Kind, Role, Sign, Stage
from backlit.doctor.findings import learning_rate, scale, unlearned
from backlit.doctor.proof import experiments
from backlit.doctor.proof import prove as proving
from backlit.doctor.proof.verdict import Verdict
from backlit.doctor.repair.change import Change
from backlit.doctor.repair.compare import compare
from backlit.doctor.trials import Trials, Yardstick
from backlit.languages import Template

RNG = np.random.default_rng(3)
X = RNG.normal(size=(240, 3)).astype("float32")
Y = X @ np.array([1.0, -2.0, 0.5], "float32")


def fitted(**options: Any) -> bl.Run:
    net = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(1))
    return bl.fit(net, X, Y, **({"epochs": 12, "validation": 0.25, "engine": "numpy", "seed": 0} | options))


@pytest.fixture(scope="module")
def slow() -> bl.Run:
    return fitted(optimizer=bl.SGD(1e-5))


def test_a_cause_is_shown(slow: bl.Run) -> None:
    found = slow.diagnose(prove=True, time_limit=60).alarms[0]
    assert found.name == "learning rate too low"
    assert found.proof is not None
    assert found.proof.result == "shown"
    assert found.proof.after < 0.6 * found.proof.before
    assert "\n  proof      shown: learning rate 1e-05 → " in str(found)
    assert found.proof.message.within("ko").startswith("입증됨: ")
    assert found.to_dict()["proof"]["result"] == "shown"
    assert "proof" not in slow.diagnose().alarms[0].to_dict()


def wrong(e: Evidence) -> list[Any]:
    return [MOON.found(PHASE, 1.0, 0.5)]


PHASE = Sign(Template("the moon", "달"), Template("phase", "위상"), Template("half", "반달"))
MOON = Kind(
    name=Template("full moon", "보름달"),
    stage=Stage.SCALE,
    place=9,
    role=Role.CAUSE,
    cause=Template("It shines.", "빛납니다."),
    remedy="pass",
    effect=Template("dark", "어두움"),
    signs=(PHASE,),
    rules=(wrong,),
    repair=lambda recipe, run: [Change("another seed of nothing", recipe.replace(optimizer=bl.SGD(1e-7)))],
)


def another(name: str, ways: Any) -> Kind:
    """A kind that is always found, with ways of its own to mend it."""
    kind = dataclasses.replace(
        MOON, name=Template(name, name), rules=(lambda e: [kind.found(PHASE, 1.0, 0.5)],), repair=ways
    )
    return kind


def proved(run: bl.Run, kinds: dict[str, Kind], monkeypatch: pytest.MonkeyPatch, seconds: float = 60.0) -> Diagnosis:
    monkeypatch.setattr(proving, "kinds", lambda: kinds)

    def judged(e: Evidence, of: Any) -> Diagnosis:
        return run_rules(e, kinds.values() if of is None else of)

    return proving.prove(run, evidence_of(run), run.recipe, judged, seconds)


def test_what_its_experiment_refutes_is_dropped(slow: bl.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    rate = learning_rate.TOO_LOW
    found = proved(slow, {MOON.key: MOON, rate.key: rate}, monkeypatch)
    assert [each.name for each in found] == ["learning rate too low"]


def test_when_all_is_refuted_the_cause_is_open_and_tried(slow: bl.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {MOON.key: MOON, unlearned.OPEN.key: unlearned.OPEN}
    monkeypatch.setattr(unlearned, "tried", lambda name: Template("{n} (by experiment)", "{n}").say(n=name))
    monkeypatch.setattr(experiments, "guesses", lambda recipe, run: [])
    (found,) = proved(slow, kinds, monkeypatch)
    assert found.name == "open cause"
    assert "full moon (by experiment)" in found.where
    better = Change("learning rate 1e-05 → 0.05", slow.recipe.with_validation().replace(optimizer=bl.SGD(0.05)))
    monkeypatch.setattr(experiments, "guesses", lambda recipe, run: [(learning_rate.TOO_LOW, better)])
    (found,) = proved(slow, kinds, monkeypatch)
    assert found.name == "learning rate too low"
    assert found.where == "found by trying: learning rate 1e-05 → 0.05"
    assert found.proof is not None
    assert found.proof.result == "shown"


def test_without_time_a_cause_is_likely(slow: bl.Run) -> None:
    found = slow.diagnose(prove=True, time_limit=1e-9).alarms[0]
    assert found.proof == Verdict("likely", seconds=1e-9)
    assert str(found.proof) == "likely: not tried within 1e-09 s"


@pytest.mark.parametrize(
    ("ways", "text"),
    [
        (lambda recipe, run: [], "likely: not tried, since no change of this training's options would mend it"),
        (
            lambda recipe, run: [Change("rows of another shape", recipe.replace(bl.Linear(2)))],
            "likely: not tried, since the changed training couldn't be run",
        ),
    ],
)
def test_what_cannot_be_tried_is_likely_and_says_why(
    slow: bl.Run, monkeypatch: pytest.MonkeyPatch, ways: Any, text: str
) -> None:
    kind = another("full moon", ways)
    (found,) = proved(slow, {kind.key: kind}, monkeypatch, 5.0)
    assert str(found.proof) == text
    assert found.proof is not None
    assert found.proof.message.within("ko").startswith("가능성 있음: ")


def test_two_faults_that_show_nothing_mended_alone_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = bl.chain(bl.ClipNorm(1e-7), bl.SGD(1e-7))  # neither is enough by itself to let the weights move
    run = fitted(optimizer=frozen, epochs=8)

    def with_parts(clip: float | None, rate: float | None) -> Any:
        def ways(recipe: Any, run: Any) -> list[Change]:
            first, last = recipe.training.optimizer.transforms
            changed = bl.chain(first.replace(limit=clip or first.limit), last.replace(learning_rate=rate or last.rate))
            return [Change(f"clip {clip}, rate {rate}", recipe.replace(optimizer=changed))]

        return ways

    clip, rate = another("clip", with_parts(10.0, None)), another("rate", with_parts(None, 0.1))
    idle = another("idle", with_parts(2e-7, None))
    found = proved(run, {kind.key: kind for kind in (clip, rate, idle)}, monkeypatch)
    assert sorted(each.name for each in found) == ["clip", "rate"]
    assert {each.proof.result for each in found if each.proof} == {"shown"}
    assert found[0].proof.words == "clip 10.0, rate None; clip None, rate 0.1"


def test_what_only_noise_speaks_against_is_not_refuted(slow: bl.Run) -> None:
    before = 1 + 0.1 * RNG.normal(size=(2, 40))
    assert compare(before, before + 1e-3 * np.abs(RNG.normal(size=(2, 40))), np.zeros(40, int)).most < 0.01
    assert compare(before, before + 0.5 * RNG.normal(size=(2, 40)), np.zeros(40, int)).most > 0.01


def test_the_best_of_many_tries_needs_more(slow: bl.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = proving.Laboratory(slow, slow.recipe, 60.0, None)
    verdict = Verdict("shown", "some change", before=1.0, after=0.5)
    monkeypatch.setattr(lab, "_compared", lambda change, *_: (verdict, 0.03))
    same = Change("the same", lab.recipe)
    assert [way.verdict.result for way in lab._tried([same])] == ["shown"]
    assert [way.verdict.result for way in lab._tried([same, same])] == ["likely", "likely"]


def test_a_run_that_early_stopping_ended_is_tried_over_as_many_epochs() -> None:
    run = fitted(epochs=400, early_stopping=2, optimizer=bl.Adam(0.3))
    assert len(run.history) < 100
    lab = proving.Laboratory(run, run.recipe, 1e4, None)
    assert lab._epochs == len(run.history)
    (outcome,) = Trials([lab.recipe], (0,), lab._epochs).train(lab._epochs)[0]
    yardstick = Yardstick(run, lab.recipe)
    assert outcome.excess < 1
    assert yardstick.kept(outcome) == pytest.approx(yardstick.rows(outcome.validation) * outcome.excess)
    least = min(record["val_loss"] for record in run.history)
    assert yardstick.kept(outcome).mean() == pytest.approx(least, rel=1e-4)


def test_an_open_cause_says_that_nothing_was_tried(slow: bl.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = proved(slow, {unlearned.OPEN.key: unlearned.OPEN}, monkeypatch, 1e-9)
    assert found.name == "open cause"
    assert str(found.proof) == "usual causes were not tried within 1e-09 s"


def test_compiling_is_no_measure_of_what_follows(slow: bl.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    lab, group = proving.Laboratory(slow, slow.recipe, 10.0, None), SimpleNamespace(seconds=0.0)
    begin = lab._begin

    def over_at(seconds: float) -> bool:
        monkeypatch.setattr(proving.time, "monotonic", lambda: begin + seconds)
        return lab._over([group])

    assert not over_at(0.1)
    assert not over_at(5.6)  # 5.5 s to compile it
    group.seconds = 0.01
    assert not over_at(5.7)
    assert not over_at(7.7)  # a stretch of 2 s
    assert over_at(8.1)


def test_without_time_nothing_is_prepared(slow: bl.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "Trials", None)
    assert slow.diagnose(prove=True, time_limit=1e-9).alarms[0].proof is not None


def test_a_mistake_that_can_be_proved_isnt_dropped() -> None:
    assert not experiments.refutable(unlearned.OPEN.__class__(**{**vars(MOON), "stage": Stage.OUTPUT}))
    assert experiments.refutable(scale.UNSCALED_INPUTS)


def test_ctrl_c_keeps_what_was_found(slow: bl.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(proving.Laboratory, "try_kind", interrupted)
    assert [each.name for each in slow.diagnose(prove=True).alarms] == ["learning rate too low"]


def test_a_healthy_run_trains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    run = fitted(optimizer=bl.Adam(0.05), epochs=40)
    monkeypatch.setattr(proving, "Trials", None)
    assert run.diagnose(prove=True).alarms == ()


@pytest.mark.parametrize("seconds", [0, -1.0, float("inf"), True, "long"])
def test_time_limits_that_are_none(slow: bl.Run, seconds: Any) -> None:
    with pytest.raises(bl.InputError, match="time_limit must be a number of seconds above 0"):
        slow.diagnose(prove=True, time_limit=seconds)


def test_a_loaded_run_needs_its_data(slow: bl.Run, tmp_path: Path) -> None:
    loaded = bl.load(slow.save(tmp_path / "run"))
    with pytest.raises(bl.InputError, match="doesn't hold its data"):
        loaded.diagnose(prove=True)
    assert loaded.diagnose(X, Y, prove=True, time_limit=60).alarms[0].proof.result == "shown"
    assert loaded.diagnose().alarms[0].proof is None


def test_the_command(tmp_path: Path) -> None:
    rows = "\n".join(f"{a:.4f},{b:.4f},{c:.4f},{y:.4f}" for (a, b, c), y in zip(X[:120], Y, strict=False))
    (tmp_path / "rows.csv").write_text(f"a,b,c,y\n{rows}\n", encoding="utf-8")
    runner, out = CliRunner(), tmp_path / "slow"
    options = ["--lr", "0.0000001", "--epochs", "4", "--ensemble", "1", "--engine", "numpy", "--out", str(out)]
    assert runner.invoke(app, ["train", str(tmp_path / "rows.csv"), "--target", "y", *options]).exit_code == 0
    plain = json.loads(runner.invoke(app, ["diagnose", str(out), "--json", "--no-prove"]).stdout)
    proved = json.loads(runner.invoke(app, ["diagnose", str(out), "--json", "--time-limit", "30"]).stdout)
    assert "proof" not in plain["findings"][0]
    assert proved["findings"][0]["proof"]["result"] in ("shown", "likely")
    refused = runner.invoke(app, ["diagnose", str(out), "--time-limit", "0"])
    assert refused.exit_code != 0
    (tmp_path / "rows.csv").unlink()  # without its data, what was measured has to do
    assert "proof" not in json.loads(runner.invoke(app, ["diagnose", str(out), "--json"]).stdout)["findings"][0]
