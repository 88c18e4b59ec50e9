"""Splitting, scaling, encoding and frames: right against scikit-learn, and clear about what is wrong."""

import json
import tracemalloc

import numpy as np
import pandas
import polars
import pyarrow
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import datasets as theirs
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import backlit as bl
from backlit.data.scaling import BLOCK, Scaling
from backlit.errors import InputError, ShapeError, UnknownNameError

# ------------------------------------------------------------------------------------------------------- splitting


@given(st.integers(3, 400), st.integers(0, 5), st.integers(1, 5))
def test_split_covers_every_row_once(rows, seed, classes):
    y = np.random.default_rng(seed).integers(0, classes, rows)
    for stratify in (None, y):
        parts = bl.data.split(rows, (0.6, 0.2, 0.2), seed=seed, stratify=stratify)
        np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(rows))
        assert all(len(part) for part in parts)


def test_split_sizes_and_shares_of_classes():
    y = np.repeat([0, 1, 2], [500, 300, 200])
    parts = bl.data.split(1000, (0.7, 0.15, 0.15), stratify=y)
    assert [len(part) for part in parts] == [700, 150, 150]
    for part in parts:
        np.testing.assert_allclose(np.bincount(y[part]) / len(part), [0.5, 0.3, 0.2], atol=0.01)


@given(st.integers(0, 30), st.lists(st.integers(1, 40), min_size=2, max_size=6))
def test_every_class_with_enough_rows_is_in_every_part(seed, sizes):
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    plain = bl.data.split(len(y) + 60, seed=seed)
    y = np.concatenate([y, np.zeros(60, int)])
    parts = bl.data.split(len(y), seed=seed, stratify=y)
    assert [len(part) for part in parts] == [len(part) for part in plain]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(y)))
    for k, size in enumerate(np.bincount(y)):
        if size >= 3:
            assert all((y[part] == k).any() for part in parts), (k, size)


def test_parts_too_small_for_all_classes_still_cover_every_row():
    y = np.repeat(np.arange(10), 3)
    parts = bl.data.split(30, (0.8, 0.1, 0.1), stratify=y)
    assert [len(part) for part in parts] == [24, 3, 3]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(30))


def test_split_takes_classes_of_any_kind():
    y = np.array(["가", None, "나", "가"] * 10, dtype=object)
    for part in bl.data.split(y, (0.5, 0.5), stratify=y):
        assert set(y[part]) == {"가", None, "나"}


def test_split_depends_on_the_seed_alone():
    first, again, other = (bl.data.split(50, seed=seed)[0].tolist() for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((100, (0.5, 0.6)), "add up to 1"),
        ((100, (1.5, -0.5)), "positive numbers"),
        ((100, (np.nan, 0.5)), "add up to 1"),
        ((100, 0.5), "two or more positive numbers"),
        ((100, ("a", "b")), "two or more positive numbers"),
        ((3.5,), "rows must be a number of rows or hold rows, got 3.5"),
        ((100, (0.5, 0.5), -1), "seed must be a whole number of at least 0, got -1"),
        ((2, (0.7, 0.15, 0.15)), "2 rows can't be split into 3 parts"),
        ((5, (0.5, 0.5), 0, [1, 2]), r"stratify must have shape \(5,\)"),
    ],
)
def test_split_refuses(arguments, message):
    with pytest.raises(InputError, match=message):
        bl.data.split(*arguments)


# --------------------------------------------------------------------------------------------------------- scaling


def test_scaling_equals_scikit_learn(rng):
    x = rng.normal(3, 50, (40, 3))
    for ours, other in ((bl.data.Standardize(), StandardScaler()), (bl.data.MinMax(), MinMaxScaler())):
        fitted = ours.fit(x)
        np.testing.assert_allclose(fitted.apply(x), other.fit_transform(x), atol=1e-6)
        np.testing.assert_allclose(fitted.invert((x - fitted.shift) / fitted.scale), x, rtol=1e-12)
        assert fitted.apply(x).dtype == np.float32
        again = type(fitted).from_dict(json.loads(json.dumps(fitted.to_dict())))
        assert again == fitted
        assert type(again) is type(fitted)


@pytest.mark.parametrize("unit", [1e-30, 1e-10, 1.0, 1e30])
def test_scaling_does_not_depend_on_the_unit(rng, unit):
    x = rng.normal(3, 50, (40, 3))
    for scaler in (bl.data.Standardize(), bl.data.MinMax()):
        np.testing.assert_allclose(scaler.fit(x * unit).apply(x * unit), scaler.fit(x).apply(x), rtol=1e-5)


def test_scaling_in_blocks_equals_scaling_at_once(rng):
    x = rng.normal(1e4, 1, (2 * BLOCK // 7 + 5, 7)).astype(np.float32)  # far from zero: one pass would be inexact
    fitted, theirs_ = bl.data.Standardize().fit(x), StandardScaler().fit(x.astype(np.float64))
    np.testing.assert_allclose(fitted.shift, theirs_.mean_, rtol=1e-12)
    np.testing.assert_allclose(fitted.scale, theirs_.scale_, rtol=1e-12)
    np.testing.assert_allclose(fitted.apply(x), theirs_.transform(x.astype(np.float64)), atol=1e-6)


def test_scaling_needs_little_more_memory_than_its_result(rng):
    x = rng.normal(size=(20_000, 200)).astype(np.float32)
    tracemalloc.start()
    bl.data.Standardize().fit(x).apply(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * x.nbytes


def test_scaling_leaves_constant_columns_finite():
    x = np.full((300_000, 2), 0.1)  # the mean of so many isn't 0.1 exactly
    x[::2, 1] = 4.0
    for scaler in (bl.data.Standardize(), bl.data.MinMax(), bl.data.Center()):
        assert np.isfinite(scaler.fit(x).apply(x)).all()
        assert (scaler.fit(x).apply(x)[:, 0] == 0).all()


def test_scaling_refuses():
    with pytest.raises(InputError, match=r"row 1, column 0 is missing \(NaN\)"):
        bl.data.Standardize().fit([[1.0], [np.nan]])
    with pytest.raises(InputError, match="row 1, column '키' is missing"):
        bl.data.Standardize().fit(pandas.DataFrame({"키": [1.0, np.nan]}))
    with pytest.raises(InputError, match=r"row 0, column 0 is missing \(NaN\)"):
        bl.data.Standardize().fit([[1.0], [2.0]]).apply([[np.nan]])
    with pytest.raises(InputError, match="row 0, column 'a' is 'x', no number"):
        bl.data.MinMax().fit(pandas.DataFrame({"a": ["x", "y"]}))
    for scaler in (bl.data.Standardize(), bl.data.MinMax()):
        with pytest.raises(InputError, match=r"column 1 reaches 1e\+308: too large to be scaled"):
            scaler.fit([[1.0, -1e308], [2.0, 1e308]])
    with pytest.raises(InputError, match="unknown scaling 'Nope'"):
        bl.data.Standardize.from_dict({"scaling": "Nope", "shift": None, "scale": None})
    with pytest.raises(NotImplementedError, match="Scaling is what Standardize, MinMax and Center have in common"):
        Scaling().fit([[1.0]])
    with pytest.raises(ShapeError, match="rows and columns"):
        bl.data.Standardize().fit(np.ones((3, 0)))
    with pytest.raises(ShapeError, match="fitted on 1 columns"):
        bl.data.Standardize().fit([[1.0], [2.0]]).invert([[1.0, 2.0]])
    with pytest.raises(InputError, match="call fit"):
        bl.data.Standardize().apply([[1.0]])
    with pytest.raises(ShapeError, match="fitted on 1 columns"):
        bl.data.Standardize().fit([[1.0], [2.0]]).apply([[1.0, 2.0]])
    with pytest.raises(ShapeError, match="rows and columns"):
        bl.data.Standardize().fit([1.0, 2.0])


# -------------------------------------------------------------------------------------------------------- encoding


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (["나", "가", "나"], ("가", "나")),
        ([5, 3, 5], (3, 5)),
        ([True, False], (False, True)),
        ([2.0, 1.0], (1, 2)),
        (np.array(["b", "a"], dtype=object), ("a", "b")),
        (np.array([True, False], dtype=object), (False, True)),
        (pandas.Series([5, 3], dtype=object), (3, 5)),
        (pandas.Categorical(["b", "a"]), ("a", "b")),
        (polars.Series(["나", "가"]), ("가", "나")),
        ([0.5, -1.5], (-1.5, 0.5)),
        (["1", "a"], ("1", "a")),
    ],
)
def test_labels_there_and_back(y, classes):
    labels = bl.data.Labels.fit(y)
    assert labels.classes == classes
    assert [type(c) for c in labels.classes] == [type(c) for c in classes]
    assert labels.decode(labels.encode(y)).tolist() == list(y)
    assert bl.data.Labels.from_dict(json.loads(json.dumps(labels.to_dict()))) == labels


def test_labels_of_other_types_are_understood():
    assert bl.data.Labels(("1", "2", "x")).encode([2.0, 1.0]).tolist() == [1, 0]
    assert bl.data.Labels((False, True)).encode([1, 0]).tolist() == [1, 0]
    assert bl.data.Labels.fit(np.array([1, "a"], dtype=object)).classes == ("1", "a")
    assert bl.data.Labels(("a", "b")).encode(["b", "a", "b"]).dtype == np.int64
    assert bl.data.Labels((1, 2)).encode([]).tolist() == []


@given(st.lists(st.one_of(st.integers(-5, 5), st.text("ab가힣 1", max_size=2)), min_size=1))
def test_labels_count_classes_in_order(y):
    y = [str(value) for value in y] if any(isinstance(value, str) for value in y) else y
    labels = bl.data.Labels.fit(np.array(y, dtype=object))
    np.testing.assert_array_equal(labels.encode(np.array(y, dtype=object)), [sorted(set(y)).index(v) for v in y])


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        ([1.0, np.nan], InputError, "row 1 is missing; drop such rows"),
        ([1.0, -np.inf], InputError, "row 1 is infinite"),
        (np.array([None, "a"], dtype=object), InputError, "row 0 is missing"),
        (["a", float("nan")], InputError, "row 1 is missing"),
        (pandas.array(["a", pandas.NA], dtype="string"), InputError, "row 1 is missing"),
        (pandas.array([1, None], dtype="Int64"), InputError, "row 1 is missing"),
        (np.array([1, np.nan], dtype=object), InputError, "row 1 is missing"),
        ([["a"], ["b"]], ShapeError, r"one class a row, shape \(rows,\), got \(2, 1\)"),
        ([], InputError, "no rows to learn classes from"),
    ],
)
def test_labels_refuse(y, error, message):
    with pytest.raises(error, match=message):
        bl.data.Labels.fit(y)


def test_labels_refuse_what_training_did_not_have():
    labels = bl.data.Labels.fit(["a", "b"])
    with pytest.raises(UnknownNameError, match="row 1 has class 'c', which training didn't have: 'a', 'b'"):
        labels.encode(["a", "c"])
    with pytest.raises(UnknownNameError, match="row 0 has class 'ab'"):
        labels.encode(["ab"])
    with pytest.raises(UnknownNameError, match="row 0 has class 'x'"):
        bl.data.Labels.fit([1, 2]).encode(["x"])
    with pytest.raises(UnknownNameError, match=r"row 1 has class 1\.5"):
        bl.data.Labels.fit([1, 2]).encode([1.0, 1.5])
    with pytest.raises(InputError, match="row 1 is missing"):
        labels.encode(["a", None])
    with pytest.raises(InputError, match="row 1 has class number 2, but there are 2 classes"):
        labels.decode([0, 2])


def test_one_hot():
    codes = np.array([[2, 0], [1, 1]])
    np.testing.assert_array_equal(bl.data.one_hot(codes, 3), np.eye(3)[codes])
    assert bl.data.one_hot(codes, ("a", "b", "c"), dtype="float64").dtype == np.float64
    assert bl.data.one_hot([], 3).shape == (0, 3)
    with pytest.raises(InputError, match="row 1 has class number -1, but there are 3 classes"):
        bl.data.one_hot([0, -1], 3)
    with pytest.raises(InputError, match="must be whole numbers, got float64"):
        bl.data.one_hot([1.0], 3)


# ---------------------------------------------------------------------------------------------------------- frames


@pytest.mark.parametrize("make", [pandas.DataFrame, polars.DataFrame, pyarrow.table, dict])
def test_frames_of_anyone(make):
    array, names = bl.data.as_arrays(make({"키": [1.0, 2.0], "무게": [3, 4]}))
    assert names == ["키", "무게"]
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, [[1, 3], [2, 4]])


def test_float32_arrays_are_not_copied():
    x = np.ones((5, 2), np.float32)
    assert np.shares_memory(bl.data.as_arrays(x)[0], x)
    assert np.shares_memory(bl.data.as_arrays(x, dtype=None)[0], x)


def test_types_of_the_result():
    assert bl.data.as_arrays(np.array([[1, 2]]), keep_integers=True)[0].dtype.kind == "i"
    assert bl.data.as_arrays(polars.DataFrame({"a": [1, 2]}), keep_integers=True)[0].dtype.kind == "i"
    assert bl.data.as_arrays([[1, 2]])[0].dtype == np.float32
    assert bl.data.as_arrays([[1, 2]], dtype=None)[0].dtype == np.float64
    assert bl.data.as_arrays(np.array([[True]]), keep_integers=True)[0].dtype == np.float32
    assert bl.data.as_arrays(pandas.Series([1, 2])) == (pytest.approx(np.array([1.0, 2.0])), None)
    assert bl.data.as_arrays(torch.ones(2, 3))[0].dtype == np.float32


def test_large_arrays_are_checked_without_a_copy():
    x = np.ones((2000, 1000), np.float32)
    tracemalloc.start()
    bl.data.as_arrays(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < x.nbytes / 10


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([[1.0], [1.0, 2.0]], ShapeError, "different lengths"),
        ([[1.0, np.nan]], InputError, r"row 0, column 1 is missing \(NaN\)"),
        (polars.DataFrame({"a": [1.0, 2.0], "b": [1.0, float("inf")]}), InputError, "row 1, column 'b' is inf"),
        (pandas.DataFrame({"a": [1.0, 2.0], "c": ["x", "y"]}), InputError, "row 0, column 'c' is 'x', no number"),
        ({"a": [1, 2], "b": [1]}, ShapeError, "different lengths"),
        (3.0, InputError, "must be an array"),
        ([["a"]], InputError, "no number"),
        ([["1"]], InputError, "values of type <U1; make them numbers first"),
        ([[1.0, None]], InputError, r"row 0, column 1 is missing \(None\)"),
        (np.array([[1.0, 1e300]]), InputError, r"column 1 is 1e\+300, too large for float32; scale the column"),
        (np.ma.array([[1.0], [2.0]], mask=[[0], [1]]), InputError, "row 1 has a masked value"),
        (np.ones((1, 1), complex), InputError, "values of type complex128"),
        (np.float32(3), ShapeError, "must hold rows, got the single value"),
        (np.array(3.0), ShapeError, "must hold rows, got the single value"),
        ({}, ShapeError, "x has no columns"),
        (pandas.DataFrame(), ShapeError, "x has no columns"),
        ({"a": 1}, ShapeError, "column 'a' must hold one value a row"),
        (pandas.DataFrame([[1, 2]], columns=["a", "a"]), InputError, "two columns of one name"),
        (pandas.DataFrame({"a": pandas.array([1, None], dtype="Int64")}), InputError, "row 1, column 'a' is missing"),
        (pandas.DataFrame({"a": pandas.array(["가", None], dtype="string")}), InputError, "'a' is '가', no number"),
        (pandas.DataFrame({"날": pandas.to_datetime(["2020-01-01"])}), InputError, "column '날' holds dates or times"),
        (polars.DataFrame({"a": [1]}).lazy(), InputError, r"got LazyFrame; call its collect\(\) first"),
        (torch.ones(2, requires_grad=True), InputError, "x can't be read as an array: .*requires grad"),
        (scipy.sparse.eye_array(2), InputError, r"call its toarray\(\) first"),
    ],
)
def test_frames_refuse(x, error, message):
    with pytest.raises(error, match=message):
        bl.data.as_arrays(x)


# ------------------------------------------------------------------------------------------------------- data sets


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast_cancer", "diabetes"])
def test_bundled_sets_are_scikit_learns(name):
    ours = bl.data.load(name)
    bunch = getattr(theirs, f"load_{name}")()
    np.testing.assert_allclose(ours.x, bunch.data, rtol=1e-6)
    np.testing.assert_array_equal(ours.y, bunch.target)
    assert ours.feature_names == [str(each) for each in bunch.feature_names]
    assert (ours.class_names or []) == [str(each) for each in bunch.get("target_names", [])]
    assert ours.x.shape[1] == len(ours.feature_names)
    assert {type(name) for name in ours.feature_names} == {str}
    assert ours.x.dtype == np.float32
    assert (ours.class_names is None) == (ours.task == "regression")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("iris", lambda text: text.replace("150,4", "151,4")),
        ("iris", lambda text: text.replace("150,4", "150,3")),
        ("iris", lambda text: text.replace("5.1,", "5.1,0,", 1)),
        ("wine", lambda text: text + "# the end\n"),
        ("wine", lambda text: text[: len(text) // 2]),
        ("breast_cancer", lambda text: text.replace("malignant", "malignant\n")),
        ("digits", lambda text: text + text.splitlines()[0]),
        ("diabetes", lambda text: text.replace(" ", " x", 1)),
        ("diabetes", lambda text: "\n".join(text.splitlines()[1:])),
    ],
)
def test_files_that_are_not_what_they_were_are_left_to_scikit_learn(name, change, monkeypatch):
    from backlit.data import bundled

    text = bundled._text
    assert bundled.bundled(name) is not None
    monkeypatch.setattr(
        bundled, "_text", lambda file: change(text(file)) if file.name == bundled.FILES[name] else text(file)
    )
    assert bundled.bundled(name) is None
    np.testing.assert_array_equal(bl.data.load(name).y, getattr(theirs, f"load_{name}")().target)


def test_a_damaged_archive_is_left_to_scikit_learn(monkeypatch):
    import gzip
    import zlib

    from backlit.data import bundled

    for error in (gzip.BadGzipFile("no"), EOFError(), zlib.error("no"), UnicodeDecodeError("ascii", b"", 0, 1, "no")):

        def damaged(file, error=error):
            raise error

        monkeypatch.setattr(bundled, "_text", damaged)
        assert bundled.bundled("digits") is None


@pytest.mark.parametrize("name", ["moons", "circles", "spirals", "xor", "blobs"])
def test_generated_sets(name):
    data = bl.data.load(name, rows=90, noise=0.0, seed=3)
    assert data.x.shape == (90, 2)
    assert set(np.unique(data.y)) == set(range(len(data.class_names)))
    np.testing.assert_array_equal(data.x, bl.data.load(name, rows=90, noise=0.0, seed=3).x)
    if name == "circles":
        np.testing.assert_allclose(np.linalg.norm(data.x, axis=1), np.where(data.y, 0.5, 1.0), rtol=1e-6)
    with pytest.raises(InputError, match="rows must be"):
        bl.data.load(name, rows=1)
    with pytest.raises(InputError, match="noise must be"):
        bl.data.load(name, noise=-1.0)


def test_unknown_sets():
    with pytest.raises(UnknownNameError, match="did you mean 'digits'"):
        bl.data.load("digit")
    with pytest.raises(UnknownNameError, match="unknown data set"):
        bl.data.load(["iris"])
    with pytest.raises(UnknownNameError, match="unknown option of iris 'rows'"):
        bl.data.load("iris", rows=3)
    with pytest.raises(UnknownNameError, match="unknown option of moons 'noize'; did you mean 'noise'"):
        bl.data.load("moons", noize=3)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("moons", {"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ("moons", {"rows": 2.5}, "rows must be a whole number of at least 2, got 2.5"),
        ("xor", {"noise": "much"}, "noise must be a number of at least 0, got 'much'"),
        ("circles", {"noise": float("nan")}, "noise must be"),
        ("spirals", {"arms": 0}, "the number of classes must be a whole number of at least 2, got 0"),
        ("blobs", {"classes": 5, "rows": 4}, "rows must be a whole number of at least 5, got 4"),
    ],
)
def test_options_that_make_no_sense(name, options, message):
    with pytest.raises(InputError, match=message):
        bl.data.load(name, **options)


def test_options_of_generated_sets():
    assert len(bl.data.load("spirals", arms=5).class_names) == 5
    assert len(bl.data.load("blobs", classes=7, rows=7).class_names) == 7
    first, again, other = (bl.data.load("xor", seed=seed).x for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
