"""Small files that ask for much memory, from reading to training; run as a program, it prints each one's peak.

A program of its own: what else the tests hold in memory doesn't count.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import resource
import sqlite3
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import polars as pl

import backlit as bl
from backlit.errors import InputError

ROWS, LONG = 60_000, 20_000
CONTENT = b"1.5,2\n" * 170_000


def table(cell, rows=ROWS, columns="x,z,y"):
    return columns + "\n" + "".join(cell(i) + "\n" for i in range(rows))


def repeated(pack, times=140):
    """About 140 MB, packed."""
    file = io.BytesIO()
    with pack(file) as packed:
        packed.write(b"x,y\n")
        for _ in range(times):
            packed.write(CONTENT)
    return file.getvalue()


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w") as member:
        member.write(b"x,y\n")
        for _ in range(140):
            member.write(CONTENT)
    return file.getvalue()


def by_polars(columns, method, **options):
    file = io.BytesIO()
    getattr(pl.DataFrame(columns), method)(file, **options)
    return file.getvalue()


def archive(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def sheet():
    """An Excel file with a cell in the last row and column that there can be."""
    given = io.BytesIO()
    pl.DataFrame({"x": [1, 2, 3], "y": [0, 1, 0]}).write_excel(given)
    made = io.BytesIO()
    with zipfile.ZipFile(given) as source, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            far = b'<row r="1048576"><c r="XFD1048576"><v>3</v></c></row></sheetData>'
            target.writestr(name, source.read(name).replace(b"</sheetData>", far))
    return made.getvalue()


def view():
    """A database whose only table goes on for ever."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v.sqlite"
        connection = sqlite3.connect(path)
        numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
        connection.execute(f"CREATE VIEW v AS {numbers} SELECT x, x % 2 AS y FROM n")  # noqa: S608 (our own words)
        connection.commit()
        connection.close()
        return path.read_bytes()


SHAPES = {
    "one long class.csv": lambda: table(lambda i: f"{i % 7},{i % 5},{'c' * LONG if i % 1999 == 5 else 'ab'[i % 2]}"),
    "one long category.csv": lambda: table(lambda i: f"{i % 7},{'c' * LONG if i % 1999 == 5 else 'pq'[i % 2]},{i % 2}"),
    "one long group.csv": lambda: table(
        lambda i: f"{i % 7},{'g' * LONG if i == 5 else i % 300},{i % 2}", columns="x,g,y"
    ),
    "long labels.csv": lambda: table(
        lambda i: f"{i % 7},{'c' * LONG if i % 999 == 0 else 'd'},{'ab'[i % 2]}", columns="x,y2,y"
    ),
    "one long cell.csv": lambda: "x,z,y\n1,2,0\n" + "1,2,1\n" * 200 + "1," + "c" * 10**7 + ",0\n",
    "one long quoted cell.csv": lambda: "x,z,y\n1,2,0\n" + "1,2,1\n" * 200 + '1,"' + 'c""' * 10**6 + '",0\n',
    "long header.csv": lambda: "x" * 3_000_000 + ",y\n" + "1,0\n2,1\n" * 40,
    "too long a header.csv": lambda: "x" * 5_000_000 + ",y\n" + "1,0\n2,1\n" * 40,
    "too many columns.csv": lambda: ",".join(f"c{i}" for i in range(150_000)) + "\n" + ",".join("1" * 150_000) + "\n",
    "short rows below blank names.csv": lambda: "y" + "," * 90_000 + "\n" + "1\n0\n" * 100_000,
    "short rows below names.csv": lambda: ",".join(f"c{i}" for i in range(90_000)) + "\n" + "1\n0\n" * 100_000,
    "an unclosed quote.csv": lambda: 'x,y\n1,"a' + "y,\n" * 500_000,
    "nothing but quotes.csv": lambda: "x,y\n" + '"' * 1_000_000,
    "empty lines.csv": lambda: "x,y\n1,0\n2,1\n" + "\n" * 2_000_000 + "3,1\n" * 40,
    "carriage returns.csv": lambda: "x,y\r" + "1,0\r2,1\r" * 50_000,
    "zero bytes.csv": lambda: b"x,y\n" + b"\0" * 1_000_000,
    "noise.csv": lambda: np.random.default_rng(0).bytes(500_000),
    "foreign letters in a long line.csv": lambda: ("x,y\n" + "a" * 500_000 + ",0\n" + "é,1\n" * 100).encode("latin-1"),
    "different words.csv": lambda: table(lambda i: f"{i % 7},w{i * 7919 % 30_011:x},{i % 2}"),
    "long numbers.csv": lambda: table(lambda i: f"{'9' * 2000},{i % 5},{i % 2}", rows=300),
    "bomb.csv.gz": lambda: repeated(lambda file: gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1)),
    "bomb.csv.bz2": lambda: bz2.compress(b"x,y\n" + CONTENT) * 140,
    "bomb.csv.xz": lambda: lzma.compress(b"x,y\n" + CONTENT, preset=0) * 140,
    "bomb.csv.zip": zipped,
    "names of their own.jsonl": lambda: "".join(json.dumps({f"k{i}": i}) + "\n" for i in range(20_000)),
    "names of their own.json": lambda: json.dumps([{f"k{i}": i} for i in range(20_000)]),
    "deep.jsonl": lambda: '{"x":1,"y":0}\n{"x":' + "[" * 200_000 + "]" * 200_000 + "}\n",
    "deep.json": lambda: '[{"x":' * 100_000,
    "far.libsvm": lambda: "".join(f"{i % 2} {90_000 if i == 3 else i % 7 + 1}:1\n" for i in range(5000)),
    "long word.arff": lambda: (
        "@relation r\n@attribute x numeric\n@attribute y {a,b," + "c" * 50_000 + "}\n@data\n" + "1,a\n2,b\n" * 50_000
    ),
    "bomb.npz": lambda: archive(x=np.zeros(17_000_000)),
    "wide.npz": lambda: archive(x=np.zeros((2, 200_000))),
    "far.xlsx": sheet,
    "repeated.parquet": lambda: by_polars({"x": np.zeros(17_000_000)}, "write_parquet"),
    "repeated.arrow": lambda: by_polars({"x": np.zeros(17_000_000)}, "write_ipc", compression="zstd"),
    "endless.sqlite": view,
}  # fmt: skip


def most_memory() -> int:
    """Bytes that this process held at most; on Linux `getrusage` would count the process that started it, too."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def forget_most_memory() -> None:
    """Let the peak begin anew, so that what one file takes isn't counted for those after it (Linux can)."""
    if (clear := Path("/proc/self/clear_refs")).exists():
        clear.write_text("5", encoding="ascii")


def main() -> None:
    """Train on each file, and print its peak and size in bytes."""
    folder = Path(sys.argv[1])
    for path in sorted(folder.iterdir()):
        forget_most_memory()
        group = "g" if "group" in path.name else None
        targets = ["y", "y2"] if "labels" in path.name else "y"
        try:
            with bl.limits(cells=10**6 if path.suffix == ".sqlite" else 10**7):
                bl.fit(
                    path, target=targets, group=group, network="linear", ensemble=1, epochs=1, batch_size=8192,
                    engine="numpy", progress=False,
                )  # fmt: skip
            said = "trained"
        except InputError as error:
            said = str(error)
        peak = most_memory()
        print(json.dumps({"name": path.name, "size": path.stat().st_size, "peak": peak, "said": said}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
