"""What made the run folders beside it: commit 0a0bc02, before options, tasks and findings were declared once.

Run in an empty folder with that commit's `src` as PYTHONPATH. The test reads what it wrote: the folders, the data they
were trained on, and `expected.json`, the numbers that this version predicted and those after more epochs ("resumed").
Folders named -whole serve those numbers only, and aren't here.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

TABLE = (
    "--ensemble",
    "3",
    "--network",
    "mlp:8",
    "--calibrate",
    "--balance",
    "--batch-size",
    "16",
    "--lr",
    "0.02",
    "--seed",
    "4",
)
SALES = ("--target", "sold", "--time", "day", "--horizon", "3", "--window", "6", "--epochs", "6", "--network", "mlp:8")
TEXT = ("--network", "gru:8", "--lr", "0.01", "--window", "16", "--batch-size", "4")
TARGET = ("--target", "rating")


def write_data():
    """A table with numbers, categories, dates and gaps; a text; a series; rows of numbers with rare classes."""
    rng = np.random.default_rng(11)
    lines = ["area,district,built,heating,rating"]
    for _ in range(150):
        area, district = float(rng.normal(80, 20)), str(rng.choice(["북구", "east", "south"]))
        built, heating = int(rng.integers(0, 9000)), str(rng.choice(["gas", "oil", ""]))
        score = area / 20 + 2 * (district == "east") + built / 3000 + float(rng.normal())
        shown = "" if rng.random() < 0.05 else f"{area:.1f}"
        day, rating = np.datetime64("1995-01-01") + built, "low" if score < 6 else "high"
        lines.append(f"{shown},{district},{day},{heating},{rating}")
    Path("homes.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    Path("text.txt").write_text("the small house stands by the sea; 작은 집이 바다 곁에 있다. " * 40, encoding="utf-8")
    days = [np.datetime64("2024-01-01") + i for i in range(90)]
    sold = [20 + 5 * np.sin(i * 2 * np.pi / 7) + float(rng.normal()) for i in range(90)]
    sales = "\n".join(f"{day},{value:.2f}" for day, value in zip(days, sold, strict=True))
    Path("sales.csv").write_text(f"day,sold\n{sales}\n", encoding="utf-8")
    y = rng.choice(3, 120, p=[0.6, 0.3, 0.1])
    x = (2 * np.eye(3, 5)[y] + rng.normal(size=(120, 5))).astype("float32")
    np.savez("rows.npz", x=x, y=y, weight=rng.uniform(0.5, 1.5, 120).astype("float32"))


def backlit(*words):
    """The command, which says what is wrong if it fails."""
    subprocess.run([sys.executable, "-m", "backlit", *map(str, words)], check=True, capture_output=True)


def weighted(bl, folder, epochs, **more):
    """Weighted classes and rows, a penalty, running values, a rate that falls, early stopping, probes with a watch."""
    rows = np.load("rows.npz")
    layers = (bl.Linear(8), bl.BatchNorm(), bl.PReLU(), bl.Dropout(0.2), bl.Linear(3))
    return bl.fit(
        bl.Sequential(*layers), rows["x"], np.array(["a", "b", "c"])[rows["y"]], epochs=epochs, checkpoint=folder,
        checkpoint_every=2, validation=0.25, class_weight="balanced", sample_weight=rows["weight"], seed=3,
        penalty=bl.L2(1e-3) + bl.L1(1e-4, only="0/*"), early_stopping=bl.EarlyStopping(30), accumulate=2,
        optimizer=bl.chain(bl.ClipGlobalNorm(1.0), bl.SGD(bl.schedules.ReduceOnPlateau(0.1, patience=1), momentum=0.9)),
        metrics=["accuracy", "f1"], preparation=bl.data.Standardize().fit(rows["x"]), probes=bl.Probes(every=2),
        **more,
    )  # fmt: skip


def diverged(bl, folder):
    """Numbers, standardized, at a rate that nothing survives."""
    rows = np.load("rows.npz")
    net = bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(1))
    options = {"optimizer": bl.SGD(300.0), "standardize_targets": True, "batch_size": None, "clip": None}
    return bl.fit(net, rows["x"], rows["x"] @ np.arange(5.0), epochs=40, checkpoint=folder, **options)


def findings(run):
    """What the doctor says, by name."""
    return [finding.name for finding in run.diagnose()]


def main():
    """Write the data, the folders and the numbers."""
    import polars as pl

    import backlit as bl

    write_data()
    expected = {}
    for name, done, whole, words in (
        ("table", 12, 16, ("homes.csv", *TARGET, *TABLE)),
        ("text", 3, 6, ("text.txt", *TEXT)),
    ):
        backlit("train", *words, "--epochs", done, "--patience", 0, "--out", name, "--no-report", "-q")
        backlit("train", *words, "--epochs", whole, "--patience", 0, "--out", f"{name}-whole", "--no-report", "-q")
        run, later = bl.load(name), bl.load(f"{name}-whole")
        expected[name] = {
            "history": list(run.history), "judgement": run.judgement["scores"], "findings": findings(run),
            "resumed": {"epochs": whole, "history": list(later.history), "judgement": later.judgement["scores"]},
        }  # fmt: skip
    run = bl.load("table")
    expected["table"]["predictions"] = run.predict(pl.read_csv("homes.csv")).tolist()
    expected["table"]["probabilities"] = np.asarray(run.predict_proba(pl.read_csv("homes.csv"))).tolist()
    expected["text"]["written"] = bl.load("text").generate("the small", length=40, temperature=0)
    backlit("train", "sales.csv", *SALES, "--out", "series", "--no-report", "-q")
    run = bl.load("series")
    expected["series"] = {
        "history": list(run.history), "judgement": run.judgement["scores"], "findings": findings(run),
        "predictions": np.asarray(run.predict(pl.read_csv("sales.csv"))).tolist(),
    }  # fmt: skip
    x = np.load("rows.npz")["x"]

    def interrupt(end):
        if end.epoch == 6:
            raise KeyboardInterrupt

    run, whole = weighted(bl, "weighted", 12, callbacks=interrupt), weighted(bl, "weighted-whole", 12)
    expected["weighted"] = {
        "history": list(run.history), "findings": findings(run), "predictions": run.predict(x).tolist(),
        "probabilities": run.predict_proba(x).tolist(),
        "resumed": {"epochs": 12, "history": list(whole.history), "probabilities": whole.predict_proba(x).tolist()},
    }  # fmt: skip
    run = diverged(bl, "diverged")
    expected["diverged"] = {
        "history": list(run.history), "findings": findings(run), "diverged": vars(run.diverged),
        "predictions": run.predict(x).tolist(),
    }  # fmt: skip
    Path("expected.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
