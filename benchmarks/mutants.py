"""`make mutants`: small faults planted in the code one at a time, and whether a test notices.

    python -m benchmarks.mutants                      every room, every mutant: hours
    python -m benchmarks.mutants optim --share 0.25   a quarter of a room's, drawn by --seed from each file
    python -m benchmarks.mutants optim --only sgd.py  one file's

Cosmic Ray's operators say what is changed: `+` to `-`, `<` to `<=`, `and` to `or`, a number by one, a loop that never
runs. First the room's tests run once, each with the lines that it reaches; then each mutant meets the tests that reach
its line, the quickest first, in a process of its own. For a change inside a function that is a fork of one process that
has imported and collected everything, where the function gets other code; whatever survives there, and what runs while
a file is imported, is tried again in a fork that hasn't imported anything of Backlit yet. The changed source is never
written down. Mutants that change nothing that could be
seen stand in `equivalent.toml` with the reason; the others that no test notices are printed, to get a test.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import functools
import gc
import importlib.abc
import importlib.util
import inspect
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
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "backlit"
BUILD = ROOT / "build" / "mutants"
EQUIVALENT = Path(__file__).parent / "equivalent.toml"
ROOMS = {  # what is changed, and the tests that should notice
    "optim": (("optim/**/*.py",), ("tests/optim", "src/backlit/optim", "tests/test_settings.py")),
    "losses": (("nn/losses/**/*.py",), ("tests/nn/losses", "tests/nn/test_network.py", "src/backlit/nn/losses")),
    "graph": (("graph/**/*.py",), ("tests/graph", "tests/engine", "src/backlit/graph")),
    "loop": (
        ("train/loop.py", "train/lines.py"),
        ("tests/train/test_fit.py", "tests/train/test_ensemble.py", "tests/store/test_checkpoint.py"),
    ),
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
SECONDS = 150.0  # of tests that a mutant meets at most, as they took unchanged
PATIENCE = 5.0  # times that, and
NONE_RUN = 5  # pytest's status where no test was found
BROKEN = 70  # the status of a child that came to no result
LONGEST = 10.0  # seconds besides, until a mutant counts as one that hangs


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
    fixed = unchanged(source)
    mutants = []
    for name in OPERATORS:
        operator = get_operator(f"core/{name}")()
        starts = [start for node in nodes for start, _ in operator.mutation_positions(node)]
        mutants += [
            Mutant(str(path.relative_to(SOURCES)), start[0], name, occurrence)
            for occurrence, start in enumerate(starts)
            if not any(low <= start < high for low, high in fixed)
        ]
    return mutants


def is_program(mutant: Mutant) -> bool:
    """Whether what is changed can still be compiled: `**options`, say, is no power."""
    source = (SOURCES / mutant.file).read_text(encoding="utf-8")
    try:
        compile(mutated(source, mutant.operator, mutant.occurrence), mutant.file, "exec")
    except SyntaxError:
        return False
    return True


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


def unchanged(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where nothing is changed: types, which nothing reads at run time, and what `@dataclass` makes of a class."""
    places = []
    for node in ast.walk(ast.parse(source)):
        parts = [getattr(node, name, None) for name in ("annotation", "returns")]
        parts += [one for one in getattr(node, "decorator_list", []) if ast.unparse(one).startswith("dataclass")]
        places += [((p.lineno, p.col_offset), (p.end_lineno, p.end_col_offset)) for p in parts if p is not None]
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


def tests_of(room: str) -> list[str]:
    """The files and folders of a room's tests."""
    return [path for path in ROOMS[room][1] if (ROOT / path).exists()]


def record(room: str, folder: Path) -> int:
    """Run a room's tests unchanged, and write down which lines each reaches and how long it takes."""
    import coverage

    measure = coverage.Coverage(data_file=None, include=[f"{SOURCES}/*"], messages=False, config_file=False)
    measure.start()
    plugin = Recorder(measure)
    status = run_tests(tests_of(room), plugin)
    measure.stop()
    if status:
        return status
    data = measure.get_data()
    lines = {
        str(Path(file).relative_to(SOURCES)): {
            str(line): names for line, names in data.contexts_by_lineno(file).items()
        }
        for file in data.measured_files()
    }
    (folder / f"{room}.json").write_text(json.dumps({"seconds": plugin.seconds, "lines": lines}), encoding="utf-8")
    return 0


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


def codes(path: Path, *sources: str) -> list[CodeType]:
    """What sources of a file are compiled to."""
    return [compile(source, str(path), "exec") for source in sources]


def code_pairs(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """A file's code objects that a change makes others, with what they become; the innermost last."""
    if old == new:
        return
    yield old, new
    inner = [[one for one in code.co_consts if isinstance(one, CodeType)] for code in (old, new)]
    if len(inner[0]) == len(inner[1]):
        for pair in zip(*inner, strict=True):
            yield from code_pairs(*pair)


def patched(path: Path, source: str, changed: str) -> bool:
    """Give functions of a file that is imported already the code of a changed source; False if none was changed.

    That serves changes inside functions. Whatever runs while the file is imported has run unchanged.
    """
    pairs = list(code_pairs(*codes(path, source, changed)))
    if not pairs:
        return False
    becomes = {identity(old): new for old, new in pairs}
    functions = [thing for thing in gc.get_objects() if type(thing) is FunctionType]
    found = [one for one in functions if one.__code__.co_filename == str(path) and identity(one.__code__) in becomes]
    for function in found:
        function.__code__ = becomes[identity(function.__code__)]
    return pairs[-1][0].co_flags & inspect.CO_NEWLOCALS != 0 and bool(found)


def identity(code: CodeType) -> tuple[Any, ...]:
    """What tells code from other code of its file, also after it has run: which `==` of Python 3.11 doesn't."""
    return code.co_qualname, code.co_firstlineno, code.co_code, tuple(code.co_positions())


class Loaded:
    """A pytest plugin: instead of running what it collected, it forks for each mutant, and the forks run some."""

    def __init__(self, work: Callable[[Callable[[Path, str, str, list[str], float], str]], None]) -> None:
        self.work = work

    def pytest_runtestloop(self, session: Any) -> bool:
        items = {item.nodeid: item for item in session.items}

        def outcome(path: Path, source: str, changed: str, tests: list[str], limit: float) -> str:
            return in_child(lambda: self.run(session, path, source, changed, [items[test] for test in tests]), limit)

        self.work(outcome)
        return True

    def run(self, session: Any, path: Path, source: str, changed: str, items: list[Any]) -> int:
        if source != changed and not patched(path, source, changed):
            return NONE_RUN
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                return 1
        return 0


def imported(path: Path, changed: str, tests: list[str]) -> int:
    """Run the tests with one file's source changed before anything imports it."""
    planted = Planted(path, changed)
    sys.meta_path.insert(0, planted)
    try:
        importlib.import_module(planted.name)  # before pytest, which loads modules with examples in its own way
    except Exception:  # noqa: BLE001 - whatever the change has done
        return 1
    return run_tests(sorted({test.partition("::")[0] for test in tests}), Chosen(tests))


def in_child(run: Callable[[], int], limit: float = math.inf, output: Path | None = BUILD / "output.txt") -> str:
    """Call a function in a forked process: "survived" if it returns 0, "none run", "killed", or "hangs"."""
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        if output is not None:
            with output.open("w") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
        status = BROKEN
        try:
            status = run()
        finally:
            if status == BROKEN:
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done and os.waitstatus_to_exitcode(status) == BROKEN:
            sys.exit(f"a child broke down, not its tests: see {output or 'above'}")
        if done:
            return {0: "survived", NONE_RUN: "none run"}.get(os.waitstatus_to_exitcode(status), "killed")
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hangs"


def known_equivalents() -> dict[tuple[str, str, str], str]:
    """The reason by file, line before and line after."""
    if not EQUIVALENT.exists():
        return {}
    entries = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["mutant"]
    return {(entry["file"], entry["before"], entry["after"]): entry["why"] for entry in entries}


class Room:
    """A room's mutants, its tests, and what became of each: build/mutants/ROOM.jsonl, where a later call goes on."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        self.name, self.log = name, BUILD / f"{name}.jsonl"
        paths = sorted({path for pattern in ROOMS[name][0] for path in SOURCES.glob(pattern)})
        paths = [path for path in paths if not options.only or path.name in options.only]
        self.mutants = drawn([mutant for path in paths for mutant in mutants_of(path)], options.share, options.seed)
        self.mutants = [mutant for mutant in self.mutants if is_program(mutant)]
        random.Random(options.seed).shuffle(self.mutants)  # noqa: S311 - so that a run cut short is a fair sample
        if options.fresh or not (BUILD / f"{name}.json").exists():
            if in_child(lambda: record(name, BUILD), output=None) != "survived":
                sys.exit(f"the tests of {name} fail without any mutant")
            self.log.unlink(missing_ok=True)
        self.known = json.loads((BUILD / f"{name}.json").read_text(encoding="utf-8"))
        before = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        entries = [json.loads(line) for line in before]
        self.done = {json.dumps(entry["mutant"]): entry["outcome"] for entry in entries}
        if options.again:
            self.done = {key: outcome for key, outcome in self.done.items() if outcome in ("killed", "hangs")}
        self.equivalents = known_equivalents()

    def run(self) -> Counter[str]:
        """Run all mutants: first those that running functions can be given, then the rest by a fresh import each."""
        status = in_child(lambda: run_tests(tests_of(self.name), Loaded(self.at_run_time)), output=None)
        if status == "killed":
            sys.exit(f"the tests of {self.name} could not be collected, or fail unchanged: see {BUILD / 'output.txt'}")
        before = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        self.done |= {json.dumps(entry["mutant"]): entry["outcome"] for entry in map(json.loads, before)}
        outcomes: Counter[str] = Counter()
        for mutant in self.mutants:
            _, changed, change = self.change(mutant)
            outcome = self.outcome(mutant, change)
            if outcome in ("", "unsure"):
                outcome = self.at_import(mutant, changed)
            outcomes[outcome] += 1
            if outcome in ("survived", "not reached"):
                print(f"{outcome}  {mutant.file}:{mutant.line}\n    - {change[0]}\n    + {change[1]}", flush=True)
        return outcomes

    def at_import(self, mutant: Mutant, changed: str) -> str:
        """What becomes of a mutant that is there before anything is imported."""
        tests = tests_for(mutant, self.known)
        run = functools.partial(imported, SOURCES / mutant.file, changed, tests)
        outcome = in_child(run, self.limit(tests)) if tests else "not reached"
        self.note(mutant, outcome)
        return outcome

    def at_run_time(self, survives: Callable[[Path, str, str, list[str], float], str]) -> None:
        """All mutants inside functions; one that survives is unsure, for it may have been imported too early."""
        for path in sorted({SOURCES / mutant.file for mutant in self.mutants}):  # else a death would tell nothing
            source = path.read_text(encoding="utf-8")
            tests = tests_for(Mutant(str(path.relative_to(SOURCES)), 0, "", 0), self.known)[:20]
            if survives(path, source, source, tests, math.inf) != "survived":
                raise RuntimeError(f"{path}: its tests fail without a change")
        for mutant in self.mutants:
            source, changed, change = self.change(mutant)
            tests = tests_for(mutant, self.known)
            if tests and not self.outcome(mutant, change):
                outcome = survives(SOURCES / mutant.file, source, changed, tests, self.limit(tests))
                self.note(mutant, outcome if outcome in ("killed", "hangs") else "unsure")

    def change(self, mutant: Mutant) -> tuple[str, str, tuple[str, str]]:
        """The file as it is and changed, and the lines that differ."""
        source = (SOURCES / mutant.file).read_text(encoding="utf-8")
        changed = mutated(source, mutant.operator, mutant.occurrence)
        first, second = codes(SOURCES / mutant.file, source, changed)
        return source, changed, ("", "") if first == second else difference(source, changed)

    def outcome(self, mutant: Mutant, change: tuple[str, str]) -> str:
        """What is known of a mutant, or nothing."""
        if not all(change) or (mutant.file, *change) in self.equivalents:
            return "equivalent"
        return str(self.done.get(json.dumps(asdict(mutant)), ""))

    def limit(self, tests: list[str]) -> float:
        """Seconds after which a mutant hangs."""
        return LONGEST + PATIENCE * sum(self.known["seconds"].get(test, 0.0) for test in tests)

    def note(self, mutant: Mutant, outcome: str) -> None:
        """Write down what became of a mutant."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"mutant": asdict(mutant), "outcome": outcome}) + "\n")


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
        told = Room(room, options).run()
        real = sum(told.values()) - told["equivalent"]
        share = (told["killed"] + told["hangs"]) / real if real else 1.0
        counts = " | ".join(str(told[name]) for name in ("killed", "hangs", "survived", "not reached", "equivalent"))
        rows.append(f"| {room} | {sum(told.values())} | {counts} | {share:.1%} |")
        print(rows[-1], flush=True)


if __name__ == "__main__":
    main()
