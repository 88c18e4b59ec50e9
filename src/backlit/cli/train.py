"""`backlit train`: a data set or a table in, a trained run out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "train"
EXAMPLES = (
    "Examples:\n\n"
    "backlit train digits\n\n"
    "backlit train houses.csv --target price --network mlp:64,32 --epochs 50 --out runs/houses"
)
_NETWORK, _TRAINING, _RUN = "Network", "Training", "Run"


def command(
    data: Annotated[
        str,
        typer.Argument(
            help="digits, iris, wine, breast_cancer, diabetes, moons, circles, spirals, xor, blobs, or a CSV file.",
            metavar="DATA",
        ),
    ],
    target: Annotated[str | None, typer.Option(help="Column of the CSV file to predict.")] = None,
    task: Annotated[
        str | None, typer.Option(help="classification or regression; by default told from the target.")
    ] = None,
    network: Annotated[
        str, typer.Option(help="mlp:64,32 (hidden layers) or linear.", rich_help_panel=_NETWORK)
    ] = "mlp:128,64",
    activation: Annotated[str, typer.Option(help="Between the layers.", rich_help_panel=_NETWORK)] = "relu",
    dropout: Annotated[
        float, typer.Option(help="Share of units dropped after each hidden layer, 0 to 1.", rich_help_panel=_NETWORK)
    ] = 0.1,
    loss: Annotated[
        str | None, typer.Option(help="By default cross_entropy or mean_squared_error.", rich_help_panel=_TRAINING)
    ] = None,
    optimizer: Annotated[
        str, typer.Option(help="adam, adamw, sgd, momentum, nesterov, adagrad, rmsprop.", rich_help_panel=_TRAINING)
    ] = "adam",
    lr: Annotated[float, typer.Option(help="Learning rate, above 0.", rich_help_panel=_TRAINING)] = 0.002,
    epochs: Annotated[int, typer.Option(help="Most passes over the training rows.", rich_help_panel=_TRAINING)] = 100,
    batch_size: Annotated[int, typer.Option(help="Rows an update.", rich_help_panel=_TRAINING)] = 32,
    l2: Annotated[float, typer.Option(help="Weight of the L2 penalty, λ·ΣW².", rich_help_panel=_TRAINING)] = 0.0,
    patience: Annotated[
        int,
        typer.Option(
            help="Epochs without improvement before stopping; 0 never stops early.", rich_help_panel=_TRAINING
        ),
    ] = 20,
    seed: Annotated[
        int, typer.Option(help="Origin of all randomness; splits depend on it, too.", rich_help_panel=_TRAINING)
    ] = 0,
    engine: Annotated[str, typer.Option(help="xla (compiled) or numpy.", rich_help_panel=_TRAINING)] = "xla",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; by default runs/NAME-DATE-TIME.", rich_help_panel=_RUN)
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a run that is already there.", rich_help_panel=_RUN)
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out.", rich_help_panel=_RUN)
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.", rich_help_panel=_RUN)] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="One JSON object as the last line, nothing else on standard output.", rich_help_panel=_RUN
        ),
    ] = False,
) -> None:
    """Train a network on a data set or table, judge it on held-out rows, and keep it in a folder.

    Rows are split 70/15/15 into training, validation (for stopping) and test.
    """
    import sys

    import backlit as bl
    from backlit.cli import output, report
    from backlit.cli.job import Options, prepare

    options = Options(
        data=data, target=target, task=task, network=network, activation=activation, dropout=dropout, loss=loss,
        optimizer=optimizer, learning_rate=lr, l2=l2, seed=seed,
    )  # fmt: skip
    job = prepare(options)
    folder = out or _fresh(Path("runs"), job.name)
    for note in job.notes:
        print(note, file=sys.stderr)
    run = bl.fit(
        job.network,
        job.rows(job.train),
        job.y[job.train],
        loss=job.loss,
        optimizer=job.optimizer,
        epochs=epochs,
        batch_size=batch_size,
        validation=(job.rows(job.validation), job.y[job.validation]),
        seed=seed,
        penalty=job.penalty,
        early_stopping=bl.EarlyStopping(patience) if patience else None,
        engine=engine,
        preparation=job.preparation,
        standardize_targets=job.task == "regression",
        checkpoint=folder,
        resume=resume,
        overwrite=overwrite,
        progress=not quiet,
    )
    if run.diverged:
        from backlit.train.fit import ending

        output.fail(ending(run), output.WORK_FAILED)
    scores = run.evaluate(job.rows(job.test), job.y[job.test])
    if as_json:
        result = {"test": scores, "run": str(folder), "epochs": len(run.history), "seconds": round(run.seconds, 3)}
        output.emit(result)
    else:
        print(report.training(job, run, scores, folder))
    if run.stopped == "interrupted":
        sys.exit(output.INTERRUPTED)


def _fresh(parent: Path, name: str) -> Path:
    """A folder that isn't there yet, named for the data and the time."""
    import datetime

    stamp = datetime.datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    folder = parent / f"{name}-{stamp}"
    number = 2
    while folder.exists():
        folder = parent / f"{name}-{stamp}-{number}"
        number += 1
    return folder
