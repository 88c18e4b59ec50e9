"""Classes at each step, padding, carried states, clipping, and the shapes of sequence jobs."""

import dataclasses

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.data.text.texts import windows
from backlit.train.prepare import clipped

# ------------------------------------------------------------------------------------- padding in loss and metrics


@pytest.mark.parametrize(
    "loss", [bl.CrossEntropy(), bl.CrossEntropy(label_smoothing=0.1), bl.NegativeLogLikelihood(log=True)]
)
def test_padding_does_not_count(loss, rng):
    """Against PyTorch's ignore_index, row by row."""
    z = rng.normal(size=(4, 5, 3))
    if not isinstance(loss, bl.CrossEntropy):
        z = np.asarray(torch.log_softmax(torch.tensor(z), dim=-1))
    y = rng.integers(0, 3, (4, 5))
    y[0, 2:], y[3, 1:] = -1, -1
    smoothing = getattr(loss, "label_smoothing", 0.0)
    for row in range(4):
        scores, labels = torch.tensor(z[row]), torch.tensor(y[row])
        function = (
            torch.nn.functional.cross_entropy if isinstance(loss, bl.CrossEntropy) else torch.nn.functional.nll_loss
        )
        extra = {"label_smoothing": smoothing} if smoothing else {}
        expected = function(scores, labels, ignore_index=-1, **extra)
        assert loss(z, y)[row] == pytest.approx(expected.item(), rel=1e-12)
    gradient = bl.grad(lambda z: loss(z, y).sum())(z)
    assert np.abs(gradient[y < 0]).max() == 0
    compiled = bl.compile(lambda z: loss(z, y))
    np.testing.assert_allclose(compiled(z), loss(z, y), rtol=1e-12)


def test_metrics_of_sequences():
    z = np.zeros((3, 2, 3))
    z[0, 0, 1] = z[0, 1, 2] = z[1, 0, 1] = z[1, 1, 1] = z[2, 0, 0] = 1.0
    y = np.array([[1, 2], [1, 2], [0, -1]])
    assert bl.nn.metrics.get("accuracy")(z, y) == pytest.approx(4 / 5)
    assert bl.nn.metrics.get("sequence_accuracy")(z, y) == pytest.approx(2 / 3)
    assert bl.nn.metrics.get("accuracy")(z, y, [0.0, 1.0, 1.0]) == pytest.approx(2 / 3)
    assert bl.nn.metrics.get("sequence_accuracy")(z, y, [0.0, 1.0, 1.0]) == pytest.approx(1 / 2)


# ---------------------------------------------------------------------------------------------- targets and fit


def test_a_class_for_each_step(rng):
    """Which of two symbols came more often so far: labels are texts, rows have different lengths."""
    x = rng.integers(1, 3, (200, 6))
    more = np.where(np.cumsum(np.where(x == 1, 1, -1), axis=1) > 0, "one", "two").astype(object)
    lengths = rng.integers(1, 7, 200)
    x[np.arange(6) >= lengths[:, None]] = 0
    more[x == 0] = ""
    net = bl.Sequential(bl.Masked(bl.Embedding(3, 4), bl.GRU(12, return_sequences=True)), bl.Linear(2))
    run = bl.fit(
        net, x, more.astype(str), epochs=60, optimizer=bl.Adam(0.02), metrics=["accuracy", "sequence_accuracy"]
    )
    assert run.history[-1]["sequence_accuracy"] > 0.99
    assert run.classes == ["one", "two"]
    predicted = run.predict(x)
    assert predicted.shape == x.shape
    assert (predicted == more)[x > 0].mean() > 0.99
    assert run.evaluate(x, more.astype(str))["sequence_accuracy"] > 0.99


def test_wrong_targets_of_sequences():
    net = bl.Sequential(bl.GRU(4, return_sequences=True), bl.Linear(2))
    x = np.zeros((4, 3, 1))
    with pytest.raises(bl.ShapeError, match=r"need targets of shape \(rows, 3\), a class for each step, got \(4, 2\)"):
        bl.fit(net, x, np.zeros((4, 2), int), epochs=1)
    with pytest.raises(bl.InputError, match="every target is padding"):
        bl.fit(net, x, np.full((4, 3), -1), epochs=1)
    with pytest.raises(bl.InputError, match="class_weight needs one class a row"):
        bl.fit(net, x, np.tile([0, 1, 0], (4, 1)), epochs=1, class_weight="balanced")


@pytest.mark.parametrize("engine", ["xla", "numpy"])
def test_states_are_carried_within_a_pass_only(engine, rng):
    """Losses of an epoch are those of the same windows read one after another, from zeros, at rate 0."""
    rows, steps, time = 2, 4, 3
    x, y = windows(rng.integers(0, 5, rows * steps * time + 1), rows, time)
    net = bl.Sequential(bl.Embedding(5, 3), bl.LSTM(4, return_sequences=True, stateful=rows), bl.Linear(5))
    network = net.build((time,), seed=0, dtype="float64")
    run = bl.fit(
        network, x, y, epochs=2, batch_size=rows, optimizer=bl.SGD(1e-12), metrics=[], engine=engine, dtype="float64",
        validation=(x, y),
    )  # fmt: skip
    whole = [np.concatenate([part[row::rows] for part in [x]]).reshape(-1) for row in range(rows)]
    answers = [np.concatenate([part[row::rows] for part in [y]]).reshape(-1) for row in range(rows)]
    stateless = dataclasses.replace(net.layers[1], stateful=0)
    alone = bl.Sequential(net.layers[0], stateless, net.layers[2]).build((steps * time,), dtype="float64")
    expected = bl.CrossEntropy()(alone.replace(params=network.params)(np.array(whole)), np.array(answers)).mean()
    for record in run.history:  # the second pass starts from zeros again; the validation text is read likewise
        assert record["loss"] == pytest.approx(expected, rel=1e-9)
        assert record["val_loss"] == pytest.approx(expected, rel=1e-9)


def test_learned_start_gets_a_gradient_when_states_are_carried(rng):
    x, y = windows(rng.integers(0, 5, 2 * 6 * 3 + 1), 2, 3)
    net = bl.Sequential(
        bl.Embedding(5, 3), bl.GRU(4, return_sequences=True, stateful=2, initial="learned"), bl.Linear(5)
    )
    run = bl.fit(net, x, y, epochs=2, batch_size=2, metrics=[])
    assert np.abs(run.network.params["1"]["initial"]["hidden"]).min() > 0


def test_epochs_of_so_many_steps(rng):
    x, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    whole = bl.fit(bl.Linear(1), x, y, epochs=3, batch_size=10, seed=4)
    parts = bl.fit(bl.Linear(1), x, y, epochs=6, batch_size=10, seed=4, steps_per_epoch=2)
    assert len(parts.history) == 6
    np.testing.assert_array_equal(parts.network.params["weight"], whole.network.params["weight"])
    with pytest.raises(bl.InputError, match="steps_per_epoch must be a whole number of at least 1, got 0"):
        bl.fit(bl.Linear(1), x, y, steps_per_epoch=0)


# --------------------------------------------------------------------------------------------------- clipping


def test_recurrent_networks_are_clipped_by_default():
    recurrent, plain = bl.Sequential(bl.GRU(3), bl.Linear(1)), bl.Sequential(bl.Linear(1))
    adam = bl.Adam()
    assert clipped(adam, plain, "auto") == adam
    assert clipped(adam, recurrent, None) == adam
    assert clipped(adam, recurrent, "auto") == bl.chain(bl.ClipGlobalNorm(1.0), adam)
    assert clipped(adam, plain, 5) == bl.chain(bl.ClipGlobalNorm(5.0), adam)
    own = bl.chain(bl.ClipValue(0.1), adam)
    assert clipped(own, recurrent, "auto") == own
    for wrong in (0, -1, True, "yes", np.inf):
        with pytest.raises(bl.InputError, match="clip must be a gradient norm above 0, 'auto' or None"):
            clipped(adam, plain, wrong)


def test_clipping_is_told_and_works(rng):
    x, y = 1e4 * rng.normal(size=(8, 5, 2)), rng.normal(size=8)
    run = bl.fit(bl.Sequential(bl.RNN(3), bl.Linear(1)), x, 1e6 * y, epochs=1, optimizer=bl.SGD(1.0), batch_size=None)
    assert "ClipGlobalNorm(limit=1.0)" in run.settings["optimizer"]
    start = bl.Sequential(bl.RNN(3), bl.Linear(1)).build((5, 2), seed=0)
    from backlit.graph import tree

    moved = tree.map(lambda a, b: ((a - b) ** 2).sum(), run.network.params, start.params)
    assert sum(tree.leaves(moved)) ** 0.5 == pytest.approx(1.0, rel=1e-3)


# ------------------------------------------------------------------------------------------------- five shapes

LETTERS = list("abcdef")


def words(rng, count, low=2, high=7):
    return ["".join(rng.choice(LETTERS, rng.integers(low, high))) for _ in range(count)]


@pytest.mark.slow
def test_many_to_one(rng):
    """Whether the first letter comes again; as texts, and as lists of symbols."""
    texts = words(rng, 900)
    y = ["again" if text[0] in text[1:] else "once" for text in texts]
    run = bl.fit_sequences(texts, y, to="class", network="bigru:32", epochs=60, learning_rate=0.01)
    assert run.judgement["scores"]["accuracy"] > 0.9 > run.judgement["baseline"]["accuracy"]
    assert run.predict(["abca", "abc"]).tolist() == ["again", "once"]
    lists = bl.fit_sequences([list(text) for text in texts], y, to="class", network="gru:8", epochs=2)
    assert lists.predict([["a", "b"]]).shape == (1,)


def test_many_to_many_in_step(rng):
    texts = words(rng, 300)
    tags = [["again" if letter in text[:i] else "new" for i, letter in enumerate(text)] for text in texts]
    run = bl.fit_sequences(texts, tags, to="tags", network="lstm:32", epochs=60, learning_rate=0.01)
    assert run.judgement["scores"]["accuracy"] > 0.95 > run.judgement["baseline"]["accuracy"]
    assert run.predict(["aba", "ab"]) == [["new", "new", "again"], ["new", "new"]]


@pytest.mark.slow
@pytest.mark.parametrize("attention", [None, "dot"])
def test_many_to_many(attention, rng):
    texts = sorted(set(words(rng, 2500, 3, 5)))
    run = bl.fit_sequences(
        texts, [text[::-1] for text in texts], to="text", network="gru:64", attention=attention, epochs=50,
        learning_rate=0.01,
    )  # fmt: skip
    assert run.judgement["scores"]["sequence_accuracy"] > (0.9 if attention else 0.6)
    if attention:
        assert run.predict(["abc", "fed"]).tolist() == ["cba", "def"]
    (best,) = run.write(["abc"], beam=3)
    assert best.text == "cba"
    assert best.log_probability > -0.5
    assert len(best.others) == 2
    assert best.others[0][1] < best.log_probability
    if attention:
        assert best.attention.shape == (4, 3)  # what fills up shorter texts isn't looked at
        np.testing.assert_allclose(best.attention.sum(axis=1), 1.0, rtol=1e-5)
    else:
        assert best.attention is None


@pytest.mark.slow
def test_one_to_many(rng, tmp_path):
    """A row of numbers told in words; saved and loaded."""
    x = rng.integers(0, 2, (300, 4)).astype("float32")
    y = [" ".join("yes" if bit else "no" for bit in row) for row in x]
    run = bl.fit_sequences(x, y, to="text", tokens="words", network="lstm:32", epochs=40, learning_rate=0.01)
    assert run.judgement["scores"]["sequence_accuracy"] > 0.99
    loaded = bl.load(run.save(tmp_path / "run"))
    assert loaded.predict(x[:3]).tolist() == y[:3]
    assert loaded.write(x[:2], beam=2)[1].text == y[1]
    assert loaded.judgement == run.judgement
    assert "whole" not in run.start["data"]["sequences"]  # rows of numbers: nothing is known


@pytest.mark.slow
def test_korean_texts(tmp_path):
    names = ["가방", "나무", "다리", "라면", "마음", "바다", "사과", "아기"] * 6
    run = bl.fit_sequences(
        names, [name[::-1] for name in names], to="text", tokens="jamo", network="gru:48", epochs=80, learning_rate=0.01
    )
    run.save(tmp_path / "run")
    assert bl.load(tmp_path / "run").predict(["나무"]).tolist() == ["무나"]
    assert run.start["data"]["sequences"]["whole"]  # longer texts would have been refused, not cut


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bl.fit_sequences(["a"], ["b"], to="txt"), "to of fit_sequences 'txt'; did you mean 'text'"),
        (lambda: bl.fit_sequences([], [], to="text"), "there are no rows"),
        (lambda: bl.fit_sequences(["a", "b"], ["b"], to="text"), "x has 2 rows and y 1"),
        (lambda: bl.fit_sequences(["a", 3], ["b", "c"], to="text"), "x: row 1 is 3; expected a text"),
        (lambda: bl.fit_sequences(["a", "b"], ["b", 3], to="text"), "y: row 1 is 3"),
        (lambda: bl.fit_sequences(["ab"] * 9, [["x"]] * 9, to="tags"), "row 0 has 2 tokens and 1 tags"),
        (lambda: bl.fit_sequences(["a"] * 9, [[""]] * 9, to="tags"), "row 0 has an empty tag"),
        (lambda: bl.fit_sequences(["a"] * 9, ["b"] * 9, to="class", attention="dot"), 'attention is for to="text"'),
        (lambda: bl.fit_sequences(["a"] * 9, ["b"] * 9, to="text", network="lsmt:9"), "did you mean 'lstm'"),
        (lambda: bl.fit_sequences(["a"] * 9, ["b"] * 9, to="text", network="lstm:x"), "expected layers' sizes such as"),
        (lambda: bl.fit_sequences(["a"] * 9, ["b"] * 9, to="text", balance=True), "doesn't take balance"),
        (lambda: bl.fit_sequences(["a"] * 9, ["b"] * 9, to="text", epoch=3), "unknown option of fit_sequences 'epoch'"),
        (lambda: bl.fit_sequences(np.zeros((9, 3)), ["b"] * 9, to="class"), r"x of shape \(9, 3\) holds no sequences"),
        (lambda: bl.fit_sequences([[1, 2], [1]], ["b"] * 2, to="class"), "numbers in one shape"),
    ],
)  # fmt: skip
def test_mistakes_are_told(call, message):
    with pytest.raises(bl.BacklitError, match=message):
        call()


def test_rows_that_a_run_cannot_read():
    run = bl.fit_sequences(["ab", "ba", "aab"] * 8, ["x", "y", "x"] * 8, to="class", network="gru:4", epochs=1)
    with pytest.raises(bl.InputError, match="row 1 has 4 tokens; the longest that was trained on has 3"):
        run.predict(["ab", "aaaa"])
    with pytest.raises(bl.InputError, match="row 0 is empty"):
        run.predict([""])
    with pytest.raises(bl.InputError, match="writes no texts"):
        run.write(["ab"])
    with pytest.raises(bl.InputError, match="no language model"):
        run.generate("ab")
