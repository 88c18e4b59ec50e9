"""Forged run folders: each value of each file of a run replaced by each kind of wrong one, all checksums made anew.

Whoever sends a folder can also sign it. So whatever its files hold, a command works, or refuses with a line and status
2. `python -m tests.fuzz.forged [RUN …]` tries every forgery of a run, or the share that FORGED_SHARE says.
"""

import copy
import json
import os
import random
import shutil
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from backlit.store import files
from backlit.store import run as storage
from tests.fuzz.frame import Case, Fault, Fuzzer, fuzzer, run_command, try_case

FAR = 10**4  # items of what is too long
LONG = 600  # characters of a message that nobody reads
MISSING = object()


def nested(levels: int) -> Any:
    """Lists in lists."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


# What takes a value's place, by name; each is given the value.
CHANGES = {
    "missing": lambda value: MISSING,
    "null": lambda value: None,
    "text": lambda value: "forged",
    "empty text": lambda value: "",
    "number": lambda value: 0.5,
    "zero": lambda value: 0,
    "true": lambda value: True,
    "list": lambda value: [],
    "list of it": lambda value: [value],
    "table": lambda value: {},
    "table of it": lambda value: {"forged": value},
    "negative": lambda value: -value if isinstance(value, (int, float)) and value else -1,
    "huge": lambda value: 10**12 if isinstance(value, (int, str)) else 1e300,
    "larger than any": lambda value: 10**400,
    "infinite": lambda value: float("inf"),
    "no number": lambda value: float("nan"),
    "deep": lambda value: nested(90),
    "deeper": lambda value: nested(900),
    "long text": lambda value: "; " * 3000,
    "brackets": lambda value: "[" * 20_000,
    "surrogate": lambda value: "\ud800",
    "control": lambda value: "\x1b[31m\0\r\n",
    "path": lambda value: "../../../../etc/passwd",
    "device": lambda value: "/dev/zero",
    "twice": lambda value: value * 2 if isinstance(value, (list, str)) else [value, value],
    "cut": lambda value: value[:-1] if isinstance(value, (list, str)) else {},
    "other number": lambda value: value + 1 if isinstance(value, (int, float)) else 7,
    "long list": lambda value: (value if isinstance(value, list) and value else [0]) * FAR,
    "surplus": lambda value: {**value, "forged": 1} if isinstance(value, dict) else [value, 1],
}
TEXT = (
    "network.json",
    "data.json",
    "judgement.json",
    "history.jsonl",
    "probes.jsonl",
    "config.toml",
    "state.safetensors",
)


@dataclass(frozen=True)
class Forgery:
    """One value of one file of a run, and what takes its place."""

    run: str
    file: str
    place: tuple[Any, ...]
    change: str

    def __str__(self) -> str:
        return f"{self.run} {self.file} {'/'.join(map(str, self.place))} {self.change}"


# ------------------------------------------------------------------------------------------------- runs to be forged


def _table(folder: Path) -> tuple[str, ...]:
    """A table with numbers, gaps, a category of few levels and of many, dates, and classes."""
    rng = np.random.default_rng(0)
    lines = ["size,colour,street,day,kind"]
    for i in range(80):
        size = rng.normal()
        day = f"2024-0{1 + i % 9}-1{i % 10}"
        lines.append(
            f"{'' if i == 7 else round(size, 3)},{'red' if i % 3 else 'blue'},s{i % 20},{day},{'ab'[size > 0]}"
        )
    (folder / "data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ("data.csv", "--target", "kind", "--network", "mlp:4", "--calibrate")


def _numbers(folder: Path) -> tuple[str, ...]:
    """A table with numbers to predict."""
    rng = np.random.default_rng(0)
    lines = ["a,b,y,z", *(f"{a:.3f},{b:.3f},{a + b:.3f},{a - b:.3f}" for a, b in rng.normal(size=(60, 2)))]
    (folder / "data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ("data.csv", "--target", "y", "--target", "z", "--network", "mlp:4", "--ensemble", "2")


def _series(folder: Path) -> tuple[str, ...]:
    """Two series by day."""
    rows = [
        f"2024-{1 + i // 28:02}-{1 + i % 28:02},{name},{np.sin(i / 3) + shift:.3f},{i % 5}"
        for i in range(90)
        for name, shift in (("a", 0), ("b", 9))
    ]
    (folder / "data.csv").write_text("\n".join(["day,shop,sold,staff", *rows]) + "\n", encoding="utf-8")
    return ("data.csv", "--target", "sold", "--time", "day", "--series", "shop", "--horizon", "3", "--window", "8")


def _pictures(folder: Path) -> tuple[str, ...]:
    """A folder of pictures for each class, hard to tell apart, so that there are mistakes to show."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for name in ("dark", "light"):
        (folder / "data.csv" / name).mkdir(parents=True)
        for i in range(16):
            Image.fromarray(rng.integers(0, 255, (6, 6), dtype=np.uint8)).save(folder / "data.csv" / name / f"{i}.png")
    return ("data.csv", "--network", "cnn:2", "--size", "6x6")


def _texts(folder: Path) -> tuple[str, ...]:
    """Sentences and their classes."""
    lines = [
        "text,kind",
        *(f"{'good' if i % 2 else 'bad'} work number {i},{'yes' if i % 2 else 'no'}" for i in range(60)),
    ]
    (folder / "data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ("data.csv", "--target", "kind", "--text", "text", "--network", "gru:4")


def _stream(folder: Path) -> tuple[str, ...]:
    """A text that is to be gone on with."""
    (folder / "data.csv").write_text("hello world, hello. " * 60, encoding="utf-8")
    return ("data.csv", "--text", "stream", "--network", "lstm:4")


RUNS = {"table": _table, "numbers": _numbers, "series": _series, "pictures": _pictures, "texts": _texts}


@cache
def trained(name: str) -> Path:
    """A folder with data and a run on them, "run", that can be gone on with."""
    folder = Path(tempfile.mkdtemp(prefix=f"forged-{name}-"))
    before = Path.cwd()
    os.chdir(folder)
    try:
        options = [*RUNS[name](folder), "--out", "run", "--epochs", "2", "--engine", "numpy", "--no-report", "-q"]
        ended = run_command(["train", *options])
    finally:
        os.chdir(before)
    assert ended.status == 0, ended.err
    return folder


# ------------------------------------------------------------------------------------------------------- forgeries


def _decoded(name: str, content: bytes) -> Any:
    """A file as plain data."""
    if name == "config.toml":
        return tomllib.loads(content.decode())
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in content.splitlines()]
    if name == "state.safetensors":
        metadata = storage.from_tensors(Path(name), content)[1]
        return {key: json.loads(value) for key, value in metadata.items()}
    return json.loads(content)


def _encoded(name: str, data: Any, before: bytes) -> bytes:
    if name == "config.toml":
        return tomli_w.dumps(data).encode()
    if name.endswith(".jsonl"):
        return b"".join(json.dumps(line).encode() + b"\n" for line in data)
    if name == "state.safetensors":
        tensors = storage.from_tensors(Path(name), before)[0]
        return storage.to_tensors(tensors, {key: json.dumps(value) for key, value in data.items()})
    return json.dumps(data).encode()


def _places(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in plain data; of a long list the first and the last item."""
    yield at
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _places(value, (*at, key))
    if isinstance(data, list):
        for index in sorted({0, len(data) - 1}) if data else ():
            yield from _places(data[index], (*at, index))


@cache
def _contents(name: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (trained(name) / "run").iterdir() if path.name in TEXT}


def every(name: str) -> list[Forgery]:
    """All forgeries of a run."""
    return [
        Forgery(name, file, place, change)
        for file, content in sorted(_contents(name).items())
        for place in _places(_decoded(file, content))
        if place and place[-1] not in ("sha256", "format") and place[:1] != ("files",)
        for change in CHANGES
    ]


def _replaced(data: Any, place: tuple[Any, ...], change: str) -> Any:
    *parents, key = place
    node = data = copy.deepcopy(data)
    for parent in parents:
        node = node[parent]
    value = CHANGES[change](node[key])
    if value is MISSING:
        del node[key]
    else:
        node[key] = value
    return data


def forge(folder: Path, forgery: Forgery) -> bool:
    """Change a run's folder, and make all checksums anew; False if no file of the kind can hold the value."""
    before = _contents(forgery.run)[forgery.file]
    data = _decoded(forgery.file, before)
    try:
        content = _encoded(forgery.file, _replaced(data, forgery.place, forgery.change), before)
    except (TypeError, ValueError, RecursionError):
        return False
    (folder / forgery.file).write_bytes(content)
    sign(folder)
    return True


def sign(folder: Path) -> None:
    """Make all checksums of a folder anew."""
    path = folder / files.INDEX
    description = json.loads(path.read_bytes())
    description["files"] = {name: files._sha256((folder / name).read_bytes()) for name in description["files"]}
    rest = {key: value for key, value in description.items() if key != "sha256"}
    path.write_bytes(json.dumps({**rest, "sha256": files._sum_of(rest)}).encode())


# ----------------------------------------------------------------------------------------------------------- trial

COMMANDS: dict[str, tuple[str, ...]] = {
    "show": ("show", "run"),
    "show as data": ("show", "run", "--json"),
    "diagnose": ("diagnose", "run"),
    "evaluate": ("evaluate", "run", "data.csv"),
    "predict": ("predict", "run", "data.csv", "--out", "predicted.csv"),
    "report": ("report", "run"),
    "resume": ("train", "--out", "run", "--resume", "--no-report", "-q"),
}


def commands_for(file: str) -> list[str]:
    """What may read a file, whatever refuses first."""
    return {
        "network.json": ["show", "predict", "diagnose", "report", "evaluate", "show as data"],
        "data.json": ["show", "predict", "report", "evaluate"],
        "judgement.json": ["show", "report", "show as data"],
        "history.jsonl": ["show", "diagnose", "report"],
        "probes.jsonl": ["diagnose", "report"],
        "config.toml": ["resume", "show as data", "report"],
        "state.safetensors": ["resume", "diagnose"],
    }[file]


def attempt(case: Case, forgery: Forgery) -> None:
    """Try a forgery in a copy of the run's folder."""
    shutil.copytree(trained(forgery.run), case.folder, dirs_exist_ok=True)
    if not forge(case.folder / "run", forgery):
        case.ended["no file"] += 1
        return
    case.tried.append(str(forgery))
    for name in commands_for(forgery.file):
        ended = case.command(*COMMANDS[name], raw=True)
        if ended.status == 1 and "please report" in ended.err:
            raise Fault(f"{forgery}: {name} says {ended.err!r}")
        line = max(ended.err.splitlines(), key=len, default="")
        if len(line) > LONG and ended.status:
            raise Fault(f"{forgery}: {name} says {len(line)} characters: {line[:LONG]}")
        if ended.status and forgery.file not in ("state.safetensors", "config.toml"):
            return  # the others load it, too


@fuzzer("forged run folders", ci=6, limit=30)
def forged(case: Case) -> None:
    """A forgery drawn from all of all runs."""
    attempt(case, case.rng.choice(every(case.rng.choice(list(RUNS)))))


def main() -> int:
    """Try all forgeries of the runs that are named."""
    share, failed = float(os.environ.get("FORGED_SHARE", "1")), 0
    for name in sys.argv[1:] or RUNS:
        counts: Counter[str] = Counter()
        for forgery in every(name):
            if random.Random(str(forgery)).random() >= share:
                continue
            one = Fuzzer("forged", "", lambda case, forgery=forgery: attempt(case, forgery), 1, 30)
            tried = try_case(one, 0, 0)
            counts.update({"forgeries": 1, **({"faults": 1} if tried.kind else {}), **tried.ended})
            if tried.kind:
                print(f"{forgery}: {tried.kind}: {tried.fault.splitlines()[-1][:200]}", flush=True)
        print(name, dict(counts), flush=True)
        failed += counts["faults"]
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
