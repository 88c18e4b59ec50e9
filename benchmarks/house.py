"""The house in numbers: sizes, imports, and in how many places a thing is said.

    python -m benchmarks.house                        this source tree
    python -m benchmarks.house src/backlit OTHER ...  several, side by side

`tests/test_architecture.py` holds limits by the functions here. Only the last rows run the package, each in a process
of its own.
"""

from __future__ import annotations

import argparse
import ast
import io
import os
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent / "src" / "backlit"
LONG_FUNCTION, MANY_PARAMETERS, LONG_FILE = 80, 7, 400
OPTIONS = ("mixup", "devices", "dropout")
FINDINGS = ("learning rate too high", "saturating activations in depth", "leak between splits")
SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}
FIT = "import numpy as np, backlit as bl; run = bl.fit(bl.Linear(1), np.eye(4), np.arange(4.0), epochs=1)"
LOADS = {  # what a user does, and how many of the package's modules that loads
    "import backlit": "import backlit",
    "bl.fit of arrays": FIT,
    "run.diagnose() after it": f"{FIT}; run.diagnose()",
    "backlit train iris": "import sys; sys.argv = ['backlit', 'train', 'iris', '--epochs', '1', '--out', folder, '-q', "
    "'--no-report']; from backlit.cli.main import main\ntry: main()\nexcept SystemExit: pass",
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    """One module that a file imports, and where: at its top, or inside a function."""

    target: str
    line: int
    inside: bool


@dataclass(frozen=True)
class File:
    """A source file, read once."""

    root: Path
    path: Path

    @property
    def name(self) -> str:
        """As it is written in messages: "train/loop.py"."""
        return self.path.relative_to(self.root).as_posix()

    @property
    def module(self) -> str:
        """As it is imported: "backlit.train.loop"."""
        return ".".join(("backlit", *self.path.relative_to(self.root).with_suffix("").parts)).removesuffix(".__init__")

    @cached_property
    def source(self) -> str:
        """Its text."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax."""
        return ast.parse(self.source)

    @cached_property
    def code_lines(self) -> frozenset[int]:
        """Numbers of the lines that hold code: no blank ones, comments or docstrings."""
        silent = {
            line
            for node in ast.walk(self.tree)
            if isinstance(node, Function | ast.ClassDef | ast.Module) and (text := docstring(node)) is not None
            for line in range(text.lineno, (text.end_lineno or text.lineno) + 1)
        }
        tokens = tokenize.generate_tokens(io.StringIO(self.source).readline)
        spoken = {
            line
            for token in tokens
            if token.type not in SILENT and token.type != tokenize.ENDMARKER
            for line in range(token.start[0], token.end[0] + 1)
        }
        return frozenset(spoken - silent)

    @cached_property
    def functions(self) -> list[tuple[str, Function]]:
        """All functions and methods with their names within the file: "Loop.run"."""
        return list(_functions(self.tree, ""))

    def length(self, function: Function) -> int:
        """Lines of code of a function, its signature and decorators included."""
        first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
        return len(self.code_lines & set(range(first, (function.end_lineno or first) + 1)))

    def imports(self, modules: frozenset[str]) -> list[Import]:
        """Which of these modules it imports; what only a type checker reads doesn't count."""
        return list(_imports(self.tree, modules, inside=False))


def docstring(node: ast.AST) -> ast.expr | None:
    """The expression that documents a module, class or function."""
    first = next(iter(getattr(node, "body", [])), None)
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return first.value
    return None


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        name = f"{prefix}{child.name}." if isinstance(child, Function | ast.ClassDef) else prefix
        if isinstance(child, Function):
            yield name.removesuffix("."), child
        yield from _functions(child, name)


def _imports(node: ast.AST, modules: frozenset[str], inside: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            continue
        if isinstance(child, ast.Import):
            names = [alias.name for alias in child.names]
        elif isinstance(child, ast.ImportFrom) and child.module:
            names = [
                part if (part := f"{child.module}.{alias.name}") in modules else child.module for alias in child.names
            ]
        else:
            names = []
        for name in dict.fromkeys(name for name in names if name in modules):
            yield Import(name, child.lineno, inside)
        yield from _imports(child, modules, inside or isinstance(child, Function | ast.Lambda))


def parameters(function: Function) -> list[ast.arg]:
    """A function's parameters, without `self` and `cls`."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args]
    if named and named[0].arg in ("self", "cls"):
        named = named[1:]
    stars = [star for star in (arguments.vararg, arguments.kwarg) if star is not None]
    return [*named, *arguments.kwonlyargs, *stars]


def files_of(root: Path = SOURCES) -> list[File]:
    """All Python files of a package."""
    return [File(root, path) for path in sorted(root.rglob("*.py"))]


def import_graph(files: list[File]) -> dict[str, set[str]]:
    """The modules that each module imports, inside functions included."""
    modules = frozenset(file.module for file in files)
    return {file.module: {found.target for found in file.imports(modules)} - {file.module} for file in files}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Sets of modules each of which reaches every other: strongly connected components of more than one."""
    reached = {module: _reach(module, graph) for module in graph}
    found, seen = [], set[str]()
    for module in graph:
        if module in seen:
            continue
        circle = {module} | {other for other in reached[module] if module in reached[other]}
        seen |= circle
        if len(circle) > 1:
            found.append(sorted(circle))
    return sorted(found, key=len, reverse=True)


def _reach(start: str, graph: dict[str, set[str]]) -> set[str]:
    reached, open_ends = set[str](), [start]
    while open_ends:
        for other in graph[open_ends.pop()] - reached:
            reached.add(other)
            open_ends.append(other)
    return reached


def long_functions(files: list[File]) -> dict[str, int]:
    """Functions of more than 80 lines of code, by "file::name"."""
    lengths = {f"{file.name}::{name}": file.length(function) for file in files for name, function in file.functions}
    return {name: length for name, length in lengths.items() if length > LONG_FUNCTION}


def wide_functions(files: list[File]) -> dict[str, int]:
    """Functions of more than 7 parameters, by "file::name"."""
    counts = {f"{file.name}::{name}": len(parameters(function)) for file in files for name, function in file.functions}
    return {name: count for name, count in counts.items() if count > MANY_PARAMETERS}


def long_files(files: list[File]) -> dict[str, int]:
    """Files of more than 400 lines of code."""
    return {file.name: len(file.code_lines) for file in files if len(file.code_lines) > LONG_FILE}


def naming(root: Path, words: str) -> list[str]:
    """Source files, texts included, that name something as a whole word."""
    pattern = re.compile(rf"(?<![\w]){re.escape(words)}(?![\w])")
    paths = [path for path in sorted(root.rglob("*")) if path.suffix in (".py", ".pyi", ".toml")]
    return [str(path.relative_to(root)) for path in paths if pattern.search(path.read_text(encoding="utf-8"))]


def loaded(root: Path, code: str) -> int:
    """How many of the package's modules a fresh process has loaded after some code."""
    counting = "import sys; print(sum(name.partition('.')[0] == 'backlit' for name in sys.modules))"
    prelude = "import tempfile; folder = tempfile.mkdtemp() + '/run'"
    environment = {**os.environ, "PYTHONPATH": str(root.parent), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", f"{prelude}\n{code}\n{counting}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


def numbers(root: Path) -> dict[str, str]:
    """The table of one source tree, row by row."""
    files = files_of(root)
    lines = {file.name: len(file.code_lines) for file in files}
    rooms: dict[str, int] = {}
    for name, count in lines.items():
        rooms[name.partition("/")[0]] = rooms.get(name.partition("/")[0], 0) + count
    largest, total = max(rooms, key=lambda room: rooms[room]), sum(lines.values())
    graph = import_graph(files)
    found = circles(graph)
    modules = frozenset(graph)
    inside = [file.name for file in files for one in file.imports(modules) if one.inside]
    calls = [node.func.id for file in files for node in ast.walk(file.tree) if _calls_a_name(node)]
    every = [argument for file in files for _, function in file.functions for argument in parameters(function)]
    loose = [argument for argument in every if argument.annotation and _says_any(argument.annotation)]
    long, wide = long_functions(files), wide_functions(files)
    lengths = [file.length(function) for file in files for _, function in file.functions]
    table = {
        "lines of code": f"{total:,}",
        "files": f"{len(files)}",
        "functions over 80 lines": f"{len(long)} (longest {max(lengths)})",
        "functions with more than 7 parameters": f"{len(wide)} (most {max(wide.values(), default=MANY_PARAMETERS)})",
        "files over 400 lines": f"{len(long_files(files))} (longest {max(lines.values())})",
        "largest room": f"{largest}, {rooms[largest] / total:.0%}",
        "circles of imports": f"{len(found)} ({' + '.join(str(len(circle)) for circle in found) or 0} files)",
        "imports inside functions, outside cli": f"{sum(not name.startswith('cli/') for name in inside)}",
        "getattr and hasattr": f"{sum(name in ('getattr', 'hasattr') for name in calls)}",
        "parameters of type Any": f"{len(loose):,} of {len(every):,}",
    }
    table |= {f"files that name {word}": f"{len(naming(root, word))}" for word in OPTIONS}
    table |= {f"files that name '{name}'": f"{len(naming(root, name))}" for name in FINDINGS}
    return table | {f"modules loaded by {what}": f"{loaded(root, code)}" for what, code in LOADS.items()}


def _calls_a_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def _says_any(annotation: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(annotation))


def main() -> None:
    """Print the table of each path given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.house", description="The house in numbers.")
    parser.add_argument("roots", nargs="*", type=Path, metavar="TREE", help="source trees; this one's if left out")
    roots = [root.resolve() for root in parser.parse_args().roots] or [SOURCES]
    for root in roots:
        if not (root / "errors.py").is_file():
            sys.exit(f"{root} is no source tree of Backlit: name the folder that holds errors.py")
    columns = [numbers(root) for root in roots]
    print("| | " + " | ".join(str(root) for root in roots) + " |")
    print("|---|" + "---|" * len(roots))
    for row in columns[0]:
        print(f"| {row} | " + " | ".join(column[row] for column in columns) + " |")


if __name__ == "__main__":
    main()
