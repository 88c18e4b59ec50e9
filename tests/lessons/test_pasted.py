"""Whoever copies a lesson's code from its page, block by block, has a program that runs."""

import ast
import builtins
import re
import types

import pytest

from backlit.lessons import LESSONS, Lesson
from backlit.lessons.page import page
from backlit.lessons.running import FilledProse, RunCode, setup
from backlit.lessons.source import Code, Prose

EACH = [pytest.param(lesson, id=name) for name, lesson in LESSONS.items()]


def shown(lesson: Lesson) -> list[str]:
    """The blocks of code on a lesson's page, exercises aside."""
    steps = [
        RunCode(part, "") if isinstance(part, Code) else FilledProse(dict.fromkeys(part.text, ""), {})
        for part in lesson.parts
    ]
    text = page(lesson, "en", steps=steps).markdown.split("## Exercises")[0]
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("lesson", EACH)
def test_shown_code_uses_nothing_that_is_not_shown_before(lesson: Lesson) -> None:
    tree = ast.parse("\n".join(shown(lesson)))
    known = set(dir(builtins))
    for statement in tree.body:
        value = statement.value if isinstance(statement, ast.Assign) else statement
        assert used_at_once(value) - known - bound(value) == set(), f"line {statement.lineno}"
        known |= bound(statement)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    assert used - known == set()  # what functions use when they are called, too
    assert {"np", "bl", "say"} <= known


def bound(tree: ast.AST) -> set[str]:
    """Names that get a value somewhere in it."""
    nodes = list(ast.walk(tree))
    names = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    names |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    names |= {
        node.name
        for node in nodes
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.ExceptHandler)) and node.name
    }
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return names


def used_at_once(tree: ast.AST) -> set[str]:
    """Names that it uses where it stands, not only when a function in it is called."""
    if isinstance(tree, ast.Name):
        return {tree.id} if isinstance(tree.ctx, ast.Load) else set()
    if isinstance(tree, (ast.FunctionDef, ast.Lambda)):
        arguments = [each for each in (*tree.args.defaults, *tree.args.kw_defaults) if each is not None]
        return set().union(*map(used_at_once, [*arguments, *getattr(tree, "decorator_list", [])]))
    return set().union(*map(used_at_once, ast.iter_child_nodes(tree)))


def test_a_name_that_comes_later_is_noticed() -> None:
    later = ast.parse("f = lambda: y\nx = [y + z for z in [1]]\ny = 1").body
    assert used_at_once(later[0].value) - bound(later[0].value) == set()  # type: ignore[attr-defined]
    assert used_at_once(later[1].value) - bound(later[1].value) == {"y"}  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["arrays", "backprop", "jacobians", "by-hand"])
def test_pasted_blocks_run_one_after_another(name: str) -> None:
    first, *blocks = shown(LESSONS[name])
    assert first == setup("en", True)
    values = types.ModuleType("__main__").__dict__
    for block in (first, *blocks):
        exec(compile(block, name, "exec"), values)  # noqa: S102, as a reader does
    figures = [word for part in LESSONS[name].parts if isinstance(part, Prose) for word in figures_in(part)]
    assert figures
    assert all(figure in values for figure in figures)


def figures_in(part: Prose) -> list[str]:
    return re.findall(r"\(figure:(\w+)\)", part.text["en"])
