"""`backlit diagnose`: what went wrong in a run, why, and with --fix the run mended."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from backlit.errors import InputError

NAME = "diagnose"
EXAMPLES = (
    "Examples:\n\nbacklit diagnose runs/digits\n\nbacklit diagnose runs/digits --json\n\n"
    "backlit diagnose runs/digits --fix --out runs/better"
)


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN")],
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Try the remedies, keep what helps on held-out rows, and write the mended run."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the mended run; RUN-fixed by default.", metavar="FOLDER")
    ] = None,
    prove: Annotated[
        bool,
        typer.Option(
            "--prove/--no-prove",
            help="Settle competing causes by short trainings on the run's data, where that is at hand.",
        ),
    ] = True,
    time_limit: Annotated[float, typer.Option(help="Seconds that proofs may take.", metavar="SECONDS")] = 10.0,
    seeds: Annotated[
        int | None, typer.Option(help="Seeds with which each remedy is compared; 3 by default, at least 2.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Tell what is wrong with a run and why: causes first, each with measure, threshold, remedy and what follows.

    With --fix each remedy is tried, one after another, on the data that the run was trained on; the run itself stays as
    it is.
    """
    import backlit as bl
    from backlit.cli import output

    for name, given in (("--out", out), ("--seeds", seeds)):
        if given is not None and not fix:
            raise InputError(f"{name} is for --fix")
    loaded = bl.load(run)
    if fix:
        _fix(loaded, run, out, seeds, quiet, as_json)
        return
    diagnosis = _diagnosed(loaded, prove, time_limit, quiet or as_json)
    if as_json:
        output.emit(diagnosis.to_dict() | {"probes": bool(loaded.probes)})
        return
    output.tell(_to_paste(diagnosis, loaded))
    if not loaded.probes or loaded.start is None:
        output.note(
            "this run has no probes, or was trained by an older version: only its history could be judged; train with "
            "probes='standard', the default, for what goes on inside"
        )


def _to_paste(diagnosis: Any, run: Any) -> Any:
    """The same with options of the command as the whole command that trains this run with them."""
    from dataclasses import replace

    from backlit.report.reproduce import amended

    return type(diagnosis)(replace(each, typed=amended(run, each.command) or each.typed) for each in diagnosis)


def _diagnosed(loaded: Any, prove: bool, time_limit: float, quiet: bool) -> Any:
    """The diagnosis, with proofs where the run's data is at hand and something is wrong."""
    from backlit.cli import output

    if not 0 < time_limit < float("inf"):
        raise InputError(f"--time-limit must be a number of seconds above 0, got {time_limit:g}")
    diagnosis = loaded.diagnose()
    if not prove or not diagnosis.alarms:
        return diagnosis
    with output.stages(quiet) as stage:
        try:
            recipe = recipe_of_folder(loaded, stage)
        except InputError:  # its data isn't at hand: what was measured has to do
            return diagnosis
        return loaded.diagnose(prove=True, recipe=recipe, time_limit=time_limit, progress=stage)


def _fix(loaded: Any, run: Path, out: Path | None, seeds: int | None, quiet: bool, as_json: bool) -> None:
    from backlit.cli import output
    from backlit.doctor.repair.fix import SEEDS
    from backlit.doctor.repair.fix import fix as repaired
    from backlit.run import Run

    folder = folder_for(run, out)
    diagnosis = loaded.diagnose()
    with output.stages(quiet) as stage:
        recipe = recipe_of_folder(loaded, stage)
        repair = repaired(loaded, recipe=recipe, seeds=SEEDS if seeds is None else seeds, progress=stage)
    written = Run.of(repair.run).save(folder, report="en") if repair.kept else None
    if as_json:
        findings = diagnosis.to_dict() | repair.to_dict()
        output.emit(findings | {"run": None if written is None else str(written)})
    else:
        output.tell(_to_paste(diagnosis, loaded))
        output.tell(f"\n{repair}")
        if written is not None:
            output.tell(f"\nmended run: {written}")
    if repair.interrupted:
        output.leave(output.INTERRUPTED)


def recipe_of_folder(run: Any, stage: Any) -> Any:
    """What trained a run of the command: its config.toml, on the data that is named there.

    Raises
    ------
    InputError
        If the run wasn't trained by the command, or its data is gone or has changed.
    """
    from backlit.tasks.choose import is_file, of_fit_among, options_of, task_of
    from backlit.tasks.options import Call
    from backlit.train.fingerprint import same_data

    if run.config is None:
        raise InputError(
            f"{run.folder} was trained in Python and doesn't hold its data (no config.toml): mend it there, with "
            "run.fix(), or bl.load(folder).fix(x, y)"
        )
    data = str(run.config.get("data"))
    if is_file(data) and not Path(data).exists():
        raise InputError(f"{run.folder} was trained on {data}, which isn't there; run the command where it was trained")
    task, source = task_of(run.config)
    options = options_of({name: value for name, value in run.config.items() if name != "time_limit"})
    recipe, _ = task.recipe(task.read(source, stage), options, Call())
    recipe = recipe.replace(**of_fit_among(run.config))
    if not same_data(run.settings.get("data"), recipe.examples()):
        raise InputError(
            f"{data} isn't what {run.folder} was trained on any more: rows, targets or their split differ; train again"
        )
    return recipe


def folder_for(run: Path, out: Path | None) -> Path:
    """Where the mended run goes, which must not be there yet."""
    folder = out or run.with_name(f"{run.resolve().name}-fixed")
    if folder.exists():
        raise InputError(f"{folder} is already there; choose another with --out")
    return folder
