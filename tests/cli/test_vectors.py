"""Word vectors at the command line: read, told of, and frozen; learning rates for texts and columns."""

import csv
import json
import struct

import numpy as np
import pytest

import backlit as bl
from backlit.data import read_vectors
from tests.cli.test_pairs import command, files  # noqa: F401

WORDS = {"good": (1.0, 0.1), "great": (0.9, 0.2), "bad": (-1.0, 0.1), "awful": (-0.9, 0.2), "film": (0.0, 1.0)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vectors")
    lines = [f"{word} {first} {second}" for word, (first, second) in WORDS.items()]
    (folder / "glove.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "word2vec.txt").write_text("\n".join(["5 2", *lines]) + "\n", encoding="utf-8")
    binary = b"".join(word.encode() + b" " + struct.pack("<2f", *vector) + b"\n" for word, vector in WORDS.items())
    (folder / "word2vec.bin").write_bytes(b"5 2\n" + binary)
    rng = np.random.default_rng(0)
    with (folder / "reviews.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("review", "label"))
        for _ in range(60):
            label = rng.choice(["+", "-"])
            word = rng.choice(["good", "great"] if label == "+" else ["bad", "awful"])
            writer.writerow((" ".join(rng.permutation([word, "film", "plot"])), label))
    return folder


@pytest.mark.parametrize("name", ["glove.txt", "word2vec.txt", "word2vec.bin"])
def test_all_formats_hold_the_same(folder, name):
    vectors = read_vectors(folder / name)
    assert vectors.words == tuple(WORDS)
    np.testing.assert_array_equal(vectors.matrix, np.array(list(WORDS.values()), "float32"))


def test_a_binary_file_that_is_cut_off(folder):
    (folder / "cut.bin").write_bytes((folder / "word2vec.bin").read_bytes()[:-9])
    with pytest.raises(bl.InputError, match=r"cut\.bin: word 5 of 5 is cut off"):
        read_vectors(folder / "cut.bin")


def test_frozen_vectors_are_in_the_run_bit_for_bit(folder, command, monkeypatch):  # noqa: F811
    monkeypatch.chdir(folder)
    words = ("--text", "review", "--target", "label", "--vectors", "word2vec.bin", "--freeze", "embeddings")
    status, _, err = command(
        "train", "reviews.csv", *words, "--epochs", 8, "--engine", "numpy", "--no-report", "-q", "--out", "run"
    )
    assert status == 0, err
    assert "vectors of 2 numbers for 5 of 6 words" in err
    run = bl.load("run")
    table = np.asarray(run.network.params["0"]["body"]["0"]["weight"])
    for word, vector in WORDS.items():
        place = 4 + run.preparation.tokenizer.tokens.index(word)
        assert table[place].tobytes() == np.array(vector, "float32").tobytes()
    status, _, err = command("train", "reviews.csv", *words[:-2], "--tokens", "characters", "--out", "none")
    assert status == 2
    assert "vectors are of words" in err


@pytest.mark.slow
def test_rates_are_found_for_texts_and_told_columns(folder, command, monkeypatch):  # noqa: F811
    monkeypatch.chdir(folder)
    for words in (("--text", "review"), ("--columns", "review=category")):
        status, out, err = command("lr-find", "reviews.csv", "--target", "label", *words, "--steps", 20, "--json")
        assert status == 0, err
        assert 0 < json.loads(out)["suggestion"] < 10
