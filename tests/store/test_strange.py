"""Folders and pictures of strangers: nothing outside is opened or written, nothing waits for a pipe, nothing grows."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import backlit as bl
from backlit.data.pictures.decoding import FORMATS, opened
from backlit.errors import InputError
from backlit.report.figures import thumbnail
from backlit.train.judgement import Judgement
from tests.store.common import copied, sign

FILES = ["network.json", "weights.safetensors", "data.json", "history.jsonl", "judgement.json", "probes.jsonl"]
posix = pytest.mark.skipif(os.name != "posix", reason="no pipes here")


@pytest.fixture
def folder(tmp_path_factory, tmp_path):
    return copied(tmp_path_factory, tmp_path / "run")


@posix
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["pipe", "device", "link"])
def test_only_regular_files_of_the_folder_are_opened(folder, name, kind):
    path = folder / name
    (folder.parent / "outside").write_bytes(path.read_bytes())
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero" if kind == "device" else folder.parent / "outside")
    with pytest.raises(InputError, match=rf"{name} is (a link out of the folder|no regular file)"):
        bl.load(folder)


@posix
@pytest.mark.parametrize("name", [".weights.safetensors.new", ".report.html.new", ".network.json.new"])
def test_nothing_is_written_through_a_link(folder, name):
    outside = folder.parent / "mine"
    outside.write_text("mine")
    (folder / name).symlink_to(outside)
    run = bl.load(folder)
    bl.run.save_report(run)
    run.save(folder, overwrite=True)
    assert outside.read_text() == "mine"
    bl.load(folder)


@pytest.mark.parametrize(
    "gone", [{"../outside": "0"}, {"report.html": 1}, ["report.html"], {"weights.safetensors": "0"}]
)
def test_files_that_were_replaced_are_named_among_the_runs_own(folder, gone):
    sign(folder, lambda description: description.update(replaced=gone))
    with pytest.raises(InputError, match="doesn't list the run's files"):
        bl.load(folder)


LARGE = {
    "units": {"layer": "Linear", "units": 10**8},
    "a recurrent network": {"layer": "GRU", "units": 10**6, "return_sequences": True},
    "an embedding": {"layer": "Embedding", "count": 10**9, "size": 64},
    "channels": {"layer": "Conv2d", "channels": 10**7, "kernel": 3},
    "layers": {"layer": "Sequential", "layers": [{"layer": "ReLU"}] * 100_000},
    "one-hot": {"layer": "OneHot", "count": 10**12},
}


@pytest.mark.parametrize("what", LARGE)
@pytest.mark.parametrize("shape", [[4], [4, 4], [10**9]])
def test_sizes_are_compared_before_anything_is_built(folder, what, shape):
    sign(folder, lambda description: description.update(architecture=LARGE[what], input_shape=shape))
    started = time.process_time()
    with pytest.raises(InputError):
        bl.load(folder)
    assert time.process_time() - started < 2


def test_layers_in_layers(folder):
    nested = {"layer": "ReLU"}
    for _ in range(300):
        nested = {"layer": "Sequential", "layers": [nested]}
    index = json.loads((folder / "network.json").read_text(encoding="utf-8"))
    (folder / "network.json").write_text(json.dumps(index | {"architecture": nested}), encoding="utf-8")
    with pytest.raises(InputError, match="nested too deep"):
        bl.load(folder)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"scores": {"accuracy": "high"}}, "scores/accuracy must be a number or null, got 'high'"),
        ({"scores": [1]}, "scores must be a table"),
        ({"rows": 10**400}, "rows must be a whole number or null, got a whole number of more than 64 bits"),
        ({"classes": [{"class": "a", "recall": []}]}, r"classes/0: recall must be a number, got \[\]"),
        ({"baseline": {"what": 3}}, "baseline/what must be a text"),
        ({"steps": [{"step": 1, "network": {"mae": "x"}}]}, "steps/0/network/mae must be a number"),
        ({"confusion": [[1]], "classes": [{"class": "a"}, {"class": "b"}]}, "confusion must have 2 rows of 2 counts"),
        ({"errors": {"rows": [{"truth": {}}]}}, "truth must be a text or"),
        ({"calibration": {"bins": []}}, "calibration: Calibration has no error"),
    ],
)
def test_a_judgement_is_held_to_its_types(part, message):
    with pytest.raises(InputError, match=message):
        Judgement.from_dict(part)


# ----------------------------------------------------------------------------------------------------- pictures

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"


def test_no_program_is_run_for_a_picture(tmp_path, monkeypatch):
    """A file that holds EPS starts Ghostscript in Pillow, whatever it is called."""
    monkeypatch.setattr("subprocess.check_call", lambda *_, **__: pytest.fail("a program was run"))
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a program was run"))
    path = tmp_path / "a.jpg"
    path.write_bytes(EPS)
    with pytest.raises(InputError, match="no picture that can be read"), opened(path):
        pass
    assert thumbnail(path) is None
    assert "EPS" not in FORMATS


@posix
def test_a_pipe_among_pictures_is_told(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(InputError, match="no regular file"), opened(tmp_path / "a.png"):
        pass
    assert thumbnail(tmp_path / "a.png") is None


def test_a_report_opens_no_picture_that_only_the_folder_names(tmp_path):
    for name in ("mine", "theirs"):
        (tmp_path / name).mkdir()
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / name / "a.png")
    run = bl.fit(bl.Linear(1), np.eye(3), np.array([0.5, 1.0, 2.0]), epochs=1, engine="numpy", probes=None)
    names = ["a.png", "../theirs/a.png", str(tmp_path / "theirs" / "a.png")]
    if os.name == "posix":
        (tmp_path / "mine" / "link.png").symlink_to(tmp_path / "theirs" / "a.png")
        names.append("link.png")
    run.judgement = {"task": "classification", "worst": [{"class": "a", "called": "b", "name": n} for n in names]}
    run.config = {"data": str(tmp_path / "mine")}
    loaded = bl.load(run.save(tmp_path / "run"))
    assert loaded.report().count("data:image/png") == 0
    assert loaded.report(pictures=tmp_path / "mine").count("data:image/png") == 1
    assert run.report().count("data:image/png") == 1  # trained here, on what the user named


def test_what_is_saved_is_what_can_be_read(tmp_path):
    """The same limit holds on the way in and out."""
    deep = 1
    for _ in range(300):
        deep = [deep]
    run = bl.fit(bl.Linear(1), np.eye(3), np.array([0.5, 1.0, 2.0]), epochs=1, engine="numpy", probes=None)
    run.judgement = {"deep": deep}
    with pytest.raises(InputError, match=r"can't be written: .*nested too deep"):
        run.save(tmp_path / "run")
    assert not Path(tmp_path / "run").exists()
