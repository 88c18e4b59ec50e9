"""Folders of runs with several inputs and outputs: whatever they hold, an error names the file."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backlit as bl
from backlit.errors import InputError
from tests.store.common import contents, sign
from tests.store.test_fuzz import VALUES, places, try_sign
from tests.train.several import net, rows

WHOLE: dict[str, bytes] = {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    x, y = rows(30)
    prepared = {"meta": bl.data.Standardize().fit(x["meta"])}
    run = bl.fit(net(), x, y, epochs=2, validation=0.2, preparation=prepared, engine="numpy", progress=False)
    folder = Path(run.save(tmp_path_factory.mktemp("several") / "run"))
    WHOLE.update(contents(folder))
    return folder


def test_what_is_written_is_plain_and_by_name(folder: Path) -> None:
    index, told = (json.loads(WHOLE[name]) for name in ("network.json", "data.json"))
    assert index["input_shape"] == {"image": [5, 5, 1], "meta": [3], "words": [4]}
    assert index["metrics"] == {"kind": ["accuracy"], "price": ["rmse", "r2"]}
    assert [(head["name"], head["loss"]["loss"], head["weight"]) for head in index["loss"]["heads"]] == [
        ("kind", "CrossEntropy", 1.0), ("price", "MeanSquaredError", 1.0),
    ]  # fmt: skip
    assert list(told["targets"]["heads"]) == ["kind", "price"]
    assert list(told["preparation"]["inputs"]) == ["meta"]


def first_head(index: dict[str, Any], **changes: Any) -> None:
    index["loss"]["heads"][0] |= changes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda i: i.update(input_shape=[5]), "input_shape must be a dict of the network's inputs"),
        (lambda i: i["input_shape"].pop("meta"), "input_shape: missing 'meta'"),
        (lambda i: i["input_shape"].update(meta=[10**9]), "values"),
        (lambda i: i["loss"].update(heads=i["loss"]["heads"][:1]), "a loss of kind doesn't fit outputs"),
        (lambda i: first_head(i, name="cost"), "a loss of cost, price doesn't fit outputs"),
        (lambda i: first_head(i, weight=-1), "'kind' must have a finite number of at least 0, got -1"),
        (lambda i: first_head(i, weight="1"), "weight must be a number, got '1'"),
        (lambda i: first_head(i, loss={"loss": "Heads", "heads": []}), "Heads needs a loss for each output"),
        (lambda i: i["metrics"].update(cost=["rmse"]), "metrics: 'cost' is no output"),
        (lambda i: i.update(metrics=["rmse"]), "are by output"),
        (lambda i: i["architecture"].update(inputs=["image"]), "unknown node in the edge"),
        (lambda i: i["architecture"].update(combine=[["join", "product"]]), "unknown combine of Wired 'product'"),
    ],
)
def test_an_index_that_was_changed(folder: Path, change: Callable[[Any], Any], message: str) -> None:
    try:
        sign(folder, lambda index: change(index) and None)
        with pytest.raises(InputError, match=message) as caught:
            bl.load(folder)
        assert str(folder / "network.json") in str(caught.value) or str(folder / "data.json") in str(caught.value)
    finally:
        (folder / "network.json").write_bytes(WHOLE["network.json"])


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_value_changed_for_another(folder: Path, data: Any) -> None:
    name = data.draw(st.sampled_from(["network.json", "data.json"]))
    described = json.loads(WHOLE[name])
    parent, key = data.draw(st.sampled_from(list(places(described))))
    if isinstance(parent, dict) and data.draw(st.booleans(), label="removed"):
        del parent[key]
    else:
        parent[key] = data.draw(VALUES)
    x, _ = rows(3)
    try:
        (folder / name).write_text(json.dumps(described))
        sums = described.get("files", {}) if name == "network.json" else {}
        if isinstance(sums, dict) and set(sums) <= set(WHOLE):
            try_sign(folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            try:
                run = bl.load(folder)
            except InputError as error:
                assert str(folder) in str(error)  # noqa: PT017 (it may also load)
            else:
                assert set(run.predict({k: np.asarray(v) for k, v in x.items()})) == {"kind", "price"}
    finally:
        for kept in ("network.json", name):
            (folder / kept).write_bytes(WHOLE[kept])
