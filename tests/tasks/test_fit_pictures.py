"""From a folder of pictures to a judged run."""

import shutil

import numpy as np
import pytest
from PIL import Image

import backlit as bl
from backlit.errors import InputError, UnknownNameError

QUICK = {"epochs": 12, "network": "cnn:8", "progress": False, "cache": False}


def stripes(folder, rng, counts=(("세로", 30), ("across", 30)), side=12, mode="L"):
    """Pictures of upright and of level stripes, with noise."""
    for name, count in counts:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            wave = np.tile(np.arange(side) // 2 % 2 * 150.0, (side, 1))
            wave = wave if name == "세로" else wave.T
            pixels = np.clip(wave + rng.uniform(0, 100, wave.shape), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).convert(mode).save(folder / name / f"{i}.png")
    return folder


@pytest.fixture
def folder(tmp_path, rng):
    return stripes(tmp_path / "stripes", rng)


def test_from_a_folder_to_predictions(folder, tmp_path):
    said = []
    run = bl.fit_pictures(folder, say=said.append, **QUICK)
    assert run.judgement["scores"]["accuracy"] == 1.0
    assert run.judgement["parts"] == {"training": 42, "validation": 9, "test": 9}
    assert run.judgement["worst"] == []
    assert "60 grey pictures of 2 classes, brought to 12 × 12" in said[0]
    again = bl.load(run.save(tmp_path / "run"))
    assert again.predict(folder / "세로" / "3.png").tolist() == ["세로"]
    with Image.open(folder / "across" / "5.png") as picture:
        large = picture.convert("RGBA").resize((120, 120))
    assert again.predict([large, np.asarray(large)]).tolist() == ["across", "across"]
    assert again.predict_proba(folder).shape == (60, 2)
    np.testing.assert_array_equal(again.predict_proba(folder), run.predict_proba(folder))


OWN = bl.Sequential(bl.Conv2d(4, 3), bl.ReLU(), bl.GlobalAvgPool(), bl.Linear(2))


@pytest.mark.slow
@pytest.mark.parametrize("network", ["mlp:8", "lstm:8", "conv:4 relu flatten", OWN], ids=str)
def test_every_network_takes_pictures(folder, network):
    run = bl.fit_pictures(folder, **QUICK | {"network": network, "epochs": 2}, size=(8, 10))
    assert run.network.input_shape == (8, 10, 1)
    assert isinstance(run.network.architecture.layers[0], bl.Rescale)
    assert run.predict(folder).shape == (60,)


@pytest.mark.slow
def test_a_resnet_learns(folder):
    run = bl.fit_pictures(folder, **QUICK | {"network": "resnet:8"})
    assert run.judgement["scores"]["accuracy"] > 0.9


def test_both_engines_learn_alike(folder):
    scores = [bl.fit_pictures(folder, **QUICK | {"epochs": 3}, engine=e).history[-1]["loss"] for e in ("xla", "numpy")]
    assert scores[0] == pytest.approx(scores[1], rel=1e-3)


@pytest.mark.slow
def test_ensembles_of_pictures(folder):
    run = bl.fit_pictures(folder, **QUICK | {"epochs": 2}, ensemble=2)
    assert run.predict(folder).shape == (60,)
    assert run.inputs(folder).dtype == np.uint8


@pytest.mark.slow
def test_colour_and_the_chosen_network(folder, rng):
    with Image.open(folder / "across" / "0.png") as picture:
        Image.merge("RGB", [picture] * 2 + [picture.point(lambda v: v // 2)]).save(folder / "across" / "0.png")
    run = bl.fit_pictures(folder, epochs=1, progress=False, cache=False)
    assert run.network.input_shape == (12, 12, 3)
    assert run.judgement["plan"].startswith("cnn, ")


@pytest.mark.slow
def test_folders_of_ones_own(tmp_path, rng):
    stripes(tmp_path / "train", rng)
    stripes(tmp_path / "test", rng, (("세로", 5), ("across", 4), ("dots", 2)))
    run = bl.fit_pictures(tmp_path, **QUICK)
    assert run.judgement["parts"] == {"training": 51, "validation": 9, "test": 9}
    assert "2 test rows have a class that training doesn't have; they are left out" in run.judgement["notes"]
    stripes(tmp_path / "val", rng, (("세로", 3), ("across", 4)))
    run = bl.fit_pictures(tmp_path, **QUICK)
    assert run.judgement["parts"] == {"training": 60, "validation": 7, "test": 9}
    shutil.rmtree(tmp_path / "test")
    run = bl.fit_pictures(tmp_path, **QUICK)
    assert run.judgement["parts"] == {"training": 51, "validation": 7, "test": 9}


def test_the_most_confidently_wrong_are_named(folder):
    for i in range(6):  # upright stripes among the level ones
        shutil.copy(folder / "세로" / f"{i}.png", folder / "across" / f"wrong{i}.png")
    for seed in range(5):
        run = bl.fit_pictures(folder, **QUICK, seed=seed)
        if any("wrong" in row["name"] for row in run.judgement["worst"]):
            break
    worst = run.judgement["worst"]
    assert any(row["name"].startswith("across/wrong") and row["called"] == "세로" for row in worst)
    assert [row["probability"] for row in worst] == sorted((row["probability"] for row in worst), reverse=True)
    assert any(
        "6 test pictures" in note or "pixel by pixel, in more than one class" in note for note in run.judgement["notes"]
    )


def test_pictures_that_training_has_seen_are_counted(folder):
    for i in range(30):
        shutil.copy(folder / "across" / f"{i}.png", folder / "across" / f"copy{i}.png")
    notes = bl.fit_pictures(folder, **QUICK | {"epochs": 1}).judgement["notes"]
    (found,) = [note for note in notes if "among the training pictures" in note]
    seen, judged = map(int, (found.split()[0], found.split()[2]))
    assert 4 <= seen <= 9 < judged
    assert not any("more than one class" in note for note in notes)


def test_broken_pictures(folder):
    (folder / "across" / "x.png").write_bytes((folder / "across" / "1.png").read_bytes()[:80])
    with pytest.raises(InputError, match=r"picture .*x\.png: it is broken.*--skip-broken"):
        bl.fit_pictures(folder, **QUICK)
    run = bl.fit_pictures(folder, **QUICK | {"epochs": 1}, skip_broken=True)
    assert any(
        note.startswith("1 of 61 pictures can't be read and are left out: across/x.png")
        for note in run.judgement["notes"]
    )
    (folder / "third").mkdir()
    (folder / "third" / "y.png").write_bytes(b"text")
    with pytest.raises(InputError, match="no picture of class 'third' can be read"):
        bl.fit_pictures(folder, **QUICK, skip_broken=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "whole numbers from 1 to 4096"),
        ({"size": 10_000}, "whole numbers from 1 to 4096"),
        ({"size": (3, 4, 5)}, "size must be a number, or height and width"),
        ({"network": "conv:4 pool:20 flatten"}, r"word 2 'pool:20'.*larger than the input of \(12, 12\)"),
        ({"network": bl.Sequential(bl.Conv2d(4, 30), bl.Flatten(), bl.Linear(2))}, "larger than the input"),
    ],
)
def test_bad_options(folder, options, message):
    with pytest.raises(bl.BacklitError, match=message):
        bl.fit_pictures(folder, **QUICK | options)


def test_an_unknown_option(folder):
    with pytest.raises(UnknownNameError, match="did you mean 'epochs'"):
        bl.fit_pictures(folder, epoch=3)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["cnn:4", "lstm:4", "conv:4 relu pool:2 flatten linear:8 relu"])
def test_digits_know_their_pictures(network):
    from backlit.tasks.dataset import DatasetTask
    from backlit.tasks.options import Call, Options

    task, options, call = DatasetTask(), Options(network=network, epochs=2), Call(progress=False)
    run = task.train(task.read("digits"), options, call)
    assert run.network.input_shape == (64,)
    assert run.network.architecture.layers[0] == bl.Reshape((8, 8, 1))
    assert run.judgement["plan"].startswith(network)  # and not five of them
    with pytest.raises(InputError, match=r"gets rows of 2 numbers"):
        task.train(task.read("moons"), Options(network=network), call)


def test_layers_by_words_and_options_that_say_the_same(folder):
    for option in ({"dropout": 0.5}, {"activation": "tanh"}):
        with pytest.raises(InputError, match=f"put the {next(iter(option))} among them"):
            bl.fit_pictures(folder, **QUICK | {"network": "conv:4 relu flatten"} | option)
