"""A run as a folder of plain files, each written atomically.

network.json         architecture, input shape, loss, settings, format version
weights.safetensors  parameters ("0/weight") and running state ("state:1/mean")
data.json            classes, target encoding, preparation of raw input
history.jsonl        one line an epoch
judgement.json       scores on held-out rows, if the run came from a table or data set
config.toml          what would train it again, if the command trained it
state.safetensors    only while training can be resumed: all that the next update needs
"""

from __future__ import annotations

import contextlib
import importlib
import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from backlit.data.files import writing
from backlit.errors import InputError
from backlit.graph import tree
from backlit.nn import losses
from backlit.nn.layer import Layer
from backlit.nn.network import Network
from backlit.train.callbacks import History
from backlit.train.loop import Diverged
from backlit.train.run import Run, metric_table
from backlit.train.targets import Targets

FORMAT = 1
FILES = ("network.json", "weights.safetensors", "data.json", "history.jsonl")
STATE = "state:"


def write_json(path: Path, data: Any) -> None:
    """Write plain data atomically, with a message that names what isn't plain."""
    try:
        text = json.dumps(data, ensure_ascii=False, indent=1, allow_nan=True)
    except TypeError as error:
        raise InputError(
            f"{path.name} can't be written: {error}; layers, losses and labels must be plain data"
        ) from error
    with writing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def write_tensors(path: Path, tensors: dict[str, Any], metadata: dict[str, str]) -> None:
    """Write arrays by name atomically."""
    from safetensors.numpy import save_file

    arrays = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    with writing(path) as temporary:
        save_file(arrays, temporary, metadata)


def read_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Arrays by name, and the metadata; InputError for a damaged file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} can't be read: {error}; it may be damaged or no safetensors file") from error


def save(run: Run, folder: Path, overwrite: bool = False) -> Path:
    """Write a run to a folder."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; a run is saved to a folder")
    if (folder / "network.json").exists() and not overwrite:
        raise InputError(f"{folder} already holds a run; choose another folder, or save(folder, overwrite=True)")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        description = {
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
        write_json(folder / "data.json", {"targets": run.targets.to_dict(), "preparation": _describe(run.preparation)})
        weights = tree.flatten_dict(run.network.params)
        state = {STATE + name: value for name, value in run.network.state.items()}
        write_tensors(folder / "weights.safetensors", weights | state, {"format": str(FORMAT)})
        with writing(folder / "history.jsonl") as temporary:
            lines = [json.dumps(record, ensure_ascii=False) for record in run.history]
            temporary.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        if run.judgement is not None:
            write_json(folder / "judgement.json", run.judgement)
        if run.config is not None:
            with writing(folder / "config.toml") as temporary:
                temporary.write_text(tomli_w.dumps(run.config), encoding="utf-8")
        write_json(folder / "network.json", description)  # last: a folder with it is a whole run
    except OSError as error:
        raise InputError(f"{folder} can't be written: {error}") from error
    run.folder = folder
    return folder


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
    if not isinstance(description, dict) or "format" not in description:
        raise InputError(f"{folder / 'network.json'} doesn't describe a network")
    if description["format"] > FORMAT:
        raise InputError(
            f"{folder} was written by a newer version (format {description['format']}, this one reads {FORMAT}): "
            "pip install --upgrade backlit"
        )
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
            judgement=_read_json(folder / "judgement.json") if (folder / "judgement.json").exists() else None,
            config=_read_toml(folder / "config.toml") if (folder / "config.toml").exists() else None,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder} is damaged: {type(error).__name__} {error} in network.json or data.json") from error


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
