"""What the tests of run folders share: a run that was saved once, copies of it, and ways to change what it holds."""

import json
import shutil

import numpy as np

import backlit as bl
from backlit.store import files
from tests.train.common import blobs

KEPT = {}


def trained():
    """A small run with running state, classes, judgement and config."""
    x, y = blobs()
    net = bl.Sequential(bl.Linear(8), bl.BatchNorm(), bl.ReLU(), bl.Linear(3))
    run = bl.fit(net, x, np.array(["a", "b", "c"])[y], epochs=3, validation=0.2, engine="numpy")
    run.judgement, run.config = {"scores": {"accuracy": 0.5}}, {"data": "집.csv", "split": [0.7, 0.3]}
    return run


def saved(tmp_path_factory):
    """The folder of one such run, for all tests; copy it to change it."""
    if "folder" not in KEPT:
        KEPT["folder"] = trained().save(tmp_path_factory.mktemp("kept") / "run")
    return KEPT["folder"]


def copied(tmp_path_factory, where):
    """A copy of that folder."""
    return shutil.copytree(saved(tmp_path_factory), where, dirs_exist_ok=True)


def contents(folder):
    """All files by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def sign(folder, change=lambda description: None):
    """Change network.json, and make all checksums fit again, to see what is found besides."""
    path = folder / "network.json"
    description = json.loads(path.read_text(encoding="utf-8"))
    if "files" in description:
        description["files"] = {name: files._sha256((folder / name).read_bytes()) for name in description["files"]}
    change(description)
    path.write_bytes(files._signed(description))
