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
