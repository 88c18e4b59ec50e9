"""For the reference: signatures as they are called, and tables of docstrings as Markdown."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pydoc
import re
from typing import Any

import griffe

DECLARED = ("primitive", "operation")


class AsCalled(griffe.Extension):
    """Operations are declared with the array namespace first, which callers don't give."""

    def on_function(self, *, func: griffe.Function, **kwargs: Any) -> None:
        """Leave out the array namespace; tell the values of defaults that are constants of the module."""
        for parameter in func.parameters:
            if isinstance(parameter.default, griffe.ExprName) and parameter.default.name.isupper():
                parameter.default = repr(getattr(importlib.import_module(func.module.path), parameter.default.name))
        decorators = {str(decorator.value).partition("(")[0].rpartition(".")[2] for decorator in func.decorators}
        if decorators & {*DECLARED}:
            func.parameters = griffe.Parameters(*list(func.parameters)[1:])

    def on_attribute_instance(self, *, attr: griffe.Attribute, **kwargs: Any) -> None:
        """Defaults of a dataclass that are declared with their range: the default alone."""
        if isinstance(attr.value, griffe.ExprCall) and attr.parent is not None and attr.parent.is_class:
            fields = getattr(pydoc.locate(attr.parent.path), "__dataclass_fields__", {})
            if attr.name in fields and str(attr.value.function) != "field":
                default = fields[attr.name].default
                attr.value = None if default is dataclasses.MISSING else repr(default)

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Bring a docstring to the form that the reference's parser reads."""
        if obj.docstring is not None:
            if "OPTIONS" in obj.docstring.value:  # completed from the declared options when the module is loaded
                obj.docstring.value = inspect.getdoc(pydoc.locate(obj.path)) or ""
            obj.docstring.value = with_section(a_line_each(one_by_one(markdown_tables(obj.docstring.value))))


def one_by_one(text: str) -> str:
    """Parameters that are described together get a line each, since each has its own default."""

    def lines(found: re.Match[str]) -> str:
        about = found[3].rstrip("\n")
        return "".join(f"{name} : {found[2]}\n{about}\n" for name in found[1].split(", "))

    return re.sub(r"(?m)^(\w+(?:, \w+)+) : (.*)\n((?: {4}.*\n?)+)", lines, text)


def a_line_each(text: str) -> str:
    """References keep the lines that end with a full stop."""
    before, heading, after = text.partition("\nReferences\n----------\n")
    return before + heading + re.sub(r"\.$", ".  ", after, flags=re.MULTILINE)


def with_section(text: str) -> str:
    """Examples at a short docstring's end get the heading that long ones have; they'd be read as quotations."""
    if re.search(r"^Examples\n-+$", text, flags=re.MULTILINE):
        return text
    return re.sub(r"(?m)^>>> ", "Examples\n--------\n>>> ", text, count=1)


def markdown_tables(text: str) -> str:
    """Tables between lines of "=" as Markdown tables; columns begin where the "=" do."""
    lines, made = text.splitlines(), []
    rule = re.compile(r" *=+(?: +=+)+ *")
    while lines:
        if not rule.fullmatch(lines[0]):
            made.append(lines.pop(0))
            continue
        starts = [found.start() for found in re.finditer("=+", lines.pop(0))]
        ends = [*starts[1:], None]
        rows, rules = [], 0
        while lines and rules < 2:
            line = lines.pop(0)
            if rule.fullmatch(line):
                rules += 1
            else:
                rows.append(
                    [line[start:end].strip().replace("|", "\\|") for start, end in zip(starts, ends, strict=True)]
                )
        head, *body = rows
        made += [row_of(head), "|" + "---|" * len(head), *map(row_of, body)]
    return "\n".join(made)


def row_of(cells: list[str]) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(cells)} |"
