"""What every fuzzer stands on: cases that a seed alone decides, one check for all of them, and a table of what held.

A fuzzer is a function of a `Case`. It draws from ``case.rng``, works in ``case.folder`` (the current folder, empty),
and tries Backlit by ``case.command`` or ``case.call``, which hold what is tried to `CHECK`; or raises `Fault` itself:

    @fuzzer("formulas of `explain`", ci=200)
    def formulas(case):
        case.command("explain", formula(case.rng))

Every module of this folder that declares one is found by `all_fuzzers`. Each case is made anew from the fuzzer's name,
a seed and a number, so a fault is shown again by ``python -m tests.fuzz formulas --seed 7 --case 123``.
"""

import contextlib
import importlib
import io
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

CHECK = (
    "works, or says in one line why not and ends with status 2 (1 if the work failed): no traceback, no hang, nothing "
    "left over, nothing touched outside its folder, no control characters on the terminal"
)
LEFT_OVER = re.compile(r"^\..*\.([0-9a-f]{8}|new)$|^\.(lock|writer)$")  # as `backlit.files` names what isn't finished
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
UNEXPECTED = re.compile(r"Traceback \(most recent|please report|Exception ignored", re.IGNORECASE)


class Fault(AssertionError):
    """What doesn't hold `CHECK`."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: bytes
    err: str


@dataclass(frozen=True)
class Fuzzer:
    """A function of a case; `row` is its name in the table, `ci` how many cases tests try, `limit` seconds a case."""

    name: str
    row: str
    try_one: Callable[["Case"], object]
    ci: int
    limit: float


FUZZERS: dict[str, Fuzzer] = {}


def fuzzer(row: str, *, ci: int, limit: float = 20) -> Callable[[Callable[["Case"], object]], Callable]:
    """Declare a fuzzer."""

    def declare(function: Callable[["Case"], object]) -> Callable[["Case"], object]:
        name = function.__name__
        assert name not in FUZZERS or FUZZERS[name].try_one.__module__ == function.__module__, f"two are called {name}"
        FUZZERS[name] = Fuzzer(name, row, function, ci, limit)
        return function

    return declare


def all_fuzzers() -> dict[str, Fuzzer]:
    """Those of every module of this folder."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if not path.stem.startswith(("_", "test_")):
            importlib.import_module(f"tests.fuzz.{path.stem}")
    return dict(sorted(FUZZERS.items()))


@dataclass
class Case:
    """One thing tried: where its randomness comes from, where it may write, and how what it tried has ended."""

    rng: random.Random
    folder: Path
    ended: Counter[str] = field(default_factory=Counter)
    tried: list[str] = field(default_factory=list)

    def command(self, *arguments: object, stdin: bytes = b"", raw: bool = False) -> Ended:
        """The command in this process, held to `CHECK`; `raw` if standard output is data, not for a terminal."""
        words = [str(argument) for argument in arguments]
        self.tried.append(f"backlit {' '.join(map(_short, words))}")
        ended = run_command(words, stdin)
        if UNEXPECTED.search(ended.err):
            raise Fault(f"traceback:\n{ended.err[-3000:]}")
        if ended.status not in (0, 1, 2):
            raise Fault(f"status {ended.status}: {ended.err[-500:]}")
        said = [line for line in ended.err.splitlines() if line.startswith(("backlit: ", "Usage: "))]
        if ended.status and len(said) != 1:
            raise Fault(f"status {ended.status} needs one line that says why: {ended.err[-500:]!r}")
        for text in (ended.err, "" if raw else ended.out.decode(errors="replace")):
            if found := CONTROL.search(text):
                raise Fault(f"control character {found[0]!r}: {text[max(0, found.start() - 60) : found.end() + 60]!r}")
        self.ended[("worked", "failed", "refused")[ended.status]] += 1
        return ended

    def call(self, function: Callable, *arguments: object, also: tuple[type[Exception], ...] = (), **named: object):
        """What a function returns, or None if it refuses: with an error of Backlit's (or of `also`) that says why."""
        from backlit.errors import BacklitError

        shown = [*map(_short, arguments), *(f"{name}={_short(value)}" for name, value in named.items())]
        self.tried.append(f"{getattr(function, '__qualname__', function)}({', '.join(shown)})")
        try:
            with quiet():
                result = function(*arguments, **named)
        except (BacklitError, *also) as error:
            self.ended["refused"] += 1
            if not str(error).strip():
                raise Fault(f"{type(error).__name__} without a word") from error
            return None
        self.ended["worked"] += 1
        return result


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 200 else f"{text[:150]}… ({type(value).__name__}, {len(text)} characters)"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """A warning of anyone but Backlit is a fault: users would see a line of our source on their terminal."""
    from backlit.errors import BacklitWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        if not issubclass(warning.category, (BacklitWarning, ResourceWarning)):
            raise Fault(f"{warning.category.__name__} at {warning.filename}:{warning.lineno}: {warning.message}")


def run_command(words: list[str], stdin: bytes = b"") -> Ended:
    """The command as `backlit` would run it, in this process."""
    from backlit.cli.main import main

    out, err = io.BytesIO(), io.BytesIO()
    streams = sys.stdin, sys.stdout, sys.stderr, sys.argv
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    sys.stdout = told = io.TextIOWrapper(out, encoding="utf-8", write_through=True)
    sys.stderr = said = io.TextIOWrapper(err, encoding="utf-8", errors="backslashreplace", write_through=True)
    sys.argv = ["backlit", *words]
    status: object = 0
    try:
        with quiet():
            main()
    except SystemExit as end:
        status = end.code
    finally:
        sys.stdin, sys.stdout, sys.stderr, sys.argv = streams
        told.detach(), said.detach()  # or they would close what they wrote to
    return Ended(status if isinstance(status, int) else 0, out.getvalue(), err.getvalue().decode())


# ------------------------------------------------------------------------------------------------ one case


@dataclass(frozen=True)
class Tried:
    """What came of a case: how its tries ended; if something didn't hold, the kind of fault, and all that is known."""

    ended: dict[str, int]
    seconds: float
    kind: str = ""
    fault: str = ""


def try_case(fuzzer: Fuzzer, seed: object, number: int) -> Tried:
    """Make a case, try it, and look at what is left."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-", ignore_cleanup_errors=True) as parent:
        folder = Path(parent) / "case"
        folder.mkdir()
        (folder.parent / "outside").write_text("nobody touches this")
        case = Case(random.Random(f"{fuzzer.name} {seed} {number}"), folder)
        before = Path.cwd()
        try:
            os.chdir(folder)
            with _within(fuzzer.limit):
                fuzzer.try_one(case)
            _nothing_left(folder)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a fault
            told = traceback.format_exc(limit=-12) if not isinstance(error, Fault) else f"Fault: {error}"
            fault = "\n".join([*case.tried[-3:], told])
            return Tried(dict(case.ended), time.monotonic() - started, _kind(error), fault)
        finally:
            os.chdir(before)
            for path in folder.rglob("*"):  # what was made unreadable is to be removed
                if path.is_dir() and not path.is_symlink():
                    path.chmod(0o700)
            shutil.rmtree(folder, ignore_errors=True)
    return Tried(dict(case.ended), time.monotonic() - started)


def _nothing_left(folder: Path) -> None:
    left = [str(path.relative_to(folder)) for path in folder.rglob(".*") if LEFT_OVER.match(path.name)]
    if left:
        raise Fault(f"left over: {', '.join(left)}")
    outside = {path.name for path in folder.parent.iterdir()} - {folder.name}
    if outside != {"outside"} or (folder.parent / "outside").read_text() != "nobody touches this":
        raise Fault(f"touched outside its folder: {', '.join(sorted(outside))}")


@contextlib.contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Raise `Fault` in what takes longer. What never comes back to Python is ended by the watchdog of long runs."""

    def ring(*_: object) -> None:
        raise Fault(f"still not done after {seconds:g} s")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _kind(error: Exception) -> str:
    """Faults are of one kind if they say the same but for names and numbers, or come from the same line of ours."""
    text = str(error)
    frames = re.findall(r'File "[^"]*src/(backlit/[^"]*)", line (\d+)', traceback.format_exc() + text)
    place = " at {}:{}".format(*frames[-1]) if frames else ""
    last = next((line for line in reversed(text.strip().splitlines()) if line and not line.startswith(" ")), "")
    said = (text.splitlines() or [""])[0] if not UNEXPECTED.search(text) and isinstance(error, Fault) else last
    said = re.sub(r"'[^']*'|\"[^\"]*\"|\S*/\S*|\d+|'.*$", "…", said)
    return f"{type(error).__name__}{place}: {said[:110]}"
