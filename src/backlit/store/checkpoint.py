"""A run's folder while it trains, and going on from it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.files import locked
from backlit.graph import tree
from backlit.store import files
from backlit.store import run as storage
from backlit.store.files import to_json
from backlit.train.callbacks import History
from backlit.train.loop import Loop, Moment
from backlit.train.probes.history import ProbeHistory
from backlit.train.result import Run

KINDS: dict[str, Any] = {
    "settings": dict,
    "epoch": int,
    "history": list,
    "plateau": (dict, type(None)),
    "best_epoch": int,
}


@dataclass(frozen=True)
class Checkpoint:
    """Keeps a folder in which the run is whole at every moment.

    `state.safetensors` alone decides where training goes on: it holds the next update's parameters, optimizer and
    running state, the best weights so far, and the history.
    """

    folder: Path
    settings: dict[str, Any]
    resume: bool
    overwrite: bool = False

    @property
    def file(self) -> Path:
        """Where the state is."""
        return self.folder / storage.STATE

    @contextlib.contextmanager
    def open(self, loop: Loop) -> Iterator[None]:
        """The folder for this run alone, and the loop as it was saved there, if it is to go on."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(self.folder))
            except OSError as error:
                raise InputError(f"{self.folder} can't be written: {error}") from error
            if self.resume:
                self.restore(loop)
            elif files.holds_run(self.folder) and not self.overwrite:
                raise InputError(f"{self.folder} already holds a run; resume it, or choose another folder")
            yield

    def restore(self, loop: Loop) -> None:
        """Set the loop to the saved state.

        Raises
        ------
        InputError
            If there is no state, if it is damaged or belongs to another network, or if the settings differ.
        """
        name = self.file.name
        contents = files.read(self.folder, [name])[1] if files.holds_run(self.folder) else {}
        if name not in contents:
            raise InputError(f"{self.folder} holds no state to resume from (no {name})")
        tensors, metadata = storage.from_tensors(self.file, contents[name])
        with storage.understanding(self.file):
            told = {key: storage.expect(kind, json.loads(metadata[key]), key) for key, kind in KINDS.items()}
            best_value = float(metadata["best_value"])
            stopped = json.loads(metadata.get("stopped", "null"))  # format 1 didn't tell it
            history = History(storage.line(record) for record in told["history"])
            probed = storage.expect(list, json.loads(metadata.get("probes", "[]")), "probes")  # not in older files
            probes = ProbeHistory(storage.probe_line(record) for record in probed)
            if not len(history) == told["epoch"] >= told["best_epoch"] >= 0:
                raise ValueError(f"epoch {told['epoch']}, best {told['best_epoch']}, don't fit {len(history)} lines")
            if (told["plateau"] or {}).keys() != (loop.plateau_state or {}).keys():
                raise ValueError(f"plateau can't be {told['plateau']!r}")
        self._compare(told["settings"])
        with storage.understanding(self.file):
            carry = _carry(loop, tensors, "last:")
            best = _carry(loop, tensors, "best:") if told["best_epoch"] else None
        loop.carry, loop.epoch, loop.history, loop.probes = carry, told["epoch"], history, probes
        loop.plateau_state, loop.best_epoch, loop.best_value = told["plateau"], told["best_epoch"], best_value
        loop.best = None if best is None else Moment(best, loop.best_epoch, 0)
        loop.stopped = stopped if stopped == "early stopping" else ""  # then it had come to its end

    def _compare(self, saved: dict[str, Any]) -> None:
        different = [
            f"{key}: then {saved[key]!r}, now {value!r}"
            for key, value in json.loads(json.dumps(self.settings)).items()
            if key not in ("epochs", "data", "devices")
            and saved.get(key, value) != value  # an older version may not have had it
        ]
        if saved.get("data", self.settings["data"]) != self.settings["data"]:
            different.append("other training rows or targets")
        if different:
            raise InputError(
                f"{self.folder} was trained with other settings ({'; '.join(different)}): use the same to resume"
            )

    def write(self, loop: Loop, run: Run) -> None:
        """Write the run as it is now, and what is needed to go on."""
        tensors = _named("last:", loop.carry)
        if loop.best is not None:
            tensors |= _named("best:", loop.carry_at(loop.best))
        told = {
            "settings": self.settings,
            "epoch": loop.epoch,
            "stopped": loop.stopped,
            "history": list(loop.history),
            "probes": list(run.probes),
            "plateau": loop.plateau_state,
            "best_epoch": loop.best_epoch,
            "best_value": float(loop.best_value),
        }
        metadata = {name: to_json(self.file.name, value, indent=None).decode() for name, value in told.items()}
        storage.save(run, self.folder, overwrite=True, state=storage.to_tensors(tensors, metadata))


def _carry(loop: Loop, tensors: dict[str, np.ndarray], prefix: str) -> Any:
    """The loop's carry with the values of a file, which must have just its names, shapes and types."""
    names = tree.paths(loop.carry)
    leaves, structure = tree.flatten(loop.carry)
    found = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    missing, surplus = sorted(set(names) - set(found)), sorted(set(found) - set(names))
    if missing or surplus:
        raise InputError(
            f"doesn't belong to this network and optimizer: missing {missing[:3]}, unexpected {surplus[:3]}; "
            "use the same to resume"
        )
    for name, leaf in zip(names, leaves, strict=True):
        value = found[name]
        if (value.shape, value.dtype) != (leaf.shape, leaf.dtype):
            raise InputError(
                f"{name} has shape {value.shape} of {value.dtype}, expected {leaf.shape} of {leaf.dtype}; "
                "use the same network to resume"
            )
    put = loop.program.engine.put
    return tree.unflatten(structure, [put(found[name], leaf.dtype) for name, leaf in zip(names, leaves, strict=True)])


def _named(prefix: str, carry: Any) -> dict[str, np.ndarray]:
    return {prefix + name: np.asarray(leaf) for name, leaf in tree.items(carry)}
