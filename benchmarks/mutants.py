"""`make mutants`: small faults planted in the code one at a time, and whether a test notices.

    python -m benchmarks.mutants                      every room, every mutant: hours
    python -m benchmarks.mutants optim --share 0.25   a quarter of a room's, drawn by --seed from each file
    python -m benchmarks.mutants optim --only sgd.py  one file's

Cosmic Ray's operators say what is changed: `+` to `-`, `<` to `<=`, `and` to `or`, a number by one, a loop that never
runs. First the room's tests run once, each with the lines that it reaches; then each mutant meets the tests that reach
its line, the quickest first, in a process of its own, forked from one that has NumPy, JAX and PyTorch loaded but
nothing of Backlit. The changed source is never written down. Mutants that change nothing that could be
seen stand in `equivalent.toml` with the reason; the others that no test notices are printed, to get a test.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib.abc
import importlib.util
import json
import math
import os
import random
import signal
import sys
import time
import tomllib
import traceback
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "backlit"
BUILD = ROOT / "build" / "mutants"
EQUIVALENT = Path(__file__).parent / "equivalent.toml"
ROOMS = {  # what is changed, and the tests that should notice
    "optim": (("optim/**/*.py",), ("tests/optim", "src/backlit/optim", "tests/test_settings.py")),
    "losses": (("nn/losses/**/*.py",), ("tests/nn/losses", "tests/nn/test_network.py", "src/backlit/nn/losses")),
    "graph": (("graph/**/*.py",), ("tests/graph", "tests/engine", "src/backlit/graph")),
    "loop": (("train/loop.py",), ("tests/train", "tests/store/test_checkpoint.py")),
}
OPERATORS = (
    *(
        f"ReplaceBinaryOperator_{pair}"
        for pair in (
            "Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "Mod_FloorDiv", "Pow_Mul", "BitOr_BitAnd",
            "BitAnd_BitOr", "BitXor_BitAnd", "RShift_LShift", "LShift_RShift",
        )
    ),
    *(
        f"ReplaceComparisonOperator_{pair}"
        for pair in ("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is")
    ),
    "ReplaceUnaryOperator_USub_UAdd", "ReplaceUnaryOperator_Delete_Not", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue",
    "ReplaceAndWithOr", "ReplaceOrWithAnd", "AddNot", "NumberReplacer", "ZeroIterationForLoop",
    "ReplaceBreakWithContinue", "ReplaceContinueWithBreak",
)  # fmt: skip
SECONDS = 40.0  # of tests that a mutant meets at most, as they took unchanged
PATIENCE = 5.0  # times that, and
NONE_RUN = 5  # pytest's status where no test was found
LONGEST = 30.0  # seconds besides, until a mutant counts as one that hangs


@dataclass(frozen=True)
class Mutant:
    """One change: an operator's occurrence in a file."""

    file: str
    line: int
    operator: str
    occurrence: int


# ------------------------------------------------------------------------------------------------ mutants


def mutants_of(path: Path) -> list[Mutant]:
    """All places of a file that an operator changes."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator

    source = path.read_text(encoding="utf-8")
    nodes = list(ast_nodes(get_ast(source)))
    unread = annotations(source)
    mutants = []
    for name in OPERATORS:
        operator = get_operator(f"core/{name}")()
        starts = [start for node in nodes for start, _ in operator.mutation_positions(node)]
        mutants += [
            Mutant(str(path.relative_to(SOURCES)), start[0], name, occurrence)
            for occurrence, start in enumerate(starts)
            if not any(low <= start < high for low, high in unread)
        ]
    return mutants


def difference(source: str, changed: str) -> tuple[str, str]:
    """The lines as they were and as they are."""
    lines = list(difflib.unified_diff(source.splitlines(), changed.splitlines(), lineterm="", n=0))[3:]
    before, after = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return before, after


def mutated(source: str, operator: str, occurrence: int) -> str:
    """The source with one change."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    return str(mutate_code(source, get_operator(f"core/{operator}")(), occurrence))


def annotations(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where types stand, which nothing reads at run time."""
    places = []
    for node in ast.walk(ast.parse(source)):
        for name in ("annotation", "returns"):
            kind = getattr(node, name, None)
            if kind is not None:
                places.append(((kind.lineno, kind.col_offset), (kind.end_lineno, kind.end_col_offset)))
    return places


def drawn(mutants: list[Mutant], share: float, seed: int) -> list[Mutant]:
    """A share of each file's mutants, at least one."""
    by_file = defaultdict(list)
    for mutant in mutants:
        by_file[mutant.file].append(mutant)
    chosen = []
    for file, members in sorted(by_file.items()):
        draw = random.Random(f"{seed} {file}")  # noqa: S311 - a sample, no secret
        chosen += draw.sample(members, max(1, round(share * len(members)))) if share < 1 else members
    return chosen


# ------------------------------------------------------------------------------------------------ tests


class Recorder:
    """A pytest plugin: the lines of each test, by coverage's contexts, and its seconds."""

    def __init__(self, coverage: Any) -> None:
        self.coverage, self.seconds, self.failed = coverage, Counter[str](), []

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.coverage.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.coverage.switch_context("")


class Chosen:
    """A pytest plugin: only these tests, in this order."""

    def __init__(self, tests: list[str]) -> None:
        self.order = {test: place for place, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = sorted((item for item in items if item.nodeid in self.order), key=lambda i: self.order[i.nodeid])


def run_tests(paths: list[str], plugin: Any) -> int:
    """Pytest in this process."""
    import pytest

    options = ["-q", "-x", "-p", "no:xdist", "-p", "no:cacheprovider", "-m", "not slow", "--no-header", "--tb=line"]
    return int(pytest.main([*options, *paths], plugins=[plugin]))


def record(room: str, folder: Path) -> None:
    """Run a room's tests unchanged, and write down which lines each reaches and how long it takes."""
    import coverage

    measure = coverage.Coverage(data_file=None, include=[f"{SOURCES}/*"], messages=False, config_file=False)
    measure.start()
    plugin = Recorder(measure)
    paths = [path for path in ROOMS[room][1] if (ROOT / path).exists()]
    status = run_tests(paths, plugin)
    measure.stop()
    if status:
        print(f"the tests of {room} end with status {status} without any mutant: {plugin.failed}", file=sys.stderr)
        raise SystemExit(1)
    data = measure.get_data()
    lines = {
        str(Path(file).relative_to(SOURCES)): {
            str(line): names for line, names in data.contexts_by_lineno(file).items()
        }
        for file in data.measured_files()
    }
    (folder / f"{room}.json").write_text(json.dumps({"seconds": plugin.seconds, "lines": lines}), encoding="utf-8")


def tests_for(mutant: Mutant, known: dict[str, Any]) -> list[str]:
    """The tests that reach the mutant's line, quickest first, each function once before any twice.

    Of a line that runs when the file is imported, those that reach any of the file's lines.
    """
    lines = known["lines"].get(mutant.file, {})
    names = [name for name in lines.get(str(mutant.line), []) if name]
    names = names or sorted({name for some in lines.values() for name in some if name})
    seconds = known["seconds"]
    turns: Counter[str] = Counter()
    queue = []
    for name in sorted(names, key=lambda name: seconds.get(name, 0.0)):
        function = name.partition("[")[0]
        queue.append((turns[function], seconds.get(name, 0.0), name))
        turns[function] += 1
    chosen, total = [], 0.0
    for _, took, name in sorted(queue):
        total += took
        if chosen and total > SECONDS:
            break
        chosen.append(name)
    return chosen


# ------------------------------------------------------------------------------------------------ runs


class Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a changed source."""

    def __init__(self, path: Path, source: str) -> None:
        self.path, self.source = path, source
        parts = path.relative_to(SOURCES.parent).with_suffix("").parts
        self.package = parts[-1] == "__init__"
        self.name = ".".join(parts[:-1] if self.package else parts)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != self.name:
            return None
        places = [str(self.path.parent)] if self.package else None
        return importlib.util.spec_from_file_location(
            name, self.path, loader=self, submodule_search_locations=places
        )  # fmt: skip

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.source, str(self.path), "exec"), module.__dict__)  # noqa: S102 - our own source


def survives(path: Path, changed: str, tests: list[str], limit: float) -> str:
    """Run the tests against a changed file in a child: "killed", "hangs" or "survived"."""
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        with (BUILD / "output.txt").open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        status = 1
        try:
            planted = Planted(path, changed)
            sys.meta_path.insert(0, planted)
            importlib.import_module(planted.name)  # before pytest, which loads modules with examples in its own way
            status = run_tests(sorted({test.partition("::")[0] for test in tests}), Chosen(tests))
        finally:
            leave(status)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return {0: "survived", NONE_RUN: "not reached"}.get(os.waitstatus_to_exitcode(status), "killed")
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hangs"


def leave(status: int) -> None:
    """End a forked process at once, with whatever it has to say."""
    if sys.exc_info()[0] is not None:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def in_child(function: Any, *arguments: Any) -> None:
    """Call a function in a forked process, so that this one stays without Backlit."""
    child = os.fork()
    if not child:
        status = 1
        try:
            function(*arguments)
            status = 0
        finally:
            leave(status)
    if os.waitpid(child, 0)[1]:
        sys.exit(1)


def known_equivalents() -> dict[tuple[str, str, str], str]:
    """The reason by file, line before and line after."""
    if not EQUIVALENT.exists():
        return {}
    entries = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["mutant"]
    return {(entry["file"], entry["before"], entry["after"]): entry["why"] for entry in entries}


def run_room(room: str, options: argparse.Namespace) -> Counter[str]:
    """Run a room's mutants; every outcome is appended to build/mutants/ROOM.jsonl, where a later call goes on."""
    if options.fresh or not (BUILD / f"{room}.json").exists():
        in_child(record, room, BUILD)
        (BUILD / f"{room}.jsonl").unlink(missing_ok=True)
    known = json.loads((BUILD / f"{room}.json").read_text(encoding="utf-8"))
    log = BUILD / f"{room}.jsonl"
    before = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    done = {json.dumps(entry["mutant"]): entry["outcome"] for entry in before}
    equivalents = known_equivalents()
    paths = sorted({path for pattern in ROOMS[room][0] for path in SOURCES.glob(pattern)})
    paths = [path for path in paths if not options.only or path.name in options.only]
    mutants = drawn([mutant for path in paths for mutant in mutants_of(path)], options.share, options.seed)
    random.Random(options.seed).shuffle(mutants)  # noqa: S311 - so that a run cut short is a fair sample
    for path in {SOURCES / mutant.file: None for mutant in mutants}:  # else a mutant's death would tell nothing
        source = path.read_text(encoding="utf-8")
        tests = tests_for(Mutant(str(path.relative_to(SOURCES)), 0, "", 0), known)[:20]
        if tests and survives(path, source, tests, math.inf) != "survived":
            sys.exit(f"{path}: its tests fail without a change; see {BUILD / 'output.txt'}")
    outcomes: Counter[str] = Counter()
    for mutant in mutants:
        path = SOURCES / mutant.file
        source = path.read_text(encoding="utf-8")
        changed = mutated(source, mutant.operator, mutant.occurrence)
        change = difference(source, changed)
        key = json.dumps(asdict(mutant))
        if (mutant.file, *change) in equivalents:
            outcome = "equivalent"
        elif key in done and not (options.again and done[key] == "survived"):
            outcome = done[key]
        else:
            tests = tests_for(mutant, known)
            limit = LONGEST + PATIENCE * sum(known["seconds"].get(test, 0.0) for test in tests)
            outcome = survives(path, changed, tests, limit) if tests else "not reached"
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"mutant": asdict(mutant), "outcome": outcome}) + "\n")
        outcomes[outcome] += 1
        if outcome in ("survived", "not reached"):
            print(f"{outcome}  {mutant.file}:{mutant.line}\n    - {change[0]}\n    + {change[1]}", flush=True)
    return outcomes


def main() -> None:
    """Run the rooms named, or all, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants")
    parser.add_argument("rooms", nargs="*", choices=[*ROOMS, []], default=[], metavar="ROOM")
    parser.add_argument("--share", type=float, default=1.0, help="of each file's mutants")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--only", action="append", help="a file's name, again for more")
    parser.add_argument("--again", action="store_true", help="those that survived before, too")
    parser.add_argument("--fresh", action="store_true", help="forget what was run before")
    options = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)
    os.environ.setdefault("BACKLIT_CACHE", str(BUILD / "xla"))
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    sys.path.insert(0, str(ROOT))
    import jax  # noqa: F401
    import scipy.special  # noqa: F401
    import torch  # noqa: F401

    print("| room | mutants | killed | hang | survived | not reached | equivalent | killed of the others |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    rows = []
    for room in options.rooms or ROOMS:
        told = run_room(room, options)
        real = sum(told.values()) - told["equivalent"]
        share = (told["killed"] + told["hangs"]) / real if real else 1.0
        counts = " | ".join(str(told[name]) for name in ("killed", "hangs", "survived", "not reached", "equivalent"))
        rows.append(f"| {room} | {sum(told.values())} | {counts} | {share:.1%} |")
        print(rows[-1], flush=True)


if __name__ == "__main__":
    main()
