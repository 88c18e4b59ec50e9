"""The report in a run's folder: one of its files, as whole as the others."""

import json
import shutil

import numpy as np
import pytest

import backlit as bl
from backlit.run import save_report
from backlit.store import files


@pytest.fixture
def run(tmp_path):
    x = np.eye(6, dtype="float32")
    return bl.fit(bl.Linear(1), x, np.arange(6.0), epochs=2, checkpoint=tmp_path / "run")


def index(run):
    return json.loads((run.folder / "network.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_a_report_is_added_and_nothing_else_changes(run):
    before = {path.name: path.read_bytes() for path in run.folder.iterdir() if path.name != "network.json"}
    told = index(run)
    assert save_report(run, "ko") == run.folder / "report.html"
    page = (run.folder / "report.html").read_bytes()
    assert b'<html lang="ko">' in page
    assert {name: (run.folder / name).read_bytes() for name in before} == before
    now = index(run)
    assert now["files"] == told["files"] | {"report.html": files._sha256(page)}
    same = ("files", "sha256")
    assert {k: v for k, v in now.items() if k not in same} == {k: v for k, v in told.items() if k not in same}
    assert bl.load(run.folder).predict(np.eye(6)).tolist() == run.predict(np.eye(6)).tolist()
    save_report(run, "en")
    assert b'<html lang="en">' in (run.folder / "report.html").read_bytes()


def test_training_goes_on_beside_a_report(run):
    save_report(run)
    x = np.eye(6, dtype="float32")
    longer = bl.fit(bl.Linear(1), x, np.arange(6.0), epochs=4, checkpoint=run.folder, resume=True)
    assert len(longer.history) == 4
    assert not (run.folder / "report.html").exists()  # it told of two epochs


def test_a_report_is_saved_with_the_run(run, tmp_path):
    run.save(tmp_path / "other", report="ko")
    page = (tmp_path / "other" / "report.html").read_text(encoding="utf-8")
    assert "<title>학습 보고서: other</title>" in page
    run.save(tmp_path / "other", overwrite=True)
    assert not (tmp_path / "other" / "report.html").exists()
    with pytest.raises(bl.errors.UnknownNameError, match="'fr'"):
        run.save(tmp_path / "third", report="fr")
    assert not (tmp_path / "third").exists()


def test_a_lost_or_changed_report_harms_nobody(run):
    save_report(run)
    (run.folder / "report.html").write_text("torn", encoding="utf-8")
    bl.load(run.folder)
    (run.folder / "report.html").unlink()
    save_report(bl.load(run.folder))
    assert (run.folder / "report.html").stat().st_size > 10_000


def test_nothing_changes_if_it_cannot_be_written(run, monkeypatch):
    save_report(run, "en")
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}

    def full(path):
        if path.name == ".report.html.new":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "to_disk", full)
    with pytest.raises(
        bl.InputError, match=r"report.html can't be written: .*No space left.*; what was there is as it"
    ):
        save_report(run, "ko")
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before


def test_folders_of_format_1_get_one_too(run):
    told = index(run)
    old = {key: value for key, value in told.items() if key not in ("files", "sha256")} | {"format": 1}
    (run.folder / "network.json").write_text(json.dumps(old), encoding="utf-8")
    data = json.loads((run.folder / "data.json").read_text(encoding="utf-8"))
    data["targets"] |= {"shift": 0.0, "scale": 1.0}
    (run.folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
    loaded = bl.load(run.folder)
    save_report(loaded)
    assert index(run) == old
    assert "</html>" in (run.folder / "report.html").read_text(encoding="utf-8")
    bl.load(run.folder)


def test_runs_without_a_folder_and_folders_without_a_run(run):
    with pytest.raises(bl.InputError, match="has no folder yet: save it first"):
        save_report(bl.fit(bl.Linear(1), np.eye(2), np.arange(2.0), epochs=1))
    shutil.rmtree(run.folder)
    with pytest.raises(bl.InputError, match=r"no complete run: network\.json missing"):
        save_report(run)
    assert not run.folder.exists()
