"""The mission's table: whatever it calls done has tests that assert something, a lesson, calls and commands."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import backlit as bl
from backlit.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
ROWS = [*(f"M{i}" for i in range(1, 30)), *(f"W{i}" for i in range(1, 7))]


@dataclass(frozen=True)
class Row:
    name: str
    done: bool
    calls: str
    tests: str
    lessons: str


def rows() -> list[Row]:
    text = (ROOT / "docs" / "mission.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\|(.*?)\| *([MW]\d+) *\|(.*)\|(.*)\|(.*)\|(.*)\|$", text, flags=re.MULTILINE)
    return [Row(name, "✔" in mark, calls, tests, lessons) for mark, name, _, calls, tests, lessons in lines]


def test_every_row_stands_in_the_table_once() -> None:
    assert [row.name for row in rows()] == ROWS


def named_tests(row: Row) -> list[str]:
    """The tests that a row names: "tests/x.py" or "tests/x.py::test_y"."""
    return re.findall(r"`(tests/[^`]+)`", row.tests)


@pytest.fixture(scope="module")
def collected() -> set[str]:
    """What pytest collects of all files that the table names, without parameters; of an empty set of them nothing."""
    paths = sorted({test.partition("::")[0] for row in rows() for test in named_tests(row)})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:xdist", *paths]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line and "NOTSET" not in line}


def functions(path: Path) -> dict[str, ast.FunctionDef]:
    """A file's functions by name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def helpers(path: Path) -> Iterator[tuple[str, Path, str]]:
    """Functions that a test file takes from others: the name here, their file and their name there."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests."):
            file = ROOT / f"{str(node.module).replace('.', '/')}.py"
            yield from ((alias.asname or alias.name, file, alias.name) for alias in node.names if file.is_file())


def asserts(path: Path, name: str, seen: frozenset[str] = frozenset()) -> bool:
    """Whether a test can fail by what it says: an assertion, of its own or of a function that it calls."""
    function, elsewhere = functions(path).get(name), {here: (file, there) for here, file, there in helpers(path)}
    if function is None:
        return name in elsewhere and asserts(*elsewhere[name], seen)
    if any("skip" in ast.unparse(mark) or "xfail" in ast.unparse(mark) for mark in function.decorator_list):
        return False
    for node in ast.walk(function):
        if isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant):
            return True
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("raises", "warns") or (called.startswith("assert_") and isinstance(node.func, ast.Attribute)):
                return True
            if called not in seen and called != name and asserts(path, called, seen | {name}):
                return True
    return False


@pytest.mark.parametrize("row", [row for row in rows() if row.done], ids=lambda row: row.name)
def test_a_done_row_has_tests_that_assert(row: Row, collected: set[str]) -> None:
    assert named_tests(row), f"{row.name} is called done, but names no test"
    for test in named_tests(row):
        file, _, name = test.partition("::")
        names = [name] if name else [node.partition("::")[2] for node in collected if node.startswith(f"{file}::")]
        assert names, f"{row.name}: pytest collects no test of {file}"
        assert not name or test in collected, f"{row.name}: pytest collects no {test}"
        assert any(asserts(ROOT / file, one.rpartition("::")[2]) for one in names), (
            f"{row.name}: {test} asserts nothing"
        )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def test_it():\n    assert 1 + 1 == 2", True),
        ("def test_it():\n    with pytest.raises(ValueError):\n        int('a')", True),
        ("def test_it():\n    np.testing.assert_allclose(1, 1)", True),
        ("def same(a, b):\n    assert a == b\ndef test_it():\n    same(1, 1)", True),
        (
            "from tests.test_mission import test_a_done_row_has_tests_that_assert as it\ndef test_it():\n    it()",
            True,
        ),
        ("def test_it():\n    print(1 + 1)", False),
        ("def test_it():\n    assert True", False),
        ("# def test_it():\n#     assert 1 + 1 == 2", False),
        ("def test_other():\n    assert 1 + 1 == 2\ndef test_it():\n    print(1)", False),
        ("@pytest.mark.skip\ndef test_it():\n    assert 1 + 1 == 2", False),
        ("def one():\n    two()\ndef two():\n    one()\ndef test_it():\n    one()", False),
    ],
)
def test_a_test_that_asserts_nothing_is_noticed(tmp_path: Path, source: str, expected: bool) -> None:
    (tmp_path / "test_it.py").write_text(source)
    assert asserts(tmp_path / "test_it.py", "test_it") is expected


@pytest.mark.parametrize("row", [row for row in rows() if row.done], ids=lambda row: row.name)
def test_a_done_row_has_its_lessons_and_names(row: Row) -> None:
    lessons = re.findall(r"`([\w-]+)`", row.lessons)
    assert lessons, f"{row.name} is called done, but names no lesson"
    for name in lessons:
        assert name in bl.lessons.LESSONS, f"{row.name} names the lesson {name}, which there isn't"
    for command in re.findall(r"`backlit ([a-z-]+)", row.calls):
        assert command in {module.NAME for module in COMMANDS}, f"{row.name} names backlit {command}"
    assert "`" in row.calls, f"{row.name} is called done, but names no call"
    for name in re.findall(r"\bbl\.(\w+)", row.calls):
        assert name in bl.__all__, f"{row.name} names bl.{name}, which isn't public"
