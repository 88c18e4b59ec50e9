"""Judgements: records that are read like the dicts in their files, and don't change."""

import copy
import json
import pickle

import pytest

import backlit as bl
from backlit.train.intervals import Intervals
from backlit.train.judgement import (
    Bin,
    Calibration,
    ClassScores,
    Coverage,
    Guess,
    Judgement,
    LabelScores,
    Mistake,
    Mistakes,
    TargetScores,
)

WHOLE = Judgement(
    residuals=Intervals(((1.0, 2.0),), 2),
    task="classification",
    unit="rows",
    rows=9,
    scores={"accuracy": 0.5},
    baseline={"what": "always 'a', the most frequent class", "accuracy": 0.4},
    classes=(ClassScores("a", 5, 0.5, None), ClassScores("b", 4, None, 0.25)),
    confusion=((3, 2), (1, 3)),
    calibration=Calibration(0.04, (Bin(0.9, 0.8, 9),)),
    labels=(LabelScores("l", 3, 0.9, 0.7, None, 0.5),),
    targets=(TargetScores("t", 1.5, 2.5, 1.25),),
    intervals=Coverage(0.9, (1.0, None), (0.9, 0.8)),
    rivals={"naive Bayes, words": {"accuracy": 0.3}},
    steps=({"step": 1, "network": {"mae": 1.0}},),
    warnings=("no better",),
    guess=Guess(shares=(0.6, 0.4)),
    judged_on="test",
    parts={"training": 20, "test": 9},
    folds=5,
    plan="mlp:64",
    notes=("a note",),
    sample="once",
    mistakes=Mistakes(("size",), (Mistake("a", "b", probability=0.9, cells=(1.0,)),)),
)


def test_a_judgement_is_the_dict_of_its_file():
    data = json.loads(json.dumps(WHOLE, allow_nan=False))
    assert data == WHOLE
    assert list(data["classes"][0]) == ["class", "rows", "recall", "precision"]
    assert data["errors"]["rows"][0] == {"truth": "a", "called": "b", "probability": 0.9, "cells": [1.0]}
    again = Judgement.from_dict(data)
    assert again == WHOLE
    for name in ("residuals", "classes", "confusion", "calibration", "steps", "guess", "mistakes", "folds"):
        assert getattr(again, name) == getattr(WHOLE, name) if name != "confusion" else again[name] == WHOLE[name]
    assert again.classes[0].recall == 0.5
    assert again.residuals.half_width(0.5) == (2.0,)


def test_what_is_not_known_is_none_and_no_key():
    judgement = Judgement(task="regression", scores={})
    assert dict(judgement) == {"task": "regression", "scores": {}}
    assert judgement.classes is None
    assert "classes" not in judgement
    assert judgement.get("calibration") is None
    with pytest.raises(KeyError):
        judgement["classes"]


def test_where_rows_were_judged_by_the_common_way_the_file_tells_of_no_folds_and_no_residuals():
    judgement = Judgement(scores={}, guess=Guess(mean=(1.0,)))
    assert judgement["folds"] is judgement["residuals"] is None
    assert Judgement.from_dict(dict(judgement)) == judgement


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"scores": {"accuracy": 0.5}},
        {"scores": {}, "notes": [], "warnings": []},
        {"task": "text", "unit": "characters", "sample": "ab", "parts": {"training": 3}},
        {"worst": []},
        {"worst": [{"name": "a.png", "class": "cat", "called": "dog", "probability": 0.9}]},
        {"errors": {"columns": [], "rows": [{"truth": 3, "called": 8, "off": 5.0, "pixels": [[1.0]]}]}},
        {"scores": {}, "own": {"more": 1}},
    ],
)
def test_old_and_partial_files_come_back_as_they_were(data):
    assert Judgement.from_dict(data) == data
    assert Judgement.of(data).to_dict() == data
    assert Judgement.of(Judgement.of(data)) == data


def test_mistakes_are_one_idea_under_the_names_that_files_have():
    files = Judgement.from_dict({"worst": [{"name": "a.png", "class": "cat", "called": "dog", "probability": 0.9}]})
    (row,) = files.mistakes.rows
    assert (row.name, row.truth, row.called, row.probability) == ("a.png", "cat", "dog", 0.9)
    assert files.mistakes.named
    table = Judgement.from_dict({"errors": {"columns": ["x"], "rows": []}})
    assert (table.mistakes.columns, table.mistakes.named) == (("x",), False)


def test_a_judgement_does_not_change_but_another_can_be_made():
    with pytest.raises(TypeError, match=r"a Judgement doesn't change: use replace\(name=value\)"):
        WHOLE["notes"] = []
    for change in (
        lambda: WHOLE.update(notes=[]),
        lambda: WHOLE.pop("notes"),
        lambda: WHOLE.setdefault("more", 1),
        lambda: WHOLE["classes"][0].clear(),
    ):
        with pytest.raises(TypeError, match="doesn't change"):
            change()
    other = WHOLE.replace(notes=["more"], mistakes=None)
    assert (other.notes, WHOLE.notes) == (("more",), ("a note",))
    assert other.mistakes is None
    assert "errors" not in other
    assert WHOLE | {"notes": []} == {**WHOLE, "notes": []}
    plain = WHOLE.to_dict()
    plain["classes"][0]["recall"] = 1.0
    assert WHOLE.classes[0].recall == WHOLE["classes"][0]["recall"] == 0.5


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])  # noqa: S301
def test_copies_are_judgements(copied):
    again = copied(WHOLE)
    assert type(again) is Judgement
    assert again == WHOLE
    assert again.classes[1].name == "b"


def test_what_is_counted():
    assert Judgement().what == "rows"
    assert Judgement(steps=({"step": 1},)).what == "windows"
    assert Judgement(unit="characters").what == "characters"


@pytest.mark.parametrize("data", [{"classes": 3}, {"classes": [3]}, {"calibration": []}, {"residuals": {}}])
def test_what_has_another_form_is_refused(data):
    with pytest.raises((TypeError, ValueError, LookupError)):
        Judgement.from_dict(data)


def test_a_run_is_loaded_with_its_judgement(tmp_path):
    run = bl.fit(bl.Linear(1), [[1.0], [2.0]], [1.0, 2.0], epochs=1, engine="numpy", progress=False)
    run.judgement = WHOLE
    loaded = bl.load(run.save(tmp_path / "run"))
    assert type(loaded.judgement) is Judgement
    assert loaded.judgement == WHOLE
    assert loaded.intervals.half_width(0.5) == (2.0,)
