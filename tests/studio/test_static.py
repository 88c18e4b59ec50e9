"""The page as static files: what is written, from where Pyodide comes, and what is refused."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from backlit.cli import studio
from backlit.data import datasets
from backlit.errors import InputError
from backlit.studio import packing, static
from backlit.studio.sets import BUNDLED

LOCK = {"packages": {"numpy": {"file_name": "numpy-9-wasm.whl"}, "polars": {"file_name": "polars-9-wasm.whl"}}}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("static") / "page"
    return folder, static.write(folder)


@pytest.fixture
def pyodide(tmp_path):
    """A folder with files of Pyodide's names."""
    folder = tmp_path / "pyodide"
    folder.mkdir()
    for name in (*static.CORE, "numpy-9-wasm.whl", "polars-9-wasm.whl", "console.html"):
        (folder / name).write_bytes(name.encode())
    (folder / "pyodide-lock.json").write_text(json.dumps(LOCK))
    return folder


def settings(folder):
    return json.loads((folder / "python" / "settings.json").read_text())


def test_the_folder_holds_the_page_its_policy_and_backlits_wheel(written):
    folder, missing = written
    page = (folder / "index.html").read_text("utf-8")
    assert "script-src 'self' 'wasm-unsafe-eval';" in page
    assert "unsafe-eval'" not in page.replace("'wasm-unsafe-eval'", "")
    assert page.index("static.js") < page.index("main.js")
    assert {path.name for path in static.PAGE.iterdir()} <= {path.name for path in folder.iterdir()}
    assert missing == [*static.CORE, "the wheel of numpy"]
    assert settings(folder)["pyodide"] == "../pyodide/"
    assert all((folder / "python" / name).is_file() for name in settings(folder)["wheels"])


def test_the_wheel_is_pure_python_with_every_module_and_can_be_installed(written, tmp_path):
    folder, _ = written
    wheel = next((folder / "python").glob("backlit-*.whl"))
    names = set(zipfile.ZipFile(wheel).namelist())
    package = static.PAGE.parents[1]
    modules = {f"backlit/{path.relative_to(package).as_posix()}" for path in package.rglob("*.py")}
    assert modules <= names
    assert not [name for name in names if name.endswith((".kernels", ".so", ".cpp")) or "/studio/page/" in name]
    about = zipfile.ZipFile(wheel).read(next(name for name in names if name.endswith("/RECORD"))).decode()
    assert {line.rsplit(",", 2)[0] for line in about.splitlines()} == names
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-index",
        "--quiet",
        "--target",
        tmp_path,
        wheel,
    ]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert (done.returncode, (tmp_path / "backlit" / "__init__.pyi").is_file()) == (0, True), done.stderr


def test_writing_again_changes_nothing_and_old_wheels_go(written):
    folder, _ = written
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    (folder / "python" / "backlit-0.0.1-py3-none-any.whl").write_bytes(b"")
    static.write(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", BUNDLED)
def test_sets_that_are_kept_as_files_are_scikit_learns_to_the_bit(name, tmp_path, monkeypatch):
    datasets.keep(name, tmp_path)
    theirs = datasets.load(name)
    monkeypatch.setattr(datasets, "KEPT", tmp_path)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    kept = datasets.load(name)
    assert repr(kept) == repr(theirs)
    for one, other in ((kept.x, theirs.x), (kept.y, theirs.y)):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    assert (kept.feature_names, kept.class_names, kept.task, kept.shape) == (
        theirs.feature_names,
        theirs.class_names,
        theirs.task,
        theirs.shape,
    )


def test_a_set_of_scikit_learns_is_refused_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(InputError, match="'wine' comes with scikit-learn, which isn't installed; without it there are"):
        datasets.load("wine")


def test_pyodides_files_are_copied_and_no_others(pyodide, tmp_path):
    folder = tmp_path / "page"
    assert static.write(folder, str(pyodide)) == []
    copied = {path.name for path in (folder / "pyodide").iterdir()}
    assert copied == {*static.CORE, "numpy-9-wasm.whl", "polars-9-wasm.whl"}


def test_pyodide_from_elsewhere_is_allowed_by_the_policy(tmp_path):
    folder = tmp_path / "page"
    assert static.write(folder, "https://example.org/pyodide/v1/full") == []
    assert settings(folder)["pyodide"] == "https://example.org/pyodide/v1/full/"
    page = (folder / "index.html").read_text("utf-8")
    assert "script-src 'self' 'wasm-unsafe-eval' https://example.org; " in page
    assert "connect-src 'self' https://example.org; " in page


def test_what_cannot_be_written_or_copied_is_refused_before_anything_is_written(pyodide, tmp_path):
    (pyodide / "numpy-9-wasm.whl").unlink()
    with pytest.raises(InputError, match=r"lacks numpy-9-wasm\.whl of Pyodide: `npm pack pyodide` has its core"):
        static.write(tmp_path / "page", str(pyodide))
    (pyodide / "pyodide-lock.json").write_text('{"packages": 3}')
    with pytest.raises(InputError, match="lacks the wheel of numpy"):
        static.write(tmp_path / "page", str(pyodide))
    assert not (tmp_path / "page").exists()
    with pytest.raises(
        InputError, match=r"pyodide holds other files; expected a new folder, or one that --static wrote"
    ):
        static.write(pyodide)
    with pytest.raises(InputError, match="is a file; expected a new folder"):
        static.write(pyodide / "pyodide.mjs")
    with pytest.raises(InputError, match="no_such_package can't be packed: it isn't installed as files"):
        packing.wheel("no_such_package", "1")


def command(*options):
    line = [sys.executable, "-m", "backlit", "studio", *options]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_the_command_writes_it_and_says_what_is_to_be_done(tmp_path):
    done = command("--static", str(tmp_path / "page"))
    assert done.returncode == 0
    assert "what it lacks of Pyodide: pyodide.mjs, " in done.stderr + done.stdout
    assert f"python -m http.server --directory {tmp_path / 'page'}" in done.stderr + done.stdout
    assert Path(tmp_path / "page" / "index.html").is_file()


def test_options_that_do_not_go_together_are_refused():
    with pytest.raises(InputError, match="--pyodide belongs to --static FOLDER"):
        studio.command(pyodide="x")
    with pytest.raises(InputError, match="--static writes the page alone; a state goes behind # in its address"):
        studio.command(static=Path("x"), state="{}")
