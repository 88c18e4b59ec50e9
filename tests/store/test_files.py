"""Writing a run that fails, is killed, or meets another process: the old run or the new one is there, whole."""

import contextlib
import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import backlit as bl
from backlit import files as data_files
from backlit.errors import InputError
from backlit.store import files
from tests.store.common import contents, copied, trained
from tests.train.common import blobs, mlp

NEW = {"epoch": 4, "loss": 0.0, "seconds": 0.0}


@pytest.fixture(scope="module")
def old():
    return trained()


@pytest.fixture
def folder(tmp_path_factory, tmp_path):
    return copied(tmp_path_factory, tmp_path / "run")


def changed(run):
    """The same run with other weights, history and judgement, and without a config."""
    weights = {name: {k: v + 1 for k, v in layer.items()} for name, layer in run.network.params.items()}
    other = bl.load(run.folder)
    other.network = run.network.replace(params=weights)
    other.history.append(NEW)
    other.judgement, other.config, other.folder = {"scores": {"accuracy": 1.0}}, None, None
    return other


def version(run):
    """0 for the old run and 1 for the changed one, if all of it is of the same."""
    weight = run.network.params["0"]["bias"][0]
    signs = {
        len(run.history) == 4,
        run.judgement["scores"]["accuracy"] == 1.0,
        run.config is None,
        bool(weight > 0.5),
    }
    assert len(signs) == 1, signs
    return int(signs.pop())


class Killed(BaseException):
    """Nothing that the process does afterwards reaches the disk."""


@contextlib.contextmanager
def failing(monkeypatch, first, last, error):
    """All that changes files fails, from the `first` time to the `last`; yields how often anything was tried."""
    tried = [0]

    def guard(real, partly=None):
        def call(*arguments, **options):
            tried[0] += 1
            if first <= tried[0] <= last:
                if partly is not None and not (error is Killed and tried[0] > first):
                    partly(*arguments)
                raise Killed if error is Killed else OSError(error, os.strerror(error))
            return real(*arguments, **options)

        return call

    def half(path, content):
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", guard(Path.write_bytes, half))
        for name in ("replace", "unlink", "touch", "mkdir", "rmdir", "write_text"):
            patch.setattr(Path, name, guard(getattr(Path, name)))
        patch.setattr(data_files.os, "fsync", guard(os.fsync))
        yield tried


def attempts(save):
    """How often a save that goes well changes something."""
    with pytest.MonkeyPatch.context() as patch, failing(patch, 10**9, 10**9, errno.EIO) as tried:
        save()
    return tried[0]


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, Killed], ids=["full", "broken", "killed"])
def test_the_old_run_or_the_new_one_is_whole_wherever_writing_fails(folder, tmp_path, monkeypatch, error, lasting):
    before, old = contents(folder), bl.load(folder)
    new = changed(old)
    count = attempts(lambda: new.save(tmp_path / "other", overwrite=True))
    count = max(count, attempts(lambda: new.save(tmp_path / "other", overwrite=True)))
    assert count > 20
    outcomes = []
    for first in range(1, count + 1):
        with failing(monkeypatch, first, 10**9 if lasting or error is Killed else first, error):
            try:
                new.save(folder, overwrite=True)
                told = None
            except InputError as caught:
                told = str(caught)
            except Killed:
                told = "killed"
        found = version(bl.load(folder))
        if told is None:
            assert found == 1
        elif told != "killed":
            assert "can't be written" in told
            assert "what was there is as it was" in told
            assert found == 0
            assert {name: content for name, content in contents(folder).items() if name in before} == before
        outcomes.append(found)
        old.folder = None
        old.save(folder, overwrite=True)  # and what was left behind is no hindrance
        assert contents(folder) == before
    assert set(outcomes) == {0, 1}
    if lasting or error is Killed:
        assert outcomes == sorted(outcomes)  # one moment: before it, it is the old run, and after it the new


def test_killed_after_the_one_move_and_again_at_the_next_save(folder, monkeypatch):
    """Files that still lie beside their places belong to the run, and aren't written over."""
    old = bl.load(folder)
    new = changed(old)
    old.folder, move, dead = None, Path.replace, []

    def once(path, place):
        if dead:
            raise Killed
        move(path, place)
        if place.name == "network.json":
            dead.append(True)
            raise Killed

    def committed():
        """The new run, none of whose other files are in their places."""
        old.save(folder, overwrite=True)
        dead.clear()
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", once)
            with pytest.raises(Killed):
                new.save(folder, overwrite=True)
        assert (folder / ".weights.safetensors.new").exists()
        assert version(bl.load(folder)) == 1

    committed()
    count = attempts(lambda: old.save(folder, overwrite=True))
    outcomes = []
    for first in range(1, count + 1):
        committed()
        with failing(monkeypatch, first, 10**9, Killed), contextlib.suppress(Killed):
            old.save(folder, overwrite=True)
        outcomes.append(version(bl.load(folder)))
    assert outcomes == sorted(outcomes, reverse=True)
    assert set(outcomes) == {0, 1}


@pytest.mark.parametrize("error", [errno.ENOSPC, Killed], ids=["full", "killed"])
def test_a_first_run_is_there_whole_or_not_at_all(tmp_path, monkeypatch, old, error):
    count = attempts(lambda: old.save(tmp_path / "other"))
    for first in range(1, count + 1):
        folder = tmp_path / f"run{first}"
        with failing(monkeypatch, first, 10**9 if error is Killed else first, error):
            try:
                old.save(folder)
                done = True
            except (InputError, Killed):
                done = False
        if not done and (not folder.exists() or not (folder / "network.json").exists()):
            with pytest.raises(InputError, match=r"is no folder|no complete run"):
                bl.load(folder)
            old.save(folder)
        assert version(bl.load(folder)) == 0


def in_a_process(code, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def test_a_real_limit_of_space_leaves_the_old_run(folder):
    pytest.importorskip("resource")
    before = contents(folder)
    child = in_a_process(
        "import resource, signal, sys, numpy as np, backlit as bl\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "run = bl.fit(bl.Linear(200), np.eye(9, 99), 2 * np.eye(9, 200), epochs=1, engine='numpy')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "try:\n    run.save(sys.argv[1], overwrite=True)\n"
        "except bl.InputError as error:\n    print(error)\n",
        folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},  # no room for it
    )
    printed, errors = child.communicate()
    assert (child.returncode, errors) == (0, "")
    assert "can't be written" in printed
    assert contents(folder) == before


def test_killed_at_any_time(folder, old, tmp_path):
    """A process that writes two runs in turn is killed, really."""
    new = changed(bl.load(folder)).save(tmp_path / "new")
    child = in_a_process(
        "import sys, pathlib, backlit as bl\n"
        "from backlit.store import run as storage\n"
        "runs = [bl.load(path) for path in sys.argv[2:]]\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    for run in runs:\n        storage.save(run, pathlib.Path(sys.argv[1]), True)\n",
        folder, new, copied_old(old, tmp_path),
    )  # fmt: skip
    assert child.stdout.readline() == "ready\n", child.communicate()[1]
    for _ in range(20):  # reading needs no lock, and sees one of them while they are written
        version(bl.load(folder))
    time.sleep(time.time() % 0.2)
    child.kill()
    child.communicate()
    version(bl.load(folder))
    changed(bl.load(new)).save(folder, overwrite=True)  # its lock went with it
    assert not [name for name in contents(folder) if name.startswith(".")]


def copied_old(old, tmp_path):
    return old.save(tmp_path / "old", overwrite=True)


def test_reading_while_another_writes_sees_one_run(folder, old):
    """As above, with threads: many more readings fall between two moves."""
    runs = [bl.load(folder), changed(bl.load(folder))]
    done = threading.Event()

    def write():
        while not done.is_set():
            for run in runs:
                run.save(folder, overwrite=True)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = {version(bl.load(folder)) for _ in range(150)}
    finally:
        done.set()
        writer.join()
    assert seen == {0, 1}


def test_a_reader_that_looks_between_two_moves(folder, monkeypatch):
    """The index is the new one, a file is still beside its place, and is moved at the very moment it is looked for."""
    new = changed(bl.load(folder))
    weights = (folder / "weights.safetensors").read_bytes()
    new.save(folder, overwrite=True)
    beside = folder / ".weights.safetensors.new"
    (folder / "weights.safetensors").replace(beside)
    (folder / "weights.safetensors").write_bytes(weights)
    assert version(bl.load(folder)) == 1
    read = files.read_regular

    def moving(path, within):
        if path == beside and beside.exists():
            beside.replace(folder / "weights.safetensors")
        return read(path, within)

    monkeypatch.setattr(files, "read_regular", moving)
    assert version(bl.load(folder)) == 1
    assert not beside.exists()


def test_a_folder_that_changes_all_the_time(folder, monkeypatch):
    count = iter(range(10**6))
    monkeypatch.setattr(files, "_index", lambda folder: f'{{"format": {next(count)}}}'.encode())
    with pytest.raises(InputError, match="changes all the time; wait until it is written"):
        bl.load(folder)


# ------------------------------------------------------------------------------------- places that can't be written


@contextlib.contextmanager
def ordinary_user(path):
    """As someone whom permissions bind; the administrator is, for a while, nobody."""
    if not hasattr(os, "geteuid"):
        pytest.skip("no such permissions here")
    if os.geteuid() != 0:
        yield
        return
    for parent in [path, *path.parents][:-2]:
        parent.chmod(parent.stat().st_mode | 0o555)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_cannot_be_written_is_read_all_the_same(folder, old):
    before = contents(folder)
    x, y = blobs()
    folder.chmod(0o555)
    with ordinary_user(folder):
        with pytest.raises(InputError, match=r"can't be written: .*Permission denied.*what was there is as it was"):
            old.save(folder, overwrite=True)
        with pytest.raises(InputError, match=r"can't be written: .*Permission denied"):
            bl.fit(mlp(), x, y, epochs=1, checkpoint=folder, overwrite=True, engine="numpy")
        with pytest.raises(InputError, match=r"can't be written: .*Permission denied"):
            old.save(folder / "below")
        assert version(bl.load(folder)) == 0
    folder.chmod(0o755)
    assert contents(folder) == before


def test_a_folder_that_cannot_be_seen(folder):
    folder.chmod(0o000)
    with ordinary_user(folder.parent):
        for path in (folder, folder / "below"):
            with pytest.raises(InputError, match="Permission denied"):
                bl.load(path)
    folder.chmod(0o755)


def test_a_folder_below_a_file_cannot_be_made(old, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="can't be written"):
        old.save(tmp_path / "file" / "run")
    with pytest.raises(InputError, match="can't be written"):
        bl.fit(mlp(), *blobs(), epochs=1, checkpoint=tmp_path / "file" / "run", engine="numpy")
    with pytest.raises(InputError, match="can't be written"):
        old.save(tmp_path / ("a" * 300))


def test_permissions_are_those_of_the_user(old, tmp_path):
    before = os.umask(0o027)
    try:
        folder = old.save(tmp_path / "run")
        with data_files.writing(tmp_path / "file") as temporary:
            temporary.write_text("x")
    finally:
        os.umask(before)
    if os.name == "posix":
        assert {path.stat().st_mode & 0o777 for path in [*folder.iterdir(), tmp_path / "file"]} == {0o640}


def test_a_device_is_written_to_and_stays_a_device(tmp_path):
    pipe = tmp_path / "pipe"
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: found.append(pipe.read_text()))
    found = []
    reader.start()
    with data_files.writing(pipe) as temporary:
        temporary.write_text("through")
    reader.join()
    assert found == ["through"]
    assert pipe.is_fifo()


# ------------------------------------------------------------------------------------------------- two processes

HOLD = (
    "import sys, pathlib\nfrom backlit.files import locked\n"
    "with locked(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
)
TRAIN = (
    "import sys, numpy as np, backlit as bl\n"
    "def wait(end):\n"
    "    if end.epoch == 2:\n        print('held', flush=True); sys.stdin.read()\n"
    "x = np.eye(4, dtype='float32')\n"
    "bl.fit(bl.Linear(1), x, np.arange(4.0), epochs=3, callbacks=wait, checkpoint=sys.argv[1], checkpoint_every=1,\n"
    "       engine='numpy')\n"
)


@pytest.mark.parametrize("code", [HOLD, TRAIN], ids=["lock", "fit"])
def test_two_processes_do_not_share_a_folder(old, tmp_path, code):
    other = in_a_process(code, tmp_path / "run")
    assert other.stdout.readline() == "held\n", other.communicate()[1]
    told = (
        rf"run is being written by process {other.pid} since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d; "
        "wait until it is done, or choose another folder"
    )
    began = time.monotonic()
    for overwrite in (False, True):
        with pytest.raises(InputError, match=told):
            old.save(tmp_path / "run", overwrite=overwrite)
    for options in ({}, {"overwrite": True}, {"resume": True}):
        with pytest.raises(InputError, match=told):
            bl.fit(mlp(), *blobs(), epochs=1, checkpoint=tmp_path / "run", engine="numpy", **options)
    assert time.monotonic() - began < 5
    if code == TRAIN:
        assert len(bl.load(tmp_path / "run").history) == 1  # reading needs no lock
    other.kill()  # what a crashed process held is free
    other.communicate()
    old.save(tmp_path / "run", overwrite=True)
    assert version(bl.load(tmp_path / "run")) == 0
    assert not [name for name in contents(tmp_path / "run") if name.startswith(".")]


def test_who_writes_may_be_unknown(tmp_path, old):
    other = in_a_process(HOLD, tmp_path / "run")
    assert other.stdout.readline() == "held\n", other.communicate()[1]
    (tmp_path / "run" / ".writer").write_bytes(b"\xff")
    with pytest.raises(InputError, match="is being written by another process; wait"):
        old.save(tmp_path / "run")
    other.communicate("")
    assert not (tmp_path / "run").exists()


def test_the_lock_is_held_by_one_at_a_time(tmp_path):
    """Three processes take it as often as they can: it is removed and made anew, and never held by two."""
    code = (
        "import os, sys, time, pathlib\nfrom backlit.files import locked\nfrom backlit.errors import InputError\n"
        "folder, mark = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])\n"
        "end, count = time.monotonic() + 1, 0\n"
        "while time.monotonic() < end:\n"
        "    try:\n"
        "        with locked(folder):\n"
        "            os.close(os.open(mark, os.O_CREAT | os.O_EXCL)); mark.unlink(); count += 1\n"
        "    except InputError:\n        pass\n"
        "print(count)\n"
    )
    (tmp_path / "run").mkdir()
    children = [in_a_process(code, tmp_path / "run", tmp_path / "mark") for _ in range(3)]
    results = [child.communicate() for child in children]
    assert [errors for _, errors in results] == ["", "", ""]
    assert sum(int(printed) for printed, _ in results) > 10
    assert list((tmp_path / "run").iterdir()) == []


def test_the_lock_may_be_taken_again_by_its_thread_alone(tmp_path):
    with data_files.locked(tmp_path / "run"):
        with data_files.locked(Path(os.path.relpath(tmp_path)) / "run"):
            pass
        assert (tmp_path / "run" / ".lock").exists()
        told = []

        def other():
            try:
                with data_files.locked(tmp_path / "run"):
                    told.append("taken")
            except InputError as error:
                told.append(str(error))

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert f"is being written by process {os.getpid()}" in told[0]
    assert not (tmp_path / "run").exists()
