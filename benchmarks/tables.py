"""Test scores of Backlit's defaults on ten tables, beside scikit-learn's networks, linear models and boosted trees.

    python -m benchmarks tables --splits 3 --tables iris,houses --models backlit,MLP --json

Each split holds out a random fifth of the rows, with equal shares of the classes, and everybody learns from the same
other four fifths, from which Backlit takes its own validation rows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from benchmarks.generated_tables import GENERATED
from benchmarks.table_models import MODELS, ONLY_REGRESSION

BUNDLED = {"iris": "accuracy", "wine": "accuracy", "breast_cancer": "accuracy", "digits": "accuracy", "diabetes": "r2"}
NAMES = (*BUNDLED, *GENERATED)
PEERS = ("MLP", "MLP-scaled")  # the better one counts
MEASURES = {"accuracy": "accuracy", "roc_auc": "ROC AUC", "r2": "R²"}

NOTE = """\
Mean ± standard error over {splits} splits, with 80 % of the rows to learn from. The difference is taken split by split,
to scikit-learn's network: in a regression to the better of the two, with its defaults or with a scaled target. It holds
if it isn't below zero by two standard errors. The mean row has each table's better network.
"""


@dataclass(frozen=True)
class Table:
    """A frame, the column to predict, and the measure that counts."""

    frame: pl.DataFrame
    target: str
    measure: str

    @property
    def classes(self) -> list[str] | None:
        """The classes in alphabetical order; None for a regression."""
        return None if self.measure == "r2" else sorted(self.frame[self.target].unique().to_list())

    @property
    def majority(self) -> float | None:
        """The share of the largest class; None for a regression."""
        if self.measure == "r2":
            return None
        return self.frame[self.target].value_counts()["count"].max() / self.frame.height


def load(name: str) -> Table:
    """A table by its name; classes have theirs."""
    if name in GENERATED:
        make, measure = GENERATED[name]
        frame = make()
        return Table(frame, frame.columns[-1], measure)
    import backlit as bl

    data = bl.data.load(name)
    y = data.y if data.class_names is None else np.array(data.class_names, object)[data.y]
    frame = pl.DataFrame(dict(zip(data.feature_names, data.x.T, strict=True)) | {"target": y})
    return Table(frame, "target", BUNDLED[name])


def measures(
    truth: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray | None, classes: Sequence[str] | None
) -> dict[str, float]:
    """All scores of some predictions."""
    from sklearn import metrics

    if classes is None:
        return {"r2": metrics.r2_score(truth, predicted)}
    found = {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, predicted),
        "log_loss": metrics.log_loss(truth, probabilities, labels=classes),
    }
    if len(classes) == 2:
        found["roc_auc"] = metrics.roc_auc_score(truth == classes[1], probabilities[:, 1])
    return {key: float(value) for key, value in found.items()}


def measure_table(table: Table, models: Sequence[str], splits: Sequence[int]) -> dict[str, list[dict[str, float]]]:
    """Scores, seconds and processor seconds by model, a dict a split (its number is the seed); models take turns."""
    from sklearn.model_selection import train_test_split

    classes = table.classes
    truth = table.frame[table.target].to_numpy().astype(float if classes is None else str)
    models = [model for model in models if classes is None or model not in ONLY_REGRESSION]
    found: dict[str, list[dict[str, float]]] = {model: [] for model in models}
    for split in splits:
        stratify = None if classes is None else truth
        train, test = train_test_split(np.arange(len(truth)), test_size=0.2, stratify=stratify, random_state=split)
        for model in models:
            begin, busy = time.perf_counter(), time.process_time()
            predict = MODELS[model](table.frame[train], table.target, classes, split)
            seconds, cpu = time.perf_counter() - begin, time.process_time() - busy
            scores = measures(truth[test], *predict(table.frame[test].drop(table.target)), classes)
            found[model].append({"seconds": seconds, "cpu": cpu, **scores})
    return found


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Mean and its standard error over the splits."""
    error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("nan")
    return statistics.mean(values), error


def compare(found: dict[str, list[dict[str, float]]], measure: str) -> dict[str, Any]:
    """Backlit against the better of scikit-learn's networks, split by split."""
    scores = {model: [split[measure] for split in splits] for model, splits in found.items()}
    peers = [model for model in PEERS if model in scores]
    if "backlit" not in scores or not peers:
        return {}
    peer = max(peers, key=lambda model: statistics.mean(scores[model]))
    mean, error = mean_and_error([ours - theirs for ours, theirs in zip(scores["backlit"], scores[peer], strict=True)])
    return {"peer": peer, "difference": mean, "error": error, "holds": mean >= 0 or mean > -2 * error}


def measure_all(tables: Sequence[str], models: Sequence[str], splits: Sequence[int]) -> dict[str, dict[str, Any]]:
    """All scores and seconds by table; progress goes to standard error."""
    results = {}
    for name in tables:
        table = load(name)
        found = measure_table(table, models, splits)
        results[name] = {
            "measure": table.measure,
            "rows": table.frame.height,
            "majority": table.majority,
            "models": found,
            "comparison": compare(found, table.measure),
        }
        scores = {model: statistics.mean(split[table.measure] for split in found[model]) for model in found}
        line = ", ".join(f"{model} {score:.4f}" for model, score in scores.items())
        print(f"  {name} ({MEASURES[table.measure]}): {line}", file=sys.stderr, flush=True)
    return results


def _cell(values: Sequence[float]) -> str:
    mean, error = mean_and_error(values)
    return f"{mean:.4f}" if error != error else f"{mean:.4f} ± {error:.4f}"


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]], words: int) -> str:
    """A Markdown table; the first `words` columns are text."""
    rule = ["---"] * words + ["---:"] * (len(head) - words)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def _means(results: dict[str, dict[str, Any]], models: Sequence[str]) -> list[str]:
    """The mean score over the tables by model, of networks over each table's better one."""
    means = []
    for model in models:
        candidates = PEERS if model == PEERS[0] else (model,)
        scores = [
            max(
                statistics.mean(split[one["measure"]] for split in one["models"][m])
                for m in candidates
                if m in one["models"]
            )
            for one in results.values()
            if any(m in one["models"] for m in candidates)
        ]
        means.append("" if model in ONLY_REGRESSION else f"{statistics.mean(scores):.4f}")
    return means


def _imbalanced(results: dict[str, dict[str, Any]], models: Sequence[str]) -> list[str]:
    """Accuracy and balanced accuracy of the tables on which guessing the larger class already looks good."""
    lines = []
    for name, one in results.items():
        if one["measure"] == "roc_auc":
            own, rows = [m for m in models if m in one["models"]], []
            for key in ("accuracy", "balanced_accuracy"):
                guess = one["majority"] if key == "accuracy" else 0.5
                cells = [_cell([split[key] for split in one["models"][m]]) for m in own]
                rows.append([key.replace("_", " "), f"{guess:.4f}", *cells])
            lines += ["", _grid([name, "always the larger class", *own], rows, 1)]
    return lines


def report(results: dict[str, dict[str, Any]], splits: int) -> str:
    """The section for RESULTS.md."""
    models = [model for model in MODELS if any(model in one["models"] for one in results.values())]
    compared = all(one["comparison"] for one in results.values())
    scores, seconds = [], []
    for name, one in results.items():
        found, measure = one["models"], one["measure"]
        row = [name, f"{one['rows']:,}", MEASURES[measure]]
        row += [_cell([split[measure] for split in found[m]]) if m in found else "" for m in models]
        if compared:
            of = one["comparison"]
            row.append(f"{of['difference']:+.4f} ± {of['error']:.4f}")
            row.append("yes" if of["holds"] else "**no**")
        scores.append(row)
        times = [
            f"{statistics.median(split['seconds'] for split in found[m]):.2f}" if m in found else "" for m in models
        ]
        seconds.append([name, *times])
    last = ["**mean**", "", "", *_means(results, models)]
    if compared:
        differences = [one["comparison"]["difference"] for one in results.values()]
        error = sum(one["comparison"]["error"] ** 2 for one in results.values()) ** 0.5 / len(results)
        last += [
            f"{statistics.mean(differences):+.4f} ± {error:.4f}",
            "yes" if statistics.mean(differences) > 0 else "**no**",
        ]
    head = ["table", "rows", "measure", *models, *(["backlit − MLP", "holds"] if compared else [])]
    lines = [
        f"### Tables: test scores of the defaults\n\n{NOTE.format(splits=splits)}",
        _grid(head, [*scores, last], 3),
    ]
    lines += _imbalanced(results, models)
    lines += ["", "### Tables: seconds for a fit, median\n", _grid(["table", *models], seconds, 1)]
    return "\n".join(lines) + "\n"


def _some(known: Sequence[str]) -> Any:
    """A reader of comma-separated names."""

    def read(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"no {name!r}; there are {', '.join(known)}")
        return names

    return read


def main(arguments: Sequence[str] = ()) -> str:
    """The tables as text, or as JSON."""
    parser = argparse.ArgumentParser("python -m benchmarks tables", description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=10, help="how many random splits (10)")
    parser.add_argument(
        "--first",
        type=int,
        default=0,
        help="number of the first split (0); choose settings on others than are reported",
    )
    parser.add_argument("--tables", type=_some(NAMES), default=NAMES, help=f"some of {','.join(NAMES)}")
    parser.add_argument("--models", type=_some(tuple(MODELS)), default=MODELS, help=f"some of {'; '.join(MODELS)}")
    parser.add_argument("--json", action="store_true", help="every split's scores as JSON")
    options = parser.parse_args(arguments)
    if options.splits < 1 or options.first < 0:
        parser.error("--splits is at least 1, --first at least 0")
    splits = range(options.first, options.first + options.splits)
    results = measure_all(options.tables, list(options.models), splits)
    return json.dumps(results, indent=1, ensure_ascii=False) if options.json else report(results, options.splits)


if __name__ == "__main__":
    print(main(sys.argv[1:]))
