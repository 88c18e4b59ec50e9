"""Whatever a file holds, reading it and training on it takes at most ten times its size and 600 MB."""

import json
import subprocess
import sys

import pytest

from tests.data.files import hostile

MOST = 600 * 10**6  # bytes, and ten times the file
LIMITED = {
    "too long a header.csv": "header", "too many columns.csv": "columns", "short rows below blank names.csv": "cells",
    "bomb.csv.gz": "unpacked", "bomb.csv.bz2": "unpacked", "bomb.csv.xz": "unpacked", "bomb.csv.zip": "unpacked",
    "names of their own.jsonl": "cells", "names of their own.json": "cells", "deep.jsonl": "nesting",
    "deep.json": "nesting", "far.libsvm": "cells", "long word.arff": "unpacked", "bomb.npz": "unpacked",
    "wide.npz": "columns", "far.xlsx": "cells", "repeated.parquet": "unpacked", "repeated.arrow": "unpacked",
    "endless.sqlite": "cells",
}  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    for name, content in hostile.SHAPES.items():
        data = content()
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    command = [sys.executable, "-m", "tests.data.files.hostile", str(folder)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {line["name"]: line for line in map(json.loads, lines)}


@pytest.mark.slow
@pytest.mark.parametrize("name", hostile.SHAPES)
def test_memory_is_bounded(told, name):
    assert len(hostile.SHAPES) >= 30
    assert told[name]["peak"] <= MOST + 10 * told[name]["size"], told[name]


@pytest.mark.parametrize("name", LIMITED)
def test_what_is_beyond_a_limit_says_so_with_the_option(told, name):
    assert name in told[name]["said"]
    assert f"--limit {LIMITED[name]}=" in told[name]["said"]
