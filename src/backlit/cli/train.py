"""`backlit train`: a data set or a table in, a trained and judged run out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from backlit.cli.launching.placing import Placing
from backlit.cli.options import flagged
from backlit.settings import Declaration, Record, declared, option, same
from backlit.train.keeping import Checkpoint
from backlit.train.training import RUN

NAME = "train"
JOB = (
    'data = "houses.csv"',
    'target = "price"',
    'columns = {colour = "category"}',
    'network = "residual:32,32"',
    'optimizer = "adam:beta1=0.8"',
    "lr = 0.005",
    'schedule = "step:10,0.5"',
    "epochs = 20",
)
EXAMPLES = (
    "Examples:\n\n"
    "backlit train digits\n\n"
    "backlit train moons --network mlp:8,8 --out runs/moons\n\n"
    "backlit train houses.csv --target price --network mlp:64,32 --epochs 50 --out runs/houses\n\n"
    "backlit train pictures/ --network cnn:32,64 --size 24 --out runs/pictures\n\n"
    "backlit train reviews.csv --text review --target label\n\n"
    "backlit train reviews.csv --text review --target label --network transformer:2x64 --out runs/reviews\n\n"
    "backlit train sales.csv --target sold --time date --horizon 7 --series shop\n\n"
    "backlit train pairs.csv --text en --target ko --to text\n\n"
    "backlit train chat.csv --text question --target answer --to text --attention additive\n\n"
    "backlit train photos.csv --picture file --target caption\n\n"
    "backlit train sentences.csv --text words --target tags --to tags --network bilstm:64\n\n"
    "backlit train clips/ --frames 8 --network 'cnn:16,32 lstm:64'\n\n"
    "backlit train reviews.csv --text review --target label --vectors vectors.txt --freeze embeddings\n\n"
    "backlit train book.txt --network lstm:128 --time-limit 5m --out runs/book\n\n"
    "backlit train houses.csv --target price --network residual:32,32 --initializer he_normal --l1 1e-4 --l2 1e-4\n\n"
    "backlit train houses.csv --target price --network wired:32,random=8,weights=learned --dropconnect 0.1\n\n"
    "backlit train houses.csv --target price --optimizer momentum:0.95 --lr 0.01 --schedule 'warmup:2 cosine'\n\n"
    "backlit train houses.csv --target price --optimizer lbfgs --until-loss 0.05\n\n"
    "backlit train houses.csv --target price --optimizer least_squares\n\n"
    "backlit train houses.csv --target price --output-activation softplus --batch-size full\n\n"
    "backlit train houses.csv --target price --track tensorboard:logs --track mlflow:sqlite:///mlflow.db\n\n"
    "backlit train --config job.toml --epochs 5\n\n"
    "where job.toml has any of the options, one a line:\n\n" + "\n\n".join(JOB)
)
DATA = (
    "A table (.csv, .tsv, .parquet, .arrow, .avro, .json, .jsonl, .npz, .npy, .xlsx, .sqlite, .arff, .libsvm and their "
    "like, also in .gz, .bz2, .xz, .zst or .zip; - for standard input; FILE::PART where a file holds several), a text "
    "to go on with (.txt), tagged sentences (.conll, .conllu), a folder with one folder of pictures or clips a class, "
    "or digits, iris, wine, breast_cancer, "
    "diabetes, moons, circles, spirals, xor, blobs."
)


@dataclass(frozen=True, repr=False)
class Outcome(Record):
    """Where the run goes, and what is told of it; nothing of what is trained."""

    out: Path | None = option(None, panel=RUN, help="Folder of the run; by default runs/NAME-DATE-TIME")
    config: Path | None = option(
        None,
        panel=RUN,
        help="A job as a file: options as lines of TOML, or a run's config.toml. Options typed here come first",
    )
    overwrite: bool = same(Checkpoint, "overwrite", panel=RUN, help="Replace a run that is already there")
    resume: bool = same(Checkpoint, "resume", panel=RUN, help="Go on with the run in --out, as it was begun")
    track: Sequence[str] | None = option(
        None,
        panel=RUN,
        help="Tell a tracker, too: tensorboard:FOLDER, mlflow:STORE (sqlite:///mlflow.db), wandb:FOLDER (offline). "
        "May be given several times.",
    )
    no_report: bool = option(False, panel=RUN, help="Write no report.html into the run's folder")
    lang: str = option("en", panel=RUN, help="Language in which the report opens: en or ko")
    quiet: bool = option(False, flags=("--quiet", "-q"), panel=RUN, help="No progress")
    as_json: bool = option(
        False, flags=("--json",), panel=RUN, help="One JSON object as the last line, nothing else on standard output"
    )


def flags() -> Iterable[Declaration]:
    """All options of the command, by heading: of the data, of the plan, of `fit`, and of what becomes of the run."""
    from backlit.tasks.choose import data_options
    from backlit.tasks.options import Options, of_fit

    options = [*data_options().values(), *declared(Options).values(), *of_fit().values(), *declared(Outcome).values()]
    return [option for option in [*options, *declared(Placing).values()] if option.panel is not None]


@flagged(flags)
def command(
    ctx: typer.Context, data: Annotated[str | None, typer.Argument(help=DATA, metavar="DATA")] = None, **given: Any
) -> None:
    """Train a network on a table, pictures or a data set, judge it on rows that it never saw, and keep it in a folder.

    Rows are split into training, validation (for stopping) and test rows; whatever isn't said is chosen by the data.
    """
    from backlit import distributed
    from backlit.cli import config, output
    from backlit.cli.launching import placing
    from backlit.languages import check_language
    from backlit.run import Run
    from backlit.store.checkpoint import FolderKeeper
    from backlit.tasks.choose import of_fit_among, options_of, task_of
    from backlit.tasks.options import Call

    started = time.monotonic()
    outcome = Outcome(**{name: given[name] for name in declared(Outcome)})
    check_language(outcome.lang)
    own = {**declared(Outcome), **declared(Placing)}
    choices = config.choices(ctx, outcome.config, outcome.out if outcome.resume else None, without=own)
    placing.take(Placing(**{name: given[name] for name in declared(Placing)}), choices["data"])
    options = options_of(choices)
    if outcome.out is not None:
        checkpoint = Checkpoint(outcome.out, resume=outcome.resume, overwrite=outcome.overwrite)
        if not distributed.once(FolderKeeper(checkpoint).check) and outcome.resume:
            output.note(f"{outcome.out} holds nothing to go on with yet: the run begins anew")
    with output.stages(outcome.quiet) as stage:
        task, source = task_of(choices)
        material = task.read(source, stage)
    folder = outcome.out or Path(distributed.once(lambda: str(fresh(Path("runs"), material.name))))
    call = Call(
        checkpoint=Checkpoint(folder, resume=outcome.resume, overwrite=outcome.overwrite),
        progress=not outcome.quiet,
        say=output.note,
        config=config.to_keep(choices),
        callbacks=trackers(outcome.track or (), folder.name),
        started=started,
        training=of_fit_among(choices),
    )
    finish(Run.of(task.train(material, options, call)), folder, outcome)


def trackers(words: Iterable[str], name: str) -> list[Any]:
    """Those that are to be told, too; what they need is imported for them alone."""
    if not words:
        return []
    from backlit.trackers.named import named

    return [named(each, name) for each in words]


def finish(run: Any, folder: Path, outcome: Outcome, more: Mapping[str, Any] | None = None) -> None:
    """Keep a trained run in its folder, print what is to be told of it, write its report; end if it failed.

    `more` is put to the JSON object.
    """
    from backlit import distributed
    from backlit.cli import output, printing
    from backlit.run import save_report
    from backlit.train.result import ending

    if run.diverged:
        if run.history and not outcome.no_report:
            output.note(f"report: {distributed.once(lambda: str(save_report(run, outcome.lang)))}")
        output.fail(ending(run), output.WORK_FAILED)
    if not run.history:
        output.fail(ending(run), output.INTERRUPTED)
    run.save(folder, overwrite=True)
    if outcome.as_json:
        judgement = run.judgement or {}
        scores = {"test": judgement.get("scores"), "judgement": judgement}
        found = [finding.name for finding in run.diagnose().alarms]
        seconds = round(run.seconds, 3)
        told = {**scores, "findings": found, "run": str(folder), "epochs": len(run.history), "seconds": seconds}
        output.emit({**told, **(more or {})})
    else:
        output.tell(printing.training(run, folder, run.diagnose().alarms))
    if not outcome.no_report:  # now that the result is known: drawing takes a second or two
        written = distributed.once(lambda: str(save_report(run, outcome.lang)))
        if not outcome.as_json:
            output.tell(f"report: {written}")
    if run.stopped == "interrupted":
        distributed.barrier("finished")  # a launcher that sees one end so stops the first, which may still be writing
        output.leave(output.INTERRUPTED)


def fresh(parent: Path, name: str) -> Path:
    """A folder that isn't there yet, named for the data and the time."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = parent / f"{name}-{stamp}"
    number = 2
    while folder.exists():
        folder = parent / f"{name}-{stamp}-{number}"
        number += 1
    return folder
