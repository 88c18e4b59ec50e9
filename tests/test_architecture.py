"""The house's rules: rooms import one way, nothing goes in circles, and nothing outgrows a screen or a concern.

`lint-imports` holds the contracts of pyproject.toml, `benchmarks.house` measures the rest; tests plant violations to
see that they are noticed.
"""

import fnmatch
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backlit.inspect.draw.svg import to_svg
from benchmarks import house
from docs.site import rooms

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "backlit"
LONGEST = 500  # lines of a file, blank ones, comments and docstrings included

# More than seven parameters, because they are declarations of options that users see: why, by "file::function".
DECLARATIONS = {
    "cli/*.py::command": "a command's parameters are its arguments and flags; the help is made of them",
    "doctor/check.py::check": "a public call with the training's options",
    "doctor/repair/fix.py::fix": "a public call: where the repaired run's data come from, and how long to try",
    "inspect/plots/surface.py::loss_surface": "a public call: a picture's options",
    "inspect/textbook/update.py::explain_update": "a public call with the training's options",
    "graph/ops/gru.py::gru": "an operation: arrays are positional, settings keywords",
    "graph/ops/lstm.py::lstm": "an operation: arrays are positional, settings keywords",
    "graph/ops/recurrence.py::rnn": "an operation: arrays are positional, settings keywords",
    "settings.py::option": "declares options: what an option can say about itself",
}

PLANTED = [  # a file, a new one where a room is named, what it imports, and the contract that forbids it
    ("graph", "import backlit.nn", "Rooms import one way"),
    ("graph", "import backlit.engine", "Rooms import one way"),
    ("graph", "def late():\n    import backlit.train", "Rooms import one way"),
    ("engine", "import backlit.nn", "Rooms import one way"),
    ("optim", "def late():\n    import backlit.train", "Rooms import one way"),
    ("nn", "import backlit.train", "Rooms import one way"),
    ("train", "import backlit.store", "Rooms import one way"),
    ("train", "import backlit.tasks", "Rooms import one way"),
    ("train", "import backlit.inspect", "Rooms import one way"),
    ("train", "def late():\n    import backlit.doctor", "Rooms import one way"),
    ("store", "import backlit.tasks", "Rooms import one way"),
    ("tasks", "import backlit.inspect", "Rooms import one way"),
    ("tasks", "def late():\n    import backlit.cli", "Rooms import one way"),
    ("inspect", "import backlit.doctor", "Rooms import one way"),
    ("doctor", "import backlit.report", "Rooms import one way"),
    ("report", "import backlit.lessons", "Rooms import one way"),
    ("lessons", "import backlit.cli", "Rooms import one way"),
    ("errors.py", "import backlit.graph", "Rooms import one way"),
    ("settings.py", "import backlit.graph", "Rooms import one way"),
    ("optim", "import backlit.nn", "Optimizers know"),
    ("optim", "import backlit.data", "Optimizers know"),
    ("data", "import backlit.graph", "Data knows nothing"),
    ("data", "import backlit.nn", "Data knows nothing"),
    ("nn", "import backlit.optim", "Layers know nothing"),
    ("nn", "import backlit.engine", "leave the choice of the engine"),
    ("optim", "import backlit.engine", "leave the choice of the engine"),
    ("graph", "import jax", "JAX is the XLA engine's"),
    ("nn", "def late():\n    import jax", "JAX is the XLA engine's"),
    ("engine/numpy.py", "import jax", "JAX is the XLA engine's"),
    ("graph/kernels/numpy.py", "import jax", "JAX is the XLA engine's"),
]


def check_rooms(folder: Path) -> str:
    """What the contracts of pyproject.toml say of the package in `folder`."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--config", ROOT / "pyproject.toml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def verdicts(output: str) -> dict[str, str]:
    """Each contract, KEPT or BROKEN."""
    return dict(re.findall(r"^(.+?) (KEPT|BROKEN)\b.*$", output, flags=re.MULTILINE))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(SOURCES, tmp_path / "backlit", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.fixture(scope="module")
def files() -> list[house.File]:
    return house.files_of()


# ------------------------------------------------------------------------------------------------ rooms


def test_the_rooms_keep_to_their_contracts(copy: Path) -> None:
    output = check_rooms(copy)
    broken = [name for name, verdict in verdicts(output).items() if verdict == "BROKEN"]
    assert verdicts(output), output
    assert broken == [], output


@pytest.mark.parametrize("contract", sorted({contract for *_, contract in PLANTED}))
def test_planted_imports_are_found(copy: Path, contract: str) -> None:
    """All of a contract's at once; each must be named."""
    wanted = []
    for number, (place, line) in enumerate((place, line) for place, line, of in PLANTED if of == contract):
        path = copy / "backlit" / (place if place.endswith(".py") else f"{place}/planted_{number}.py")
        with path.open("a") as file:
            file.write(f"\n\n{line}\n")
        importer = ".".join(path.relative_to(copy).with_suffix("").parts)
        wanted.append(f"{importer} -> {line.rpartition(' ')[2]} ")
    output = check_rooms(copy)
    assert [verdict for name, verdict in verdicts(output).items() if contract in name] == ["BROKEN"], output
    assert [chain for chain in wanted if chain not in output] == [], output


def test_a_room_that_no_contract_knows_is_found(copy: Path) -> None:
    (copy / "backlit" / "kitchen.py").write_text('"""Soup."""\n')
    assert "kitchen" in check_rooms(copy)


# ------------------------------------------------------------------------------------------------ circles


def test_no_files_import_each_other(files: list[house.File]) -> None:
    """Imports inside functions included: a circle that is only late is one."""
    assert house.circles(house.import_graph(files)) == []


def test_inspect_loads_nothing_by_itself(files: list[house.File]) -> None:
    """Whoever explains a graph loads no plots."""
    package = next(file for file in files if file.name == "inspect/__init__.py")
    assert package.imports(frozenset(file.module for file in files)) == []


@pytest.mark.parametrize("late", [False, True], ids=["at the top", "inside a function"])
@pytest.mark.parametrize("form", ["import backlit.b", "from backlit import b", "from backlit.b import name"])
def test_a_planted_circle_is_found(tmp_path: Path, late: bool, form: str) -> None:
    planted = f"def late():\n    {form}\n" if late else f"{form}\n"
    for name, text in (
        ("__init__", ""),
        ("a", planted),
        ("b", "import backlit.c"),
        ("c", "from backlit.a import name"),
    ):
        (tmp_path / f"{name}.py").write_text(f"{text}\n")
    circle = ["backlit.a", "backlit.b", "backlit.c"]
    assert house.circles(house.import_graph(house.files_of(tmp_path))) == [circle]
    (tmp_path / "a.py").write_text(f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {form}\n")
    assert house.circles(house.import_graph(house.files_of(tmp_path))) == []  # nothing runs it


# ------------------------------------------------------------------------------------------------ sizes


def test_no_function_is_longer_than_a_screen(files: list[house.File]) -> None:
    assert house.long_functions(files) == {}


def test_no_function_takes_more_than_seven_parameters(files: list[house.File]) -> None:
    wide = house.wide_functions(files)
    assert {n: c for n, c in wide.items() if not any(fnmatch.fnmatchcase(n, p) for p in DECLARATIONS)} == {}
    assert [pattern for pattern in DECLARATIONS if not fnmatch.filter(wide, pattern)] == [], "excused for nothing"


def test_no_file_outgrows_its_concern(files: list[house.File]) -> None:
    assert house.long_files(files) == {}
    lengths = {file.name: len(file.source.splitlines()) for file in files}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_what_is_counted(tmp_path: Path) -> None:
    """Docstrings, comments and blank lines aren't; decorators, signatures and what is nested are."""
    body = "\n".join(f"    x{i} = {i}  # told" for i in range(77))
    text = (
        f'"""Doc."""\n\n\n@wraps\ndef long(a, b, c, d, e, *f, g, **h):\n    """Say.\n\n    More.\n    """\n\n{body}\n'
    )
    (tmp_path / "a.py").write_text(f"{text}    # the end\n\n    return [\n        1,\n    ]\n")
    files = house.files_of(tmp_path)
    assert house.long_functions(files) == {"a.py::long": 82}
    assert house.wide_functions(files) == {"a.py::long": 8}
    (tmp_path / "a.py").write_text(f"{text}    # the end\n\n    return 1\n")
    assert house.long_functions(house.files_of(tmp_path)) == {}
    (tmp_path / "a.py").write_text("class A:\n    def f(self, a, b, c, d, e, f, g): ...\n")
    assert house.wide_functions(house.files_of(tmp_path)) == {}
    (tmp_path / "a.py").write_text("x = 1\n\n" * 400)
    assert house.long_files(house.files_of(tmp_path)) == {}
    (tmp_path / "a.py").write_text("x = 1\n" * 401)
    assert house.long_files(house.files_of(tmp_path)) == {"a.py": 401}


# ------------------------------------------------------------------------------------------------ picture


def test_the_picture_of_the_rooms_is_that_of_the_code() -> None:
    """docs/architecture.md shows it."""
    assert sorted(rooms.ABOUT) == sorted(room for floor in rooms.floors() for room in floor)
    drawn = to_svg(rooms.draw())
    assert rooms.PICTURE.read_text(encoding="utf-8") == drawn, "make it anew: python docs/site/rooms.py"
