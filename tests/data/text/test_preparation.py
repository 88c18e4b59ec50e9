"""Columns of texts: what becomes of them, and that a run remembers it."""

import json
import unicodedata

import numpy as np
import polars as pl
import pytest

from backlit.data import TextColumn
from backlit.data.table import TableTarget
from backlit.data.text import END, UNKNOWN, Tokenizer
from backlit.data.text.preparation import unit_for
from backlit.errors import InputError, UnknownNameError


def frame(*texts, **columns):
    return pl.DataFrame({"review": list(texts), **columns}, strict=False)


def test_words_are_lower_case_rare_ones_unknown_and_the_end_is_cut_off():
    column = TextColumn.learn(frame("Good film", "good\n\n  FILM!", "odd film " * 40), "review", length=3)
    assert column.tokenizer == Tokenizer("words", ("film", "odd", "good"))
    assert column.apply(frame("GOOD  film", "dull", "odd odd odd film")).tolist() == [
        [6, 4, 0],
        [UNKNOWN, 0, 0],
        [5, 5, 5],
    ]
    assert column.cut == pytest.approx(1 / 3)
    assert column.rows()[0]["done"] == "3 words, the first 3 of each text; 33.3% of the texts are longer"


def test_length_leaves_95_percent_of_the_training_texts_whole():
    texts = [" ".join(["a"] * n) for n in range(1, 101)]
    assert TextColumn.learn(frame(*texts), "review").length == 96  # numpy.percentile(lengths, 95) is 95.05
    assert TextColumn.learn(frame("a " * 1_000_000), "review").length == 256
    assert TextColumn.learn(frame("a" * 1_000_000), "review", unit="characters").length == 512


def test_texts_without_tokens_are_one_end():
    column = TextColumn.learn(frame("a b a b", None, ""), "review")
    assert column.missing == pytest.approx(2 / 3)
    found = column.apply(frame("", None, "   \n"))
    assert found[:, 0].tolist() == [END] * 3
    assert not found[:, 1:].any()


def test_only_training_rows_are_learned_from():
    column = TextColumn.learn(frame("a a", "b b", "c c"), "review", rows=[0, 2])
    assert column.tokenizer.tokens == ("a", "c")
    assert column.unseen(frame("b b", "a b", "", "b")) == {"review": 2}


def test_where_every_word_occurs_once_all_are_kept():
    assert TextColumn.learn(frame("a b c"), "review").tokenizer.tokens == ("a", "b", "c")


def test_several_columns_are_joined():
    both = frame("good good", None, title=["film film", "film"])
    column = TextColumn.learn(both, ["title", "review"])
    assert column.apply(both).tolist() == [[4, 4, 5, 5], [4, 0, 0, 0]]


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("a good film", "words"),
        ("хороший фильм", "words"),
        ("정말 좋은 영화 OK", "syllables"),
        ("ㅋㅋㅋ", "syllables"),
        ("とても良い映画", "characters"),
        ("很好的电影", "characters"),
        ("หนังดีมาก", "characters"),
        ("12345", "words"),
        ("see 한 in the dictionary of many words", "words"),
    ],
)
def test_the_unit_is_told_from_the_script(text, unit):
    assert unit_for([text]) == unit
    assert TextColumn.learn(frame(text), "review").tokenizer.unit == unit


def test_korean_in_either_form_is_the_same():
    composed = "좋은 영화"
    apart = unicodedata.normalize("NFD", composed)
    column = TextColumn.learn(frame(composed, composed), "review", unit="jamo")
    assert np.array_equal(column.apply([composed]), column.apply([apart]))


def test_it_survives_json_and_takes_lists_dicts_and_files(tmp_path):
    target = TableTarget(("label",), "classification")
    column = TextColumn.learn(frame("a b a b", "b"), "review", target, formats={"review": "text"})
    again = TextColumn.from_dict(json.loads(json.dumps(column.to_dict())))
    assert again == column
    expected = column.apply(frame("b a", "c")).tolist()
    frame("b a", "c", other=[1, 2]).write_csv(tmp_path / "new.csv")
    for raw in (["b a", "c"], {"review": ["b a", "c"]}, tmp_path / "new.csv"):
        assert again.apply(raw).tolist() == expected


def test_at_use_numbers_and_empty_columns_count_as_text():
    column = TextColumn.learn(frame("5 5", "a a"), "review")
    assert column.apply(frame(5, 7)).tolist() == [[4, 0], [UNKNOWN, 0]]
    assert column.apply(frame(None, None))[:, 0].tolist() == [END, END]


@pytest.mark.parametrize(
    ("given", "name", "error", "message"),
    [
        (frame("a"), "reviews", UnknownNameError, "did you mean 'review'"),
        (frame("a", stars=[1]), "stars", InputError, "'stars' holds Int64, no text; text is in 'review'"),
        (frame(1), "review", InputError, "'review' holds Int64, no text; no column holds text"),
        (frame("", None, " "), "review", InputError, "every text is empty|no text to learn"),
        (frame("a"), [], InputError, "say which column holds the texts"),
        (frame("a", label=["x"]), "label", InputError, "'label' is the target; it can't be the text as well"),
    ],
)
def test_what_cant_be_learned_from_is_told(given, name, error, message):
    with pytest.raises(error, match=message):
        TextColumn.learn(given, name, TableTarget(("label",), "classification"))


def test_a_column_that_is_missing_at_use_is_named():
    column = TextColumn.learn(frame("a"), "review")
    with pytest.raises(UnknownNameError, match="did you mean 'Review'"):
        column.apply(pl.DataFrame({"Review": ["a"]}))
