"""`backlit train`: a data set or a table in, a trained and judged run out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from backlit.cli.options import declared

NAME = "train"
EXAMPLES = (
    "Examples:\n\n"
    "backlit train digits\n\n"
    "backlit train houses.csv --target price --network mlp:64,32 --epochs 50 --out runs/houses\n\n"
    "backlit train pictures/ --network cnn:32,64 --size 24 --out runs/pictures\n\n"
    "backlit train reviews.csv --text review --target label\n\n"
    "backlit train sales.csv --target sold --time date --horizon 7 --series shop\n\n"
    "backlit train book.txt --network lstm:128 --time-limit 5m --out runs/book"
)
_DATA, _NETWORK, _TRAINING, _RUN = "Data", "Network", "Training", "Run"


def command(
    ctx: typer.Context,
    data: Annotated[
        str | None,
        typer.Argument(
            help="A table (.csv, .tsv, .gz, .parquet, .arrow, .jsonl, .npz, .xlsx), a text to go on with (.txt), a "
            "folder with one folder of pictures a class, or digits, iris, wine, breast_cancer, diabetes, moons, "
            "circles, spirals, xor, blobs.",
            metavar="DATA",
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            help="Column to predict. Give it several times for several labels or numbers.", rich_help_panel=_DATA
        ),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(
            help="Column of texts to predict from. Given several times, the texts are joined.", rich_help_panel=_DATA
        ),
    ] = None,
    tokens: Annotated[
        str | None,
        typer.Option(
            help="What texts are split into: words, characters, syllables, jamo or bytes; by default told from their "
            "script for --text, and characters for a text to go on with.",
            rich_help_panel=_DATA,
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="classification, regression or multi_label; by default told from the target.", rich_help_panel=_DATA
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            help="What columns are, where the data doesn't say: zip=category,id=drop, or a TOML file with such lines. "
            "Kinds: number, robust, log, category, date, season, drop.",
            rich_help_panel=_DATA,
        ),
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Column whose equal values stay in one part of the split.", rich_help_panel=_DATA)
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(help="Column to split by: train on the past, judge on what follows.", rich_help_panel=_DATA),
    ] = None,
    horizon: Annotated[
        int | None,
        typer.Option(
            help="Predict the target's next so many values: DATA is a time series, its times in --time.",
            rich_help_panel=_DATA,
        ),
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(
            help="Steps of a series' past to predict from, by default two seasons or horizons; for a text the tokens "
            "through which gradients go back, 64.",
            rich_help_panel=_DATA,
        ),
    ] = None,
    series: Annotated[
        str | None, typer.Option(help="Column that tells several time series apart.", rich_help_panel=_DATA)
    ] = None,
    test: Annotated[
        Path | None, typer.Option(help="File of test rows, instead of a share of DATA.", rich_help_panel=_DATA)
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="Shares of training, validation and test rows; 70/15/15 by default.", rich_help_panel=_DATA),
    ] = None,
    decimal: Annotated[
        str | None, typer.Option(help='Decimal mark, "," or "."; by default told from the file.', rich_help_panel=_DATA)
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="What pictures are brought to: 32, or 32x48 (height, width). By default the median size, at most 64.",
            rich_help_panel=_DATA,
        ),
    ] = None,
    skip_broken: Annotated[
        bool,
        typer.Option("--skip-broken", help="Leave out pictures that can't be read, and say so.", rich_help_panel=_DATA),
    ] = False,
    augment: Annotated[
        str | None,
        typer.Option(
            help="Change training pictures by chance: 'shift:0.1 rotate:10 scale:0.1 flip cutout:0.2 brightness:0.2 "
            "mixup:0.2', any of them.",
            rich_help_panel=_DATA,
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            help="mlp:64,32 (hidden layers), linear, cnn:32,64, resnet:8, lstm:64, gru:64, bilstm:64, or layers: "
            "'conv:16,3 relu pool:2 flatten linear:64 relu'. By default chosen by the data.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    activation: Annotated[
        str | None, typer.Option(help="Between the layers; silu by default.", rich_help_panel=_NETWORK)
    ] = None,
    dropout: Annotated[float | None, declared("dropout", panel=_NETWORK)] = None,
    ensemble: Annotated[int | None, declared("ensemble", panel=_NETWORK)] = None,
    loss: Annotated[
        str | None, typer.Option(help="By default cross_entropy or mean_squared_error.", rich_help_panel=_TRAINING)
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(
            help="adamw (by default), adam, sgd, momentum, nesterov, adagrad, rmsprop.", rich_help_panel=_TRAINING
        ),
    ] = None,
    learning_rate: Annotated[float | None, declared("learning_rate", "--lr", panel=_TRAINING)] = None,
    epochs: Annotated[int | None, declared("epochs", panel=_TRAINING)] = None,
    batch_size: Annotated[int | None, declared("batch_size", panel=_TRAINING)] = None,
    l2: Annotated[float, declared("l2", panel=_TRAINING)] = 0.0,
    patience: Annotated[int | None, declared("patience", panel=_TRAINING)] = None,
    balance: Annotated[
        bool,
        typer.Option(
            "--balance", help="Weigh classes equally, however many rows they have.", rich_help_panel=_TRAINING
        ),
    ] = False,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="Divide outputs by the temperature that makes probabilities honest.",
            rich_help_panel=_TRAINING,
        ),
    ] = False,
    time_limit: Annotated[
        str | None,
        typer.Option(
            help="Longest time for the whole job: 90s, 5m, 1.5h. The best so far is kept.", rich_help_panel=_TRAINING
        ),
    ] = None,
    seed: Annotated[int, declared("seed", panel=_TRAINING)] = 0,
    engine: Annotated[str, typer.Option(help="xla (compiled) or numpy.", rich_help_panel=_TRAINING)] = "xla",
    devices: Annotated[int | None, declared("devices", panel=_TRAINING)] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; by default runs/NAME-DATE-TIME.", rich_help_panel=_RUN)
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="Repeat a run: its config.toml. Options typed here come first.", rich_help_panel=_RUN),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a run that is already there.", rich_help_panel=_RUN)
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out, as it was begun.", rich_help_panel=_RUN)
    ] = False,
    no_report: Annotated[
        bool, typer.Option("--no-report", help="Write no report.html into the run's folder.", rich_help_panel=_RUN)
    ] = False,
    lang: Annotated[
        str, typer.Option(help="Language in which the report opens: en or ko.", rich_help_panel=_RUN)
    ] = "en",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.", rich_help_panel=_RUN)] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="One JSON object as the last line, nothing else on standard output.",
            rich_help_panel=_RUN,
        ),
    ] = False,
) -> None:
    """Train a network on a table, pictures or a data set, judge it on rows that it never saw, and keep it in a folder.

    Rows are split into training, validation (for stopping) and test rows; whatever isn't said is chosen by the data.
    """
    import time as clock

    from backlit.cli import config as configuration
    from backlit.cli import output
    from backlit.cli import printing as report
    from backlit.languages import check_language
    from backlit.run import Run, save_report
    from backlit.tasks.choose import material_of, options_of
    from backlit.tasks.stream import TextStream, train_stream
    from backlit.tasks.train import train
    from backlit.train.result import ending

    started = clock.monotonic()
    check_language(lang)
    choices = configuration.choices(ctx, config, out if resume else None)
    options = options_of(choices)
    with output.stages(quiet) as stage:
        material = material_of(choices, stage)
    folder = out or _fresh(Path("runs"), material.name)
    work: Any = train_stream if isinstance(material, TextStream) else train
    run = work(
        material,
        options,
        checkpoint=folder,
        resume=resume,
        overwrite=overwrite,
        progress=not quiet,
        say=output.note,
        config=configuration.to_keep(choices),
        started=started,
    )
    run = Run.of(run)
    if run.diverged:
        if run.history and not no_report:
            output.note(f"report: {save_report(run, lang)}")
        output.fail(ending(run), output.WORK_FAILED)
    if not run.history:
        output.fail(ending(run), output.INTERRUPTED)
    run.save(folder, overwrite=True)
    if as_json:
        judgement = run.judgement or {}
        told = {"test": judgement.get("scores"), "judgement": judgement}
        output.emit({**told, "run": str(folder), "epochs": len(run.history), "seconds": round(run.seconds, 3)})
    else:
        print(report.training(run, folder), flush=True)
    if not no_report:  # now that the result is known: drawing takes a second or two
        written = save_report(run, lang)
        if not as_json:
            print(f"report: {written}")
    if run.stopped == "interrupted":
        output.leave(output.INTERRUPTED)


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
