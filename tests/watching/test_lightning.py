"""Lightning's callback sees what `bl.watch` sees, and changes nothing either."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import backlit as bl
from tests.watching.common import classes, mlp

lightning = pytest.importorskip("lightning")
pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's own advice on workers and loggers


def module(softmax: bool = False) -> Any:
    class Module(lightning.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = mlp()

        def training_step(self, batch: Any, _: int) -> Any:
            scores = self.net(batch[0])
            return torch.nn.functional.cross_entropy(scores.softmax(dim=1) if softmax else scores, batch[1])

        def validation_step(self, batch: Any, _: int) -> None:
            torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), lr=0.005)

    return Module()


def fit(net: Any, callbacks: list[Any], epochs: int = 4) -> None:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    x, y = classes()
    training = DataLoader(TensorDataset(x[:360], y[:360]), batch_size=32, shuffle=True)
    held = DataLoader(TensorDataset(x[360:], y[360:]), batch_size=64)
    trainer = lightning.Trainer(
        max_epochs=epochs, callbacks=callbacks, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, accelerator="cpu",
    )  # fmt: skip
    trainer.fit(net, training, held)


def test_lightnings_training_is_seen_and_left_as_it_is(tmp_path: Any) -> None:
    ends, eye = [], bl.LightningWatch()
    for callbacks in ([], [eye]):
        torch.manual_seed(0)
        net = module()
        fit(net, callbacks)
        ends.append([p.detach().clone() for p in net.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))
    assert len(eye.history) == 4
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= eye.history[-1].keys()
    assert list(eye.probes[0]["layers"]) == [f"net.{number}" for number in range(5)]
    assert not eye.diagnose().alarms
    assert "<svg" in eye.report(tmp_path / "report.html").read_text(encoding="utf-8")


def test_findings_are_in_lightnings_code() -> None:
    eye = bl.LightningWatch()
    with pytest.raises(bl.InputError, match="give the callback to a Trainer"):
        eye.diagnose()
    fit(module(softmax=True), [eye])
    assert [finding.name for finding in eye.diagnose().alarms] == ["softmax twice"]
    assert eye.diagnose().remarks == () or "L.Trainer" in eye.diagnose().remarks[0].remedy
