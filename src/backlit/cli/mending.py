"""`backlit diagnose RUN --fix`: the run of a folder, trained again with its findings' remedies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backlit.errors import InputError


def recipe_of_folder(run: Any, stage: Any) -> Any:
    """What trained a run of the command: its config.toml, on the data that is named there.

    Raises
    ------
    InputError
        If the run wasn't trained by the command, learns a text as a stream, or its data is gone or has changed.
    """
    from backlit.tasks.choose import is_file, material_of, options_of
    from backlit.tasks.stream import TextStream
    from backlit.tasks.train import recipe_for
    from backlit.train.fingerprint import same_data

    if run.config is None:
        raise InputError(
            f"{run.folder} was trained in Python and doesn't hold its data (no config.toml): mend it there, with "
            "run.fix(), or bl.load(folder).fix(x, y)"
        )
    data = str(run.config.get("data"))
    if is_file(data) and not Path(data).exists():
        raise InputError(f"{run.folder} was trained on {data}, which isn't there; run the command where it was trained")
    material = material_of(run.config, stage)
    if isinstance(material, TextStream):
        raise InputError(
            f"{run.folder} goes on with a text; --fix mends runs on tables, pictures, series and data sets"
        )
    recipe, _ = recipe_for(
        material, options_of({name: own for name, own in run.config.items() if name != "time_limit"})
    )
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
