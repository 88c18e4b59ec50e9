"""The doctor in PyTorch's loops: a share of the benchmark's cases, and mistakes that only such loops make."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from benchmarks.doctor.runner import Case
from benchmarks.doctor.torch_loops import run, torch_cases
from tests.watching.common import classes, mlp, train

nn = torch.nn
SHARE = (
    "mixture, rows with NaN", "mixture, softmax twice", "bars, tanh before cross entropy",
    "circles, softmax on one unit",
    "friedman behind a sigmoid", "friedman, batch norm on 2 rows", "spirals, three linear layers", "spirals, step",
    "mixture, first layer frozen", "mixture, zeros", "mixture, tiny weights", "mixture, biases of -8",
    "friedman times 400", "spirals plus 40", "mixture, eight sigmoids", "mixture, contrary rows",
    "mixture mlp", "friedman mlp", "bars cnn", "spot cnn",
)  # fmt: skip
CASES = {case.name: case for case in torch_cases()}


def test_at_least_forty_cases_can_be_told_in_pytorch() -> None:
    assert sum(bool(case.expected) for case in CASES.values()) >= 100
    assert sum(not case.expected for case in CASES.values()) >= 40


@pytest.mark.slow
@pytest.mark.parametrize("name", SHARE)
def test_the_cause_is_named_first_and_healthy_twins_have_no_alarm(name: str) -> None:
    case: Case = CASES[name]
    result = run(case, seed=50)
    assert result.right, (result.alarms, result.remarks, result.end)


def numbers(rows: int = 400) -> tuple[torch.Tensor, torch.Tensor]:
    x, _ = classes(rows)
    return x, x[:, 0] - x[:, 1]


def regressor() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))


def uncleared(model: Any, loss_fn: Any, optimizer: Any, inputs: Any, targets: Any) -> None:
    loss_fn(model(inputs), targets).backward()
    optimizer.step()


def evaluating(model: Any, loss_fn: Any, optimizer: Any, inputs: Any, targets: Any) -> None:
    model.eval()
    optimizer.zero_grad()
    loss_fn(model(inputs), targets).backward()
    optimizer.step()


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_targets_that_broadcast_are_named() -> None:
    x, y = numbers()
    finding = train(regressor(), nn.MSELoss(), (x, y)).diagnose()[0]
    assert (finding.name, finding.measured) == ("outputs and targets of different shapes", 32.0)
    assert finding.remedy.startswith("loss = loss_fn(model(x), y.reshape(len(y), -1))")
    healthy = train(regressor(), nn.MSELoss(), (x, y[:, None])).diagnose()
    assert not healthy.alarms


def test_gradients_that_are_never_cleared_are_named() -> None:
    found = train(mlp(), nn.CrossEntropyLoss(), step=uncleared)
    assert found.diagnose()[0].name == "gradients never cleared"
    assert found.diagnose()[0].measured == 1.0


def test_training_in_evaluation_mode_is_told() -> None:
    remarks = [finding.name for finding in train(mlp(), nn.CrossEntropyLoss(), step=evaluating).diagnose().remarks]
    assert "trained in evaluation mode" in remarks


def test_layers_left_to_the_optimizers_mercy_are_named() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 3))
    optimizer = torch.optim.Adam(model[4].parameters(), lr=0.01)
    finding = train(model, nn.CrossEntropyLoss(), optimizer=optimizer, epochs=10).diagnose()[0]
    assert (finding.name, finding.where) == ("frozen layer", "0/weight, 2/weight")
    assert finding.remedy == "optimizer = torch.optim.Adam(model.parameters(), lr=0.001)  # all parameters"
