"""Whose folder it is: a run is written where nothing is, or over a run; what the user has there stays."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.files import saving, writing
from backlit.store.files import FILES, INDEX, OPTIONAL
from tests.store.common import contents, copied

OPTIONS = {"epochs": 1, "engine": "numpy", "probes": None}
POSIX = pytest.mark.skipif(os.name == "nt", reason="links and devices as POSIX has them")


def fit(folder, **options):
    return bl.fit(bl.Linear(1), np.eye(4), np.arange(4.0), checkpoint=folder, **OPTIONS | options)


def write(path):
    with saving(path) as temporary:
        temporary.write_text("new")


@pytest.fixture
def run(tmp_path_factory, tmp_path):
    return copied(tmp_path_factory, tmp_path / "run")


@pytest.mark.parametrize(
    "names",
    [["config.toml"], ["data.json", "report.html"], ["thesis.tex"], ["network.json"], [".lock"], ["a", "b", "c/d"]],
    ids=" ".join,
)
def test_a_folder_with_something_else_is_refused_and_untouched(tmp_path, run, names):
    for name in names:
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / name).write_text("mine")
    before = {path: path.read_text() for path in (tmp_path / "mine").rglob("*") if path.is_file()}
    told = rf"it holds no run, and isn't empty: '{names[0][0]}"
    for options in ({}, {"overwrite": True}, {"resume": True}):
        with pytest.raises(InputError, match=told):
            fit(tmp_path / "mine", **options)
    for overwrite in (False, True):
        with pytest.raises(InputError, match=told):
            bl.load(run).save(tmp_path / "mine", overwrite=overwrite)
    assert {path: path.read_text() for path in (tmp_path / "mine").rglob("*") if path.is_file()} == before


def test_empty_folders_and_the_litter_of_systems_are_free(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".DS_Store").touch()
    fit(tmp_path / "run")
    assert (tmp_path / "run" / ".DS_Store").exists()


def test_what_lies_in_a_runs_folder_besides_it_stays(run):
    (run / "notes.txt").write_text("mine")
    (run / "report.html").write_text("mine, made by hand")  # this run has none
    other = bl.load(run)
    other.folder = None
    with pytest.raises(InputError, match=r"the run there hasn't written these: 'report\.html'"):
        other.save(run, overwrite=True)
    with pytest.raises(InputError, match="hasn't written these"):
        fit(run, overwrite=True)
    (run / "report.html").rename(run / "mine.html")
    other.save(run, overwrite=True)
    assert {(run / name).read_text() for name in ("notes.txt", "mine.html")} == {"mine", "mine, made by hand"}


@pytest.mark.parametrize("gone", [INDEX, "weights.safetensors"])
def test_a_damaged_run_is_one_and_may_be_replaced(run, gone):
    (run / gone).write_bytes(b"{")
    with pytest.raises(InputError, match="already holds a run"):
        fit(run)
    fit(run, overwrite=True)
    assert len(bl.load(run).history) == 1


def test_before_the_first_epoch_there_is_something_to_go_on_with(tmp_path):
    seen = []

    def look(end):
        seen.append(bl.load(tmp_path / "run").history)
        raise KeyboardInterrupt

    stopped = fit(tmp_path / "run", epochs=3, callbacks=look)
    assert (seen, stopped.history[:]) == ([[]], [])
    straight = bl.fit(bl.Linear(1), np.eye(4), np.arange(4.0), **OPTIONS | {"epochs": 3})
    resumed = fit(tmp_path / "run", epochs=3, resume=True)
    assert (resumed.network.params["weight"] == straight.network.params["weight"]).all()


def test_resuming_what_never_began_begins_it(tmp_path):
    run = fit(tmp_path / "run", resume=True)
    assert len(run.history) == 1


def test_nothing_is_left_of_a_run_that_failed_before_its_first_epoch(tmp_path):
    def fail(end):
        raise ZeroDivisionError

    for options in ({"callbacks": fail}, {"optimizer": bl.SGD(1e38), "epochs": 3, "loss": "mse"}):
        with pytest.raises((ZeroDivisionError, bl.DivergedError)):
            fit(tmp_path / "run", strict=True, **options)
        left = set(contents(tmp_path / "run")) if (tmp_path / "run").exists() else set()
        assert not left & {INDEX, *FILES, *OPTIONAL} or len(bl.load(tmp_path / "run").history)
        for name in left:
            (tmp_path / "run" / name).unlink()


# ------------------------------------------------------------------------------------------------ single files


@POSIX
def test_a_link_stays_and_its_target_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "p.csv"
    target.write_text("old")
    target.chmod(0o640)
    (tmp_path / "one.csv").symlink_to("there/p.csv")
    (tmp_path / "two.csv").symlink_to("one.csv")
    (tmp_path / "new.csv").symlink_to("there/new.csv")
    for name, place in (("two.csv", target), ("new.csv", tmp_path / "there" / "new.csv")):
        write(tmp_path / name)
        assert (tmp_path / name).is_symlink()
        assert place.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    (tmp_path / "round").symlink_to("round")
    with (
        pytest.raises(InputError, match="can't be written: Too many levels of symbolic links"),
        saving(tmp_path / "round"),
    ):
        pass
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(
        ["there", "p.csv", "new.csv", "one.csv", "two.csv", "new.csv", "round"]
    )


@POSIX
def test_devices_pipes_and_open_files_are_written_through(tmp_path):
    code = (
        "import sys, pathlib\nfrom backlit.files import saving\n"
        "for name in sys.argv[1:]:\n"
        "    with saving(pathlib.Path(name)) as temporary: temporary.write_text('new')\n"
    )
    (tmp_path / "link").symlink_to("/dev/stdout")
    with (tmp_path / "log").open("w") as log:
        log.write("old ")
        log.flush()
        words = ["/dev/stdout", "/dev/fd/1", "/dev/null", str(tmp_path / "link")]
        subprocess.run([sys.executable, "-c", code, *words], stdout=log, check=True)
    assert (tmp_path / "log").read_text() == "old newnewnew"
    assert Path("/dev/null").is_char_device()
    assert Path("/dev/stdout").is_symlink()
    os.mkfifo(tmp_path / "pipe")
    reader = subprocess.Popen(["/bin/cat", tmp_path / "pipe"], stdout=subprocess.PIPE)
    write(tmp_path / "pipe")
    assert reader.communicate()[0] == b"new"
    assert (tmp_path / "pipe").is_fifo()
    with (
        pytest.raises(InputError, match="can't be written: Bad file descriptor"),
        saving(Path("/dev/fd/987")) as temporary,
    ):
        temporary.write_text("new")


@POSIX
def test_what_a_killed_writer_left_goes_at_the_next_writing(tmp_path):
    place = tmp_path / ("long " * 40 + ".csv")
    left = tmp_path / f".{place.name[:60]}.0123abcd"
    left.write_text("half")
    (tmp_path / ".other.csv.0123abcd").write_text("somebody else's")
    with writing(place) as first:
        first.write_text("first")
        with writing(place) as second:  # both at once: neither takes the other's
            second.write_text("second")
        assert first.read_text() == "first"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([".other.csv.0123abcd", place.name])
    assert place.read_text() == "first"


@POSIX
def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path, monkeypatch):
    (tmp_path / "p.csv").write_text("old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may do everything
    with (
        pytest.raises(InputError, match="can't be written: Permission denied"),
        saving(tmp_path / "p.csv") as temporary,
    ):
        temporary.write_text("new")
    assert (tmp_path / "p.csv").read_text() == "old"
