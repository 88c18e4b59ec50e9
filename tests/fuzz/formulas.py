"""The expression language of `explain`: formulas that are right, nearly right, and noise."""

import random
import re

from tests.fuzz.frame import Case, fuzzer

FUNCTIONS = ["exp", "log", "sum", "mean", "softmax", "max", "norm", "sqrt", "relu", "step", "prod", "erf", "logsumexp"]
NUMBERS = ["0", "1", "-1", "2.5", "1e308", "1e-320", "nan", "inf", "1e999", "[1,2,3]", "[[1,2],[3,4]]", "[]", "[[]]"]
ODD = ["[1,[2]]", "[" * 3000, "true", "null", '"x"', "{}", "1" * 5000, "", "1_0", "0x10", "١", "[1e400]", "=", "\ud800"]
NAMES = ["x", "y", "lambda", "x1", "变", "_", "__class__", "exp", "None", "E", "e", "inf"]
NOISE = [*"()+-*/@^,.=!'\"[]{}:;#\\ \t\n\0\x1b𝟙é·", "**", "//", "**-", "((((", "if", "import", "0x1", "1.2.3", "1e"]


def formula(rng: random.Random, depth: int = 0) -> str:
    """A formula by the grammar; deep ones are rare."""
    kind = rng.random()
    if depth > 5 or kind < 0.3:
        return rng.choice(NAMES) if rng.random() < 0.7 else rng.choice(NUMBERS[:6])
    if kind < 0.6:
        return f"{formula(rng, depth + 1)} {rng.choice('+-*/@^')} {formula(rng, depth + 1)}"
    if kind < 0.7:
        return f"({formula(rng, depth + 1)})"
    if kind < 0.75:
        return f"{'-' * rng.choice([1, 2, 99, 101, 3000])}{formula(rng, depth + 1)}"
    arguments = ", ".join(formula(rng, depth + 1) for _ in range(rng.choice([0, 1, 1, 1, 1, 2, 3])))
    return f"{rng.choice(FUNCTIONS)}({arguments})"


def garbled(rng: random.Random, text: str) -> str:
    """A few pieces put in, taken out or doubled."""
    for _ in range(rng.choice([0, 0, 0, 0, 0, 1, 2, 5])):
        place = rng.randrange(len(text) + 1)
        text = text[:place] + rng.choice([*NOISE, text[:place]])[:2000] + text[place + rng.randrange(3) :]
    return text


@fuzzer("formulas of `explain`", ci=250)
def formulas(case: Case) -> None:
    rng = case.rng
    text = garbled(rng, formula(rng))
    words = set(re.findall(r"\w+", text))
    used = [name for name in NAMES if name in words] if rng.random() < 0.9 else rng.sample(NAMES, 2)
    values = [f"{name}={rng.choice(NUMBERS if rng.random() < 0.95 else ODD)}" for name in used]
    flags = rng.choice([[], [], ["--json"], ["--tree"], ["--draw", rng.choice(["g.svg", "g.gif"])]])
    case.command("explain", *flags, "--", text, *values)
