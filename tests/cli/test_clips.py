"""Clips of frames at the command line: folders of frames, animated pictures, arrays; trained, judged and used."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

import backlit as bl
from backlit.data.pictures import classes_in
from backlit.data.pictures.clips import films_in
from backlit.tasks.pictures import PicturesTask
from tests.cli.test_pairs import command, files  # noqa: F401, the command as a fixture

COUNT = 16


def film(rng, side):
    """A dot that moves to one side, in five to seven frames."""
    start, frames = int(rng.integers(0, 3)), int(rng.integers(5, 8))
    pictures = np.zeros((frames, 8, 10), np.uint8)
    for t in range(frames):
        column = start + t if side == "right" else 9 - start - t
        pictures[t, 3:5, max(0, min(9, column))] = 255
    return pictures


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("films"), np.random.default_rng(0)
    arrays, labels = [], []
    for side in ("left", "right"):
        for i in range(COUNT):
            pictures = film(rng, side)
            clip = folder / f"frames/{side}/clip{i:02}"
            clip.mkdir(parents=True)
            (folder / "gifs" / side).mkdir(parents=True, exist_ok=True)
            images = [Image.fromarray(picture) for picture in pictures]
            for t, image in enumerate(images):
                image.save(clip / f"f{9 + t}.png")  # f10 comes after f9
            images[0].save(folder / f"gifs/{side}/{i:02}.gif", save_all=True, append_images=images[1:])
            arrays.append(pictures[:5])
            labels.append(side)
    np.savez(folder / "films.npz", x=np.array(arrays), side=np.array(labels))
    np.savez(folder / "colours.npz", x=np.repeat(np.array(arrays)[..., None], 3, -1) / 255, side=np.array(labels))
    return folder


def test_clips_are_told_from_pictures_and_in_order(films):
    found = films_in(classes_in(films / "frames"))
    assert len(found.clips) == 2 * COUNT
    assert [path.name for path in found.clips[0][:2]] == ["f9.png", "f10.png"]
    assert found.names[0] == "left/clip00"
    moving = films_in(classes_in(films / "gifs"))
    assert [len(clip) for clip in moving.clips] == [len(clip) for clip in found.clips]
    frames, gifs = (PicturesTask(cache=False).read(films / kind) for kind in ("frames", "gifs"))
    assert frames.raw.shape == (2 * COUNT, 6, 8, 10, 1)
    np.testing.assert_array_equal(frames.raw, gifs.raw)


def test_frames_one_by_one_stay_with_their_clip(films):
    task = PicturesTask(frames=1, cache=False)
    album = task.read(films / "frames")
    assert album.raw.ndim == 4
    parts, _ = task.split(album, (0.6, 0.2, 0.2), 0)
    folders = [
        {name.rsplit("/", 1)[0] for name in album.names[rows]} for rows in (parts.train, parts.validation, parts.test)
    ]
    assert len(set.union(*folders)) == sum(map(len, folders))


@pytest.mark.parametrize("name", ["frames", "films.npz"])
def test_from_clips_to_predictions(films, command, monkeypatch, name):  # noqa: F811
    monkeypatch.chdir(films)
    how = ("--network", "mlp:16 gru:16", "--lr", "0.01", "--epochs", 25, "--engine", "numpy", "--no-report", "-q")
    status, out, err = command("train", name, *how, "--patience", 0, "--out", f"run-{name}")
    assert status == 0, err
    assert "clips of" in out
    status, out, err = command("evaluate", f"run-{name}", name, "--json")
    assert status == 0, err
    told = json.loads(out)
    assert told["accuracy"] > 0.9
    assert told["rows"] == 2 * COUNT
    status, out, err = command("predict", f"run-{name}", name)
    assert status == 0, err
    rows = list(csv.DictReader(out.splitlines()))
    assert len(rows) == 2 * COUNT
    assert (
        np.mean([row["prediction"] == ("left", "right")[i >= COUNT] for i, row in enumerate(rows)]) == told["accuracy"]
    )
    if name == "frames":
        one = command("predict", f"run-{name}", "frames/left/clip03", "gifs/left/03.gif")[1].splitlines()
        _, *frames = one[1].split(",")
        _, *packed = one[2].split(",")
        assert frames[0] == packed[0]  # the same clip in two forms
        # Two rows of a batch are alike to rounding: a processor may compute them at different places of its vectors.
        np.testing.assert_allclose([float(p) for p in frames[1:]], [float(p) for p in packed[1:]], rtol=1e-5)
        assert bl.load(f"run-{name}").predict(["frames/left/clip03"]).tolist() == [one[1].split(",")[1]]


def test_arrays_of_fractions_are_the_same_bytes(films):
    grey, colour = (PicturesTask().read(str(films / name)) for name in ("films.npz", "colours.npz"))
    assert colour.raw.shape == (2 * COUNT, 5, 8, 10, 3)
    np.testing.assert_array_equal(grey.raw[..., 0], colour.raw[..., 0])


def test_mistakes_are_told(films, command, monkeypatch):  # noqa: F811
    monkeypatch.chdir(films)
    np.savez("wild.npz", x=np.full((4, 3, 8, 8), 1e4), y=np.arange(4))
    np.savez("mute.npz", x=np.zeros((4, 3, 8, 8)))
    for words, message in (
        (("wild.npz",), "expected values from 0 to 1 or from 0 to 255, got 0 to 10000"),
        (("mute.npz",), "expected one array of labels (4,), got none"),
        (("films.npz", "--target", "none"), "expected one array of labels (32,), got side; name it with --target"),
        (("frames", "--network", "gru:8 cnn"), "expected what looks at a picture, then one recurrent layer"),
        (("frames", "--frames", "0"), "frames must be"),
    ):
        status, _, err = command("train", *words, "--out", "none")
        assert status == 2, err
        assert message in err
