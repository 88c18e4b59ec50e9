"""scikit-learn's transformers as a run's preparation: fitted to training rows, saved without pickle, damage refused."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import compose, decomposition, feature_extraction, feature_selection, impute, pipeline, preprocessing

import backlit as bl
from backlit.data.estimators import CLASSES
from backlit.data.preparation import describe, restore
from backlit.data.transformers import Transformer
from backlit.errors import BacklitWarning, InputError

RNG = np.random.default_rng(0)
X = RNG.lognormal(size=(40, 3)).round(2)
HOLES = np.where(RNG.random(X.shape) < 0.2, np.nan, X)
Y = (X[:, 0] > 1).astype(int)
FRAME = pd.DataFrame({"size": X[:, 0], "age": HOLES[:, 1], "place": RNG.choice(["a", "b", "c"], 40), "none": 1.0})
QUICK = {"epochs": 2, "engine": "numpy", "progress": False, "probes": None}


def mixed():
    numbers = pipeline.make_pipeline(impute.SimpleImputer(add_indicator=True), preprocessing.StandardScaler())
    return compose.ColumnTransformer(
        [
            ("numbers", numbers, ["size", "age"]),
            ("logs", preprocessing.FunctionTransformer(np.log1p), ["size"]),
            ("places", preprocessing.OneHotEncoder(handle_unknown="ignore"), ["place"]),
        ],
        remainder="drop",
    )


KNOWN = {
    "StandardScaler": (preprocessing.StandardScaler(), X),
    "MinMaxScaler": (preprocessing.MinMaxScaler((-1, 1), clip=True), X),
    "MaxAbsScaler": (preprocessing.MaxAbsScaler(), X),
    "RobustScaler": (preprocessing.RobustScaler(), X),
    "Normalizer": (preprocessing.Normalizer(), X),
    "Binarizer": (preprocessing.Binarizer(threshold=1.0), X),
    "PowerTransformer": (preprocessing.PowerTransformer(), X),
    "QuantileTransformer": (preprocessing.QuantileTransformer(n_quantiles=10, output_distribution="normal"), X),
    "PolynomialFeatures": (preprocessing.PolynomialFeatures(2, interaction_only=True), X),
    "KBinsDiscretizer": (preprocessing.KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"), X),
    "OneHotEncoder": (
        preprocessing.OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=2),
        FRAME[["place"]],
    ),
    "OrdinalEncoder": (
        preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        FRAME[["place"]],
    ),
    "TargetEncoder": (preprocessing.TargetEncoder(cv=3), FRAME[["place"]]),
    "FunctionTransformer": (preprocessing.FunctionTransformer(np.log1p), X),
    "SimpleImputer": (impute.SimpleImputer(strategy="median"), HOLES),
    "MissingIndicator": (impute.MissingIndicator(features="all"), HOLES),
    "PCA": (decomposition.PCA(2, whiten=True), X),
    "IncrementalPCA": (decomposition.IncrementalPCA(2), X),
    "TruncatedSVD": (decomposition.TruncatedSVD(2), X),
    "SelectKBest": (feature_selection.SelectKBest(k=2), X),
    "SelectPercentile": (feature_selection.SelectPercentile(feature_selection.chi2, percentile=50), X),
    "VarianceThreshold": (feature_selection.VarianceThreshold(), X),
    "CountVectorizer": (feature_extraction.text.CountVectorizer(ngram_range=(1, 2)), ["a bb cc", "bb cc dd"] * 20),
    "TfidfVectorizer": (feature_extraction.text.TfidfVectorizer(), ["aa bb cc", "bb cc dd"] * 20),
    "TfidfTransformer": (feature_extraction.text.TfidfTransformer(), X),
    "FeatureUnion": (pipeline.make_union(decomposition.PCA(1), preprocessing.StandardScaler()), X),
    "Pipeline": (pipeline.make_pipeline(preprocessing.StandardScaler(), "passthrough", decomposition.PCA(2)), X),
    "ColumnTransformer": (mixed(), FRAME),
    "make_column_selector": (
        compose.make_column_transformer(
            (preprocessing.StandardScaler(), compose.make_column_selector(dtype_include=np.number))
        ),
        FRAME,
    ),
}


def test_every_known_class_is_tried():
    assert set(KNOWN) == set(CLASSES)


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_transformer_comes_back_from_json_and_does_the_same(name):
    transformer, rows = KNOWN[name]
    fitted = Transformer(transformer.fit(rows, Y))
    again = restore(json.loads(json.dumps(describe(fitted), allow_nan=False)))
    assert type(again.transformer) is type(transformer)
    theirs = transformer.transform(rows)
    theirs = np.asarray(theirs.toarray() if hasattr(theirs, "toarray") else theirs)
    np.testing.assert_array_equal(np.asarray(again.apply(rows)), theirs)
    np.testing.assert_array_equal(np.asarray(fitted.apply(rows)), theirs)
    assert describe(again) == describe(fitted)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_a_run_is_prepared_by_a_column_transformer_saved_and_loaded(make, tmp_path):
    frame = make(FRAME.to_dict("list"))
    run = bl.fit(bl.Linear(2), frame, Y, preparation=mixed(), **QUICK)
    scaled = run.inputs(frame)
    theirs = mixed().fit(FRAME, Y).transform(FRAME)
    np.testing.assert_allclose(scaled, np.asarray(theirs), rtol=1e-6)
    same = bl.load(run.save(tmp_path / "run"))
    np.testing.assert_array_equal(same.predict_proba(frame), run.predict_proba(frame))
    shuffled = make(FRAME[["place", "age", "none", "size"]].to_dict("list"))
    np.testing.assert_array_equal(same.predict_proba(shuffled), run.predict_proba(frame))  # columns are found by name
    assert not [file for file in (tmp_path / "run").iterdir() if b"\x80\x04" in file.read_bytes()[:2]]  # no pickle
    with pytest.raises(InputError, match="ColumnTransformer: unknown column 'place'"):
        same.predict(make(FRAME[["size", "age", "none"]].to_dict("list")))


def test_it_learns_from_the_rows_of_training_alone_and_the_users_own_stays_as_it_was():
    scaler = preprocessing.StandardScaler()
    run = bl.fit(bl.Linear(2), X, Y, preparation=scaler, validation=0.25, seed=3, **QUICK)
    rows = run.recipe.examples().split.training[0]
    assert len(rows) == 30
    np.testing.assert_allclose(run.preparation.transformer.mean_, X[rows].mean(axis=0), rtol=1e-12)
    assert not hasattr(scaler, "mean_")
    whole = bl.fit(bl.Linear(2), X, Y, preparation=scaler, **QUICK)
    np.testing.assert_allclose(whole.preparation.transformer.mean_, X.mean(axis=0), rtol=1e-12)


def test_one_that_is_fitted_is_taken_as_it_is(tmp_path):
    other = preprocessing.MinMaxScaler().fit(X[:5])
    run = bl.fit(bl.Linear(2), X, Y, preparation=other, validation=0.25, **QUICK)
    np.testing.assert_allclose(run.inputs(X), other.transform(X), rtol=1e-6)
    again = bl.load(run.save(tmp_path / "run"))
    again.recipe = None
    assert again.fix(X, Y, seeds=2, rounds=1, suit=False).run is not None  # trained again by what the folder tells


def halved(x):
    return x / 2


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (
            preprocessing.FunctionTransformer(halved),
            r"FunctionTransformer.func is the function halved, which plain data",
        ),
        (preprocessing.FunctionTransformer(lambda x: x), r"FunctionTransformer.func is the function <lambda>"),
        (preprocessing.SplineTransformer(3), r"prepared by SplineTransformer can't be saved"),
        (
            pipeline.make_pipeline(preprocessing.FunctionTransformer(halved)),
            r"Pipeline.steps\[0\]\[1\].func is the func",
        ),
    ],
)
def test_what_plain_data_cant_tell_trains_but_isnt_saved(transformer, message, tmp_path):
    run = bl.fit(bl.Linear(2), X, Y, preparation=transformer, **QUICK)
    assert run.predict(X).shape == (40,)
    with pytest.raises(InputError, match=message):
        run.save(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def damaged(change):
    data = json.loads(json.dumps(describe(Transformer(preprocessing.StandardScaler().fit(X)))))
    change(data["transformer"])
    return data


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.update({"class": "SVC"}), "unknown transformer 'SVC'"),
        (lambda data: data.update({"class": "os.system"}), "unknown transformer 'os.system'"),
        (lambda data: data.update(extra=1), "can't be"),
        (lambda data: data["holds"].update(transform=1), "StandardScaler has no attribute 'transform'"),
        (lambda data: data["holds"].update(__class__="x"), "StandardScaler has no attribute '__class__'"),
        (lambda data: data["holds"].update(copy={"function": ["os", "system"]}), "no function that a file may name"),
        (lambda data: data["holds"].update(copy={"function": ["numpy", "load"]}), "no function that a file may name"),
        (lambda data: data["holds"].update(copy={"pickle": "gASV"}), "can't be {'pickle': 'gASV'}"),
        (lambda data: data["holds"].update(copy={"numpy": "load"}), "'load' is no type of NumPy's"),
        (lambda data: data["holds"].update(n_jobs=10**6), "StandardScaler has no attribute 'n_jobs'"),
        (lambda data: data["holds"].update(input="filename"), "a StandardScaler that reads files"),
        (lambda data: data["holds"]["mean_"].update(array=["<U200000000", [1], ["a"], "C"]), "mean_ holds texts of"),
        (lambda data: data["holds"].update(copy={"builtin": "eval"}), "builtin can't be 'eval'"),
        (lambda data: data["holds"]["mean_"]["array"].__setitem__(1, [4]), r"3 values are no array of shape \[4\]"),
        (lambda data: data["holds"]["mean_"]["array"].__setitem__(1, [-3]), "are no array of shape"),
        (lambda data: data["holds"]["mean_"]["array"].__setitem__(0, "V8"), "'V8' is no type of numbers or texts"),
        (lambda data: data["holds"]["mean_"]["array"].__setitem__(2, ["a", "b", "c"]), "array can't be"),
    ],
)
def test_a_damaged_or_hostile_folder_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        restore(damaged(change))


def test_one_that_opens_files_is_refused(tmp_path):
    texts = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for path in texts:
        path.write_text("aa bb")
    reading = feature_extraction.text.CountVectorizer(input="filename").fit(texts)
    with pytest.raises(InputError, match="a CountVectorizer that reads files"):
        describe(Transformer(reading))


def test_another_version_of_scikit_learn_is_told():
    data = describe(Transformer(preprocessing.StandardScaler().fit(X))) | {"version": "0.9.1"}
    with pytest.warns(BacklitWarning, match="made by scikit-learn 0.9.1, here is 1"):
        restore(data)


def test_bad_input_is_told_with_the_transformers_name():
    run = bl.fit(bl.Linear(2), X, Y, preparation=preprocessing.StandardScaler(), **QUICK)
    with pytest.raises(InputError, match="StandardScaler can't prepare x: X has 2 features, but StandardScaler is"):
        run.predict(X[:, :2])
    with pytest.raises(InputError, match="StandardScaler can't learn from x: could not convert string"):
        bl.fit(bl.Linear(2), [["a"]] * 40, Y, preparation=preprocessing.StandardScaler(), **QUICK)
    with pytest.raises(InputError, match="StandardScaler hasn't learned anything yet: call its fit"):
        bl.lr_find(bl.Linear(2), X, Y, preparation=preprocessing.StandardScaler(), engine="numpy")
    with pytest.raises(InputError, match="or fit and transform as in scikit-learn, got 3"):
        bl.fit(bl.Linear(2), X, Y, preparation=3, **QUICK)
