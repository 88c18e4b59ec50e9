"""The parser of formulas: values and gradients against Python's own, mistakes with their place."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backlit.cli.expression import Parser, assignments
from backlit.errors import BacklitError, InputError
from backlit.inspect.explain import explain


def value(text, **variables):
    return Parser(text, assignments([f"{k}={v}" for k, v in variables.items()])).parse().value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("2 ** 3 ** 2", 512),
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("8 / 4 / 2", 1),
        ("10 - 4 - 3", 3),
        ("--3", 3),
        ("2^3", 8),
        ("1.5e2 + .5", 150.5),
        ("exp(0) + sin(pi / 2)", 2),
        ("maximum(2, 5) - abs(-3)", 2),
        ("1e-3 + 1E+2", 100.001),
        ("007 + 0", 7),
        ("2 ^ 3 ^ 2 + (1)", 513),
        ("  ( 2\n+ 3 )\t* 2", 10),
        ("1" + " + 1" * 500, 501),
    ],
)
def test_values(text, expected):
    assert float(value(text)) == pytest.approx(expected)


_expressions = st.recursive(
    st.sampled_from(["x", "y", "2.0", "0.5"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda t: f"-{t}"),
        inner.map(lambda t: f"sin({t})"),
    ),
    max_leaves=12,
)


def _python(text, x, y):
    """The same formula by Python's own parser, walked by hand."""
    import ast

    def walk(node):
        match node:
            case ast.Expression(body):
                return walk(body)
            case ast.BinOp(left, op, right):
                a, b = walk(left), walk(right)
                return a + b if isinstance(op, ast.Add) else a - b if isinstance(op, ast.Sub) else a * b
            case ast.UnaryOp(ast.USub(), inner):
                return -walk(inner)
            case ast.Call(_, [inner]):
                return math.sin(walk(inner))
            case ast.Name(name):
                return {"x": x, "y": y}[name]
            case ast.Constant(number):
                return number
        raise TypeError(node)

    return walk(ast.parse(text, mode="eval"))


@given(_expressions)
def test_agrees_with_python(text):
    assert float(value(text, x=1.25, y=-0.75)) == pytest.approx(_python(text, 1.25, -0.75), rel=1e-12, abs=1e-12)


@given(st.text(alphabet="xy+-*/()^.,0 1é가 sin", max_size=30))
def test_nonsense_is_refused_with_a_message(text):
    try:
        result = value(text, x=1.0, y=2.0)
    except BacklitError:  # and nothing else
        return
    assert np.asarray(result).dtype == np.float64


@pytest.mark.parametrize("name", ["lambda", "in", "None", "True", "µ", "가", "x_1"])
def test_every_identifier_may_be_a_name(name):
    assert float(value(f"2 ^ {name} * ({name} + 1)", **{name: 3.0})) == 32


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x // y", "expected a number, a name or"),
        ("x, y", "expected an operator or the end"),
        ("maximum((x, y))", r"expected \)"),
        ("x.real", "isn't part of a formula"),
        ("'x'", "isn't part of a formula"),
        ("1.2.3", "isn't part of a formula"),
        ("2x", "isn't part of a formula"),
        ("1j", "isn't part of a formula"),
        ("x[0]", "an array stands alone"),
        ("(x)(y)", "expected an operator"),
        ("x)", "expected an operator or the end"),
        ("exp()", "expected a number, a name or"),
        ("exp(x", r"expected , or \)"),
        ("exp(*x)", "expected a number, a name or"),
        ("__import__(x)", "unknown function '__import__'"),
        ("x if y else x", "expected an operator"),
        ("x + * y", "expected a number, a name or"),
        ("x +", "ends too early"),
        ("(x", r"expected \)"),
        ("x y", "expected an operator"),
        ("x $ y", "isn't part of a formula"),
        ("z", r"z has no value \(known: x, y\); add z=1.5"),
        ("sig(x)", r"did you mean 'sign'|did you mean 'sigmoid'|unknown function"),
        ("exp x", r"exp is a function: write exp\(…\)"),
        ("exp(x, y)", "exp"),
        ("[1, 2", r"expected , or \]"),
        ("[1, [2]]", "rows of an array must be of one length"),
        ("[1, 2)", r"expected \]"),
        ("(1, 2]", r"expected \)"),
        ("[]", "expected a number, a name or"),
        ("[1, 2] @ [1, 2, 3]", "matmul"),
        ("[1, 2] + [1, 2, 3]", "add"),
        ("", "ends too early"),
    ],
)
def test_mistakes_are_pointed_at(text, message):
    with pytest.raises(InputError, match=message) as caught:
        value(text, x=1.0, y=2.0)
    assert "^" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "under"),
    [("x + 가 * q", "q"), ("(x ^ y ^ q)", "q"), ("lambda * x", "l"), ("x + (y * exp)", "e"), ("x $ y", "$")],
)
def test_the_mark_is_under_the_place(text, under):
    with pytest.raises(InputError) as caught:
        value(text, x=1.0, y=2.0, 가=3.0)
    _, shown, mark = str(caught.value).split("\n")
    assert shown[mark.index("^")] == under


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["x"], "expected a value such as x=-2"),
        (["x=a"], "no number"),
        (["x=[1,[2]]"], "no number and no list"),
        (["x=" + "[" * 5000], "no number"),
        (["x=1", "x=2"], "given twice"),
        (["exp=1"], "is a function"),
        (["x=inf"], "must be finite"),
        (["2x=1"], "expected a value such as"),
    ],
)
def test_wrong_values(texts, message):
    with pytest.raises(InputError, match=message):
        assignments(texts)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 150 + "x" + ")" * 150, "x ** " * 150 + "x", "(" * 2000 + "x" + ")" * 2000, "(" * 5000 + "x",
        "-" * 5000 + "x", "[" * 2000 + "x", "exp(" * 2000 + "x" + ")" * 2000,
    ],
)  # fmt: skip
def test_what_is_nested_too_deep_is_told_in_one_line(text):
    with pytest.raises(InputError, match="nested deeper than 100 levels, at character") as told:
        value(text, x=1.0)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 150


def test_a_mistake_in_a_long_formula_is_shown_with_what_is_around_it():
    with pytest.raises(InputError) as told:
        value("x + " * 1000 + "$ + x" + " + x" * 1000, x=1.0)
    _, shown, mark = str(told.value).split("\n")
    assert shown[mark.index("^")] == "$"
    assert len(shown) < 130


def test_the_notes_formula_and_its_gradients():
    w1, w2, x = np.array([[1.0, -2.0], [3.0, 4.0]]), np.array([[1.0, 2.0]]), np.array([1.0, 2.0])
    given = {"W1": w1.tolist(), "W2": w2.tolist(), "x": x.tolist()}
    result = Parser("W2 @ max(0, W1 @ x)", assignments([f"{name}={rows}" for name, rows in given.items()])).parse()
    np.testing.assert_array_equal(result.value, w2 @ np.maximum(0, w1 @ x))
    explanation = explain(result)
    np.testing.assert_array_equal(explanation["W1"].upstream, [[0, 0], [2, 4]])  # the first unit is off
    np.testing.assert_array_equal(explanation["x"].upstream, [6, 8])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[1, 2], [3, 4]] @ [1, -1]", [-1, -1]),
        ("max([1, 5, 2])", 5),
        ("min([1, 5, 2], [4, 4, -4], 3)", [1, 3, -4]),
        ("sum([x, 2 * x, 1])", 7),
        ("[[x], [3]] * 2", [[4], [6]]),
        ("norm([3, 4])", 5),
    ],
)
def test_arrays(text, expected):
    np.testing.assert_allclose(value(text, x=2.0), expected)
