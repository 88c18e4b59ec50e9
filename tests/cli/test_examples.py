"""The help's examples of what is done with sequences, pictures and vectors: each is run on small files."""

import shlex

import numpy as np
import pytest
from PIL import Image

from backlit.cli import train
from tests.cli.test_pairs import command, files  # noqa: F401

WANTED = ("--to", "--picture", "--frames", "--vectors")
EXAMPLES = [line for line in train.EXAMPLES.split("\n\n") if any(word in line for word in WANTED)]
TABLES = {
    "pairs.csv": ("en,ko", ["one,하나", "two,둘", "three,셋"]),
    "chat.csv": ("question,answer", ["who are you?,a network", "what is it?,a test", "why?,because"]),
    "sentences.csv": ("words,tags", ["the cat,DET NOUN", "a red cat,DET ADJ NOUN", "the red one,DET ADJ NOUN"]),
    "reviews.csv": ("review,label", ["good film,+", "bad film,-", "a good one,+"]),
    "photos.csv": ("file,caption", ["0.png,dark", "1.png,bright", "2.png,bright"]),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    for name, (head, rows) in TABLES.items():
        rows = [row.replace(",", f" {i},", 1) for i in range(8) for row in rows] if name != "photos.csv" else rows * 8
        if name == "sentences.csv":
            rows = [f"{words},{tags} NUM" for words, tags in (row.split(",") for row in rows)]
        (folder / name).write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    (folder / "vectors.txt").write_text("good 1 0\nbad -1 0\nfilm 0 1\n", encoding="utf-8")
    rng = np.random.default_rng(0)
    for i in range(3):
        Image.fromarray(rng.integers(0, 255, (9, 9), "uint8")).save(folder / f"{i}.png")
    for side in ("left", "right"):
        for clip in range(8):
            (folder / f"clips/{side}/{clip}").mkdir(parents=True)
            for t in range(3):
                pixels = rng.integers(0, 255, (16, 16), "uint8")
                Image.fromarray(pixels).save(folder / f"clips/{side}/{clip}/f{t}.png")
    return folder


def test_every_door_has_an_example():
    assert all(any(word in line for line in EXAMPLES) for word in WANTED)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_work(example, folder, command, monkeypatch):  # noqa: F811
    monkeypatch.chdir(folder)
    words = shlex.split(example)[1:]
    out = f"run-{EXAMPLES.index(example)}"
    status, _, err = command(*words, "--epochs", 1, "--engine", "numpy", "--no-report", "-q", "--out", out)
    assert status == 0, err
    assert (folder / out / "network.json").exists()
