"""Copies of texts, sequences and pictures: in one part together, and told; padding and its rows."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import backlit as bl
from backlit.errors import InputError, ShapeError
from backlit.tasks.options import Options
from backlit.tasks.pictures import PicturesTask
from backlit.tasks.sequences import SequencesTask
from backlit.tasks.split import alike, copies_of, fold
from backlit.tasks.texts import TextsTask

SHARES = (0.6, 0.2, 0.2)


def apart(parts, contents):
    """Whether no content is in two of the parts, and all rows are in one."""
    rows = [parts.train, parts.validation, parts.test]
    held = [{contents[row] for row in part} for part in rows]
    assert sorted(np.concatenate(rows).tolist()) == list(range(len(contents)))
    return sum(map(len, held)) == len(set(contents))


@given(codes=st.lists(st.integers(0, 60), min_size=30, max_size=90), seed=st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_copies_are_never_parted(codes, seed):
    contents = [f"text {code}" for code in codes]
    copies = copies_of(contents)
    parts = alike(copies, len(codes), lambda ones: bl.data.split(len(ones), SHARES, seed))
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(codes)))
    if copies is not None:
        held = [{contents[row] for row in part} for part in parts]
        assert sum(map(len, held)) == len(set(contents))


def table(copies):
    texts = [f"a letter about thing number {i} and more" for i in range(90)]
    texts += [text.replace(" ", "  ") for text in texts[:copies]]  # white space is no difference
    return pl.DataFrame({"text": texts, "kind": ["a" if "1" in text else "b" for text in texts]})


def test_equal_texts_are_in_one_part_and_told():
    frame = table(20)
    task = TextsTask(target="kind", text="text")
    material = task.read(frame)
    assert any("20 rows are copies of others" in note for note in material.notes)
    for seed in range(5):
        parts, _ = task.split(material, SHARES, seed)
        assert apart(parts, [" ".join(text.split()) for text in frame["text"]])
        assert task.warnings(material, parts, task.prepare(material, parts.train)) == []
        pool, folds = fold(material, parts, 3, Options())
        contents = [" ".join(frame["text"][int(row)].split()) for row in pool.train]
        for held in folds.rows:
            outside = np.setdiff1d(np.arange(len(contents)), np.concatenate(folds.rows))
            learned = {contents[row] for other in folds.rows if other is not held for row in other}
            assert not {contents[row] for row in held} & learned, outside


def test_texts_of_the_training_in_a_test_file_are_told():
    frame = table(0)
    task = TextsTask(target="kind", text="text", test=frame[:10])
    material = task.read(frame)
    parts, _ = task.split(material, SHARES, 0)
    told = task.warnings(material, parts, task.prepare(material, parts.train))
    assert len(told) == 1
    assert "of 10 test texts also stand among the training texts" in told[0]


def test_words_that_are_alike_by_nature_are_no_copies():
    assert copies_of(["yes", "no"] * 50) is None
    assert copies_of([f"{i}" for i in range(50)]) is None


def test_equal_sequences_are_in_one_part():
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(60, 4, 2))
    numbers = np.concatenate([numbers, numbers[:15]])
    for x in (numbers, [[f"w{i % 60}", "end"] for i in range(75)], [f"text {i % 60}" for i in range(75)]):
        task = SequencesTask(to="class")
        material = task.read((x, [i % 2 for i in range(75)]))
        assert "15 rows are copies" in material.notes[0]
        assert apart(task.split(material, SHARES, 1)[0], [str(one) for one in x])


def test_equal_pictures_are_in_one_part(tmp_path):
    rng = np.random.default_rng(0)
    for kind in ("a", "b"):
        (tmp_path / "set" / kind).mkdir(parents=True)
        for i in range(20):
            pixels = rng.integers(0, 255, (6, 6, 3), dtype=np.uint8)
            for copy in range(2 if i < 5 else 1):
                Image.fromarray(pixels).save(tmp_path / "set" / kind / f"{i}-{copy}.png")
    task = PicturesTask(cache=False)
    material = task.read(tmp_path / "set")
    assert any("10 rows are copies" in note for note in material.notes)
    parts, _ = task.split(material, SHARES, 0)
    assert apart(parts, material.marks.tolist())
    assert task.warnings(material, parts, None) == []


def test_rows_in_messages_are_those_of_the_input():
    texts = [f"text {i}" for i in range(40)]
    for row in (0, 7, 39):
        broken = [*texts[:row], "", *texts[row + 1 :]]
        with pytest.raises(InputError, match=f"row {row} is empty"):
            bl.fit_sequences(broken, ["a", "b"] * 20, to="class", epochs=1, progress=False)
        with pytest.raises(InputError, match=f"row {row} is empty"):
            bl.fit_sequences([text.split() for text in broken], ["a", "b"] * 20, to="class", epochs=1, progress=False)


ragged = st.lists(st.lists(st.integers(-5, 5), min_size=1, max_size=7), min_size=1, max_size=6)


@given(ragged, st.sampled_from(["end", "start"]), st.none() | st.integers(1, 9), st.sampled_from([0, -1, float("nan")]))
def test_padding_is_numpys(rows, at, length, value):
    found = bl.pad_sequences(rows, length, value, at)
    size = length or max(map(len, rows))
    for row, line in zip(rows, found, strict=True):
        kept = row[:size] if at == "end" else row[-size:]
        gap = (0, size - len(kept)) if at == "end" else (size - len(kept), 0)
        np.testing.assert_array_equal(line, np.pad(np.array(kept, found.dtype), gap, constant_values=value))
    assert found.dtype.kind == ("f" if value != value else "i")


def test_padding_of_steps_with_features():
    rows = [np.ones((2, 3), np.float32), np.zeros((4, 3), np.float32)]
    assert bl.pad_sequences(rows).shape == (2, 4, 3)
    assert bl.pad_sequences(rows).dtype == np.float32
    assert bl.pad_sequences(rows)[0, 2:].max() == 0
    for wrong, told in (
        ([], "no sequences"),
        ([[1], []], "row 1 is empty"),
        ([["a"]], "expected a sequence of numbers"),
        ([[[1, 2]], [[1]]], "row 1 has steps of shape"),
        ([5], "row 0 is 5"),
    ):
        with pytest.raises((InputError, ShapeError), match=told):
            bl.pad_sequences(wrong)
    with pytest.raises(InputError, match="length must be"):
        bl.pad_sequences([[1]], length=0)
    with pytest.raises(InputError, match="side to pad"):
        bl.pad_sequences([[1]], at="left")


def test_ragged_lists_are_told_of_the_helper():
    x = [[[1.0, 2.0]], [[1.0, 2.0], [3.0, 4.0]]]
    with pytest.raises(InputError, match=r"bl\.pad_sequences"):
        bl.fit_sequences(x, [0, 1], to="class")
    with pytest.raises(ShapeError, match=r"bl\.pad_sequences"):
        bl.fit(bl.Sequential(bl.LSTM(2), bl.Linear(2)), x, [0, 1])


@pytest.mark.parametrize("layer", [bl.LSTM(4), bl.GRU(4), bl.Bidirectional(bl.RNN(4))])
def test_what_is_filled_up_with_nan_is_passed_over(layer):
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=(steps, 3)).astype(np.float32) for steps in (2, 5, 3, 4)]
    plain, missing = bl.pad_sequences(rows), bl.pad_sequences(rows, value=float("nan"))
    networks = [bl.Masked(layer, value=value).build((5, 3), seed=0) for value in (0.0, float("nan"))]
    expected = np.asarray(networks[0](plain))
    np.testing.assert_array_equal(np.asarray(networks[1](missing)), expected)
    grads = [
        bl.grad(lambda p, net=net, x=x: bl.ops.sum(net.apply(p, x)[0] ** 2))(net.params)
        for net, x in zip(networks, (plain, missing), strict=True)
    ]
    for name, expected in leaves(grads[0]).items():
        np.testing.assert_array_equal(leaves(grads[1])[name], expected)


def leaves(tree, path=""):
    """A tree of arrays as one dict."""
    if not isinstance(tree, dict):
        return {path: np.asarray(tree)}
    return {k: v for name, part in tree.items() for k, v in leaves(part, f"{path}/{name}").items()}
