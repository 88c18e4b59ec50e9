"""The doctor and Transformers: quiet on those that learn, and on a rate that is too high without a warm-up not."""

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backlit as bl


def copying(rows: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Texts of six letters, and the letter at the mirrored place for each."""
    x = np.random.default_rng(0).integers(1, 9, (rows, 6))
    return x, x[:, ::-1]


def network(**options: Any) -> bl.Sequential:
    blocks = [bl.TransformerBlock(16, 2, 32, **options) for _ in range(2)]
    return bl.Sequential(bl.Embedding(9, 16), bl.PositionalEncoding(), *blocks, bl.LayerNorm(), bl.Linear(9))


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"norm": "rmsnorm", "rotary": True}, {"norm_first": False, "dropout": 0.1}])
def test_no_alarm_on_one_that_learns_reversal(options: dict[str, Any]) -> None:
    x, y = copying()
    optimizer = bl.AdamW(bl.WarmUp(bl.Cosine(0.003, steps=800), steps=80))
    run = bl.fit(network(**options), x, y, optimizer=optimizer, epochs=45, validation=0.2, seed=0, progress=False)
    assert run.history[-1]["val_accuracy"] > 0.9
    assert [finding.name for finding in run.diagnose().alarms] == []


def test_no_alarm_before_training() -> None:
    x, y = copying()
    assert [finding.name for finding in bl.check(network(), x, y).alarms] == []


@pytest.mark.slow
def test_no_alarm_on_a_text() -> None:
    text = Path(textwrap.__file__).read_text(encoding="utf-8")
    run = bl.fit_text(text, network="transformer:1x32", window=32, epochs=30, dropout=0.0, seed=0, progress=False)
    assert run.judgement["scores"]["bits"] < run.judgement["baseline"]["bits"]
    assert [finding.name for finding in run.diagnose().alarms] == []


@pytest.mark.slow
@pytest.mark.parametrize(("norm_first", "rate"), [(False, 0.3), (True, 0.1)])
def test_a_rate_that_is_too_high_is_named(norm_first: bool, rate: float) -> None:
    x, y = copying()
    sick = bl.fit(
        network(norm_first=norm_first), x, y, optimizer=bl.AdamW(rate), epochs=10, validation=0.2, seed=0,
        progress=False,
    )  # fmt: skip
    assert sick.history[-1]["val_accuracy"] < 0.3  # guessing makes an eighth right
    first = next(iter(sick.diagnose().alarms))
    assert first.name == "learning rate too high"
    assert "attention was fixed by the first updates" in str(sick.diagnose())
    assert "schedule='warmup:1 cosine'" in str(sick.diagnose())
