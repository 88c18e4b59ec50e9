"""Findings as data, on loaded runs, without probes, from the command line."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import backlit as bl
from backlit.cli.main import app
from backlit.doctor.diagnose import run_rules
from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Consequence
from tests.train.common import blobs


@pytest.fixture(scope="module")
def sick():
    x, y = blobs()
    net = bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(3), bl.Softmax())
    return bl.fit(net, x * 1000, y, epochs=4, validation=0.25, seed=0)


def test_one_cause_and_what_follows(sick) -> None:
    first, *rest = sick.diagnose().alarms
    assert first.name == "softmax twice"
    assert first.measured == pytest.approx(np.log(np.e + 2) - 1)
    assert rest == []
    (under,) = [each for each in first.consequences if isinstance(each, Consequence)]
    assert under.kind.key == "unscaled inputs"
    assert str(under).startswith("unscaled inputs: columns' standard deviations from ")
    assert "ALARM  softmax twice: layer 3" in str(sick.diagnose())


def test_the_floor_of_ten_classes() -> None:
    x, y = np.random.default_rng(0).normal(size=(60, 4)), np.arange(60) % 10
    (told,) = bl.check(bl.Sequential(bl.Linear(10), bl.Softmax()), x, y).alarms
    assert told.measured == pytest.approx(1.4612, abs=5e-5)


def test_a_loaded_run_says_the_same(sick, tmp_path: Path) -> None:
    sick.save(tmp_path / "run")
    loaded = bl.load(tmp_path / "run")
    assert loaded.start == json.loads(json.dumps(sick.start))
    assert len(loaded.probes) == len(sick.probes)
    assert loaded.diagnose() == sick.diagnose()


def test_the_command(sick, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    sick.save(tmp_path / "run")
    told = CliRunner().invoke(app, ["diagnose", str(tmp_path / "run")])
    assert told.exit_code == 0
    assert "softmax twice" in told.stdout
    data = json.loads(CliRunner().invoke(app, ["diagnose", str(tmp_path / "run"), "--json"]).stdout)
    assert data["findings"][0]["name"] == "softmax twice"
    assert data["probes"] is True


def test_without_probes_only_what_can_be_known() -> None:
    x, y = blobs()
    net = bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(3))
    run = bl.fit(net, x, y, epochs=3, probes=None, metrics=[])
    assert run.start is None
    assert run.diagnose() == ()
    twice = bl.fit(bl.Sequential(bl.Linear(3), bl.Softmax()), x, y, epochs=3, probes=None)
    assert [own.name for own in twice.diagnose()] == ["softmax twice"]


def test_nothing_to_judge_by(sick) -> None:
    from dataclasses import replace

    empty = replace(sick, history=type(sick.history)(), probed=bl.probe(bl.Linear(2), np.ones((3, 2)))[:0], told=None)
    with pytest.raises(bl.InputError, match="nothing to judge it by"):
        empty.diagnose()


def test_nan_inputs_before_training() -> None:
    x, y = blobs()
    x[3, 1] = np.nan
    (told,) = bl.check(bl.Linear(3), x, y)
    assert (told.name, told.where, told.measured) == ("missing inputs", "1 of 120 rows", 1.0)


@dataclass(frozen=True, repr=False)
class MyReLU(bl.ReLU):
    """An activation of one's own, derived from one of Backlit's."""


def test_an_activation_of_ones_own_before_the_loss() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(120, 4)).astype("float32"), np.arange(120) % 3
    net = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(3), MyReLU())
    assert "activation before the loss" in [told.name for told in bl.check(net, x, y)]


def test_a_run_whose_optimizer_is_not_known(sick, tmp_path: Path) -> None:
    run = bl.load(sick.save(tmp_path / "run"))
    run.optimizer = {"transform": "MyOwn", "rate": 0.1}
    assert run.diagnose().alarms


@pytest.mark.parametrize(
    ("optimizer", "rate"),
    [
        (bl.SGD(0.3), 0.3),
        (bl.chain(bl.ClipGlobalNorm(1.0), bl.Adam(0.01)), 0.01),
        (bl.SGD(bl.optim.OneCycle(0.5, 100)), 0.5),
        (bl.SGD(bl.optim.WarmUp(0.2, 10)), 0.2),
        (bl.SGD(lambda step: 0.1), None),
    ],
)
def test_rates(optimizer, rate) -> None:
    assert optimizer.rate == rate


def test_a_network_that_learns_well_is_left_alone_whatever_it_looks_like() -> None:
    x, y = blobs()
    run = bl.fit(bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(3)), x, y, epochs=30, optimizer=bl.Adam(0.02), seed=0)
    looks = [
        {**record, "layers": {**record["layers"], "1": {"layer": "ReLU", "dead": 0.9, "zeros": 0.95}}}
        for record in run.probes
    ]
    told = Evidence(run.network, run.loss, run.optimizer, run.start, looks, list(run.history), run.settings)
    assert told.well
    assert not run_rules(told).alarms
