"""bl.fit(table, target=...): every task, every split, what is said, and what is refused."""

import numpy as np
import pandas
import polars as pl
import pytest

import backlit as bl
from backlit.data import TablePreparation
from backlit.errors import InputError, UnknownNameError
from backlit.tasks.split import divide
from backlit.tasks.table import TableTask

QUICK = {"epochs": 30, "network": "mlp:16", "ensemble": 1, "progress": False}


@pytest.fixture
def cars(rng):
    n = 400
    weight, power = rng.normal(size=(2, n))
    make = rng.choice(["가", "나", "다"], n)
    price = 3 * weight + power + 2 * (make == "나") + 0.3 * rng.normal(size=n) + 100
    return pl.DataFrame(
        {
            "weight": [None if i % 20 == 3 else float(w) for i, w in enumerate(weight)],
            "power": power,
            "make": make,
            "price": price,
            "kind": np.where(price > 101, "dear", "cheap"),
            "origin": np.select([weight + power > 1, weight - power > 0], ["north", "south"], "west"),
            "fast": np.where(power > 0, "yes", "no"),
            "heavy": weight > 0,
        }
    )


def test_classes(cars):
    run = bl.fit(cars.drop("price"), target="kind", **QUICK)
    judgement = run.judgement
    assert judgement["task"] == "classification"
    assert judgement["parts"] == {"training": 280, "validation": 60, "test": 60}
    assert judgement["scores"]["accuracy"] > judgement["baseline"]["accuracy"] + 0.2
    assert run.classes == ["cheap", "dear"]
    assert set(run.predict(cars)) == {"cheap", "dear"}
    confusion = np.array(judgement["confusion"])
    assert confusion.sum() == 60
    recall = confusion.diagonal() / confusion.sum(axis=1)
    assert [row["recall"] for row in judgement["classes"]] == pytest.approx(recall.tolist())
    assert judgement["scores"]["balanced_accuracy"] == pytest.approx(recall.mean())
    assert 0 <= judgement["calibration"]["error"] < 0.3


def test_three_classes_and_the_baseline_by_hand(cars):
    run = bl.fit(cars, target="origin", columns={"kind": "drop", "price": "drop"}, **QUICK)
    assert run.classes == ["north", "south", "west"]
    material = TableTask(target="origin").read(cars)
    parts, _ = divide(material, (0.7, 0.15, 0.15), 0)
    names, counts = np.unique(material.y[parts.train], return_counts=True)
    likely = names[counts.argmax()]
    assert run.judgement["baseline"]["accuracy"] == pytest.approx((parts.y_test == likely).mean())
    assert run.judgement["scores"]["accuracy"] == pytest.approx((run.predict(parts.raw_test) == parts.y_test).mean())


def test_numbers_come_back_in_their_own_unit(cars):
    run = bl.fit(cars, target="price", columns={"kind": "drop"}, **QUICK | {"epochs": 100})
    assert run.judgement["scores"]["r2"] > 0.8
    parts, _ = divide(TableTask(target="price").read(cars), (0.7, 0.15, 0.15), 0)
    predicted = run.predict(parts.raw_test)
    rmse = np.sqrt(np.mean((predicted - parts.y_test) ** 2))
    assert run.judgement["scores"]["rmse"] == pytest.approx(rmse, rel=1e-5)
    assert run.judgement["baseline"]["rmse"] == pytest.approx(
        np.sqrt(np.mean((parts.y_test - cars["price"].to_numpy()[parts.train].mean()) ** 2))
    )
    low, high = run.predict_interval(cars)
    q = run.judgement["intervals"]["half_width"][0]
    np.testing.assert_allclose(high - low, 2 * q, rtol=1e-6)
    inside = np.abs(predicted - parts.y_test) <= q
    assert run.judgement["intervals"]["coverage"] == [pytest.approx(inside.mean())]
    wide = run.predict_interval(cars, level=0.95)
    assert (wide[0] <= low).all()


def test_labels(cars):
    run = bl.fit(cars, target=["fast", "heavy"], **QUICK)
    assert run.judgement["task"] == "multi_label"
    predicted = run.predict(cars)
    assert predicted.shape == (400, 2)
    heavy = np.where(cars["heavy"].to_numpy(), "true", "false")  # in words, since all labels are one array
    truth = np.stack([cars["fast"].to_numpy().astype(str), heavy], axis=1)
    assert (predicted == truth).mean() > 0.85
    assert [row["label"] for row in run.judgement["labels"]] == ["fast", "heavy"]
    assert run.judgement["scores"]["accuracy"] > run.judgement["baseline"]["accuracy"]
    assert run.predict_proba(cars).shape == (400, 2)


def test_several_numbers_of_different_size(cars):
    table = cars.select("weight", "power", "make", "price").with_columns(tax=pl.col("price") * 1e-4 + pl.col("power"))
    run = bl.fit(table, target=["price", "tax"], **QUICK | {"epochs": 150})
    predicted = run.predict(table)
    for i, name in enumerate(("price", "tax")):
        assert np.corrcoef(predicted[:, i], table[name])[0, 1] > 0.9
    assert len(run.judgement["intervals"]["half_width"]) == 2
    low, high = run.predict_interval(table)
    assert low.shape == high.shape == (400, 2)


def test_any_frame_and_any_file(cars, tmp_path):
    cars.drop("kind").write_csv(tmp_path / "cars.csv")
    by_file = bl.fit(tmp_path / "cars.csv", target="price", **QUICK)
    by_frame = bl.fit(pandas.read_csv(tmp_path / "cars.csv"), target="price", **QUICK)
    np.testing.assert_allclose(by_file.predict(cars), by_frame.predict(cars), rtol=1e-5)
    assert bl.fit_table(tmp_path / "cars.csv", "price", **QUICK).judgement["rows"] == 60


def test_a_network_of_ones_own(cars):
    net = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(2))
    run = bl.fit(cars, target="kind", **QUICK | {"network": net, "optimizer": bl.SGD(0.1), "loss": "hinge"})
    assert run.network.architecture == net
    assert "calibration" not in run.judgement
    assert bl.fit(cars, target="kind", **QUICK | {"network": "linear"}).network.size == 2 * 12 + 2


# Splits


def test_only_training_rows_are_looked_at(cars):
    """A leak is planted: values that would change every scale, median and level stand in validation and test rows."""
    parts, _ = divide(TableTask(target="price").read(cars), (0.7, 0.15, 0.15), 0)
    held = np.concatenate([parts.validation, parts.test])
    poison = np.zeros(400, dtype=bool)
    poison[held] = True
    poisoned = cars.with_columns(
        power=pl.when(pl.Series(poison)).then(1e6).otherwise(pl.col("power")),
        weight=pl.when(pl.Series(poison)).then(None).otherwise(pl.col("weight")),
        make=pl.when(pl.Series(poison)).then(pl.lit("새것")).otherwise(pl.col("make")),
    )
    clean = bl.fit(cars, target="price", **QUICK)
    leaky = bl.fit(poisoned, target="price", **QUICK)
    assert leaky.preparation == clean.preparation
    assert clean.preparation == TablePreparation.learn(cars[parts.train], clean.preparation.target)
    assert clean.targets.shift == (pytest.approx(cars["price"].to_numpy()[parts.train].mean()),)


def test_groups_stay_together(cars):
    owner = np.arange(400) // 4
    table = cars.with_columns(owner=pl.Series(owner))
    run = bl.fit(table, target="price", group="owner", **QUICK)
    assert "owner" not in run.preparation.names
    parts, _ = divide(TableTask(target="price", group="owner").read(table), (0.7, 0.15, 0.15), 0)
    assert not set(owner[parts.train]) & set(owner[parts.test])
    assert run.judgement["parts"]["training"] == len(parts.train)


def test_the_future_is_judged_on(cars):
    days = pl.date_range(pl.date(2020, 1, 1), pl.date(2021, 2, 3), eager=True)[:400]
    table = cars.with_columns(day=days).sample(fraction=1, shuffle=True, seed=1)
    run = bl.fit(table, target="price", time="day", **QUICK)
    parts, _ = divide(TableTask(target="price", time="day").read(table), (0.7, 0.15, 0.15), 0)
    assert table["day"][parts.train].max() < table["day"][parts.validation].min()
    assert table["day"][parts.validation].max() < table["day"][parts.test].min()
    assert "day elapsed" not in run.preparation.names
    assert "day month sin" in run.preparation.names
    with pytest.raises(InputError, match="by a group or by time"):
        bl.fit(table, target="price", time="day", group="make")
    numbered = bl.fit(cars.with_columns(when=pl.int_range(cars.height)), target="price", time="when", **QUICK)
    assert "when" not in numbered.preparation.names
    with pytest.raises(InputError, match="time 'weight', row 4 is missing"):
        bl.fit(table.drop("day").with_columns(cars["weight"]), target="price", time="weight")


@pytest.mark.slow
def test_a_test_table_of_ones_own(cars):
    run = bl.fit(cars[:300], target="price", test=cars[300:], **QUICK)
    assert run.judgement["parts"] == {"training": 247, "validation": 53, "test": 100}
    truth = cars["price"].to_numpy()[300:]
    rmse = np.sqrt(np.mean((run.predict(cars[300:]) - truth) ** 2))
    assert run.judgement["scores"]["rmse"] == pytest.approx(rmse, rel=1e-5)
    assert any("test rows" in n for n in bl.fit(cars, target="price", test=cars[:50], **QUICK).judgement["notes"])


def test_without_test_rows_the_validation_rows_are_judged(cars):
    run = bl.fit(cars, target="price", split=(0.8, 0.2), **QUICK)
    assert run.judgement["judged_on"] == "validation"
    assert run.judgement["parts"] == {"training": 320, "validation": 80, "test": 0}


def test_rows_without_a_target_are_dropped_and_counted(cars):
    table = cars.with_columns(price=pl.when(pl.int_range(400) % 10 == 0).then(None).otherwise(pl.col("price")))
    run = bl.fit(table, target="price", **QUICK)
    assert "40 rows have no target (price) and are dropped" in run.judgement["notes"]
    assert sum(run.judgement["parts"].values()) == 360


def test_a_class_with_one_row_is_learned_from_and_told(cars):
    table = cars.with_columns(origin=pl.when(pl.int_range(400) == 7).then(pl.lit("east")).otherwise(pl.col("origin")))
    for seed in range(4):
        run = bl.fit(table, target="origin", seed=seed, **QUICK | {"epochs": 2})
        assert run.classes == ["east", "north", "south", "west"]
        assert any("none judged: class east (1)" in note for note in run.judgement["notes"])
        assert run.judgement["classes"][0]["recall"] is None


def test_classes_that_only_the_test_table_has(cars):
    strange = cars[300:].with_columns(origin=pl.when(pl.int_range(100) < 5).then(pl.lit("?")).otherwise("origin"))
    run = bl.fit(cars[:300], target="origin", test=strange, **QUICK | {"epochs": 2})
    assert any("5 test rows have a class that training doesn't have" in note for note in run.judgement["notes"])
    assert run.judgement["rows"] == 95


# What is weighed, calibrated, repeated


def test_balancing_raises_the_recall_of_the_rare_class(rng):
    x = rng.normal(size=(1500, 2))
    y = np.where(x[:, 0] + 0.7 * rng.normal(size=1500) > 2, "rare", "common")
    table = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y})
    plain, balanced = (bl.fit(table, target="y", balance=weigh, **QUICK) for weigh in (False, True))
    recall = [run.judgement["classes"][1]["recall"] for run in (plain, balanced)]
    assert recall[1] > recall[0] + 0.15
    assert plain.judgement["baseline"]["accuracy"] > 0.9
    with pytest.raises(InputError, match="balance weighs classes"):
        bl.fit(table, target="a", balance=True, **QUICK)


def test_calibration_is_applied_and_told(cars, tmp_path):
    run = bl.fit(cars.drop("price"), target="kind", calibrate=True, **QUICK | {"epochs": 300, "patience": 0})
    assert any(note.startswith("calibrated: outputs are divided by") for note in run.judgement["notes"])
    assert "Temperature" in repr(run.network.architecture)
    same = bl.load(run.save(tmp_path / "run"))
    np.testing.assert_array_equal(same.predict_proba(cars), run.predict_proba(cars))


def test_the_same_seed_is_the_same_run(cars):
    first, second = (bl.fit(cars, target="price", seed=5, **QUICK) for _ in range(2))
    np.testing.assert_array_equal(first.predict(cars), second.predict(cars))
    assert first.judgement == second.judgement


def test_levels_by_the_dozen_are_embedded(rng):
    city = rng.integers(0, 50, 2000)
    worth = rng.normal(size=50)
    table = pl.DataFrame({"city": [f"시{c}" for c in city], "noise": rng.normal(size=2000), "y": worth[city]})
    run = bl.fit(table, target="y", **QUICK | {"epochs": 100})
    assert isinstance(run.network.architecture.layers[0], bl.EmbedColumns)
    assert run.judgement["scores"]["r2"] > 0.9


# Refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "prize"}, "did you mean 'price'"),
        ({"target": "price", "epoch": 3}, "did you mean 'epochs'"),
        ({"target": "price", "epochs": 0}, r"epochs must be a whole number of at least 1, got 0"),
        ({"target": "price", "batch_size": -1}, "batch_size must be"),
        ({"target": "price", "learning_rate": 0}, "learning_rate must be"),
        ({"target": "price", "learning_rate": float("nan")}, "learning_rate must be"),
        ({"target": "price", "dropout": 1}, "dropout must be"),
        ({"target": "price", "seed": -1}, "seed must be"),
        ({"target": "price", "ensemble": 0}, "ensemble must be"),
        ({"target": "price", "time_limit": 0}, "time_limit must be"),
        ({"target": "price", "network": "cnm"}, "unknown network"),
        ({"target": "price", "network": "mlp:0"}, "expected hidden layers' sizes"),
        ({"target": "price", "activation": "rely"}, "did you mean 'relu'"),
        ({"target": "price", "optimizer": "adm"}, "did you mean 'adam'"),
        ({"target": "price", "loss": "mean_squard_error"}, "did you mean 'mean_squared_error'"),
        ({"target": "price", "engine": "cuda"}, "unknown engine"),
        ({"target": "price", "columns": {"weigth": "drop"}}, "did you mean 'weight'"),
        ({"target": "price", "columns": {"weight": "numeric"}}, "did you mean 'number'"),
        ({"target": "price", "split": (0.5, 0.2, 0.2)}, "add up to 1"),
        ({"target": "price", "split": (1.0,)}, "shares of training, validation and test"),
        ({"target": "price", "group": "price"}, "it can't be the group as well"),
        ({"target": "price", "group": "ownr"}, "unknown column 'ownr'"),
        ({"target": "price", "task": "classify"}, "did you mean 'classification'"),
        ({"target": "origin", "loss": "binary_cross_entropy"}, "needs two classes, the target has 3"),
        ({"target": []}, "say which column to predict"),
    ],
)
def test_mistakes_are_told_before_anything_is_trained(cars, options, message):
    with pytest.raises(InputError, match=message):
        bl.fit(cars, **options)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"a": [1.0], "y": [2.0]}, r"1 row can't be split|in every row"),
        ({"a": [1.0, 2.0], "y": [2.0, 3.0]}, "2 rows can't be split"),
        ({"a": [1.0, 2.0, 3.0], "y": [2.0, 2.0, 2.0]}, "'y' is 2.0 in every row"),
        ({"a": [1.0, 2.0, 3.0], "y": [None, None, None]}, "every value is missing"),
        ({"a": [None] * 5, "b": [1] * 5, "y": [1.5, 2.5, 3.5, 4.5, 5.5]}, "no column is left to learn from"),
        ({"a": [1.0, float("inf"), 2.0] * 9, "y": [1.5, 2.5, 3.5] * 9}, r"column 'a', row \d+ is infinite"),
        ({"a": [1.0, 2.0] * 5, "y": [f"class {i}" for i in range(10)]}, "every class has fewer than 3 rows"),
        ({"y": [1.5, 2.5] * 5}, "there is no other column"),
    ],
)
def test_tables_that_nothing_can_be_learned_from(table, message):
    with pytest.raises(InputError, match=message):
        bl.fit(table, target="y")


def test_unknown_names_are_their_own_kind_of_error(cars):
    with pytest.raises(UnknownNameError):
        bl.fit(cars, target="prize")


# What is said


@pytest.mark.slow
def test_decisions_about_the_target_are_said(cars):
    counts = cars.select("weight", "power").with_columns(goals=pl.int_range(400) % 5)
    (note,) = bl.fit(counts, target="goals", **QUICK | {"epochs": 2}).judgement["notes"]
    assert note == (
        "target 'goals': 5 different whole numbers are taken for classes; the task regression takes them as numbers"
    )
    assert bl.fit(counts, target="goals", task="regression", **QUICK | {"epochs": 2}).judgement["notes"] == []


def test_a_network_that_guesses_as_well_is_told_of(rng):
    noise = pl.DataFrame({f"c{i}": rng.normal(size=200) for i in range(30)} | {"y": rng.normal(size=200)})
    run = bl.fit(noise, target="y", **QUICK | {"epochs": 100, "patience": 0})
    (warning,) = run.judgement["warnings"]
    assert warning.startswith("no better than always the mean (rmse")
    assert warning.endswith("don't rely on its predictions")


@pytest.mark.slow
def test_rows_with_times_of_their_own_hint_at_a_split_by_time(cars):
    days = pl.date_range(pl.date(2020, 1, 1), pl.date(2021, 2, 3), eager=True)[:400]
    table = cars.with_columns(day=days)
    hint = "split by it: time 'day'"
    assert any(hint in note for note in bl.fit(table, target="price", **QUICK | {"epochs": 1}).judgement["notes"])
    split = bl.fit(table, target="price", time="day", **QUICK | {"epochs": 1})
    assert not any(hint in note for note in split.judgement["notes"])


def test_each_of_several_numbers_is_judged_in_its_own_unit(cars):
    table = cars.select("weight", "power", "price").with_columns(tax=pl.col("price") * 1e-4)
    judged = bl.fit(table, target=["price", "tax"], **QUICK).judgement["targets"]
    assert [row["target"] for row in judged] == ["price", "tax"]
    assert judged[0]["baseline"] == pytest.approx(1e4 * judged[1]["baseline"], rel=1e-6)


def test_odd_columns_of_pandas(cars):
    frame = cars.to_pandas()
    frame["lasted"] = pandas.to_timedelta(np.arange(400) % 50, unit="h")
    frame["maker"] = pandas.Categorical(cars["make"].to_list(), categories=["다", "나", "가"])
    run = bl.fit(frame, target="price", **QUICK | {"epochs": 2})
    assert {"lasted", "maker=가"} <= set(run.preparation.names)
    frame["mixed"] = [1, "x"] * 200
    with pytest.raises(InputError, match="a column holds values of several types; make them one"):
        bl.fit(frame, target="price", **QUICK)
    with pytest.raises(InputError, match=r"LazyFrame isn't read yet; call its collect\(\) first"):
        bl.fit(cars.lazy(), target="price")


def test_a_table_alone_is_not_enough(cars):
    with pytest.raises(InputError, match=r"say which column of the table to predict: bl\.fit\(table, target="):
        bl.fit(cars)
    with pytest.raises(InputError, match="a target is named by text, got 3"):
        bl.fit(cars, target=3)


# Ensembles, as chosen for few rows


@pytest.mark.slow
def test_few_rows_get_an_ensemble_in_folds(cars):
    options = {"network": "mlp:8", "epochs": 20, "progress": False}
    run = bl.fit(cars, target="price", **options)
    assert run.judgement["folds"] == 5
    assert run.judgement["parts"] == {"training": 340, "validation": 0, "test": 60}
    assert len(run.network.architecture.layers) == 5
    assert len(run.intervals.residuals[0]) == 340
    assert bl.fit(cars, target="price", calibrate=False, ensemble=1, **options).judgement["folds"] is None
    groups = cars.with_columns(owner=pl.int_range(400) // 4)
    assert bl.fit(groups, target="price", group="owner", **options).judgement["folds"] == 5
    held = bl.fit(cars, target="origin", split=(0.8, 0.2), **options)
    assert held.judgement["judged_on"] == "held-out folds"
    assert held.judgement["rows"] == 400
    assert bl.fit(cars, target="kind", calibrate=True, ensemble=2, **options).judgement["folds"] is None


@pytest.mark.slow
def test_folds_judge_honestly(rng):
    """On pure noise, held-out folds must not look better than guessing."""
    noise = pl.DataFrame({f"c{i}": rng.normal(size=200) for i in range(20)} | {"y": rng.choice(["a", "b"], 200)})
    run = bl.fit(noise, target="y", split=(0.8, 0.2), epochs=60, patience=0, progress=False)
    assert run.judgement["scores"]["accuracy"] < 0.6
    assert (run.predict(noise) == noise["y"].to_numpy()).mean() > 0.9  # although the rows are known by heart
