"""A training job as config.toml: written with each run, and enough to train it again."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
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
        A run's config.toml.
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
        for name, value in _read(config, typed).items():
            source = ctx.get_parameter_source(name)
            if source is None or source.name.startswith("DEFAULT"):
                typed[name] = value
    if typed.get("data") is None and begun is not None:
        raise InputError(f"{begun} holds no run of this command to go on with (no config.toml)")
    if typed.get("data") is None:
        raise InputError("say what to train on: backlit train DATA, or --config FILE")
    return typed


def to_keep(choices: dict[str, Any]) -> dict[str, Any]:
    """The options as plain data, without those that were left open."""
    plain = {name: str(value) if isinstance(value, Path) else value for name, value in choices.items()}
    return {name: value for name, value in plain.items() if not (value is None or value is False or value in ([], ()))}


def _read(path: Path, known: dict[str, Any]) -> dict[str, Any]:
    try:
        options = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"--config {path} can't be read: {error}; expected a run's config.toml") from error
    for name in options:
        if name not in known:
            raise unknown(f"option in {path}", name, known)
    return options
