"""Texts are classified: from a column of texts to a judged run that is saved, loaded and used."""

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB

import backlit as bl
from backlit.data import TextColumn
from backlit.errors import InputError, UnknownNameError
from backlit.nn.spec.sequences import for_texts


def reviews(rows=240, seed=0):
    """What is good or bad, after "not" the other way round or not at all, in words that are fillers otherwise."""
    rng = np.random.default_rng(seed)
    fillers = ["film", "the", "was", "actor", "plot", "music", "a", "scene"]
    label = rng.choice(["bad", "good"], rows)
    told = {"good": ["great", "lovely", "fine"], "bad": ["awful", "boring", "poor"]}
    texts = [" ".join(rng.permutation([*rng.choice(fillers, 6), rng.choice(told[one])])) for one in label]
    return pl.DataFrame({"id": range(rows), "review": texts, "label": label})


@pytest.fixture(scope="module")
def run():
    return bl.fit(reviews(), target="label", text="review", epochs=15, ensemble=1, progress=False)


def test_a_word_that_tells_is_found(run):
    assert run.judgement["scores"]["accuracy"] > 0.95
    assert run.predict(["a LOVELY plot", "boring!"]).tolist() == ["good", "bad"]
    assert run.predict(pl.DataFrame({"review": ["the music was fine"]})).tolist() == ["good"]
    assert "only the text is learned from; not used: id" in run.judgement["notes"]


def test_naive_bayes_is_judged_beside_as_scikit_learn_would(run):
    rival = run.judgement["rivals"]["naive Bayes, words"]
    table = reviews()
    from backlit.tasks.table import TableTask

    task = TableTask(target="label")
    material = task.read(table)
    parts, _ = task.split(material, (0.7, 0.15, 0.15), 0)
    texts = np.array(table["review"].to_list())
    counter = CountVectorizer(analyzer=str.split)
    model = MultinomialNB().fit(counter.fit_transform(texts[parts.train]), material.y[parts.train])
    expected = model.score(counter.transform(texts[parts.test]), parts.y_test)
    assert rival["accuracy"] == pytest.approx(expected)
    assert 0 < rival["log_loss"] < 1


def test_a_run_is_saved_and_loaded(run, tmp_path):
    again = bl.load(run.save(tmp_path / "run"))
    assert isinstance(again.preparation, TextColumn)
    assert again.preparation == run.preparation
    raw = ["great", "", "unheard words", "awful " * 1000]
    assert np.array_equal(again.predict_proba(raw), run.predict_proba(raw))


@pytest.mark.slow
def test_empty_and_endless_texts_are_no_trouble():
    table = reviews(60)
    texts = table["review"].to_list()
    texts[0], texts[1], texts[2] = None, "", "great " * 200_000
    run = bl.fit(table.with_columns(review=pl.Series(texts)), target="label", text="review", epochs=2, progress=False)
    assert np.isfinite([record["loss"] for record in run.history]).all()
    assert run.preparation.length < 20
    assert np.isfinite(run.predict_proba(["", "x" * 1_000_000])).all()


@pytest.mark.slow
def test_numbers_are_regressed():
    table = reviews(200).with_columns(
        stars=pl.when(pl.col("label") == "good").then(4.5).otherwise(1.25) + pl.col("id") / 1e4
    )
    run = bl.fit(table, target="stars", text="review", epochs=30, ensemble=1, progress=False)
    assert run.judgement["task"] == "regression"
    assert run.judgement["scores"]["r2"] > 0.8
    assert "rivals" not in run.judgement


@pytest.mark.slow
@pytest.mark.parametrize("tokens", ["syllables", "jamo"])
def test_korean(tokens):
    rng = np.random.default_rng(1)
    label = rng.choice(["긍정", "부정"], 160)
    told = {"긍정": ["재밌다", "좋았다", "최고"], "부정": ["지루하다", "별로다", "최악"]}
    fill = ["영화", "배우", "음악", "이야기", "정말", "ㅋㅋ"]
    texts = [" ".join([*rng.choice(fill, 3), rng.choice(told[one])]) for one in label]
    table = pl.DataFrame({"평": texts, "감정": label})
    run = bl.fit(table, target="감정", text="평", tokens=tokens, epochs=15, progress=False)
    assert run.preparation.tokenizer.unit == tokens
    assert run.judgement["scores"]["accuracy"] > 0.9


def test_order_matters_to_a_recurrent_network_but_not_to_a_bag():
    column = TextColumn.learn(pl.DataFrame({"review": ["a b c d", "a b c d"]}), "review")
    rows = column.apply(["a b c", "c b a"])
    bag = for_texts("bag:8,4", 2, 0.0, column.tokenizer.size, column.tokenizer.unit).build((4,))(rows)
    np.testing.assert_allclose(bag[0], bag[1], atol=1e-6)
    for words in ("cnn:8,8", "gru:5", "bilstm:5,4", "rnn"):
        out = for_texts(words, 2, 0.1, column.tokenizer.size, column.tokenizer.unit).build((4,))(rows)
        assert out.shape == (2, 2)
        assert abs(out[0] - out[1]).max() > 1e-4, words


@pytest.mark.slow
def test_words_build_the_network_that_is_asked_for():
    run = bl.fit(reviews(60), target="label", text="review", network="gru:6", epochs=1, progress=False)
    assert "gru:6" in run.judgement["plan"]
    assert "Masked(Sequential(Embedding" in repr(run.network.architecture)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"text": "reviews"}, UnknownNameError, "did you mean 'review'"),
        ({"text": "id"}, InputError, "'id' holds Int64, no text; text is in 'review', 'label'"),
        ({"text": "label"}, InputError, "'label' is the target; it can't be the text"),
        ({"text": "review", "tokens": "letters"}, UnknownNameError, "unknown unit of text 'letters'"),
        ({"tokens": "words"}, InputError, "say which column holds them with text"),
        ({"text": "review", "columns": {"id": "drop"}}, InputError, "only the texts are learned from"),
        ({"text": "review", "network": "mlp:64"}, UnknownNameError, "unknown network for texts 'mlp'"),
        ({"text": "review", "network": "bag:x"}, InputError, "expected sizes such as bag:64"),
    ],
)
def test_mistakes_are_told(options, error, message):
    with pytest.raises(error, match=message):
        bl.fit(reviews(40), target="label", progress=False, **options)


def test_importance_says_that_it_is_for_columns(run):
    table = reviews(20)
    with pytest.raises(InputError, match="this run reads tokens"):
        bl.importance(run, table, table["label"].to_numpy())


@pytest.mark.slow
def test_judged_on_validation_rows_or_folds_where_there_are_no_test_rows():
    table = reviews(60)
    alone = bl.fit(table, target="label", text="review", split=(0.8, 0.2), ensemble=1, epochs=2, progress=False)
    assert alone.judgement["judged_on"] == "validation"
    assert alone.judgement["rivals"]
    folded = bl.fit(table, target="label", text="review", split=(0.8, 0.2), epochs=2, progress=False)
    assert folded.judgement["judged_on"] == "held-out folds"
    assert "rivals" not in folded.judgement  # a rival would have to be trained once a fold
