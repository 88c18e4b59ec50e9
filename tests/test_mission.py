"""The mission's table: whatever it calls done has tests, a lesson, calls and commands, and they exist."""

import re
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


@pytest.mark.parametrize("row", [row for row in rows() if row.done], ids=lambda row: row.name)
def test_a_done_row_has_its_tests_and_names(row: Row) -> None:
    paths = re.findall(r"`(tests/[^`]+)`", row.tests)
    assert paths, f"{row.name} is called done, but names no test"
    for path, _, test in (path.partition("::") for path in paths):
        assert (ROOT / path).is_file(), f"{row.name}: no such test file: {path}"
        assert not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), (
            f"{row.name}: {path} has no {test}"
        )
    lessons = re.findall(r"`([\w-]+)`", row.lessons)
    assert lessons, f"{row.name} is called done, but names no lesson"
    for name in lessons:
        assert name in bl.lessons.LESSONS, f"{row.name} names the lesson {name}, which there isn't"
    for command in re.findall(r"`backlit ([a-z-]+)", row.calls):
        assert command in {module.NAME for module in COMMANDS}, f"{row.name} names backlit {command}"
    assert "`" in row.calls, f"{row.name} is called done, but names no call"
    for name in re.findall(r"\bbl\.(\w+)", row.calls):
        assert name in bl.__all__, f"{row.name} names bl.{name}, which isn't public"
