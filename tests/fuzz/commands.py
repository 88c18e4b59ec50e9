"""Command lines: every option of every command, as declared, with values at the edges of its range and beyond."""

import random
from functools import cache
from itertools import pairwise
from pathlib import Path

import typer

from backlit.cli.main import app
from backlit.cli.train import flags
from tests.fuzz.damage import damaged
from tests.fuzz.frame import Case, fuzzer
from tests.fuzz.runs import QUICK, copy_of_run, lay_out

NUMBERS = [
    "0",
    "1",
    "2",
    "-1",
    "0.5",
    "1e-9",
    "1e9",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "",
    "x",
    "0x1",
    "١",
    "1_0",
    "9" * 30,
]
TEXTS = [
    "",
    "x",
    "kind",
    "price",
    "nothing",
    "\0",
    "a" * 5000,
    "../..",
    "-",
    "--",
    "가",
    "\x1b[31m",
    "mean",
    "ko",
    "\ud800",
]
NETWORKS = [
    "mlp:4",
    "mlp:",
    "mlp:-1",
    "mlp:99999999999",
    "linear",
    "cnn:4",
    "lstm:4",
    "transformer:1x8",
    "transformer:2x",
    "gru:2",
    "conv:16,3 relu",
    "a b",
    "mlp:1e3",
    "relu relu",
    "resnet:8",
    "pool:0",
    "linear:3 relu",
]
PATHS = [
    "t.csv",
    "s.csv",
    "b.txt",
    "run",
    "nothing",
    ".",
    "/dev/null",
    "run/network.json",
    "t.csv/x",
    "",
    "a\nb",
    "é" * 200,
    "~",
]
DATA = [*PATHS, "xor", "moons", "iris", "Iris", "-", "t.csv::x", "http://x", "run/"]
# Neither the lessons, which run for minutes, nor what needs the compiler.
COMMANDS = ("train",) * 8 + ("evaluate", "predict", "show", "compare", "importance", "diagnose", "report", "generate")


@cache
def options_of(command: str) -> tuple[tuple[str, bool, str, str], ...]:
    """Each option: its flag, whether it takes a value, the value's type, and its name."""
    group = typer.main.get_command(app)
    with group.make_context("backlit", ["--help"], resilient_parsing=True) as context:
        made = group.commands[command].make_context(command, [], parent=context, resilient_parsing=True)
        parameters = group.commands[command].get_params(made)
    return tuple(
        (max(p.opts, key=len), not p.is_flag, str(p.type_descriptor.annotation), p.name)
        for p in parameters
        if p.param_type_name == "option" and "--help" not in p.opts
    )


@cache
def edges() -> dict[str, list[str]]:
    """Of each option with a range its names, or its ends and what lies next to them."""
    found = {}
    for option in flags():
        if option.range is not None:
            ends = [option.range.low, option.range.low - 1, option.range.low + 1, option.range.high]
            found[option.name] = list(option.range.names) or [f"{end:g}" for end in ends]
    return found


def value(rng: random.Random, name: str, kind: str) -> str:
    """Of an option: often one that may be meant."""
    if name in edges() and rng.random() < 0.6:
        return rng.choice(edges()[name])
    if name == "network":
        return rng.choice(NETWORKS)
    if "int" in kind or "float" in kind or rng.random() < 0.1:
        return rng.choice(NUMBERS)
    if "Path" in kind or rng.random() < 0.1:
        return rng.choice([*PATHS, "new", "new.png", "new.csv", "new.svg"])
    return rng.choice(TEXTS)


def line(rng: random.Random, command: str) -> list[str]:
    """A command with its arguments, and a few options; training is kept short."""
    words = {
        "predict": ["run", "t.csv"],
        "evaluate": ["run", "t.csv"],
        "importance": ["run", "t.csv"],
        "compare": ["run", "run"],
        "train": [rng.choice(["t.csv", "t.csv", "t.csv", "b.txt", "s.csv", *DATA])],
    }.get(command, ["run"])
    words = [word if rng.random() < 0.9 else rng.choice(DATA) for word in words]
    chosen = rng.sample(options_of(command), min(rng.choice([0, 1, 1, 2, 4]), len(options_of(command))))
    given = {flag: value(rng, name, kind) if takes else None for flag, takes, kind, name in chosen}
    if command == "train":
        target = rng.choice(["kind", "kind", "price", "sold", *TEXTS])
        given = {"--target": target, "--time-limit": "1s", "--out": "new"} | given
        if words == ["s.csv"] and rng.random() < 0.8:
            given |= {"--target": "sold", "--time": "day", "--horizon": rng.choice(["1", "7", "0", "100"])}
        if words == ["b.txt"] and rng.random() < 0.8:
            del given["--target"]
        quick = [*QUICK, None]
        given |= {word: after for word, after in pairwise(quick) if word.startswith("-") and word not in given}
        given = {
            flag: None if str(after).startswith("-") and flag in ("-q", "--no-report") else after
            for flag, after in given.items()
        }
    if command == "generate":
        given = {"--prompt": "the", "--length": "5"} | given
    typed = [
        word
        for flag, after in given.items()
        for word in ([flag] if after is None else [f"{flag}={after}" if flag.startswith("--") else flag])
    ]
    typed += rng.choice([[]] * 12 + [["--nonsense"], ["extra"], ["--"], ["-x"], typed[:1]])
    return [command, *words, *typed] if rng.random() < 0.5 else [command, *typed, *words]


@fuzzer("random command lines", ci=45, limit=40)
def commands(case: Case) -> None:
    lay_out(case.folder)
    words = line(case.rng, case.rng.choice(COMMANDS))
    copy_of_run(case, "text" if words[0] == "generate" else case.rng.choice(["classes", "numbers"]))
    case.command(*[word.replace("\0", "\ufffd") for word in words], raw=words[0] == "predict")


@fuzzer("command lines without sense", ci=60)
def senseless_commands(case: Case) -> None:
    rng = case.rng
    flags = [flag for command in ("train", "predict") for flag, *_ in options_of(command)]
    vocabulary = [
        *sorted(set(COMMANDS)),
        *TEXTS,
        *NUMBERS,
        *flags,
        "--version",
        "-h",
        "--help",
        "lesson",
        "lr-find",
    ]
    words = rng.choices(vocabulary, k=rng.choice([0, 1, 2, 3, 6]))
    if words[:1] == ["lesson"] or "lessons" in words:
        words = ["lesson", "nothing"]
    case.command(*[word.replace("\0", "\ufffd") for word in words])


@fuzzer("config files, odd and damaged", ci=15, limit=40)
def configs(case: Case) -> None:
    rng = case.rng
    lay_out(case.folder)
    good = {
        "data": '"t.csv"',
        "target": '["kind"]',
        "epochs": "1",
        "engine": '"numpy"',
        "network": '"mlp:4"',
        "ensemble": "1",
    }
    odd = [
        "1",
        "-1",
        '"x"',
        "[]",
        "[1, 2]",
        "{}",
        "{a = 1}",
        "true",
        "1e400",
        "nan",
        "2024-01-01",
        '""',
        "[[]]",
        "'\\u0000'",
        "9" * 30,
    ]
    names = [*edges(), "data", "target", "out", "nothing", "seed", "lang", "split", '"a b"']
    options = good | {rng.choice(names): rng.choice(odd) for _ in range(rng.choice([0, 1, 1, 2]))}
    text = "".join(f"{name} = {written}\n" for name, written in options.items()).encode()
    Path("c.toml").write_bytes(damaged(rng, text, b"[" * 3000) if rng.random() < 0.4 else text)
    case.command(
        "train", "--config", "c.toml", "--out", "new", "--no-report", "-q", "--time-limit", "1s", "--engine", "numpy"
    )
