"""Transformers in every task: AdamW with a warm-up unless the user says otherwise; what they learn."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.graph import tree
from backlit.optim import AdamW, Cosine, WarmUp
from backlit.run import Run
from backlit.tasks.options import Options
from backlit.tasks.warm_up import warm_up

SPEC = "transformer:1x16,heads=2"
TEXT = "the cat sat on the mat. the dog sat on the log. " * 40
ENGLISH = (
    "a Transformer's learning rate rises over the first 10% of the epochs, or 200 updates, then falls to nothing "
    "(AdamW)"
)
KOREAN = (
    "트랜스포머(Transformer)의 학습률(learning rate)은 처음 10% 에포크, 많아야 갱신 200회 동안 오르고 "
    "그 뒤 0까지 내려감(AdamW)"
)


def frame(rows: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    words = [" ".join(rng.choice(["red", "green", "blue", "and", "a"], rng.integers(3, 8))) for _ in range(rows)]
    return pd.DataFrame({"text": words, "kind": ["yes" if "red" in text.split() else "no" for text in words]})


def series() -> pd.DataFrame:
    days = pd.date_range("2020-01-01", periods=160, freq="D")
    return pd.DataFrame({"day": days, "value": np.sin(np.arange(160) / 3.0) + np.arange(160) / 100.0})


JOBS: dict[str, Any] = {
    "texts": lambda **given: bl.fit_table(frame(), target="kind", text="text", ensemble=1, **given),
    "stream": lambda **given: bl.fit_text(TEXT, window=16, **given),
    "class": lambda **given: bl.fit_sequences(["abc", "bcd"] * 40, ["x", "y"] * 40, to="class", **given),
    "series": lambda **given: bl.fit(series(), target="value", time="day", horizon=3, ensemble=1, **given),
}


def trained(name: str, **given: Any) -> Run:
    run: Run = JOBS[name](network=SPEC, seed=0, progress=False, **given)
    return run


@pytest.mark.slow
@pytest.mark.parametrize("name", JOBS)
def test_adamw_with_a_warm_up_is_the_default(name: str) -> None:
    run = trained(name, epochs=10)
    clipping, adamw = run.optimizer.transforms
    assert repr(clipping) == "ClipGlobalNorm(limit=1.0)"
    assert isinstance(adamw, AdamW)
    rate = adamw.learning_rate
    assert isinstance(rate, WarmUp)
    assert isinstance(rate.then, Cosine)
    assert rate.steps == pytest.approx((rate.steps + rate.then.steps) / 10, abs=1)
    told = [note for note in run.judgement.notes if "Transformer" in note]
    assert told == [ENGLISH]
    assert told[0].within("ko") == KOREAN
    assert name == "series" or not list(run.diagnose().alarms)  # simple forecasts leave nothing of this series


def test_the_rate_has_risen_after_two_hundred_updates() -> None:
    assert warm_up(SPEC, 200, 50, Options()) == "warmup:1 cosine"
    assert warm_up(SPEC, 1000, 20, Options()) == "warmup:0.2 cosine"
    assert warm_up(SPEC, 5, 20, Options()) == "warmup:2 cosine"
    assert warm_up(SPEC, 5, 20, Options(optimizer="lbfgs")) is None
    assert warm_up(SPEC, 5, 20, Options(schedule="cosine")) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["texts", "stream"])
def test_what_the_user_says_is_kept(name: str) -> None:
    run = trained(name, epochs=1, optimizer="sgd", learning_rate=0.01, schedule="exponential:0.9")
    assert repr(run.optimizer.transforms[-1]).startswith("SGD(learning_rate=Exponential(start=0.01")
    assert not [note for note in run.judgement.notes if "Transformer" in note]
    named = trained(name, epochs=1, optimizer="adam")
    assert repr(named.optimizer.transforms[-1]).startswith("Adam(learning_rate=WarmUp(")
    assert [note for note in named.judgement.notes if "(adam)" in note]


@pytest.mark.slow
def test_words_that_tell_classes_apart() -> None:
    run = trained("texts", epochs=15)
    assert run.judgement["scores"]["accuracy"] > 0.95
    seen = run.attention("a red and blue a")
    assert seen.tokens == ("a", "red", "and", "blue", "a")


@pytest.mark.slow
def test_a_text_is_gone_on_with(tmp_path: Path) -> None:
    run = trained("stream", epochs=40, patience=0, dropout=0.0)
    assert run.judgement["scores"]["bits"] < 0.6  # counting pairs needs 1.3
    written = run.generate("the c", length=60, temperature=0)
    assert "the cat sat on the mat. the dog sat on the log." in written  # over more than three windows
    run.save(tmp_path / "run")
    assert bl.load(tmp_path / "run").generate("the ", 40, seed=3) == run.generate("the ", 40, seed=3)
    assert run.network.architecture.layers[1].causal


@pytest.mark.slow
def test_training_goes_on_where_it_ended(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "network": SPEC,
        "schedule": "exponential:0.9",
        "window": 16,
        "seed": 3,
        "progress": False,
    }
    bl.fit_text(TEXT, epochs=1, checkpoint=tmp_path / "run", **options)
    resumed = bl.fit_text(TEXT, epochs=3, checkpoint=tmp_path / "run", resume=True, **options)
    whole = bl.fit_text(TEXT, epochs=3, **options)
    for one, other in zip(tree.leaves(resumed.network.params), tree.leaves(whole.network.params), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_a_transformer_of_ones_own() -> None:
    def own(causal: bool) -> bl.Layer:
        return bl.Sequential(
            bl.Embedding(18, 8), bl.PositionalEncoding(), bl.TransformerBlock(8, 2, causal=causal), bl.Linear(18)
        )

    run = bl.fit_text(TEXT, network=own(True), window=8, epochs=1, seed=0, progress=False)
    assert isinstance(run.optimizer.transforms[-1], AdamW)
    assert run.generate("the", 12).startswith("the")
    with pytest.raises(InputError, match=r"layer 2/attention.* sees the tokens that it is to foretell"):
        bl.fit_text(TEXT, network=own(False), epochs=1)


@pytest.mark.slow
def test_members_and_frozen_parts() -> None:
    members = bl.fit_table(
        frame(), target="kind", text="text", network=SPEC, ensemble=2, epochs=2, seed=0, progress=False
    )
    assert len(members.network.architecture.layers) == 2
    layer = bl.Sequential(bl.Embedding(9, 8), bl.TransformerBlock(8, 2, 8), bl.GlobalAvgPool(), bl.Linear(2))
    start = layer.build((4,), seed=5)
    x = np.random.default_rng(0).integers(0, 9, (64, 4))
    run = bl.fit(start, x, (x == 3).any(axis=1).astype(int), freeze=["1/attention"], epochs=2, progress=False)
    for part, moves in (("attention", False), ("dense", True)):
        before, after = (network.params["1"][part]["body"]["1"] for network in (start, run.network))
        same = np.array_equal(*(each.get("weight", each.get("qkv", {}).get("weight")) for each in (before, after)))
        assert same != moves
