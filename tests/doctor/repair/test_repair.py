"""Runs mended: each remedy by construction, what is kept and what isn't, and the original as it was."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

import backlit as bl
from backlit.doctor.findings import kinds
from backlit.doctor.repair.compare import capped, costs, groups, validate
from backlit.doctor.repair.search import MISTAKES
from backlit.nn.changing import changed

RNG = np.random.default_rng(0)
X = RNG.normal(size=(160, 4)).astype("float32")
SIGN = (X[:, 0] + 0.5 * X[:, 1] > 0).astype(int)
RING = (np.square(X[:, :2]).sum(axis=1) > 1.4).astype(int)
SUM = (X @ np.array([1.0, -1.0, 0.5, 0.0])).astype("float32")
FIT = {"validation": 0.25, "engine": "numpy", "epochs": 8, "optimizer": bl.Adam(0.01)}
NO = bl.Linear(2)


def net(*layers: bl.Layer) -> bl.Sequential:
    return bl.Sequential(*layers)


def fit(network: bl.Layer, x: np.ndarray = X, y: np.ndarray = SIGN, **options) -> bl.Run:
    return bl.fit(network, x, y, **(FIT | options))


# ------------------------------------------------------------------------------------ changes of an architecture


def test_layers_change_wherever_they_are() -> None:
    inner = bl.Residual(bl.Linear(4), bl.Sigmoid())
    outer = bl.Sequential(
        bl.Linear(4),
        bl.Parallel(inner, bl.Sequential(bl.Sigmoid()), combine="sum"),
        bl.Wired({"a": bl.Linear(4), "b": bl.Sigmoid()}, [("a", "b")]),
        bl.Linear(1),
    )
    new = changed(outer, lambda path, own: (bl.ReLU() if isinstance(own, bl.Sigmoid) else own,))
    assert "Sigmoid" not in repr(new)
    assert repr(new).replace("ReLU", "Sigmoid") == repr(outer)
    assert new.build((3,)).output_shape == (1,)
    assert outer == changed(outer, lambda path, own: (own,))


def test_paths_are_those_of_the_network() -> None:
    relu = bl.ReLU()  # one object in three places
    outer = bl.Sequential(bl.Linear(3), relu, bl.Residual(bl.Linear(3), relu), relu)
    paths = []
    changed(outer, lambda path, own: paths.append((path, own)) or (own,))
    assert [path for path, _ in paths] == ["0", "1", "2/body/0", "2/body/1", "3"]
    (third,) = [changed(outer, lambda path, own: (bl.Tanh(),) if path == "2/body/1" else (own,)).layers[2]]
    assert third == bl.Residual(bl.Linear(3), bl.Tanh())


def test_a_place_that_must_be_filled_gets_an_identity() -> None:
    gone = changed(bl.Residual(bl.Tanh()), lambda path, own: ())
    assert gone == bl.Residual(bl.Identity())
    assert changed(bl.Tanh(), lambda path, own: ()) == bl.Identity()
    assert changed(bl.Sequential(bl.Tanh()), lambda path, own: ()) == bl.Sequential(bl.Identity())
    both = changed(bl.Residual(bl.Tanh()), lambda path, own: (own, bl.LayerNorm()))
    assert both == bl.Residual(bl.Tanh(), bl.LayerNorm())


# ------------------------------------------------------------------------------------ remedies, one by one


CHANGES = {
    "classes as numbers": (
        lambda: fit(net(bl.Linear(4), bl.Linear(1)), y=(SIGN + RING).astype("float32")),
        lambda r: (r.architecture.layers[-1].units, r.training.loss, r.y.dtype.kind) == (3, "cross_entropy", "i"),
    ),
    "unscaled targets": (
        lambda: fit(bl.Linear(1), y=100 * SUM + 500),
        lambda r: r.training.standardize_targets is True,
    ),
    "softmax twice": (
        lambda: fit(net(bl.Linear(2), bl.Softmax())),
        lambda r: r.architecture == net(bl.Linear(2)),
    ),
    "activation before the loss": (
        lambda: fit(net(bl.Linear(2), net(bl.Linear(2), bl.ReLU()))),
        lambda r: r.architecture == net(bl.Linear(2), net(bl.Linear(2))),
    ),
    "softmax on one unit": (
        lambda: fit(net(bl.Linear(1), bl.Softmax()), loss="binary_cross_entropy"),
        lambda r: r.architecture == net(bl.Linear(1)),
    ),
    "targets out of reach": (
        lambda: fit(net(bl.Linear(1), bl.Sigmoid()), y=SUM),
        lambda r: r.architecture == net(bl.Linear(1)),
    ),
    "tiny batches in batch norm": (
        lambda: fit(net(bl.Linear(4), bl.BatchNorm(), bl.Linear(2)), batch_size=2),
        lambda r: r.training.batch_size == 32,
    ),
    "no non-linearity": (
        lambda: fit(net(bl.Linear(8), bl.Linear(2))),
        lambda r: r.architecture == net(bl.Linear(8, weight_init="kaiming"), bl.ReLU(), bl.Linear(2)),
    ),
    "zero initialisation": (
        lambda: fit(net(bl.Linear(8, weight_init="zeros", bias_init="constant:-3"), bl.ReLU(), bl.Linear(2))),
        lambda r: r.architecture == net(bl.Linear(8, weight_init="kaiming"), bl.ReLU(), bl.Linear(2)),
    ),
    "unconnected layer": (
        lambda: fit(net(bl.Linear(8), bl.Step(), bl.Linear(2))),
        lambda r: r.architecture == net(bl.Linear(8), bl.Tanh(), bl.Linear(2)),
    ),
    "saturating activations in depth": (
        lambda: fit(net(bl.Linear(8), bl.Sigmoid(), bl.Linear(8), bl.Sigmoid(), bl.Linear(1), bl.Sigmoid()), y=SUM * 0),
        lambda r: repr(r.architecture).count("ReLU") == 2 and repr(r.architecture).endswith("Sigmoid())"),
    ),
    "gradient vanishes through time": (
        lambda: fit(net(bl.RNN(4, return_sequences=True, reverse=True), bl.RNN(4), bl.Linear(2)), X[:, :, None]),
        lambda r: r.architecture == net(bl.GRU(4, return_sequences=True, reverse=True), bl.GRU(4), bl.Linear(2)),
    ),
    "gradient explodes through time": (
        lambda: fit(net(bl.RNN(4, recurrent_init="orthogonal:2"), bl.Linear(2)), X[:, :, None]),
        lambda r: r.architecture == net(bl.GRU(4), bl.Linear(2)),
    ),
    "weight decay too strong": (
        lambda: fit(NO, penalty=bl.L2(1.0)),
        lambda r: r.training.penalty == bl.L2(0.01),
    ),
    "learning rate too high": (
        lambda: fit(NO, optimizer=bl.optim.chain(bl.optim.ClipGlobalNorm(1.0), bl.SGD(3.0, momentum=0.5))),
        lambda r: r.training.optimizer == bl.optim.chain(bl.optim.ClipGlobalNorm(1.0), bl.SGD(0.9, momentum=0.5)),
    ),
    "learning rate too low": (
        lambda: fit(NO, optimizer="sgd"),
        lambda r: r.training.optimizer == bl.SGD(0.03),
    ),
    "dropout too strong": (
        lambda: fit(net(bl.Linear(8), bl.Residual(bl.Dropout(0.9)), bl.Dropout(0.1), bl.Linear(2))),
        lambda r: r.architecture == net(bl.Linear(8), bl.Residual(bl.Dropout(0.2)), bl.Dropout(0.1), bl.Linear(2)),
    ),
    "imbalance hidden by accuracy": (lambda: fit(NO), lambda r: r.training.class_weight == "balanced"),
    "too little capacity": (
        lambda: fit(net(bl.Linear(1), bl.Tanh(), bl.Linear(2))),
        lambda r: r.architecture == net(bl.Linear(32), bl.Tanh(), bl.Linear(2)),
    ),
    "overfitting": (lambda: fit(NO), lambda r: r.training.early_stopping.patience == 3),
    "stopped early": (lambda: fit(NO), lambda r: r.training.epochs == 24 and r.training.early_stopping.patience == 10),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::backlit.ZeroGradientWarning")
@pytest.mark.parametrize("name", CHANGES)
def test_what_a_remedy_changes(name: str) -> None:
    make, right = CHANGES[name]
    run = make()
    recipe = run.recipe.with_validation()
    first, *others = kinds()[name].ways(recipe, run)
    assert first.words
    assert right(first.recipe), (first.recipe.architecture, first.recipe.training)
    for way in (first, *others):  # every way can be trained
        done = way.recipe.fit(epochs=1)
        assert len(validate(done, way.recipe).y) == 40
    assert recipe.architecture == run.network.architecture  # nothing was changed in place


def test_inputs_are_scaled_within_the_network() -> None:
    raw = X * np.array([1.0, 1e4, 1.0, 0.0], "float32") + np.array([0, 3e4, 0, 7], "float32")
    run = fit(net(bl.Linear(8), bl.ReLU(), bl.Linear(2)), raw)
    (way,) = kinds()["unscaled inputs"].ways(run.recipe.with_validation(), run)
    mended = way.recipe.fit(epochs=1)
    first = mended.network.architecture.layers[0]
    rows = np.delete(raw, way.recipe.training.validation.rows[0], axis=0).astype(float)
    assert isinstance(first, bl.Rescale)
    assert first.shift == pytest.approx(rows.mean(axis=0), rel=1e-5, abs=1e-5)  # of training rows alone
    assert first.scale == pytest.approx([*rows.std(axis=0)[:3], 1.0], rel=1e-5)
    assert mended.predict(raw[:5]).shape == (5,)  # raw rows, as before
    (way,) = kinds()["constant columns"].ways(run.recipe.with_validation(), run)
    assert way.recipe.architecture.layers[0] == bl.Rescale((0.0, 0.0, 0.0, 7.0), (1.0, 1.0, 1.0, 1.0))
    tokens = fit(net(bl.Embedding(9, 4), bl.GlobalAvgPool(), bl.Linear(2)), np.abs(X).astype(int) % 9)
    assert kinds()["unscaled inputs"].ways(tokens.recipe.with_validation(), tokens) == []


def test_recurrent_weights_are_tamed() -> None:
    run = fit(
        net(bl.RNN(4, recurrent_init="orthogonal:2"), bl.Linear(2)), X[:, :, None], epochs=1, optimizer=bl.Adam(0.003)
    )
    told = {
        way.words: way.recipe
        for way in kinds()["gradient explodes through time"].ways(run.recipe.with_validation(), run)
    }
    tamed = told["recurrent weights start orthogonal, gradients clipped to norm 1"]
    assert tamed.architecture == net(bl.RNN(4), bl.Linear(2))
    assert tamed.training.clip == 1.0
    (patient,) = [own for words, own in told.items() if "epochs" in words]
    assert patient.training.epochs == 3
    assert patient.training.optimizer == bl.Adam(0.03)


def test_every_remedy_is_of_a_finding_that_there_is() -> None:
    assert set(CHANGES) <= {name for name, kind in kinds().items() if kind.repair is not None}
    assert kinds()["leak between splits"].ways(None, None) == []


# ------------------------------------------------------------------------------------ what is kept


def content(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_what_helps_is_kept_and_the_original_stays(tmp_path: Path) -> None:
    run = fit(net(bl.Linear(8), bl.Tanh(), bl.Linear(2), bl.Softmax()), epochs=12)
    run.save(tmp_path / "run")
    files, params = content(tmp_path / "run"), [np.array(own) for own in bl.graph.tree.leaves(run.network.params)]
    seen = []
    repair = run.fix(rounds=1, suit=False, progress=lambda what, share: seen.append((what, share)))
    assert repair.kept[0].finding == "softmax twice"
    assert repair.kept[0].seeds == 2  # a mistake that can be proved is mended unless that does harm
    assert repair.kept[0].after < repair.kept[0].before
    assert repair.run is not run
    assert repair.original is run
    assert repair.run.settings["mended"][0] == "without the last Softmax"
    assert "softmax twice" not in [own.name for own in repair.left]
    assert content(tmp_path / "run") == files
    for old, new in zip(params, bl.graph.tree.leaves(run.network.params), strict=True):
        np.testing.assert_array_equal(old, new)
    assert all(0 <= share <= 1 for _, share in seen)
    assert any("softmax twice" in what for what, _ in seen)
    with pytest.raises(bl.InputError, match="already holds a run"):  # its folder isn't the original's
        repair.run.save(tmp_path / "run")


def test_a_rate_and_a_length_that_suit_the_mended_network() -> None:
    run = fit(net(bl.Linear(2), bl.Softmax()), epochs=8, optimizer=bl.Adam(0.004))
    repair = run.fix(rounds=2)
    assert {own.finding for own in repair.kept} == {"softmax twice", "to suit the mended network"}
    assert all(own.after < 1.01 * own.before for own in repair.kept)  # mistakes, too


def test_the_mended_run_is_that_of_the_same_seed() -> None:
    run = fit(net(bl.Linear(2), bl.Softmax()), epochs=20, seed=4)
    repair = run.fix(rounds=1, suit=False)
    again = fit(net(bl.Linear(2)), epochs=20, seed=4)
    np.testing.assert_array_equal(repair.run.network.params["0"]["weight"], again.network.params["0"]["weight"])


def test_a_healthy_run_stays() -> None:
    run = fit(net(bl.Linear(8), bl.ReLU(), bl.Linear(2)), epochs=60, optimizer=bl.Adam(0.02), early_stopping=5)
    assert not run.diagnose()
    repair = run.fix()
    assert repair.run is run
    assert repair.trainings == 0
    assert str(repair) == "no findings: nothing to mend"


def test_what_does_not_help_is_not_kept() -> None:
    noise = RNG.permutation(SIGN)
    run = fit(net(bl.Linear(2), bl.Softmax()), y=noise, epochs=3, optimizer=bl.SGD(1e-9))
    repair = run.fix(suit=False)
    told = repair.to_dict()
    assert [own for own in told["changes"] if own["finding"] == "softmax twice"]
    if not repair.kept:
        assert repair.run is run
        assert "nothing helped beyond noise" in str(repair)
    assert all(own.after < own.before or own.finding in MISTAKES for own in repair.kept)


def test_what_only_a_person_can_decide_is_told() -> None:
    twice = np.concatenate([X[:60], X])
    labels = np.concatenate([1 - SIGN[:60], SIGN])
    repair = fit(net(bl.Linear(8), bl.ReLU(), bl.Linear(2)), twice, labels, epochs=20).fix(rounds=1, suit=False)
    assert "contrary duplicates" in [own.name for own in repair.decide]
    assert "yours to decide:" in str(repair)
    assert "contrary duplicates" not in [own.finding for own in repair.changes]


def test_without_held_out_rows_some_are_held_back_and_then_learned_from() -> None:
    run = fit(net(bl.Linear(2), bl.Softmax()), validation=None, epochs=20)
    repair = run.fix(rounds=1, suit=False)
    assert repair.kept
    assert repair.run.recipe.training.validation is None
    again = fit(net(bl.Linear(2)), validation=None, epochs=20)
    np.testing.assert_array_equal(repair.run.network.params["0"]["weight"], again.network.params["0"]["weight"])


def test_rows_of_ones_own_and_ensembles() -> None:
    validation = (X[:40], np.where(SIGN[:40], "yes", "no"))
    given = {"validation": validation, "epochs": 20, "ensemble": 2}
    run = fit(net(bl.Linear(2), bl.Softmax()), X[40:], np.where(SIGN[40:], "yes", "no"), **given)
    repair = run.fix(rounds=1, suit=False)
    assert repair.kept[0].change == "without the last Softmax"
    assert set(repair.run.predict(X[:9])) <= {"yes", "no"}


def test_a_rare_class_is_judged_with_classes_alike() -> None:
    rare = (X[:, 0] > 1.2).astype(int)
    run = fit(NO, y=rare, epochs=2, optimizer=bl.Adam(0.003))
    way, *_ = kinds()["imbalance hidden by accuracy"].ways(run.recipe.with_validation(), run)
    assert way.criterion == "balanced error"
    recipe = run.recipe.with_validation()
    own = validate(run, recipe)
    wrong = run.predict(X)[recipe.training.validation.rows[0]] != own.y
    recalls = [1 - wrong[own.y == code].mean() for code in (0, 1)]
    assert costs(own, "balanced error", run).mean() == pytest.approx(1 - np.mean(recalls))
    losses = costs(own, "loss", run)
    expected = np.mean([losses[own.y == code].mean() for code in (0, 1)])
    assert costs(own, "balanced loss", run).mean() == pytest.approx(expected)
    assert groups(own, "balanced loss").tolist() == own.y.tolist()


def test_numbers_are_judged_in_the_unit_of_the_original() -> None:
    y = 100 * SUM + 500
    run = fit(bl.Linear(1), y=y, metrics=[])
    recipe = run.recipe.with_validation().replace(standardize_targets=True)
    own = validate(recipe.fit(), recipe)
    rows = recipe.training.validation.rows[0]
    expected = np.square(own.run.predict(X[rows]) - y[rows]).mean()
    assert costs(own, "loss", run).mean() == pytest.approx(expected, rel=1e-5)


# ------------------------------------------------------------------------------------ the test


def test_what_is_not_a_number_costs_most() -> None:
    assert capped(np.array([1.0, np.nan, np.inf, 90.0]), 20.0).tolist() == [1.0, 20.0, 20.0, 20.0]
    assert capped(np.array([1.0, 2.0, np.nan]), np.inf).tolist() == [1.0, 2.0, 20.0]


# ------------------------------------------------------------------------------------ bad input


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> bl.Run:
    run = fit(net(bl.Linear(2), bl.Softmax()), epochs=20)
    return bl.load(run.save(tmp_path_factory.mktemp("runs") / "run"))


def test_a_loaded_run_needs_its_data(loaded: bl.Run) -> None:
    with pytest.raises(bl.InputError, match=r"doesn't hold its data any more.*run\.fix\(x, y\)"):
        loaded.fix()
    with pytest.raises(bl.InputError, match="both x and y"):
        loaded.fix(X)
    with pytest.raises(bl.InputError, match="isn't the data that the run was trained on"):
        loaded.fix(X, 1 - SIGN)
    with pytest.raises(bl.InputError, match="seeds must be a whole number of at least 2"):
        loaded.fix(X, SIGN, seeds=1)
    assert loaded.fix(X, SIGN, rounds=1, suit=False).kept[0].change == "without the last Softmax"


def test_what_a_folder_tells_and_what_must_be_given(tmp_path: Path) -> None:
    run = fit(
        net(bl.Linear(2), bl.Softmax()), penalty=bl.L2(1e-5), class_weight="balanced", early_stopping=9, epochs=20
    )
    repair = bl.load(run.save(tmp_path / "run")).fix(X, SIGN, rounds=1, suit=False)
    assert repair.kept
    assert repair.run.recipe.training.penalty == bl.L2(1e-5)
    assert repair.run.recipe.training.class_weight == "balanced"
    assert repair.run.recipe.training.early_stopping.patience == 9
    mine = fit(NO, penalty=lambda params: bl.ops.square(params["weight"]).sum() * 1e-5)
    with pytest.raises(bl.InputError, match=r"penalty=<function .*, which its folder doesn't hold"):
        bl.load(mine.save(tmp_path / "mine")).fix(X, SIGN)
    own = fit(NO, validation=(X[:9], SIGN[:9]))
    with pytest.raises(bl.InputError, match="held-out rows of its own"):
        bl.load(own.save(tmp_path / "own")).fix(X, SIGN)


def test_stopped_by_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    run = fit(net(bl.Linear(2), bl.Softmax()), epochs=20)
    from backlit.train import recipe as recipes

    real, count = recipes.Recipe.fit, []

    def stopped(self, *args, **options):
        done = real(self, *args, **options)
        count.append(1)
        if len(count) == 3:
            done.stopped = "interrupted"
        return done

    monkeypatch.setattr(recipes.Recipe, "fit", stopped)
    repair = run.fix()
    assert repair.interrupted
    assert repair.run is run
    assert "interrupted" in str(repair)


def test_a_run_on_a_table_is_judged_again_on_its_test_rows() -> None:
    columns = {"a": X[:, 0].tolist(), "b": X[:, 1].tolist(), "kind": np.where(SIGN, "yes", "no").tolist()}
    options = {"network": "mlp:8", "ensemble": 1, "engine": "numpy", "epochs": 12, "learning_rate": 1e-6, "seed": 1}
    run = bl.fit(columns, target="kind", **options)
    repair = run.fix(rounds=1, suit=False)
    assert repair.kept[0].finding == "learning rate too low"
    assert repair.test["before"] == run.judgement["scores"]
    assert repair.test["after"] == repair.run.judgement["scores"]
    assert repair.test["after"]["loss"] < repair.test["before"]["loss"]
    assert repair.run.judgement["notes"][-1] == f"mended: {repair.kept[0].change}"
    assert set(repair.run.predict(columns)) == {"yes", "no"}
    assert "test rows, by which nothing was decided" in str(repair)
