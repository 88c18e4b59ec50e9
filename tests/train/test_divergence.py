"""Where training turned NaN or infinite, as a record that is put into words when it is shown."""

import json
from typing import get_args

import numpy as np
import pytest

import backlit as bl
from backlit.store import old
from backlit.train.divergence import PLACES, Divergence, Place

SENTENCES = {  # what folders of the last version say, and the record
    "the input data": Divergence("inputs", "", 2, 3),
    "parameter 0/weight, which the update before had made infinite or NaN": Divergence("parameter", "0/weight", 2, 3),
    "layer 2/body/1": Divergence("layer", "2/body/1", 2, 3),
    "the network's output": Divergence("output", "", 2, 3),
    "the loss CrossEntropy()": Divergence("loss", "CrossEntropy()", 2, 3),
    "the sum of the losses, which reach 3.4e+38": Divergence("sum of losses", "", 2, 3, greatest=3.4e38),
    "the validation loss": Divergence("validation loss", "", 2, 3),
}


def test_every_place_has_its_sentence() -> None:
    assert set(PLACES) == set(get_args(Place)) == {own.kind for own in SENTENCES.values()}


@pytest.mark.parametrize(("sentence", "record"), SENTENCES.items())
def test_records_and_the_sentences_of_older_folders(sentence: str, record: Divergence) -> None:
    assert record.layer == sentence
    assert old.divergence({"epoch": 2, "step": 3, "layer": sentence, "member": None}) == record
    assert old.divergence(json.loads(json.dumps(vars(record)))) == record


def test_a_sentence_that_nobody_wrote() -> None:
    with pytest.raises(ValueError, match="no place is called 'the moon'"):
        old.divergence({"epoch": 2, "step": 3, "layer": "the moon"})


def test_a_run_keeps_it(tmp_path) -> None:
    x = np.random.default_rng(0).normal(size=(80, 3)).astype("float32")
    net = bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(1))
    run = bl.fit(net, x, x.sum(axis=1), optimizer=bl.SGD(0.9), epochs=200, engine="numpy", probes=None)
    assert run.diverged.kind in ("parameter", "sum of losses", "layer", "loss")
    run.save(tmp_path / "run")
    assert bl.load(tmp_path / "run").diverged == run.diverged
    index = json.loads((tmp_path / "run" / "network.json").read_text())
    assert index["diverged"]["kind"] == run.diverged.kind
