"""Every regular expression of the source takes time in proportion to its text, whatever that is."""

import ast
import importlib
import re
import signal
from collections import defaultdict
from pathlib import Path
from re import _constants as codes
from re import _parser as parser

import pytest

from backlit.data.files.moments import HOURS, SPANS, Clock, Span, moments
from backlit.data.files.numerals import numbers

SOURCE = Path(__file__).resolve().parent.parent / "src"
METHODS = ("match", "fullmatch", "search", "findall", "finditer", "sub", "subn", "split")
LENGTH = 100_000
SECONDS = 1.0  # of the processor's for one text; what goes with the square of the length takes minutes
MOST = 24  # texts that a pattern is tried on


def calls():
    """Each call of a pattern in the source: its name or text, its flags, the method, and where."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in METHODS:
                owner = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
                if owner.strip("_").isupper():
                    yield path, owner, None, node.attr
            elif not isinstance(node, ast.Call):
                continue
            elif isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", None) == "re":
                text = node.args[0] if node.args else None
                if isinstance(text, ast.Constant) and node.func.attr in METHODS:
                    flags = [word.attr for other in (*node.args[2:], *(k.value for k in node.keywords))
                             for word in ast.walk(other) if isinstance(word, ast.Attribute)]  # fmt: skip
                    yield path, text.value, flags, node.func.attr


def patterns():
    """(where, pattern, methods) of all patterns."""
    found = defaultdict(set)
    names = defaultdict(set)
    for path, what, flags, method in calls():
        if flags is None:
            names[what].add(method)
        else:
            combined = sum((getattr(re, flag) for flag in flags if flag.isupper()), start=0)
            found[path.name, re.compile(what, combined)].add(method)
    for path in sorted(SOURCE.rglob("*.py")):
        if "re.compile" in path.read_text(encoding="utf-8"):
            name = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
            for constant, value in vars(importlib.import_module(name)).items():
                if isinstance(value, re.Pattern):
                    found[path.name, value] |= names[constant] or {"fullmatch", "search"}
    for cell in ("2024-01-31", "31.1.2024 10:05", "Jan 5, 2024", "1/2/24 UTC"):
        for moment in moments(cell):
            found["moments.py", moment.regex].add("match")
    for number in (*numbers(["1,5 km/h"]), *numbers(["$1"]), *numbers(["1 USD"]), *numbers(["(1)", "<2", "3"])):
        found["numerals.py", number.regex].add("match")
    for time in (*map(Clock, (hour for hour in HOURS if "%z" not in hour)), *map(Span, SPANS)):
        found["moments.py", time.regex].add("match")
    return [
        (f"{where}: {pattern.pattern!r:.60}", pattern, sorted(methods)) for (where, pattern), methods in found.items()
    ]


def letters(tree, found):
    """Characters that a pattern asks for, one of each kind."""
    for code, value in tree:
        if code in (codes.LITERAL, codes.NOT_LITERAL):
            found.append(chr(value))
        elif code is codes.RANGE:
            found.append(chr(value[0]))
        elif code is codes.CATEGORY:
            found.append({"SPACE": " ", "DIGIT": "7", "WORD": "w"}.get(str(value).rpartition("_")[2], "é"))
        elif code is codes.ANY:
            found.append("a")
        elif code is codes.IN:
            letters(value, found)
        elif code is codes.BRANCH:
            for branch in value[1]:
                letters(branch, found)
        elif code in (codes.SUBPATTERN, codes.ATOMIC_GROUP, codes.ASSERT, codes.ASSERT_NOT):
            letters(value if code is codes.ATOMIC_GROUP else value[-1], found)
        elif isinstance(value, tuple) and len(value) == 3 and code in (
            codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT
        ):  # fmt: skip
            letters(value[2], found)
    return found


def attacks(pattern):
    """Long texts that nearly fit: what the pattern asks for again and again, and then something else."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    asked = list(dict.fromkeys(letters(parser.parse(text, pattern.flags & ~re.UNICODE), [])))
    opening = "".join(asked[:3])
    units = [
        *asked[:20],
        *("".join(asked[i : i + 2]) for i in range(0, len(asked), 2)),
        "".join(asked[:8]),
        "a",
        " ",
        "\r\n",
    ]
    for unit in list(dict.fromkeys(filter(None, units)))[:MOST]:
        for start, end in (("", "!"), (opening, "\n\x00")):
            yield start + unit * (LENGTH // len(unit)) + end


class TooLongError(Exception):
    pass


def _alarm(number, frame):
    raise TooLongError


def takes_too_long(pattern, method, text):
    """Whether a pattern takes more than its time on a text; the engine of `re` looks for signals as it goes."""
    given = text if isinstance(pattern.pattern, str) else text.encode("latin-1", "ignore")
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        if method in ("sub", "subn"):
            getattr(pattern, method)("" if isinstance(given, str) else b"", given)
        elif method == "finditer":
            for _ in pattern.finditer(given):
                pass
        else:
            getattr(pattern, method)(given)
    except TooLongError:
        return True
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return False


@pytest.fixture
def alarm():
    before = signal.signal(signal.SIGVTALRM, _alarm)
    yield
    signal.signal(signal.SIGVTALRM, before)


def test_every_pattern_takes_time_in_proportion_to_its_text(alarm):
    found = patterns()
    assert len(found) > 100
    slow = []
    for where, pattern, methods in found:
        for method in methods:
            bad = next((text for text in attacks(pattern) if takes_too_long(pattern, method, text)), None)
            if bad is not None:
                slow.append(f"{where} .{method} on {bad[:20]!r}…")
    assert not slow, "\n".join(slow)


def test_a_pattern_that_takes_too_long_is_found(alarm):
    for text, method in (
        (r"(?:\n\s*)*x", "match"),
        (r"(a+)+b", "match"),
        (r"[^\n]*é", "search"),
        (r" +$", "sub"),
    ):
        pattern = re.compile(text)
        assert any(takes_too_long(pattern, method, attack) for attack in attacks(pattern)), text
