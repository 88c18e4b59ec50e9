"""Planting faults and measuring what tests reach: the tools are held, too."""

import importlib.util
import sys

import pytest

from benchmarks import covered, mutants

SOURCE = '''"""Doc."""
from __future__ import annotations
from dataclasses import dataclass

LIMIT = 3


@dataclass(frozen=True)
class Box:
    size: int | None = 2

    def fits(self, other: int) -> bool:
        return other < self.size


def total(values: list[int]) -> int:
    result = 0
    for value in values:
        result = result + value
    return result
'''


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(mutants, "SOURCES", tmp_path)
    (tmp_path / "planted_box.py").write_text(SOURCE)
    return tmp_path / "planted_box.py"


def changes(path):
    return {
        mutants.difference(SOURCE, mutants.mutated(SOURCE, mutant.operator, mutant.occurrence))
        for mutant in mutants.mutants_of(path)
    }


def test_what_is_changed_and_what_is_not(path):
    """Every place once in each way; types and what `dataclass` is told are left alone."""
    assert changes(path) == {
        ("LIMIT = 3", "LIMIT = 4"),
        ("LIMIT = 3", "LIMIT = 2"),
        ("size: int | None = 2", "size: int | None = 3"),
        ("size: int | None = 2", "size: int | None = 1"),
        ("return other < self.size", "return other <= self.size"),
        ("result = 0", "result = 1"),
        ("result = 0", "result = -1"),
        ("result = result + value", "result = result - value"),
        ("for value in values:", "for value in []:"),
    }


def test_a_function_that_is_loaded_gets_the_changed_code(path):
    spec = importlib.util.spec_from_file_location("planted_box", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["planted_box"] = module
    spec.loader.exec_module(module)
    total, fits = module.total, module.Box().fits
    for _ in range(100):  # Python has rewritten its code by now, for speed
        assert (total([2, 3]), fits(2)) == (5, False)
    assert mutants.patched(path, SOURCE, SOURCE.replace("result + value", "result - value"))
    assert (total([2, 3]), fits(2)) == (-5, False)  # as others hold them, too
    assert mutants.patched(path, SOURCE, SOURCE.replace("other <", "other <="))
    assert fits(2)
    assert not mutants.patched(path, SOURCE, SOURCE.replace("LIMIT = 3", "LIMIT = 4"))  # it ran at import
    assert not mutants.patched(path, SOURCE, SOURCE.replace("None = 2", "None = 3"))
    del sys.modules["planted_box"]


def test_a_changed_file_is_imported_in_place_of_the_real_one(path):
    planted = mutants.Planted(path, SOURCE.replace("LIMIT = 3", "LIMIT = 4"))
    planted.name = "planted_box"
    sys.meta_path.insert(0, planted)
    try:
        assert importlib.import_module("planted_box").LIMIT == 4
    finally:
        sys.meta_path.remove(planted)
        sys.modules.pop("planted_box", None)


def test_tests_are_met_quickest_first_and_each_function_once_before_any_twice():
    known = {
        "lines": {"a.py": {"7": ["t::slow", "t::each[1]", "t::each[2]", "t::quick"], "1": ["", "t::other"]}},
        "seconds": {"t::slow": 9.0, "t::each[1]": 2.0, "t::each[2]": 1.0, "t::quick": 0.1, "t::other": 0.0},
    }
    at_line = mutants.tests_for(mutants.Mutant("a.py", 7, "", 0), known)
    assert at_line == ["t::quick", "t::each[2]", "t::slow", "t::each[1]"]
    at_import = mutants.tests_for(mutants.Mutant("a.py", 1, "", 0), known)
    assert at_import == ["t::other"]  # a line that tests reach while they run
    everywhere = mutants.tests_for(mutants.Mutant("a.py", 2, "", 0), known)
    assert everywhere[0] == "t::other"
    assert len(everywhere) == 5
    assert mutants.tests_for(mutants.Mutant("b.py", 1, "", 0), known) == []


def test_a_draw_takes_some_of_every_file():
    several = [mutants.Mutant(file, line, "", 0) for file in ("a.py", "b.py") for line in range(40)]
    chosen = mutants.drawn(several, 0.1, seed=1)
    assert [sum(one.file == file for one in chosen) for file in ("a.py", "b.py")] == [4, 4]
    assert chosen == mutants.drawn(several, 0.1, seed=1) != mutants.drawn(several, 0.1, seed=2)
    assert mutants.drawn(several, 1.0, seed=1) == several


def test_the_rooms_are_there():
    for sources, tests in mutants.ROOMS.values():
        assert all(list(mutants.SOURCES.glob(pattern)) for pattern in sources)
        assert all((mutants.ROOT / path).exists() for path in tests)


def test_modules_that_tests_reach_too_little_are_named(monkeypatch):
    def entry(reached, lines=8, branches=2):
        return {"covered_lines": reached, "num_statements": lines, "covered_branches": 0, "num_branches": branches}

    modules = {"nn/good.py": entry(8), "nn/bad.py": entry(7), "nn/excused.py": entry(0), "nn/empty.py": entry(0, 0, 0)}
    monkeypatch.setattr(covered, "LEAST", 80.0)
    monkeypatch.setattr(covered, "LEFT_OUT", {"nn/excused.py": "its reason"})
    assert covered.too_little(modules) == {"nn/bad.py": 70.0}
    assert "| nn | 4 | 24 | 6 | 50.0 % |" in covered.table(modules)
