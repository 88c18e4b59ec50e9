"""`backlit tune`: settings searched for, and the best of them trained."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from backlit.cli.options import flagged
from backlit.cli.train import DATA, Outcome, finish, fresh
from backlit.settings import Declaration, build, declared
from backlit.tuning.wishes import Wishes

NAME = "tune"
SHOWN = 10  # trials of the table
EXAMPLES = (
    "Examples:\n\n"
    "backlit tune houses.csv --target price --trials 64 --out runs/houses\n\n"
    "backlit tune houses.csv --target price --try lr=1e-4..1e-1 --try network=mlp:64,mlp:64,64\n\n"
    "backlit tune iris.csv --target species --try dropout=0,0.1,0.3 --try optimizer=adamw,momentum --by accuracy\n\n"
    "backlit tune houses.csv --target price --time-limit 5m --workers 4\n\n"
    "backlit tune --resume --out runs/houses\n\n"
    "backlit tune houses.csv --target price --backend ray --address auto"
)
TRY = (
    "A setting and what is tried of it, several times for several: lr=1e-4..1e-1 (a range, by the logarithm from a "
    "factor of ten on; log: or linear: before it decides), batch_size=16,32,64 (a list), "
    "network='mlp:64|wired:32,a-b' (a list of values with commas). Settings: those of the network and the optimizer, "
    "weight_decay and momentum too, seed, pieces. By default what suits the data."
)


def flags() -> Iterable[Declaration]:
    """All options of the command, by heading: of the data, of the plan, of `fit`, of the search, and of the run."""
    from backlit.tasks.choose import data_options
    from backlit.tasks.options import Options, of_fit

    planned = [*data_options().values(), *declared(Options).values(), *of_fit().values()]
    options = [*planned, *declared(Wishes).values(), *declared(Outcome).values()]
    return [option for option in options if option.panel is not None]


@flagged(flags)
def command(
    ctx: typer.Context,
    data: Annotated[str | None, typer.Argument(help=DATA, metavar="DATA")] = None,
    tried: Annotated[
        list[str] | None, typer.Option("--try", help=TRY, metavar="NAME=VALUES", rich_help_panel="Search")
    ] = None,
    **given: Any,
) -> None:
    """Search for settings by successive halving, train the best and judge it on rows that no candidate saw.

    All candidates are trained for a few epochs, the better third goes on, and so on; those of one shape share one
    compiled program. Ctrl-C ends the search and trains the best so far; --resume goes on after whatever ended it.
    """
    from backlit.cli import config, output
    from backlit.languages import check_language
    from backlit.tasks.choose import of_fit_among, options_of, task_of
    from backlit.tasks.options import Call
    from backlit.trackers.named import named
    from backlit.tuning.bench import TaskBench
    from backlit.tuning.journal import Journal
    from backlit.tuning.searching import Tuner
    from backlit.tuning.space import typed
    from backlit.tuning.tune import tuned

    started = time.monotonic()
    outcome = Outcome(**{name: given[name] for name in declared(Outcome)})
    check_language(outcome.lang)
    if outcome.resume and outcome.out is None:
        raise_missing_folder()
    begun = Journal(outcome.out).read()["options"] if outcome.resume and data is None and outcome.out else {}
    choices = config.choices(_with_data(ctx, begun), outcome.config, None, without=declared(Outcome))
    choices = begun | {name: value for name, value in choices.items() if name not in begun or _was_typed(ctx, name)}
    words = list(choices.pop("tried", None) or tried or [])
    said = {name: choices[name] for name in declared(Wishes) if choices.get(name) is not None}
    wishes = build(Wishes, said | ({"space": typed(words)} if words else {}), "backlit tune")
    with output.stages(outcome.quiet) as stage:
        task, source = task_of(choices)
        material = task.read(source, stage)
    folder = outcome.out or fresh(Path("runs"), f"{material.name}-tuned")
    options = options_of(choices)
    say = (lambda sentence: None) if outcome.quiet else output.note
    of_search = config.to_keep({**choices, "tried": words})
    of_train = {name: value for name, value in of_search.items() if name not in (*declared(Wishes), "tried")}
    call = Call(training=of_fit_among(choices), say=say, started=started)
    tuner = Tuner(
        bench=TaskBench(task, material, options.replace(time_limit=None), call),
        wishes=wishes,
        seed=options.seed,
        folder=folder,
        resume=outcome.resume,
        overwrite=outcome.overwrite,
        progress=not outcome.quiet,
        seconds=options.time_limit,
        started=started,
        say=say,
        keep=of_search,
    )
    trackers = [named(words, folder.name) for words in outcome.track or ()]
    tuning = tuned(tuner, Call(config=of_train, callbacks=trackers))
    if not outcome.as_json:
        output.tell(shown(tuning, folder))
    finish(tuning.run, folder, outcome, {"tuning": tuning.to_dict()})
    if tuning.ended == "interrupted":
        output.leave(output.INTERRUPTED)


def raise_missing_folder() -> None:
    """Say that the folder to go on with isn't named."""
    from backlit.errors import InputError

    raise InputError("--resume needs --out FOLDER, the folder of the search to go on with")


def _with_data(ctx: typer.Context, begun: Mapping[str, Any]) -> typer.Context:
    """The context, with the data that a search was begun on where none was typed."""
    if ctx.params.get("data") is None and begun.get("data") is not None:
        ctx.params["data"] = begun["data"]
    return ctx


def _was_typed(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and not source.name.startswith("DEFAULT")


def shown(tuning: Any, folder: Path) -> str:
    """The best trials as a table, and which settings mattered."""
    from backlit.cli.output import table
    from backlit.tuning.tune import CSV, PICTURE

    names = list(tuning.trials[0]["settings"])
    head = ["place", "trial", tuning.score, "epochs", *names]
    lines = [
        [line["place"], line["trial"], "diverged" if line["score"] is None else f"{line['score']:.4f}", line["epochs"],
         *[_cell(line["settings"][name]) for name in names]]
        for line in tuning.trials[:SHOWN]
    ]  # fmt: skip
    more = len(tuning.trials) - len(lines)
    gone = sum(line["ended"] == "diverged" for line in tuning.trials)
    text = ["", table([head, *lines], left=(), indent="  ")]
    if more:
        text.append(f"  … and {more} more, all in {folder / 'search' / CSV}")
    if gone:
        text.append(f"{gone} of {len(tuning.trials)} trials diverged, to NaN or infinity: they count as losers")
    told = [f"{name} {share:.0%}" for name, share in tuning.mattered.items() if share >= 0.01]
    if told:
        text.append(f"of the differences after the first rung went with: {', '.join(told)}")
    elif tuning.mattered:
        text.append("no setting by itself made a difference after the first rung that chance doesn't make")
    return "\n".join([*text, f"picture: {folder / 'search' / PICTURE}"])


def _cell(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
