"""A run's folder while it trains, and going on from it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np

from backlit import distributed
from backlit.errors import InputError, StreamError
from backlit.files import locked
from backlit.graph import tree
from backlit.schema import fitted, parsed
from backlit.settings import declared
from backlit.store import files, records
from backlit.store import run as storage
from backlit.store.files import to_json
from backlit.train.callbacks import History
from backlit.train.keeping import Checkpoint
from backlit.train.loop import REACHED, Loop, LoopState, Replay
from backlit.train.probes.history import ProbeRecords
from backlit.train.recipe import Recipe
from backlit.train.result import Result
from backlit.train.training import Training

KEYS = get_type_hints(records.Saved)  # the file's metadata tells its format besides


def keeper_of(training: Training) -> FolderKeeper | None:
    """Who keeps a run in the folder that its options name, if they name one."""
    checkpoint = training.keeping
    return None if checkpoint is None else FolderKeeper(checkpoint)


def train(recipe: Recipe) -> Result:
    """Train, in the folder that the recipe's options name, if they name one."""
    return recipe.fit(keeper_of(recipe.training))


@dataclass(frozen=True)
class FolderKeeper:
    """Keeps a folder in which the run is whole at every moment.

    `state.safetensors` alone decides where training goes on: it holds the next update's parameters, optimizer and
    running state, the best weights so far, and the history.
    """

    checkpoint: Checkpoint

    @property
    def every(self) -> int | None:
        """Epochs from one writing to the next; None for what takes little of the time."""
        return self.checkpoint.every

    @property
    def folder(self) -> Path:
        """Where the run is."""
        return Path(self.checkpoint.folder)

    @property
    def file(self) -> Path:
        """Where the state is."""
        return self.folder / storage.STATE

    @contextlib.contextmanager
    def open(self, loop: Loop, settings: dict[str, Any]) -> Iterator[bool]:
        """The folder for this run alone, and the loop as it was saved there, if it is to go on.

        It yields whether the folder is free: with nothing to go on with, the run begins, and may be written at once.
        """
        with contextlib.ExitStack() as stack:
            free = distributed.once(lambda: self._entered(stack))
            if self.checkpoint.resume and not free:
                self.restore(loop, settings)
            try:
                yield free
            except Exception as error:
                kept = isinstance(error, StreamError) and loop.history
                if free and not loop.written and not kept:  # all that was written is how it began
                    self._remove()
                raise
            if free and not loop.state.epoch and loop.diverged:
                self._remove()

    def _entered(self, stack: contextlib.ExitStack) -> bool:
        """Take the folder's lock until the stack is left, and tell whether no run is there."""
        self.check()
        try:
            stack.enter_context(locked(self.folder))
        except OSError as error:
            raise InputError(f"{self.folder} can't be written: {error.strerror or error}") from error
        free = not files.holds_run(self.folder)
        if not free and not self.checkpoint.resume and not self.checkpoint.overwrite:
            raise InputError(f"{self.folder} already holds a run; resume it, or choose another folder")
        return free

    def _remove(self) -> None:
        if distributed.is_first():
            files.remove(self.folder)

    def check(self) -> bool:
        """Whether the folder holds a run; one with what isn't a run's is refused, before a lock is put there."""
        held = files.holds_run(self.folder)
        if not (held and self.checkpoint.resume):
            files.refuse_foreign(self.folder)
        return held

    def restore(self, loop: Loop, settings: dict[str, Any]) -> None:
        """Set the loop to the saved state.

        Raises
        ------
        InputError
            If there is no state, if it is damaged or belongs to another network, or if the settings differ.
        """
        tensors, metadata = storage.from_tensors(self.file, distributed.handed(self._saved))
        with storage.understanding(self.file):
            told = fitted(dict[str, str], metadata)
            saved = fitted(records.Saved, {key: parsed(told[key].encode()) for key in KEYS if key in told})
            history = History(records.line(record) for record in saved["history"])
            probes = ProbeRecords(records.look(record) for record in saved.get("probes", ()))
            if not len(history) == saved["epoch"] >= saved["best_epoch"] >= 0:
                raise InputError(f"epoch {saved['epoch']}, best {saved['best_epoch']}, don't fit {len(history)} lines")
            if (saved["plateau"] or {}).keys() != (loop.state.plateau or {}).keys():
                raise InputError(f"plateau can't be {saved['plateau']!r}")
        self._compare(saved["settings"], settings, loop)
        with storage.understanding(self.file, remedy="use the same network and optimizer to resume"):
            last = _train_state(loop, tensors, "last:")
            best = _train_state(loop, tensors, "best:") if saved["best_epoch"] else None
        loop.history, loop.probes, loop.written = history, probes, saved["epoch"]
        loop.state = LoopState(
            train_state=last,
            epoch=saved["epoch"],
            best=None if best is None else Replay(best, saved["best_epoch"], 0),
            best_value=saved["best_value"],
            best_epoch=saved["best_epoch"],
            plateau=saved["plateau"],
        )
        loop.stopped = "early stopping" if saved.get("stopped") == "early stopping" else ""  # it had come to its end
        if loop.until_loss is not None and history and history[-1]["loss"] <= loop.until_loss:
            loop.stopped = REACHED

    def _saved(self) -> bytes:
        """The state's file, as it is."""
        name = self.file.name
        contents = files.read(self.folder, [name])[1] if files.holds_run(self.folder) else {}
        if name not in contents:
            raise InputError(f"{self.folder} holds no state to resume from (no {name})")
        return contents[name]

    def _compare(self, saved: dict[str, Any], settings: dict[str, Any], loop: Loop) -> None:
        """Refuse to go on with another training: what depends on it must be the same, and the data, too."""
        now = json.loads(json.dumps(settings))
        different = [
            f"{name}: then {saved.get(name)!r:.100}, now {now[name]!r:.100}"
            for name, option in declared(type(loop.job.training)).items()
            if option.scope == "identity"
            # An older version may not have had it: what is left out by default was left out.
            and saved.get(name, now[name] if option.default is not None else None) != now[name]
        ]
        if not loop.job.has_data(saved.get("data")):
            different.append("other training rows or targets (inputs, weights and held-out rows count, too)")
        if different:
            raise InputError(
                f"{self.folder} was trained with other settings ({'; '.join(different)}): use the same to resume"
            )

    def write(self, loop: Loop, result: Result) -> None:
        """Write the run as it is now, and what is needed to go on."""
        state = loop.state
        tensors = _named(loop, "last:", state.train_state)
        if state.best is not None:
            tensors |= _named(loop, "best:", loop.train_state_at(state.best))
        saved = {
            "settings": result.settings,
            "epoch": state.epoch,
            "stopped": loop.stopped,
            "history": list(loop.history),
            "probes": list(loop.probes),
            "plateau": state.plateau,
            "best_epoch": state.best_epoch,
            "best_value": float(state.best_value),
        }
        metadata = {name: to_json(self.file.name, value, indent=None).decode() for name, value in saved.items()}

        def save() -> None:
            storage.save(result, self.folder, overwrite=True, state=storage.to_tensors(tensors, metadata))

        distributed.once(save)


def _train_state(loop: Loop, tensors: dict[str, np.ndarray], prefix: str) -> Any:
    """The loop's train state with the values of a file, which must have just its names, shapes and types."""
    names = tree.paths(loop.state.train_state)
    leaves, structure = tree.flatten(loop.state.train_state)
    named = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    missing, surplus = sorted(set(names) - set(named)), sorted(set(named) - set(names))
    if missing or surplus:
        raise InputError(
            f"doesn't belong to this network and optimizer: missing {missing[:3]}, unexpected {surplus[:3]}"
        )
    for name, leaf in zip(names, leaves, strict=True):
        value = named[name]
        if (value.shape, value.dtype) != (leaf.shape, leaf.dtype):
            raise InputError(f"{name} has shape {value.shape} of {value.dtype}, expected {leaf.shape} of {leaf.dtype}")
    return loop.job.program.put(tree.unflatten(structure, [named[name] for name in names]))


def _named(loop: Loop, prefix: str, train_state: Any) -> dict[str, np.ndarray]:
    whole = loop.job.program.engine.fetch(train_state)
    return {prefix + name: leaf for name, leaf in tree.items(whole)}
