"""Data read as a stream beside the same data in memory: rows a second and peak memory; a file larger than memory."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scaling import table, told, worker

COLUMNS, BATCH, EPOCHS = 30, 256, 4
ROWS = 2_000_000
GROUP = 131_072  # rows of a row group
LARGE = 8.2e9  # bytes of the file that is larger than what may be held
LIMIT = "5m"  # of understanding it and training on it
STAGES = ("understanding", "training", "judging")
ENDINGS = ("epochs done", "time limit", "early stopping")
WIDTH = 4 * (COLUMNS + 1)  # bytes of a row of random float32, which nothing compresses


def frames(rows: int) -> Iterator[Any]:
    """A table of numbers by row groups; the target is a bent function of them."""
    import polars as pl

    slope = np.random.default_rng(1).normal(size=COLUMNS).astype("float32")
    for start in range(0, rows, GROUP):
        rng = np.random.default_rng((2, start))
        x = rng.normal(size=(min(GROUP, rows - start), COLUMNS)).astype("float32")
        level = x @ slope
        y = (level + np.abs(x[:, 0]) + 0.1 * rng.normal(size=len(x))).astype("float32")
        yield pl.DataFrame({**{f"x{i}": x[:, i] for i in range(COLUMNS)}, "y": y})


def made(path: Path, rows: int) -> None:
    """The table as one Parquet file."""
    from pyarrow import parquet

    writer = None
    for frame in frames(rows):
        arrow = frame.to_arrow()
        writer = writer or parquet.ParquetWriter(path, arrow.schema, compression="none", use_dictionary=False)
        writer.write_table(arrow)
    if writer is not None:
        writer.close()


def peak(process: str = "self") -> float:
    """Most memory that a process has had, in GB: what it took over from who started it doesn't count."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024 / 1e9
    return 0.0


def trained(path: str, way: str) -> dict[str, float]:
    """Rows a second over the epochs after the first, processor seconds of a million rows, and the peak of memory."""
    import backlit as bl
    from backlit.data.streams import open_table, understand

    found = understand(open_table(path), "y", split=(0.9, 0.1))
    network = bl.Sequential(bl.Linear(64), bl.ReLU(), bl.Linear(64), bl.ReLU(), bl.Linear(1))
    processor: list[float] = []
    options: dict[str, Any] = {
        "callbacks": lambda end: processor.append(time.process_time()),
        "epochs": EPOCHS, "batch_size": BATCH, "standardize_targets": True, "metrics": [], "probes": None, "chunk": 1,
    }  # fmt: skip
    if way == "memory":
        parts = [(found.preparation.apply(block.x), block.y) for block in found.train.batches(0)]
        x, y = (np.concatenate(part) for part in zip(*parts, strict=True))
        del parts
        run = bl.fit(network, x, y, **options)
    else:
        run = bl.fit(network, found.train, preparation=found.preparation, **options)
    seconds = min(line["seconds"] for line in run.history[1:])
    busy = min(later - earlier for earlier, later in itertools.pairwise(processor)) / found.train.rows
    return {"rate": found.train.rows / seconds, "busy": busy * 1e6, "peak": peak(), "loss": run.history[-1]["loss"]}


def stage_of(run: Path) -> str:
    """What a command is at, told by the run's folder: it is there once the table is understood."""
    try:
        stopped = json.loads((run / "network.json").read_text())["stopped"]
    except (OSError, ValueError, KeyError):
        return STAGES[0]
    return STAGES[2] if stopped in ENDINGS else STAGES[1]


def resident(process: int) -> float:
    """Memory that a process has now, in GB."""
    with contextlib.suppress(OSError, IndexError):
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e9
    return 0.0


def large(folder: Path, size: float) -> str:
    """`backlit train` over a file of so many bytes, for one pass or the minutes there are: time and memory by stage."""
    path = folder / "large.parquet"
    begun = time.perf_counter()
    made(path, int(size / WIDTH))
    made_in = time.perf_counter() - begun
    held = path.stat().st_size
    command = [
        sys.executable, "-m", "backlit", "train", str(path), "--target", "y", "--network", "mlp:64,64", "--epochs", "1",
        "--batch-size", str(BATCH), "--split", "98/1/1", "--out", str(folder / "run"), "--json", "--quiet", "--stream",
        "--no-report", "--time-limit", LIMIT, "--patience", "0",
    ]  # fmt: skip
    begun = last = time.perf_counter()
    greatest = 0.0
    most, took = dict.fromkeys(STAGES, 0.0), dict.fromkeys(STAGES, 0.0)
    with (folder / "told.json").open("w+") as said:
        process = subprocess.Popen(command, stdout=said, text=True)
        while process.poll() is None:
            stage, now = stage_of(folder / "run"), time.perf_counter()
            most[stage], took[stage] = max(most[stage], resident(process.pid)), took[stage] + now - last
            greatest, last = max(peak(str(process.pid)), *most.values()), now
            time.sleep(0.1)
        seconds = time.perf_counter() - begun
        path.unlink()
        if process.returncode:
            sys.exit(f"backlit train ended with status {process.returncode}; what it wrote stands above")
        said.seek(0)
        judgement = json.loads(said.read().splitlines()[-1])["judgement"]
    rows = sum(judgement["parts"].values())
    seen = sum(1 for _ in (folder / "run" / "history.jsonl").open())
    cells = [[stage, f"{took[stage]:.0f}", f"{most[stage]:.2f}"] for stage in STAGES]
    what = (
        f"A file of {held / 1e9:.1f} GB ({rows:,} rows, made in {made_in:.0f} s): understood, trained on for {seen} "
        f"parts of a pass (one pass, or what {LIMIT} allow) and judged on {judgement['rows']:,} test rows in "
        f"{seconds:.0f} s, with at most **{greatest:.2f} GB** of memory; R² {judgement['scores']['r2']:.4f}."
    )
    return "\n".join([
        what,
        "",
        table(["stage", "seconds", "most memory, GB"], cells),
    ])  # fmt: skip


def figure(quick: bool) -> str:
    """The section of RESULTS.md."""
    folder = Path(tempfile.mkdtemp(prefix="backlit-streams-"))
    try:
        path = folder / "table.parquet"
        made(path, ROWS // (10 if quick else 1))
        rows = {way: told(worker("benchmarks.scaling.streams", str(path), way)) for way in ("memory", "stream")}
        path.unlink()
        ratio = rows["stream"]["rate"] / rows["memory"]["rate"]
        cells = [
            [way, f"{one['rate'] / 1e6:.2f}", f"{one['busy']:.2f}", f"{one['peak']:.2f}", f"{one['loss']:.5f}"]
            for way, one in rows.items()
        ]
        what = (
            f"mlp:64,64 on {COLUMNS} columns of a Parquet file, batches of {BATCH}, the fastest of {EPOCHS - 1} epochs"
        )
        return "\n".join([
            "### Streams",
            "",
            f"{what}; as a stream {ratio:.2f} of the speed in memory.",
            "",
            table(["data", "million rows a second", "processor s a million", "peak memory, GB", "loss"], cells),
            "",
            large(folder, LARGE / (40 if quick else 1)),
            "",
        ])  # fmt: skip
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    print(json.dumps(trained(*sys.argv[2:])))
