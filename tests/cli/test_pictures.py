"""The commands on folders of pictures."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.cli.calling import backlit


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Light and dark pictures, and a run on them."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for name, low in (("어두움", 0), ("light", 155)):
        (folder / "sky" / name).mkdir(parents=True)
        for i in range(20):
            Image.fromarray(rng.integers(low, low + 100, (10, 10), dtype=np.uint8)).save(
                folder / "sky" / name / f"{i}.png"
            )
    done = backlit(
        "train",
        "--no-report",
        "sky",
        "--network",
        "cnn:4",
        "--epochs",
        8,
        "--out",
        "run",
        "--size",
        "8x9",
        "-q",
        folder=folder,
    )
    assert done.returncode == 0, done.stderr
    return folder, done


def test_the_report(trained):
    _, done = trained
    assert "28 training, 6 validation, 6 test rows, pictures of 8 × 9 × 1" in done.stdout
    assert "accuracy" in done.stdout
    assert "backlit predict run new.png" in done.stdout
    assert "40 grey pictures of 2 classes, brought to 8 × 9" in done.stderr


def test_train_again_from_its_config(trained):
    folder, _ = trained
    done = backlit(
        "train", "--no-report", "--config", "run/config.toml", "--out", "again", "-q", "--json", folder=folder
    )
    assert done.returncode == 0, done.stderr
    first = json.loads((folder / "run" / "judgement.json").read_text(encoding="utf-8"))
    assert json.loads(done.stdout)["judgement"]["scores"] == first["scores"]
    assert backlit("show", "again", folder=folder).returncode == 0


def test_predict(trained):
    folder, _ = trained
    done = backlit("predict", "run", "sky/light/0.png", "sky/어두움", folder=folder)
    assert done.returncode == 0, done.stderr
    head, first, *others = done.stdout.splitlines()
    assert head == "picture,prediction,probability_light,probability_어두움"
    assert first.startswith("sky/light/0.png,light,0.")
    assert len(others) == 20
    assert all(line.split(",")[1] == "어두움" for line in others)
    done = backlit("predict", "run", "sky", "--out", "found.tsv", folder=folder)
    assert "40 predictions written" in done.stderr
    assert (folder / "found.tsv").read_text(encoding="utf-8").startswith("picture\tprediction\t")
    found = json.loads(backlit("predict", "run", "sky/light", "--json", folder=folder).stdout)
    assert found["rows"] == len(found["prediction"]) == 20


def test_evaluate(trained):
    folder, _ = trained
    found = json.loads(backlit("evaluate", "run", "sky", "--json", folder=folder).stdout)
    assert found["rows"] == 40
    assert found["accuracy"] > 0.9
    assert "worst" in found["judgement"]


def test_broken_pictures(trained, tmp_path):
    folder, _ = trained
    (tmp_path / "a.png").write_bytes(b"text")
    (tmp_path / "b.png").write_bytes((folder / "sky" / "light" / "0.png").read_bytes())
    done = backlit("predict", folder / "run", "a.png", "b.png", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "picture a.png: it is no picture that can be read" in done.stderr
    done = backlit("predict", folder / "run", "a.png", "b.png", "--skip-broken", folder=tmp_path)
    assert len(done.stdout.splitlines()) == 2
    assert "a.png: it is no picture that can be read; it is left out" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "sky/light"), "in no class's folder"),
        (("train", "run"), "this is the folder of a run"),
        (("train", "sky", "--target", "a"), "--target is for tables"),
        (("train", "sky", "--size", "8y8"), "--size 8y8: expected a number of pixels"),
        (("train", "sky", "--network", "conv:4 pool:20 flatten"), "word 2 'pool:20'"),
        (("train", "sky", "--network", "cnm:4"), "did you mean 'cnn'"),
        (("train", "digits", "--size", "8"), "--size is for tables and folders of pictures"),
        (("train", "digits", "--skip-broken"), "--skip-broken is for folders of pictures"),
        (("predict", "run", "none.png"), "none.png: there is no such file"),
        (("evaluate", "run", "sky", "--target", "a"), "--target is for tables"),
        (("importance", "run", "sky"), "the run takes pictures"),
    ],
)
def test_wrong_input(trained, words, message):
    folder, _ = trained
    done = backlit(*words, folder=folder)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
