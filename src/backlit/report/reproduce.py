"""How to train a run again: the command, or what training was called with, and the versions at hand."""

from __future__ import annotations

import shlex
import sys
from importlib.metadata import version
from typing import Any

import tomli_w

from backlit._version import __version__

LIBRARIES = ("numpy", "jax")


def command(config: dict[str, Any]) -> list[str]:
    """The command line that makes the choices of a run's config.toml, option by option.

    >>> command({"data": "my houses.csv", "target": ["price"], "learning_rate": 0.002, "balance": True})
    ['backlit train', "'my houses.csv'", '--target price', '--lr 0.002', '--balance']
    """
    from backlit.tasks.choose import flag_of  # reports of runs in Python need no tasks

    words = ["backlit train", shlex.quote(str(config["data"]))]
    for name, value in config.items():
        option = flag_of(name)
        if value is True:
            words.append(option)
        elif name != "data" and value is not False:
            words += [
                shlex.join([option, str(each)]) for each in (value if isinstance(value, (list, tuple)) else [value])
            ]
    return words


def amended(run: Any, options: str) -> str | None:
    """A remedy as the whole command that trains this run anew with other options: what can be pasted.

    Parameters
    ----------
    run : Run
    options : str
        Of the command, as a finding has them: "--lr 0.001". What is a command of its own, for a table of the user's,
        helps those who trained in Python; to a run of the command it says nothing new.

    Returns
    -------
    str or None
        None where there is nothing to paste.
    """
    config = run.config if run.config and run.config.get("data") else None
    if config is None or not options:
        return options or None
    if not options.startswith("--"):
        return None
    from backlit.tasks.choose import default_of

    changed = {word for word in shlex.split(options, comments=True) if word.startswith("--")}
    said = {name: value for name, value in config.items() if value != default_of(name)}
    return " ".join([*(part for part in command(said) if part.split()[0] not in changed), options])


def reproduce(run: Any) -> dict[str, Any]:
    """Command and config for runs of the command, settings for those of Python, versions for all."""
    config = run.config if run.config and run.config.get("data") else None
    settings = {k: v for k, v in run.settings.items() if v is not None and k != "data"}
    versions = [("backlit", __version__), ("Python", ".".join(map(str, sys.version_info[:3])))]
    return {
        "command": command(config) if config else None,
        "config": tomli_w.dumps(config) if config else None,
        "settings": [(name, str(value)) for name, value in settings.items()],
        "versions": [*versions, *((name, version(name)) for name in LIBRARIES)],
        "seed": run.settings.get("seed"),
        "fingerprint": run.settings.get("data"),
        "quoted": repr(str(run.folder) if run.folder is not None else "RUN"),
    }
