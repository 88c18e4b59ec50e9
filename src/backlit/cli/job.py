"""What `train` and `lr-find` are asked to do, as material and options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backlit.cli.declared import kinds, seconds, shares
from backlit.errors import InputError
from backlit.train.fit_table import material_of_table
from backlit.train.workflow.material import Material, from_dataset
from backlit.train.workflow.options import Options


def options_of(choices: dict[str, Any]) -> Options:
    """The workflow's options among the command's; those that weren't given keep their defaults."""
    fields = Options.__dataclass_fields__
    given = {name: value for name, value in choices.items() if value is not None and name in fields}
    if "time_limit" in given:
        given["time_limit"] = seconds(given["time_limit"])
    if "split" in given:
        given["split"] = shares(given["split"])
    return Options(**given)


def material_of(choices: dict[str, Any], stage: Any = None) -> Material:
    """A file with its target, or a data set by name."""
    data, target = choices["data"], choices.get("target")
    if is_file(data):
        if not target:
            raise InputError(f"{data}: say which column to predict: --target COLUMN ({_columns(data)})")
        return material_of_table(
            data,
            target,
            task=choices.get("task"),
            columns=kinds(choices.get("columns")),
            group=choices.get("group"),
            time=choices.get("time"),
            horizon=choices.get("horizon"),
            window=choices.get("window"),
            series=choices.get("series"),
            test=choices.get("test"),
            decimal=choices.get("decimal"),
            progress=stage,
        )
    for name in ("target", "task", "columns", "group", "time", "horizon", "window", "series", "test", "decimal"):
        if choices.get(name):
            raise InputError(f"--{name} is for tables; {data} is a data set with its own target")
    return from_dataset(data)


def is_file(name: str) -> bool:
    """Whether DATA names a file rather than a data set."""
    return Path(name).exists() or any(character in name for character in "./\\")


def _columns(path: str) -> str:
    """The columns of a file, to choose from."""
    from backlit.data import read
    from backlit.data.table.values import some

    return "it has " + some(read(path).columns, 20)
