"""A training job as a TOML file: what a run keeps as config.toml, or one writes by hand; options as flags have them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import typer

from backlit.errors import InputError, unknown


def choices(
    ctx: typer.Context, config: Path | None, begun: Path | None, without: Collection[str] = ()
) -> dict[str, Any]:
    """The command's options by name: typed ones first, then those of a config file, then defaults.

    Parameters
    ----------
    ctx : typer.Context
        Of the command, which knows what was typed.
    config : path, optional
        A run's config.toml, or a file written by hand: see `read`.
    begun : path, optional
        The folder of a run that is to go on: its config.toml is taken if no data was named.
    without : names, optional
        Options that say where a run goes and what is shown of it, not what it is.

    Raises
    ------
    InputError
        If a file can't be read or has an option that isn't known (the nearest is named), or if no data is named.
    """
    typed = {name: value for name, value in ctx.params.items() if name not in without}
    if config is None and begun is not None and typed.get("data") is None and (begun / "config.toml").exists():
        config = begun / "config.toml"
    if config is not None:
        for name, value in read(config, typed, without).items():
            source = ctx.get_parameter_source(name)
            if source is None or source.name.startswith("DEFAULT"):
                typed[name] = value
    if typed.get("data") is None and begun is not None:
        raise InputError(f"{begun} holds no run of this command to go on with (no config.toml)")
    if typed.get("data") is None:
        raise InputError(
            'say what to train on: backlit train DATA, or --config FILE with a line such as data = "a.csv"'
        )
    return typed


def to_keep(choices: dict[str, Any]) -> dict[str, Any]:
    """The options as plain data, without those that were left open."""
    plain = {name: str(value) if isinstance(value, Path) else value for name, value in choices.items()}
    return {name: value for name, value in plain.items() if not (value is None or value is False or value in ([], ()))}


def read(path: Path, known: Collection[str], elsewhere: Collection[str] = ()) -> dict[str, Any]:
    """The options of a file, by name.

    A name is an option's as the flags have it, with or without its dashes: batch_size, batch-size, lr. Values are as
    they are typed behind the flag, or as TOML has them: numbers, true, a list for what may be given several times, a
    table of columns, and a table of layers for the network.

    Parameters
    ----------
    path : Path
    known : names
    elsewhere : names
        Those that are typed, and no part of a job.

    Raises
    ------
    InputError
        If the file can't be read, or a line isn't an option or has no such value; the line and the nearest are named.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        lines = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"--config {path} can't be read: {error}; expected lines such as epochs = 50") from error
    names, options = _names(known), {}
    for key, value in lines.items():
        where = f"{path}{_line(text, key)}"
        name = names.get(key.replace("-", "_"))
        if name is None and key.replace("-", "_") in elsewhere:
            raise InputError(f"{where}: {key} says what becomes of the run and isn't part of a job: type --{key}")
        if name is None:
            raise InputError(f"{where}: {unknown('option', key, names)}")
        if name in options:
            raise InputError(f"{where}: {key} is {name}, which another line gives already")
        options[name] = _network(value, where) if name == "network" else _value(name, value, where)
    return options


def _names(known: Collection[str]) -> dict[str, str]:
    """Options by each name that a file may have them under."""
    from backlit.tasks.choose import flag_of

    flags = {flag_of(name).lstrip("-").replace("-", "_"): name for name in known if name != "data"}
    return {**flags, **{name: name for name in known}}


def _line(text: str, key: str) -> str:
    """Where a key stands, for messages."""
    named = re.compile(rf"\s*(\[\s*)?[\"']?{re.escape(key)}\b")
    number = next((i for i, line in enumerate(text.splitlines(), 1) if named.match(line)), None)
    return f", line {number}" if number else ""


def _value(name: str, value: Any, where: str) -> Any:
    """A value as TOML has it; what none of the options takes is refused here, the rest by the option itself."""
    plain = isinstance(value, (bool, int, float, str))
    listed = isinstance(value, list) and all(isinstance(item, (int, float, str)) for item in value)
    table = isinstance(value, dict) and name == "columns" and all(isinstance(kind, str) for kind in value.values())
    if not (plain or listed or table):
        raise InputError(f"{where}: {name} must be a text, a number, true or false, or a list of them, got {value!r}")
    return value


def _network(value: Any, where: str) -> Any:
    """A network by its words, in a list if one likes, or layer by layer as `Layer.to_dict` has it."""
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return " ".join(value)
    if isinstance(value, Mapping):
        from backlit.nn.layer import Layer

        try:
            Layer.from_dict(dict(value))
        except InputError as error:
            raise InputError(f"{where}: network: {error}") from None
    elif not isinstance(value, str):
        raise InputError(f'{where}: network must be words such as "mlp:64,32", or a table of layers, got {value!r}')
    return value
