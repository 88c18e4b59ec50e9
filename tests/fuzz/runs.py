"""Small runs to try things on: trained once a process, without the compiler."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from tests.fuzz.frame import Case, run_command

QUICK = ("--engine", "numpy", "--epochs", "2", "--network", "mlp:4", "--ensemble", "1", "--no-report", "-q")
ROWS = [("red", "1.5", "2", "a"), ("blue", "", "3", "b"), ("red", "-2", "4.25", "a"), ("green", "7", "1", "b")] * 6
DATA = {
    "t.csv": "colour,size,price,kind\n" + "".join(",".join(row) + "\n" for row in ROWS),
    "s.csv": "day,sold\n" + "".join(f"2024-{1 + i // 28:02}-{1 + i % 28:02},{i % 7 + i / 10}\n" for i in range(60)),
    "b.txt": "the cat sat on the mat. " * 40,
}
TRAINED = {
    "classes": ("t.csv", "--target", "kind"),
    "numbers": ("t.csv", "--target", "price", "--config", "c.toml"),
    "text": ("b.txt", "--network", "lstm:4", "--time-limit", "2s"),
}


@cache
def run_folder(kind: str) -> Path:
    """A run on such data."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-run-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    lay_out(folder)
    (folder / "c.toml").write_text("seed = 3\n")
    data, *words = TRAINED[kind]
    words = [str(folder / word) if word == "c.toml" else word for word in words]
    quick = QUICK if kind != "text" else (*QUICK[:4], *QUICK[-2:])
    ended = run_command(["train", str(folder / data), *words, *quick, "--out", str(folder / "run")])
    assert ended.status == 0, ended.err
    return folder / "run"


def lay_out(folder: Path) -> None:
    """The data's files in a folder."""
    for name, content in DATA.items():
        (folder / name).write_text(content)


def copy_of_run(case: Case, kind: str, name: str = "run") -> Path:
    """A run in the case's folder."""
    return shutil.copytree(run_folder(kind), case.folder / name)
