"""`backlit diagnose`: what went wrong in a run, why, and with --fix the run mended."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

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
    seeds: Annotated[
        int | None, typer.Option(help="Seeds with which each remedy is compared; 3 by default, at least 2.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Findings: causes first, each with what was measured, the threshold, the remedy and what follows from it.

    With --fix each remedy is tried, one after another, on the data that the run was trained on; the run itself stays as
    it is.
    """
    import backlit as bl
    from backlit.cli import output
    from backlit.errors import InputError

    for name, given in (("--out", out), ("--seeds", seeds)):
        if given is not None and not fix:
            raise InputError(f"{name} is for --fix")
    loaded = bl.load(run)
    if fix:
        _fix(loaded, run, out, seeds, quiet, as_json)
        return
    found = loaded.diagnose()
    if as_json:
        output.emit(found.to_dict() | {"probes": bool(loaded.probes)})
        return
    print(found)
    if not loaded.probes or loaded.start is None:
        output.note(
            "this run has no probes, or was trained by an older version: only its history could be judged; train with "
            "probes='standard', the default, for what goes on inside"
        )


def _fix(loaded: Any, run: Path, out: Path | None, seeds: int | None, quiet: bool, as_json: bool) -> None:
    from backlit.cli import output
    from backlit.cli.mending import folder_for, recipe_of_folder
    from backlit.doctor.repair.fix import SEEDS
    from backlit.doctor.repair.fix import fix as mend

    folder = folder_for(run, out)
    found = loaded.diagnose()
    with output.stages(quiet) as stage:
        recipe = recipe_of_folder(loaded, stage)
        repair = mend(loaded, recipe=recipe, seeds=SEEDS if seeds is None else seeds, progress=stage)
    written = repair.run.save(folder, report="en") if repair.kept else None
    if as_json:
        told = found.to_dict() | repair.to_dict()
        output.emit(told | {"run": None if written is None else str(written)})
    else:
        print(found if len(found) else "no findings")
        print(f"\n{repair}")
        if written is not None:
            print(f"\nmended run: {written}")
    if repair.interrupted:
        output.leave(output.INTERRUPTED)
