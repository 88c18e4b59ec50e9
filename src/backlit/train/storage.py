"""A run as a folder of plain files, written together or not at all.

network.json         architecture, input shape, loss, settings, format version, SHA-256 of the other files
weights.safetensors  parameters ("0/weight") and running state ("state:1/mean")
data.json            classes, target encoding, preparation of raw input
history.jsonl        one line an epoch
judgement.json       scores on held-out rows, if the run came from a table or data set
config.toml          what would train it again, if the command trained it
state.safetensors    only while training can be resumed: all that the next update needs
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from backlit.data.files import locked, writing_together
from backlit.errors import BacklitError, InputError
from backlit.graph import tree
from backlit.nn import losses
from backlit.nn.layer import Layer
from backlit.nn.network import Network
from backlit.train.callbacks import History
from backlit.train.loop import Diverged
from backlit.train.run import Run, metric_table
from backlit.train.targets import Targets

FORMAT = 2
FILES = ("network.json", "weights.safetensors", "data.json", "history.jsonl")
OPTIONAL = ("judgement.json", "config.toml")
STATE = "state:"


def _json(path: Path, name: str, data: Any) -> None:
    """Write plain data, with a message that names what isn't plain."""
    try:
        text = json.dumps(data, ensure_ascii=False, indent=1, allow_nan=True)
    except TypeError as error:
        raise InputError(f"{name} can't be written: {error}; layers, losses and labels must be plain data") from error
    path.write_text(text + "\n", encoding="utf-8")


def write_tensors(path: Path, tensors: dict[str, Any], metadata: dict[str, str]) -> None:
    """Write arrays by name."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    try:
        save_file({name: np.asarray(value, order="C") for name, value in tensors.items()}, path, metadata)
    except SafetensorError as error:  # a full disk is one, too
        raise OSError(str(error)) from error


def read_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Arrays by name, and the metadata; InputError for a damaged file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} can't be read: {error}; it may be damaged or no safetensors file") from error


def save(run: Run, folder: Path, overwrite: bool = False, state: Callable[[Path], None] | None = None) -> Path:
    """Write a run to a folder: all files, or, whatever happens, none.

    Parameters
    ----------
    state : callable, optional
        Writes what training needs to go on to the path that it is given.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; a run is saved to a folder")
    if (folder / "network.json").exists() and not overwrite:
        raise InputError(f"{folder} already holds a run; choose another folder, or save(folder, overwrite=True)")
    try:
        with locked(folder), writing_together(folder) as stage:
            written = _stage_parts(run, stage)
            if state is not None:
                state(stage("state.safetensors"))
            sums = {name: _checksum(path) for name, path in written.items()}
            _json(stage("network.json"), "network.json", _description(run) | {"files": sums})
        for name in OPTIONAL:  # of the run that was here before
            if name not in written:
                (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{folder} can't be written: {error}; what was there is as it was") from error
    run.folder = folder
    return folder


def _stage_parts(run: Run, stage: Callable[[str], Path]) -> dict[str, Path]:
    """Write all files but network.json to where `stage` says; their paths by name."""
    paths = {name: stage(name) for name in ("weights.safetensors", "data.json", "history.jsonl")}
    weights = tree.flatten_dict(run.network.params)
    running = {STATE + name: value for name, value in run.network.state.items()}
    write_tensors(paths["weights.safetensors"], weights | running, {"format": str(FORMAT)})
    _json(
        paths["data.json"],
        "data.json",
        {"targets": run.targets.to_dict(), "preparation": _describe(run.preparation)},
    )
    lines = [json.dumps(record, ensure_ascii=False) for record in run.history]
    paths["history.jsonl"].write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    if run.judgement is not None:
        paths["judgement.json"] = stage("judgement.json")
        _json(paths["judgement.json"], "judgement.json", run.judgement)
    if run.config is not None:
        paths["config.toml"] = stage("config.toml")
        paths["config.toml"].write_text(tomli_w.dumps(run.config), encoding="utf-8")
    return paths


def _description(run: Run) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "architecture": run.network.architecture.to_dict(),
        "input_shape": list(run.network.input_shape),
        "dtype": str(run.network.dtype),
        "loss": losses.to_dict(run.loss),
        "metrics": _metric_names(run.metrics),
        "optimizer": run.optimizer.to_dict() if hasattr(run.optimizer, "to_dict") else repr(run.optimizer),
        "settings": run.settings,
        "stopped": run.stopped,
        "best_epoch": run.best_epoch,
        "diverged": vars(run.diverged) if run.diverged else None,
    }


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load(folder: str | Path) -> Run:
    """Read a run that `Run.save` wrote.

    Parameters
    ----------
    folder : path

    Returns
    -------
    Run
        That predicts just as the saved one.

    Raises
    ------
    InputError
        If the folder isn't a run, or one of its files is missing, damaged or made by a newer version.

    Examples
    --------
    >>> import backlit as bl, numpy as np, tempfile
    >>> run = bl.fit(bl.Linear(1), np.eye(3), np.arange(3.0), epochs=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     same = bl.load(run.save(folder + "/line"))
    >>> bool((same.predict(np.eye(3)) == run.predict(np.eye(3))).all())
    True
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: expected the folder of a run, as run.save or backlit train writes it")
    missing = [name for name in FILES if not (folder / name).exists()]
    if missing:
        raise InputError(f"{folder} is no complete run: {', '.join(missing)} missing")
    description = _read_json(folder / "network.json")
    _check_format(folder, description)
    _check_files(folder, description.get("files"))
    data = _read_json(folder / "data.json")
    try:
        architecture = Layer.from_dict(description["architecture"])
        shape = tuple(description["input_shape"])
        network = architecture.build(shape, dtype=description["dtype"])
        tensors, _ = read_tensors(folder / "weights.safetensors")
        network = network.replace(**_fill(network, tensors, folder / "weights.safetensors"))
        loss = losses.from_dict(description["loss"])
        return Run(
            network=network,
            history=_read_history(folder / "history.jsonl"),
            loss=loss,
            targets=Targets.from_dict(data["targets"]),
            metrics=metric_table(description["metrics"], loss),
            stopped=description["stopped"],
            diverged=Diverged(**description["diverged"]) if description["diverged"] else None,
            best_epoch=description["best_epoch"],
            settings=description["settings"],
            preparation=_restore(data["preparation"]),
            folder=folder,
            judgement=_read_json(folder / "judgement.json") if "judgement.json" in description["files"] else None,
            config=_read_toml(folder / "config.toml") if "config.toml" in description["files"] else None,
        )
    except BacklitError as error:
        raise InputError(f"{folder} can't be loaded: {error}") from error
    except (KeyError, TypeError, AttributeError, ValueError, IndexError, OverflowError) as error:
        raise InputError(f"{folder} is damaged: {type(error).__name__} {error} in network.json or data.json") from error


def _check_format(folder: Path, description: Any) -> None:
    found = description.get("format") if isinstance(description, dict) else None
    if isinstance(found, bool) or not isinstance(found, int):
        raise InputError(f"{folder / 'network.json'} doesn't describe a network")
    if found > FORMAT:
        raise InputError(
            f"{folder} was written by a newer version (format {found}, this one reads {FORMAT}): "
            "pip install --upgrade backlit"
        )
    if found < FORMAT:
        raise InputError(
            f"{folder} was written by an older version (format {found}, this one reads {FORMAT}): train it again"
        )


def _check_files(folder: Path, sums: Any) -> None:
    """Each file must be as it was saved: by its SHA-256."""
    if not isinstance(sums, dict) or not set(FILES) - {"network.json"} <= set(sums) <= {*FILES, *OPTIONAL}:
        raise InputError(f"{folder / 'network.json'} is damaged: it doesn't list the run's files")
    for name, expected in sums.items():
        try:
            found = _checksum(folder / name)
        except OSError as error:
            raise InputError(f"{folder / name} can't be read: {error}") from error
        if found != expected:
            raise InputError(
                f"{folder / name} isn't as it was saved (SHA-256 {found[:12]}…, expected {str(expected)[:12]}…): "
                "restore it, or train again"
            )


def _fill(network: Network, tensors: dict[str, np.ndarray], path: Path) -> dict[str, Any]:
    """Params and state from named arrays, which must be just those of the network."""
    expected = tree.flatten_dict(network.params) | {STATE + name: value for name, value in network.state.items()}
    if set(tensors) != set(expected):
        absent, extra = sorted(set(expected) - set(tensors)), sorted(set(tensors) - set(expected))
        raise InputError(f"{path} doesn't belong to this network: missing {absent[:5]}, unexpected {extra[:5]}")
    for name, value in expected.items():
        if tensors[name].shape != value.shape:
            raise InputError(f"{path}: {name} has shape {tensors[name].shape}, the network needs {value.shape}")
    params = {name: value for name, value in tensors.items() if not name.startswith(STATE)}
    ordered = tree.map(lambda _, value: value, network.params, tree.nest(params)) if params else network.params
    return {"params": ordered, "state": {name: tensors[STATE + name] for name in network.state}}


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InputError(f"{path} can't be read: {error}; it may be damaged") from error


def _read_toml(path: Path) -> Any:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InputError(f"{path} can't be read: {error}; it may be damaged") from error


def _read_history(path: Path) -> History:
    try:
        return History(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    except ValueError as error:
        raise InputError(f"{path} can't be read: {error}; it may be damaged") from error


def _metric_names(table: dict[str, Any]) -> list[str]:
    """Metrics that can be had again by name; a user's own function can't be saved."""
    from backlit.nn import metrics

    names = []
    for name in table:
        with contextlib.suppress(InputError):
            metrics.get(name)
            names.append(name)
    return names


# What may turn raw input into arrays, by the name under which files hold it: nothing else is ever imported.
PREPARATIONS = {
    "TablePreparation": "backlit.data.table",
    "Standardize": "backlit.data.scaling",
    "MinMax": "backlit.data.scaling",
    "Center": "backlit.data.scaling",
}


def _describe(preparation: Any) -> dict[str, Any] | None:
    if preparation is None:
        return None
    kind = type(preparation).__name__
    if kind not in PREPARATIONS:
        raise InputError(f"a run prepared by {kind} can't be saved; known preparations: {', '.join(PREPARATIONS)}")
    return {"kind": kind, **preparation.to_dict()}


def _restore(data: dict[str, Any] | None) -> Any:
    if data is None:
        return None
    rest = dict(data)
    kind = rest.pop("kind")
    return getattr(importlib.import_module(PREPARATIONS[kind]), kind).from_dict(rest)
