"""A slice of each fuzzer with a fixed seed; `make fuzz` goes on for hours with others."""

import pytest

from tests.fuzz.frame import CHECK, FUZZERS, Fault, Fuzzer, all_fuzzers, try_case

SEED = "continuous integration"


def slices():
    """Each fuzzer's name; slow are those whose cases start processes that train, and may take minutes."""
    for name, fuzzer in all_fuzzers().items():
        yield pytest.param(name, marks=pytest.mark.slow if fuzzer.limit > 60 else ())


@pytest.mark.slow
@pytest.mark.parametrize("name", list(slices()))
def test_a_slice(name):
    """See `CHECK`."""
    faults = []
    for number in range(FUZZERS[name].ci):
        tried = try_case(FUZZERS[name], SEED, number)
        if tried.kind:
            faults.append(f"python -m tests.fuzz {name} --seed {SEED!r} --case {number}\n{tried.fault}")
    assert not faults, f"{len(faults)} of {FUZZERS[name].ci} don't hold ({CHECK}); the first: {faults[0]}"


PLANTED = {
    "a traceback": (lambda case: 1 / 0, "ZeroDivisionError"),
    "an error of no use": (lambda case: case.call(int, "x"), "ValueError"),
    "something left over": (lambda case: (case.folder / ".run.csv.0123abcd").touch(), "left over"),
    "a lock left over": (lambda case: (case.folder / ".lock").touch(), "left over"),
    "something outside": (lambda case: (case.folder.parent / "outside").write_text("!"), "touched outside"),
    "no end": (lambda case: [None for _ in iter(int, 1)], "still not done"),
    "a warning": (lambda case: case.call(__import__("warnings").warn, "hm"), "UserWarning"),
}


@pytest.mark.parametrize("what", PLANTED)
def test_what_is_planted_is_caught(what):
    function, word = PLANTED[what]
    tried = try_case(Fuzzer("planted", what, function, 1, 0.2), 0, 0)
    assert word in tried.kind + tried.fault


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Traceback (most recent call last):\n", "traceback"),
        ("nothing that is said", "one line"),
        ("backlit: this\nbacklit: that\n", "one line"),
        ("backlit: \x1b]0;title\x07\n", "control character"),
    ],
)
def test_what_a_command_must_not_say_is_caught(monkeypatch, text, word):
    def main():
        import sys

        sys.stderr.write(text)
        sys.exit(2)

    monkeypatch.setattr("backlit.cli.main.main", main)
    tried = try_case(Fuzzer("planted", "", lambda case: case.command("show"), 1, 5), 0, 0)
    assert word in tried.fault


def test_a_case_is_the_same_whenever_it_is_tried():
    drawn = []
    one = Fuzzer("planted", "", lambda case: drawn.append(case.rng.random()), 1, 5)
    for number in (1, 2, 1):
        assert not try_case(one, 7, number).kind
    assert drawn[0] == drawn[2] != drawn[1]
    assert issubclass(Fault, AssertionError)
