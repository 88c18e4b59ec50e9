"""Journal: what a search keeps in its folder, so that it goes on after whatever ended it.

``search.json`` tells which search it is; ``trials.jsonl`` gets a line for each trial that came to a rung, written as
it comes; ``states.safetensors`` has what the survivors of the last rung go on from. Of a trial whose state isn't there
the training is done again, to the same bits.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from backlit.errors import InputError
from backlit.files import read_regular, to_disk, write_new, writing
from backlit.schema import fitted, parsed
from backlit.store.files import SEARCH, to_json
from backlit.store.run import from_tensors, to_tensors, understanding
from backlit.train.search import Trial
from backlit.train.search.trial import DIVERGED, STOPPED

INDEX, LINES, STATES, WINNER = "search.json", "trials.jsonl", "states.safetensors", "winner.json"
REMEDY = "begin the search anew, in another folder"


class Line(TypedDict):
    """A trial as the journal has it."""

    number: int
    history: list[dict[str, float | int]]
    ended: str


@dataclass(eq=False)
class Journal:
    """The journal of a search in a run's folder.

    Parameters
    ----------
    run : Path
        The folder of the run that the winner becomes.
    """

    run: Path
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where the journal is."""
        return self.run / SEARCH

    @property
    def exists(self) -> bool:
        """Whether a search was begun here."""
        return (self.folder / INDEX).is_file()

    def read(self) -> dict[str, Any]:
        """What the search was begun with."""
        path = self.folder / INDEX
        try:
            content = read_regular(path, self.run)
        except OSError as error:
            raise InputError(f"{self.run} holds no search to go on with ({path} can't be read)") from error
        with understanding(path, remedy=REMEDY):
            return fitted(dict[str, Any], parsed(content))

    def begin(self, told: Mapping[str, Any]) -> None:
        """Write what search it is, in place of any other that was here."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in (LINES, STATES, WINNER):
            (self.folder / name).unlink(missing_ok=True)
        with writing(self.folder / INDEX) as temporary:
            temporary.write_bytes(to_json(INDEX, dict(told)))

    def note(self, trials: Iterable[Trial]) -> None:
        """Add trials as they are now."""
        lines = [
            json.dumps({"number": trial.number, "history": list(trial.history), "ended": trial.ended}) + "\n"
            for trial in trials
        ]
        if lines:
            with (self.folder / LINES).open("a", encoding="utf-8") as file:
                file.write("".join(lines))
                file.flush()
                os.fsync(file.fileno())

    def keep(self, trials: Iterable[Trial]) -> None:
        """Keep what the survivors go on from, in place of what was kept before."""
        tensors: dict[str, Any] = {}
        since: dict[str, str] = {}
        for trial in trials:
            if trial.state is not None:
                since[str(trial.number)] = str(trial.since)
                tensors |= {f"{trial.number}:{i}": leaf for i, leaf in enumerate(trial.state)}
        if not tensors:
            (self.folder / STATES).unlink(missing_ok=True)
            return
        new = self.folder / f".{STATES}.new"
        write_new(new, to_tensors(tensors, since))
        to_disk(new)
        new.replace(self.folder / STATES)

    def restored(self, trials: Mapping[int, Trial]) -> dict[int, Trial]:
        """The trials as far as they had come; a line that was torn, the last of all, isn't there."""
        found = dict(trials)
        path = self.folder / LINES
        lines = read_regular(path, self.run).splitlines() if path.exists() else []
        for i, text in enumerate(lines):
            try:
                data = json.loads(text)
            except ValueError:
                if i + 1 < len(lines):
                    raise InputError(f"{path}, line {i + 1} is damaged; {REMEDY}") from None
                self.add(LINES, b"".join(line + b"\n" for line in lines[:-1]))  # others are to follow
                break
            with understanding(path, remedy=REMEDY):
                line = fitted(Line, data)
                if line["number"] not in found or line["ended"] not in ("", DIVERGED, STOPPED):
                    raise InputError(f"line {i + 1}: there is no trial {line['number']}, or no such end")
                if [record.get("epoch") for record in line["history"]] != list(range(1, len(line["history"]) + 1)):
                    raise InputError(f"line {i + 1}: the epochs aren't one after another")
            found[line["number"]] = dataclasses.replace(
                found[line["number"]], history=tuple(line["history"]), ended=line["ended"]
            )
        return self._with_states(found)

    def _with_states(self, trials: dict[int, Trial]) -> dict[int, Trial]:
        path = self.folder / STATES
        if not path.exists():
            return trials
        tensors, since = from_tensors(path, read_regular(path, self.run))
        for name, epochs in since.items():
            number = int(name) if name.isdecimal() else -1
            leaves = [tensors[key] for key in sorted((k for k in tensors if k.startswith(f"{name}:")), key=_place)]
            trial = trials.get(number)
            if trial is not None and epochs.isdecimal() and int(epochs) <= trial.epoch and not trial.ended:
                trials[number] = dataclasses.replace(trial, state=leaves, since=int(epochs))
        return trials

    def crown(self, number: int) -> bool:
        """Note whose run the folder gets; whether it was the same before."""
        path = self.folder / WINNER
        before = read_regular(path, self.run) if path.is_file() else b""
        self.add(WINNER, to_json(WINNER, {"trial": number}))
        return before == to_json(WINNER, {"trial": number})

    def add(self, name: str, content: bytes) -> Path:
        """Write a file of results beside the journal."""
        path = self.folder / name
        with writing(path) as temporary:
            temporary.write_bytes(content)
        return path


def _place(name: str) -> int:
    return int(name.partition(":")[2])
