"""Published criteria on runs made for them; each has a case that it must tell and one that it must not."""

from dataclasses import replace

import numpy as np
import pytest

from backlit.doctor.findings import kinds
from benchmarks.doctor.published import MEANS, TOOLS, Told, stands_for
from benchmarks.doctor.watch import Seen, look


def seen(epoch: int, gradient: float = 0.1, active: float = 0.9, weight: float = 0.3) -> Seen:
    rng = np.random.default_rng(epoch)
    weights = {f"{i}/weight": weight * rng.normal(size=(20, 20)) for i in (0, 2)}
    gradients = {path: gradient * rng.normal(size=(20, 20)) for path in weights}
    into = rng.normal(size=(32, 20))
    out = np.where(np.arange(20) < 20 * active, np.abs(into), 0.0) * (rng.random((32, 20)) < 0.8)
    return Seen(epoch, gradients, weights, {"1": ("ReLU", out)}, {"1": into})


def told(looks: list[Seen], losses: list[float] | None = None, **changes) -> Told:
    falling = losses or list(np.geomspace(1.0, 0.1, 20))
    history = [
        {"loss": loss, "val_loss": 1.02 * loss, "accuracy": a, "val_accuracy": a}
        for loss, a in zip(falling, np.linspace(0.5, 0.95, len(falling)), strict=True)
    ]
    healthy = Told(
        looks, history, False, True, np.random.default_rng(0).uniform(-1, 1, (50, 3)), np.arange(50) % 2, "Linear", 2,
        "softmax", 0.01, [1e-3],
    )  # fmt: skip
    return replace(healthy, **changes)


HEALTHY = told([seen(1), seen(10), seen(20)])
POOR = [{"loss": 0.7, "val_loss": 0.7, "accuracy": 0.5, "val_accuracy": 0.5} for _ in range(20)]


@pytest.mark.parametrize("tool", TOOLS)
def test_silent_on_a_network_that_learns(tool: str) -> None:
    assert TOOLS[tool](HEALTHY) == []


@pytest.mark.parametrize(
    ("tool", "run", "name"),
    [
        ("AutoTrainer's criteria", replace(HEALTHY, diverged=True), "exploding gradient"),
        ("AutoTrainer's criteria", replace(HEALTHY, history=POOR), "slow convergence"),
        ("AutoTrainer's criteria", replace(HEALTHY, last="Softmax"), "activation or loss"),
        ("DeepDiagnosis's criteria", told([seen(1, gradient=1e-9)] * 2), "vanishing gradient: rate low"),
        (
            "DeepDiagnosis's criteria",
            told([seen(1, gradient=1e-9)], x=np.full((9, 2), 5.0)),
            "vanishing gradient: data",
        ),
        ("DeepDiagnosis's criteria", told([seen(1), seen(2, active=0.2)]), "dead node: layer"),
        ("SageMaker Debugger's rules", told([seen(1, gradient=1e-9)]), "VanishingGradient"),
        ("SageMaker Debugger's rules", told([seen(1, active=0.3)]), "DeadRelu"),
        ("SageMaker Debugger's rules", replace(HEALTHY, ratios=[20.0]), "WeightUpdateRatio high"),
        ("SageMaker Debugger's rules", told([seen(1)], [1.0] * 20), "LossNotDecreasing"),
        ("torchmortem's thresholds", told([seen(1, gradient=1e-12)]), "vanishing gradients"),
        ("torchmortem's thresholds", told([seen(1, gradient=1e3)]), "exploding gradients"),
        ("torchmortem's thresholds", replace(HEALTHY, ratios=[1e-6]), "updates too small"),
        ("torchmortem's thresholds", told([seen(1)], [1.0, 0.1, 0.5]), "loss spike"),
    ],
)
def test_each_criterion(tool: str, run: Told, name: str) -> None:
    assert name in TOOLS[tool](run)


def test_names_map_to_findings_that_there_are() -> None:
    assert not {name for meant in MEANS.values() for name in meant} - set(kinds())
    assert "learning rate too high" in stands_for("dead node: rate high")


def test_a_look_against_finite_differences() -> None:
    import backlit as bl
    from backlit.nn import losses

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 3)), rng.normal(size=(16, 1))
    net = bl.Sequential(bl.Linear(4), bl.Tanh(), bl.Linear(1)).build((3,), dtype="float64")
    found = look(net, 1, x, y, losses.get("mse"))
    assert [kind for kind, _ in found.activations.values()] == ["Linear", "Tanh", "Linear"]
    np.testing.assert_allclose(np.tanh(found.before["1"]), found.activations["1"][1])
    step = 1e-6

    def mean() -> float:
        return float(np.square(net(x) - y).mean())

    weight = net.params["0"]["weight"]
    before = weight[1, 2]
    weight[1, 2] = before + step
    up = mean()
    weight[1, 2] = before - step
    down = mean()
    weight[1, 2] = before
    assert found.gradients["0/weight"][1, 2] == pytest.approx((up - down) / (2 * step), rel=1e-5)
