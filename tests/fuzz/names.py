"""Names that people would not give: of files, folders, columns, classes and categories, through all commands."""

import csv
from pathlib import Path

from tests.fuzz.frame import Case, fuzzer
from tests.fuzz.runs import QUICK

HOSTILE = [
    "\x1b]0;title\x07",
    "\x1b[2J",
    "a\x08b",
    "\u202egnp.exe",
    "\u200b",
    "\ufeff",
    "\u2028",
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(1)",
    "<script>alert(1)</script>",
    "<img src=x onerror=y>",
    "]]>",
    "{{ 7*7 }}",
    "{% x %}",
    "{0}",
    "{name!r}",
    "%s%n",
    "$_$",
    "profit_$_2019_vs_$_2020",
    "\\alpha",
    "$\\frac{1}{",
    "[red]x[/red]",
    "[/]",
    "a\nb",
    "a\r",
    "a\tb",
    '"',
    "'",
    "`",
    ",",
    ";",
    "|",
    "::",
    "/",
    "../x",
    "~",
    "#",
    "# x",
    "-",
    "--help",
    "NaN",
    "null",
    "None",
    "true",
    "0",
    "007",
    "1e5",
    "prediction",
    "probability_a",
    "lower",
    "x" * 255,
    "가" * 85,
    "\U0001f469\u200d\U0001f52c",
    "e\u0301",
    "İ",
    "ﬃ",
    "\udcff",
    "con",
    "a.",
    " a ",
    "formats",
    "__proto__",
    "row",
    "*",
    "^.*$",
    "a\0b",
]


def file_name(name: str) -> str:
    """As much of a name as a file may have."""
    kept = (
        name.replace("/", "_")
        .replace("\0", "_")
        .encode("utf-8", "surrogateescape")[:251]
        .decode("utf-8", "surrogateescape")
    )
    return kept if kept.strip(".") else "x"


@fuzzer("hostile names in all commands", ci=25, limit=60)
def names(case: Case) -> None:
    rng = case.rng
    columns = [
        name if name.strip() else "x"
        for name in dict.fromkeys([rng.choice(HOSTILE) for _ in range(2)] + ["size", "target"])
    ]
    if rng.random() < 0.3:
        columns[-1] = rng.choice(HOSTILE)
    classes, levels = rng.sample(HOSTILE, 2), rng.sample(HOSTILE, 3)
    path = case.folder / (file_name(rng.choice([*HOSTILE, "t"])) + rng.choice([".csv", ".csv", ".tsv"]))
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writerow(columns)
        for i in range(24):
            writer.writerow(
                [rng.choice(levels) if i % 5 else "" for _ in columns[:-2]] + [rng.random(), classes[i % 2]]
            )
    folder = case.folder / rng.choice(["run", "run", file_name(rng.choice(HOSTILE))])
    report = () if rng.random() < 0.03 else ("--no-report",)
    quick = [word for word in QUICK if word != "--no-report"]
    trained = case.command(
        "train", f"./{path.name}", f"--target={columns[-1]}".replace("\0", ""), *quick, "--out", folder, *report
    )
    if trained.status:
        return
    for words in (
        ["show", folder],
        ["predict", folder, path],
        ["evaluate", folder, path],
        ["importance", folder, path, "--repeats", "1"],
        ["compare", folder, folder],
        ["show", folder, "--json"],
        ["diagnose", folder],
    ):
        if rng.random() < 0.4:
            case.command(*words, raw=words[0] == "predict")
    if rng.random() < 0.3:
        out = Path("p" + rng.choice([".csv", ".tsv", ".jsonl", ".parquet"]))
        case.command("predict", folder, path, "--out", out)
        assert out.stat().st_size
