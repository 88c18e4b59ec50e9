"""A CSV file of a million rows: read, prepared, one epoch of mlp:64,64, judged; Backlit, and pandas with PyTorch.

    python -m benchmarks table_speed --rows 100000 --rounds 1

Every round is a fresh process; the contestants take turns. PyTorch's threads burn time while they wait for a busy core,
so only a quiet machine tells the truth: there, the fastest round is near the median.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

ROWS, ROUNDS = 1_000_000, 3
LEVELS = (2, 3, 4, 6, 8, 12, 16, 20)
SHOPS = 500
BATCH, RATE, DROPOUT, HIDDEN, EMBEDDING = 1024, 0.002, 0.1, 64, 50  # what Backlit chooses for so many rows
PARTS = (0.7, 0.85)  # training rows, then validation, then test, as in Backlit
LIMIT = 4 * 1000**3 / 2**20  # MiB


def write_csv(path: str, rows: int) -> None:
    """20 numbers, five of them missing in 5 % of the rows; 8 categories of 2 to 20 levels; a date; 500 shops; y."""
    import polars as pl

    rng = np.random.default_rng(0)
    numbers = rng.standard_normal((20, rows))
    levels = [rng.integers(0, count, rows) for count in LEVELS]
    shop, day = rng.integers(0, SHOPS, rows), rng.integers(0, 3 * 365, rows)
    score = numbers[0] * numbers[1] + np.sin(2 * numbers[6]) + 0.5 * numbers[7] + rng.standard_normal(rows)
    score += (
        rng.standard_normal(SHOPS)[shop] + rng.standard_normal(LEVELS[-1])[levels[-1]] + np.cos(day * (2 * np.pi / 365))
    )
    numbers[:5, :][rng.random((5, rows)) < 0.05] = np.nan
    frame = pl.DataFrame(
        {
            **{f"number {i}": pl.Series(values.round(4), nan_to_null=True) for i, values in enumerate(numbers)},
            **{f"category {i}": np.array([f"level {k}" for k in range(20)])[codes] for i, codes in enumerate(levels)},
            "day": np.datetime64("2023-01-01") + day,
            "shop": np.array([f"shop {k:03d}" for k in range(SHOPS)])[shop],
            "y": np.where(score > 0, "yes", "no"),
        }
    )
    frame.write_csv(path)


def backlit(path: str) -> float:
    """`bl.fit` on the file: accuracy on its test rows."""
    import backlit as bl

    # The peer has the same network: rectified, with its dropout.
    options = {"network": f"mlp:{HIDDEN},{HIDDEN}", "activation": "relu", "dropout": DROPOUT}
    run = bl.fit(path, target="y", epochs=1, progress=False, **options)
    return run.judgement["scores"]["accuracy"]


def pytorch(path: str) -> float:
    """pandas and PyTorch, with the same preparation, network and batches: accuracy on its test rows."""
    import pandas as pd
    import torch

    frame = pd.read_csv(path, parse_dates=["day"])
    y = torch.from_numpy((frame.pop("y") == "yes").to_numpy().astype(np.int64))
    order = np.random.default_rng(0).permutation(len(frame))
    train, held, test = np.split(order, (np.array(PARTS) * len(order)).astype(int))

    numbers = frame.select_dtypes("number").astype(np.float32)
    day = frame["day"].dt
    numbers["year"], numbers["elapsed"] = day.year.astype(np.float32), (frame["day"] - frame["day"].min()).dt.days
    missing = numbers.isna()
    missing = missing.loc[:, missing.any()]
    numbers = numbers.fillna(numbers.iloc[train].median())
    numbers = (numbers - numbers.iloc[train].mean()) / numbers.iloc[train].std()
    turns = [2 * np.pi / 12 * day.month.to_numpy(), 2 * np.pi / 7 * day.day_of_week.to_numpy()]
    cycles = np.stack([wave(turn) for turn in turns for wave in (np.sin, np.cos)], axis=1)
    texts = [name for name in frame.columns if name.startswith("category")]
    levels = pd.get_dummies(frame[texts], dtype=np.float32)
    x = torch.from_numpy(np.concatenate([numbers, missing, cycles, levels], axis=1, dtype=np.float32))
    shop = torch.from_numpy(frame["shop"].astype("category").cat.codes.to_numpy().astype(np.int64))
    del frame, numbers, missing, levels

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shops = torch.nn.Embedding(SHOPS, EMBEDDING)
            hidden = []
            for inputs in (x.shape[1] + EMBEDDING, HIDDEN):
                hidden += [torch.nn.Linear(inputs, HIDDEN), torch.nn.ReLU(), torch.nn.Dropout(DROPOUT)]
            self.layers = torch.nn.Sequential(*hidden, torch.nn.Linear(HIDDEN, 2))
            torch.nn.init.normal_(self.shops.weight, std=0.1)  # as Backlit begins, so that one epoch leads as far
            for layer in self.layers:
                if isinstance(layer, torch.nn.Linear):
                    torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                    torch.nn.init.zeros_(layer.bias)

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return self.layers(torch.cat([x[rows], self.shops(shop[rows])], dim=1))

    torch.manual_seed(0)
    network, criterion = Network(), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE)
    for rows in torch.from_numpy(train).split(BATCH):  # shuffled already
        optimizer.zero_grad()
        loss = criterion(network(rows), y[rows])
        loss.backward()
        optimizer.step()
    network.eval()
    found = []
    with torch.no_grad():
        for part in (held, test):
            hits = [
                (network(rows).argmax(dim=1) == y[rows]).sum().item() for rows in torch.from_numpy(part).split(BATCH)
            ]
            found.append(sum(hits) / len(part))
    return found[-1]


CONTESTANTS: dict[str, Callable[[str], float]] = {"backlit": backlit, "pandas + PyTorch": pytorch}


def peak() -> float:
    """MiB that this process has held at most; `ru_maxrss` would count its parent's, too."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def worker(task: str, path: str, rows: int) -> None:
    """The life of a process: the file, or a contestant's round."""
    if task == "write":
        write_csv(path, rows)
    else:
        accuracy = CONTESTANTS[task](path)
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "accuracy": accuracy, "peak": peak()}))


def process(task: str, path: str, rows: int) -> dict[str, float]:
    """Seconds from start to end of a process, and what it printed."""
    command = [sys.executable, "-m", "benchmarks.table_speed", "--worker", task, path, str(rows)]
    begin = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return {"seconds": time.perf_counter() - begin, **json.loads(done.stdout or "{}")}


def main(arguments: Sequence[str] = ()) -> str:
    """The race as text."""
    parser = argparse.ArgumentParser("python -m benchmarks table_speed", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS, help=f"rows of the file ({ROWS:,})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"processes of each contestant ({ROUNDS})")
    parser.add_argument("--only", choices=CONTESTANTS, help="one contestant alone")
    options = parser.parse_args(arguments)
    if options.rows < 1 or options.rounds < 1:
        parser.error("--rows and --rounds are at least 1")
    names = [options.only] if options.only else list(CONTESTANTS)
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/table.csv"
        process("write", path, options.rows)
        size = Path(path).stat().st_size / 2**20
        for turn in range(options.rounds):
            for name in names:
                rounds[name].append(process(name, path, options.rows))
                found = ", ".join(f"{key} {value:.4g}" for key, value in rounds[name][-1].items())
                print(f"  round {turn + 1}, {name}: {found}", file=sys.stderr, flush=True)
    base = {key: statistics.median(one[key] for one in rounds[names[0]]) for key in ("seconds", "cpu")}
    lines = [
        f"### A CSV of {options.rows:,} × 30 ({size:.0f} MiB): process start to test accuracy, one epoch of mlp:64,64",
        "",
        f"| | s | ÷ {names[0]} | fastest | CPU s | ÷ {names[0]} | peak MiB | accuracy |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, found in rounds.items():
        seconds, cpu, accuracy = (
            statistics.median(one[key] for one in found) for key in ("seconds", "cpu", "accuracy")
        )
        fastest, most = min(one["seconds"] for one in found), max(one["peak"] for one in found)
        times = f"{seconds:.1f} | {seconds / base['seconds']:.2f} | {fastest:.1f} | {cpu:.1f} | {cpu / base['cpu']:.2f}"
        lines.append(f"| {name} | {times} | {most:.0f} | {accuracy:.4f} |")
    lines.append(f"| limit for Backlit: 4 GB | | | | | | {LIMIT:.0f} | |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if "--worker" in sys.argv:
        worker(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        print(main(sys.argv[1:]))
