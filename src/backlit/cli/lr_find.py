"""`backlit lr-find`: a learning rate to start from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from backlit.cli.options import declared, flagged
from backlit.settings import Declaration

NAME = "lr-find"
EXAMPLES = (
    "Examples:\n\nbacklit lr-find digits\n\nbacklit lr-find houses.csv --target price --plot rates.png\n\n"
    "backlit lr-find reviews.csv --text review --target label"
)


def flags() -> Iterable[Declaration]:
    """What may be said of the data, as for train."""
    from backlit.tasks.choose import data_options

    return [option for option in data_options().values() if option.panel is not None]


@flagged(flags)
def command(
    data: Annotated[str, typer.Argument(help="A data set's name or a table, as for train.", metavar="DATA")],
    network: Annotated[str | None, typer.Option(help="mlp:64,32 (hidden layers) or linear.")] = None,
    optimizer: Annotated[str, typer.Option(help="adam, adamw, sgd, momentum, nesterov, adagrad, rmsprop.")] = "adamw",
    start: Annotated[float, typer.Option(help="First rate, above 0.")] = 1e-6,
    stop: Annotated[float, typer.Option(help="Last rate.")] = 10.0,
    steps: Annotated[int, typer.Option(help="Updates, at least 10.")] = 150,
    batch_size: Annotated[int | None, declared("batch_size")] = None,
    seed: Annotated[int, declared("seed")] = 0,
    plot: Annotated[Path | None, typer.Option(help="Write the picture here (.png, .svg, .pdf).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    **given: Any,
) -> None:
    """Find a learning rate, by one short run whose rate grows from tiny to far too large (a range test)."""
    import backlit as bl
    from backlit.cli import output
    from backlit.errors import InputError
    from backlit.tasks.choose import options_of, task_of
    from backlit.tasks.rows import RowsTask

    output.check_picture(plot)
    # Without dropout, whose noise would hide where the loss falls fastest.
    choices = {"network": network, "dropout": 0.0, "optimizer": optimizer, "batch_size": batch_size, "seed": seed}
    options = options_of(choices)
    task, source = task_of({"data": data, **given})
    if not isinstance(task, RowsTask):
        raise InputError(f"{data} is a text to go on with; lr-find is for tables and data sets (say --target COLUMN)")
    material = task.read(source)
    rows = task.split(material, options.split, seed)[0].train
    preparation = task.prepare(material, rows)
    plan = task.plan(material, rows, preparation, options)
    test = bl.lr_find(
        plan.network, material.raw[rows], material.y[rows], loss=plan.loss, optimizer=plan.optimizer, start=start,
        stop=stop, steps=steps, batch_size=plan.batch_size, seed=seed, preparation=preparation,
        standardize_targets=material.task == "regression",
    )  # fmt: skip
    if plot is not None:
        output.save_picture(test.plot(), plot)
    if as_json:
        curve = {"rates": test.rates, "losses": test.losses, "smoothed": test.smoothed}
        output.emit({"suggestion": test.suggestion, **curve})
        return
    printed = range(0, len(test.rates), max(1, len(test.rates) // 12))
    output.tell(
        output.table([["rate", "loss"], *[[f"{test.rates[i]:.2g}", f"{test.smoothed[i]:.4f}"] for i in printed]])
    )
    output.tell(
        f"\nsuggested learning rate: {test.suggestion:.2g}\nnext: backlit train {data} --lr {test.suggestion:.2g}"
    )
