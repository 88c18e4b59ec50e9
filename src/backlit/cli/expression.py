"""Formulas as people type them, as graphs: ``(x + y) * z``.

Python's own parser reads them (`ast`), and only the nodes that formulas are made of are let through; nothing is ever
evaluated as code. ``^`` is a power, too, Python's keywords are names like any other: ``lambda * x``, and numbers in
square brackets are arrays: ``[[1, 2], [3, 4]] @ x``.
"""

from __future__ import annotations

import ast
import json
import keyword
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError, unknown
from backlit.graph import ops
from backlit.graph.tensor import Tensor, tensor, value_of

MAX_DEPTH = 100  # of brackets, signs and powers in each other: deeper than anyone writes, and safe from Python's limit
SHOWN = 60  # characters of a value that is refused

_OPERATORS: dict[type[ast.operator], Callable[..., Any]] = {
    ast.Add: ops.add, ast.Sub: ops.subtract, ast.Mult: ops.multiply, ast.Div: ops.divide, ast.MatMult: ops.matmul,
    ast.Pow: ops.power,
}  # fmt: skip
_NAMES = (
    "abs", "cos", "erf", "exp", "expm1", "log", "log1p", "log_softmax", "logsumexp", "max", "maximum", "mean", "min",
    "minimum", "norm", "prod", "relu", "sigmoid", "sign", "sin", "softmax", "softplus", "sqrt", "square", "step", "sum",
    "tanh",
)  # fmt: skip


def _folded(reduce: Callable[[Any], Any], pair: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Of one array its greatest element, say; of several values the greatest of each place."""

    def function(first: Any, *more: Any) -> Any:
        for value in more:
            first = pair(first, value)
        return first if more else reduce(first)

    return function


FUNCTIONS: dict[str, Callable[..., Any]] = {name: getattr(ops, name) for name in _NAMES} | {
    "max": _folded(ops.max, ops.maximum),
    "min": _folded(ops.min, ops.minimum),
}

_PIECE = re.compile(r"[\w.]+|\*\*|\S")
_NO_FORMULA = "this isn't part of a formula"
_CLOSED_BY = {",": ("f(", "["), ")": ("f(", "("), "]": ("[",)}
_SHOWN = 60  # characters of a formula on each side of a mistake


class Parser:
    """One formula with the values of its names."""

    def __init__(self, text: str, variables: dict[str, Tensor]) -> None:
        self.text = re.sub(r"\s", " ", text).rstrip()
        self.variables = variables
        self._python = ""
        self._places: list[int] = []  # for each character of `_python`, where it stands in the text

    def parse(self) -> Tensor:
        """The formula's graph.

        Raises
        ------
        InputError
            If it isn't a formula, or a name in it has no value; the message points at the place.
        """
        self._translate()
        try:
            root = ast.parse(self._python, mode="eval").body
        except SyntaxError as error:  # a number such as 1.2.3
            offset = min(max(error.offset or 0, 1), len(self._places)) - 1
            raise self._mistake(self._places[offset], _NO_FORMULA) from error
        except (RecursionError, MemoryError):
            raise self._too_deep(0) from None
        result = self._value(root, 0)
        return result if isinstance(result, Tensor) else tensor(np.asarray(result, dtype=float))

    # ----------------------------------------------------------------------------------------- before Python's parser

    def _translate(self) -> None:
        """The formula in Python; pieces out of order are refused here, since Python's messages don't say what to do."""
        opened: list[str] = []  # of each open bracket what it is: a function's "f(", a group's "(", an array's "["
        before, ended, signs = "", False, 0  # the piece before; whether an operand ended with it; signs in a row
        for match in _PIECE.finditer(self.text):
            piece, place = match[0], match.start()
            operand = piece[0].isalnum() or piece[0] in "_."
            if not operand and piece not in "+-**/@^(),[]":
                raise self._mistake(place, _NO_FORMULA)
            if not ended and not operand and piece not in "+-([":
                raise self._mistake(place, "expected a number, a name or (")
            if piece == "[" and ended:
                raise self._mistake(place, f"{_NO_FORMULA}: an array stands alone, as in [1, 2] @ x")
            if ended and operand and before in FUNCTIONS:
                raise self._mistake(self.text.rindex(before, 0, place), _a_function(before))
            called = piece == "(" and ended and before.isidentifier()
            if ended and (operand or (piece == "(" and not called)):
                raise self._mistake(place, "expected an operator or the end")
            inside = opened[-1] if opened else ""
            if piece in ",)]" and inside not in _CLOSED_BY[piece]:
                closing = "]" if inside == "[" else ")"
                raise self._mistake(place, f"expected {closing}" if opened else "expected an operator or the end")
            if piece in "([":
                opened.append("f(" if called else piece)
            elif piece in ")]":
                opened.pop()
            signs = signs + 1 if not ended and piece in "+-" else 0
            if len(opened) + signs > MAX_DEPTH:
                raise self._too_deep(place)
            before, ended = piece, operand or piece in ")]"
            self._append(piece, place)
        if not ended:
            raise self._mistake(len(self.text), "the formula ends too early")
        if opened:
            raise self._mistake(
                len(self.text), {"f(": "expected , or )", "[": "expected , or ]"}.get(opened[-1], "expected )")
            )

    def _append(self, piece: str, place: int) -> None:
        """A piece as Python writes it, after the spaces before it."""
        written = "**" if piece == "^" else piece + "_" if keyword.iskeyword(piece) else piece
        if piece.isdecimal():
            written = piece.lstrip("0") or "0"
        spaces = place - self._places[-1] - 1 if self._places else 0
        self._python += " " * spaces + written
        self._places += [place] * spaces + [place + min(i, len(piece) - 1) for i in range(len(written))]
        self._places[-1] = place + len(piece) - 1

    # ------------------------------------------------------------------------------------------ after Python's parser

    def _value(self, node: ast.expr, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise self._too_deep(self._place(node))
        if isinstance(node, ast.BinOp):
            return self._chain(node, depth)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            value = self._value(node.operand, depth + 1)
            return ops.negative(value) if isinstance(node.op, ast.USub) else value
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            return self._call(self._name(node.func), node, depth)
        if isinstance(node, ast.List):
            return self._array(node, depth)
        if isinstance(node, ast.Name):
            return self._variable(self._name(node), self._place(node))
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return np.float64(str(node.value))  # Python's own numbers refuse 0 / 0
        raise self._mistake(self._place(node), _NO_FORMULA)

    def _chain(self, node: ast.BinOp, depth: int) -> Any:
        """Operators from left to right: a sum of a thousand terms is no deep nesting."""
        chain = [node]
        while isinstance(chain[-1].left, ast.BinOp):
            chain.append(chain[-1].left)
        value = self._value(chain[-1].left, depth + 1)
        for part in reversed(chain):
            if type(part.op) not in _OPERATORS:
                raise self._mistake(self._place(part), _NO_FORMULA)
            right = self._value(part.right, depth + 1)
            try:
                value = _OPERATORS[type(part.op)](value, right)
            except ShapeError as error:
                raise self._mistake(self._place(part), str(error)) from error
        return value

    def _array(self, node: ast.List, depth: int) -> Any:
        """An array of numbers, or of formulas."""
        values = [self._value(element, depth + 1) for element in node.elts]
        shapes = {np.shape(value_of(value)) for value in values}
        if len(shapes) != 1:
            raise self._mistake(self._place(node), "the rows of an array must be of one length")
        if any(isinstance(value, Tensor) for value in values):
            return ops.stack([value if isinstance(value, Tensor) else tensor(value) for value in values])
        return np.asarray(values, dtype=float)

    def _variable(self, name: str, place: int) -> Any:
        if name in self.variables:
            return self.variables[name]
        if name in FUNCTIONS:
            raise self._mistake(place, _a_function(name))
        if name in ("pi", "e"):
            return np.float64(np.pi if name == "pi" else np.e)
        known = f" (known: {', '.join(self.variables)})" if self.variables else ""
        raise self._mistake(place, f"{name} has no value{known}; add {name}=1.5 after the formula")

    def _call(self, name: str, node: ast.Call, depth: int) -> Any:
        if name not in FUNCTIONS:
            raise self._mistake(self._place(node), str(unknown("function", name, FUNCTIONS)))
        values = [self._value(argument, depth + 1) for argument in node.args]
        try:
            return FUNCTIONS[name](*values)
        except (TypeError, ShapeError) as error:
            raise self._mistake(self._place(node), str(error)) from error

    def _place(self, node: ast.expr) -> int:
        return self._places[len(self._python.encode()[: node.col_offset].decode())]

    def _name(self, node: ast.Name) -> str:
        """The name as it was typed: Python normalizes some letters."""
        match = _PIECE.match(self.text, self._place(node))
        return match[0] if match else node.id

    # ------------------------------------------------------------------------------------------------------- mistakes

    def _mistake(self, place: int, message: str) -> InputError:
        start, end = max(0, place - _SHOWN), place + _SHOWN
        shown = ("…" if start else "") + self.text[start:end] + ("…" if end < len(self.text) else "")
        return InputError(f"{message}\n  {shown}\n  {' ' * (place - start + bool(start))}^")

    def _too_deep(self, place: int) -> InputError:
        return InputError(
            f"the formula is nested deeper than {MAX_DEPTH} levels, at character {place + 1}: give parts of it names "
            "of their own, as in q=3"
        )


def _a_function(name: str) -> str:
    return f"{name} is a function: write {name}(…)"


def assignments(texts: list[str]) -> dict[str, Tensor]:
    """Values from ``x=-2`` and ``v=[1,2,3]``."""
    variables: dict[str, Tensor] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name.isidentifier():
            raise InputError(f"{text!r}: expected a value such as x=-2 or v=[1,2,3]")
        if name in variables:
            raise InputError(f"{name} is given twice")
        if name in FUNCTIONS:
            raise InputError(f"{name} is a function and can't be the name of a value")
        variables[name] = tensor(_number(name, value.strip()), name=name)
    return variables


def _number(name: str, value: str) -> Any:
    try:
        parsed = json.loads(value) if value.startswith("[") else float(value)
        array = np.asarray(parsed, dtype=float)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        shown = value if len(value) <= SHOWN else f"{value[:SHOWN]}…"
        raise InputError(f"the value of {name}: {shown!r} is no number and no list of numbers") from error
    if not np.isfinite(array).all():
        raise InputError(f"the value of {name} must be finite")
    return array
