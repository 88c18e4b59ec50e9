"""Gaps in arrays filled by medians: like scikit-learn's, saved with the run, and bad input."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.impute import SimpleImputer

import backlit as bl
from backlit.data import FillGaps

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
GAPS = np.where(RNG.random(X.shape) < 0.2, np.nan, X)


def test_medians_are_those_of_scikit_learn() -> None:
    own = FillGaps().fit(GAPS).apply(GAPS)
    theirs = SimpleImputer(strategy="median").fit(GAPS).transform(GAPS)
    np.testing.assert_allclose(own, theirs, rtol=1e-6)
    coded = np.where(np.isnan(GAPS), -999.0, GAPS)
    np.testing.assert_array_equal(FillGaps((-999,)).fit(coded).apply(coded), own)
    assert own.dtype == np.float32


def test_sequences_and_infinities() -> None:
    x = X.reshape(10, 6, 3).copy()
    x[0, 0, 1], x[1, 2, 0] = np.inf, np.nan
    filled = FillGaps().fit(x).apply(x)
    assert filled.shape == x.shape
    assert filled[0, 0, 1] == pytest.approx(np.median(np.delete(x[..., 1].reshape(-1), 0)), rel=1e-6)


def test_a_run_fills_what_it_gets_and_keeps_how(tmp_path: Path) -> None:
    y = (X[:, 0] > 0).astype(int)
    with pytest.raises(bl.InputError, match=r"missing \(NaN\); drop such rows or fill them in \(preparation=bl.data"):
        bl.fit(bl.Linear(2), GAPS, y, epochs=1, engine="numpy")
    run = bl.fit(bl.Linear(2), GAPS, y, preparation=FillGaps().fit(GAPS), epochs=3, engine="numpy")
    loaded = bl.load(run.save(tmp_path / "run"))
    assert loaded.preparation == run.preparation
    np.testing.assert_array_equal(loaded.predict(GAPS), run.predict(GAPS))


def test_columns_are_found_by_name() -> None:
    frame = {"a": [1.0, np.nan, 5.0], "b": [2.0, 2.0, 8.0]}
    gaps = FillGaps().fit(frame)
    assert gaps.apply({"b": [0.0], "a": [np.nan]}).tolist() == [[3.0, 0.0]]
    assert FillGaps.from_dict(gaps.to_dict()) == gaps
    with pytest.raises(bl.InputError, match="x has no column 'b'; there are a"):
        gaps.apply({"a": [1.0]})


def test_bad_input() -> None:
    with pytest.raises(bl.InputError, match="codes must be numbers that stand for a missing value, got \\('x',\\)"):
        FillGaps(("x",))
    with pytest.raises(bl.InputError, match="hasn't learned anything yet"):
        FillGaps().apply(X)
    with pytest.raises(bl.InputError, match="column 1 has no known value: leave it out"):
        FillGaps().fit([[1.0, np.nan], [2.0, np.nan]])
    with pytest.raises(bl.ShapeError, match="fitted on 3 columns, got shape"):
        FillGaps().fit(X).apply(X[:, :2])
    with pytest.raises(bl.ShapeError, match="needs rows and columns"):
        FillGaps().fit([1.0, 2.0])
    with pytest.raises(bl.InputError, match="FillGaps takes numbers"):
        FillGaps().fit([["a", "b"]])
    with pytest.raises(bl.InputError, match="a finite fill for each column"):
        FillGaps.from_dict({"codes": [], "fills": None})
