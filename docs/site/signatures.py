"""For the reference: signatures as they are called, and tables of docstrings as Markdown."""

from __future__ import annotations

import re
from typing import Any

import griffe

DECLARED = ("primitive", "operation")


class AsCalled(griffe.Extension):
    """Operations are declared with the array namespace first, which callers don't give."""

    def on_function(self, *, func: griffe.Function, **kwargs: Any) -> None:
        """Leave out the array namespace."""
        decorators = {str(decorator.value).partition("(")[0].rpartition(".")[2] for decorator in func.decorators}
        if decorators & {*DECLARED}:
            func.parameters = griffe.Parameters(*list(func.parameters)[1:])

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Bring tables to Markdown's form."""
        if obj.docstring is not None and "====" in obj.docstring.value:
            obj.docstring.value = markdown_tables(obj.docstring.value)


def markdown_tables(text: str) -> str:
    """Tables between lines of "=" as Markdown tables; columns begin where the "=" do.

    >>> print(markdown_tables("==  ==\\na   b\\n==  ==\\n1   2\\n==  =="))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
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
                rows.append([line[start:end].strip().replace("|", "\\|") for start, end in zip(starts, ends, strict=True)])
        head, *body = rows
        made += [row_of(head), "|" + "---|" * len(head), *map(row_of, body)]
    return "\n".join(made)


def row_of(cells: list[str]) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(cells)} |"
