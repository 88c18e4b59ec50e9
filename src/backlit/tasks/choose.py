"""What `train` and `lr-find` are asked to do, as material and options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backlit.cli.options import height_and_width, kinds, seconds, shares
from backlit.data.files.kinds import is_table
from backlit.engine.cache import pictures_folder
from backlit.errors import InputError
from backlit.tasks.fit_table import material_of_table
from backlit.tasks.options import Options
from backlit.tasks.pictures import from_pictures
from backlit.tasks.stream import TextStream, from_text
from backlit.tasks.task import Material, from_dataset

TABLES = (
    "target", "text", "tokens", "task", "columns", "group", "time", "horizon", "window", "series", "test", "decimal",
)  # fmt: skip
PICTURES = ("size", "skip_broken")


def options_of(choices: dict[str, Any]) -> Options:
    """The workflow's options among the command's; those that weren't given keep their defaults."""
    fields = Options.__dataclass_fields__
    given = {name: value for name, value in choices.items() if value is not None and name in fields}
    if "time_limit" in given:
        given["time_limit"] = seconds(given["time_limit"])
    if "split" in given:
        given["split"] = shares(given["split"])
    return Options(**given)


def material_of(choices: dict[str, Any], stage: Any = None) -> Material | TextStream:
    """A file with its target, a text, a folder of pictures, or a data set by name."""
    data, target = choices["data"], choices.get("target")
    if Path(data).is_dir():
        _refuse(choices, TABLES, f"is for tables; {data} is a folder, of pictures")
        return from_pictures(
            data,
            size=height_and_width(choices.get("size")),
            skip_broken=bool(choices.get("skip_broken")),
            cache=pictures_folder(),
            progress=stage,
        )
    if is_file(data):
        what = "is a file" if Path(data).exists() else "doesn't exist"
        _refuse(choices, PICTURES, f"is for folders of pictures; {data} {what}")
        if not target and is_text(data):
            others = [name for name in TABLES if name not in ("tokens", "window")]
            _refuse(choices, tuple(others), f"is for tables; {data} is learned as a text, for want of a --target")
            return from_text(Path(data), choices.get("tokens") or "characters", choices.get("window"))
        if not target:
            raise InputError(f"{data}: say which column to predict: --target COLUMN ({_columns(data)})")
        return material_of_table(
            data,
            target,
            text=choices.get("text") or None,
            tokens=choices.get("tokens"),
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
    _refuse(choices, TABLES, f"is for tables; {data} is a data set with its own target")
    _refuse(choices, PICTURES, f"is for folders of pictures; {data} is a data set")
    return from_dataset(data)


def _refuse(choices: dict[str, Any], names: tuple[str, ...], why: str) -> None:
    for name in names:
        if choices.get(name):
            raise InputError(f"--{name.replace('_', '-')} {why}")


def is_file(name: str) -> bool:
    """Whether DATA names a file rather than a data set."""
    return Path(name).exists() or any(character in name for character in "./\\")


def is_text(name: str) -> bool:
    """Whether a file's name doesn't say that it holds a table: then, without a target, it is a text to go on with."""
    return not is_table(name)


def _columns(path: str) -> str:
    """The columns of a file, to choose from."""
    from backlit.data import read
    from backlit.data.table.values import some

    return "it has " + some(read(path).columns, 20)
