"""Mathematics as text and as LaTeX, side by side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_LOW = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
_LATEX = {
    "σ": r"\sigma",
    "Δ": r"\Delta",
    "η": r"\eta",
    "μ": r"\mu",
    "λ": r"\lambda",
    "θ": r"\theta",
    "ŷ": r"\hat{y}",
    "tanh": r"\tanh",
}


class Math(NamedTuple):
    """One expression in both forms."""

    text: str
    latex: str

    def __add__(self, other: Math | str) -> Math:  # type: ignore[override]
        more = other if isinstance(other, Math) else Math(other, other)
        return Math(self.text + more.text, self.latex + more.latex)

    def __radd__(self, other: str) -> Math:
        return Math(other + self.text, other + self.latex)


def symbol(base: str, *indices: int | str) -> Math:
    """A letter with indices: ``symbol("w", 3, 5)`` is w₃₅; with larger numbers a comma stands between them.

    >>> symbol("w", 3, 5)
    Math(text='w₃₅', latex='w_{35}')
    >>> symbol("w", 12, 5).text
    'w₁₂,₅'
    """
    parts = [str(index) for index in indices]
    comma = "," if any(len(part) > 1 for part in parts) and len(parts) > 1 else ""
    letter = _LATEX.get(base, base if len(base) == 1 else rf"\mathrm{{{_escaped(base)}}}")
    if not parts:
        return Math(base, letter)
    return Math(base + comma.join(parts).translate(_LOW), f"{letter}_{{{comma.join(parts)}}}")


def named(name: str) -> Math:
    r"""A name that a person gave; digits at its end become an index: "w1" is w₁.

    >>> named("w1").text, named("net_h1").latex
    ('w₁', '\\mathrm{net\\_h}_{1}')
    """
    match = re.fullmatch(r"(.*?[^\d_])_?(\d+)", name)
    return symbol(match[1], match[2]) if match else symbol(name)


def _escaped(text: str) -> str:
    return re.sub(r"([_%#&$])", r"\\\1", text)


def number(value: float) -> Math:
    """A number to eight digits."""
    if not np.isfinite(value):
        return _NOT_A_NUMBER if np.isnan(value) else _INFINITY if value > 0 else Math("−∞", r"-\infty")
    text = f"{value:.8g}"
    mantissa, _, exponent = text.partition("e")
    latex = rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else text
    return Math(text.replace("-", "−"), latex)


_NOT_A_NUMBER, _INFINITY = Math("NaN", r"\mathrm{NaN}"), Math("∞", r"\infty")


def values(numbers: np.ndarray | float) -> Math:
    """One number, or one for each row in brackets."""
    flat = np.ravel(numbers)
    if flat.size == 1:
        return number(float(flat[0]))
    first_numbers = [number(float(value)) for value in flat[:4]]
    more = Math(", …", r", \dots") if flat.size > 4 else Math("", "")
    return Math("[", "[") + joined(first_numbers, ", ", ", ") + more + "]"


def joined(parts: Sequence[Math], text: str, latex: str) -> Math:
    """Expressions with a sign between them."""
    return Math(text.join(part.text for part in parts), latex.join(part.latex for part in parts))


def product(parts: Sequence[Math]) -> Math:
    """Factors; those that begin with a minus and aren't first are put in parentheses."""
    safe = [part if i == 0 or not part.text.startswith("−") else grouped(part) for i, part in enumerate(parts)]
    return joined(safe, "·", r" \cdot ") if safe else Math("1", "1")


def total(parts: Sequence[Math], most: int = 6) -> Math:
    """Terms of a sum; of many the first ones and the last.

    >>> total([number(1.0), number(-2.0)]).text
    '1 − 2'
    """
    terms = list(parts) if len(parts) <= most else [*parts[: most - 2], Math("…", r"\cdots"), parts[-1]]
    expression = terms[0] if terms else Math("0", "0")
    for part in terms[1:]:
        negative = part.text.startswith("−")
        expression += Math(" − ", " - ") + Math(part.text[1:], part.latex[1:]) if negative else " + " + part
    return expression


def grouped(part: Math) -> Math:
    """In parentheses."""
    return Math(f"({part.text})", rf"\left({part.latex}\right)")


def alone(parts: Sequence[Math]) -> Math:
    """A product; a sum that is its only factor needs no parentheses."""
    if len(parts) == 1 and parts[0].latex.startswith(r"\left("):
        return Math(parts[0].text[1:-1], parts[0].latex[len(r"\left(") : -len(r"\right)")])
    return product(parts)


def derivative(of: Math, by: Math) -> Math:
    """∂of/∂by."""
    return Math(f"∂{of.text}/∂{by.text}", rf"\frac{{\partial {of.latex}}}{{\partial {by.latex}}}")


def equation(*sides: Math) -> Math:
    """Expressions that are equal; repeated ones are said once."""
    once = [side for i, side in enumerate(sides) if i == 0 or side.text != sides[i - 1].text]
    return joined(once, " = ", " = ")


def aligned(lines: Sequence[Math]) -> str:
    """Equations below each other, in LaTeX, their first signs of equality in one column."""
    rows = [re.sub(r" (=|\\leftarrow) ", r" &\1 ", line.latex, count=1) for line in lines]
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"
