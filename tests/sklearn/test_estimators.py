"""Estimators where scikit-learn's users have them, held against what scikit-learn or `bl.fit` makes of the same."""

import inspect
import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_iris, make_multilabel_classification, make_regression
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    train_test_split,
    validation_curve,
)
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import backlit as bl
from backlit.errors import InputError, ShapeError, UnknownNameError
from backlit.settings import declared
from backlit.sklearn import NeuralClassifier, NeuralRegressor
from backlit.sklearn.options import ELSEWHERE
from backlit.train.training import Training

X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]
A, B = make_regression(120, 5, n_targets=2, noise=1.0, random_state=0)


def classifier(network="mlp:16", **options):
    return NeuralClassifier(
        network, **{"engine": "numpy", "learning_rate": 0.02, "epochs": 15, "batch_size": 32, **options}
    )


def regressor(network="mlp:32", **options):
    return NeuralRegressor(
        network, **{"engine": "numpy", "learning_rate": 0.02, "epochs": 30, "batch_size": 32, **options}
    )


# ------------------------------------------------------------------------------------------ what it is


@pytest.mark.parametrize("kind", [NeuralClassifier, NeuralRegressor])
def test_the_constructor_takes_what_fit_declares(kind):
    shown = inspect.signature(kind).parameters
    of_fit = declared(Training)
    missing = set(of_fit) - set(shown) - ELSEWHERE
    assert missing == ({"standardize_targets"} if kind is NeuralClassifier else {"class_weight"})
    for name in set(shown) & set(of_fit) - {"epochs", "dtype", "progress", "standardize_targets"}:
        assert shown[name].default == of_fit[name].default
        assert of_fit[name].doc.split(".")[0][:60] in " ".join(kind.__doc__.split()).replace("  ", " ")
    assert set(kind().get_params()) == set(shown)
    assert clone(kind(epochs=3, optimizer=bl.SGD(0.1))).get_params()["optimizer"] == bl.SGD(0.1)


def test_the_network_is_that_of_fit():
    ours = classifier("mlp:8", random_state=3, l2=1e-3, validation=0.2).fit(X, NAMES)
    network = bl.nn.spec.build("mlp:8", 3, input_shape=(4,))
    options = {"epochs": 15, "batch_size": 32, "seed": 3, "penalty": bl.L2(1e-3), "engine": "numpy", "dtype": "float64"}
    run = bl.fit(network, X, NAMES, optimizer=bl.Adam(0.02), validation=0.2, progress=False, **options)
    assert ours.loss_curve_ == run.history["loss"]
    assert ours.validation_curve_ == run.history["val_loss"]
    assert ours.predict(X).tolist() == run.predict(X).tolist()
    np.testing.assert_array_equal(ours.predict_proba(X), run.predict_proba(X))
    assert ours.n_iter_ == len(ours.history_) == 15
    assert ours.loss_ == ours.loss_curve_[-1]


def test_the_run_has_the_doctor_and_all_else_of_a_run(tmp_path):
    model = classifier(learning_rate=1e-7).fit(X, NAMES)
    assert "learning rate" in str(model.run_.diagnose())
    assert model.run_.classes == ["setosa", "versicolor", "virginica"]
    loaded = bl.load(model.run_.save(tmp_path / "run"))
    assert loaded.predict(X).tolist() == model.predict(X).tolist()


@pytest.mark.parametrize("classes", [[0, 1, 2], ["b", "a", "ö"], [True, False], [-1.0, 1.0], [2**40, 3, -7]])
def test_classes_of_any_type_come_back_sorted(classes):
    y = np.array(classes)[np.arange(len(X)) % len(classes)]
    model = classifier(epochs=1).fit(X, y)
    assert model.classes_.tolist() == sorted(classes)
    predicted = model.predict(X)
    assert predicted.dtype == y.dtype
    assert set(predicted.tolist()) <= set(classes)
    assert model.predict_proba(X).shape == (len(X), len(classes))
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)).sum(axis=1), 1.0)


def test_decision_function_orders_as_probabilities_do():
    binary = classifier().fit(X[:100], Y[:100])
    decision = binary.decision_function(X[:100])
    np.testing.assert_allclose(1 / (1 + np.exp(-decision)), binary.predict_proba(X[:100])[:, 1], rtol=1e-9)
    one = classifier(loss="binary_cross_entropy").fit(X[:100], NAMES[:100])
    assert one.run_.network.output_shape == (1,)
    assert ((one.decision_function(X) > 0) == (one.predict(X) == "versicolor")).all()
    hinge = classifier(loss="hinge").fit(X, Y)
    assert not hasattr(hinge, "predict_proba")
    assert (hinge.decision_function(X).argmax(axis=1) == hinge.predict(X)).all()


# ------------------------------------------------------------------------------------------ targets and weights


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_labels_of_which_several_hold(make):
    x, y = make_multilabel_classification(150, 6, n_classes=3, random_state=0)
    model = make_pipeline(StandardScaler(), classifier(epochs=40)).fit(x, make(y))
    assert model.predict(x).shape == model.predict_proba(x).shape == y.shape
    assert ((model.predict_proba(x) > 0.5) == model.predict(x)).all()
    assert model.score(x, y) == accuracy_score(y, model.predict(x)) > 0.5


def test_numbers_one_or_several_a_row():
    several = regressor().fit(A, B)
    assert several.predict(A).shape == (120, 2)
    assert several.score(A, B) == r2_score(B, several.predict(A)) > 0.9
    assert regressor().fit(A, B[:, 0]).predict(A).shape == (120,)
    assert regressor().fit(A, B[:, :1]).predict(A).shape == (120, 1)
    whole = regressor().fit(A, B[:, 0].astype(int))
    assert whole.predict(A).dtype == float
    assert whole.score(A, B[:, 0].astype(int)) > 0.9


def test_a_linear_network_learns_what_linear_regression_does():
    weights = np.random.default_rng(0).integers(0, 4, 120)
    ours = regressor("linear", optimizer="least_squares", learning_rate=None, batch_size="full")
    theirs = LinearRegression()
    for sample_weight in (None, weights):
        ours.fit(A, B, sample_weight)
        np.testing.assert_allclose(ours.predict(A), theirs.fit(A, B, sample_weight).predict(A), rtol=1e-6, atol=1e-6)
    assert not hasattr(ours, "partial_fit")


def test_a_linear_network_with_l2_learns_what_logistic_regression_does():
    rng = np.random.default_rng(0)
    sample_weight, class_weight = rng.integers(0, 3, len(X)), {0: 1.0, 1: 5.0, 2: 1.0}
    kept = sum(sample_weight * np.array([1.0, 5.0, 1.0])[Y])
    theirs = LogisticRegression(C=0.5, class_weight=class_weight, max_iter=1000, tol=1e-8).fit(X, Y, sample_weight)
    ours = classifier(
        "linear", l2=1 / kept, class_weight=class_weight, batch_size="full", epochs=1500, learning_rate=0.05
    )
    ours.fit(X, Y, sample_weight)  # Σ w l / Σ w + |W|² / Σ w, where theirs is Σ w l + |W|² / (2 C)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4)


def test_rows_of_weight_zero_are_as_if_they_werent_there():
    weights = (np.arange(len(X)) % 3 > 0).astype(float)
    with_zeros = classifier().fit(X, Y, weights)
    without = classifier().fit(X[weights > 0], Y[weights > 0], weights[weights > 0])
    np.testing.assert_array_equal(with_zeros.predict_proba(X), without.predict_proba(X))
    assert not np.allclose(with_zeros.predict_proba(X), classifier().fit(X, Y).predict_proba(X))


def test_weights_count_in_mean_and_spread_of_numbers():
    weights = np.r_[np.ones(60), np.full(60, 2.0)]
    ours = regressor("linear", epochs=1).fit(A, B, weights)
    np.testing.assert_allclose(ours._targets.shift, np.average(B, axis=0, weights=weights), rtol=1e-12)


# ------------------------------------------------------------------------------------------ going on


def test_partial_fit_goes_on_with_network_and_optimizer():
    whole = classifier(epochs=4).fit(X, NAMES)
    parts = classifier()
    for _ in range(4):
        parts.partial_fit(X, NAMES, classes=np.unique(NAMES))
    np.testing.assert_array_equal(parts.predict_proba(X), whole.predict_proba(X))  # rows, order and Adam's means alike
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.run_.history["epoch"] == [1, 2, 3, 4]
    further = pickle.loads(pickle.dumps(whole)).partial_fit(X, NAMES)  # noqa: S301
    np.testing.assert_array_equal(further.predict_proba(X), classifier(epochs=5).fit(X, NAMES).predict_proba(X))


def test_partial_fit_learns_from_streams_that_have_some_classes_each():
    model = classifier(learning_rate=0.01)
    for epoch in range(15):
        for part in np.array_split(np.arange(150), 5):  # sorted by class
            model.partial_fit(X[part], NAMES[part], classes=np.unique(NAMES) if not epoch else None)
    assert model.score(X, NAMES) > 0.8
    numbers = regressor()
    for _ in range(20):
        for part in np.array_split(np.arange(120), 3):
            numbers.partial_fit(A[part], B[part])
    assert numbers.score(A, B) > 0.8


def test_warm_start_begins_with_the_parameters_of_before():
    model = classifier(epochs=3, warm_start=True).fit(X, Y)
    first = model.loss_curve_
    model.fit(X, Y)
    assert model.loss_curve_[:3] == first
    assert model.n_iter_ == 6
    assert model.loss_curve_[3] < first[2]
    again = bl.fit(
        classifier(epochs=3).fit(X, Y).run_.network,
        X,
        Y,
        epochs=3,
        batch_size=32,
        optimizer=bl.Adam(0.02),
        dtype="float64",
        engine="numpy",
        progress=False,
    )
    assert model.loss_curve_[3:] == again.history["loss"]
    assert classifier(epochs=3).fit(X, Y).fit(X, Y).n_iter_ == 3


def test_early_stopping_goes_back_to_the_best_and_partial_fit_goes_on_from_there():
    model = classifier("mlp:64", epochs=60, learning_rate=0.1, early_stopping=3, validation=0.3).fit(X, Y)
    assert model.n_iter_ < 60
    best = int(np.argmin(model.validation_curve_)) + 1
    assert model.run_.best_epoch == best
    model.set_params(early_stopping=None, learning_rate=1e-9).partial_fit(X, Y)
    assert model.validation_curve_[-1] == pytest.approx(model.validation_curve_[best - 1], rel=1e-4)
    other = classifier(validation=(X[::2], NAMES[::2])).fit(X, NAMES)
    assert other.run_.evaluate(X[::2], NAMES[::2])["loss"] == pytest.approx(other.validation_curve_[-1])


# ------------------------------------------------------------------------------------------ kinds of input


def test_sparse_rows_and_lists_are_as_dense_ones():
    dense = classifier().fit(X, Y).predict_proba(X)
    for make in (sparse.csr_array, sparse.csc_matrix, sparse.coo_array, np.ndarray.tolist):
        np.testing.assert_array_equal(classifier().fit(make(X), Y).predict_proba(make(X)), dense)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_data_frames_have_names(make):
    frame = make({name: X[:, i] for i, name in enumerate("abcd")})
    model = classifier().fit(frame, make({"y": NAMES})["y"])
    assert model.feature_names_in_.tolist() == list("abcd")
    assert model.n_features_in_ == 4
    np.testing.assert_array_equal(model.predict(frame), classifier().fit(X, NAMES).predict(X))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[["b", "a", "c", "d"]])
    np.testing.assert_array_equal(model.run_.predict(frame[["b", "a", "c", "d"]]), model.predict(frame))


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_behind_transformers_whose_output_is_set(output):
    frame = pd.DataFrame({"size": X[:, 0], "place": np.array(["a", "b"])[Y % 2], "age": X[:, 1]})
    columns = ColumnTransformer(
        [("n", StandardScaler(), ["size", "age"]), ("p", OneHotEncoder(sparse_output=False), ["place"])]
    )
    model = make_pipeline(columns.set_output(transform=output), classifier()).fit(frame, Y)
    assert model[-1].feature_names_in_.tolist() == ["n__size", "n__age", "p__place_a", "p__place_b"]
    assert model.score(frame, Y) > 0.7


def test_pictures_sequences_and_networks_of_ones_own():
    pictures = np.random.default_rng(0).normal(size=(30, 8, 8, 1))
    pictures[::2, :4] += 2
    y = np.arange(30) % 2
    assert classifier("conv:4,3 relu globalpool", epochs=30).fit(pictures, y).score(pictures, y) > 0.9
    steps = np.array([[1, 2, 3], [3, 2, 1]])[y]
    own = bl.Sequential(bl.Embedding(4, 6), bl.GlobalAvgPool(), bl.Linear(2))
    assert (
        classifier(bl.Sequential(bl.Embedding(4, 6), bl.Flatten(), bl.Linear(2))).fit(steps, y).score(steps, y) == 1.0
    )
    assert classifier(own, epochs=1).fit(steps, y).run_.network.architecture == own
    started = bl.Sequential(bl.Linear(3)).build((4,), seed=9)
    kept = classifier(started, optimizer=bl.SGD(0.0), learning_rate=None).fit(X, Y)
    np.testing.assert_allclose(kept.decision_function(X), started(X), rtol=1e-6)


def test_types_of_numbers_are_kept():
    assert classifier().fit(X.astype(np.float32), Y).predict_proba(X.astype(np.float32)).dtype == np.float32
    assert classifier().fit(X, Y).predict_proba(X).dtype == np.float64
    assert classifier(dtype="float32").fit(X, Y).run_.network.dtype == np.float32


def test_random_state():
    one, same, other = (classifier(random_state=seed, epochs=2).fit(X, Y).loss_curve_ for seed in (1, 1, 2))
    assert one == same != other
    drawn = [classifier(random_state=None, epochs=1).fit(X, Y).loss_ for _ in range(3)]
    assert len(set(drawn)) == 3
    given = np.random.RandomState(0)
    assert (
        classifier(random_state=given, epochs=1).fit(X, Y).loss_
        != classifier(random_state=given, epochs=1).fit(X, Y).loss_
    )


# ------------------------------------------------------------------------------------------ among scikit-learn's own


def test_grid_search_in_two_processes_finds_what_one_does():
    grid = {"neuralclassifier__learning_rate": [1e-5, 0.02], "neuralclassifier__network": [(8,), "linear"]}
    model = make_pipeline(StandardScaler(), classifier(epochs=5))
    one, two = (GridSearchCV(model, grid, cv=3, n_jobs=jobs).fit(X, NAMES) for jobs in (1, 2))
    assert one.best_params_["neuralclassifier__learning_rate"] == 0.02
    np.testing.assert_array_equal(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


def test_search_by_chance_over_objects():
    choices = {"optimizer": [bl.Adam(0.02), bl.Momentum(0.1)], "penalty": [None, bl.L2(1e-3)], "learning_rate": [None]}
    found = RandomizedSearchCV(classifier(epochs=5), choices, n_iter=4, cv=2, random_state=0).fit(X, Y)
    assert found.best_score_ > 0.8


def test_cross_validation_and_curves():
    assert cross_val_score(classifier(), X, NAMES, cv=3).mean() > 0.85
    assert cross_val_score(regressor(), A, B, cv=3).mean() > 0.8
    assert cross_val_predict(classifier(), X, NAMES, cv=3, method="predict_proba").shape == (150, 3)
    _, trained, tested = learning_curve(classifier(), X, Y, train_sizes=[0.3, 1.0], cv=3, shuffle=True, random_state=0)
    assert trained.shape == tested.shape == (2, 3)
    _, tested = validation_curve(classifier(epochs=5), X, Y, param_name="learning_rate", param_range=[1e-6, 0.02], cv=3)
    assert tested[1].mean() > tested[0].mean()


@pytest.mark.parametrize("ensemble", [False, True])
def test_calibration(ensemble):
    model = CalibratedClassifierCV(classifier(), cv=3, ensemble=ensemble).fit(X, NAMES)
    assert model.score(X, NAMES) > 0.85
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)


def test_ensembles_of_scikit_learn():
    others = [("net", classifier()), ("line", LogisticRegression())]
    assert VotingClassifier(others, voting="soft").fit(X, NAMES).score(X, NAMES) > 0.9
    assert StackingClassifier(others, cv=3).fit(X, NAMES).score(X, NAMES) > 0.9
    bag = BaggingClassifier(classifier(epochs=3), n_estimators=3, random_state=0).fit(X, NAMES)
    assert len({tree.random_state for tree in bag.estimators_}) == 3
    both = MultiOutputClassifier(classifier(epochs=2)).fit(X, np.c_[Y, NAMES])
    assert both.predict(X).shape == (150, 2)


def test_permutation_importance_and_transformed_targets():
    x = np.c_[X[:, 2], np.zeros(150)]
    told = permutation_importance(classifier().fit(x, Y), x, Y, random_state=0)
    assert told.importances_mean[0] > 0.2 > told.importances_mean[1] == 0.0
    y = np.exp(B[:, 0] / 100)
    model = TransformedTargetRegressor(regressor(), func=np.log, inverse_func=np.exp).fit(A, y)
    assert model.score(A, y) > 0.8


def test_weights_are_routed():
    weights = np.random.default_rng(0).integers(0, 4, len(X)).astype(float)
    plain = classifier(epochs=3)
    by_hand = clone(plain).fit(X, Y, weights)
    with config_context(enable_metadata_routing=True):
        asking = clone(plain).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        model = make_pipeline("passthrough", asking).fit(X, Y, sample_weight=weights)
        np.testing.assert_array_equal(model.predict_proba(X), by_hand.predict_proba(X))
        told = GridSearchCV(asking, {"epochs": [3]}, cv=[(np.arange(0, 150, 2), np.arange(1, 150, 2))], refit=False)
        told.fit(X, Y, sample_weight=weights)
    odd = clone(plain).fit(X[::2], Y[::2], weights[::2])
    assert told.best_score_ == odd.score(X[1::2], Y[1::2], weights[1::2]) != odd.score(X[1::2], Y[1::2])


def test_pickles_and_joblib(tmp_path):
    model = classifier(validation=0.2).fit(X, NAMES)
    joblib.dump(model, tmp_path / "model.joblib")
    for same in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model.joblib")):  # noqa: S301
        np.testing.assert_array_equal(same.predict_proba(X), model.predict_proba(X))
        assert same.loss_curve_ == model.loss_curve_
        assert str(same.run_.diagnose()) == str(model.run_.diagnose())
    fitted = joblib.Parallel(n_jobs=2)(
        joblib.delayed(clone(model).set_params(random_state=i).fit)(X, NAMES) for i in range(2)
    )
    assert [each.score(X, NAMES) > 0.8 for each in fitted] == [True, True]
    assert fitted[0].loss_curve_ == model.loss_curve_


# ------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("work", "kind", "message"),
    [
        (
            lambda: NeuralClassifier(epoch=3),
            UnknownNameError,
            "unknown option of NeuralClassifier 'epoch'; did you mean 'epochs'",
        ),
        (lambda: classifier(epochs=0).fit(X, Y), InputError, "epochs must be a whole number of at least 1, got 0"),
        (lambda: classifier(learning_rate=-1).fit(X, Y), InputError, "learning_rate must be a number in"),
        (lambda: classifier(l2=-1).fit(X, Y), InputError, "l2 must be a number in"),
        (lambda: classifier("mpl:8").fit(X, Y), InputError, "unknown network 'mpl'; did you mean 'mlp'"),
        (lambda: classifier((8, 0)).fit(X, Y), InputError, "network must be a name such as 'mlp:64,32'"),
        (
            lambda: classifier(bl.Linear(2)).fit(X, Y),
            ShapeError,
            "3 classes need 3 outputs for .* end it with bl.Linear",
        ),
        (lambda: classifier(bl.Linear(3), dropout=0.1).fit(X, Y), InputError, "put bl.Dropout"),
        (
            lambda: classifier(loss="mean_squared_error").fit(X, Y),
            InputError,
            "learns 'number' targets, but y is a class",
        ),
        (
            lambda: classifier(loss="binary_cross_entropy").fit(X, Y),
            InputError,
            "needs two classes, the targets have 3",
        ),
        (lambda: regressor(loss="cross_entropy").fit(A, B), InputError, "learns 'class' targets, but y is numbers"),
        (lambda: classifier(l2=0.1, penalty=bl.L1(0.1)).fit(X, Y), InputError, "give them or penalty, not both"),
        (lambda: classifier().fit(X, np.zeros(150)), InputError, "y has one class, 0.0: a network needs two"),
        (lambda: classifier().fit(X, np.c_[Y, Y]), InputError, r"MultiOutputClassifier\(NeuralClassifier\(\)\)"),
        (lambda: classifier().fit(X, X[:, 0]), ValueError, "Unknown label type: continuous"),
        (lambda: classifier().fit(X[:, :0], Y), ValueError, "0 feature"),
        (lambda: classifier().fit(X, Y, np.zeros(150)), ValueError, "at least one non-zero number"),
        (lambda: classifier().fit(X, Y, -np.ones(150)), ValueError, "Negative values"),
        (lambda: classifier(class_weight={7: 2.0}).fit(X, Y), InputError, "class_weight names"),
        (lambda: classifier().predict(X), NotFittedError, "not fitted yet"),
        (lambda: classifier().partial_fit(X, Y), ValueError, "classes must be passed on the first call"),
        (
            lambda: classifier(early_stopping=3).partial_fit(X, Y, [0, 1, 2]),
            InputError,
            "early_stopping=.* watches epochs of fit",
        ),
        (
            lambda: classifier(schedule="cosine").partial_fit(X, Y, [0, 1, 2]),
            InputError,
            "schedule='cosine' counts in epochs",
        ),
        (
            lambda: classifier(class_weight="balanced").partial_fit(X, Y, [0, 1, 2]),
            InputError,
            "needs all rows to count",
        ),
        (lambda: classifier().partial_fit(X, Y, [0, 1]), InputError, r"weren't there before: \[2\]; before: \[0, 1\]"),
        (lambda: classifier(warm_start=True).fit(X[:100], Y[:100]).fit(X, Y), InputError, "weren't there before"),
        (
            lambda: classifier(warm_start=True, ensemble=2).fit(X, Y).fit(X, Y),
            InputError,
            "an ensemble is trained anew",
        ),
        (
            lambda: classifier(warm_start=True).fit(X, Y).fit(X[:, :2], Y),
            InputError,
            r"rows of shape \(4,\), as before",
        ),
        (lambda: regressor().partial_fit(A, B).partial_fit(A, B[:, 0]), InputError, "2 outputs then, 1 now"),
    ],
)
def test_what_doesnt_fit_is_told(work, kind, message):
    with pytest.raises(kind, match=message):
        work()


def test_a_call_that_was_refused_leaves_no_trace():
    model = classifier(early_stopping=3)
    with pytest.raises(InputError, match="early_stopping"):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    assert not hasattr(model, "classes_")
    assert model.set_params(early_stopping=None).partial_fit(
        X, NAMES, classes=np.unique(NAMES)
    ).classes_.tolist() == sorted(set(NAMES))


def test_a_fit_that_was_refused_leaves_what_was_learned():
    model = regressor().fit(A, B)
    before = model.predict(A)
    with pytest.raises(InputError, match="epochs must be"):
        model.set_params(epochs=0).fit(A, B[:, 0])
    np.testing.assert_array_equal(model.predict(A), before)
    both = regressor(ensemble=2, warm_start=True, epochs=2).fit(A, B).partial_fit(A, B)
    assert both.n_iter_ == 3


def test_divergence_is_warned_of_as_scikit_learn_does():
    with pytest.warns(ConvergenceWarning, match="training diverged"):
        model = regressor(optimizer=bl.SGD(1e30), learning_rate=None, standardize_targets=False).fit(A, B)
    assert model.run_.diverged
    with pytest.warns(ConvergenceWarning, match="the loss never came down to 1e-09"):
        classifier(until_loss=1e-9, epochs=2).fit(X, Y)
    assert classifier(until_loss=0.9, epochs=50).fit(X, Y).n_iter_ < 50  # reached, and nothing to warn of


def test_threads_share_what_is_compiled():
    models = [classifier(engine="xla", epochs=2, probes=None, random_state=seed) for seed in (0, 1, 0, 1)]
    fitted = joblib.Parallel(n_jobs=4, prefer="threads")(joblib.delayed(model.fit)(X, Y) for model in models)
    assert fitted[0].loss_curve_ == fitted[2].loss_curve_ != fitted[1].loss_curve_ == fitted[3].loss_curve_


# ------------------------------------------------------------------------------------------ compiling


@pytest.mark.slow
def test_a_grid_compiles_once_a_network(monkeypatch):
    from backlit.train import prepare
    from backlit.train.lazy import MadeOnce
    from backlit.train.program import Program

    made = []

    def counted(**parts):
        made.append(Program(**parts))
        return made[-1]

    monkeypatch.setattr(prepare, "program_for", MadeOnce(counted))
    rows = X[:142]  # folds of 113 and 114 rows
    grid = {"network": ["mlp:4", "mlp:6"], "learning_rate": [0.01, 0.02], "l2": [1e-4, 1e-3]}
    options = {"engine": "xla", "epochs": 3, "probes": None, "validation": 0.2}
    found = GridSearchCV(classifier(**options), grid, cv=5, refit=False).fit(rows, Y[:142])
    assert len(found.cv_results_["params"]) == 8
    assert [program.train.traces for program in made] == [1, 1]


def test_training_and_held_out_parts_of_one_table():
    """What a new user does first."""
    train_x, test_x, train_y, test_y = train_test_split(X, NAMES, random_state=0, stratify=NAMES)
    assert NeuralClassifier().fit(train_x, train_y).score(test_x, test_y) > 0.9
