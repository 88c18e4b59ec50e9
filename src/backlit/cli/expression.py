"""Formulas as people type them, as graphs: ``(x + y) * z``. A parser of our own; nothing is ever evaluated as code.

sum     = product {("+" | "-") product}
product = sign {("*" | "/" | "@") sign}
sign    = {"-" | "+"} power
power   = atom ["**" sign]             (also ^)
atom    = number | name | name "(" sum {"," sum} ")" | "(" sum ")"
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError, unknown
from backlit.graph import ops
from backlit.graph.tensor import Tensor, tensor

MAX_DEPTH = 100  # of brackets and signs: deeper than anyone writes, and safe from Python's own limit

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)|(?P<sign>\*\*|[-+*/@^(),]))",
    re.UNICODE,
)
_OPERATORS: dict[str, Callable[..., Any]] = {
    "+": ops.add, "-": ops.subtract, "*": ops.multiply, "/": ops.divide, "@": ops.matmul,
    "**": ops.power, "^": ops.power,
}  # fmt: skip
_NAMES = (
    "abs", "cos", "erf", "exp", "expm1", "log", "log1p", "log_softmax", "logsumexp", "max", "maximum", "mean", "min",
    "minimum", "norm", "prod", "relu", "sigmoid", "sign", "sin", "softmax", "softplus", "sqrt", "square", "step", "sum",
    "tanh",
)  # fmt: skip
FUNCTIONS: dict[str, Callable[..., Any]] = {name: getattr(ops, name) for name in _NAMES}


@dataclass(frozen=True)
class Token:
    """A piece of the formula and where it is."""

    kind: str
    text: str
    place: int


def tokens(text: str) -> list[Token]:
    """The formula's pieces, with an end mark."""
    found, place = [], 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _mistake(text, place + len(text[place:]) - len(text[place:].lstrip()), "this isn't part of a formula")
        kind = match.lastgroup or ""
        found.append(Token(kind, match.group(kind), match.start(kind)))
        place = match.end()
    return [*found, Token("end", "", len(text))]


def _mistake(text: str, place: int, message: str) -> InputError:
    return InputError(f"{message}\n  {text}\n  {' ' * place}^")


class Parser:
    """One formula with the values of its names."""

    def __init__(self, text: str, variables: dict[str, Tensor]) -> None:
        self.text = text
        self.variables = variables
        self.tokens = tokens(text)
        self.at = 0
        self.depth = 0

    def parse(self) -> Tensor:
        """The formula's graph."""
        result = self._sum()
        if self._now.kind != "end":
            raise self._here("expected an operator or the end")
        return result if isinstance(result, Tensor) else tensor(float(result))

    @property
    def _now(self) -> Token:
        return self.tokens[self.at]

    def _take(self, *texts: str) -> str | None:
        if self._now.kind == "sign" and self._now.text in texts:
            self.at += 1
            return self.tokens[self.at - 1].text
        return None

    def _here(self, message: str) -> InputError:
        return _mistake(self.text, self._now.place, message)

    def _sum(self) -> Any:
        left = self._product()
        while sign := self._take("+", "-"):
            left = _OPERATORS[sign](left, self._product())
        return left

    def _product(self) -> Any:
        left = self._sign()
        while sign := self._take("*", "/", "@"):
            left = _OPERATORS[sign](left, self._sign())
        return left

    def _sign(self) -> Any:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._here(f"nested deeper than {MAX_DEPTH} levels; give parts of it names of their own")
        sign = self._take("-", "+")
        result = (ops.negative(self._sign()) if sign == "-" else self._sign()) if sign else self._power()
        self.depth -= 1
        return result

    def _power(self) -> Any:
        base = self._atom()
        sign = self._take("**", "^")
        return _OPERATORS[sign](base, self._sign()) if sign else base

    def _atom(self) -> Any:
        token = self._now
        if token.kind == "number":
            self.at += 1
            return np.float64(token.text)  # Python's own numbers refuse 0 / 0
        if token.kind == "name":
            self.at += 1
            return self._call(token) if self._take("(") else self._variable(token)
        if self._take("("):
            inner = self._sum()
            if not self._take(")"):
                raise self._here("expected )")
            return inner
        raise self._here("expected a number, a name or (" if token.kind != "end" else "the formula ends too early")

    def _variable(self, token: Token) -> Any:
        if token.text in self.variables:
            return self.variables[token.text]
        if token.text in FUNCTIONS:
            raise _mistake(self.text, token.place, f"{token.text} is a function: write {token.text}(…)")
        if token.text in ("pi", "e"):
            return np.float64(np.pi if token.text == "pi" else np.e)
        raise _mistake(self.text, token.place, f"{token.text} has no value; add {token.text}=1.5 after the formula")

    def _call(self, token: Token) -> Any:
        if token.text not in FUNCTIONS:
            raise _mistake(self.text, token.place, str(unknown("function", token.text, FUNCTIONS)))
        arguments = [self._sum()]
        while self._take(","):
            arguments.append(self._sum())
        if not self._take(")"):
            raise self._here("expected , or )")
        try:
            return FUNCTIONS[token.text](*arguments)
        except TypeError as error:
            raise _mistake(self.text, token.place, str(error)) from error


def assignments(texts: list[str]) -> dict[str, Tensor]:
    """Values from ``x=-2`` and ``v=[1,2,3]``."""
    found: dict[str, Tensor] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name.isidentifier():
            raise InputError(f"{text!r}: expected a value such as x=-2 or v=[1,2,3]")
        if name in found:
            raise InputError(f"{name} is given twice")
        if name in FUNCTIONS:
            raise InputError(f"{name} is a function and can't be the name of a value")
        found[name] = tensor(_number(text, value.strip()), name=name)
    return found


def _number(text: str, value: str) -> Any:
    import json

    try:
        parsed = json.loads(value) if value.startswith("[") else float(value)
        array = np.asarray(parsed, dtype=float)
    except (ValueError, TypeError) as error:
        raise InputError(f"{text!r}: {value!r} is no number and no list of numbers") from error
    if not np.isfinite(array).all():
        raise InputError(f"{text!r}: the value must be finite")
    return array
