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
def test_shown_code_uses_nothing_that_is_not_shown(lesson: Lesson) -> None:
    tree = ast.parse("\n".join(shown(lesson)))
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    stored |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    stored |= {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ExceptHandler))}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            stored |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    assert used - stored - set(dir(builtins)) == set()
    assert {"np", "bl", "say"} <= stored


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
