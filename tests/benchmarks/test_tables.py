"""The scoring of the tables, on tables small enough to do by hand, and the peers without a warning."""

import json
import math

import numpy as np
import polars as pl
import pytest

from benchmarks import table_models, tables
from benchmarks.generated_tables import churn, houses


def constant(probability: float):
    """A model that always says the same."""

    def fit(frame, target, classes, seed):
        def predict(new):
            assert target not in new.columns
            if classes is None:
                return np.full(new.height, frame[target].mean()), None
            chances = np.tile([1 - probability, probability], (new.height, 1))
            return np.array(classes)[chances.argmax(axis=1)], chances

        return predict

    return fit


def small(measure="accuracy"):
    y = ["yes"] * 10 + ["no"] * 30 if measure != "r2" else list(range(40))
    return tables.Table(pl.DataFrame({"x": range(40), "y": y}), "y", measure)


@pytest.fixture
def models(monkeypatch):
    made = {"backlit": constant(0.2), "MLP": constant(0.9)}
    monkeypatch.setattr(tables, "MODELS", made)
    return made


def test_measures_by_hand():
    truth = np.array(["a", "a", "a", "b"])
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]])
    found = tables.measures(truth, np.array(["a", "a", "b", "b"]), chances, ["a", "b"])
    expected = -(math.log(0.9) + math.log(0.8) + math.log(0.4) + math.log(0.7)) / 4
    assert found == pytest.approx(
        {"accuracy": 0.75, "balanced_accuracy": (2 / 3 + 1) / 2, "log_loss": expected, "roc_auc": 1}
    )
    assert tables.measures(np.array([1.0, 2, 3]), np.array([1.0, 2, 4]), None, None) == pytest.approx({"r2": 0.5})


def test_splits_are_stratified_and_the_same_for_all(models):
    found = tables.measure_table(small(), list(models), range(3))
    assert [split["accuracy"] for split in found["backlit"]] == [0.75] * 3  # two of eight are "yes" in every test part
    assert [split["accuracy"] for split in found["MLP"]] == [0.25] * 3
    assert [split["roc_auc"] for split in found["MLP"]] == [0.5] * 3
    assert all(split["seconds"] >= 0 for split in found["MLP"])


def test_other_splits_hold_out_other_rows(monkeypatch):
    seen = []

    def spy(frame, target, classes, seed):
        seen.append((seed, tuple(frame["x"])))
        return constant(0.2)(frame, target, classes, seed)

    monkeypatch.setattr(tables, "MODELS", {"backlit": spy, "MLP": spy})
    tables.measure_table(small(), ["backlit", "MLP"], [7, 8])
    assert [seed for seed, _ in seen] == [7, 7, 8, 8]
    assert seen[0] == seen[1]
    assert seen[2] == seen[3]
    assert seen[0][1] != seen[2][1]


def test_the_mean_of_the_training_rows_is_no_better_than_nothing(models):
    found = tables.measure_table(small("r2"), ["backlit"], range(4))
    assert max(split["r2"] for split in found["backlit"]) <= 0


def splits(*scores):
    return [{"r2": score, "seconds": 1.0} for score in scores]


@pytest.mark.parametrize(
    ("ours", "difference", "holds"),
    [((0.9, 0.8, 0.7), 0.1, True), ((0.6, 0.7, 0.8), 0.0, True), ((0.5, 0.59, 0.7), -0.10333, False)],
)
def test_backlit_is_held_against_the_better_network(ours, difference, holds):
    found = {"backlit": splits(*ours), "MLP": splits(-1, -1, -1), "MLP-scaled": splits(0.6, 0.7, 0.8)}
    result = tables.compare(found, "r2")
    assert result["peer"] == "MLP-scaled"
    assert result["difference"] == pytest.approx(difference, abs=1e-4)
    assert result["holds"] is holds


def test_a_loss_within_two_standard_errors_is_noise():
    found = {"backlit": splits(0.6, 0.9, 0.7), "MLP": splits(0.7, 0.7, 0.9)}
    result = tables.compare(found, "r2")
    assert result["difference"] < 0
    assert result["error"] == pytest.approx(np.std([-0.1, 0.2, -0.2], ddof=1) / 3**0.5)
    assert result["holds"] is True


def test_report_says_what_was_found(models, monkeypatch):
    monkeypatch.setattr(tables, "load", lambda name: small("roc_auc"))
    text = tables.report(tables.measure_all(["iris"], list(models), range(2)), 2)
    assert "| iris | 40 | ROC AUC | 0.5000 ± 0.0000 | 0.5000 ± 0.0000 | +0.0000 ± 0.0000 | yes |" in text
    assert "| accuracy | 0.7500 | 0.7500 ± 0.0000 | 0.2500 ± 0.0000 |" in text


def test_a_worse_table_is_shown_in_the_report(models, monkeypatch):
    monkeypatch.setitem(models, "backlit", constant(0.9))
    monkeypatch.setitem(models, "MLP", constant(0.2))
    monkeypatch.setattr(tables, "load", lambda name: small())
    text = tables.report(tables.measure_all(["iris"], list(models), range(2)), 2)
    assert "| -0.5000 ± 0.0000 | **no** |" in text


def test_bundled_tables_have_names():
    iris = tables.load("iris")
    assert iris.classes == ["setosa", "versicolor", "virginica"]
    assert "petal length (cm)" in iris.frame.columns
    assert iris.majority == pytest.approx(1 / 3)
    assert tables.load("diabetes").classes is None
    assert all(tables.load(name).frame.height for name in tables.NAMES)


@pytest.mark.parametrize("model", ["MLP", "MLP-scaled", "linear", "boosting"])
def test_peers_learn_without_a_warning(model):
    for table in (tables.Table(churn(400), "leaves", "roc_auc"), tables.Table(houses(400), "가격", "r2")):
        found = tables.measure_table(table, [model], [0])
        if table.classes is None or model not in table_models.ONLY_REGRESSION:
            assert found[model][0][table.measure] > (-5 if model == "MLP" else 0.5)
        else:
            assert not found


def test_command(capsys):
    text = tables.main(["--splits", "2", "--tables", "iris", "--models", "linear", "--json"])
    found = json.loads(text)["iris"]
    assert found["measure"] == "accuracy"
    assert len(found["models"]["linear"]) == 2
    assert min(split["accuracy"] for split in found["models"]["linear"]) > 0.85
    assert "iris (accuracy): linear" in capsys.readouterr().err
    for wrong in (["--tables", "irises"], ["--models", "linear,luck"], ["--splits", "0"], ["--first", "-1"]):
        with pytest.raises(SystemExit, match="2"):
            tables.main(wrong)
