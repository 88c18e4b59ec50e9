"""Formulas in LaTeX, for readers without LaTeX: as Unicode in a terminal, as MathML in a browser."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

# Not within code: a fence or a span is matched first and left alone.
_FORMULA = re.compile(r"```.*?```|`[^`\n]*`|\$\$(.+?)\$\$|\$(?!\s)([^$\n]+?)(?<!\s)\$", re.DOTALL)


def _replaced(text: str, write: Callable[[str, bool], str]) -> str:
    def formula(match: re.Match[str]) -> str:
        if match[1] is not None:
            return write(match[1].strip(), True)
        return write(match[2], False) if match[2] is not None else match[0]

    return _FORMULA.sub(formula, text)


def to_unicode(text: str) -> str:
    r"""Markdown with its formulas as plain text; those on lines of their own as code.

    >>> to_unicode(r"the slope $\frac{\partial L}{\partial w}$ is `$x`")
    'the slope ∂L/∂w is `$x`'
    >>> to_unicode(r"$\frac{1}{2\sigma^2} x$")
    '1/(2σ^2) x'
    """
    converter = _converter()

    def write(formula: str, display: bool) -> str:
        plain = converter.latex_to_text(re.sub(r"(\\(?:partial|nabla|Delta)) +(?=[A-Za-z])", r"\1{}", formula))
        lines = [line.strip() for line in plain.splitlines() if line.strip()]
        return "\n\n```text\n" + "\n".join(lines) + "\n```\n\n" if display else " ".join(lines)

    return _replaced(text, write)


@functools.cache
def _converter() -> Any:
    from pylatexenc.latex2text import LatexNodes2Text, MacroTextSpec, get_default_latex_context_db

    macros = get_default_latex_context_db()
    macros.add_context_category("fractions", [MacroTextSpec("frac", simplify_repl=_fraction)], prepend=True)
    return LatexNodes2Text(macros, math_mode="text", strict_latex_spaces=False)


def _fraction(node: Any, l2tobj: Any) -> str:
    """On one line; in brackets what would be read otherwise there."""
    above, below = (l2tobj.nodelist_to_text([part]).strip() for part in node.nodeargs)
    if re.search(r"\w\s*[-+−]|\s", above):
        above = f"({above})"
    if not re.fullmatch(r"[∂∇]?(\d+|\w)([_^]\w++)*+", below):
        below = f"({below})"
    return f"{above}/{below}"


def to_mathml(text: str) -> str:
    r"""Markdown with its formulas as MathML, which browsers draw by themselves.

    Needs `latex2mathml`, which the documentation is built with.
    """
    from latex2mathml.converter import convert

    return _replaced(text, lambda formula, display: convert(formula, display="block" if display else "inline"))
