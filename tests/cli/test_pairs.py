"""Captions, translations, dialogue and tags at the command line, from a file to what is written for another."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

LETTERS = "abcd"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Words and their capitals, sentences and tags in columns and in lines, pictures with what they show."""
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    words = sorted({"".join(rng.choice(list(LETTERS), rng.integers(2, 5))) for _ in range(150)})
    sentences = [[*rng.choice(["the", "a"], 1), *rng.choice(["cat", "run", "red"], 2)] for _ in range(60)]
    tags = {"the": "DET", "a": "DET", "cat": "NOUN", "run": "VERB", "red": "ADJ"}
    tables = {
        "upper.csv": [("small", "great"), *((word, word.upper()) for word in words)],
        "digits.csv": [("code", "label"), *((f"{i % 7:03}", "odd" if i % 7 % 2 else "even") for i in range(70))],
        "uneven.csv": [("words", "tags"), ("a cat", "DET NOUN"), ("a cat", "DET")],
        "tags.csv": [("words", "tags"), *((" ".join(s), " ".join(tags[word] for word in s)) for s in sentences)],
    }
    (folder / "pictures").mkdir()
    shown = [("file", "caption")]
    for i in range(40):
        side = ("left", "right")[i % 2]
        pixels = np.full((8, 8), 250, np.uint8)
        pixels[:, 4 * (i % 2) : 4 * (i % 2) + 4] = rng.integers(0, 50)
        Image.fromarray(pixels).save(folder / f"pictures/{i}.png")
        shown.append((f"pictures/{i}.png", f"dark {side}"))
    tables["captions.csv"] = shown
    for name, rows in tables.items():
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
    lines = ["\n".join(f"{word}\t{tags[word]}" for word in sentence) for sentence in sentences]
    (folder / "tags.conll").write_text("\n\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def command(files, monkeypatch, command):
    """Run the command in the files' folder: exit status, and what was said on each stream."""
    monkeypatch.chdir(files)
    return command


@pytest.mark.slow
def test_a_translator_from_a_table_to_a_prompt(command):
    """Train, evaluate, predict, generate: each leads to what was written."""
    how = ("--network", "gru:32", "--lr", "0.01", "--epochs", 25, "--no-report", "-q")
    status, out, err = command(
        "train", "upper.csv", "--text", "small", "--target", "great", "--to", "text", *how, "--out", "t"
    )
    assert status == 0, err
    assert "exact match" in out
    assert "character error" in out
    assert "given" in out
    status, out, err = command("evaluate", "t", "upper.csv", "--json")
    assert status == 0, err
    told = json.loads(out)
    assert told["sequence_accuracy"] > 0.8 > told["judgement"]["baseline"]["sequence_accuracy"]
    assert told["character_error"] < 0.1
    status, out, err = command("predict", "t", "upper.csv")
    assert status == 0, err
    rows = list(csv.DictReader(out.splitlines()))
    assert np.mean([row["prediction"] == row["great"] for row in rows]) == pytest.approx(told["sequence_accuracy"])
    status, out, err = command("generate", "t", "--prompt", rows[0]["small"], "--beam", 2, "--json")
    assert status == 0, err
    assert json.loads(out)["text"] == rows[0]["prediction"]
    status, _, err = command("generate", "t", "--prompt", "ab", "--temperature", 0.5)
    assert status == 2
    assert "--temperature is for runs that go on with a text" in err


@pytest.mark.parametrize(
    "words", [("tags.csv", "--text", "words", "--target", "tags", "--to", "tags"), ("tags.conll",)]
)
def test_tags_of_columns_and_of_lines(command, words):
    how = ("--network", "lstm:16", "--lr", "0.02", "--epochs", 12, "--engine", "numpy", "--no-report", "-q")
    status, _, err = command("train", *words, *how, "--out", words[0][-4:])
    assert status == 0, err
    assert "60 sentences of 180 words, 4 different tags" in err
    status, out, err = command("evaluate", words[0][-4:], words[0], "--json")
    assert json.loads(out)["accuracy"] > 0.95
    status, out, _ = command("predict", words[0][-4:], words[0], "--json")
    assert len(json.loads(out)["prediction"][0].split()) == 3
    assert command("generate", words[0][-4:], "--prompt", "the cat run")[1].split()[0] == "DET"


def test_captions_of_picture_files(command):
    how = ("--network", "mlp:16 gru:16", "--lr", "0.01", "--epochs", 15, "--engine", "numpy", "--no-report", "-q")
    status, out, err = command("train", "captions.csv", "--picture", "file", "--target", "caption", *how, "--out", "c")
    assert status == 0, err
    assert "40 pictures, brought to 8 × 8" in err
    assert "pictures/" in out
    assert json.loads(command("evaluate", "c", "captions.csv", "--json")[1])["sequence_accuracy"] > 0.9
    status, out, err = command("predict", "c", "pictures/0.png", "pictures/1.png")
    assert status == 0, err
    assert [line.split(",")[1] for line in out.splitlines()[1:]] == ["dark left", "dark right"]


def test_texts_that_are_digits_are_read_as_they_stand(command):
    """A column of codes is no column of numbers if it is named as text: 003 isn't 3."""
    status, _, err = command(
        "train", "digits.csv", "--text", "code", "--target", "label", "--epochs", 1, "--ensemble", 1, "--no-report",
        "-q", "--engine", "numpy", "--out", "d",
    )  # fmt: skip
    assert status == 0, err
    import backlit as bl

    assert "003" in bl.load("d").preparation.tokenizer.tokens


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("upper.csv", "--target", "great", "--to", "text"), "say which column is to be read"),
        (("upper.csv", "--text", "small", "--target", "great"), "different texts, no classes; to write such texts"),
        (
            ("upper.csv", "--text", "small", "--target", "great", "--to", "words"),
            "unknown to (what is made of each row)",
        ),
        (
            ("uneven.csv", "--text", "words", "--target", "tags", "--to", "tags"),
            "uneven.csv, line 3: 2 words and 1 tags",
        ),
        (("captions.csv", "--picture", "caption", "--target", "file"), "there is no file dark left"),
        (("iris", "--to", "text"), "--to is for tables"),
    ],
)
def test_wrong_input_is_status_2(command, words, message):
    status, out, err = command("train", *words, "--out", "none")
    assert status == 2
    assert message in err.replace("\n", " ")
    assert not out
