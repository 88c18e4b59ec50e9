"""A run's folder while it trains, and going on from it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backlit.data.files import locked
from backlit.errors import InputError
from backlit.graph import tree
from backlit.train import storage
from backlit.train.callbacks import History
from backlit.train.loop import Loop, Moment
from backlit.train.run import Run


@dataclass(frozen=True)
class Checkpoint:
    """Keeps a folder in which the run is whole at every moment.

    `state.safetensors` alone decides where training goes on: it holds, in one file that is replaced at once, the next
    update's parameters, optimizer and running state, the best weights so far, and the history.
    """

    folder: Path
    settings: dict[str, Any]
    resume: bool
    overwrite: bool = False

    @property
    def file(self) -> Path:
        """Where the state is."""
        return self.folder / "state.safetensors"

    @contextlib.contextmanager
    def open(self, loop: Loop) -> Iterator[None]:
        """The folder for this run alone, and the loop as it was saved there, if it is to go on."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(self.folder))
            except OSError as error:
                raise InputError(f"{self.folder} can't be written: {error}") from error
            self.restore(loop)
            yield

    def restore(self, loop: Loop) -> None:
        """Set the loop to the saved state, or make sure that nothing is overwritten.

        Raises
        ------
        InputError
            If the folder holds a run and `resume` isn't set, if there is nothing to resume, or if the settings differ.
        """
        if not self.resume:
            if not self.overwrite and ((self.folder / "network.json").exists() or self.file.exists()):
                raise InputError(f"{self.folder} already holds a run; resume it, or choose another folder")
            return
        if not self.file.exists():
            raise InputError(f"{self.folder} holds no state to resume from (no {self.file.name})")
        tensors, metadata = storage.read_tensors(self.file)
        saved = json.loads(metadata["settings"])
        different = [
            f"{key}: then {saved.get(key)!r}, now {value!r}"
            for key, value in self.settings.items()
            if key not in ("epochs", "data") and saved.get(key) != value
        ]
        if saved.get("data") != self.settings.get("data"):
            different.append("other training rows or targets")
        if different:
            raise InputError(
                f"{self.folder} was trained with other settings ({'; '.join(different)}): use the same to resume"
            )
        loop.carry = self._carry(loop, tensors, "last:")
        loop.epoch = int(metadata["epoch"])
        if metadata["stopped"] == "early stopping":  # it had come to its end
            loop.stopped = metadata["stopped"]
        loop.history = History(json.loads(metadata["history"]))
        loop.plateau_state = json.loads(metadata["plateau"])
        loop.best_epoch, loop.best_value = int(metadata["best_epoch"]), float(metadata["best_value"])
        if loop.best_epoch:
            loop.best = Moment(self._carry(loop, tensors, "best:"), loop.best_epoch, 0)

    def write(self, loop: Loop, run: Run) -> None:
        """Write the run as it is now, and what is needed to go on."""
        tensors = _named("last:", loop.carry)
        if loop.best is not None:
            tensors |= _named("best:", loop.carry_at(loop.best))
        metadata = {
            "settings": json.dumps(self.settings),
            "epoch": str(loop.epoch),
            "stopped": loop.stopped,
            "history": json.dumps(list(loop.history)),
            "plateau": json.dumps(loop.plateau_state),
            "best_epoch": str(loop.best_epoch),
            "best_value": repr(float(loop.best_value)),
        }
        storage.save(run, self.folder, True, lambda path: storage.write_tensors(path, tensors, metadata))

    def _carry(self, loop: Loop, tensors: dict[str, np.ndarray], prefix: str) -> Any:
        names = tree.paths(loop.carry)
        leaves, structure = tree.flatten(loop.carry)
        missing = [name for name in names if prefix + name not in tensors]
        if missing:
            raise InputError(f"{self.file} doesn't belong to this network and optimizer: {missing[:3]} missing")
        put = loop.program.engine.put
        found = []
        for name, leaf in zip(names, leaves, strict=True):
            value = tensors[prefix + name]
            if value.shape != leaf.shape:
                raise InputError(f"{self.file}: {name} has shape {value.shape}, expected {leaf.shape}")
            found.append(put(value, leaf.dtype))
        return tree.unflatten(structure, found)


def _named(prefix: str, carry: Any) -> dict[str, np.ndarray]:
    return {prefix + name: np.asarray(leaf) for name, leaf in tree.items(carry)}
