"""Confusion matrices and attention."""

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError, ShapeError


def cells(axis: Any) -> list[str]:
    return [text.get_text() for text in axis.texts]


def test_confusion_shows_counts_and_shares_of_the_true_class() -> None:
    axis = bl.plots.confusion([[3, 1, 0], [0, 0, 0], [2, 0, 2]], ["a", "b", "c"]).axes[0]
    assert cells(axis) == ["3", "1", "·", "·", "·", "·", "2", "·", "2"]
    np.testing.assert_allclose(axis.images[0].get_array(), [[0.75, 0.25, 0], [0, 0, 0], [0.5, 0, 0.5]])
    assert axis.get_title() == "5 of 8 rows right (62.5 %)"
    assert [text.get_text() for text in axis.get_xticklabels()] == ["a", "b", "c"]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("predicted", "true class")


def test_confusion_of_a_judgement() -> None:
    judgement = {"confusion": [[4, 0], [1, 5]], "classes": [{"class": "no"}, {"class": "yes"}]}
    axis = bl.plots.confusion(judgement).axes[0]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["no", "yes"]
    assert cells(axis) == ["4", "·", "1", "5"]


def test_confusion_of_many_classes_has_shades_only() -> None:
    axis = bl.plots.confusion(np.eye(100, dtype=int)).axes[0]
    assert not axis.texts
    assert len(axis.get_xticks()) <= 60


@pytest.mark.parametrize(
    ("given", "classes", "error", "text"),
    [
        ([[1, 2]], None, ShapeError, r"as many rows as columns, got shape \(1, 2\)"),
        ([[1, 2], [3, 4]], ["a"], ShapeError, "there are 1 labels of classes, and 2 of them in the matrix"),
        ([[1, -2], [3, 4]], None, InputError, "counts, numbers of at least 0"),
        ([[1, np.nan], [3, 4]], None, InputError, "counts, numbers of at least 0"),
        ({"intervals": {}}, None, InputError, "no confusion matrix: only runs that predict classes"),
        (None, None, InputError, "there is no judgement: a run has one if it came from a table"),
    ],
)
def test_confusion_refuses(given: Any, classes: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        bl.plots.confusion(given, classes)


def test_attention_has_targets_down_and_sources_across() -> None:
    weights = np.array([[0.1, 0.9, 0.0], [0.004, 0.3, 0.696]])
    axis = bl.plots.attention(weights, "a b", ["x", "y"]).axes[0]
    np.testing.assert_array_equal(axis.images[0].get_array(), weights)
    assert [text.get_text() for text in axis.get_xticklabels()] == ["a", "␣", "b"]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["x", "y"]
    assert cells(axis) == [".10", ".90", "", "", ".30", ".70"]


def test_attention_has_a_picture_for_each_head() -> None:
    figure = bl.plots.attention(np.full((5, 2, 4), 0.25))
    assert [axis.get_title() for axis in figure.axes[:5]] == [f"head {i}" for i in range(5)]


@pytest.mark.parametrize(
    ("weights", "labels", "error", "text"),
    [
        (np.ones(3), {}, ShapeError, r"shape \(targets, sources\) or \(heads, targets, sources\), got \(3,\)"),
        (np.ones((2, 3)), {"sources": "ab"}, ShapeError, "2 labels of sources, and 3 of them"),
        (np.ones((2, 3)), {"targets": "abc"}, ShapeError, "3 labels of targets, and 2 of them"),
        (-np.ones((2, 3)), {}, InputError, "negative or infinite ones came"),
    ],
)
def test_attention_refuses(weights: Any, labels: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        bl.plots.attention(weights, **labels)
