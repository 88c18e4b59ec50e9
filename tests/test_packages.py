"""The source archive and the wheel: they hold what they must, and the wheel works where there is nothing but it.

Nothing is fetched: the wheel is built with what is installed, and the fresh environment borrows this one's libraries.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from backlit.graph.kernels.native import build

ROOT = Path(__file__).resolve().parent.parent
KERNELS = "backlit/graph/kernels/native/libbacklit.kernels"
pytestmark = pytest.mark.slow


def run(*command, cwd, **environment):
    """What a command says, in an environment that knows nothing of this checkout."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    told = [str(part) for part in command]
    done = subprocess.run(told, cwd=cwd, env=clean | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (told, done.stdout, done.stderr)
    return done.stdout


def built(kind, source, folder):
    script = f"import hatchling.build as b; print(b.build_{kind}({str(folder)!r}))"
    return folder / run(sys.executable, "-c", script, cwd=source).splitlines()[-1]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return built("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(archive, tmp_path_factory):
    """Built of the archive, as who installs from it does; the native kernels with it."""
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    return built("wheel", folder / archive.name.removesuffix(".tar.gz"), folder)


@pytest.fixture(scope="module")
def fresh(wheel, tmp_path_factory):
    """A new environment with the wheel, and the libraries of this one behind it."""
    folder = tmp_path_factory.mktemp("fresh") / "env"
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    places = sysconfig.get_paths("venv", {"base": str(folder), "platbase": str(folder)})
    python = Path(places["scripts"]) / "python"
    here = sysconfig.get_paths()["purelib"]
    (Path(places["purelib"]) / "borrowed.pth").write_text(f"{here}\n", encoding="utf-8")
    pip = ("-m", "pip", "--disable-pip-version-check", "--python", python)
    run(sys.executable, *pip, "install", "--no-deps", "--no-index", "--quiet", wheel, cwd=folder)
    return Path(places["scripts"])


def tracked():
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("no repository to compare with")
    told = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    return {name for name in told.splitlines() if (ROOT / name).is_file()}


def test_the_source_archive_holds_the_repositorys_files_and_none_that_git_ignores(archive):
    with tarfile.open(archive) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    known = tracked()
    assert names - known <= {"PKG-INFO", ""}
    assert {name for name in known if name.startswith(("src/", "tests/", "docs/"))} <= names


def test_the_wheel_holds_every_module_and_file_of_the_package_and_the_kernels(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {name.removeprefix("src/") for name in tracked() if name.startswith("src/backlit/")}
    wanted = {name for name in wanted if not name.endswith((".cpp", ".h"))}
    inside = {name for name in names if name.startswith("backlit/")}
    assert wanted <= inside
    compiled = {KERNELS} if build.compiler() else set()
    assert inside - wanted == compiled
    assert not any(name.endswith((".cpp", ".h", ".pyc")) for name in names)


def test_the_installed_command_is_the_wheels_and_does_its_work(fresh, tmp_path):
    command = fresh / "backlit"
    where = run(fresh / "python", "-c", "import backlit; print(backlit.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(fresh.parent)
    told = run(command, "--version", cwd=tmp_path)
    assert told == run(sys.executable, "-m", "backlit", "--version", cwd=ROOT, PYTHONPATH=str(ROOT / "src"))
    for name in ("train", "predict", "evaluate", "explain", "diagnose", "report", "lesson"):
        assert "Usage" in run(command, name, "--help", cwd=tmp_path)
    quick = ("--epochs", "3", "--ensemble", "1", "--engine", "numpy", "-q")
    trained = run(command, "train", "iris", *quick, "--out", "runs/iris", "--json", cwd=tmp_path)
    assert json.loads(trained.splitlines()[-1])["epochs"] == 3
    assert (tmp_path / "runs" / "iris" / "report.html").stat().st_size > 10_000
    assert "network" in run(command, "show", "runs/iris", cwd=tmp_path)
    assert "downstream" in run(command, "explain", "(x + y) * z", "x=-2", "y=5", "z=-4", cwd=tmp_path)
    assert "neurons" in run(command, "lessons", cwd=tmp_path)


def test_notebooks_and_lessons_find_their_files_in_the_wheel(fresh, tmp_path):
    script = (
        "import backlit as bl, numpy as np\n"
        "run = bl.fit(bl.Linear(1), np.eye(4), np.arange(4.0), epochs=2, engine='numpy')\n"
        "print('<svg' in run._repr_html_(), len(bl.lessons.__doc__) > 0)"
    )
    assert run(fresh / "python", "-c", script, cwd=tmp_path).strip() == "True True"
