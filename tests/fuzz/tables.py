"""Files of every format that the reader takes: odd but right, and damaged."""

import bz2
import gzip
import io
import json
import lzma
import random
import sqlite3
import zipfile

import numpy as np
import polars as pl

import backlit as bl
from tests.fuzz.damage import damaged
from tests.fuzz.frame import Case, fuzzer

CELLS = [
    "",
    "0",
    "1",
    "-1.5",
    "1e9",
    "1e400",
    "-0",
    "007",
    "1,5",
    "1.234,5",
    "1 234",
    "$5",
    "5 %",
    "5kg",
    "<0.1",
    "(3)",
    "½",
    "NaN",
    "inf",
    "-",
    "?",
    "NA",
    "null",
    "true",
    "False",
    "yes",
    "2024-02-30",
    "31.1.2024",
    "0000-01-01",
    "12/13/14",
    "2024-01-01T25:00:00Z",
    "12:30",
    "99999-01-01",
    "1:2:3:4",
    "P1D",
    "a",
    "A ",
    "가",
    "\ufeff",
    "\u202e",
    "\0",
    "\x1b[31m",
    '"',
    '""',
    "'",
    "\\",
    "\t",
    "\n",
    "\r",
    "=1+1",
    "@x",
    "#",
    "# x",
    "<b>",
    "a,b",
    "x" * 300,
    "9" * 400,
    "1_0",
    "١٢",
    "😀",
]
ODD = ["", " ", "a", "a", "A", "x\ny", "#", "1", "2024", "__KEY__", "prediction", "\0", "é" * 300, "formats", "$_$"]
SEPARATORS = [",", ",", ",", ";", "\t", "|", " ", ":", "\x1f", ",,", "::"]


def a_text(rng: random.Random) -> str:
    """Delimited text, as people and programs write it, and as nobody does."""
    separator, newline = rng.choice(SEPARATORS), rng.choice(["\n", "\n", "\r\n", "\r", "\n\n"])
    width, height = rng.choice([1, 2, 3, 3, 8, 40]), rng.choice([0, 1, 2, 5, 5, 30])
    columns = [rng.choices(CELLS, k=rng.choice([1, 2, 5, 40])) for _ in range(width)]
    lines = [[f"c{i}" if rng.random() < 0.9 else rng.choice(ODD) for i in range(width)]]
    lines += [[rng.choice(column) for column in columns] for _ in range(height)]
    if rng.random() < 0.1:  # a line of another length
        rng.choice(lines).extend(rng.choices(CELLS, k=rng.choice([1, 2, 500])))
    quoted = rng.choice(["no", "all", "as needed"])
    text = newline.join(separator.join(_quoted(cell, quoted, separator) for cell in line) for line in lines)
    before = rng.choice(
        ["", "", "", "# note" + newline * rng.choice([1, 40]), "A title" + newline * 2, "\ufeff", newline * 9]
    )
    return before + text + rng.choice(["", newline, newline, newline * 3] + ['"'] * (rng.random() < 0.05))


def _quoted(cell: str, how: str, separator: str) -> str:
    if how == "all" or (how == "as needed" and any(mark in cell for mark in (separator, '"', "\n", "\r"))):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def a_frame(rng: random.Random) -> pl.DataFrame:
    """Columns of many types, some without rows."""
    rows = rng.choice([0, 1, 3, 3, 20])
    made = {
        "numbers": lambda: pl.Series(
            [rng.choice([1.5, -0.0, float("nan"), float("inf"), None]) for _ in range(rows)], dtype=pl.Float64
        ),
        "whole": lambda: pl.Series([rng.choice([0, -1, 2**62, None]) for _ in range(rows)], dtype=pl.Int64),
        "texts": lambda: pl.Series([rng.choice([*CELLS, None]) for _ in range(rows)], dtype=pl.String),
        "truths": lambda: pl.Series([rng.choice([True, False, None]) for _ in range(rows)], dtype=pl.Boolean),
        "days": lambda: (
            pl.Series([rng.choice([0, -(10**6), 2**31 - 1, 19000]) for _ in range(rows)]).cast(pl.Int32).cast(pl.Date)
        ),
        "times": lambda: (
            pl.Series([rng.choice([0, 2**62, -1]) for _ in range(rows)]).cast(pl.Int64).cast(pl.Datetime("us"))
        ),
        "lists": lambda: pl.Series([[1, 2][: rng.randrange(3)] for _ in range(rows)], dtype=pl.List(pl.Int64)),
        "records": lambda: pl.Series(
            [{"a": 1, "b": rng.choice(CELLS)} for _ in range(rows)], dtype=pl.Struct({"a": pl.Int64, "b": pl.String})
        ),
        "bytes": lambda: pl.Series([rng.randbytes(3) for _ in range(rows)], dtype=pl.Binary),
        "levels": lambda: pl.Series([rng.choice("ab") for _ in range(rows)], dtype=pl.Categorical),
        "nothing": lambda: pl.Series([None] * rows, dtype=pl.Null),
        "exact": lambda: pl.Series([1] * rows, dtype=pl.Int64).cast(pl.Decimal(20, 3)),
        "spans": lambda: pl.Series([2**40] * rows, dtype=pl.Int64).cast(pl.Duration("us")),
    }
    kinds = rng.sample(list(made), rng.choice([1, 2, 4]))
    return pl.DataFrame({rng.choice([kind, kind, kind, rng.choice(ODD)]): made[kind]() for kind in kinds})


def _in_memory(write: object) -> bytes:
    out = io.BytesIO()
    write(out)
    return out.getvalue()


def an_array(rng: random.Random) -> np.ndarray:
    kind = rng.choice(["f8", "f4", "f2", "i1", "u8", "?", "c16", "U3", "S3", "M8[D]", "m8[s]", "O", "i4,f8", "g", "V5"])
    shape = rng.choice([(), (0,), (3,), (4, 2), (2, 0), (2, 2, 2)])
    return np.zeros(shape, dtype=kind)


def _npz(rng: random.Random) -> bytes:
    arrays = {rng.choice(["x", "y", "arr_0", "", "a/b", "가"]): an_array(rng) for _ in range(rng.choice([0, 1, 2, 3]))}
    return _in_memory(lambda out: rng.choice([np.savez, np.savez_compressed])(out, **arrays))


def _value(rng: random.Random, depth: int = 0) -> object:
    """Plain data as JSON has it."""
    if depth > 3 or rng.random() < 0.6:
        return rng.choice([None, True, 0, -1, 1e308, 10**400, float("nan"), *CELLS])
    if rng.random() < 0.5:
        return [_value(rng, depth + 1) for _ in range(rng.choice([0, 1, 3]))]
    return {rng.choice(["a", "b", "c", *ODD]): _value(rng, depth + 1) for _ in range(rng.choice([0, 1, 3]))}


def _json(rng: random.Random) -> bytes:
    rows = [{f"c{i}": _value(rng, 2) for i in range(rng.choice([1, 2, 3]))} for _ in range(rng.choice([0, 1, 4]))]
    whole = rng.choice([rows, rows, {"c": [1, 2], "d": [_value(rng)]}, {"columns": ["a"], "data": rows}, _value(rng)])
    text = json.dumps(whole, ensure_ascii=rng.random() < 0.5)
    return (rng.choice(["[", '{"a":']) * 3000 + text if rng.random() < 0.03 else text).encode(errors="surrogatepass")


def _lines(rng: random.Random) -> bytes:
    rows = [{f"c{i}": _value(rng, 2) for i in range(rng.choice([1, 2, 3]))} for _ in range(rng.choice([1, 4]))]
    odd = [] if rng.random() < 0.7 else [_value(rng), "[" * 3000]
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in [*rows, *odd]).encode()


def _database(rng: random.Random) -> bytes:
    connection = sqlite3.connect(":memory:")
    for name in rng.sample(["t", "u", 'a"b', "sqlite"], rng.choice([0, 1, 1, 1, 2])):
        connection.execute('CREATE TABLE "{}" (a, b TEXT, "{}" BLOB)'.format(name.replace('"', '""'), rng.choice("cd")))
        rows = [
            (rng.choice([1, 2.5, None, "x", b"\xff"]), rng.choice(CELLS), rng.randbytes(2))
            for _ in range(rng.choice([0, 4]))
        ]
        connection.executemany('INSERT INTO "{}" VALUES (?, ?, ?)'.format(name.replace('"', '""')), rows)
    if rng.random() < 0.2:  # what a query of it would compute for ever
        connection.execute(
            "CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
        )
    connection.commit()
    return connection.serialize()


def _arff(rng: random.Random) -> bytes:
    kinds = [
        "numeric",
        "REAL",
        "string",
        "{a,b}",
        "{'a b',c}",
        "date",
        'date "yyyy-MM-dd"',
        "relational",
        "",
        "{",
        "{}",
    ]
    head = [f"@attribute {rng.choice(['a', 'b', chr(39) + 'x y' + chr(39), ''])} {rng.choice(kinds)}" for _ in range(3)]
    rows = [rng.choice(["1,a,2", "?,?,?", "{0 1, 2 3}", "'x,y',b,", "1", "%", "1,2,3,4", ""]) for _ in range(4)]
    return "\n".join(["@relation r", *head, rng.choice(["@data", "@DATA", ""]), *rows]).encode()


def _libsvm(rng: random.Random) -> bytes:
    cells = [
        "1:2",
        "2:1e400",
        "3:x",
        "1:2:3",
        "0:1",
        "-1:1",
        "999999999:1",
        "99999999999999999999:1",
        "qid:3",
        "# c",
        "a:b",
    ]
    lines = [
        " ".join(
            [rng.choice(["1", "-1", "+1", "1,2", "x"]), *rng.choices(cells[:2] if rng.random() < 0.7 else cells, k=3)]
        )
        for _ in range(4)
    ]
    return "\n".join(lines).encode()


FORMATS = {
    "csv": lambda rng: a_text(rng).encode(
        rng.choice(["utf-8", "utf-8", "utf-16", "cp949", "cp1252", "utf-32"]), "replace"
    ),
    "txt": lambda rng: a_text(rng).encode(),
    "tsv": lambda rng: a_text(rng).encode(),
    "parquet": lambda rng: _in_memory(a_frame(rng).write_parquet),
    "arrow": lambda rng: _in_memory(
        rng.choice([pl.DataFrame.write_ipc, pl.DataFrame.write_ipc_stream]).__get__(a_frame(rng))
    ),
    "avro": lambda rng: _in_memory(a_frame(rng).select(pl.col(pl.Int64, pl.String, pl.Float64)).write_avro),
    "xlsx": lambda rng: _in_memory(a_frame(rng).select(pl.exclude(pl.Struct, pl.Binary, pl.Null)).write_excel),
    "npz": _npz,
    "npy": lambda rng: _in_memory(lambda out: np.save(out, an_array(rng))),
    "json": _json,
    "jsonl": _lines,
    "sqlite": _database,
    "arff": _arff,
    "libsvm": _libsvm,
}


def _zip(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("t.csv", content)
    return out.getvalue()


PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zip": _zip}
OPTIONS = {
    "decimal": [".", ",", ";", ""],
    "skip_lines": [0, 1, 5, 10**9, -1],
    "header": [True, False],
    "separator": [",", ";", " ", ":", "", ",,", "\n", '"'],
    "encoding": ["utf-8", "cp949", "utf-16", "latin-1", "nonsense", "rot13", "idna"],
    "missing": [["-"], [""], [], ["x"] * 50],
}


def made(rng: random.Random, kind: str) -> bytes:
    """A file of a kind; where its library can't write such a frame, an empty one of it."""
    try:
        return FORMATS[kind](rng)
    except (Exception, pl.exceptions.PanicException):  # noqa: BLE001 - a writer's refusal is nothing of ours
        return b""


def read(case: Case, kind: str, content: bytes, name: str | None = None) -> None:
    """Read it by its name, perhaps packed, perhaps with what a user says of it."""
    rng = case.rng
    ending = rng.choice(["", "", "", "", *PACKERS]) if name is None else ""
    path = case.folder / (name or f"t.{kind}{ending}")
    if ending:
        content = PACKERS[ending](content)
        content = damaged(rng, content) if rng.random() < 0.05 else content
    path.write_bytes(content)
    options = {key: rng.choice(values) for key, values in OPTIONS.items()} if rng.random() < 0.2 else {}
    options = {key: value for key, value in options.items() if rng.random() < 0.3}
    part = rng.choice(["::t", "::none", "::"]) if rng.random() < 0.05 else ""
    case.call(bl.data.read_source, f"{path}{part}", keep_text=rng.random() < 0.3, **options)


@fuzzer("delimited text, odd but right", ci=100)
def texts_of_tables(case: Case) -> None:
    read(case, case.rng.choice(["csv", "tsv", "txt"]), a_text(case.rng).encode(errors="replace"))


@fuzzer("files of each other format, odd but right", ci=130)
def tables(case: Case) -> None:
    kind = case.rng.choice([kind for kind in FORMATS if kind not in ("csv", "tsv", "txt")])
    read(case, kind, made(case.rng, kind))


@fuzzer("damaged files of each format", ci=200)
def damaged_tables(case: Case) -> None:
    kind, other = case.rng.choices(list(FORMATS), k=2)
    content = damaged(case.rng, made(case.rng, kind), made(case.rng, other))
    read(case, kind, content, f"t.{other}" if case.rng.random() < 0.1 else None)
