"""`import backlit` is quick, and what isn't asked for isn't imported."""

import subprocess
import sys
from pathlib import Path

import pytest

import backlit as bl

SLOW = ("jax", "matplotlib", "networkx", "pandas", "polars", "rich", "scipy", "sklearn", "torch", "typer")


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def imported_by(code: str) -> list[str]:
    return run(f"import sys\n{code}\nprint(*[name for name in {SLOW} if name in sys.modules])").split()


def test_import_adds_at_most_50_ms_to_numpy() -> None:
    code = "import time, numpy; start = time.process_time(); import backlit; print(time.process_time() - start)"
    assert min(float(run(code)) for _ in range(7)) <= 0.05


def test_the_measure_sees_a_slow_import() -> None:
    code = "import time, numpy; start = time.process_time(); import backlit, jax; print(time.process_time() - start)"
    assert float(run(code)) > 0.05


@pytest.mark.parametrize(
    "code",
    [
        "import backlit",
        "import backlit as bl; dir(bl); bl.__version__",
        "import backlit as bl; x = bl.tensor(2.0); (x * x).backward()",
        "import backlit as bl, numpy as np; bl.hessian(lambda x: x @ x)(np.ones(2))",
        "import backlit as bl; [bl.data.load(name) for name in bl.data.names()]",
        "import backlit as bl; str(bl.Sequential(bl.Linear(3), bl.Linear(2)).build((4,)))",
    ],
)
def test_nothing_slow_is_imported(code: str) -> None:
    assert imported_by(code) == []


def test_every_public_module_may_be_the_first_that_is_asked_for() -> None:
    """Each in a state as after a fresh start: what another name has imported doesn't help it."""
    code = """
import sys, types, backlit
modules = [name for name in backlit.__all__ if isinstance(getattr(backlit, name), types.ModuleType)]
for name in modules:
    for loaded in [loaded for loaded in sys.modules if loaded.startswith("backlit.")]:
        del sys.modules[loaded]
    for known in backlit.__all__:
        backlit.__dict__.pop(known, None)
    getattr(backlit, name)
print(*modules)
"""
    assert {"losses", "plots", "schedules"} <= set(run(code).split())


def test_a_name_that_is_not_public() -> None:
    with pytest.raises(AttributeError, match="No backlit attribute Liner"):
        bl.Liner  # noqa: B018


def test_the_module_list_sees_what_is_imported() -> None:
    assert imported_by("import scipy, rich") == ["rich", "scipy"]


def test_training_iris_imports_what_it_needs(tmp_path: Path) -> None:
    """JAX, NumPy and Backlit: whatever else is there takes longer than the training."""
    code = f"""
import sys
from backlit.cli.main import main
sys.argv = ["backlit", "train", "iris", "--epochs", "2", "--out", {str(tmp_path / "run")!r}, "--no-report", "--json"]
try:
    main()
except SystemExit as ended:
    assert not ended.code
parts = ("backlit.trackers", "backlit.exchange", "backlit.studio")
print(*[name for name in ({", ".join(map(repr, SLOW))}, *parts) if name in sys.modules])
"""
    told, _, imported = run(code).rpartition("}")
    assert told
    assert set(imported.split()) <= {"jax", "typer"}


def test_the_result_is_there_before_the_report(tmp_path: Path) -> None:
    """What draws the report is imported once the result is printed and kept, and Ctrl-C meanwhile loses neither."""
    code = f"""
import sys
from backlit import run
from backlit.cli.main import main

def interrupted(*given):
    print("drawing", "matplotlib" in sys.modules, "jinja2" in sys.modules)
    raise KeyboardInterrupt

run.save_report = interrupted
sys.argv = ["backlit", "train", "iris", "--epochs", "2", "--out", {str(tmp_path / "run")!r}, "-q"]
try:
    main()
except SystemExit as ended:
    print("status", ended.code)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    told = done.stdout
    assert "accuracy" in told
    assert told.index("accuracy") < told.index(f"run: {tmp_path / 'run'}") < told.index("drawing False False")
    assert done.returncode == 130
    assert done.stderr == "backlit: interrupted\n"
    assert bl.load(tmp_path / "run").judgement["scores"]["accuracy"] > 0
