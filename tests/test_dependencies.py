"""What docs/dependencies.md tells of dependencies is what pyproject.toml asks for."""

import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from benchmarks import audit

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TABLES = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").split("\nBy choice")
DEVELOPERS = ("dev", "docs", "peers")
EXTRAS = {name: needed for name, needed in PROJECT["optional-dependencies"].items() if name not in DEVELOPERS}
NOT_OF_DEVELOPERS = ("ray",)  # too large to be installed for one test
CHOSEN = [each for needed in EXTRAS.values() for each in needed if not each.startswith("backlit[")]


def names(needed):
    return [re.match(r"[\w-]+", text)[0].lower() for text in needed]


def rows(text):
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")
    ]
    return cells[2:]


@pytest.mark.parametrize(("table", "needed"), [(TABLES[0], PROJECT["dependencies"]), (TABLES[1], CHOSEN)])
def test_each_dependency_has_a_row_with_licence_reason_and_who_stands_behind_it(table, needed):
    told = rows(table)
    assert [row[0] for row in told] == names(needed)
    assert all(len(row) == 4 and all(row) for row in told)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="zstandard is Python's own, and not installed")
@pytest.mark.parametrize("row", rows(TABLES[0]) + rows(TABLES[1]), ids=lambda row: row[0])
def test_the_licence_is_what_the_package_says(row):
    try:
        about = metadata.metadata(row[0])
    except metadata.PackageNotFoundError:
        assert row[0] in NOT_OF_DEVELOPERS
        pytest.skip(f"{row[0]} isn't installed")
    said = " ".join(
        [*about.get_all("License", []), *about.get_all("License-Expression", []), *about.get_all("Classifier", [])]
    )
    family = re.match(r"[A-Z]+", row[1], re.IGNORECASE)[0]
    assert re.search({"PSF": "PSF|Python Software Foundation|matplotlib"}.get(family, family), said), said[:300]


def test_the_page_on_installing_lists_each_extra_with_what_it_brings():
    told = {row[0].strip("`"): row[1] for row in rows((ROOT / "docs" / "installing.md").read_text(encoding="utf-8"))}
    assert list(told) == list(EXTRAS)
    for extra, needed in EXTRAS.items():
        brought = [each if each.startswith("backlit[") else names([each])[0] for each in needed]
        assert told[extra] == ", ".join(brought)


@pytest.mark.parametrize(
    ("status", "out", "err", "verdict", "word"),
    [
        (0, "", "No known vulnerabilities found", 0, "no known weakness"),
        (1, "Name Version ID\nx 1.0 PYSEC-1", "Found 1 known vulnerability", 1, "PYSEC-1"),
        (1, "", "requests.exceptions.ConnectionError: Max retries exceeded", 0, "can't be reached"),
        (1, "", "ERROR: invalid requirement", 1, "invalid requirement"),
    ],
)
def test_an_audit_fails_for_weaknesses_not_for_want_of_a_network(capsys, status, out, err, verdict, word):
    assert audit.verdict(status, out, err) == verdict
    assert word in capsys.readouterr().out
